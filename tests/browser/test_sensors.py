"""The Sensors page in Chromium: open a log, drag to zoom, hide and isolate by the legend, every view."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from browser.conftest import WAIT_MS, idle, serve, show

from ellimaps.samples.sensors import sample_sensors


@pytest.fixture(scope="module")
def sensors(tmp_path_factory):
    root = tmp_path_factory.mktemp("sensors")
    # Notes on one log are in nobody's way on the other.
    for name in ("demo", "judged"):
        sample_sensors(root / name, seed=1, days=15, every=10, instruments=1)
    with serve(root, tmp_path_factory.mktemp("server")) as running:
        yield running


def until_hidden(page, n):
    """Wait until the legend has hidden so many lines of the chart."""
    page.wait_for_function(
        """(n) => {
          const lines = document.querySelector(".js-plotly-plot").data;
          return lines.filter((line) => line.visible === "legendonly").length === n;
        }""",
        arg=n,
    )


def test_the_page_as_a_user_walks_through_it(chromium, sensors):
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(WAIT_MS)
    page.goto(f"{sensors.address}/sensors")
    page.get_by_role("combobox", name="Log").fill("demo/log.csv")
    page.keyboard.press("Enter")
    page.get_by_text("6 sensors of 2 sources in 2 regions").wait_for()
    plot = page.locator(".js-plotly-plot")
    plot.wait_for()
    idle(page)
    shown = page.get_by_text(re.compile(r"^20\d\d-\d\d-\d\d \d\d:\d\d to "))
    before = shown.inner_text()

    entries = plot.locator(".legend .traces .legendtoggle")
    entries.first.click()
    until_hidden(page, 1)
    entries.first.click()
    until_hidden(page, 0)
    entries.last.dblclick()
    until_hidden(page, 1)
    entries.last.dblclick()

    box = plot.locator(".nsewdrag").first.bounding_box()
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 60, steps=5)
    page.mouse.up()
    page.wait_for_function("(text) => !document.body.innerText.includes(text)", arg=before)
    idle(page)
    page.get_by_role("button", name="Whole log").click()
    page.get_by_text(before).wait_for()

    for view, found in (
        ("Data coverage", "When which sensor reported"),
        ("Stability", "Worst window"),
        ("Anomalies", re.compile("periods, the latest first|Nothing unusual")),
        ("Forecast", "How well it did before"),
        ("Relations", "Cross-correlation after whitening"),
    ):
        show(page, view)
        page.get_by_text(found).first.wait_for()
        idle(page)
    assert not sensors.complaints()
    page.close()


def test_back_undoes_a_zoom_and_a_view_and_a_day_of_the_calendar_opens(chromium, sensors):
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(WAIT_MS)
    page.goto(f"{sensors.address}/sensors?sensors_typed=demo/log.csv")
    shown = page.get_by_text(re.compile(r"^20\d\d-\d\d-\d\d \d\d:\d\d to "))
    shown.wait_for()
    idle(page)
    whole = shown.inner_text()
    page.get_by_role("button", name="Last day").click()
    page.wait_for_url("**sensors_time=**")
    day = page.url
    page.get_by_text(whole).wait_for(state="hidden")
    idle(page)
    zoomed = shown.inner_text()
    page.reload()
    page.locator(".js-plotly-plot").wait_for()
    page.get_by_text(zoomed).wait_for()
    assert page.url == day
    show(page, "Stability")
    page.get_by_text("Worst window", exact=True).wait_for()
    page.go_back()
    page.locator(".js-plotly-plot").wait_for()
    assert page.url == day
    page.go_back()
    page.get_by_text(whole).wait_for()
    page.reload()
    page.get_by_text(whole).wait_for()

    show(page, "Stability")
    page.get_by_text("Worst window", exact=True).wait_for()
    idle(page)
    page.locator(".stVegaLiteChart .mark-rect path").nth(8).click()
    page.locator(".js-plotly-plot").wait_for()
    idle(page)
    assert re.fullmatch(r"(\S+) 00:00 to \S+ 00:00", shown.inner_text())
    assert not sensors.complaints()
    page.close()


def test_what_was_judged_noted_and_configured_is_there_after_a_reload_and_for_others(chromium, sensors):
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(WAIT_MS)
    page.goto(f"{sensors.address}/sensors?sensors_typed=judged/log.csv&sensors_view=Anomalies")
    found = page.get_by_text(re.compile(r"^\d+ periods?, the latest first"))
    found.wait_for()
    idle(page)
    before = found.inner_text()
    page.get_by_test_id("stDataFrame").first.click(position={"x": 18, "y": 55})
    page.get_by_role("textbox", name="Note").fill("the cleaners")
    page.get_by_role("button", name="Dismiss").click()
    page.get_by_text("1 dismissed are not shown").wait_for()
    page.get_by_text("Alerts: none").click()
    page.get_by_role("checkbox", name="Anomalies").check(force=True)
    page.get_by_role("button", name="Save alerts").click()
    page.get_by_text("Alerts: movements beyond 0.5 °C").wait_for()
    idle(page)
    address = page.url
    page.reload()
    other = chromium.new_page(viewport={"width": 1280, "height": 900})
    other.set_default_timeout(WAIT_MS)
    other.goto(address)
    for one in (page, other):
        one.get_by_text("1 dismissed are not shown").wait_for()
        one.get_by_text("Alerts: movements beyond 0.5 °C").wait_for()
        idle(one)
        one.get_by_text("Show dismissed").click()
        one.get_by_text(before).wait_for()
        one.close()
    assert not sensors.complaints()


def legend(page):
    """The lines of the chart, as its legend names them."""
    page.locator(".js-plotly-plot .legendtext").first.wait_for()
    return set(page.locator(".js-plotly-plot .legendtext").all_text_contents())


def choose(page, control, option):
    page.get_by_role("combobox", name=control).click()
    page.get_by_role("option", name=option, exact=True).click()
    page.keyboard.press("Escape")
    idle(page)


def test_back_undoes_a_choice_of_sensors_and_a_copied_address_shows_the_same(chromium, sensors):
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(WAIT_MS)
    page.goto(f"{sensors.address}/sensors?sensors_typed=demo/log.csv")
    alone = legend(page)
    idle(page)
    choose(page, "Sensors", "room humidity")
    page.wait_for_url("**sensors_names=room_humidity**")
    page.locator(".js-plotly-plot .y2title").wait_for()
    both = legend(page)
    assert len(both) == 2 * len(alone) == 4
    page.get_by_role("button", name="Last day").click()
    page.wait_for_url("**sensors_time=**")
    idle(page)
    show(page, "Anomalies")
    choose(page, re.compile("Sensor$"), "Europe / E1 / room temperature")
    page.wait_for_url("**sensors_one=**")
    page.get_by_text(re.compile("periods?, the latest first|Nothing unusual")).wait_for()
    address = page.url

    other = chromium.new_page(viewport={"width": 1280, "height": 900})
    other.set_default_timeout(WAIT_MS)
    other.goto(address)
    other.get_by_text(re.compile("periods?, the latest first|Nothing unusual")).wait_for()
    idle(other)
    shown = page.get_by_text(re.compile(r"^20\d\d-\d\d-\d\d \d\d:\d\d to ")).inner_text()
    other.get_by_text(shown).wait_for()
    assert other.locator(".js-plotly-plot .ytitle").text_content() == "room temperature (°C)"
    show(other, "Readings")
    assert legend(other) == both
    other.close()

    page.go_back()
    page.wait_for_url(lambda url: "sensors_one" not in url)
    page.locator(".js-plotly-plot .ytitle", has_text="instrument temperature").wait_for()
    page.go_back()
    idle(page)
    assert legend(page) == both
    page.go_back()
    page.get_by_text(shown).wait_for(state="hidden")
    page.go_back()
    page.wait_for_url(lambda url: "sensors_names" not in url)
    page.wait_for_function("() => document.querySelectorAll('.js-plotly-plot .legendtext').length === 2")
    assert legend(page) == alone
    page.reload()
    assert legend(page) == alone
    idle(page)
    assert not sensors.complaints()
    page.close()


# Of every view the files beside its charts, and what stands in them.
NUMBERS = {
    "Readings": {"Readings": {"time", "value", "sensor_name"}},
    "Data coverage": {"Coverage": {"start", "end", "share"}, "Distribution": {"hour", "median", "p90"}},
    "Compare": {"Difference": {"a", "b", "difference"}, "By hour of day": {"hour", "difference", "p90"}},
    "Stability": {"Sensors": {"share_out"}, "Days": {"share_out"}, "Periods": {"start", "range"}},
    "Anomalies": {"Readings": {"time", "value"}, "Periods": {"score", "reason", "judgement"}},
    "Forecast": {
        "Forecast": {"value", "low", "seasonal_naive"},
        "Last day": {"came", "value"},
        "Accuracy": {"horizon", "mase"},
    },
    "Relations": {
        "Lag": {"lag_min", "r"},
        "Correlation": {"first", "second"},
        "Daily": {"hour", "median"},
    },
}


def test_the_numbers_of_every_chart_are_saved(chromium, sensors):
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(WAIT_MS)
    page.goto(f"{sensors.address}/sensors?sensors_typed=demo/log.csv")
    page.locator(".js-plotly-plot").wait_for()
    for view, files in NUMBERS.items():
        show(page, view)
        page.get_by_role("button", name=f"{next(iter(files))} CSV").wait_for()
        idle(page)
        offered = page.get_by_test_id("stDownloadButton").filter(has_text="CSV", visible=True)
        assert offered.count() == len(files)
        for name, columns in files.items():
            with page.expect_download() as download:
                page.get_by_role("button", name=f"{name} CSV").click()
            table = pd.read_csv(download.value.path())
            assert len(table) > 0
            assert columns <= set(table.columns), f"{view}, {name}: {list(table.columns)}"
    assert not sensors.complaints()
    page.close()
