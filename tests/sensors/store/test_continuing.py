"""A log that grows is continued, and says what it would say if all of it had been read."""

from __future__ import annotations

import hashlib
import os
import time

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from ellimaps.sensors.store import continuing
from ellimaps.sensors.store.logs import open_log
from ellimaps.sensors.store.stores import ADDED

MINUTES = 4000
START = pd.Timestamp("2025-03-01")


@pytest.fixture(autouse=True)
def every_log_is_continued(monkeypatch):
    monkeypatch.setattr(continuing, "LEAST_BYTES", 0)


def lines_of(first, last, behind="", value=lambda n, room: 21 + np.sin(n / 200) + room):
    """Readings of two rooms a minute, from one minute to another."""
    return "".join(
        f"{START + pd.Timedelta(minutes=n)}{behind},room {room},temperature,{value(n, room):.3f},degC\n"
        for n in range(first, last)
        for room in (1, 2)
    )


HEADER = "time,room,quantity,value,unit\n"


def written(tmp_path, text, name="log.csv"):
    path = tmp_path / name
    path.write_text(text)
    settle(path)
    return path


def settle(path, ago_s=3600):
    """Nobody has written for an hour, later each time."""
    settle.times = getattr(settle, "times", 0) + 1
    then = time.time() - ago_s + 0.1 * settle.times
    os.utime(path, (then, then))


def append(path, text, ago_s=3600):
    with path.open("a") as file:
        file.write(text)
    settle(path, ago_s)


def is_continued(log):
    return (log.store / ADDED).is_file()


def assert_same(log, path, tmp_path, monkeypatch):
    """The log says what a cache that never saw a part of it says."""
    monkeypatch.setenv("ELLIMAPS_CACHE", str(tmp_path / f"fresh-{time.monotonic_ns()}"))
    whole = open_log(path)
    assert not is_continued(whole)
    assert_frame_equal(log.select(), whole.select())
    assert_frame_equal(log.sensors.drop(columns="resolution"), whole.sensors.drop(columns="resolution"))
    assert_frame_equal(log.gaps(), whole.gaps())
    by = ["source_id", "kind", "start"]
    assert_frame_equal(
        log.problems.sort_values(by, ignore_index=True), whole.problems.sort_values(by, ignore_index=True)
    )
    assert log.provenance() == whole.provenance()
    assert log.report == whole.report


def test_a_log_that_grew_says_what_reading_all_of_it_says(tmp_path, monkeypatch):
    path = written(tmp_path, HEADER + lines_of(0, MINUTES))
    assert not is_continued(open_log(path))
    for first, last in ((MINUTES, MINUTES + 1), (MINUTES + 1, MINUTES + 60), (MINUTES + 200, MINUTES + 320)):
        append(path, lines_of(first, last))
        log = open_log(path)
        assert is_continued(log)
    # The silence between 60 and 200 minutes is one, for each room.
    assert len(log.gaps()) == 2
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert log.provenance()["inputs_sha256"] == {"log.csv": digest}
    shown = log.window(start=START, points=1000)
    assert shown["time"].max() == START + pd.Timedelta(minutes=MINUTES + 319)
    assert_same(log, path, tmp_path, monkeypatch)


def test_what_was_wrong_at_the_end_goes_on(tmp_path, monkeypatch):
    def value(n, room):
        if room == 1 and n >= MINUTES - 200:
            return 21.5
        return (21 + np.sin(n / 200)) * (1.8 if room == 2 and n >= MINUTES - 100 else 1) + (
            32 if room == 2 and n >= MINUTES - 100 else 0
        )

    path = written(tmp_path, HEADER + lines_of(0, MINUTES, value=value))
    assert set(open_log(path).problems["kind"]) == {"stuck", "unit jump"}
    append(path, lines_of(MINUTES, MINUTES + 90, value=value))
    log = open_log(path)
    assert is_continued(log)
    ends = log.problems.groupby("kind")["end"].max()
    assert set(ends) == {START + pd.Timedelta(minutes=MINUTES + 89)}
    assert_same(log, path, tmp_path, monkeypatch)


