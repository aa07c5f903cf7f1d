"""From a file of spectra to a thickness, as a user does it in the browser."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pytest
from browser.conftest import idle, serve, show
from support.spots import spots_folder


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    root = tmp_path_factory.mktemp("spots")
    spots_folder(root)
    with serve(root, tmp_path_factory.mktemp("spots_server")) as running:
        yield running


def thickness(page):
    """Where the slider stands, which is where the fit ended."""
    slider = page.get_by_role("slider", name=re.compile("^Thickness"))
    return float(slider.input_value())


def test_a_spectrum_is_opened_fitted_and_there_after_a_reload(chromium, lab):
    page = lab.open_page(chromium)
    page.get_by_role("button", name="spots", exact=True).click()
    page.get_by_role("button", name="spot.csv", exact=True).click()
    page.get_by_text("About these spectra").wait_for()
    show(page, "Fit")
    page.get_by_role("button", name="Fit", exact=True).click()
    page.get_by_role("button", name="Download the fit").wait_for()
    idle(page)
    value = thickness(page)
    assert abs(value - 123.4) < 0.05
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the fit").click()
    with zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes())) as archive:
        table = archive.read("spot_fit.csv").decode()
    assert abs(float(table.splitlines()[1].split(",")[1]) - value) < 0.01
    page.reload()
    page.get_by_role("button", name="Download the fit").wait_for()
    idle(page)
    assert thickness(page) == value
    other = chromium.new_page()
    other.goto(page.url)
    other.get_by_role("button", name="Download the fit").wait_for()
    idle(other)
    assert thickness(other) == value
    assert lab.complaints() == []


def test_a_click_on_a_spot_shows_its_spectrum(chromium, lab):
    page = lab.open_page(chromium)
    page.get_by_role("textbox", name="Measurement folder").fill("spots/wafer.csv")
    page.get_by_role("button", name="Open", exact=True).click()
    page.get_by_text("About these spectra").wait_for()
    show(page, "Fit")
    page.get_by_role("button", name="Fit", exact=True).click()
    page.get_by_text("A click on a spot").wait_for()
    idle(page)
    spots = page.locator(".stVegaLiteChart").first.locator(".mark-symbol path")
    places = [spots.nth(number).bounding_box() for number in range(spots.count())]
    right = max(places, key=lambda box: box["x"])
    page.mouse.click(right["x"] + right["width"] / 2, right["y"] + right["height"] / 2)
    page.get_by_role("slider", name="Thickness (nm) of spectrum 3").wait_for()
    idle(page)
    assert lab.complaints() == []
