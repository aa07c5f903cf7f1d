"""The view a user clicked is the view that is shown, whatever was at work when it was clicked."""

from __future__ import annotations

import pytest
from browser.conftest import WAIT_MS, halting, idle, segment, show

TRIALS = 3
# What is to be read in each view and in no other.
SAYS = {
    "Data": "Angle of incidence",
    "How many?": "Estimate",
    "Explore": "cluster over measured",
    "Fit": "Fit every pixel",
    "Export": "The same in Python",
}


@pytest.fixture(scope="module")
def segmented(chromium, workbench):
    page = workbench.open_page(chromium)
    page.get_by_role("button", name="terraces", exact=True).first.click()
    page.get_by_text("Angle of incidence").wait_for()
    idle(page)
    segment(page, 5)
    yield page
    page.close()


@pytest.mark.parametrize(
    ("at", "button", "to"),
    [
        ("Explore", "Clean", "Export"),
        ("Fit", "Fit every pixel", "How many?"),
    ],
)
def test_no_click_on_a_view_is_lost(segmented, workbench, at, button, to):
    page = segmented
    page.set_default_timeout(WAIT_MS)
    with halting(workbench):
        for trial in range(TRIALS):
            show(page, at)
            page.get_by_role("button", name=button, exact=True).click()
            page.wait_for_timeout(100 + 200 * trial)
            page.get_by_role("radiogroup", name="View").get_by_text(to, exact=True).click()
            page.wait_for_timeout(2_000)
            idle(page)
            assert page.get_by_role("radio", name=to, exact=True).is_checked(), trial
            page.get_by_text(SAYS[to]).first.wait_for()
            for other, text in SAYS.items():
                if other != to and text != SAYS[to]:
                    assert not page.get_by_text(text, exact=True).first.is_visible(), (trial, other)
