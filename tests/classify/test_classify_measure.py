"""What is measured of a cell belongs to the cell: not to its file, margins, gain or bit depth."""

from __future__ import annotations

import io
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray
from PIL import Image
from support.cell_pictures import branched, cell, compact, padded

from ellimaps.classify import measure_image, read_image
from ellimaps.classify.image_features import MEASUREMENTS, SIZES
from ellimaps.core.errors import ReadError

STEADY = [*SIZES, "solidity", "elongation", "compactness", "contour", "variation", "ring_1", "ring_4"]


def stretched(image: NDArray[Any], low: float, high: float) -> NDArray[Any]:
    first, last = np.percentile(image, [low, high])
    return (np.clip((image - first) / (last - first), 0, 1) * 255).astype(np.uint8)


def assert_same(found: NDArray[Any], true: NDArray[Any], room: float = 0.02) -> None:
    one, other = measure_image(found).measurements, measure_image(true).measurements
    for name in STEADY:
        assert one[name] == pytest.approx(other[name], rel=room), name


@pytest.mark.parametrize(
    "alter",
    [
        lambda image: (image >> 8).astype(np.uint8),
        lambda image: stretched(image, 0, 100),
        lambda image: stretched(image, 1, 99.5),
        lambda image: image.astype(np.float64) * 3.7 - 5000,
        lambda image: padded(image, (0.25, 0.25, 0.25, 0.25)),
        lambda image: padded(image, (0.2, 0.0, 0.1, 0.25)),
        lambda image: image[9:-9, 9:-9],
    ],
    ids=["/256", "min-max", "percentiles", "gain and offset", "padded", "padded unevenly", "cropped"],
)
@pytest.mark.parametrize("made", [branched(4), compact(7)], ids=["branched", "compact"])
def test_the_same_cell_in_another_file_measures_the_same(
    made: NDArray[Any], alter: Callable[[NDArray[Any]], NDArray[Any]]
) -> None:
    assert_same(alter(made), made)


@settings(max_examples=15, deadline=None)
@given(gain=st.floats(0.01, 100), offset=st.floats(-1e4, 1e4))
def test_gain_and_offset_do_not_count(gain: float, offset: float) -> None:
    made = compact(3)
    assert_same(made * gain + offset, made, 0.005)


def test_lengths_of_a_disc_are_its_diameter() -> None:
    found = measure_image(cell(1, radius=40)).measurements
    for name in ("equivalent_diameter", "caliper_mean", "feret_max", "feret_min", "inner_diameter"):
        assert found[name] == pytest.approx(81, abs=4), name
    assert found["solidity"] > 0.97
    assert found["contour"] == pytest.approx(1, abs=0.05)


def test_feret_diameters_of_a_rectangle() -> None:
    image = np.full((100, 160), 500.0)
    image[30:70, 20:140] = 9000
    found = measure_image(image).measurements
    assert found["feret_max"] == pytest.approx(np.hypot(40, 120), rel=0.02)
    assert found["feret_min"] == pytest.approx(40, rel=0.06)
    # Cauchy: the mean width of a convex shape is its perimeter over pi.
    assert found["caliper_mean"] == pytest.approx(320 / np.pi, rel=0.03)


def test_lengths_are_in_micrometres_where_the_pixel_size_is_known() -> None:
    pixels, micrometres = measure_image(branched(1)), measure_image(branched(1), 0.5)
    assert (pixels.unit, micrometres.unit) == ("px", "um")
    for name in MEASUREMENTS:
        factor = 0.5 if name in SIZES else 1.0
        assert micrometres.measurements[name] == pytest.approx(factor * pixels.measurements[name]), name


def test_the_mask_is_the_cell_and_not_the_speck_beside_it() -> None:
    image = np.pad(compact(2), 40, constant_values=400)
    alone = measure_image(image).mask
    image[5:12, 5:12] = 60000
    mask = measure_image(image).mask
    assert mask.shape == image.shape
    assert not mask[:20, :20].any()
    assert (mask != alone).sum() < 0.01 * alone.sum()


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((50, 60), np.uint16),
        np.full((1, 1), 7, np.uint8),
        np.full((40, 40), np.nan),
        np.zeros((3, 1, 1)),
        np.full((30, 30), np.inf),
        compact(1) * 1e300,
        (compact(1) * 1e33).astype(np.float32),
        np.ones((2000, 1)),
    ],
    ids=["black", "one pixel", "NaN", "colour pixel", "infinite", "huge", "huge in 32 bit", "column"],
)
def test_an_image_without_a_cell_says_so(image: NDArray[Any]) -> None:
    features = measure_image(image)
    assert not features.mask.any()
    assert features.mask.shape == image.shape[-2:]
    assert all(np.isnan(value) for value in features.measurements.values())
    assert "No cell" in features.warnings[0]


