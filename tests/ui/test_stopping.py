"""How the workbench ends: at once, with all its processes, and wherever the signal comes from."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from conftest import ROOT

PROMISED_S = 5
# Of another process's pids.
PROC = Path("/proc")
needs_proc = pytest.mark.skipif(not PROC.is_dir(), reason="no /proc to see the processes in")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def busy_workbench(folder, *wrapper):
    """A workbench at work; its port, its process and, where it is wrapped, that of what wraps it."""
    port = free_port()
    command = [sys.executable, str(ROOT / "tests" / "support" / "busy_workbench.py"), str(folder), "app"]
    environment = {name: text for name, text in os.environ.items() if "DISPLAY" not in name}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    process = subprocess.Popen(
        [*wrapper, *command, "--port", str(port), "--data-root", str(ROOT / "data_example")],
        cwd=folder.parent,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: answers(port) and len(list(folder.iterdir())) == 3, process)
        yield port, process
    finally:
        process.kill()
        process.wait()


def wait_until(happened, process=None):
    for _ in range(600):
        assert process is None or process.poll() is None
        if happened():
            return
        time.sleep(0.1)
    raise AssertionError("it did not happen within a minute")


def answers(port):
    with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health"):
        return True
    return False


def is_alive(pid):
    """Whether a process runs, and is not only waiting to be reaped."""
    with contextlib.suppress(OSError):
        return re.search(r"^State:\s+[^ZX]", (PROC / str(pid) / "status").read_text(), re.M) is not None
    return False


@needs_proc
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_ends_it_and_all_its_work(tmp_path, name):
    folder = tmp_path / "pids"
    folder.mkdir()
    with busy_workbench(folder) as (port, process):
        pids = [int(file.name) for file in folder.iterdir()]
        assert process.pid in pids
        asked = time.monotonic()
        process.send_signal(getattr(signal, name))
        assert process.wait(PROMISED_S) == 0
        while any(is_alive(pid) for pid in pids):
            assert time.monotonic() - asked < PROMISED_S
            time.sleep(0.05)
        with socket.socket() as again:
            again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            again.bind(("127.0.0.1", port))


def can_be_first():
    """Whether processes may be started in a namespace of their own, as in a container."""
    test = ["unshare", "--pid", "--fork", "true"]
    return shutil.which("unshare") is not None and subprocess.run(test, capture_output=True).returncode == 0


@needs_proc
@pytest.mark.skipif(not can_be_first(), reason="no process may be the first of a namespace here")
def test_the_first_process_of_a_container_ends_as_well(tmp_path):
    """To the first process a signal without a handler is none: only SIGKILL ended it."""
    folder = tmp_path / "pids"
    folder.mkdir()
    with busy_workbench(folder, "unshare", "--pid", "--fork") as (_, wrapper):
        assert (folder / "1").exists()
        [first] = (PROC / str(wrapper.pid) / "task" / str(wrapper.pid) / "children").read_text().split()
        os.kill(int(first), signal.SIGTERM)
        assert wrapper.wait(PROMISED_S) == 0


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGBREAK"])
def test_every_signal_that_asks_for_an_end_is_handled(name, monkeypatch):
    """Also those of Windows: what Ctrl+C and Ctrl+Break send there."""
    from ellimaps.cli import app

    handled = {signal.SIGINT: signal.default_int_handler}
    monkeypatch.setattr(signal, "SIGBREAK", 21, raising=False)
    monkeypatch.setattr(signal, "signal", handled.__setitem__)
    app._leave_when_told()
    with pytest.raises((SystemExit, KeyboardInterrupt)) as left:
        handled[getattr(signal, name)](getattr(signal, name), None)
    assert left.value.args in ((0,), ())
