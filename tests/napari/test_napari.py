"""What napari gets: found by the manifest, read without a window and without napari."""

from __future__ import annotations

import subprocess
import sys
import tomllib

import numpy as np
import pytest
import tifffile
from conftest import EXAMPLE, EXAMPLE_WRAP, ROOT
from npe2 import PluginManager, PluginManifest
from npe2.io_utils import read
from support.ep4_tools import small_files, write, write_angle_series, write_small

import ellimaps
from ellimaps.core.colors import CLUSTER_COLORS
from ellimaps.core.errors import ReadError, SettingError
from ellimaps.maps.settings import Settings

MANIFEST = ROOT / "ellimaps" / "napari" / "napari.yaml"


@pytest.fixture(scope="module")
def opened():
    """What napari calls, with this manifest in its registry even where the package is installed without."""
    PluginManager.instance().register(PluginManifest.from_file(MANIFEST), warn_disabled=False)
    return lambda path: read([str(path)], stack=False, plugin_name="ellimaps")


def test_the_manifest_is_valid_and_where_napari_looks():
    done = subprocess.run(
        [sys.executable, "-m", "npe2", "validate", str(MANIFEST)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    module, file = project["project"]["entry-points"]["napari.manifest"]["ellimaps"].split(":")
    assert (ROOT / module.replace(".", "/") / file) == MANIFEST
    assert f"napari/{file}" in project["tool"]["setuptools"]["package-data"]["ellimaps"]


def test_maps_are_layers_over_the_wavelength(opened, monkeypatch):
    monkeypatch.setenv("ELLIMAPS_PIXEL_SIZE_UM", "0.5")
    stack = ellimaps.open_stack(EXAMPLE)
    layers = opened(EXAMPLE)
    assert [(keywords["name"], kind) for _, keywords, kind in layers] == [
        (f"{stack.name} Delta", "image"),
        (f"{stack.name} Psi", "image"),
    ]
    for values, keywords, _ in layers:
        quantity = keywords["name"].split()[-1]
        np.testing.assert_array_equal(values, stack.values[stack.bands["quantity"] == quantity])
        assert keywords["axis_labels"] == ("wavelength", "y", "x")
        assert keywords["units"] == ("nm", "µm", "µm")
        assert keywords["scale"] == pytest.approx((30, 0.5 * stack.pixel_aspect, 0.5))
        assert keywords["translate"] == (450, 0, 0)
        assert keywords["metadata"]["wavelength_nm"] == stack.wavelengths_nm
        low, high = keywords["contrast_limits"]
        assert np.nanmin(values) <= low < high <= np.nanmax(values)
        assert keywords["colormap"] == "viridis"


def test_without_a_pixel_size_lengths_are_in_pixels(opened):
    [(_, delta, _), _] = opened(EXAMPLE)
    assert delta["units"] == ("nm", "pixel", "pixel")
    assert delta["scale"][1:] == pytest.approx((ellimaps.open_stack(EXAMPLE).pixel_aspect, 1))


@pytest.mark.parametrize("size", ["wide", "-1", "inf"])
def test_a_pixel_size_is_a_size(size, monkeypatch, opened):
    monkeypatch.setenv("ELLIMAPS_PIXEL_SIZE_UM", size)
    with pytest.raises(SettingError, match=f"'{size}'"):
        opened(EXAMPLE)


def test_delta_round_the_circle_has_the_colors_of_a_circle(opened):
    [(_, delta, _), (_, psi, _)] = opened(EXAMPLE_WRAP)
    assert (delta["colormap"], delta["contrast_limits"]) == ("twilight_shifted", (0, 360))
    assert psi["colormap"] == "viridis"


def test_every_angle_of_incidence_has_layers_of_its_own(opened, tmp_path):
    folder, _ = write_angle_series(tmp_path / "series")
    stack = ellimaps.open_stack(folder)
    layers = opened(folder)
    names = [f"{stack.name} {q} at {angle} deg" for angle in (45, 50) for q in ("Delta", "Psi")]
    assert [keywords["name"] for _, keywords, _ in layers] == names
    chosen = (stack.bands["aoi_deg"].round() == 50) & (stack.bands["quantity"] == "Psi")
    np.testing.assert_array_equal(layers[-1][0], stack.values[chosen])
    # 450, 550.5 and 650 nm are not evenly spaced: no scale would be true.
    assert layers[0][1]["scale"][0] == 1
    assert layers[0][1]["units"][0] == "pixel"
    assert layers[0][1]["metadata"]["wavelength_nm"] == [450, 550.5, 650]


def test_a_folder_of_several_measurements_opens_all(opened, tmp_path):
    write_small(tmp_path, "a_20240229081530250")
    write(tmp_path, small_files("b_20240229081530251", seed=1))
    assert [keywords["name"].split("_")[0] for _, keywords, _ in opened(tmp_path)] == ["a", "a", "b", "b"]
    one = opened(next(tmp_path.glob("b_*.ds.dat")))
    assert [keywords["name"].split("_")[0] for _, keywords, _ in one] == ["b", "b"]


SETTINGS = Settings(k=4, names=("Si", "thin", "thick", "thickest"))


def test_a_label_image_has_the_names_and_colors_of_its_clusters(opened, tmp_path):
    result = ellimaps.run(EXAMPLE, tmp_path, SETTINGS)
    [(labels, keywords, kind)] = opened(next(tmp_path.glob("*_labels.tif")))
    assert kind == "labels"
    np.testing.assert_array_equal(labels, result.segmentation.labels + 1)
    assert keywords["features"].to_dict("list") == {"index": [1, 2, 3, 4], "cluster": list(SETTINGS.names)}
    assert keywords["colormap"][0] == "transparent"
    assert [keywords["colormap"][number] for number in (1, 2, 3, 4)] == list(CLUSTER_COLORS[:4])
    [(_, maps, _), _] = opened(EXAMPLE)
    assert keywords["scale"] == maps["scale"][1:]
    assert keywords["units"] == maps["units"][1:]


@pytest.mark.parametrize("pixel_size_um", [None, 0.5])
def test_what_was_cut_and_binned_lies_where_it_was_measured(opened, tmp_path, pixel_size_um):
    """By the place napari gives a pixel: that of the middle of the block it was made of."""
    whole = ellimaps.run(EXAMPLE, tmp_path / "whole", Settings(k=4)).segmentation.labels + 1
    settings = Settings(k=4, roi=(10, 70, 21, 121), binning=2, pixel_size_um=pixel_size_um)
    ellimaps.run(EXAMPLE, tmp_path / "part", settings)
    [(labels, keywords, _)] = opened(next((tmp_path / "part").glob("*_labels.tif")))
    unit = pixel_size_um or 1
    aspect = ellimaps.open_stack(EXAMPLE).pixel_aspect
    y, x = (
        keywords["translate"][axis] + keywords["scale"][axis] * np.arange(labels.shape[axis])
        for axis in (0, 1)
    )
    np.testing.assert_allclose(y / (unit * aspect), 10.5 + 2 * np.arange(30))
    np.testing.assert_allclose(x / unit, 21.5 + 2 * np.arange(50))
    at = np.ix_(np.rint(y / (unit * aspect) - 0.5).astype(int), np.rint(x / unit - 0.5).astype(int))
    inside = ~np.load(EXAMPLE / "truth.npz")["edge"][at]
    np.testing.assert_array_equal(labels[inside], whole[at][inside])


def test_a_label_image_alone_has_its_own_facts(opened, tmp_path):
    ellimaps.run(EXAMPLE, tmp_path, SETTINGS)
    next(tmp_path.glob("*_segmentation.json")).unlink()
    [(labels, keywords, _)] = opened(next(tmp_path.glob("*_labels.tif")))
    assert labels.max() == 4
    assert "features" not in keywords


def test_labels_over_time_and_depth_keep_their_planes_and_numbers(opened, tmp_path):
    labels = np.random.default_rng(3).integers(0, 70_000, (2, 3, 5, 6)).astype(np.uint32)
    metadata = {"axes": "TZYX", "PhysicalSizeX": 0.25, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.5}
    metadata |= {"PhysicalSizeYUnit": "µm"}
    path = tmp_path / "cells_labels.tif"
    tifffile.imwrite(path, labels, ome=True, metadata=metadata, photometric="minisblack")
    [(found, keywords, _)] = opened(path)
    np.testing.assert_array_equal(found, labels)
    assert keywords["axis_labels"] == ("t", "z", "y", "x")
    assert keywords["scale"] == (1, 1, 0.5, 0.25)
    assert keywords["units"] == ("pixel", "pixel", "µm", "µm")
    tifffile.imwrite(path, labels[:, 0], metadata={"axes": "TYX"})
    [(found, keywords, _)] = opened(path)
    np.testing.assert_array_equal(found, labels[:, 0])
    assert keywords["axis_labels"] == ("t", "y", "x")


def test_a_label_image_that_was_changed_gets_no_names(opened, tmp_path):
    ellimaps.run(EXAMPLE, tmp_path, SETTINGS)
    ellimaps.run(EXAMPLE, tmp_path / "other", Settings(k=3))
    [label_image] = tmp_path.glob("*_labels.tif")
    label_image.write_bytes((tmp_path / "other" / label_image.name).read_bytes())
    with pytest.raises(ReadError, match="was changed after it was written"):
        opened(label_image)


def test_what_is_not_ours_is_left_to_others(tmp_path):
    from ellimaps.napari import get_reader

    ellimaps.run(EXAMPLE, tmp_path / "results", SETTINGS)
    (tmp_path / "empty").mkdir()
    cluster = next((tmp_path / "results").glob("*_cluster_0.ds.dat"))
    others = [tmp_path / "empty", tmp_path / "absent", cluster, EXAMPLE / "truth.npz"]
    assert [get_reader(str(path)) for path in others] == [None] * 4
    assert get_reader([str(EXAMPLE)]) is None


def test_no_window_and_no_napari_is_needed():
    code = "import sys; from ellimaps.napari import get_reader;"
    code += f"layers = get_reader({str(EXAMPLE)!r})({str(EXAMPLE)!r}); assert len(layers) == 2;"
    code += "sys.exit(', '.join({'napari', 'qtpy', 'vispy', 'streamlit'} & set(sys.modules)) or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
