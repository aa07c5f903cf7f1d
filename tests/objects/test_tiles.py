"""Large images in tiles: every object once, measured as in the whole image."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from ellimaps.objects import analysis
from ellimaps.objects.analysis import analyse_image, measure_stack
from ellimaps.objects.cell_settings import CellSettings
from ellimaps.objects.tiles import tiles_of
from ellimaps.readers import open_stack
from ellimaps.samples.cells import phantom
from ellimaps.samples.nuclei import nuclei_phantom


@pytest.fixture
def small_tiles(monkeypatch):
    monkeypatch.setattr(analysis, "_WHOLE_PX", 10_000)
    monkeypatch.setattr(analysis, "_TILE_PX", 200)


def test_tiles_cover_every_pixel_once():
    seen = np.zeros((130, 75), dtype=int)
    for core, window in tiles_of(seen.shape, 40, 9):
        seen[core] += 1
        assert all(w.start <= c.start and c.stop <= w.stop for c, w in zip(core, window, strict=True))
    assert (seen == 1).all()


def written(tmp_path, image):
    path = tmp_path / "image.tif"
    tifffile.imwrite(path, image)
    return path


@pytest.mark.parametrize("kind", ["circles", "nuclei"])
def test_tiles_find_and_measure_what_the_whole_image_does(tmp_path, small_tiles, monkeypatch, kind):  # noqa: ARG001
    made = phantom(5, size=(520, 640), count=40, radius=(8, 16), unevenness=0.2)
    path = written(tmp_path, made.image)
    settings = CellSettings(kind=kind, radius=(6, 20), ring=(1, 3))
    tiled = analyse_image(path, settings)
    monkeypatch.undo()
    whole = analyse_image(path, settings)
    assert len(tiled.table) == len(whole.table) == len(made.truth)
    assert sorted(tiled.table["object"]) == list(range(1, len(tiled.table) + 1))
    one, two = (result.table.sort_values(["y", "x"]).reset_index(drop=True) for result in (tiled, whole))
    for name in ("y", "x", "radius", "mean_intensity", "bbox-0", "bbox-3"):
        np.testing.assert_allclose(one[name], two[name], rtol=0.02, atol=1)
    # Where two objects touch, a ring of three pixels has few left.
    rings = np.abs(one["ring_mean_intensity"] / two["ring_mean_intensity"] - 1)
    assert np.percentile(rings, 90) < 0.02
    assert list(one) == list(two)
    numbers = tiled.labels[one["y"].round().astype(int), one["x"].round().astype(int)]
    np.testing.assert_array_equal(numbers, one["object"])
    assert tiled.quality.count == whole.quality.count
    assert tiled.quality.focus == pytest.approx(whole.quality.focus, rel=0.3)
    assert tiled.quality.background == pytest.approx(whole.quality.background, rel=0.1)
    assert tiled.quality.illumination == pytest.approx(whole.quality.illumination, abs=0.1)


@pytest.mark.parametrize("count", [0, 6])
def test_empty_tiles_find_nothing(tmp_path, small_tiles, count):  # noqa: ARG001
    made = nuclei_phantom(3, size=(700, 900), count=count)
    settings = CellSettings(kind="nuclei", radius=(6, 25))
    assert len(analyse_image(written(tmp_path, made.image), settings).table) == made.labels.max() == count


def test_masks_keep_their_numbers_in_tiles(tmp_path, small_tiles):  # noqa: ARG001
    made = nuclei_phantom(4, size=(500, 500), count=25)
    labels = made.labels * 3
    result = measure_stack(open_stack(written(tmp_path, made.image)), labels, CellSettings(ring=(1, 2)))
    assert sorted(result.table["object"]) == list(np.unique(labels[labels > 0]))
    np.testing.assert_array_equal(result.labels, labels)
    areas = np.bincount(labels.ravel())
    np.testing.assert_array_equal(result.table["area"], areas[result.table["object"]])


def test_long_masks_are_measured_as_a_whole(tmp_path, small_tiles):  # noqa: ARG001
    labels = np.zeros((600, 600), dtype=np.int32)
    labels[100:104, 20:580] = 7
    path = written(tmp_path, np.full(labels.shape, 9, dtype=np.uint8))
    table = measure_stack(open_stack(path), labels, CellSettings()).table
    assert table.loc[0, ["object", "area", "bbox-1", "bbox-3"]].tolist() == [7, 4 * 560, 20, 580]
