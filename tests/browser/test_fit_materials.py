"""Materials of a film model in a real browser: found and used, edited and drawn, open to everybody."""

from __future__ import annotations

import re
from pathlib import Path

from browser.conftest import idle, show
from browser.test_access import complaints


def opened_editor(browser, workbench):
    page = workbench.open_page(browser, 1280, 900)
    page.get_by_role("button", name="terraces", exact=True).first.click()
    page.get_by_text("Angle of incidence").wait_for()
    idle(page)
    show(page, "Fit")
    page.get_by_role("button", name="Segment", exact=True).click()
    idle(page)
    page.get_by_test_id("stCheckbox").filter(has_text="Edit").click()
    idle(page)
    # Colors halfway between two themes are nobody's.
    page.add_style_tag(content="* { transition: none !important; }")
    return page


def choose(page, label, option):
    box = page.get_by_role("combobox", name=re.compile(f"{label}$"))
    box.click()
    box.fill(option)
    page.get_by_role("option", name=option, exact=True).click()
    idle(page)


def model(page):
    return page.locator(".st-key-film_editor code").inner_text()


def test_a_published_material_is_found_chosen_and_lands_in_the_model_with_its_reference(chromium, workbench):
    page = opened_editor(chromium, workbench)
    page.get_by_role("button", name="Find").nth(1).click()
    field = page.get_by_role("textbox", name="Search published materials")
    field.fill("Ta2O5")
    field.press("Enter")
    page.get_by_text(re.compile("^Gao et al")).click()
    page.get_by_text(re.compile("Opt. Express 20, 15734")).wait_for()
    idle(page)
    page.get_by_label("n of main/Ta2O5/Gao over wavelength").first.wait_for()
    body = page.get_by_test_id("stPopoverBody").bounding_box()
    assert body["y"] >= 0
    assert body["y"] + body["height"] <= 900
    standing = complaints(page)
    assert standing == [], standing
    page.get_by_role("button", name="Use it").click()
    page.locator(".st-key-film_editor code", has_text='page = "main/Ta2O5/Gao"').wait_for()
    idle(page)
    assert re.search(r'reference = "L\. Gao.*Opt\. Express 20, 15734', model(page).replace("\n", " "))
    assert page.get_by_role("combobox", name=re.compile("Layer 1$")).input_value() == "main/Ta2O5/Gao"
    page.close()
    assert workbench.complaints() == []


def test_oscillators_are_added_changed_freed_drawn_saved_and_fitted(chromium, workbench):
    page = opened_editor(chromium, workbench)
    choose(page, "Layer 1", "oscillators")
    choose(page, "Add an oscillator", "Gaussian")
    charts = page.locator(".st-key-film_editor").get_by_test_id("stVegaLiteChart")
    before = charts.first.screenshot()
    field = page.get_by_role("spinbutton", name="Gaussian amplitude")
    field.fill("2")
    field.press("Enter")
    page.locator(".st-key-film_editor code", has_text="amplitude = 2.0").wait_for()
    idle(page)
    assert charts.first.screenshot() != before
    page.get_by_role("checkbox", name="fit Gaussian amplitude").check(force=True)
    page.get_by_role("spinbutton", name="Gaussian amplitude to").wait_for()
    idle(page)
    assert "gaussian_amplitude = [1.0, 4.0]" in model(page).replace("\n", " ")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    rows = Path(download.value.path()).read_text().splitlines()
    assert download.value.suggested_filename.endswith("_layer_1_nk.csv")
    assert rows[0] == "wavelength_nm,n,k"
    assert len(rows) == 122
    standing = complaints(page)
    assert standing == [], standing
    page.get_by_role("button", name="Fit", exact=True).click()
    page.get_by_text("Dashed: the model as it stands.").wait_for()
    idle(page)
    page.close()
    assert workbench.complaints() == []
