"""Finding objects in a browser: a slider moves, the count follows, and the recipe has the settings."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import tifffile
from browser.conftest import idle, serve, show

from ellimaps.samples.nuclei import nuclei_phantom


@pytest.fixture(scope="module")
def workbench(tmp_path_factory):
    folder = tmp_path_factory.mktemp("objects")
    data = folder / "data"
    data.mkdir()
    tifffile.imwrite(data / "nuclei.tif", nuclei_phantom(6, size=(256, 256), count=18, crowding=0.5).image)
    with serve(data, folder) as running:
        yield running


def found(page):
    idle(page)
    return int(re.match(r"\d+", page.get_by_text(re.compile(r"^\d+ nuclei")).first.inner_text())[0])


def test_objects_are_tuned_seen_and_taken_along(workbench, chromium):
    page = workbench.open_page(chromium)
    path = page.get_by_role("textbox", name="Measurement folder")
    path.fill("nuclei.tif")
    path.press("Enter")
    page.get_by_text("Missing values").wait_for()
    show(page, "Objects")
    before = found(page)
    slider = page.get_by_role("slider", name="Separation")
    slider.press("End")
    page.wait_for_function(
        f"() => ![...document.querySelectorAll('p')].some((p) => p.innerText.startsWith('{before} nuclei'))"
    )
    assert found(page) < before
    # A row that is picked is outlined, and the pixel below the pointer says whose it is.
    page.get_by_test_id("stDataFrame").first.click(position={"x": 18, "y": 60})
    idle(page)
    box = page.locator(".viewer canvas").first.bounding_box()
    readout = page.locator(".viewer .readout")
    for y in range(30, int(box["height"]) - 40, 4):
        page.mouse.move(box["x"] + 60 + y % 200, box["y"] + y)
        if "object" in readout.text_content():
            break
    assert re.search(r"object \d+", readout.text_content())
    with page.expect_download() as download:
        page.get_by_role("button", name="Batch recipe").click()
    cells = tomllib.loads(Path(download.value.path()).read_text(encoding="utf-8"))["cells"]
    assert cells["criteria"]["separation"] == 0.5
    assert cells["kind"] == "nuclei"
    assert workbench.complaints() == []
    page.close()
