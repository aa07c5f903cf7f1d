"""Labelling by keys, training and trying in a browser, on generated cells."""

from __future__ import annotations

import contextlib
import csv
import re

import pytest
from browser.conftest import WAIT_MS, halting, idle, serve, show
from support.cell_folder import write_cells

# What is on the screen at each press: the title that the page showed with the picture then painted.
SEEN = """
window.seen = [];
document.addEventListener("keydown", (event) => {
  if (!"01".includes(event.key)) return;
  const hosts = [...document.querySelectorAll("*")].filter((one) => one.shadowRoot);
  const image = hosts.map((one) => one.shadowRoot.querySelector(".keyed img")).find(Boolean)
    ?? document.querySelector(".keyed img");
  window.seen.push([image?.alt, event.key]);
}, true);
"""


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """A workbench whose data root holds a folder of sixteen cells and their labels."""
    root = tmp_path_factory.mktemp("cells")
    write_cells(root, 16, 96)
    with serve(root, tmp_path_factory.mktemp("workbench")) as running:
        yield root, running


@pytest.fixture(scope="module")
def many_cells(tmp_path_factory):
    """A workbench whose data root holds a folder of sixty cells."""
    root = tmp_path_factory.mktemp("many")
    write_cells(root / "cells", 60, 96)
    with serve(root, tmp_path_factory.mktemp("workbench")) as running:
        yield root, running


def press(page, key, then):
    """Press a key once the picture is painted, and wait for what the page then says of the image."""
    page.locator(".keyed[aria-busy=false]").wait_for()
    page.keyboard.press(key)
    page.get_by_text(re.compile(then)).wait_for()
    idle(page)


def test_label_train_try(chromium, cells):
    root, workbench = cells
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(WAIT_MS)
    page.goto(f"{workbench.address}/classify")
    page.get_by_text("1 of 16 · no label").wait_for()
    page.get_by_role("button", name="heterogeneous").wait_for()
    idle(page)
    label_by_keys(page, root)
    train(page)
    show(page, "Try")
    page.get_by_text("All measurements").wait_for()
    page.get_by_text("Probability of homogeneous").wait_for()
    idle(page)
    assert workbench.complaints() == []
    page.close()


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
@pytest.mark.parametrize("pause_ms", [100, 150, 250, 350])
def test_keys_label_only_what_is_on_the_screen(chromium, many_cells, pause_ms, busy):
    """Fifty presses, faster than any server answers: each label is of the picture shown when it was given."""
    root, workbench = many_cells
    for saved in (root / "cells").glob("images_labels.csv*"):
        saved.unlink()
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(WAIT_MS)
    page.goto(f"{workbench.address}/classify")
    page.get_by_text("1 of 60 · no label").wait_for()
    page.locator(".keyed[aria-busy=false]").wait_for()
    page.evaluate(SEEN)
    with halting(workbench) if busy else contextlib.nullcontext():
        for number in range(50):
            page.keyboard.press(str(number % 2))
            page.wait_for_timeout(pause_ms)
    idle(page)
    with (root / "cells" / "images_labels.csv").open(newline="") as file:
        labels = dict(list(csv.reader(file))[1:])
    seen = page.evaluate("window.seen")
    assert 1 <= len(labels) <= 50
    assert list(labels) == [f"{number:03d}.tif" for number in range(1, len(labels) + 1)]
    assert all([name, value] in seen for name, value in labels.items())
    page.get_by_text(f"{len(labels)} of 60 labelled").wait_for()
    assert workbench.complaints() == []
    page.close()


