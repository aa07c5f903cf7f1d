"""Fixtures shared by all tests: the real data and a browser.

Environment
-----------
ELLIMAPS_SHARED_DATA
    Folder of real measurements, by default ``../shared/data`` beside the repository. Tests that need it
    are skipped where it is absent.
ELLIMAPS_CHROMIUM
    The Chromium or Chrome to drive, where it is not on the path.
ELLIMAPS_REQUIRE_BROWSER
    ``1`` (set by ``.ci/run``): a run fails if a browser test was skipped or none passed.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from ellimaps.core.reach import confine

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "data_example" / "terraces"
EXAMPLE_WRAP = ROOT / "data_example" / "terraces_wrap"
REQUIRE_BROWSER = os.environ.get("ELLIMAPS_REQUIRE_BROWSER") == "1"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


# Servers that tests start write their users' works and notes here, and no test those of this machine's user.
for name in ("ELLIMAPS_STATE", "ELLIMAPS_EVENTS"):
    os.environ[name] = tempfile.mkdtemp(prefix="ellimaps-state-")
    atexit.register(shutil.rmtree, os.environ[name], ignore_errors=True)


@pytest.fixture(autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test finds what another one wrote down."""
    monkeypatch.setenv("ELLIMAPS_STATE", str(tmp_path_factory.mktemp("state")))


@pytest.fixture(autouse=True)
def unconfined() -> Iterator[None]:
    """No test is kept below the data root of a page that another one opened."""
    yield
    confine([])


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real measurements; read only."""
    folder = Path(os.environ.get("ELLIMAPS_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is absent (set ELLIMAPS_SHARED_DATA)")
    return folder


@pytest.fixture(scope="session")
def real_hbn(shared_data: Path) -> Path:
    """A real EP4 measurement: 22 maps of 260 x 344 pixels, 550..800 nm."""
    return shared_data / "ep4_hBN"


def chromium_path() -> str | None:
    """Where Chromium or Chrome is, if anywhere."""
    return next(filter(None, [os.environ.get("ELLIMAPS_CHROMIUM"), *map(shutil.which, CHROMIUM_NAMES)]), None)


# Playwright keeps an event loop running in this thread; module scope keeps it out of the other tests.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A headless Chromium, driven by Playwright: ``chromium.new_page()``."""
    executable = chromium_path()
    if executable is None:
        reason = "no Chromium on the path (install one or set ELLIMAPS_CHROMIUM)"
        pytest.fail(reason) if REQUIRE_BROWSER else pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, headless=True, args=CHROMIUM_ARGS)
        yield browser
        browser.close()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that uses ``chromium``, so that ``-m "not browser"`` leaves none behind."""
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")


def pytest_configure(config: pytest.Config) -> None:
    """Watch the browser tests where they are required, in the process that sees all reports."""
    if REQUIRE_BROWSER and not hasattr(config, "workerinput"):
        config.pluginmanager.register(BrowserGate())


class BrowserGate:
    """Fails a run in which a browser test was skipped or none passed."""

    def __init__(self) -> None:
        self.passed = 0
        self.skipped: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count the browser tests."""
        if "browser" not in report.keywords:
            return
        if report.skipped:
            self.skipped.append(report.nodeid)
        elif report.when == "call" and report.passed:
            self.passed += 1

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Turn a green run red if the browser was not exercised."""
        green = session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
        if green and (self.skipped or not self.passed):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say why."""
        if self.skipped or not self.passed:
            skipped = ", ".join(self.skipped) or "none"
            terminalreporter.write_line(
                f"ELLIMAPS_REQUIRE_BROWSER: {self.passed} browser tests passed, skipped: {skipped}", red=True
            )
