"""A Delta read off a chart is the Delta that the map says, whatever turn the files are written in."""

from __future__ import annotations

import numpy as np
import pyarrow
import pytest
from conftest import EXAMPLE_WRAP
from numpy.testing import assert_array_equal
from support.maps_page import fine, open_page, state, view
from support.stacks import delta_psi

from ellimaps.maps.segmentation import segment
from ellimaps.maps.settings import Settings
from ellimaps.ui.pages.maps import loading, readings
from ellimaps.ui.pages.maps.charts import spectra_chart
from ellimaps.ui.pages.maps.delta_turn import on_turn, stretches
from ellimaps.ui.pages.maps.loading import Source
from ellimaps.ui.pages.maps.regions import draw_region


def test_angles_go_to_the_turn_and_those_on_it_stay_as_they_are():
    angles = np.array([410, -10, 0, 359.9, 360, 55, np.nan], np.float32)
    turned = on_turn(angles, "Delta", 0.0)
    assert_array_equal(turned, np.array([50, 350, 0, 359.9, 0, 55, np.nan], np.float32))
    assert turned.dtype == np.float32
    assert_array_equal(on_turn(np.array([350.0, 180, -180, 179]), "Delta", -180.0), [-10, -180, -180, 179])
    assert_array_equal(on_turn(np.array([410.0]), "Psi", 0.0), [410])


def test_a_line_ends_where_delta_passes_the_end_of_the_turn():
    assert_array_equal(stretches(np.array([350, 358, np.nan, 3, 9, 355]), "Delta"), [0, 0, 0, 1, 1, 2])
    assert_array_equal(stretches(np.array([350.0, 3]), "intensity"), [0, 0])
    assert_array_equal(stretches(np.array([np.nan, np.nan]), "Delta"), [0, 0])


@pytest.mark.parametrize(("shift", "lowest"), [(0, 0.0), (180, -180.0)])
def test_the_turn_is_that_of_the_files(monkeypatch, shift, lowest):
    stack = delta_psi([[10.0 - shift, 170]], [[30.0, 40]])
    monkeypatch.setattr(readings, "prepared", lambda *_: stack)
    assert readings.lowest_delta(Source("here", None, f"{shift}"), Settings()) == lowest


def test_clusters_are_drawn_on_the_turn_of_the_maps():
    stack = delta_psi([[[-10.0, -10]], [[-170, 60]]], [[[30.0, 40]], [[30, 40]]])
    segmentation = segment(stack, 2, features="ncs")
    chart = spectra_chart(
        segmentation.clustershots(),
        stack,
        "Delta",
        names=["0", "1"],
        palette=["#000"] * 2,
        selected=0,
        lowest_delta=-180.0,
    )
    points = [row for rows in chart.to_dict()["datasets"].values() for row in rows if "mean" in row]
    assert sorted(round(row["mean"]) for row in points) == [-170, -10, -10, 60]


def test_a_pixel_that_crosses_zero_has_the_values_of_the_maps():
    page = open_page(EXAMPLE_WRAP.parent, EXAMPLE_WRAP.name)
    view(page, "Explore").number_input(key="k").set_value(3)
    page.button(key="segment").click().run()
    own = state(page)
    while own.task is not None:
        page.run()
    stack = loading.prepared(own.source, own.settings)
    of_delta = stack.values[(stack.bands["quantity"] == "Delta").to_numpy()]
    crossing = np.abs(np.diff(of_delta, axis=0)).max(axis=0) > 180
    assert crossing.any()
    y, x = np.argwhere(crossing)[0]
    draw_region(own, {"kind": "pixel", "vertices": [[int(x), int(y)]]})
    fine(page.run())
    chart = page.get("vega_lite_chart")[0]
    tables = [pyarrow.ipc.open_stream(one.data.data).read_pandas() for one in chart.proto.datasets]
    region = next(table for table in tables if "region" in table and len(table) == len(of_delta))
    measured = np.flatnonzero(region["n_pixels"])
    np.testing.assert_allclose(region["mean"].to_numpy()[measured], of_delta[measured, y, x], atol=1e-3)
    clusters = next(table for table in tables if "name" in table)
    assert clusters["mean"].between(0, 360).all()
    assert any("Delta from 0 to 360°" in caption.value for caption in page.caption)
