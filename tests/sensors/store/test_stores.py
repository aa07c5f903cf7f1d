"""The cache of logs: changed bytes, full disks and dead processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from ellimaps.core.locks import own_folder
from ellimaps.samples import sample_sensors
from ellimaps.sensors.store import continuing
from ellimaps.sensors.store.logs import open_log
from ellimaps.sensors.store.stores import ADDED, READINGS, SUMS

MAIN = "from ellimaps.cli import main; main()"


@pytest.fixture
def log(tmp_path):
    return sample_sensors(tmp_path / "log", days=3, every=60) / "log.csv"


def answers(opened):
    return opened.statistics(None, None, None, None, None)


def test_every_file_of_a_store_has_its_sum(log):
    opened = open_log(log)
    sums = json.loads((opened.store / SUMS).read_text())
    assert {*sums, SUMS} == {path.name for path in opened.store.iterdir()}
    assert READINGS in sums


def test_a_changed_store_is_made_again(log):
    opened = open_log(log)
    expected = answers(opened)
    for name in (READINGS, "sensors.parquet", "report.json", SUMS):
        path = opened.store / name
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        pd.testing.assert_frame_equal(answers(open_log(log)), expected)
        assert path.read_bytes() != bytes(content)


def test_what_a_dead_import_left_is_swept_where_nothing_is_imported(log, cache):
    open_log(log)
    left = cache / "sensors" / ".next-12345678"
    left.mkdir()
    left.with_name(f"{left.name}.lock").touch()
    open_log(log)
    assert not list((cache / "sensors").glob(".next-*"))


def test_a_store_of_an_earlier_version_is_opened(log):
    opened = open_log(log)
    (opened.store / SUMS).unlink()
    before = (opened.store / READINGS).stat().st_ino
    open_log(log)
    assert (opened.store / READINGS).stat().st_ino == before


def test_a_store_that_is_continued_has_sums_of_all_its_files(log, monkeypatch):
    monkeypatch.setattr(continuing, "LEAST_BYTES", 0)
    text = log.read_text().splitlines(keepends=True)
    log.write_text("".join(text[:-8]))
    os.utime(log, (time.time() - 7200,) * 2)
    first = open_log(log)
    log.write_text("".join(text))
    os.utime(log, (time.time() - 3600,) * 2)
    second = open_log(log)
    assert (second.store / ADDED).is_file()
    sums = json.loads((second.store / SUMS).read_text())
    assert {*sums, SUMS} == {path.name for path in second.store.iterdir()}
    assert sums[READINGS] == json.loads((first.store / SUMS).read_text())[READINGS]


def test_a_changed_store_is_not_continued(log, monkeypatch):
    monkeypatch.setattr(continuing, "LEAST_BYTES", 0)
    text = log.read_text().splitlines(keepends=True)
    log.write_text("".join(text[:-8]))
    os.utime(log, (time.time() - 7200,) * 2)
    first = open_log(log)
    content = bytearray((first.store / READINGS).read_bytes())
    content[len(content) // 2] ^= 1
    (first.store / READINGS).write_bytes(content)
    log.write_text("".join(text))
    os.utime(log, (time.time() - 3600,) * 2)
    assert not (open_log(log).store / ADDED).is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="files cannot be limited there")
@pytest.mark.parametrize("most_bytes", [0, 10_000, 200_000])
def test_a_full_disk_is_said_to_be_full(tmp_path, cache, most_bytes):
    log = sample_sensors(tmp_path / "log", days=60, every=5) / "log.csv"
    os.utime(log, (time.time() - 7200,) * 2)
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({most_bytes},) * 2)\n{MAIN}"
    command = [sys.executable, "-c", limited, "sensors", "summary", str(log)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "cannot be" in done.stderr
    assert "File too large" in done.stderr
    assert "check the file" not in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list((cache / "sensors").iterdir())


def test_what_a_dead_process_left_is_swept_and_what_a_living_one_has_is_not(tmp_path):
    hold = (
        "import sys, time, pathlib\nfrom ellimaps.core.locks import own_folder\n"
        "with own_folder(pathlib.Path(sys.argv[1]), 'next-') as folder:\n"
        "    print(folder.name, flush=True)\n    time.sleep(60)"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", hold, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    names = [process.stdout.readline().strip() for process in processes]
    processes[0].send_signal(signal.SIGKILL)
    processes[0].wait()
    for name, age_s in (("next-old", 7200), ("next-new", 1)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - age_s,) * 2)
    try:
        assert all(Path(tmp_path, name).is_dir() for name in names)
        with own_folder(tmp_path, "next-") as mine:
            alive = {name + end for name in (mine.name, names[1]) for end in ("", ".lock")}
            assert {path.name for path in tmp_path.iterdir()} == {*alive, "next-new"}
    finally:
        processes[1].kill()
        processes[1].wait()
        shutil.rmtree(tmp_path)