@pytest.mark.parametrize(
    "appended",
    [
        lines_of(MINUTES - 5, MINUTES - 4),
        f"{START + pd.Timedelta(minutes=MINUTES)},room 3,temperature,21.0,degC\n",
        f"{START + pd.Timedelta(minutes=MINUTES)},room 1,temperature,70.0,degF\n",
        f"{START + pd.Timedelta(minutes=MINUTES)},room 1,temperature,-127,degC\n",
        f"{START + pd.Timedelta(minutes=MINUTES)},room 1,temperature,error,degC\n",
        f"{START + pd.Timedelta(minutes=MINUTES)}+01:00,room 1,temperature,21.0,degC\n".replace("+01:00", ""),
        "2031-01-01 00:00,room 1,temperature,21.0,degC\n",
        lines_of(MINUTES, MINUTES + MINUTES // 9),
    ],
    ids=["late", "new sensor", "other unit", "error code", "unreadable", "same", "other year", "much"],
)
def test_what_does_not_go_on_as_before_has_all_read_again(tmp_path, monkeypatch, appended):
    path = written(tmp_path, HEADER + lines_of(0, MINUTES))
    open_log(path)
    append(path, appended)
    log = open_log(path)
    assert is_continued(log) == appended.endswith(":40:00,room 1,temperature,21.0,degC\n")
    assert_same(log, path, tmp_path, monkeypatch)


def test_summer_time_in_what_was_appended_is_read_with_all(tmp_path, monkeypatch):
    path = written(tmp_path, HEADER + lines_of(0, MINUTES, "+01:00"))
    open_log(path)
    append(path, lines_of(MINUTES, MINUTES + 10, "+01:00"))
    assert is_continued(open_log(path))
    append(path, lines_of(MINUTES + 120, MINUTES + 130, "+02:00"))
    log = open_log(path)
    assert not is_continued(log)
    assert set(log.sensors["clock"]) == {"UTC+01:00 to UTC+02:00"}
    append(path, lines_of(MINUTES + 130, MINUTES + 140, "+02:00"))
    log = open_log(path)
    assert is_continued(log)
    assert_same(log, path, tmp_path, monkeypatch)


def test_one_byte_that_changed_before_has_all_read_again(tmp_path, monkeypatch):
    text = HEADER + lines_of(0, MINUTES)
    path = written(tmp_path, text)
    open_log(path)
    middle = text.index("\n", len(text) // 2) - 6
    changed = text[:middle] + ("1" if text[middle] != "1" else "2") + text[middle + 1 :]
    path.write_text(changed + lines_of(MINUTES, MINUTES + 1))
    settle(path)
    log = open_log(path)
    assert not is_continued(log)
    assert_same(log, path, tmp_path, monkeypatch)


def test_a_line_without_an_end_waits_until_nobody_writes_it(tmp_path, monkeypatch):
    path = written(tmp_path, HEADER + lines_of(0, MINUTES))
    open_log(path)
    line = lines_of(MINUTES, MINUTES + 1)
    append(path, line[:-9], ago_s=0)
    # Of the two lines the second is being written: 2 of 23.1 is no reading.
    assert len(open_log(path).select()) == 2 * MINUTES + 1
    assert len(open_log(path).select()) == 2 * MINUTES + 1
    append(path, line[-9:], ago_s=0)
    log = open_log(path)
    assert is_continued(log)
    assert_same(log, path, tmp_path, monkeypatch)


def test_a_last_line_that_never_gets_an_end_is_read(tmp_path, monkeypatch):
    path = written(tmp_path, HEADER + lines_of(0, MINUTES))
    open_log(path)
    append(path, lines_of(MINUTES, MINUTES + 1).rstrip("\n"))
    log = open_log(path)
    assert len(log.select()) == 2 * MINUTES + 2
    append(path, "\n" + lines_of(MINUTES + 1, MINUTES + 2))
    assert_same(open_log(path), path, tmp_path, monkeypatch)


def test_a_large_log_that_is_being_written_is_read_up_to_its_last_line(tmp_path, monkeypatch):
    path = written(tmp_path, HEADER + lines_of(0, MINUTES).rstrip("\n")[:-8])
    settle(path, ago_s=0)
    assert len(open_log(path).select()) == 2 * MINUTES - 1
    append(path, lines_of(0, MINUTES).rstrip("\n")[-8:] + "\n", ago_s=0)
    log = open_log(path)
    assert is_continued(log)
    assert_same(log, path, tmp_path, monkeypatch)


def test_a_folder_of_which_one_file_grows_is_continued(tmp_path, monkeypatch):
    folder = tmp_path / "logs"
    folder.mkdir()
    rows = [(START + pd.Timedelta(minutes=n), 21 + n % 7 / 10) for n in range(3 * 1440)]
    for day in range(3):
        part = "".join(f"{at},{value}\n" for at, value in rows[1440 * day : 1440 * (day + 1) - (day == 2)])
        written(folder, f"time,temperature\n{part}", f"log-2025-03-0{day + 1}.csv")
    open_log(folder)
    append(folder / "log-2025-03-03.csv", f"{rows[-1][0]},{rows[-1][1]}\n")
    log = open_log(folder)
    assert is_continued(log)
    assert_same(log, folder, tmp_path, monkeypatch)


def test_stores_that_were_followed_go_after_an_hour(tmp_path):
    path = written(tmp_path, HEADER + lines_of(0, MINUTES))
    first = open_log(path).store
    append(path, lines_of(MINUTES, MINUTES + 1))
    second = open_log(path).store
    assert first.is_dir()
    os.utime(first, (time.time() - 3700,) * 2)
    append(path, lines_of(MINUTES + 1, MINUTES + 2))
    third = open_log(path).store
    assert [store.is_dir() for store in (first, second, third)] == [False, True, True]
    # What the stores share is there as long as one of them is.
    assert len(open_log(path).select()) == 2 * MINUTES + 4
