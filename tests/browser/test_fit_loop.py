"""From a folder to a thickness map and its files, as a user does it in the browser."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path

from browser.conftest import idle, serve, show
from conftest import EXAMPLE

from ellimaps.samples import sample_ep4

MOST_SECONDS = 40


def downloaded(page, button):
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    with zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes())) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def command_line_files(out, model, *options):
    command = [sys.executable, "-c", "from ellimaps.cli import main; main()", "fit", str(EXAMPLE)]
    done = subprocess.run(
        [*command, "--model", str(model), *options, "--out", str(out)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {path.name: path.read_bytes() for path in out.iterdir()}


def assert_same_files(zipped, written):
    """Byte for byte; recorded timings aside."""
    assert sorted(zipped) == sorted(written)
    for name, content in zipped.items():
        if name.endswith("_fit.json"):
            ours, theirs = (without_timings(json.loads(text)) for text in (content, written[name]))
            assert ours == theirs
        else:
            assert content == written[name], name


def without_timings(facts):
    facts["timings_s"] = {}
    if "segmentation" in facts:
        facts["segmentation"]["timings_s"] = {}
    return facts


def test_from_a_folder_to_a_thickness_map_and_its_files(chromium, workbench, tmp_path):
    page = workbench.open_page(chromium)
    start = time.perf_counter()
    page.get_by_role("textbox", name="Measurement folder").fill("terraces")
    page.get_by_role("button", name="Open", exact=True).click()
    page.get_by_text("Angle of incidence").wait_for()
    idle(page)
    show(page, "Fit")
    field = page.get_by_role("spinbutton", name="Clusters k")
    field.fill("4")
    field.press("Enter")
    idle(page)
    page.get_by_role("button", name="Segment", exact=True).click()
    page.get_by_role("button", name="Fit", exact=True).click()
    page.get_by_role("img", name="Thickness (nm)").wait_for()
    idle(page)
    clusters = downloaded(page, "Download the fit")
    page.get_by_role("button", name="Fit every pixel").click()
    page.get_by_text("of the pixels are trusted").wait_for()
    idle(page)
    pixels = downloaded(page, "Download the fit")
    taken = time.perf_counter() - start
    print(f"folder to thickness maps and their files: {taken:.1f} s")
    assert taken < MOST_SECONDS
    read_a_thickness(page)
    pick_a_pixel(page)
    move_the_slider(page)
    draw_a_line(page)
    for name, content in downloaded(page, re.compile("^Model and its")).items():
        (tmp_path / name).write_bytes(content)
    model = tmp_path / "model.toml"
    assert_same_files(clusters, command_line_files(tmp_path / "clusters", model, "-k", "4"))
    assert_same_files(pixels, command_line_files(tmp_path / "pixels", EXAMPLE / "model.toml", "--pixels"))
    assert workbench.complaints() == []


def read_a_thickness(page):
    """The map under the mouse tells nm: the background of the example is 114.5 nm thick."""
    box = first_map(page)
    page.mouse.move(box["x"] + 60, box["y"] + 20)
    text = page.locator(".viewer .readout").text_content()
    value = re.search(r"Thickness \(nm\): ([\d.]+) nm", text)
    assert value is not None, text
    assert abs(float(value[1]) - 114.5) < 1.5


def pick_a_pixel(page):
    """A click shows the pixel's own curves and number, a cross on the map, and a button back."""
    box, cluster = first_map(page), picture(page, 0)
    page.mouse.click(box["x"] + 60, box["y"] + 20)
    line = page.get_by_text(re.compile(r"^Pixel x \d+, y \d+: thickness 11\d\.\d+ ± 0\.\d+ nm"))
    line.wait_for()
    assert "fitted by itself" in line.inner_text()
    idle(page)
    assert page.get_by_role("slider", name=re.compile(r"^Thickness \(nm\) of pixel x \d+")).count() == 1
    assert picture(page, 0) != cluster
    page.get_by_role("button", name="Show the cluster").click()
    page.get_by_role("slider", name="Thickness (nm) of cluster").wait_for()
    idle(page)
    assert line.count() == 0


