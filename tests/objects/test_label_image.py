"""Label images go out as OME-TIFF and come back; what is none is one sentence."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image
from support.stacks import one_sentence

from ellimaps.core.errors import ReadError
from ellimaps.objects.label_image import STRIP_ROWS, PackedLabels, label_tiff, read_label_plane

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
            np.testing.assert_array_equal(read_label_plane(path, LABELS.shape, t, z), plane)
    assert tiff(planes, 0.25) == tiff(planes, 0.25)


def test_many_objects_take_32_bit(tmp_path):
    assert STRIP_ROWS < 300
    many = np.arange(300 * 300, dtype=np.int32).reshape(300, 300)
    path = tmp_path / "labels.tif"
    path.write_bytes(tiff([[many]], None))
    assert tifffile.imread(path).dtype == np.uint32
    np.testing.assert_array_equal(read_label_plane(path, (300, 300)), many)


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
        read_label_plane(path, LABELS.shape, 5, 0)
    assert says in str(caught.value)
    assert one_sentence(caught)


def test_a_png_of_numbers_is_a_label_image(tmp_path):
    path = tmp_path / "mask.png"
    Image.fromarray(LABELS.astype(np.uint8)).save(path)
    np.testing.assert_array_equal(read_label_plane(path, LABELS.shape), LABELS)


def test_one_object_is_no_binary_mask(tmp_path):
    path = tmp_path / "mask.tif"
    tifffile.imwrite(path, (LABELS == 2).astype(np.uint8))
    assert read_label_plane(path, LABELS.shape).max() == 1
