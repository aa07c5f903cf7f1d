"""The PNG of a map: damaged, hostile, or an ordinary picture."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest
from support.ep4_tools import (
    RAW_KEY,
    TAG,
    change_chunk,
    chunk_bytes,
    drop_chunk,
    join_png,
    pngs_of,
    split_png,
    table_of,
)
from support.reading import message_of, refusal, same_stack

from ellimaps.readers import open_stack

# --- errors, each with the file in it ---


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("keep", [0, 4, 8, 30, 60, 200, -20, -1])
def test_truncated_png(folder: Path, keep: int, listed: bool) -> None:
    png = pngs_of(folder)[2]
    png.write_bytes(png.read_bytes()[:keep])
    if not listed:
        table_of(folder).unlink()
    assert message_of(folder).startswith(f"{png.name} is truncated")


def test_png_that_is_something_else(folder: Path) -> None:
    png = pngs_of(folder)[2]
    png.write_bytes(b"\xff\xd8\xff\xe0 a JPEG")
    assert message_of(folder).startswith(f"{png.name} is not a PNG file")


def test_png_without_float_chunk(folder: Path) -> None:
    drop_chunk(pngs_of(folder)[1], RAW_KEY)
    for path in (folder, pngs_of(folder)[1]):
        assert message_of(path).startswith(f"{TAG}_002.png is an ordinary picture without a float map")
    table_of(folder).unlink()
    assert message_of(folder).startswith(f"{TAG}_002.png is an ordinary picture without a float map")


@pytest.mark.parametrize("name", ["photo.png", "photo_1.png"])
def test_an_ordinary_picture(folder: Path, name: str) -> None:
    photo = folder / name
    photo.write_bytes(join_png([c for c in split_png(pngs_of(folder)[0].read_bytes()) if c[0] != b"tEXt"]))
    assert message_of(photo).startswith(f"{name} is an ordinary picture")
    assert open_stack(photo, dataset=TAG).n_bands == 6


@pytest.mark.parametrize("shape", [(6, 9), (8, 6), (0, 0), (2**31, 2**31), (1, 48)])
def test_float_map_of_another_size_than_the_picture(folder: Path, shape: tuple[int, int]) -> None:
    png = pngs_of(folder)[1]
    change_chunk(png, RAW_KEY, lambda text: text[:-200] + struct.pack(">II", *shape) + text[-192:])
    message = message_of(folder)
    assert message.startswith(f"{png.name} is damaged")
    assert f"declares {shape[0]} x {shape[1]} float values but 6 x 8 pixels" in message


@pytest.mark.parametrize("cut", [0, 1, 11, 20, 40, 51, 240, -4, -1])
def test_float_map_that_is_too_short(folder: Path, cut: int) -> None:
    png = pngs_of(folder)[1]
    change_chunk(png, RAW_KEY, lambda text: text[:cut])
    assert message_of(folder).startswith(f"{png.name} is damaged")


@pytest.mark.parametrize("shape", [(0, 8), (6, 0)])
def test_picture_without_pixels(folder: Path, shape: tuple[int, int]) -> None:
    png = pngs_of(folder)[0]
    change_chunk(png, b"IHDR", lambda text: struct.pack(">II", shape[1], shape[0]) + text[8:])
    change_chunk(png, RAW_KEY, lambda text: text[:-200] + struct.pack(">II", *shape))
    assert f"it declares an image of {shape[0]} x {shape[1]} pixels" in message_of(folder)


def test_float_map_that_is_too_long(folder: Path) -> None:
    png = pngs_of(folder)[1]
    change_chunk(png, RAW_KEY, lambda text: text + bytes(4))
    assert "does not have the declared size of 6 x 8 values" in message_of(folder)


@pytest.mark.parametrize("position", [0, 1, 2, 3])
def test_wrong_checksum(folder: Path, position: int) -> None:
    png = pngs_of(folder)[1]
    chunks = split_png(png.read_bytes())
    parts = [chunk_bytes(*chunk, good_sum=number != position) for number, chunk in enumerate(chunks)]
    png.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    assert re.match(rf"{png.name} is damaged \(the checksum of its \S+ chunk is wrong\)", message_of(folder))


def test_two_maps_in_one_png(folder: Path) -> None:
    png = pngs_of(folder)[1]
    chunks = split_png(png.read_bytes())
    png.write_bytes(join_png([*chunks[:2], chunks[1], *chunks[2:]]))
    assert message_of(folder).startswith(f"{png.name} is damaged (it holds two .ACCURION_RAWDATA chunks)")


def test_chunks_in_another_order(folder: Path) -> None:
    clean = open_stack(folder)
    header, *others, end = split_png(pngs_of(folder)[1].read_bytes())
    pngs_of(folder)[1].write_bytes(join_png([header, *reversed(others), end]) + b"something after the end")
    same_stack(open_stack(folder), clean)
    pngs_of(folder)[1].write_bytes(join_png([*others, header, end]))
    assert "first chunk is not the image header" in message_of(folder)


# --- hostile files: an error within a second, memory in proportion to the files ---


@pytest.mark.parametrize("position", range(6))
@pytest.mark.parametrize("length", [2**32 - 1, 2**31, 10_000])
def test_a_chunk_that_claims_to_be_huge(folder: Path, position: int, length: int) -> None:
    png = pngs_of(folder)[1]
    parts = [chunk_bytes(*chunk) for chunk in split_png(png.read_bytes())]
    parts[position] = struct.pack(">I", length) + parts[position][4:]
    png.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    assert refusal(folder).startswith(f"{png.name} is truncated")


@pytest.mark.parametrize("shape", [(2**31 - 1, 2**31 - 1), (2**32 - 1, 1), (0, 8), (6, 0), (60000, 80000)])
@pytest.mark.parametrize("listed", [True, False])
def test_a_picture_that_claims_to_be_huge(folder: Path, shape: tuple[int, int], listed: bool) -> None:
    if not listed:
        table_of(folder).unlink()
    for png in pngs_of(folder):
        change_chunk(png, b"IHDR", lambda text: struct.pack(">II", shape[1], shape[0]) + text[8:])
        change_chunk(png, RAW_KEY, lambda text: text[:-200] + struct.pack(">II", *shape) + text[-192:])
    assert refusal(folder).startswith(f"{TAG}_001.png is damaged")


def test_a_million_chunks(folder: Path) -> None:
    png = pngs_of(folder)[1]
    header, *others = split_png(png.read_bytes())
    start = join_png([header])
    png.write_bytes(start + chunk_bytes(b"teSt", b"") * 1_000_000 + join_png(others)[8:])
    assert refusal(folder).startswith(f"{png.name} is damaged (it has more than")


def test_a_huge_text_chunk(folder: Path) -> None:
    png = pngs_of(folder)[1]
    change_chunk(png, b"Map\0", lambda text: bytes(20_000_000) + text)
    assert refusal(folder).startswith(f"{png.name} is damaged (its Map chunk is 20000")
