"""Labelling by keys, training and trying in a browser, on generated cells."""

from __future__ import annotations

import re

import pytest
from browser.conftest import WAIT_MS, idle, serve, show
from playwright.sync_api import TimeoutError
from support.cell_folder import write_cells

PRESS_MS = 8_000
PRESSES = 5


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """A workbench whose data root holds a folder of sixteen cells and their labels."""
    root = tmp_path_factory.mktemp("cells")
    write_cells(root, 16, 96)
    with serve(root, tmp_path_factory.mktemp("workbench")) as running:
        yield root, running


def label(page, key, then):
    """Press the key of a class until the page says so; what it labels is bound to the image on the screen."""
    said = page.get_by_text(re.compile(then))
    for _ in range(PRESSES):
        page.keyboard.press(key)
        try:
            said.wait_for(timeout=PRESS_MS)
            break
        except TimeoutError:
            continue
    said.wait_for()
    idle(page)


def press(page, key, then):
    """Press a key and wait for what the page then says of the image."""
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
    page.get_by_text("Probability of 1").wait_for()
    idle(page)
    assert workbench.complaints() == []
    page.close()


def label_by_keys(page, root):
    label(page, "1", "^2 of 16")
    label(page, "1", "^3 of 16")
    press(page, "u", "^2 of 16 · no label")
    label(page, "0", "^3 of 16")
    for number in range(3, 16):
        label(page, str(number % 2), f"^{number + 1} of 16")
    label(page, "0", "^16 of 16 · heterogeneous")
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
    assert page.get_by_role("combobox", name="Labels").input_value() == "Labels given here (16)"
    repeats = page.get_by_role("spinbutton", name="Repeats")
    repeats.fill("1")
    repeats.press("Enter")
    idle(page)
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_text("Recall of 0").wait_for()
    page.get_by_text("Images it gets wrong").wait_for()
    idle(page)
