"""A measurement at one wavelength: numbers and bars, and no axis of bands."""

from __future__ import annotations

import json

import pyarrow
import pytest
from support.maps_page import fine, open_page, state, view

from ellimaps.samples import sample_ep4
from ellimaps.ui.pages.maps.pixel_spectrum import pick_pixel
from ellimaps.ui.pages.maps.regions import draw_region


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return sample_ep4(tmp_path_factory.mktemp("one") / "one", bands=1, size=(64, 80))


def test_a_pixel_is_two_numbers(folder):
    page = open_page(folder.parent, folder.name)
    pick_pixel(state(page), {"kind": "pixel", "vertices": [[40, 30]]}, state(page).settings)
    fine(page.run())
    assert any("Delta 450 nm" in one.value and "Psi 450 nm" in one.value for one in page.markdown)
    assert not page.get("vega_lite_chart")


def test_clusters_and_regions_are_bars(folder):
    page = view(open_page(folder.parent, folder.name), "Explore")
    page.number_input(key="k").set_value(4)
    page.button(key="segment").click().run()
    own = state(page)
    while own.task is not None:
        page.run()
    draw_region(own, {"kind": "rectangle", "vertices": [[2, 2], [9, 2], [9, 9], [2, 9]]})
    fine(page.run())
    charts = page.get("vega_lite_chart")
    assert len(charts) == 2
    for chart, means in zip(charts, own.shown().means.T, strict=True):
        specification = json.loads(chart.proto.spec)
        marks = [layer["mark"]["type"] for layer in specification["layer"]]
        assert marks[0] == "bar"
        assert "band" not in json.dumps([layer["encoding"]["x"] for layer in specification["layer"]])
        table = pyarrow.ipc.open_stream(chart.proto.datasets[0].data.data).read_pandas()
        assert list(table["name"]) == ["0", "1", "2", "3", "roi1"]
        assert table["mean"].to_numpy()[:4] == pytest.approx(means, abs=1e-6)
        assert list(table["color"])[:4] == own.look.palette
