"""The workbench as a user meets it: a server of its own, and a page in Chromium."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from conftest import ROOT
from playwright.sync_api import Browser, Page

# A machine at work on other things is slow, and a test that fails may take its time.
WAIT_MS = 240_000


@dataclass
class Workbench:
    """A running workbench: its address, its log and its process."""

    address: str
    log: Path
    folder: Path
    process: subprocess.Popen[bytes]
    refused: list[str] = field(default_factory=list)

    def complaints(self) -> list[str]:
        """What a user of the workbench should never cause: lines of its log, and what its policy refused."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        found = [line for line in lines if re.search(r"Traceback|Error|deprecat|Warning", line, re.I)]
        return found + self.refused

    def open_page(self, browser: Browser, width: int = 1280, height: int = 800, **kwargs: object) -> Page:
        """A page of a session of its own, at the start."""
        page = browser.new_page(viewport={"width": width, "height": height}, **kwargs)  # type: ignore[arg-type]
        page.set_default_timeout(WAIT_MS)
        page.on("console", lambda said: self._listen(said.text))
        page.goto(self.address)
        page.get_by_role("textbox", name="Measurement folder").wait_for()
        idle(page)
        return page

    def _listen(self, text: str) -> None:
        if "Content Security Policy" in text:
            self.refused.append(text)

    def family(self) -> list[int]:
        """The server's process and those it started."""
        return _family(self.process.pid)

    def resident_bytes(self) -> int:
        """Memory of the server and the processes it started."""
        return sum(_resident(pid) for pid in self.family())


@contextlib.contextmanager
def serve(data_root: Path, folder: Path, port: int | None = None) -> Iterator[Workbench]:
    """Run ``ellimaps app`` in a folder; its log goes there."""
    port = port or free_port()
    command = [sys.executable, "-c", "from ellimaps.cli import main; main()", "app", "--port", str(port)]
    headless = {
        name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")
    }
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--data-root", str(data_root)],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=headless,
        )
    workbench = Workbench(f"http://127.0.0.1:{port}", log, folder, process)
    try:
        _wait(workbench)
        yield workbench
    finally:
        family = _family(process.pid)
        process.terminate()
        for pid in family[1:]:
            _end(pid)
        process.wait(20)


@pytest.fixture(scope="module")
def workbench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """A running workbench on the examples."""
    with serve(ROOT / "data_example", tmp_path_factory.mktemp("workbench")) as running:
        yield running


@contextlib.contextmanager
def halting(workbench: Workbench) -> Iterator[None]:
    """Stop the server for half of each second, as other work does."""
    done = threading.Event()

    def halt() -> None:
        while not done.is_set():
            for action in (signal.SIGSTOP, signal.SIGCONT):
                for pid in workbench.family():
                    os.kill(pid, action)
                time.sleep(0.5)

    thread = threading.Thread(target=halt)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def idle(page: Page) -> None:
    """Wait until the server has answered everything that was asked."""
    page.wait_for_timeout(100)
    page.wait_for_function(
        "() => !document.querySelector('[data-testid=stStatusWidget]')"
        " && document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'"
        " && !document.querySelector('[data-stale=true]')"
    )
    assert page.get_by_test_id("stException").count() == 0


def show(page: Page, view: str) -> None:
    """Go to a view of the page."""
    page.get_by_role("radiogroup", name="View").get_by_text(view, exact=True).click()
    idle(page)


def segment(page: Page, k: int) -> None:
    """Segment into k clusters and look at the maps."""
    show(page, "Explore")
    field = page.get_by_role("spinbutton", name="Clusters k")
    field.fill(str(k))
    field.press("Enter")
    idle(page)
    page.get_by_role("button", name="Segment", exact=True).click()
    page.get_by_role("img", name="Clusters", exact=True).wait_for()
    idle(page)


def _wait(workbench: Workbench) -> None:
    for _ in range(600):
        assert workbench.process.poll() is None, workbench.log.read_text(encoding="utf-8")
        try:
            with urllib.request.urlopen(f"{workbench.address}/_stcore/health", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{workbench.address} did not answer")


def _family(pid: int) -> list[int]:
    """A process and those it started, by /proc; the process alone where there is none."""
    # Each thread has the children that it started.
    listed = Path(f"/proc/{pid}/task").glob("*/children")
    below = [child for file in listed for child in _text_of(file).split()]
    return [pid, *(found for child in below for found in _family(int(child)))]


def _text_of(file: Path) -> str:
    with contextlib.suppress(OSError):
        return file.read_text()
    return ""


def _resident(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0


def _end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 15)
