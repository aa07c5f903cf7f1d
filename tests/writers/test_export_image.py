"""Images that leave: other libraries read every value and fact back, and so do we."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from support.ep4_tools import write_small
from support.zarr_stores import pixels
from typer.testing import CliRunner

from ellimaps import export_image, open_stack
from ellimaps.cli import cli
from ellimaps.core.errors import ExportError, ReadError, SettingError
from ellimaps.core.provenance import sha256
from ellimaps.plates.measuring.file_names import read_plate_files
from ellimaps.plates.measuring.pictures import picture_values
from ellimaps.plates.ome_zarr import export_plate
from ellimaps.readers import list_datasets, opened_image
from ellimaps.writers.ome_zarr import every_other, halved

VERSIONS = ["0.4", "0.5"]
METADATA = {
    "axes": "TCZYX", "PhysicalSizeX": 0.325, "PhysicalSizeY": 0.65, "PhysicalSizeZ": 1.5,
    "TimeIncrement": 2.5,
    "Channel": {
        "Name": ["DNA", "ER"], "Color": [0x0000FFFF, -16776961], "EmissionWavelength": [461.0, 525.0],
    },
}  # fmt: skip


@pytest.fixture
def tiff(tmp_path: Path) -> Path:
    return write_tiff(tmp_path / "in" / "cells.ome.tif", pixels())


def write_tiff(path, values):
    path.parent.mkdir(exist_ok=True)
    tifffile.imwrite(path, values, metadata=METADATA, photometric="minisblack")
    return path


def said(store, version):
    if version == "0.4":
        return json.loads((store / ".zattrs").read_text())
    return json.loads((store / "zarr.json").read_text())["attributes"]["ome"]


def facts_of(path):
    with opened_image(path) as (picture, _):
        return (
            picture.channels, picture.pixel_size_um, picture.pixel_aspect, picture.plane_distance_um,
            picture.times_s.tolist(), picture.shape, picture.name,
        )  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_the_zarr_library_reads_every_value(tmp_path, version, dtype):
    values = pixels((2, 2, 3, 40, 1100), dtype)
    store = export_image(
        write_tiff(tmp_path / "in" / "cells.ome.tif", values), tmp_path / "out.ome.zarr", version=version
    )
    group = zarr.open_group(store, mode="r")
    np.testing.assert_array_equal(group["0"][...], values)
    assert group["0"].dtype == values.dtype
    assert group["1"].shape == (2, 2, 3, 20, 550)
    np.testing.assert_array_equal(group["1"][1, 0, 2], halved(values[1, 0, 2]))


@pytest.mark.parametrize("version", VERSIONS)
def test_an_image_comes_back_from_zarr_and_tiff_as_it_was(tiff, tmp_path, version):
    store = export_image(tiff, tmp_path / "cells.ome.zarr", version=version)
    again = export_image(store, tmp_path / "again" / "cells.ome.tif")
    np.testing.assert_array_equal(tifffile.imread(again), tifffile.imread(tiff))
    assert facts_of(store) == facts_of(again) == facts_of(tiff)
    assert [channel.color for channel in facts_of(tiff)[0]] == ["#0000FF", "#FF0000"]
    assert [channel.wavelength_nm for channel in facts_of(tiff)[0]] == [461.0, 525.0]
    assert json.loads((store / "ellimaps.json").read_text())["inputs_sha256"] == {tiff.name: sha256(tiff)}
    listed = json.loads((tmp_path / "again" / "cells_export.json").read_text())
    assert listed["files_sha256"] == {"cells.ome.tif": sha256(again)}


@pytest.mark.parametrize("version", VERSIONS)
def test_what_the_specification_asks_for_is_said(tiff, tmp_path, version):
    found = said(export_image(tiff, tmp_path / "cells.ome.zarr", version=version), version)
    scales = found["multiscales"][0]
    assert (found if version == "0.5" else scales)["version"] == version
    assert [axis["name"] for axis in scales["axes"]] == list("tczyx")
    assert [axis.get("unit") for axis in scales["axes"]] == ["second", None, *["micrometer"] * 3]
    transformations = scales["datasets"][0]["coordinateTransformations"]
    assert transformations == [{"type": "scale", "scale": [2.5, 1.0, 1.5, 0.65, 0.325]}]
    channels = found["omero"]["channels"]
    assert [(one["label"], one["color"]) for one in channels] == [("DNA", "0000FF"), ("ER", "FF0000")]
    assert set(channels[0]["window"]) == {"start", "end", "min", "max"}


@pytest.mark.parametrize("version", VERSIONS)
def test_label_images_go_along(tiff, tmp_path, version):
    labels = np.random.default_rng(1).integers(0, 4, (40, 50), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "cells_labels.tif", labels)
    store = export_image(tiff, tmp_path / "a.ome.zarr", labels=tmp_path / "cells_labels.tif", version=version)
    group = zarr.open_group(store / "labels" / "cells_labels", mode="r")
    np.testing.assert_array_equal(group["0"][0, 0, 0], labels)
    assert said(store / "labels", version)["labels"] == ["cells_labels"]
    about = said(store / "labels" / "cells_labels", version)["image-label"]
    assert [one["label-value"] for one in about["colors"]] == [1, 2, 3]
    np.testing.assert_array_equal(open_stack(store / "labels" / "cells_labels").values[0], labels)
    assert list_datasets(store) == ["a"]
    tifffile.imwrite(tmp_path / "small.tif", labels[:9])
    with pytest.raises(SettingError, match="is no label image of cells"):
        export_image(tiff, tmp_path / "b.ome.zarr", labels=tmp_path / "small.tif")
    assert not (tmp_path / "b.ome.zarr").exists()


def test_maps_leave_as_channels_of_floats(tmp_path):
    folder = write_small(tmp_path / "film")
    stack = open_stack(folder)
    store, tiff = (export_image(folder, tmp_path / name) for name in ("a.ome.zarr", "a.ome.tif"))
    for path in (store, tiff):
        found = open_stack(path)
        np.testing.assert_array_equal(found.values, stack.values)
        assert found.bands["channel"][0] == "Delta 500 nm"
        assert found.pixel_aspect == pytest.approx(stack.pixel_aspect)
        assert list(found.bands["wavelength_nm"]) == list(stack.bands["wavelength_nm"])
    with pytest.raises(SettingError, match="names no format"):
        export_image(folder, folder)


def test_the_same_image_gives_the_same_bytes(tiff, tmp_path):
    for name in ("a.ome.zarr", "a.ome.tif"):
        first = export_image(tiff, tmp_path / "one" / name)
        second = export_image(tiff, tmp_path / "two" / name)
        assert sha256(first) == sha256(second)


def test_a_second_export_leaves_nothing_of_the_first(tmp_path):
    big, small = (
        write_tiff(tmp_path / n / "a.ome.tif", pixels(s))
        for n, s in (("b", (2, 2, 3, 40, 50)), ("s", (1, 2, 1, 9, 9)))
    )
    export_image(big, tmp_path / "a.ome.zarr")
    export_image(small, tmp_path / "a.ome.zarr")
    fresh = export_image(small, tmp_path / "fresh.ome.zarr")
    assert sha256(tmp_path / "a.ome.zarr") == sha256(fresh)


def test_what_is_no_export_is_left_alone(tiff, tmp_path):
    (tmp_path / "mine.zarr").mkdir()
    (tmp_path / "mine.zarr" / "notes.txt").write_text("mine")
    with pytest.raises(ExportError, match="is there already and is no export"):
        export_image(tiff, tmp_path / "mine.zarr")
    with pytest.raises(SettingError, match="names no format"):
        export_image(tiff, tmp_path / "out.jpg")


def test_means_are_of_measured_pixels():
    plane = np.array(
        [[1, 3, np.nan, 4, 9], [5, 7, np.nan, 2, 9], [np.nan, np.nan, 8, 8, 9], [np.nan, np.nan, 8, 8, 9]]
    )
    np.testing.assert_array_equal(
        halved(plane.astype(np.float32)), np.array([[4, 3], [np.nan, 8]], np.float32)
    )
    assert every_other(np.arange(20).reshape(4, 5)).tolist() == [[0, 2], [10, 12]]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_plate_leaves_with_every_plane_and_comes_back(tmp_path, version):
    values = pixels((2, 2, 3, 2, 40, 50))  # field, channel, plane, well
    for f, c, z, w in np.ndindex(2, 2, 3, 2):
        name = f"r{w + 2:02d}c11f{f + 1:02d}p{z + 1:02d}-ch{c + 1}sk1fk1fl1.tiff"
        tifffile.imwrite(tmp_path / name, values[f, c, z, w])
    store = export_plate(tmp_path, tmp_path / "out" / "plate.ome.zarr", version=version)
    assert list_datasets(store) == [f"plate_{row}11_f{f}" for row in "BC" for f in (1, 2)]
    for f, w in np.ndindex(2, 2):
        group = zarr.open_group(store / "BC"[w] / "11" / str(f), mode="r")
        np.testing.assert_array_equal(group["0"][0], values[f, :, :, w])
    ours, theirs = read_plate_files(store), read_plate_files(tmp_path)
    assert list(ours.table["well"].unique()) == list(theirs.table["well"].unique()) == ["B11", "C11"]
    for field, well in ((1, "B11"), (2, "C11")):
        file = ours.table.query("well == @well and field == @field and channel == '2'")["file"].iloc[0]
        np.testing.assert_array_equal(
            picture_values(store, file)[0], values[field - 1, 1, :, "BC".index(well[0])].max(axis=0)
        )


def test_a_missing_plane_of_a_plate_is_told(tmp_path):
    for well, channel in (("A01", 1), ("A01", 2), ("A02", 1)):
        tifffile.imwrite(tmp_path / f"x_{well}_s1_w{channel}.tif", pixels((40, 50)))
    with pytest.raises(ReadError, match="has no picture of channel 2"):
        export_plate(tmp_path, tmp_path / "plate.ome.zarr")
    assert not (tmp_path / "plate.ome.zarr").exists()


def test_the_commands_say_what_they_wrote(tiff, tmp_path):
    out = tmp_path / "a.ome.zarr"
    done = CliRunner().invoke(cli, ["export", str(tiff), str(out), "--ome-zarr", "0.4", "--json"])
    assert json.loads(done.stdout) == {"files": [str(out)]}
    assert (out / ".zattrs").is_file()
