"""The page Maps opens what ellimaps exported, and asks which field of a plate."""

from __future__ import annotations

import numpy as np
from support.ep4_tools import write_small
from support.maps_page import fine, open_page, state
from support.zarr_stores import pixels, write_plate

from ellimaps import export_nexus, open_stack
from ellimaps.ui.pages.maps.loading import load


def test_a_nexus_file_opens_as_the_measurement(tmp_path):
    folder = write_small(tmp_path / "film")
    export_nexus(folder, tmp_path / "film.nxs")
    page = open_page(tmp_path, "film.nxs")
    found = load(state(page).source)
    np.testing.assert_array_equal(found.values.view("u4"), open_stack(folder).values.view("u4"))


def test_a_plate_offers_its_fields(tmp_path):
    fields = [pixels((1, 2, 1, 40, 50), seed=number) for number in range(2)]
    write_plate(tmp_path / "p.zarr", {"A1": [fields[0]], "B2": [fields[1]]})
    page = open_page(tmp_path, "p.zarr")
    offered = next(box for box in page.selectbox if "holds 2 data sets" in box.label)
    offered.set_value("p_B02_f1")
    fine(next(button for button in page.button if button.label == "Open this data set").click().run())
    np.testing.assert_array_equal(load(state(page).source).values, fields[1][0, :, 0])
