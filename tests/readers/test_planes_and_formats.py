"""Planes one by one, pixel sizes of plain tags, and names for what is not read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from support.stacks import one_sentence

from ellimaps.core.errors import ReadError, SettingError
from ellimaps.readers import open_planes, open_stack
from ellimaps.readers.foreign import format_by_name, remedy_for

VALUES = np.arange(2 * 3 * 2 * 8 * 9, dtype=np.uint16).reshape(2, 3, 2, 8, 9)


@pytest.fixture
def scenes(tmp_path) -> Path:
    """Two scenes of three time points and two focal planes."""
    path = tmp_path / "scenes.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as file:
        for number, scene in enumerate(VALUES):
            size = 0.5 * (number + 1)
            metadata = {"axes": "TZYX", "PhysicalSizeX": size, "PhysicalSizeY": size}
            file.write(scene, metadata=metadata, photometric="minisblack")
    return path


def test_each_plane_of_each_scene(scenes):
    found = list(open_planes(scenes))
    assert [tuple(number) for number, _ in found] == [
        (s, t, z) for s in (0, 1) for t in (0, 1, 2) for z in (0, 1)
    ]
    for (s, t, z), stack in found:
        np.testing.assert_array_equal(stack.values, VALUES[s, t, z][None])
        assert stack.pixel_size_um == 0.5 * (s + 1)
        assert stack.warnings == ()


def test_choices_and_projections(scenes):
    [(number, stack)] = open_planes(scenes, z="max", t=1, scene=1)
    assert tuple(number) == (1, 1, "max")
    np.testing.assert_array_equal(stack.values[0], VALUES[1, 1].max(axis=0))
    np.testing.assert_array_equal(open_stack(scenes, z=0, t=2, scene=1).values[0], VALUES[1, 2, 0])
    assert any("the first was read" in text for text in open_stack(scenes).warnings)


@pytest.mark.parametrize("wrong", [{"scene": 2}, {"t": 3}, {"z": 2}])
def test_planes_that_are_not_there(scenes, wrong):
    with pytest.raises(SettingError) as caught:
        list(open_planes(scenes, **wrong))
    assert one_sentence(caught)


@pytest.mark.parametrize(
    ("resolution", "unit", "size"),
    [
        ((20000, 20000), "CENTIMETER", 0.5),
        ((50800, 50800), "INCH", 0.5),
        ((72, 72), "INCH", None),
        ((300, 300), "INCH", None),
        ((20000, 20000), "NONE", None),
        ((0, 0), "CENTIMETER", None),
    ],
)
def test_pixel_size_of_plain_tags(tmp_path, resolution, unit, size):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, VALUES[0, 0, 0], resolution=resolution, resolutionunit=unit, metadata=None)
    assert open_stack(path).pixel_size_um == (pytest.approx(size) if size else None)


@pytest.mark.parametrize(("unit", "per_unit"), [("mm", 2000), ("millimeter", 2000), ("micron", 2)])
def test_pixel_size_of_imagej_units(tmp_path, unit, per_unit):
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, VALUES[0, 0, 0], imagej=True, resolution=(per_unit, per_unit), metadata={"unit": unit}
    )
    assert open_stack(path).pixel_size_um == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("begins", "says"),
    [
        (b"ZISRAWFILE", "Zeiss CZI"),
        (b"\xda\xce\xbe\n", "Nikon ND2"),
        (b"\x70\0\0\0*", "Leica LIF"),
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
    ],
)
def test_unknown_formats_are_named_with_a_way_out(tmp_path, begins, says):
    path = tmp_path / "image"
    path.write_bytes(begins + bytes(50))
    with pytest.raises(ReadError) as caught:
        open_stack(path)
    assert says in str(caught.value)
    assert "save it" in str(caught.value)
    assert one_sentence(caught)


def test_a_zarr_store_without_images_holds_no_pictures(tmp_path):
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / ".zattrs").write_text("{}")
    with pytest.raises(ReadError, match="no pictures") as caught:
        open_stack(tmp_path / "a.zarr")
    assert one_sentence(caught)


@pytest.mark.parametrize(
    ("code", "name"), [(50000, "ZSTD"), (34712, "JPEG2000"), (50002, "JPEGXL"), (34887, "LERC")]
)
def test_packings_without_their_library_are_named(tmp_path, code, name):
    """Another compression in the tag of a sound file: its library is asked for before it is unpacked."""
    if _has_imagecodecs():
        pytest.skip("imagecodecs is installed and unpacks them")
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, VALUES[0, 0, 0], compression="zlib", metadata=None)
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages[0].tags["Compression"].overwrite(code)
    with pytest.raises(ReadError) as caught:
        open_stack(path)
    assert name in str(caught.value)
    assert "imagecodecs" in str(caught.value)
    assert one_sentence(caught)


def _has_imagecodecs() -> bool:
    import importlib.util

    return importlib.util.find_spec("imagecodecs") is not None


def test_formats_by_name():
    assert format_by_name("a.JPG") == "JPEG"
    assert "TIFF" in remedy_for("JPEG")
    assert remedy_for(format_by_name("a.lsm")).startswith("save it as OME-TIFF")
    assert format_by_name("truth.csv") == ".csv file"
    assert remedy_for(".csv file") == ""
    assert format_by_name("README") == "file without an ending"
