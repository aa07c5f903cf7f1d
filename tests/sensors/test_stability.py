"""Range, slope, time out of limit and verdicts, against values known by construction."""

from __future__ import annotations

import json
from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from conftest import EXAMPLE
from typer.testing import CliRunner

from ellimaps.cli import cli
from ellimaps.core.errors import SettingError
from ellimaps.core.stack import ImageStack
from ellimaps.readers import open_stack
from ellimaps.sensors.conditions import acquisition_conditions, acquisition_time, conditions_of
from ellimaps.sensors.movement import movement_of
from ellimaps.sensors.stability import stability_files, stability_of
from ellimaps.sensors.store.filters import SensorFilters
from ellimaps.sensors.store.logs import open_log

KEY = ("EU", "M1", "room temperature")
DAY = pd.date_range("2025-01-06", periods=3 * 288, freq="5min")


def log_of(tmp_path, values, times=DAY, name=KEY[2], unit="degC"):
    table = pd.DataFrame({"datetime": times, "value": values, "region": "EU", "source_id": "M1"})
    table.assign(sensor_name=name, unit=unit).to_csv(tmp_path / f"{name}.csv", index=False)
    return open_log(tmp_path / f"{name}.csv")


@pytest.fixture
def stepped(tmp_path):
    """Still, but for a step of 0.8 deg C at noon of the second day."""
    return log_of(tmp_path, np.where(pd.Timestamp("2025-01-07 12:00") <= DAY, 21.8, 21.0))


def test_a_ramp_has_its_slope_and_range(tmp_path):
    hours = (DAY - DAY[0]) / pd.Timedelta(hours=1)
    log = log_of(tmp_path, 20 + 0.3 * hours)
    table = movement_of(log, KEY).iloc[12:]
    np.testing.assert_allclose(table["slope"], 0.3, atol=1e-9)
    np.testing.assert_allclose(table["range"], 0.3, atol=1e-9)
    assert not table["out"].any()
    assert movement_of(log, KEY, limit=0.29).iloc[12:][["out", "steep"]].all(axis=None)
    np.testing.assert_allclose(movement_of(log, KEY, window="2h").iloc[24:]["range"], 0.6, atol=1e-9)


def test_slopes_agree_with_polyfit_where_readings_are_missing(tmp_path):
    random = np.random.default_rng(1)
    keep = np.sort(random.choice(len(DAY), 700, replace=False))
    values = random.normal(20, 1, 700).round(3)
    log = log_of(tmp_path, values, DAY[keep])
    table = movement_of(log, KEY)
    series = pd.Series(values, DAY[keep])
    checked = 0
    for when in table.index[50:800:25]:
        part = series[when - pd.Timedelta(hours=1) : when]
        if len(part) >= 7:
            slope = np.polyfit((part.index - when) / pd.Timedelta(hours=1), part, 1)[0]
            assert table.loc[when, "slope"] == pytest.approx(slope, abs=1e-6)
            assert table.loc[when, "range"] == pytest.approx(part.max() - part.min())
            checked += 1
    assert checked > 15


def test_a_step_is_one_period_of_a_window(stepped):
    found = stability_of(stepped)
    [period] = found.periods.to_dict("records")
    assert (str(period["start"]), str(period["end"])) == ("2025-01-07 12:00:00", "2025-01-07 12:55:00")
    assert period["hours"] == pytest.approx(1)
    assert period["range"] == pytest.approx(0.8)
    [row] = found.sensors.to_dict("records")
    assert row["hours_out"] == pytest.approx(1)
    assert row["share_out"] == pytest.approx(1 / row["hours"])
    assert list(found.days["hours_out"].round(6)) == [0, 1, 0]
    calendar = found.calendar()
    assert list(calendar["weekday"]) == [0, 1, 2]
    assert set(calendar["week"]) == {pd.Timestamp("2025-01-06")}
    assert not len(stability_of(stepped, limit=0.9).periods)
    assert not len(stability_of(stepped, SensorFilters(end="2025-01-06")).periods)


def test_gaps_and_sparse_readings_say_nothing(tmp_path):
    keep = (pd.Timestamp("2025-01-07 10:00") > DAY) | (pd.Timestamp("2025-01-07 16:00") <= DAY)
    log = log_of(tmp_path, np.where(pd.Timestamp("2025-01-07 12:00") <= DAY, 30.0, 20.0)[keep], DAY[keep])
    assert not movement_of(log, KEY)["out"].any()
    assert acquisition_conditions(log, "2025-01-07 13:00", "2025-01-07 13:10").verdict == "unknown"
    found = acquisition_conditions(log, "2025-01-07 10:20", "2025-01-07 10:50")
    assert (found.verdict, found.sentence[:9]) == ("unknown", "Not known")
    hourly = log_of(tmp_path, np.arange(24.0), DAY[:288:12], name="slow temperature")
    assert stability_of(hourly).sensors["hours"].tolist() == [0]
    assert acquisition_conditions(hourly, "2025-01-06 10:00", "2025-01-06 10:10").verdict == "unknown"