def label_by_keys(page, root):
    press(page, "1", "^2 of 16")
    press(page, "1", "^3 of 16")
    press(page, "u", "^2 of 16 · no label")
    press(page, "0", "^3 of 16")
    for number in range(3, 16):
        press(page, str(number % 2), f"^{number + 1} of 16")
    press(page, "0", "^16 of 16 · heterogeneous")
    press(page, "ArrowLeft", "^15 of 16 · homogeneous")
    field = page.get_by_role("textbox", name="Label list")
    field.fill("lists/by_hand_10.csv")
    field.press("Enter")
    idle(page)
    assert page.get_by_text("15 of 16 · homogeneous").count() == 1
    page.get_by_role("button", name=re.compile("^Save")).click()
    page.get_by_text("16 labels saved in lists/by_hand_10.csv").wait_for()
    rows = (root / "lists" / "by_hand_10.csv").read_text().splitlines()
    assert rows == ["image_id,is_homogenous", *(f"{n:03d}.tif,{n % 2}" for n in range(1, 17))]


def train(page):
    show(page, "Train")
    page.get_by_role("button", name="Train", exact=True).wait_for()
    idle(page)
    assert page.get_by_role("combobox", name="Labels").input_value() == "Labels given here"
    repeats = page.get_by_role("spinbutton", name="Repeats")
    repeats.fill("1")
    repeats.press("Enter")
    idle(page)
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_text("Recall of heterogeneous").wait_for()
    page.get_by_text("Images it gets wrong").wait_for()
    idle(page)


BACK_MS = 3000


def test_a_reload_brings_labels_and_training_back(chromium, tmp_path):
    """In the middle of labelling, and of a training that goes on meanwhile; within three seconds."""
    write_cells(tmp_path / "cells", 40, 96)
    (tmp_path / "workbench").mkdir()
    with serve(tmp_path, tmp_path / "workbench") as workbench:
        page = chromium.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(WAIT_MS)
        page.goto(f"{workbench.address}/classify")
        page.get_by_text("1 of 40 · no label").wait_for()
        press(page, "1", "^2 of 40")
        press(page, "0", "^3 of 40")
        press(page, "ArrowRight", "^4 of 40")
        page.reload()
        page.get_by_text("4 of 40 · no label").wait_for(timeout=BACK_MS)
        page.get_by_text("2 of 40 labelled").wait_for(timeout=BACK_MS)
        show(page, "Train")
        repeats = page.get_by_role("spinbutton", name="Repeats")
        repeats.fill("50")
        repeats.press("Enter")
        idle(page)
        page.get_by_role("combobox", name="Labels", exact=True).click()
        page.get_by_role("option", name="cells/labels.csv").click()
        idle(page)
        page.get_by_role("button", name="Train", exact=True).click()
        page.get_by_text("cross-validating").wait_for()
        page.reload()
        page.get_by_text("cross-validating").wait_for(timeout=BACK_MS)
        page.get_by_role("button", name="Stop").click()
        page.get_by_text("Stopped.").wait_for()
        assert workbench.complaints() == []
        page.close()


def test_back_undoes_one_change_of_view_at_a_time(chromium, cells):
    """An image, a tab and a folder are each a step; a copied address shows the same in another browser."""
    _, workbench = cells
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(WAIT_MS)
    page.goto(f"{workbench.address}/classify?label_image=005.tif")
    page.get_by_text("5 of 16").wait_for()
    idle(page)
    page.get_by_role("button", name="Next →").click()
    page.get_by_text("6 of 16 ·").wait_for()
    idle(page)
    show(page, "Train")
    page.get_by_role("button", name="Train", exact=True).wait_for()
    idle(page)
    other = chromium.new_context().new_page()
    other.set_default_timeout(WAIT_MS)
    other.goto(page.url)
    other.get_by_role("button", name="Train", exact=True).wait_for()
    other.close()
    for shown in ("6 of 16 ·", "5 of 16 ·"):
        page.go_back()
        page.get_by_text(shown).wait_for()
        idle(page)
    assert page.get_by_role("button", name="Train", exact=True).count() == 0
    page.go_forward()
    page.get_by_text("6 of 16 ·").wait_for()
    assert workbench.complaints() == []
    page.close()
