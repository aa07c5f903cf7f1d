from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from PIL import Image
from scipy import ndimage
from support.stacks import delta_psi, one_sentence

from ellimaps.core.errors import SettingError
from ellimaps.images.outlines import crops, montage_png, overlay_png
from ellimaps.objects.analysis import FIRST_COLUMNS, analyse_image, analyse_stack
from ellimaps.objects.cell_settings import CellSettings
from ellimaps.objects.quality import QualityLimits, image_quality
from ellimaps.samples.cells import phantom, sample_cells


@pytest.fixture(scope="module")
def acquisition(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cells") / "phantoms"
    return sample_cells(
        folder, dates=1, subjects=2, experiments=1, fovs=3, size=(256, 320), radius=(10, 30), empty=0.3
    )


def picture(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def test_a_tree_of_phantoms(acquisition):
    truth, images = (pd.read_csv(acquisition / f"{name}.csv") for name in ("truth", "images"))
    assert 0 in set(images["n_objects"])
    settings = CellSettings(radius=(8, 40))
    for image, count in zip(images["image"], images["n_objects"], strict=True):
        result = analyse_image(acquisition / image, settings)
        assert list(result.table)[:5] == list(FIRST_COLUMNS)
        assert len(result.table) == count == result.quality.count
        own = truth[truth["image"] == image].sort_values(["y", "x"])
        found = result.table.sort_values(["y", "x"])
        np.testing.assert_allclose(found["radius"], own["radius"], atol=0.5)
        np.testing.assert_allclose(found["mean_intensity"], own["intensity"], rtol=0.03)


def test_the_same_file_and_settings_give_the_same_result(acquisition):
    image = next(acquisition.rglob("*.png"))
    one, two = (analyse_image(image, CellSettings(radius=(8, 40))) for _ in range(2))
    pd.testing.assert_frame_equal(one.table, two.table)
    assert one.overlay == two.overlay
    assert one.inputs == two.inputs
    assert CellSettings(radius=(8, 40)) == CellSettings(radius=(8.0, 40.0))
    assert hash(CellSettings()) == hash(CellSettings())


def test_empty_and_full_images_have_the_same_columns(acquisition):
    images = pd.read_csv(acquisition / "images.csv").sort_values("n_objects")["image"]
    for kind in ("circles", "nuclei"):
        settings = CellSettings(kind=kind, radius=(8, 40), ring=(1, 3), pixel_size_um=0.5)
        empty, full = (analyse_image(acquisition / image, settings).table for image in images.iloc[[0, -1]])
        assert empty.empty
        assert list(empty) == list(full)
        np.testing.assert_allclose(full["radius_um"], full["radius"] / 2)


def test_micrometres_and_pixels_agree(acquisition):
    image = next(acquisition.rglob("*.png"))
    pixels = analyse_image(image, CellSettings(radius=(8, 40), ring=(2, 4), pixel_size_um=0.5)).table
    settings = CellSettings(radius=(4, 20), ring=(1, 2), unit="um", pixel_size_um=0.5)
    pd.testing.assert_frame_equal(analyse_image(image, settings).table, pixels)
    with pytest.raises(SettingError):
        analyse_image(image, CellSettings(radius=(4, 20), unit="um"))


def test_settings_that_do_not_fit(acquisition):
    image = next(acquisition.rglob("*.png"))
    with pytest.raises(SettingError) as caught:
        analyse_image(image, CellSettings(channel=1))
    assert one_sentence(caught)
    with pytest.raises(SettingError):
        analyse_stack(delta_psi(np.ones((9, 9)), np.ones((9, 9))), CellSettings())
    for wrong in ({"kind": "squares"}, {"unit": "nm"}, {"radius": (9, 3)}):
        with pytest.raises(SettingError):
            CellSettings(**wrong)


def test_every_column_is_defined_in_the_docs(acquisition):
    text = (ROOT / "docs" / "file-formats.md").read_text(encoding="utf-8")
    defined = set(re.findall(r"`([\w-]+)`", text[text.index("## Tables of objects") :]))
    for kind in ("circles", "nuclei"):
        settings = CellSettings(kind=kind, radius=(8, 40), ring=(1, 3), pixel_size_um=0.5)
        table = analyse_image(next(acquisition.rglob("*.png")), settings).table
        assert {re.sub("_intensity$", "_C", name) for name in table} - defined == set()


def test_channels_are_all_measured(shared_data):
    settings = CellSettings(kind="nuclei", radius=(3, 20), ring=(1, 4))
    table = analyse_image(shared_data / "fluorescence_human", settings).table
    assert {"mean_d0", "mean_d1", "mean_d2", "ring_mean_d2", "solidity"} <= set(table)
    assert (table["mean_intensity"] == table["mean_d0"]).all()
    # Nuclei are brighter than the ring around them in the DNA channel, and cells are stained beyond them.
    assert (table["mean_d0"] > table["ring_mean_d0"]).mean() > 0.98


# Quality

SHARP = phantom(1, size=(300, 300), count=8, radius=(12, 30), unevenness=0.2)


def flags(image: np.ndarray, **limits: object) -> str:
    return image_quality(image, 8, largest=30, limits=QualityLimits(**limits)).flags


def test_a_good_image_has_no_flag():
    assert flags(SHARP.image) == ""


def test_a_blurred_image_is_out_of_focus():
    blurred = ndimage.gaussian_filter(SHARP.image.astype(float), 7)
    assert flags(blurred) == "out of focus"
    sharp, soft = (image_quality(i, 8).focus for i in (SHARP.image, ndimage.gaussian_filter(SHARP.image, 2)))
    assert sharp > soft > image_quality(blurred, 8).focus


def test_focus_does_not_depend_on_brightness():
    one, two = (image_quality(image, 8).focus for image in (SHARP.image, SHARP.image * 0.1 + 50))
    assert one == pytest.approx(two, rel=0.01)


def test_saturation():
    clipped = np.minimum(SHARP.image, 4095)
    share = np.mean(SHARP.image >= 4095)
    assert share > 0.01
    assert image_quality(clipped, 8).saturation == pytest.approx(share)
    assert flags(clipped) == "saturated"
    assert image_quality(SHARP.image, 8).saturation == 0
    assert image_quality(np.zeros((50, 50)), 0).saturation == 0


def test_uneven_light():
    light = np.linspace(0.2, 1, 300)
    assert flags(SHARP.image * light) == "uneven light"
    assert image_quality(np.full((60, 60), 7.0), 0).illumination == 0


def test_counts():
    assert flags(SHARP.image, count=(9, 20)) == "too few objects"
    assert flags(SHARP.image, count=(1, 7)) == "too many objects"
    assert flags(SHARP.image, count=(8, 8)) == ""


@pytest.mark.parametrize("image", [np.full((20, 30), np.nan), np.ones((1, 1)), np.zeros((40, 40), np.uint8)])
def test_images_without_anything(image):
    quality = image_quality(image, 0)
    assert quality.flags == ""
    assert np.isnan(quality.focus)


# Pictures


def test_outlines_are_drawn_at_the_edge_of_objects():
    labels = np.zeros((40, 50), dtype=np.int32)
    labels[10:20, 10:20] = 1
    drawn = picture(overlay_png(np.random.default_rng(0).random((40, 50)), labels))
    red = (drawn == (255, 64, 64)).all(axis=-1)
    inner = np.zeros_like(red)
    inner[10:20, 10:20], inner[11:19, 11:19] = True, False
    np.testing.assert_array_equal(red, inner)


def test_crops_show_their_object_and_montage_shows_the_crops():
    image = np.zeros((50, 60))
    image[5, 55] = image[30, 20] = 1
    table = pd.DataFrame({"y": [5, 30], "x": [55, 20]})
    squares = crops(image, table, 16)
    assert squares.shape == (2, 16, 16)
    assert (squares[:, 8, 8] == 254).all()
    sheet = picture(montage_png(list(squares) * 2, columns=3))
    assert sheet.shape == (34, 52, 3)
    np.testing.assert_array_equal(sheet[:16, 18:34, 0], squares[1])
    assert picture(montage_png([])).shape == (1, 1, 3)