def test_a_verdict_looks_at_the_hour_before_the_end(stepped):
    def verdict(start, end, **settings):
        return acquisition_conditions(stepped, f"2025-01-07 {start}", f"2025-01-07 {end}", **settings)

    assert verdict("11:00", "11:55").verdict == "stable"
    assert verdict("12:30", "12:40").verdict == "unstable"
    assert verdict("14:00", "14:20").verdict == "stable"
    assert verdict("12:30", "12:40", limit=1.0).verdict == "stable"
    # Shorter than the time between two readings.
    short = verdict("12:31", "12:32")
    assert (short.verdict, short.range) == ("unstable", pytest.approx(0.8))
    unstable = verdict("12:30", "12:40")
    assert unstable.mean == pytest.approx(21.8)
    assert unstable.drift > 0.5
    assert "Unstable: EU/M1/room temperature 2025-01-07 12:30 to 12:40: 21.80 deg C" in unstable.sentence
    far = acquisition_conditions(stepped, "2026-01-01 10:00", "2026-01-01 11:00")
    assert (far.verdict, far.sensor) == ("unknown", "")
    assert "the log has 2025-01-06 00:00 to 2025-01-08 23:55" in far.sentence


def test_fahrenheit_has_its_limit_and_a_sensor_may_be_named(tmp_path):
    half = np.where(pd.Timestamp("2025-01-07 12:00") <= DAY, 70.8, 70.0)
    log = log_of(tmp_path, half, unit="°F")
    assert acquisition_conditions(log, "2025-01-07 12:10", "2025-01-07 12:20").verdict == "stable"
    for name in ("M1", "room temperature", "M1/room temperature", "EU/M1/room temperature"):
        found = acquisition_conditions(log, "2025-01-07 12:10", "2025-01-07 12:20", name)
        assert found.sensor == "EU/M1/room temperature"
    with pytest.raises(SettingError, match="choose of M1/room temperature"):
        acquisition_conditions(log, "2025-01-07", "2025-01-07", "M2")
    with pytest.raises(SettingError, match="before it starts"):
        acquisition_conditions(log, "2025-01-07 12:00", "2025-01-07 11:00")


def test_images_over_time_say_when_they_ended(stepped):
    values = np.zeros((3, 2, 2), np.float32)
    start = datetime(2025, 1, 7, 12, 30)
    movie = ImageStack(values, pd.DataFrame({"time_s": [0.0, 60.0, 120.0]}), "movie", acquired_at=start)
    assert acquisition_time(movie) == (pd.Timestamp(start), pd.Timestamp(2025, 1, 7, 12, 33), "")
    assert conditions_of(stepped, movie).verdict == "unstable"
    assert conditions_of(stepped, ImageStack(values, movie.bands, "undated")).verdict == "unknown"


def test_the_same_log_gives_the_same_files(stepped):
    files = stability_files(stepped, stability_of(stepped))
    assert files == stability_files(stepped, stability_of(stepped))
    assert b"2025-01-07: 1.0" in files["stability_calendar.html"]
    facts = json.loads(files["stability.json"])
    assert list(facts["inputs_sha256"]) == ["room temperature.csv"]


def ran(*arguments, code=0):
    done = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert done.exit_code == code, done.output
    return done.stdout


@pytest.mark.usefixtures("stepped")
def test_commands_tell_the_same_as_the_library(tmp_path):
    log = tmp_path / "room temperature.csv"
    told = json.loads(ran("sensors", "stability", log, "--json", "--out", tmp_path / "out"))
    assert told["periods"][0]["start"] == "2025-01-07T12:00:00"
    assert all((tmp_path / "out" / name).is_file() for name in ("stability_days.csv", "stability.json"))
    assert "worst of 1 periods" in ran("sensors", "stability", log, "--window", "30min")
    told = json.loads(ran("sensors", "summary", log, "--start", "2025-01-08", "--json"))
    assert (told["n_sensors"], told["n_readings"]) == (1, 288)
    ran("sensors", "summary", log, "--out", tmp_path / "out")
    assert (tmp_path / "out" / "coverage.png").is_file()


def test_a_measurement_says_its_conditions(tmp_path):
    start = pd.Timestamp(open_stack(EXAMPLE).acquired_at)
    times = pd.date_range(start - pd.Timedelta(hours=3), periods=80, freq="5min")
    log_of(tmp_path, np.where(start <= times, 22.0, 21.0), times)
    log = tmp_path / "room temperature.csv"
    told = json.loads(ran("info", EXAMPLE, "--sensors", log, "--json"))
    assert told["conditions"]["verdict"] == "unstable"
    assert told["conditions"]["mean"] == pytest.approx(22)
    assert "10 min assumed" in told["conditions"]["sentence"]
    assert "Unstable: EU/M1" in ran("info", EXAMPLE, "--sensors", log)
    assert "conditions" not in json.loads(ran("info", EXAMPLE, "--json"))
