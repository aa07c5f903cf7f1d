"""The view a user clicked is the view that is shown, whatever was at work when it was clicked."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from browser.conftest import WAIT_MS, Workbench, halting, idle, segment, show
from playwright.sync_api import Browser, Page, WebSocketRoute

TRIALS = int(os.environ.get("ELLIMAPS_TEST_TRIALS", "3"))
# What is to be read in each view and in no other.
SAYS = {
    "Data": "Angle of incidence",
    "How many?": "Estimate",
    "Explore": "cluster over measured",
    "Fit": "Fit every pixel",
    "Export": "The same in Python",
}
SLOW = [
    ("How many?", "Estimate"),
    ("Explore", "Segment"),
    ("Explore", "Clean"),
    ("Fit", "Fit"),
    ("Fit", "Fit every pixel"),
    ("Compare", "Segment"),
    ("Export", "Segment"),
]


@dataclass
class Line:
    """What the browser hears of the server, which can be held back."""

    page: Page
    is_held: bool = False
    waiting: list[str | bytes] = field(default_factory=list)
    route: WebSocketRoute | None = None

    def take(self, route: WebSocketRoute) -> None:
        server = route.connect_to_server()
        self.route = route
        server.on_message(self.hear)

    def hear(self, message: str | bytes) -> None:
        assert self.route is not None
        if self.is_held:
            self.waiting.append(message)
        else:
            self.route.send(message)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        self.is_held = True
        try:
            yield
        finally:
            assert self.route is not None
            # What comes while these are sent waits behind them.
            while self.waiting:
                self.route.send(self.waiting.pop(0))
            self.is_held = False


@pytest.fixture(scope="module")
def line(chromium: Browser, workbench: Workbench) -> Iterator[Line]:
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(WAIT_MS)
    line = Line(page)
    page.route_web_socket("**/_stcore/stream", line.take)
    page.goto(f"{workbench.address}/?folder=terraces")
    page.get_by_text("Angle of incidence").wait_for()
    idle(page)
    segment(page, 5)
    yield line
    page.close()


def click(page: Page, view: str) -> None:
    page.get_by_role("radiogroup", name="View").get_by_text(view, exact=True).click()


def must_show(page: Page, view: str, trial: object) -> None:
    assert page.get_by_role("radio", name=view, exact=True).is_checked(), trial
    if view not in SAYS:
        return
    page.get_by_text(SAYS[view]).first.wait_for()
    for other, text in SAYS.items():
        if other != view and text != SAYS[view]:
            assert not page.get_by_text(text, exact=True).first.is_visible(), (trial, other)


@pytest.mark.parametrize(("at", "button"), SLOW)
def test_a_view_clicked_before_the_browser_hears_of_the_work_is_shown(line, at, button):
    page = line.page
    for to in ("Data", "How many?", "Explore", "Fit", "Compare", "Export"):
        if to == at:
            continue
        show(page, at)
        with line.held():
            page.get_by_role("button", name=button, exact=True).first.click()
            # Longer than short work, which is answered by its result at once.
            page.wait_for_timeout(1_000)
            click(page, to)
            page.wait_for_timeout(300)
        page.wait_for_timeout(500)
        idle(page)
        must_show(page, to, (at, button, to))


@pytest.mark.parametrize(
    ("at", "button", "to"), [("Explore", "Clean", "Export"), ("Fit", "Fit every pixel", "How many?")]
)
def test_no_click_on_a_view_is_lost_by_a_slow_server(line, workbench, at, button, to):
    page = line.page
    with halting(workbench):
        for trial in range(TRIALS):
            show(page, at)
            page.get_by_role("button", name=button, exact=True).click()
            page.wait_for_timeout(100 + 200 * trial % 1_500)
            click(page, to)
            page.wait_for_timeout(2_000)
            idle(page)
            must_show(page, to, trial)
