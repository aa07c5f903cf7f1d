"""The whole way in a browser, and several users at once."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from browser.conftest import idle, segment, show
from conftest import EXAMPLE, ROOT
from playwright.sync_api import TimeoutError

SLIDER_MOVES = 20
PATIENCE = 5
MEGABYTE = 1 << 20


def open_example(page, name="terraces"):
    page.get_by_role("button", name=name, exact=True).first.click()
    page.get_by_text("Angle of incidence").wait_for()
    page.locator(".viewer canvas").last.wait_for()
    idle(page)


def wavelength(page):
    return page.get_by_role("slider", name="Wavelength (nm)")


def shown(page):
    """The title of the first map."""
    return page.locator(".viewer .title").first.text_content()


def drag(page, start, end):
    """Drag over the first map, between shares of its size."""
    box = page.locator(".viewer canvas").first.bounding_box()
    points = [
        (box["x"] + 42 + fx * (box["width"] - 56), box["y"] + 4 + fy * (box["height"] - 38))
        for fx, fy in (start, end)
    ]
    page.mouse.move(*points[0])
    page.mouse.down()
    page.mouse.move(*points[1], steps=6)
    page.mouse.up()


def downloaded(page, button):
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    return Path(download.value.path()).read_bytes()


def unzipped(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def command_line_files(out, *options):
    command = [sys.executable, "-c", "from ellimaps.cli import main; main()", "segment", str(EXAMPLE)]
    done = subprocess.run(
        [*command, *options, "--out", str(out)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return {path.name: path.read_bytes() for path in out.iterdir()}


def assert_same_files(zipped, written):
    """Byte for byte; what the provenance says of recorded timings aside, and what only the page adds."""
    added = {"recipe.toml", "NOT_IN_HERE.txt"}
    zipped = {
        name: zipped[name] for name in zipped if name not in added and not name.endswith("_report.html")
    }
    assert sorted(zipped) == sorted(written)
    for name, content in zipped.items():
        if name.endswith("_segmentation.json"):
            ours, theirs = ({**json.loads(text), "timings_s": {}} for text in (content, written[name]))
            assert ours == theirs
        else:
            assert content == written[name], name


def test_the_whole_way(chromium, workbench, tmp_path):
    page = workbench.open_page(chromium)
    page.get_by_role("textbox", name="Measurement folder").fill("terraces")
    page.get_by_role("button", name="Open", exact=True).click()
    page.get_by_text("Angle of incidence").wait_for()
    idle(page)
    show(page, "How many?")
    page.get_by_role("button", name="Estimate").click()
    page.get_by_role("button", name="Segment, k = 4").click()
    page.get_by_role("img", name="Clusters", exact=True).wait_for()
    idle(page)
    move_both_sliders(page)
    zoom_and_step_with_keys(page)
    draw_a_rectangle(page)
    merge_and_undo(page)
    show(page, "Export")
    plain = unzipped(downloaded(page, "Download all files"))
    assert_same_files(plain, command_line_files(tmp_path / "plain", "-k", "4"))
    export_with_changes(page, tmp_path)
    assert workbench.complaints() == []


def move_both_sliders(page):
    slider = wavelength(page)
    slider.focus()
    slider.press("ArrowRight")
    page.get_by_text("Delta 480 nm, measured").wait_for()
    slider.press("End")
    page.get_by_text("Delta 750 nm, measured").wait_for()
    slider.press("Home")
    page.get_by_text("Delta 450 nm, measured").wait_for()
    cluster = page.get_by_role("slider", name="Cluster")
    cluster.focus()
    cluster.press("ArrowRight")
    idle(page)
    page.locator('.legend button[aria-pressed="true"]', has_text="1").wait_for()


def zoom_and_step_with_keys(page):
    """Arrow keys pressed faster than the server answers are all counted; the zoom survives them."""
    viewer = page.locator(".viewer")
    viewer.focus()
    whole = viewer.get_attribute("data-view")
    viewer.press("+")
    zoomed = viewer.get_attribute("data-view")
    assert zoomed != whole
    for _ in range(4):
        viewer.press("ArrowRight")
    page.get_by_text("Delta 570 nm, measured").wait_for()
    idle(page)
    viewer.press("ArrowLeft")
    page.get_by_text("Delta 540 nm, measured").wait_for()
    idle(page)
    assert viewer.get_attribute("data-view") == zoomed
    viewer.press("0")
    assert viewer.get_attribute("data-view") == whole


def draw_a_rectangle(page):
    page.get_by_role("button", name="Rectangle").click()
    drag(page, (0.25, 0.3), (0.5, 0.5))
    page.get_by_text(re.compile(r"rectangle within x \d+ to \d+")).wait_for()
    page.get_by_role("button", name="Add to the export").click()
    page.get_by_text("in the export").wait_for()
    idle(page)
    page.locator(".viewer canvas").first.hover()
    assert re.match(r"x \d+, y \d+.*°.*cluster", page.locator(".viewer .readout").text_content())


def merge_and_undo(page):
    page.get_by_role("button", name="Remove").click()
    idle(page)
    merge(page)
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("Changes by hand").wait_for(state="detached")
    idle(page)


def merge(page):
    box = page.get_by_role("combobox", name="Merge clusters")
    for name in ("0", "1"):
        option = page.get_by_role("option", name=name, exact=True)
        # The list stays open after a choice, and a click would close it; so does an answer of the server.
        for _ in range(PATIENCE):
            if not option.is_visible():
                box.click()
            try:
                option.click(timeout=5_000)
                break
            except TimeoutError:
                continue
        idle(page)
    page.keyboard.press("Escape")
    idle(page)
    page.get_by_role("button", name="Merge", exact=True).click()
    page.get_by_text("Changes by hand: merge 0+1").wait_for()
    idle(page)


def export_with_changes(page, tmp_path):
    """A merge and a region of interest, by the recipe on the command line."""
    show(page, "Explore")
    page.get_by_role("button", name="Lasso").click()
    drag(page, (0.3, 0.3), (0.5, 0.6))
    idle(page)
    merge(page)
    page.get_by_role("button", name="Move", exact=True).click()
    page.locator(".viewer canvas").first.click(position={"x": 150, "y": 100})
    page.get_by_text(re.compile(r"pixel x \d+")).wait_for()
    page.get_by_role("button", name="Add to the export").click()
    page.get_by_text("in the export").wait_for()
    show(page, "Export")
    files = unzipped(downloaded(page, "Download all files"))
    recipe = tmp_path / "recipe.toml"
    recipe.write_bytes(downloaded(page, "Recipe (TOML)"))
    assert_same_files(files, command_line_files(tmp_path / "recipe", "--recipe", str(recipe)))
    report = downloaded(page, "Report").decode()
    assert "<img" in report
    # With the colon: the letters alone turn up in a picture's base64 now and then.
    assert not re.search(r"https?:|//www", report)


def test_two_users_do_not_meet(chromium, workbench):
    """Two sessions, two folders, the sliders of both moved in turn: no mixing, no growth of memory."""
    pages = {name: workbench.open_page(chromium) for name in ("terraces", "terraces_wrap")}
    for number, (name, page) in enumerate(pages.items()):
        open_example(page, name)
        segment(page, 4 + number)
    bars = {name: colour_bar(page) for name, page in pages.items()}
    assert bars["terraces"] != bars["terraces_wrap"]
    rounds(pages, 4)
    before = workbench.resident_bytes()
    rounds(pages, SLIDER_MOVES)
    assert workbench.resident_bytes() - before < 60 * MEGABYTE
    for number, (name, page) in enumerate(pages.items()):
        wavelength(page).focus()
        wavelength(page).press("Home")
        page.get_by_text("Delta 450 nm, measured").wait_for()
        idle(page)
        assert colour_bar(page) == bars[name]
        assert page.locator(".legend button").count() == 4 + number
    assert workbench.complaints() == []


def colour_bar(page):
    return page.locator(".viewer .bar").first.text_content()


def rounds(pages, moves):
    """Move the sliders of all pages by turns, there and back."""
    for move in range(moves):
        for page in pages.values():
            wavelength(page).focus()
            wavelength(page).press("ArrowRight" if move // 10 % 2 == 0 else "ArrowLeft")
        for page in pages.values():
            idle(page)


@pytest.mark.parametrize(("width", "scheme"), [(800, "light"), (1280, "dark")])
def test_nothing_is_wider_than_the_window(chromium, workbench, width, scheme):
    page = workbench.open_page(chromium, width, 1000, color_scheme=scheme)
    open_example(page)
    segment(page, 4)
    segment(page, 5)
    for view in ("Data", "How many?", "Explore", "Fit", "Compare", "Export"):
        show(page, view)
        wide = page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollWidth")
        assert wide <= width
        elements = page.locator(".stButton button, .stPills button, .viewer canvas")
        rights = elements.evaluate_all("all => all.map((one) => one.getBoundingClientRect().right)")
        assert all(right <= width + 1 for right in rights)


def test_a_wrong_folder_and_an_upload(chromium, workbench, tmp_path):
    page = workbench.open_page(chromium)
    page.get_by_role("textbox", name="Measurement folder").fill("nowhere")
    page.get_by_role("button", name="Open", exact=True).click()
    page.get_by_text("does not exist").wait_for()
    idle(page)
    packed = tmp_path / "maps.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in (ROOT / "data_example" / "terraces").iterdir():
            archive.write(path, f"maps/{path.name}")
    page.locator("input[type=file]").set_input_files(packed)
    page.get_by_text("maps.zip").wait_for()
    page.get_by_role("button", name="Open the upload").click()
    page.get_by_text("Angle of incidence").wait_for()
    idle(page)
    assert workbench.complaints() == []
