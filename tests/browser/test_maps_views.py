"""The views of the page Maps in a browser: maps whole, following the slider, with what a click tells."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from browser.conftest import idle, segment
from browser.test_workbench import open_example, wavelength
from PIL import Image

N_WAVELENGTHS = 11
SVG = "{http://www.w3.org/2000/svg}"


def test_both_maps_are_seen_whole_and_a_click_shows_a_spectrum(chromium, workbench):
    """Without scrolling, in the smallest usual window, before anything is segmented."""
    page = workbench.open_page(chromium, 1280, 720)
    open_example(page)
    maps, bars = page.locator(".viewer canvas"), page.locator(".viewer .bar")
    assert (maps.count(), bars.count()) == (2, 2)
    for one in (*maps.all(), *bars.all()):
        box = one.bounding_box()
        assert box["y"] > 0
        assert box["y"] + box["height"] <= 720
        assert box["x"] + box["width"] <= 1280
    assert maps.first.bounding_box()["height"] > 240
    maps.last.click(position={"x": 150, "y": 100})
    page.get_by_text(re.compile(r"Pixel x \d+, y \d+: Delta 450 nm [\d.]+°, Psi 450 nm [\d.]+°")).wait_for()
    idle(page)
    charts = page.get_by_test_id("stVegaLiteChart")
    charts.last.wait_for()
    assert charts.count() == 2
    bottom = charts.last.bounding_box()
    assert bottom["y"] + bottom["height"] <= 720
    page.close()


@pytest.mark.parametrize("view", ["Data", "Explore"])
def test_maps_follow_the_slider_while_it_is_dragged(chromium, workbench, view):
    page = workbench.open_page(chromium, 1280, 720)
    open_example(page)
    if view == "Explore":
        segment(page, 4)
    slider = wavelength(page)
    step = track(slider)["width"] / (N_WAVELENGTHS - 1)
    place = slider.bounding_box()
    x, y = track(slider)["x"], place["y"] + place["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for position in (1, 4, 5, 10, 9, 3):
        page.mouse.move(x + position * step, y)
        shown = slider.get_attribute("aria-valuetext")
        assert shown == f"{450 + 30 * position}"
        page.get_by_text(re.compile(f"^Delta {shown} nm")).first.wait_for()
        assert "position=" not in page.url
    page.mouse.up()
    page.wait_for_url(re.compile("position=540"))
    idle(page)
    assert slider.get_attribute("aria-valuetext") == "540"
    assert page.locator(".viewer .title").first.text_content().startswith("Delta 540 nm")
    page.close()
    assert workbench.complaints() == []


def track(slider):
    """Where the middle of the slider's thumb goes: x of the left end, and how far to the right one."""
    box = slider.locator("xpath=ancestor::*[@data-testid='stSlider']").bounding_box()
    return {"x": box["x"] + 6, "width": box["width"] - 12}


@pytest.fixture
def explored(chromium, workbench):
    page = workbench.open_page(chromium, 1280, 720)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_example(page)
    segment(page, 4)
    yield page
    page.close()


def test_a_map_is_saved_as_png_and_svg_and_copied(explored):
    name = "Delta 450 nm, measured"
    with Image.open(saved(explored, f"Save as PNG: {name}")) as picture:
        assert picture.format == "PNG"
        pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    colors = set(map(tuple, pixels.tolist()))
    assert {(68, 1, 84), (253, 231, 37), (255, 255, 255), (0, 0, 0)} <= colors
    root = ElementTree.parse(saved(explored, f"Save as SVG: {name}")).getroot()
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert {name, "x (px)", "y (px)", "0", "filled"} <= set(texts)
    assert any(text.endswith("°") for text in texts)
    map_, bar = root.iter(f"{SVG}image")
    assert (map_.get("width"), map_.get("height"), bar.get("width")) == ("160", "128", "256")
    explored.get_by_role("button", name=f"Copy as image: {name}").click()
    explored.get_by_text(f"Copied: {name}").wait_for()
    types = explored.evaluate("async () => (await navigator.clipboard.read()).flatMap((item) => item.types)")
    assert "image/png" in types


def test_clusters_are_saved_with_their_names(explored):
    root = ElementTree.parse(saved(explored, "Save as SVG: Clusters")).getroot()
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert {"Clusters", "0", "1", "2", "3"} <= set(texts)
    fills = {element.get("fill").lower() for element in root.iter(f"{SVG}rect")}
    assert {"#0072b2", "#e69f00", "#009e73", "#d55e00"} <= fills


def saved(page, button):
    with page.expect_download() as download:
        page.get_by_role("button", name=button, exact=True).click()
    assert download.value.suggested_filename.startswith("sample_20260101120000000")
    return download.value.path()
