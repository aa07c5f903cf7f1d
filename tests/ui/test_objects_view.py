"""The tab Objects of the page Maps: what is found, how the controls change it, and what is taken along."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import tifffile
from conftest import EXAMPLE
from support.maps_page import fine, open_page, state, view

from ellimaps.batch.cell_recipe import cells_recipe
from ellimaps.batch.cells import CellWork
from ellimaps.batch.engines import local_processes
from ellimaps.batch.recipes import read_work
from ellimaps.batch.runner import run_batch, tree_of
from ellimaps.samples.nuclei import nuclei_phantom

MADE = nuclei_phantom(6, size=(256, 256), count=18, crowding=0.5)
N_TRUE = int(MADE.labels.max())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("objects")
    tifffile.imwrite(folder / "nuclei.tif", MADE.image, resolution=(2.0, 2.0), metadata={"unit": "um"},
                     imagej=True)  # fmt: skip
    tifffile.imwrite(folder / "flat.tif", np.full((60, 60), 9, np.uint8))
    frames = [nuclei_phantom((7, number), size=(192, 192), count=3 + number).image for number in range(3)]
    tifffile.imwrite(folder / "frames.tif", np.stack(frames), imagej=True, metadata={"axes": "TYX"})
    return folder


def objects(folder, name):
    return view(open_page(folder, name), "Objects")


def table(page):
    return page.dataframe[0].value


def test_objects_are_found_and_told(folder):
    page = objects(folder, "nuclei.tif")
    settings, found = state(page).found
    assert len(found.table) == N_TRUE == len(table(page))
    (said,) = [text.value for text in page.markdown if text.value.startswith("**")]
    assert said.startswith(f"**{N_TRUE} nuclei** · radius ")
    assert said.endswith("µm), suggested by the image")
    assert list(table(page))[:5] == ["Nucleus", "X", "Y", "R", "Mean Intensity"]
    assert settings.radius is None


def test_every_control_changes_what_is_found(folder):
    page = objects(folder, "nuclei.tif")
    plain = state(page).found[1].table
    fine(page.slider(key="objects_separation").set_value(0.5).run())
    assert len(table(page)) < len(plain)
    page.slider(key="objects_separation").set_value(0.05)
    fine(page.slider(key="objects_outline").set_value(0.8).run())
    assert table(page)["area"].mean() < 0.8 * plain["area"].mean()
    page.slider(key="objects_outline").set_value(0.4)
    fine(page.checkbox(key="objects_radius_auto").uncheck().run())
    page.segmented_control(key="objects_unit").set_value("um").run()
    largest = float(plain["radius"].median()) / 2
    fine(page.number_input(key="objects_radius_to_nuclei_um").set_value(largest).run())
    assert table(page)["R"].max() <= 2 * largest
    assert 0 < len(table(page)) < len(plain)
    fine(page.segmented_control(key="objects_kind").set_value("circles").run())
    assert next(iter(table(page))) == "Circle"
    assert "objects_separation" not in [slider.key for slider in page.slider]


def test_names_are_those_of_the_program_asked_for(folder):
    page = objects(folder, "nuclei.tif")
    fine(page.selectbox(key="objects_names").set_value("cellprofiler").run())
    assert "AreaShape_FormFactor" in table(page)
    fine(page.selectbox(key="objects_measure").set_value("AreaShape_FormFactor").run())


def test_why_nothing_is_found_is_said(folder):
    page = objects(folder, "flat.tif")
    assert [warning.value for warning in page.warning] == ["All one value."]
    assert "Nothing was found" in page.info[0].value


def test_a_time_point_is_chosen(folder):
    page = objects(folder, "frames.tif")
    assert len(table(page)) == 3
    fine(page.selectbox(key="objects_t_3").set_value(2).run())
    assert len(table(page)) == 5


def test_the_recipe_measures_all_images_as_the_page_did(folder, tmp_path):
    page = objects(folder, "frames.tif")
    fine(page.slider(key="objects_contrast").set_value(6.0).run())
    shown = table(page)
    recipe = tmp_path / "objects.toml"
    recipe.write_text(cells_recipe(CellWork(state(page).found[0])))
    work = read_work(recipe)
    assert work.settings.criteria.contrast == 6.0
    assert work.settings.t is None
    tree = tree_of(folder, tmp_path / "out", "{fov}", folders=False)
    run_batch(tree, work, tmp_path / "out", local_processes(1))
    found = pd.read_csv(tmp_path / "out" / "experiments.csv")
    assert set(found["FOV"]) == {"nuclei", "frames"}
    first = found[(found["FOV"] == "frames") & (found["T"] == 0)]
    for name in ("X", "R", "solidity", "intensity_max_intensity"):
        np.testing.assert_allclose(first[name], shown[name], rtol=1e-5)


def test_maps_have_no_objects():
    page = open_page(EXAMPLE.parent, EXAMPLE)
    assert "Objects" not in page.segmented_control(key="view").options
