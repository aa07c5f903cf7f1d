"""Verdicts are given where the readings bear them: clocks, gaps, drift, steps and units."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from ellimaps.core.errors import SettingError
from ellimaps.core.stack import ImageStack
from ellimaps.sensors.conditions import acquisition_conditions, acquisition_time, conditions_of
from ellimaps.sensors.movement import movement, movement_of
from ellimaps.sensors.stability import stability_of
from ellimaps.sensors.store.logs import open_log
from ellimaps.sensors.store.options import ImportOptions

DAY = pd.date_range("2025-06-02", periods=2 * 288, freq="5min")


def log_of(tmp_path, values, times=DAY, name="room_temperature [°C]", zone="", behind=""):
    table = pd.DataFrame({"time": [f"{t}{behind}" for t in times], name: np.round(values, 4)})
    path = tmp_path / f"{abs(hash((name, zone, behind, len(times))))}.csv"
    table.to_csv(path, index=False)
    return open_log(path, options=ImportOptions(zone=zone))


def warmer_from(hour):
    return np.where(pd.Timestamp(f"2025-06-02 {hour:02}:00") <= DAY, 24.0, 21.0)


def stack_at(acquired_at):
    return ImageStack(
        np.zeros((1, 2, 2), np.float32), pd.DataFrame({"time_s": [0.0]}), "image", acquired_at=acquired_at
    )


def test_an_acquisition_in_utc_is_looked_up_on_the_clock_of_the_log(tmp_path):
    # The log is two hours ahead: at 08:10 UTC, its 10:10, it was 24 instead of 21 deg C.
    stack = stack_at(datetime(2025, 6, 2, 8, 10, tzinfo=UTC))
    unstated = conditions_of(log_of(tmp_path, warmer_from(10)), stack)
    assert unstated.verdict == "unknown"
    assert "the log does not state its zone: name it (--zone Europe/Berlin)" in unstated.sentence
    for log in (
        log_of(tmp_path, warmer_from(10), zone="Europe/Berlin"),
        log_of(tmp_path, warmer_from(10), behind="+02:00"),
    ):
        found = conditions_of(log, stack)
        assert (found.verdict, found.mean, str(found.start)) == ("unstable", 24.0, "2025-06-02 10:10:00")
        assert "of the measurement UTC" in found.sentence
        assert (
            "clock of the log UTC+02:00" in found.sentence
            or "clock of the log Europe/Berlin" in found.sentence
        )
    # A log in UTC that is shown in Berlin gives the same.
    utc = log_of(
        tmp_path,
        np.where(pd.Timestamp("2025-06-02 08:00") <= DAY, 24.0, 21.0),
        zone="Europe/Berlin",
        behind="Z",
    )
    assert (conditions_of(utc, stack).verdict, conditions_of(utc, stack).mean) == ("unstable", 24.0)


def test_a_local_acquisition_is_not_looked_up_in_a_log_in_utc(tmp_path):
    log = log_of(tmp_path, warmer_from(10), behind="Z")
    found = acquisition_conditions(log, "2025-06-02 15:00", "2025-06-02 15:10")
    assert found.verdict == "unknown"
    assert "the log is in UTC and the measurement does not state its zone" in found.sentence
    said = log_of(tmp_path, warmer_from(10), behind="Z", zone="UTC")
    assert acquisition_conditions(said, "2025-06-02 15:00", "2025-06-02 15:10").verdict == "stable"
    with pytest.raises(SettingError, match="at both ends or at neither"):
        acquisition_conditions(log, "2025-06-02 15:00", "2025-06-02 15:10Z")


def test_the_clock_changes_with_summer_time(tmp_path):
    utc = pd.date_range("2025-03-29", periods=3 * 288, freq="5min", tz="UTC").tz_convert("Europe/Berlin")
    path = tmp_path / "log.csv"
    pd.DataFrame({"time": [t.isoformat() for t in utc], "temperature": np.arange(864) / 1e3}).to_csv(
        path, index=False
    )
    log = open_log(path)
    assert log.sensors["clock"].tolist() == ["UTC+01:00 to UTC+02:00"]
    for day, local in ((29, 13), (30, 14)):
        found = acquisition_conditions(log, f"2025-03-{day} 12:00Z", f"2025-03-{day} 12:10Z")
        assert found.start.hour == local
        assert found.mean == pytest.approx(((day - 29) * 288 + 145) / 1e3)


def test_acquisitions_keep_their_zone():
    start = datetime(2025, 6, 2, 8, 10, tzinfo=UTC)
    found = acquisition_time(stack_at(start))
    assert found is not None
    assert found[0].tzinfo is not None
    assert (found[0].to_pydatetime(), found[1] - found[0]) == (start, pd.Timedelta("10min"))


@pytest.mark.parametrize(
    ("start", "end", "verdict", "says"),
    [
        ("14:00", "14:30", "unknown", "no sensor was read from 2025-06-02 14:00 to 14:30"),
        ("12:30", "13:30", "unknown", "nothing was read from 2025-06-02 12:55 to 13:30"),
        ("12:30", "17:30", "unknown", "nothing was read from 2025-06-02 12:55 to 17:00"),
        ("12:00", "12:30", "stable", ""),
        ("18:30", "18:40", "stable", ""),
        ("17:05", "17:15", "unknown", "too few readings"),
    ],
)
def test_inside_a_gap_nothing_is_known(tmp_path, start, end, verdict, says):
    keep = (pd.Timestamp("2025-06-02 13:00") > DAY) | (pd.Timestamp("2025-06-02 17:00") <= DAY)
    log = log_of(tmp_path, np.full(keep.sum(), 21.0), DAY[keep])
    found = acquisition_conditions(log, f"2025-06-02 {start}", f"2025-06-02 {end}")
    assert (found.verdict, says in found.sentence) == (verdict, True), found.sentence


def test_what_moved_before_a_gap_stays_unstable(tmp_path):
    keep = (pd.Timestamp("2025-06-02 13:00") > DAY) | (pd.Timestamp("2025-06-02 17:00") <= DAY)
    log = log_of(tmp_path, warmer_from(12)[keep], DAY[keep])
    assert acquisition_conditions(log, "2025-06-02 12:30", "2025-06-02 13:30").verdict == "unstable"


def test_drift_counts_over_the_whole_acquisition(tmp_path):
    hours = (DAY - DAY[0]) / pd.Timedelta(hours=1)
    noise = np.random.default_rng(0).normal(0, 0.03, len(DAY))
    log = log_of(tmp_path, 20 + 0.45 * hours + noise / 3)
    short = acquisition_conditions(log, "2025-06-02 10:00", "2025-06-02 10:20")
    assert short.verdict == "stable"
    long = acquisition_conditions(log, "2025-06-02 10:00", "2025-06-02 18:00")
    assert (long.verdict, long.range < 0.5) == ("unstable", True)
    assert long.total == pytest.approx(3.6, abs=0.2)
    assert "over the acquisition (limit 0.5 deg C)" in long.sentence
    still = log_of(tmp_path, 20 + noise, name="still_temperature [°C]")
    assert acquisition_conditions(still, "2025-06-02 10:00", "2025-06-03 10:00").verdict == "stable"


def test_two_steps_in_one_log_agree_whichever_comes_first(tmp_path):
    fast = pd.date_range("2025-06-02", periods=2 * 1440, freq="1min")
    slow = pd.date_range("2025-06-04", periods=18 * 144, freq="10min")
    times = fast.append(slow)
    minutes = (times - times[0]) / pd.Timedelta("1min")
    values = 21 + 0.4 * np.sin(2 * np.pi * minutes / 480)
    figures = stability_of(log_of(tmp_path, values, times)).sensors.iloc[0]
    turned = times[0] + (times[-1] - times[::-1])
    back = stability_of(log_of(tmp_path, values[::-1], turned, name="turned_temperature")).sensors.iloc[0]
    assert figures["hours"] == pytest.approx(20 * 24, rel=0.02)
    assert back["hours"] == pytest.approx(figures["hours"], rel=0.02)
    assert figures["share_out"] == pytest.approx(back["share_out"], abs=0.02)
    assert figures["largest_range"] == pytest.approx(back["largest_range"], rel=0.02)


def changes_only(seed=0):
    """A room that swings slowly, told when it moved by a tenth, and the truth by the minute."""
    minutes = np.arange(20 * 1440)
    truth = 21 + 0.5 * np.sin(2 * np.pi * minutes / 1440) + 0.05 * np.sin(2 * np.pi * minutes / 97 + seed)
    told, last = [], np.inf
    for minute, value in enumerate(truth):
        if abs(value - last) >= 0.1:
            told.append(minute)
            last = value
    times = pd.Timestamp("2025-06-02") + pd.to_timedelta(told, unit="min")
    return (
        times,
        truth[told].round(2),
        pd.Series(truth, pd.date_range("2025-06-02", periods=len(truth), freq="1min")),
    )


def test_values_told_on_change_hold_until_the_next(tmp_path):
    times, values, truth = changes_only()
    log = log_of(tmp_path, values, times)
    assert log.sensors["held"].tolist() == [True]
    assert "written on change" in log.report.sentence
    grid = log.series("", log.sensors["source_id"][0], log.sensors["sensor_name"][0], every="1h")
    hourly = truth.resample("1h").mean().reindex(grid.index)
    assert grid.notna().mean() > 0.97
    assert (grid - hourly).abs().max() < 0.11
    days = stability_of(log).days
    assert (
        days["mean"].iloc[:-1] - truth.resample("1D").mean().to_numpy()[: len(days) - 1]
    ).abs().max() < 0.06
    quiet = acquisition_conditions(log, "2025-06-05 05:50", "2025-06-05 06:10")
    assert quiet.verdict == "stable"
    assert not (log.problems["kind"] == "stuck").any()


def test_movement_is_that_of_the_readings_in_the_window():
    random = np.random.default_rng(3)
    times = DAY[np.sort(random.choice(len(DAY), 400, replace=False))]
    values = pd.Series(random.normal(20, 1, 400), times)
    table = movement(values, pd.Timedelta("3h"), held=False)
    checked = 0
    for when in times[100::10]:
        part = values[when - pd.Timedelta("3h") : when]
        if np.isfinite(table.loc[when, "range"]):
            assert table.loc[when, "range"] == pytest.approx(part.max() - part.min())
            assert table.loc[when, "slope"] == pytest.approx(
                np.polyfit((part.index - when) / pd.Timedelta(hours=1), part, 1)[0], abs=1e-9
            )
            checked += 1
    assert checked > 20


@pytest.mark.parametrize(("step", "verdict"), [(0.4, "stable"), (0.7, "unknown"), (1.5, "unstable")])
def test_without_a_unit_only_what_holds_in_both_is_said(tmp_path, step, verdict):
    values = np.where(pd.Timestamp("2025-06-02 12:00") <= DAY, 70 + step, 70.0)
    log = log_of(tmp_path, values, name="oven_temperature")
    found = acquisition_conditions(log, "2025-06-02 12:10", "2025-06-02 12:20")
    assert (found.verdict, found.unit) == (verdict, "")
    assert ("name the unit" in found.sentence) == (verdict == "unknown")


def test_a_log_whose_clock_was_wrong_once_is_looked_at_quickly(tmp_path):
    times = pd.date_range("2025-06-02", periods=3000, freq="1min").insert(
        0, pd.Timestamp("1970-01-01 00:00:10")
    )
    log = log_of(tmp_path, np.full(len(times), 21.0), times)
    table = movement_of(log, ("", log.sensors["source_id"][0], log.sensors["sensor_name"][0]))
    assert len(table) == 3000
