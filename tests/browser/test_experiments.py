"""The Experiments page in Chromium: choose a tree, run, stop, continue, and find it all again after F5."""

from __future__ import annotations

import re
import time

import pytest
from browser.conftest import WAIT_MS, idle, serve
from browser.test_access import complaints

from ellimaps.samples import sample_cells, sample_ep4


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    root = tmp_path_factory.mktemp("trees")
    for wafer in range(2):
        for growth in range(4):
            folder = root / "wafers" / f"wafer {wafer}" / f"growth_{growth}"
            for number in range(2):
                sample_ep4(folder / f"map_{number}", seed=growth, size=(144, 192), kinds=2, bands=8)
    cut = next((folder / "map_1").glob("*_003.png"))
    cut.write_bytes(cut.read_bytes()[:900])
    sample_cells(
        root / "cells",
        dates=1,
        subjects=2,
        experiments=4,
        fovs=2,
        size=(128, 128),
        count=(1, 4),
        radius=(10, 20),
    )
    with serve(root, tmp_path_factory.mktemp("server")) as running:
        yield running


def opened(chromium, trees, query=""):
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(WAIT_MS)
    page.goto(f"{trees.address}/experiments{query}")
    return page


def metric(page, label):
    return (
        page.get_by_test_id("stMetric")
        .filter(has=page.get_by_text(label, exact=True))
        .get_by_test_id("stMetricValue")
    )


def test_run_stop_continue_and_find_again(chromium, trees):
    page = opened(chromium, trees)
    folder = page.get_by_role("combobox", name="Folder", exact=False).first
    folder.click()
    page.get_by_role("option", name="wafers", exact=True).click()
    page.get_by_text("16 map folders").wait_for()
    page.get_by_role("img", name=re.compile("Delta")).wait_for()
    idle(page)
    assert complaints(page) == []
    alone = len(trees.family())

    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_text(re.compile(r"\b[3-9] of 16")).wait_for()
    stop = page.get_by_role("button", name="Stop", exact=True)
    assert len(trees.family()) > alone
    pressed = time.monotonic()
    stop.click()
    while len(trees.family()) > alone:
        assert time.monotonic() - pressed < 2
        time.sleep(0.02)
    page.get_by_text("Stopped.", exact=True).wait_for()
    page.get_by_role("button", name="Show the results").click()
    page.get_by_text("of 16 are done", exact=False).wait_for()
    done = int(metric(page, "Samples").inner_text())
    assert 3 <= done < 16

    page.get_by_role("button", name="Continue", exact=True).click()
    stop.wait_for()
    page.reload()
    stop.wait_for()
    other = opened(chromium, trees, "?experiments_typed=results/wafers")
    other.get_by_text("A run is at work on results/wafers").wait_for()
    other.close()
    page.get_by_role("button", name="Run again").wait_for()
    idle(page)
    assert [metric(page, label).inner_text() for label in ("Samples", "Failed", "Experiments")] == [
        "15",
        "1",
        "8",
    ]
    page.get_by_text("wafer 1/growth_3/map_1: ", exact=False).wait_for()

    page.reload()
    metric(page, "Samples").wait_for()
    idle(page)
    assert metric(page, "Samples").inner_text() == "15"
    table = page.get_by_test_id("stDataFrame").last
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    page.mouse.click(box["x"] + 16, box["y"] + 35 + 17)
    page.get_by_text("Maps, clusters and spectra").wait_for()
    idle(page)
    assert complaints(page) == []
    assert trees.complaints() == []
    page.close()


def test_objects_by_experiment(chromium, trees):
    page = opened(chromium, trees, "?experiments_found=cells")
    page.get_by_text("16 images", exact=True).wait_for()
    idle(page)
    page.get_by_role("button", name="Run", exact=True).click()
    metric(page, "Objects").wait_for()
    idle(page)
    assert metric(page, "Images").inner_text() == "16"
    assert metric(page, "Experiments").inner_text() == "8"
    page.get_by_text("Subject", exact=True).first.click()
    idle(page)
    page.get_by_text("Subjects shown").wait_for()
    # What was written is offered as results, and as nothing to run.
    page.get_by_role("combobox", name="Folder", exact=False).first.click()
    page.get_by_role("option", name="wafers", exact=True).wait_for()
    offered = page.get_by_role("option").all_inner_texts()
    assert offered.count("results/cells") == 1
    assert [name for name in offered if name.startswith(("results/cells/", "results/wafers/"))] == []
    assert trees.complaints() == []
    page.close()