def test_noise_alone_is_no_cell() -> None:
    noise = np.random.default_rng(0).normal(1000, 50, (300, 300))
    assert not measure_image(noise).mask.any()


@pytest.mark.parametrize("size", [2, 3, 5, 9, 17])
def test_tiny_images_do_not_fail(size: int) -> None:
    image = np.zeros((size, size))
    image[size // 2, size // 2 :] = 1000
    assert list(measure_image(image).measurements) == list(MEASUREMENTS)


def test_nan_counts_as_background() -> None:
    image = compact(5).astype(float)
    image[:4] = np.nan
    assert_same(image, compact(5))


def test_colour_is_averaged() -> None:
    image = branched(2)
    assert measure_image(np.stack([image] * 3)).measurements == pytest.approx(
        measure_image(image).measurements
    )


def test_a_saturated_cell_is_flagged() -> None:
    assert measure_image(compact(1)).warnings == []
    assert "saturated" in measure_image(np.minimum(compact(1), 20000)).warnings[0]


@pytest.mark.parametrize("image", [np.zeros(5), np.zeros((2, 2, 2, 2)), np.zeros((0, 5)), np.array([["a"]])])
def test_what_is_no_image_is_refused(image: NDArray[Any]) -> None:
    with pytest.raises(ReadError, match="image is needed"):
        measure_image(image)


def test_a_large_image_is_fast() -> None:
    image = np.full((1500, 1500), 400, np.uint16)
    image[200:1300, 200:1300] = np.kron(cell(1, radius=40, margin=15), np.ones((10, 10)))[:1100, :1100]
    start = time.process_time()
    measure_image(image)
    assert time.process_time() - start < 1


def png(image: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def tiff(image: NDArray[Any], **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, image, **options)
    return buffer.getvalue()


def test_files_and_bytes_of_all_kinds_are_read(tmp_path: Path) -> None:
    image = compact(1)
    small = (image >> 8).astype(np.uint8)
    colour = np.stack([small] * 3, axis=-1)
    for content, expected in (
        (tiff(image), image),
        (tiff(image, compression="zlib"), image),
        (tiff(small), small),
        (png(image), image),
        (png(small), small),
    ):
        (tmp_path / "x").write_bytes(content)
        for source in (content, tmp_path / "x"):
            values, size = read_image(source)
            np.testing.assert_array_equal(values, expected)
            assert size is None
    for content in (
        png(colour),
        tiff(colour, photometric="rgb"),
        tiff(np.moveaxis(colour, -1, 0), imagej=True),
    ):
        np.testing.assert_array_equal(read_image(content)[0], np.moveaxis(colour, -1, 0))
    clear = np.stack([small, np.full_like(small, 255)], axis=-1)
    for content in (
        png(clear),
        tiff(clear, photometric="minisblack", planarconfig="contig", extrasamples=[2]),
    ):
        np.testing.assert_array_equal(read_image(content)[0], small)


def test_a_colour_png_of_16_bit_is_read() -> None:
    levels = np.stack([compact(1)] * 3, axis=-1)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in levels)
    head = struct.pack(">IIBBBBB", levels.shape[1], levels.shape[0], 16, 2, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n"
    for kind, body in ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        content += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    np.testing.assert_array_equal(read_image(content)[0], np.moveaxis(levels >> 8, -1, 0))


def test_the_pixel_size_is_read() -> None:
    content = tiff(
        compact(1), ome=True, metadata={"axes": "YX", "PhysicalSizeX": 0.25, "PhysicalSizeY": 0.25}
    )
    assert read_image(content)[1] == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "neither"),
        (b"not an image", "neither"),
        (png(compact(1))[:200], "damaged|truncated"),
        (tiff(compact(1))[:900], "truncated|damaged"),
        (
            tiff(np.zeros((4, 20, 20), np.uint8), photometric="minisblack", metadata={"axes": "TYX"}),
            "several",
        ),
        (tiff(np.zeros((5, 20, 20), np.uint16), photometric="minisblack"), "several"),
    ],
)
def test_what_is_no_image_file_is_a_sentence(content: bytes, reason: str) -> None:
    with pytest.raises(ReadError, match=reason) as caught:
        read_image(content, "upload.tif")
    assert "upload.tif" in str(caught.value)


def test_pixels_are_bounded_before_decoding() -> None:
    content = png(np.zeros((3000, 3000), np.uint8))
    with pytest.raises(ReadError, match="more than 1 million"):
        read_image(content, max_pixels=1_000_000)
