"""Charts of every page: nothing cut, labels at their ticks, and saved and copied without a request."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browser.charts import no_faults
from browser.conftest import WAIT_MS, idle, segment, serve, show
from support.cell_folder import write_cells
from support.small_plate import small_plate

from ellimaps.plates.measuring.profiles import save_profiles
from ellimaps.samples.sensors import sample_sensors

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """A workbench with a plate, a sensor log and cells."""
    root = tmp_path_factory.mktemp("data")
    save_profiles(small_plate(root), root / "results" / "small")
    sample_sensors(root / "demo", seed=1, days=15, every=10, instruments=1)
    write_cells(root / "cells", 16, 96)
    with serve(root, tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def explored(chromium, workbench):
    """The example, segmented, in the view Explore."""
    page = workbench.open_page(chromium)
    page.get_by_role("button", name="terraces", exact=True).first.click()
    page.get_by_text("Angle of incidence").wait_for()
    segment(page, 4)
    yield page
    page.close()


def other_page(browser, workbench, name):
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.set_default_timeout(WAIT_MS)
    page.goto(f"{workbench.address}/{name}")
    return page


def left_edge(page, number):
    """Where the plot of a chart begins: charts below each other share their wavelengths."""
    chart = page.get_by_test_id("stVegaLiteChart").nth(number)
    return chart.locator(".role-frame .background").first.bounding_box()["x"]


def test_charts_of_the_maps(explored, workbench):
    page = explored
    assert abs(left_edge(page, 0) - left_edge(page, 1)) < 1.5
    page.get_by_text("Distributions").click()
    idle(page)
    no_faults(page, charts=6)
    show(page, "How many?")
    page.get_by_role("button", name="Estimate").click()
    page.get_by_role("button", name="Segment, k = 4").wait_for()
    no_faults(page, charts=4)
    show(page, "Fit")
    page.get_by_role("button", name="Fit", exact=True).click()
    page.get_by_role("img", name="Thickness (nm)").wait_for()
    assert max(abs(left_edge(page, 0) - left_edge(page, number)) for number in (1, 2)) < 1.5
    page.get_by_text("How certain it is").click()
    no_faults(page, charts=6)
    page.get_by_role("button", name="Fit every pixel").click()
    page.get_by_text("of the pixels are trusted").wait_for()
    no_faults(page, charts=6)
    assert workbench.complaints() == []


def test_long_names_of_clusters_are_whole(explored, tmp_path):
    page = explored
    names = ["SiO2 substrate", "hBN flake, thick", "Pyrolytic graphite", "2"]
    recipe = tmp_path / "named.toml"
    recipe.write_text(f"k = 4\nnames = {names}\n", encoding="utf-8")
    page.get_by_role("button", name="Load a recipe").click()
    page.locator("input[type=file]").first.set_input_files(recipe)
    page.get_by_text("named.toml").first.wait_for()
    page.get_by_role("button", name="Load", exact=True).click()
    chart = page.get_by_test_id("stVegaLiteChart").first
    chart.get_by_text("Pyrolytic graphite").first.wait_for()
    no_faults(page, charts=2)
    shown = [text.strip() for text in chart.locator("text").all_text_contents()]
    assert set(names) <= set(shown)


def test_charts_of_sensors(chromium, everything):
    page = other_page(chromium, everything, "sensors")
    page.get_by_role("combobox", name="Log").fill("demo/log.csv")
    page.keyboard.press("Enter")
    page.locator(".js-plotly-plot").wait_for()
    for view, found, charts in (
        ("Data coverage", "When which sensor reported", 2),
        ("Stability", "Worst window", 1),
        ("Forecast", "How well it did before", 2),
        ("Relations", "Cross-correlation after whitening", 3),
    ):
        show(page, view)
        page.get_by_text(found).first.wait_for()
        no_faults(page, charts=charts)


def test_charts_of_a_plate(chromium, everything):
    page = other_page(chromium, everything, "plates")
    page.get_by_text("48 of 48 points", exact=True).wait_for()
    show(page, "Plate map")
    page.get_by_text("Dots mark control wells").wait_for()
    no_faults(page, charts=1)
    show(page, "By compound")
    page.get_by_role("combobox", name=re.compile("Measure$")).click()
    page.get_by_role("option", name="nuclei area").click()
    page.get_by_text("gray: controls").first.wait_for()
    no_faults(page, charts=1)


def test_charts_of_cells(chromium, everything):
    page = other_page(chromium, everything, "classify")
    show(page, "Train")
    labels = page.get_by_role("combobox", name=re.compile("Labels$"))
    labels.fill("cells/labels.csv")
    labels.press("Enter")
    idle(page)
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_text("Measurements that decide").first.wait_for()
    no_faults(page, charts=1)
    show(page, "Try")
    page.get_by_text("All measurements").wait_for()
    no_faults(page, charts=1)


def test_a_chart_is_saved_and_copied_and_no_request_leaves_the_machine(explored, workbench):
    page = explored
    hosts = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=workbench.address)
    chart = page.get_by_test_id("stVegaLiteChart").first
    chart.hover()
    tools = page.get_by_test_id("stFullScreenFrame").filter(has=chart).first
    saved = ET.fromstring(downloaded(page, tools, "Download as SVG").read_text(encoding="utf-8"))
    texts = [text.text for text in saved.iter(f"{SVG}text")]
    assert "Delta (°)" in texts
    assert "wavelength (nm)" in texts
    assert downloaded(page, tools, "Download as PNG").read_bytes().startswith(b"\x89PNG")
    chart.hover()
    tools.get_by_role("button", name="Copy as image").click()
    tools.get_by_role("button", name="Copied").wait_for()
    width, height = page.evaluate("""async () => {
      const [item] = await navigator.clipboard.read();
      const picture = await createImageBitmap(await item.getType('image/png'));
      return [picture.width, picture.height];
    }""")
    box = chart.bounding_box()
    assert abs(width - 3 * box["width"]) < 6
    assert abs(height - 3 * box["height"]) < 6
    assert hosts <= {"127.0.0.1", None}
    assert workbench.complaints() == []


def test_lines_over_time_are_saved_with_all_that_is_drawn(chromium, everything):
    page = other_page(chromium, everything, "sensors")
    page.get_by_role("combobox", name="Log").fill("demo/log.csv")
    page.keyboard.press("Enter")
    chart = page.get_by_test_id("stPlotlyChart")
    chart.locator(".legendtoggle").first.wait_for()
    idle(page)
    chart.hover()
    with page.expect_download() as download:
        chart.locator("[data-title='Download as SVG']").click()
    saved = ET.fromstring(Path(download.value.path()).read_text(encoding="utf-8"))
    assert "local time" in [text.text for text in saved.iter(f"{SVG}text")]
    # Lines and not a picture of them: sharp at any size.
    assert max(len(path.get("d", "")) for path in saved.iter(f"{SVG}path")) > 5000
    assert not list(saved.iter(f"{SVG}image"))


def downloaded(page, tools, name):
    with page.expect_download() as download:
        tools.get_by_role("button", name=name).click()
    return Path(download.value.path())
