"""A reload, a second browser and a restarted server find the work of the page Maps again."""

from __future__ import annotations

import pytest
from browser.conftest import WAIT_MS, idle, segment, serve, show
from conftest import ROOT


@pytest.fixture
def worked(chromium, tmp_path):
    """A server and a page on which the example was segmented, a cluster named, and the model fitted."""
    asked = []
    with serve(ROOT / "data_example", tmp_path) as workbench:
        page = workbench.open_page(chromium)
        page.on("request", lambda request: asked.append(request.url))
        page.get_by_role("button", name="terraces", exact=True).first.click()
        page.get_by_text("Angle of incidence").wait_for()
        idle(page)
        segment(page, 4)
        show(page, "Fit")
        page.get_by_role("button", name="Fit", exact=True).click()
        page.get_by_text("MSE").first.wait_for()
        idle(page)
        yield workbench, page, tmp_path
        # No request leaves the machine.
        assert all(url.startswith((workbench.address, "data:", "blob:")) for url in asked), asked


def is_back(page, workbench):
    """The fit stands there with four clusters, and nothing is asked."""
    page.get_by_text("MSE").first.wait_for()
    idle(page)
    assert page.get_by_role("spinbutton", name="Clusters k").input_value() == "4"
    assert page.get_by_role("radio", name="Fit", exact=True).is_checked()
    assert page.title() == "sample_20260101120000000 · ellimaps"
    assert workbench.complaints() == []


def test_reload_second_browser_and_restart(worked, chromium):
    workbench, page, folder = worked
    address = page.url
    assert "folder=terraces" in address
    page.reload()
    is_back(page, workbench)
    assert "work=" in page.url
    other = chromium.new_page(viewport={"width": 1280, "height": 800})
    other.set_default_timeout(WAIT_MS)
    other.goto(address)
    is_back(other, workbench)
    # While the first browser is open, the second one has a work of its own.
    assert work(other.url) != work(page.url)
    other.close()
    page.close()
    again = folder / "again"
    again.mkdir()
    with serve(ROOT / "data_example", again) as restarted:
        late = chromium.new_page(viewport={"width": 1280, "height": 800})
        late.set_default_timeout(WAIT_MS)
        late.goto(address.replace(workbench.address, restarted.address))
        is_back(late, restarted)
        late.close()


def work(address):
    return next(part for part in address.split("?")[1].split("&") if part.startswith("work="))
