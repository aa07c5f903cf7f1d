"""Label images go out as OME-TIFF and come back; what is none is one sentence."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image
from support.stacks import one_sentence

from ellimaps.core.errors import ReadError
from ellimaps.readers import open_stack
from ellimaps.regions.label_file import read_label_image, read_objects
from ellimaps.regions.label_image import STRIP_ROWS, Called, PackedLabels, label_tiff

LABELS = np.kron(np.arange(6, dtype=np.int32).reshape(2, 3), np.ones((4, 5), dtype=np.int32))


def tiff(planes, pixel_size_um):
    return label_tiff([[PackedLabels.of(plane) for plane in row] for row in planes], pixel_size_um)


def test_labels_come_back_with_axes_and_pixel_size(tmp_path):
    planes = [[LABELS, LABELS * 2], [LABELS * 3, LABELS * 4], [LABELS * 0, LABELS]]
    path = tmp_path / "labels.tif"
    path.write_bytes(tiff(planes, 0.25))
    with tifffile.TiffFile(path) as file:
        assert file.series[0].axes == "TZYX"
        assert file.series[0].dtype == np.uint16
        assert 'PhysicalSizeX="0.25"' in file.ome_metadata
    for t, row in enumerate(planes):
        for z, plane in enumerate(row):
            np.testing.assert_array_equal(read_label_image(path, LABELS.shape, t, z), plane)
    assert tiff(planes, 0.25) == tiff(planes, 0.25)


def test_many_objects_take_32_bit(tmp_path):
    assert STRIP_ROWS < 300
    many = np.arange(300 * 300, dtype=np.int32).reshape(300, 300)
    path = tmp_path / "labels.tif"
    path.write_bytes(tiff([[many]], None))
    assert tifffile.imread(path).dtype == np.uint32
    np.testing.assert_array_equal(read_label_image(path, (300, 300)), many)


TWO = np.where(LABELS % 2, 255, 0).astype(np.uint8)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (TWO, "one value for all objects"),
        (np.stack([TWO] * 3, axis=-1), "channels or colors"),
        (LABELS.astype(np.uint8)[:, :-1], "pixels and its image"),
        (LABELS.astype(np.float32) + 0.5, "fractions"),
        (LABELS - 3, "outside of 0"),
        (np.stack([LABELS] * 2).astype(np.uint16), "no plane"),
    ],
    ids=["binary", "colors", "size", "fractions", "negative", "planes"],
)
def test_wrong_kinds_of_masks_are_one_sentence(tmp_path, values, says):
    path = tmp_path / "mask.tif"
    metadata = {"axes": "TYX"} if values.shape[0] == 2 else None
    photometric = "rgb" if values.shape[-1] == 3 else "minisblack"
    tifffile.imwrite(path, values, metadata=metadata, ome=metadata is not None, photometric=photometric)
    with pytest.raises(ReadError) as caught:
        read_objects(path, LABELS.shape, 5, 0)
    assert says in str(caught.value)
    assert one_sentence(caught)


def test_a_png_of_numbers_is_a_label_image(tmp_path):
    path = tmp_path / "mask.png"
    Image.fromarray(LABELS.astype(np.uint8)).save(path)
    np.testing.assert_array_equal(read_label_image(path, LABELS.shape), LABELS)


def test_one_object_is_no_binary_mask(tmp_path):
    path = tmp_path / "mask.tif"
    tifffile.imwrite(path, (LABELS == 2).astype(np.uint8))
    assert read_objects(path, LABELS.shape).max() == 1


@pytest.mark.parametrize("size_um", [1e-3, 0.06501, 1 / 3, 0.5, 6.45, 1234.56789])
def test_pixel_size_and_unit_are_exact_for_ome_and_for_imagej(tmp_path, size_um):
    path = tmp_path / "labels.tif"
    path.write_bytes(label_tiff([[PackedLabels.of(LABELS)]], size_um, 1.5557))
    with tifffile.TiffFile(path) as file:
        pixels = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]["Pixels"]
        tags = file.pages[0].tags
        assert tags["ResolutionUnit"].value == tifffile.RESUNIT.CENTIMETER
        tagged = [
            1e4 * tags[f"{axis}Resolution"].value[1] / tags[f"{axis}Resolution"].value[0] for axis in "XY"
        ]
    assert pixels["PhysicalSizeXUnit"] == pixels["PhysicalSizeYUnit"] == "µm"
    for found in ((pixels["PhysicalSizeX"], pixels["PhysicalSizeY"]), tagged):
        np.testing.assert_allclose(found, (size_um, size_um * 1.5557), rtol=1e-6)
    stack = open_stack(path)
    assert (stack.pixel_size_um, stack.pixel_aspect) == pytest.approx((size_um, 1.5557), rel=1e-6)


def test_a_pixel_that_no_tag_can_tell_stands_in_the_xml_alone(tmp_path):
    path = tmp_path / "labels.tif"
    path.write_bytes(label_tiff([[PackedLabels.of(LABELS)]], 1e-9))
    with tifffile.TiffFile(path) as file:
        assert "PhysicalSizeX" in file.ome_metadata
        assert tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]["Pixels"]["PhysicalSizeX"] == 1e-9


CALLED = [
    Called("SiO₂ <dick> & „dünn“", "#0072B2"),
    Called("二氧化硅 基板", "#E69F00"),
    Called("окисел", "#009E73"),
    Called("طبقة", "#D55E00"),
    Called("𐌰𐌱 \x07bell", "#CC79A7"),
]


def test_names_of_any_script_and_colors_stand_in_the_file(tmp_path):
    path = tmp_path / "labels.tif"
    path.write_bytes(label_tiff([[PackedLabels.of(LABELS)]], 0.5, called=CALLED))
    with tifffile.TiffFile(path) as file:
        xml, palette = file.ome_metadata, file.pages[0].colormap
        assert file.pages[0].photometric == tifffile.PHOTOMETRIC.PALETTE
        np.testing.assert_array_equal(file.asarray(), LABELS)
    names = tifffile.xml2dict(xml)["OME"]["StructuredAnnotations"]["MapAnnotation"]["Value"]["M"]
    assert [one["value"] for one in names] == [*(one.name for one in CALLED[:-1]), "𐌰𐌱 bell"]
    for number, one in enumerate(CALLED, 1):
        assert f"#{bytes((palette[:, number] >> 8).tolist()).hex()}" == one.color.lower()
    # As ImageJ and Pillow see it: an image of eight bits with a palette of 768 numbers.
    with Image.open(path) as image:
        assert image.mode == "P"
        np.testing.assert_array_equal(np.asarray(image), LABELS)
    np.testing.assert_array_equal(read_label_image(path, LABELS.shape), LABELS)