def move_the_slider(page):
    """The modelled line follows at once; the table, which holds the fit, stays."""
    slider = page.get_by_role("slider", name="Thickness (nm) of cluster")
    slider.scroll_into_view_if_needed()
    before, table = picture(page, 0), page.get_by_test_id("stDataFrame").first.screenshot()
    slider.focus()
    start = time.perf_counter()
    slider.press("End")
    page.get_by_text("400.00").first.wait_for()
    idle(page)
    print(f"the model follows the slider within {time.perf_counter() - start:.2f} s")
    assert picture(page, 0) != before
    assert page.get_by_test_id("stDataFrame").first.screenshot() == table


def draw_a_line(page):
    """Another line has another profile."""
    before = picture(page, 3)
    page.get_by_role("button", name="Line", exact=True).click()
    box = first_map(page)
    page.mouse.move(box["x"] + 100, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 100, box["y"] + 200, steps=4)
    page.mouse.up()
    idle(page)
    assert picture(page, 3) != before


def picture(page, number):
    """A chart as it looks: Psi, Delta, residuals, profile, histogram."""
    page.wait_for_timeout(300)
    return page.get_by_test_id("stVegaLiteChart").nth(number).screenshot()


def first_map(page):
    canvas = page.locator(".viewer canvas").first
    # In the middle: the header lies over the top of the window.
    canvas.evaluate("canvas => canvas.scrollIntoView({ block: 'center' })")
    return canvas.bounding_box()


# Where the first map stands in the window, and what the progress says, at every frame.
WATCH = """() => {
  window.watched = [];
  const map = () => [...document.querySelectorAll('*')]
    .map((one) => one.shadowRoot?.querySelector('.viewer canvas')).find(Boolean);
  const look = () => {
    const told = document.querySelector('.st-key-task')?.innerText ?? '';
    window.watched.push([map()?.getBoundingClientRect().top ?? null, told]);
    requestAnimationFrame(look);
  };
  look();
}"""


def test_nothing_jumps_while_pixels_are_fitted_and_the_time_left_is_told(chromium, tmp_path):
    sample_ep4(tmp_path / "data" / "large", size=(900, 1100))
    (tmp_path / "server").mkdir()
    with serve(tmp_path / "data", tmp_path / "server") as workbench:
        page = workbench.open_page(chromium, 1280, 720)
        page.get_by_role("textbox", name="Measurement folder").fill("large")
        page.get_by_role("button", name="Open", exact=True).click()
        page.get_by_text("Angle of incidence").wait_for()
        idle(page)
        show(page, "Fit")
        page.get_by_role("button", name="Segment", exact=True).click()
        page.get_by_role("button", name="Fit", exact=True).click()
        page.get_by_role("img", name="Thickness (nm)").wait_for()
        idle(page)
        page.evaluate(WATCH)
        page.get_by_role("button", name="Fit every pixel").click()
        page.get_by_text("of the pixels are trusted").wait_for()
        idle(page)
        watched = page.evaluate("window.watched")
        assert len({top for top, _ in watched}) == 1
        assert any(re.search(r"[\d,]+ of 990,000, \d+ s left", told) for _, told in watched)
        page.close()


def test_a_model_is_uploaded_with_its_table_and_a_bad_one_is_one_sentence(chromium, workbench, tmp_path):
    page = workbench.open_page(chromium)
    page.get_by_role("button", name="terraces", exact=True).first.click()
    page.get_by_text("Angle of incidence").wait_for()
    idle(page)
    show(page, "Fit")
    page.get_by_role("button", name="Segment", exact=True).click()
    page.get_by_test_id("stCheckbox").filter(has_text="Edit").click()
    bad, table = tmp_path / "bad.toml", tmp_path / "mine.nk"
    bad.write_text("substrate = ")
    table.write_text("400 1.5 0.0\n800 1.5 0.0\n")
    good = tmp_path / "good.toml"
    good.write_text('substrate = { file = "mine.nk" }\n')
    upload(page, bad)
    page.get_by_text("The model bad.toml is not valid TOML").wait_for()
    upload(page, good, table)
    page.locator("code", has_text="mine.nk").first.wait_for()
    page.get_by_text("Nothing is free in this model").wait_for()
    assert workbench.complaints() == []


def upload(page, *files):
    page.locator("input[type=file]").set_input_files(files)
    page.get_by_text(files[0].name).first.wait_for()
    page.get_by_role("button", name="Take these files").click()
    idle(page)
