"""The verdict on a log, its evidence and its calendar, against steps, ramps and gaps that were put there."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ellimaps.sensors.stability import stability_of
from ellimaps.sensors.store.filters import SensorFilters
from ellimaps.sensors.store.logs import open_log
from ellimaps.sensors.verdict import verdict_of

TIMES = pd.date_range("2025-01-06", periods=6 * 288, freq="5min")


def still(n):
    return np.round(21 + np.random.default_rng(1).normal(0, 0.02, n), 3)


def judged(tmp_path, values, times=TIMES, unit="degC", offset=""):
    table = pd.DataFrame({"datetime": times, "sensor_value": values, "region": "EU", "source_id": "M1"})
    table = table.assign(sensor_name="room temperature", unit=unit)
    if offset:
        table["UTCOffset"] = offset
        table["datetime"] = table["datetime"] - pd.Timedelta(hours=float(offset))
    table.to_csv(tmp_path / "log.csv", index=False)
    log = open_log(tmp_path / "log.csv")
    start, end = TIMES[0], TIMES[-1]
    found = stability_of(log, SensorFilters(start=start, end=end))
    return found, verdict_of(log, found, start, end)


def test_a_step_is_told_with_its_moment_on_both_clocks(tmp_path):
    values = np.where(pd.Timestamp("2025-01-08 12:00") <= TIMES, 21.8, 21.0)
    found, verdict = judged(tmp_path, values, offset="1")
    assert verdict.answer == "left"
    assert "Out of limit in 0.7% of the time (1.0 h; 144 of 144 hours known)" in verdict.sentence
    assert verdict.evidence["Worst window"].startswith("0.8 °C within 60 min until 2025-01-08 12:00")
    assert "12:00 there was 2025-01-08 11:00 UTC" in verdict.evidence["Clocks"]
    assert verdict.evidence["Gaps"] == "none"
    grades = found.graded_days().set_index("day")["grade"]
    assert grades[pd.Timestamp("2025-01-08")] == "out below 5 %"
    assert set(grades.drop(pd.Timestamp("2025-01-08"))) == {"within limit"}


def test_a_drift_within_the_limit_is_kept_and_told(tmp_path):
    _, verdict = judged(tmp_path, 21 + 0.2 * np.arange(len(TIMES)) / 288)
    assert verdict.answer == "kept"
    assert verdict.evidence["Drift"] == "+0.2 °C per day, by the means of 6 days"
    assert "UTC is not known" in verdict.evidence["Clocks"]


def test_gaps_are_told_and_with_most_of_the_time_missing_nothing_is_known(tmp_path):
    there = (TIMES < "2025-01-07") | (TIMES >= "2025-01-11")
    found, verdict = judged(tmp_path, still(there.sum()), TIMES[there])
    assert verdict.answer == "not known"
    assert "only 47 of 144 hours known" in verdict.sentence
    assert verdict.evidence["Gaps"].startswith("1, 96.1 h together; the longest from 2025-01-06 23:55")
    assert set(found.graded_days()["grade"]) == {"within limit"}


def test_an_hour_of_a_day_says_nothing_of_it_unless_it_was_out(tmp_path):
    first = TIMES[: 288 + 30]
    found, _ = judged(tmp_path, still(len(first)), first)
    assert list(found.graded_days()["grade"]) == ["within limit", "not known"]


@pytest.mark.parametrize(("unit", "limit"), [("degF", "limit 0.9 °F"), ("%RH", "limit 0.5 %RH")])
def test_the_limit_has_the_unit_of_the_sensor(tmp_path, unit, limit):
    table = pd.DataFrame({"datetime": TIMES, "sensor_value": 49 + still(len(TIMES))})
    table.assign(source_id="M1", sensor_name="x", unit=unit).to_csv(tmp_path / "log.csv", index=False)
    log = open_log(tmp_path / "log.csv")
    found = stability_of(log, SensorFilters(sensor_name="x"))
    assert limit in verdict_of(log, found, TIMES[0], TIMES[-1]).evidence["Worst window"]
