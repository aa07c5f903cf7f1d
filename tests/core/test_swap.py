"""Files that change together: a process that dies at any step leaves all old ones or all new ones to read."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from contextlib import suppress

import pytest

from ellimaps.core import swap
from ellimaps.core.errors import ExportError
from ellimaps.core.files import with_listing, write_files
from ellimaps.core.locks import locked
from ellimaps.core.swap import STAGING, current, swapped

OLD = {"a": b"old", "b": b"old", "gone": b"old"}
NEW = {"a": b"new", "b": b"new", "below/c": b"new"}
STEPS = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir")

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked here")


def write(out, files):
    return write_files(out, with_listing(files, "list.json", {}), "list.json")


def seen(out):
    """What a reader finds of all names."""
    found = {name: current(out, name) for name in (*OLD, *NEW)}
    listing = json.loads(current(out, "list.json").read_bytes())["files"]
    return {name: path.read_bytes() for name, path in found.items() if path.is_file() and name in listing}


def left(out):
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())


def killed_at(step, out):
    """Write the new files in a process that dies before a step; return whether it got so far."""
    child = os.fork()
    if not child:
        count = 0

        def hook(event, _arguments):
            nonlocal count
            if event in STEPS:
                count += 1
                if count == step:
                    os._exit(9)

        sys.addaudithook(hook)
        write(out, NEW)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@needs_fork
def test_a_process_that_dies_at_any_step_leaves_a_whole_set(tmp_path):
    outcomes = []
    for step in range(1, 200):
        out = tmp_path / str(step)
        write(out, OLD)
        if not killed_at(step, out):
            break
        outcomes.append(seen(out))
        assert outcomes[-1] in (OLD, NEW), step
        write(out, NEW)
        assert left(out) == ["a", "b", "below/c", "list.json"], step
        assert seen(out) == NEW
    assert step > 20
    assert OLD in outcomes
    assert NEW in outcomes


@needs_fork
def test_another_set_in_the_folder_finishes_what_was_begun(tmp_path):
    for step in range(1, 200):
        out = tmp_path / str(step)
        write(out, OLD)
        if not killed_at(step, out):
            break
        before = seen(out)
        write_files(out, {"other": b""})
        assert seen(out) == before
        assert left(out) == sorted([*before, "list.json", "other"])


def test_a_failure_inside_changes_nothing(tmp_path):
    write(tmp_path, OLD)
    with suppress(ZeroDivisionError), swapped(tmp_path, "list.json") as folder:
        (folder / "a").write_bytes(b"new")
        raise ZeroDivisionError
    assert seen(tmp_path) == OLD
    assert left(tmp_path) == ["a", "b", "gone", "list.json"]


def test_two_that_write_at_once_come_one_after_the_other(tmp_path):
    inside, most, lock = 0, 0, threading.Lock()

    def one(number):
        nonlocal inside, most
        with swapped(tmp_path) as folder:
            with lock:
                inside += 1
                most = max(most, inside)
            (folder / "a").write_text(str(number))
            time.sleep(0.002)
            (folder / "b").write_text(str(number))
            with lock:
                inside -= 1

    threads = [threading.Thread(target=one, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert (tmp_path / "a").read_text() == (tmp_path / "b").read_text()
    assert left(tmp_path) == ["a", "b"]
    assert not (tmp_path / STAGING).exists()


def test_who_waits_for_long_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(swap, "_PATIENCE_S", 0.1)
    (tmp_path / STAGING).mkdir()
    with (tmp_path / STAGING / "lock").open("a+b") as file:
        assert locked(file)
        with pytest.raises(ExportError, match="another process is writing there"):
            write_files(tmp_path, {"a": b""})


def test_leftovers_of_earlier_versions_are_swept_once_they_are_old(tmp_path):
    for name, age_s in ((".ellimaps-abcdefgh", 7200), (".ellimaps-12345678", 60)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_bytes(b"half")
        os.utime(tmp_path / name, (time.time() - age_s,) * 2)
    (tmp_path / ".ellimaps").mkdir()
    write_files(tmp_path, {"a": b"new"})
    assert sorted(path.name for path in tmp_path.iterdir()) == [".ellimaps", ".ellimaps-12345678", "a"]


@pytest.mark.parametrize("name", ["../outside", "link/outside"])
def test_a_manifest_from_elsewhere_moves_and_removes_nothing_outside(tmp_path, name):
    out, outside = tmp_path / "out", tmp_path / "outside"
    outside.write_bytes(b"mine")
    (out / STAGING / "files").mkdir(parents=True)
    (out / "link").symlink_to(tmp_path)
    for manifest in ({"files": [name], "stale": []}, {"files": [], "stale": [name]}):
        (out / STAGING / "manifest.json").write_text(json.dumps(manifest))
        with pytest.raises(ExportError, match="names a file elsewhere"):
            write_files(out, {"a": b""})
        assert outside.read_bytes() == b"mine"


def test_a_listing_that_is_no_json_lists_nothing(tmp_path):
    (tmp_path / "mine").touch()
    for content in (b"[" * 100_000, b"\xff", b"3", b'{"files": 3}', b'{"files": [3, "../mine"]}'):
        (tmp_path / "list.json").write_bytes(content)
        write_files(tmp_path, {"a": b"new", "list.json": b"{}"}, "list.json")
        assert left(tmp_path) == ["a", "list.json", "mine"]


def test_a_manifest_that_is_no_manifest_is_a_sentence(tmp_path):
    for content in (b"[" * 100_000, b"\xff", b"3", b'{"files": 3}', b'{"files": [3], "stale": []}'):
        (tmp_path / STAGING).mkdir(exist_ok=True)
        (tmp_path / STAGING / "manifest.json").write_bytes(content)
        with pytest.raises(ExportError, match="ellimaps-new in it is damaged"):
            write_files(tmp_path, {"a": b""})
