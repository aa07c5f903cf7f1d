"""What is wrong with readings is reported: against faults that were put in."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from ellimaps.samples import sample_sensors
from ellimaps.sensors.store.logs import KEY, open_log
from ellimaps.sensors.store.problems import sensor_problems

MINUTE = np.timedelta64(60, "s").astype("timedelta64[us]")


def readings(n=1000):
    utc = np.datetime64("2025-01-01", "us") + 5 * MINUTE * np.arange(n)
    return utc, 20 + np.random.default_rng(0).normal(0, 0.1, n), np.arange(n)


def found(utc, values, row):
    return [(one.kind, one.first, one.last) for one in sensor_problems(utc, values, row)]


def test_good_readings_have_no_problem():
    assert found(*readings()) == []
    utc, values, row = readings()
    # A sensor that reads tenths repeats itself; a drop by a degree is not another unit.
    assert found(utc, np.round(20 + np.arange(1000) / 500, 1), row) == []
    values[500:] -= 1
    assert found(utc, values, row) == []


def test_each_fault_is_told_where_it_is():
    utc, values, row = readings()
    keep = np.r_[:100, 130:1000]
    assert found(utc[keep], values[keep], row[keep]) == [("gap", 99, 100)]
    stuck = values.copy()
    stuck[300:360] = stuck[300]
    assert found(utc, stuck, row) == [("stuck", 300, 359)]
    twice = np.sort(np.r_[np.arange(1000), 50])
    assert found(utc[twice], values[twice], row) == [("duplicates", 50, 51)]
    late = row.copy()
    late[[10, 11]] = late[[11, 10]]
    assert found(utc, values, late) == [("out of order", 10, 11)]


@pytest.mark.parametrize(("factor", "offset"), [(1.8, 32), (1, 273.15), (1000, 0)])
def test_another_unit_is_told_with_its_end(factor, offset):
    utc, values, row = readings()
    values[400:500] = factor * values[400:500] + offset
    assert found(utc, values, row) == [("unit jump", 400, 499)]
    values[500:] = factor * values[500:] + offset
    assert found(utc, values, row) == [("unit jump", 400, 999)]


def test_generated_faults_are_all_found_and_nothing_else(tmp_path):
    sample_sensors(tmp_path / "s", 4, days=32, instruments=1)
    truth = json.loads((tmp_path / "s" / "truth.json").read_text())
    problems = open_log(tmp_path / "s").problems
    for kind, rows in (
        ("gap", truth["gaps"]),
        ("stuck", [row for row in truth["anomalies"] if row["kind"] == "stuck"]),
        ("unit jump", [row for row in truth["anomalies"] if row["kind"] == "unit jump"]),
    ):
        told = problems[problems["kind"] == kind]
        columns = [*KEY, "start", "end"]
        expected = pd.DataFrame(rows)[columns].astype({"start": "datetime64[us]", "end": "datetime64[us]"})
        assert set(told[columns].itertuples(index=False)) == set(expected.itertuples(index=False)), kind
    twice = problems[problems["kind"] == "duplicates"]["detail"].str.extract(r"(\d+)")[0].astype(int)
    assert twice.sum() == len(truth["duplicates"])


def test_lines_that_cannot_be_read_are_counted(tmp_path):
    path = tmp_path / "log.csv"
    good = "".join(f"2025-01-01 00:{minute:02}:00,20.{minute}\n" for minute in range(30))
    path.write_text(
        "time,value\n" + good + "2025-01-01 01:00:00,warm\nnever,21\n1,2,3,4\n" + "2025-01-02,,\n"
    )
    log = open_log(path)
    [problem] = log.problems[log.problems["kind"] == "unreadable"].to_dict("records")
    assert problem["detail"].startswith("3 lines")
    assert problem["detail"].endswith("left out (lines 32, 33, 34).")
    assert problem["source_id"] == "log.csv"
    assert log.sensors["n"].sum() == 30


def test_of_many_lines_that_cannot_be_read_the_first_are_named(tmp_path):
    path = tmp_path / "log.csv"
    values = [f"20.{n % 10}" if n % 7 else "warm" for n in range(1, 60)]
    path.write_text("time,value\n" + "".join(f"2025-01-01 00:{n:02}:00,{v}\n" for n, v in enumerate(values)))
    log = open_log(path)
    [problem] = log.problems[log.problems["kind"] == "unreadable"].to_dict("records")
    assert problem["detail"] == (
        "8 lines or cells could not be read and are left out (lines 8, 15, 22, 29, 36, ...)."
    )
