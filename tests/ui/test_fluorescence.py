"""Fluorescence stacks on the Maps page: planes and time points, channels, corrections, bleaching."""

from __future__ import annotations

import json
import time
import tomllib

import numpy as np
import pandas as pd
import pytest
import tifffile
from conftest import EXAMPLE
from support.maps_page import fine, open_page, state, view

from ellimaps.core.abscissa import time_axis
from ellimaps.images.intensities import channels_of
from ellimaps.maps.recipe import python_lines, recipe_text
from ellimaps.maps.settings import Settings
from ellimaps.readers import open_stack, picture_axes
from ellimaps.ui.pages.maps import loading
from ellimaps.ui.pages.maps.charts import bleaching_chart, spectra_chart
from ellimaps.ui.pages.maps.intensities import half_lives, take_channels
from ellimaps.ui.pages.maps.loading import Source

HALF_LIFE = 2.0
N_TIMES, N_CHANNELS, SIDE = 6, 2, 24
# Eleven of 24 columns are 5,000, the others 1,000.
FIRST_MEAN = 1000 + 4000 * 11 / 24


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A time stack of two channels that halve every two frames, a z stack, and a folder of single images."""
    folder = tmp_path_factory.mktemp("fluorescence")
    y, x = np.mgrid[:SIDE, :SIDE]
    scene = np.stack([1000 + 4000 * (x > 12), 2000 + 6000 * (y > 12)]).astype(float)
    decay = 0.5 ** (np.arange(N_TIMES) / HALF_LIFE)
    (folder / "time").mkdir()
    tifffile.imwrite(
        folder / "time" / "time.tif",
        (decay[:, None, None, None] * scene).round().astype(np.uint16),
        imagej=True,
        metadata={"axes": "TCYX", "finterval": 10.0},
    )
    (folder / "depth").mkdir()
    planes = scene[0] * np.array([1.0, 2.0, 3.0])[:, None, None]
    tifffile.imwrite(folder / "depth" / "depth.tif", planes.astype(np.uint16), imagej=True,
                     metadata={"axes": "ZYX"})  # fmt: skip
    (folder / "single").mkdir()
    for number, factor in enumerate(decay[:5]):
        image = (factor * scene[0]).round().astype(np.uint16)
        tifffile.imwrite(folder / "single" / f"img_{number:02}.tif", image)
    return folder


@pytest.fixture
def timed(folder):
    return open_page(folder, "time/time.tif")


def segment(page, k):
    view(page, "Explore").number_input(key="k").set_value(k)
    page.button(key="segment").click().run()
    for _ in range(200):
        if state(page).task is None:
            return fine(page)
        time.sleep(0.1)
        page.run()
    raise AssertionError(state(page).task)


def recipe(page):
    return tomllib.loads(recipe_text(state(page).full_settings()))


def charts(page):
    return [json.loads(chart.proto.spec) for chart in page.get("vega_lite_chart")]


def facts(page):
    return " ".join(html.proto.body for html in page.get("html"))


def test_nothing_is_corrected_or_left_out_by_default(timed):
    assert state(timed).settings == Settings()
    assert f"{N_TIMES * N_CHANNELS} (2 channels, {N_TIMES} times)" in facts(timed)
    assert "Angle of incidence" not in facts(timed)
    for key in ("background_on", "normalise_on", "log"):
        assert not timed.checkbox(key=key).value
    assert not [box for box in timed.selectbox if box.label.startswith("Focal plane")]


def test_one_time_point_is_taken(timed):
    box = timed.selectbox(key=f"t_of_{N_TIMES}")
    fine(box.set_value("3").run())
    assert state(timed).settings.t == 3
    assert "2 (2 channels)" in facts(timed)
    shown = loading.prepared(state(timed).source, state(timed).settings)
    assert shown.values.max() == pytest.approx(8000 * 0.5 ** (3 / HALF_LIFE), abs=1)
    fine(timed.selectbox(key=f"t_of_{N_TIMES}").set_value("mean").run())
    assert state(timed).settings.t == "mean"


@pytest.mark.parametrize(("choice", "setting", "factor"), [("mean", "mean", 2), ("0", 0, 1), ("2", 2, 3)])
def test_focal_planes_are_taken_or_projected(folder, choice, setting, factor):
    page = open_page(folder, "depth/depth.tif")
    fine(page.selectbox(key="z_of_3").set_value(choice).run())
    assert state(page).settings.z == setting
    shown = loading.prepared(state(page).source, state(page).settings)
    assert shown.values.max() == 5000 * factor


def test_corrections_change_the_images_the_clusters_and_the_recipe(timed):
    source = state(timed).source
    before = loading.prepared(source, state(timed).settings).values
    segment(timed, 2)
    plain = state(timed).shown().means
    assert not {"background", "normalise"} & set(recipe(timed))
    assert recipe(timed)["log"] is False
    view(timed, "Data").checkbox(key="normalise_on").check()
    timed.checkbox(key="background_on").check().run()
    timed.number_input(key="normalise_low").set_value(5.0)
    timed.number_input(key="background").set_value(20.0)
    fine(timed.checkbox(key="log").check().run())
    after = loading.prepared(source, state(timed).settings).values
    assert after.max() < 2 < 900 < before.max()
    segment(timed, 2)
    assert state(timed).shown().means.max() < 2 < plain.max()
    found = recipe(timed)
    assert (found["background"], found["normalise"], found["log"]) == (20.0, [5.0, 99.8], True)
    lines = python_lines(state(timed).full_settings(), source.path)
    assert "correct_intensities(stack, background=20.0, normalise=(5.0, 99.8), log=True)" in lines


@pytest.mark.parametrize("change", [{"background": 5.0}, {"normalise": (1.0, 99.0)}, {"log": True}])
def test_each_correction_is_part_of_what_the_cache_is_asked_for(folder, change):
    source = Source.of(folder / "depth" / "depth.tif", None)
    plain = loading.prepared(source, Settings()).values
    assert not np.allclose(loading.prepared(source, Settings(**change)).values, plain)
    assert np.array_equal(loading.prepared(source, Settings()).values, plain)


def test_a_wrong_percentile_is_one_sentence_and_can_be_mended(timed):
    timed.checkbox(key="normalise_on").check().run()
    timed.number_input(key="normalise_low").set_value(99.9).run()
    assert "normalise must be two percentiles" in timed.error[0].value
    fine(timed.number_input(key="normalise_low").set_value(2.0).run())
    assert state(timed).settings.normalise == (2.0, 99.8)


def test_delta_and_psi_maps_offer_no_corrections():
    page = open_page(EXAMPLE.parent, EXAMPLE)
    assert "background_on" not in [box.key for box in page.checkbox]
    assert "Angle of incidence" in facts(page)


def test_channels_are_named_and_the_names_reach_every_view(timed):
    rows = timed.dataframe[0].value if timed.dataframe else None
    stack = loading.load(state(timed).source)
    assert len(channels_of(stack)) == N_CHANNELS
    assert rows is not None
    assert len(rows) == N_CHANNELS
    take_channels(state(timed), rows, {0: {"name": "DNA", "wavelength (nm)": 461}, 1: {"name": "actin"}})
    assert state(timed).settings.channels == ("DNA@461", "actin")
    timed.run()
    assert "461 nm" in facts(fine(timed))
    segment(timed, 2)
    assert recipe(timed)["channels"] == ["DNA@461", "actin"]
    assert set(state(timed).shown().clustershots()["channel"]) == {"DNA", "actin"}
    assert [box for box in timed.select_slider if box.label == "Image"]


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [({"name": "channel 2"}, "name of its own"), ({"name": "a@b"}, "needs a wavelength")],
)
def test_a_name_that_cannot_be_is_told_and_not_taken(timed, edit, sentence):
    take_channels(state(timed), timed.dataframe[0].value, {0: edit})
    assert state(timed).settings.channels == ()
    assert sentence in fine(timed.run()).warning[0].value


def test_bleaching_is_drawn_with_its_fit_and_half_life(timed):
    (chart,) = charts(timed)
    assert chart["title"] == "Bleaching: points measured, lines fitted"
    assert chart["layer"][0]["encoding"]["color"]["legend"]
    titles = {layer["encoding"][axis]["title"] for layer in chart["layer"] for axis in "xy"}
    assert titles == {"time (s)", "mean intensity"}
    said = next(text.value for text in timed.caption if "half-life" in text.value)
    # Two frames of 10 s.
    assert said.count("half-life 20 s") == N_CHANNELS
    assert f"{FIRST_MEAN:.3g} to {FIRST_MEAN * 0.5 ** (5 / HALF_LIFE):.3g}" in said
    fine(timed.selectbox(key=f"t_of_{N_TIMES}").set_value("0").run())
    assert not charts(timed)


def test_single_images_are_time_points_when_the_user_says_so(folder):
    page = open_page(folder, "single")
    assert "5, img_00.tif to img_04.tif" in facts(page)
    table = page.dataframe[-1].value
    assert list(table["file"]) == [f"img_{number:02}.tif" for number in range(5)]
    assert not charts(page)
    fine(page.checkbox(key="as_frames").check().run())
    assert charts(page)[0]["layer"][0]["encoding"]["x"]["title"] == "time point (number)"
    assert any("2 time points" in text.value for text in page.caption)


def test_spectra_over_time_have_a_chart_for_each_channel(timed):
    segment(timed, 2)
    drawn = charts(timed)
    assert len(drawn) == N_CHANNELS
    for chart, name in zip(drawn, channels_of(loading.load(state(timed).source))["channel"], strict=True):
        y = chart["layer"][-1]["encoding"]["y"]["title"]
        assert y == f"{name} intensity"
        assert chart["layer"][-1]["encoding"]["x"]["title"] == "time (s)"


def test_the_other_views_speak_of_intensities(timed):
    segment(timed, 2)
    segment(timed, 3)
    for name in ("How many?", "Compare", "Export"):
        page = view(timed, name)
        shown = [*page.markdown, *page.caption, *page.info, *page.warning]
        assert not [text.value for text in shown if "Delta" in text.value or "Psi" in text.value]
    assert "Delta and Psi maps, and these are intensities" in view(timed, "Fit").info[0].value


def test_channels_without_time_are_drawn_by_name_or_wavelength(folder):
    plain = open_stack(folder / "time" / "time.tif", t=0)
    assert time_axis(plain) is None
    columns = {"cluster": 0, "quantity": "intensity", "aoi_deg": np.nan, "std": 0.1, "n_pixels": 5}
    table = pd.DataFrame({"mean": [1.0, 2.0], "band": [0, 1]}).assign(**columns)
    named = open_stack(folder / "time" / "time.tif", t=0, channels=["a@400", "b@500"])
    half = open_stack(folder / "time" / "time.tif", t=0, channels=["a@400", "b"])
    for stack, title in ((plain, "channel"), (half, "channel"), (named, "wavelength (nm)")):
        shots = table.join(stack.bands[["channel", "wavelength_nm"]])
        chart = spectra_chart(shots, stack, "intensity", names=["0"], palette=["#000"], selected=0)
        assert chart.to_dict()["layer"][0]["encoding"]["x"]["title"] == title


def test_axes_of_files_are_counted(folder):
    assert picture_axes(folder / "time" / "time.tif") == (N_TIMES, 1)
    assert picture_axes(folder / "depth" / "depth.tif") == (1, 3)
    assert picture_axes(folder / "single") == (1, 1)
    assert picture_axes(EXAMPLE) == (1, 1)


def test_no_decay_is_said(folder):
    source = Source.of(folder / "depth" / "depth.tif", None)
    curve = loading.bleaching(source, Settings())
    assert "no decay found" in half_lives(curve)
    assert bleaching_chart(curve).to_dict()["layer"]
