"""The Sensors page by Streamlit's own test driver: empty, opened, zoomed, every view, and wrong logs."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest
from support.choosing import choose

from ellimaps.samples.sensors import sample_sensors
from ellimaps.sensors.watching.alerts import noted_alerts
from ellimaps.ui.pages.sensors.readings import robust_range


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    sample_sensors(root / "demo", seed=2, days=24, every=15, instruments=1)
    (root / "damaged.csv").write_bytes(b"\x00\x01 no log")
    return root


def _page():
    from ellimaps.ui.pages.sensors.page import render

    render()


@pytest.fixture
def empty(data, monkeypatch, tmp_path):
    monkeypatch.setenv("ELLIMAPS_DATA_ROOT", str(data))
    monkeypatch.setenv("ELLIMAPS_CACHE", str(data / "cache"))
    monkeypatch.chdir(tmp_path)
    page = AppTest.from_function(_page, default_timeout=60).run()
    assert not page.exception
    return page


def opened(page, text):
    return waited(choose(page, "sensors_typed", text))


def waited(page):
    """Run until the work in the background has ended."""
    for _ in range(100):
        assert not page.exception
        task = page.session_state["SensorsState"].task
        if task is None:
            return page
        task.job.wait(30)
        page.run()
    raise AssertionError("the work did not end")


@pytest.fixture
def page(empty):
    return opened(empty, "demo/log.csv")


def view(page, name):
    page.segmented_control(key="sensors_tab").set_value(name).run()
    return waited(page)


def texts(page):
    return " ".join(
        str(element.value) for element in [*page.markdown, *page.caption, *page.success, *page.warning]
    )


def test_empty_says_what_to_do_and_lists_logs(empty):
    assert "whether a room was stable" in texts(empty)
    assert len(empty.code) == 3
    assert "demo/log.csv" in empty.selectbox(key="sensors_typed").options


def test_the_empty_page_opens_a_generated_example(empty):
    empty.button(key="sensors_example").click().run()
    assert "**6 sensors** of 2 sources" in texts(waited(empty))
    assert empty.selectbox(key="sensors_typed").options[0] == "generated example"


def test_what_was_opened_last_comes_first_after_a_restart_too(page):
    state = opened(page, "damaged.csv").session_state["SensorsState"]
    assert state.recent == ["demo/log.csv"]
    facts = json.loads(json.dumps(state.facts()))
    assert type(state).of_facts(facts).recent == ["demo/log.csv"]
    assert page.selectbox(key="sensors_typed").options[:2] == ["damaged.csv", "demo/log.csv"]


def test_an_address_shows_the_same_time(page):
    page.button(key="sensors_last_day").click().run()
    address = {"sensors_time": "".join(page.query_params["sensors_time"])}
    address |= {"sensors_typed": "demo/log.csv", "work": "x" * 16}
    other = AppTest.from_function(_page, default_timeout=60)
    for name, value in address.items():
        other.query_params[name] = value
    waited(other.run())
    assert other.session_state["SensorsState"].zoom == page.session_state["SensorsState"].zoom
    # Back: the address of before the zoom.
    del other.query_params["sensors_time"]
    assert waited(other.run()).session_state["SensorsState"].zoom is None
    for damaged in ("yesterday", "2025/2024", "/", "2025-01-01"):
        other.query_params["sensors_time"] = damaged
        assert waited(other.run()).session_state["SensorsState"].zoom is None


def test_what_is_chosen_stands_in_the_address_and_what_it_says_of_nothing_is_let_alone(page):
    page.multiselect(key="sensors_names").set_value(["room_temperature", "room_humidity"]).run()
    view(page, "Anomalies")
    page.number_input(key="sensors_alarms").set_value(2.5).run()
    page.toggle(key="sensors_show_dismissed").set_value(True).run()
    waited(page)
    names = ("sensors_names", "sensors_alarms", "sensors_show_dismissed", "sensors_view")
    address = {name: page.query_params[name] for name in names}
    assert address["sensors_names"] == ["room_temperature", "room_humidity"]

    def linked(said):
        other = AppTest.from_function(_page, default_timeout=60)
        other.query_params |= {"sensors_typed": "demo/log.csv"} | said
        return waited(other.run())

    other = linked(address)
    assert other.number_input(key="sensors_alarms").value == 2.5
    assert other.toggle(key="sensors_show_dismissed").value
    assert len(view(other, "Readings").multiselect(key="sensors_names").value) == 2
    odd = {"sensors_alarms": "nan", "sensors_one": "nobody", "sensors_view": "Anomalies"}
    other = linked(odd | {"sensors_names": "gone"})
    assert other.number_input(key="sensors_alarms").value == 1.0
    assert not other.error
    assert view(other, "Readings").get("plotly_chart")


def test_another_log_begins_with_an_address_of_its_own(page, data):
    pd.DataFrame({"time": pd.date_range("2025-01-01", periods=300, freq="10min"), "hall [°C]": 20.0}).to_csv(
        data / "hall.csv", index=False
    )
    page.multiselect(key="sensors_names").set_value(["room_humidity"]).run()
    page.button(key="sensors_last_day").click().run()
    assert {"sensors_names", "sensors_time"} <= set(page.query_params)
    opened(page, "hall.csv").run()
    assert page.multiselect(key="sensors_names").value == []
    assert not any(page.query_params.get(name) for name in ("sensors_names", "sensors_time"))
    assert page.get("plotly_chart")


def test_the_page_is_saved_as_one_report(page):
    page.button(key="sensors_report").click().run()
    waited(page)
    [save] = page.get("download_button")[:1]
    assert save.proto.label == "Save the report"
    html = page.session_state["SensorsState"].report[1]
    assert html.startswith("<!DOCTYPE html>") or html.lstrip().startswith("<!doctype html>")
    assert "<svg" in html


def test_opened_counts_sensors_and_shows_all_sources_of_a_temperature(page):
    assert "**6 sensors** of 2 sources in 2 regions" in texts(page)
    assert page.multiselect(key="sensors_names").value[0].endswith("temperature")
    [chart] = page.get("plotly_chart")
    assert sum(one["mode"] == "lines" for one in json.loads(chart.proto.spec)["data"]) == 2
    axis = json.loads(chart.proto.spec)["layout"]["yaxis"]
    assert axis["title"]["text"].endswith("temperature (°C)")


def test_buttons_move_and_zoom_within_the_log(page):
    def span():
        return page.session_state["SensorsState"].zoom

    page.button(key="sensors_last_day").click().run()
    day = span()
    assert day.length == pd.Timedelta("1D")
    page.button(key="sensors_later").click().run()
    assert span() == day
    page.button(key="sensors_earlier").click().run()
    assert span().end == day.end - pd.Timedelta("12h")
    page.button(key="sensors_zoom_in").click().run()
    assert span().length == pd.Timedelta("12h")
    page.button(key="sensors_whole_log").click().run()
    assert span() is None
    assert not page.exception


def test_sensors_of_several_quantities_share_time_and_cursor(page):
    page.multiselect(key="sensors_names").set_value(["room_temperature", "room_humidity"]).run()
    [chart] = page.get("plotly_chart")
    spec = json.loads(chart.proto.spec)
    assert {line["yaxis"] for line in spec["data"]} == {"y", "y2"}
    assert all(line.get("xaxis", "x") == "x" for line in spec["data"])
    layout = spec["layout"]
    assert (layout["hovermode"], layout["hoversubplots"]) == ("x unified", "axis")
    assert layout["yaxis"]["domain"][0] > layout["yaxis2"]["domain"][1]
    assert {layout[axis]["title"]["text"] for axis in ("yaxis", "yaxis2")} == {
        "room temperature (°C)",
        "room humidity",
    }


def test_few_readings_far_out_are_at_the_edge_of_the_chart_and_not_its_scale(page):
    spec = json.loads(page.get("plotly_chart")[0].proto.spec)
    # The example has a change of unit: 74 among 23.
    low, high = spec["layout"]["yaxis"]["range"]
    assert 15 < low < high < 35
    [marks] = [line for line in spec["data"] if line["mode"] == "markers"]
    assert all(float(text) > high for text in marks["text"])
    assert robust_range(pd.Series([20.0, 21.0, 22.0, 23.0] * 50)) is None
    assert robust_range(pd.Series([20.0, 21.0] * 50 + [90.0] * 20)) is None


def test_two_rooms_are_compared_and_the_zoom_is_kept_between_tabs(page):
    page.button(key="sensors_last_day").click().run()
    day = page.session_state["SensorsState"].zoom
    view(page, "Compare")
    assert page.selectbox(key="sensors_compared_a").value != page.selectbox(key="sensors_compared_b").value
    [chart] = page.get("plotly_chart")
    spec = json.loads(chart.proto.spec)
    assert "A - B" in [line["name"] for line in spec["data"]]
    assert {line["yaxis"] for line in spec["data"][:2]} == {"y"}
    assert len(charts(page)) == 2
    for name in ("Anomalies", "Stability", "Readings"):
        view(page, name)
        assert page.session_state["SensorsState"].zoom == day


def test_group_is_filtered_by_region(page):
    region = page.multiselect(key="sensors_region").options[0]
    page.multiselect(key="sensors_region").set_value([region]).run()
    lines = json.loads(page.get("plotly_chart")[0].proto.spec)["data"]
    assert sum(one["mode"] == "lines" for one in lines) == 1


def test_coverage_has_problems_and_distributions(page):
    view(page, "Data coverage")
    assert len(page.get("vega_lite_chart")) == 2
    page.segmented_control(key="sensors_by").set_value("Weekday").run()
    assert not page.exception
    assert "gap" in set(page.dataframe[0].value["kind"])


def test_stability_says_how_long_and_leads_to_the_period(page):
    view(page, "Stability")
    assert "Out of limit in " in texts(page)
    for evidence in ("Worst window", "Drift", "Gaps", "Clocks"):
        assert f"**{evidence}**" in texts(page)
    periods = page.dataframe[1].value
    page.session_state["sensors_periods"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    page.run()
    page.button(key="sensors_look").click().run()
    assert page.segmented_control(key="sensors_tab").value == "Readings"
    span = page.session_state["SensorsState"].zoom
    assert span.start <= periods["start"].iloc[0] <= span.end


def test_anomalies_are_periods_with_reasons(page):
    view(page, "Anomalies")
    found = page.dataframe[0].value
    assert len(found) > 0
    assert found["reason"].str.contains("temperature").all()


def picked(page, key, row):
    page.session_state[key] = {"selection": {"rows": [row], "columns": [], "cells": []}}
    return page.run()


def test_a_dismissed_anomaly_does_not_return_and_judges_the_stated_rate(page, monkeypatch, tmp_path):
    monkeypatch.setenv("ELLIMAPS_EVENTS", str(tmp_path / "events"))
    view(page, "Anomalies")
    before = page.dataframe[0].value
    assert "dismissed" not in texts(page)
    picked(page, "sensors_anomaly_table", 0)
    next(field for field in page.text_input if field.label == "Note").set_value("the cleaners").run()
    page.button(key="sensors_dismissed").click().run()
    waited(page)
    after = page.dataframe[0].value
    assert list(after["start"]) == list(before["start"][1:])
    assert f"1 of {len(before)} dismissed in 0.8 months" in texts(page)
    page.toggle(key="sensors_show_dismissed").set_value(True).run()
    assert list(page.dataframe[0].value["note"]) == ["the cleaners"] + [""] * (len(before) - 1)
    picked(page, "sensors_anomaly_table", 0)
    page.button(key="sensors_confirmed").click().run()
    assert page.dataframe[0].value["judgement"].iloc[0] == "confirmed"


def test_alerts_are_configured_for_a_watch(page, monkeypatch, tmp_path):
    monkeypatch.setenv("ELLIMAPS_EVENTS", str(tmp_path / "events"))
    view(page, "Anomalies")
    assert "Alerts: none" in [one.label for one in page.expander]
    page.checkbox(key="sensors_alert_anomalies").set_value(True)
    page.number_input(key="sensors_alert_limit").set_value(0.8)
    page.button(key="FormSubmitter:sensors_alerts-Save alerts").click().run()
    noted = noted_alerts(page.session_state["SensorsState"].location)
    assert (noted.settings.limit, noted.settings.anomalies) == (0.8, True)
    assert any("beyond 0.8 °C" in one.label for one in page.expander)


def test_forecast_stands_beside_its_baseline(page):
    view(page, "Forecast")
    table = page.dataframe[0].value
    assert list(table["horizon"]) == ["60 min", "6 h", "24 h"]
    assert {"forecast", "yesterday", "against yesterday", "held by the interval"} <= set(table)
    assert table["against yesterday"].str.contains("better").all()
    assert "The forecast of a day ago" in texts(page)
    assert len(charts(page)) == 2


def charts(page):
    return [json.loads(chart.proto.spec) for chart in page.get("vega_lite_chart")]


def titles(part):
    """Titles of all axes and legends of a chart."""
    if isinstance(part, list):
        return [title for one in part for title in titles(one)]
    if not isinstance(part, dict):
        return []
    own = [part["title"]] if isinstance(part.get("title"), str) else []
    return own + [title for one in part.values() for title in titles(one)]


def test_coverage_is_percent_of_what_is_expected(page):
    view(page, "Data coverage")
    assert "% of expected" in titles(charts(page)[0])
    assert any(one.label.endswith("data-quality issues") for one in page.expander)


@pytest.fixture
def building(empty, data):
    """Forty rooms of one building without regions or units, as columns of one file."""
    times = pd.date_range("2025-01-01", periods=800, freq="30min")
    noise = np.random.default_rng(6).normal(20, 0.3, (40, 800))
    table = pd.DataFrame({"time": times} | {f"T{n + 1}": noise[n] for n in range(40)})
    table.to_csv(data / "building.csv", index=False)
    return opened(empty, "building.csv")


def test_a_building_of_many_sensors_without_regions_and_units(building):
    page = building
    assert "**40 sensors** of 1 source in 1 region" in texts(page)
    assert list(page.dataframe[0].value.columns[:2]) == ["source", "sensor"]
    # Its coverage has more than the 5000 rows that Altair takes by itself.
    for name in ("Data coverage", "Compare", "Relations", "Stability", "Anomalies", "Forecast"):
        view(page, name)
        assert not page.error, f"{name}: {page.error[0].value}"
    view(page, "Relations")
    assert page.selectbox(key="sensors_a").value == "building / T1"
    assert page.selectbox(key="sensors_b").value == "building / T10"
    assert "()" not in texts(page)


def test_relations_have_units(page):
    view(page, "Relations")
    found = titles(charts(page))
    assert "A off its usual course (°C)" in found
    assert "B off the day's median (°C)" in found
    assert "°C from" in texts(page)
    assert "deg C" not in texts(page)


@pytest.fixture
def fahrenheit(empty, data):
    times = pd.date_range("2025-01-01", periods=1500, freq="10min")
    noise = np.random.default_rng(5).normal(0, 0.05, (2, 1500))
    noise[0, 700:760] = 0
    table = pd.DataFrame({"time": times, "room [°F]": 70 + noise[0], "moisture [%RH]": 45 + noise[1]})
    table.to_csv(data / "fahrenheit.csv", index=False)
    return opened(empty, "fahrenheit.csv")


def limits(page):
    return [(field.label, field.value) for field in page.number_input]


def test_limits_are_in_the_unit_of_the_sensor_and_say_of_what(fahrenheit):
    page = view(fahrenheit, "Stability")
    assert limits(page) == [("May move by (°F)", 0.9)]
    assert "limit 0.9 °F" in texts(page)
    page.selectbox(key="sensors_name").set_value("moisture [%RH]").run()
    assert limits(waited(page)) == [("May move by (%RH)", 1.0)]
    view(page, "Forecast")
    assert limits(page) == [("Warn beyond ± (°F)", 0.9)]
    legend = charts(page)[0]["layer"][1]["encoding"]["color"]["scale"]["domain"]
    assert legend == ["measured", "forecast", "yesterday", "now ± 0.9"]


def test_faulty_readings_are_left_out_by_a_switch(fahrenheit):
    def readings(page):
        return page.dataframe[0].value.set_index("sensor")["readings"]["room [°F]"]

    assert readings(fahrenheit) == 1500
    fahrenheit.toggle(key="sensors_faultless").set_value(True).run()
    assert readings(waited(fahrenheit)) == 1440


def test_the_calendar_has_a_size_for_one_sensor_and_good_days_are_no_bad_ones(fahrenheit):
    view(fahrenheit, "Stability")
    calendar = charts(fahrenheit)[0]
    assert calendar["height"]["step"] >= 10
    assert calendar["width"]["step"] >= 10
    scale = calendar["encoding"]["color"]["scale"]
    assert "Never out of limit" in texts(fahrenheit)
    assert dict(zip(scale["domain"], scale["range"], strict=True))["within limit"] == "#9ECAE1"


def test_a_day_of_the_calendar_opens_in_readings(fahrenheit):
    view(fahrenheit, "Stability")
    [field] = fahrenheit.date_input
    field.set_value(pd.Timestamp("2025-01-05").date()).run()
    waited(fahrenheit)
    assert fahrenheit.segmented_control(key="sensors_tab").value == "Readings"
    assert fahrenheit.session_state["SensorsState"].zoom.start == pd.Timestamp("2025-01-05")


def test_a_log_too_short_to_forecast_says_so_and_the_page_stays(empty, data):
    times = pd.date_range("2025-01-01", periods=100, freq="5min")
    pd.DataFrame({"timestamp": times, "room_temperature": 21.0}).to_csv(data / "short.csv", index=False)
    view(opened(empty, "short.csv"), "Forecast")
    assert "too few to test a forecast" in empty.info[0].value
    assert empty.session_state["SensorsState"].task is None
    view(empty, "Readings")
    assert not empty.exception


@pytest.mark.usefixtures("empty")
def test_a_link_opens_a_log_and_a_tab():
    linked = AppTest.from_function(_page, default_timeout=60)
    linked.query_params |= {"sensors_typed": "demo/log.csv", "sensors_view": "Data coverage"}
    assert "When which sensor reported" in texts(waited(linked.run()))
    outside = AppTest.from_function(_page, default_timeout=60)
    outside.query_params["sensors_typed"] = "../log.csv"
    assert waited(outside.run()).error


def test_relations_test_room_against_instrument(page):
    view(page, "Relations")
    assert "room" in page.selectbox(key="sensors_a").value
    assert page.selectbox(key="sensors_b").label == "Sensor B"
    assert "follows" in texts(page)
    assert "Cross-correlation after whitening" in texts(page)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("missing.csv", "does not exist"),
        ("../elsewhere.csv", "does not exist|is not below"),
        ("s3://bucket/log.csv", "ELLIMAPS_SENSOR_LOGS"),
    ],
)
def test_logs_that_may_not_be_opened(empty, typed, sentence):
    opened(empty, typed)
    assert any(part in empty.error[0].value for part in sentence.split("|"))


def test_damaged_log_is_a_sentence(empty):
    opened(empty, "damaged.csv")
    assert "damaged.csv" in texts(empty)


def test_a_log_that_can_be_read_in_two_ways_is_asked_about_and_then_read(empty, data):
    times = pd.date_range("2025-03-04 08:00", periods=60, freq="10min")
    table = pd.DataFrame({"time": times.strftime("%m/%d/%Y %H:%M"), "room temperature": 21.0})
    table.to_csv(data / "american.csv", index=False)
    page = opened(empty, "american.csv")
    assert any("make sense in either order" in warning.value for warning in page.warning)
    field = next(one for one in page.text_input if one.label == "Times")
    field.set_value("mdy")
    next(button for button in page.button if button.label == "Read again").click().run()
    page = waited(page)
    state = page.session_state["SensorsState"]
    assert state.log.start == times[0]
    assert "month, day, year" in next(one.label for one in page.expander if one.label.startswith("Taken as"))
    opened(page, "demo/log.csv")
    assert opened(page, "american.csv").session_state["SensorsState"].log.start == times[0]


def test_what_is_appended_is_seen_without_a_restart(empty, data):
    path = data / "growing.csv"
    lines = [f"2025-01-01 {n // 60:02}:{n % 60:02},{20 + n / 1000}" for n in range(600)]
    path.write_text("\n".join(["time,temperature", *lines, ""]))
    page = opened(empty, "growing.csv")
    assert "600 readings" in texts(page)
    page.button(key="sensors_last_day").click().run()
    page.button(key="sensors_zoom_in").click().run()
    looked_at = page.session_state["SensorsState"].zoom
    with path.open("a") as file:
        file.write("2025-01-01 10:00,20.6\n")
    assert "601 readings" in texts(waited(page.run()))
    assert page.session_state["SensorsState"].zoom == looked_at


def test_events_are_noted_drawn_and_compared(page, monkeypatch, tmp_path):
    monkeypatch.setenv("ELLIMAPS_EVENTS", str(tmp_path / "events"))
    view(page, "Events")
    assert "No events are noted" in page.info[0].value
    when = page.session_state["SensorsState"].log.end - pd.Timedelta("5D")
    page.text_input(key="sensors_event_start").set_value("soon")
    page.button(key="FormSubmitter:sensors_event-Add").click().run()
    assert "is no time" in page.warning[0].value
    page.text_input(key="sensors_event_start").set_value(f"{when:%Y-%m-%d %H:%M}")
    page.text_input(key="sensors_event_note").set_value("<b>east</b>")
    page.button(key="FormSubmitter:sensors_event-Add").click().run()
    waited(page)
    assert "of 1 events changed this sensor" in texts(page)
    assert f"door {when:%Y-%m-%d %H:%M}" in texts(page).replace("\\", "")
    view(page, "Readings")
    layout = json.loads(page.get("plotly_chart")[0].proto.spec)["layout"]
    assert [one["hovertext"] for one in layout["annotations"]] == ["door: &lt;b&gt;east&lt;/b&gt;"]
    assert [one["line"]["dash"] for one in layout["shapes"]] == ["dash"]
    for name, kind in (
        ("Anomalies", "plotly_chart"),
        ("Data coverage", "vega_lite_chart"),
        ("Forecast", "vega_lite_chart"),
    ):
        view(page, name)
        assert page.get(kind)
