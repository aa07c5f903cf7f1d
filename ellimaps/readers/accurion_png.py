"""The PNG of one Accurion EP4 map: float pixels and what the instrument wrote about them.

The visible 8-bit pixels are a preview. The measurement stands in a ``tEXt`` chunk with the keyword
``.ACCURION_RAWDATA``; further ``tEXt`` chunks describe it. See ``docs/file-formats.md``.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ellimaps.errors import ReadError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAP_TYPES = ("Delta", "Psi", "Pmin", "Amin", "Cmin", "Image", "Image_float", "RT", "MM", "Other")

_RAW_KEY = b".ACCURION_RAWDATA"
_MAP_KEY = b"Map"
_GEOMETRY_KEY = b"IMAGE_GEOCORR_FACTOR"
_KEYS = (_RAW_KEY, _MAP_KEY, _GEOMETRY_KEY)
_MAP_TAIL = struct.Struct(">HdddH")
_GEOMETRY_TAIL = struct.Struct(">dd?")


@dataclass(frozen=True)
class MapFacts:
    """What a PNG says about its own map; None where it says nothing."""

    shape: tuple[int, int]
    has_values: bool
    quantity: str | None = None
    wavelength_nm: float | None = None
    aoi_deg: float | None = None
    time_s: float | None = None
    pixel_aspect: float | None = None


@dataclass(frozen=True)
class PngMap:
    """One map: its values (float32, y by x, NaN = not measured), its facts and the file's SHA-256."""

    values: NDArray[np.float32]
    facts: MapFacts
    sha256: str


def is_png(path: Path) -> bool:
    """Tell by its first bytes whether a file is a PNG."""
    try:
        with path.open("rb") as file:
            return file.read(len(SIGNATURE)) == SIGNATURE
    except OSError:
        return False


def read_facts(path: Path) -> MapFacts:
    """Read what a PNG says about its map.

    Raises
    ------
    ReadError
        If the file is not a complete PNG.
    """
    return _facts(path, _chunks(path, _read_bytes(path)))


def read_map(path: Path) -> PngMap:
    """Read the float map of a PNG.

    Raises
    ------
    ReadError
        If the file is damaged, is not a PNG, holds no float map, or a map of another size than it declares.
    """
    data = _read_bytes(path)
    chunks = _chunks(path, data)
    facts = _facts(path, chunks)
    if not facts.has_values:
        raise ReadError(
            f"{path.name} is an ordinary picture without a float map (no {_RAW_KEY.decode()} chunk): "
            "export the map from the instrument's software as a data set, not as an image."
        )
    values = _float_values(path, chunks[_RAW_KEY], facts.shape)
    return PngMap(values, facts, hashlib.sha256(data).hexdigest())


def _read_bytes(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise ReadError(f"{path.name} is missing in {path.parent}: copy the whole measurement folder.")
        return path.read_bytes()
    except OSError as error:
        raise ReadError(f"{path.name} cannot be read: {error.strerror or error}.") from error


def _chunks(path: Path, data: bytes) -> dict[bytes, memoryview]:
    """The chunks that matter here: IHDR and the known texts, by their keyword."""
    found: dict[bytes, memoryview] = {}
    for kind, body in _walk(path, data):
        if kind == b"IHDR":
            found[kind] = body
        elif kind == b"tEXt":
            keyword, end = _keyword(body)
            if keyword in _KEYS:
                if keyword in found:
                    raise ReadError(
                        f"{path.name} holds two {keyword.decode()} chunks: the file is damaged, copy it again."
                    )
                found[keyword] = body[end:]
    return found


def _walk(path: Path, data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    if not data.startswith(SIGNATURE):
        raise ReadError(f"{path.name} is not a PNG file (it begins with {data[:8]!r}).")
    view = memoryview(data)
    position, kind = len(SIGNATURE), b""
    while kind != b"IEND":
        if position + 12 > len(data):
            raise _truncated(path)
        length, new_kind = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if end > len(data):
            raise _truncated(path)
        if not kind and new_kind != b"IHDR":
            raise ReadError(f"{path.name} is damaged: its first chunk is not the image header; copy it again.")
        kind = new_kind
        if kind in (b"IHDR", b"tEXt"):
            (expected,) = struct.unpack_from(">I", data, end - 4)
            if zlib.crc32(view[position + 4 : end - 4]) != expected:
                raise ReadError(f"{path.name} is damaged (checksum of a chunk is wrong): copy it again.")
        yield kind, view[position + 8 : end - 4]
        position = end


def _truncated(path: Path) -> ReadError:
    return ReadError(f"{path.name} is truncated (it ends inside a chunk): copy it again.")


def _keyword(body: memoryview) -> tuple[bytes, int]:
    head = bytes(body[:80])
    keyword, separator, _ = head.partition(b"\0")
    return (keyword, len(keyword) + 1) if separator else (b"", 0)


def _facts(path: Path, chunks: dict[bytes, memoryview]) -> MapFacts:
    header = chunks.get(b"IHDR")
    if header is None or len(header) != 13:
        raise ReadError(f"{path.name} is damaged (its image header is not whole): copy it again.")
    width, height = struct.unpack_from(">II", header)
    if width == 0 or height == 0:
        raise ReadError(f"{path.name} declares an image of {height} x {width} pixels: the file is damaged.")
    return MapFacts(
        shape=(height, width),
        has_values=_RAW_KEY in chunks,
        **_map_facts(path, chunks.get(_MAP_KEY)),
        pixel_aspect=_pixel_aspect(chunks.get(_GEOMETRY_KEY)),
    )


def _map_facts(path: Path, text: memoryview | None) -> dict[str, str | float | None]:
    if text is None or len(text) < _MAP_TAIL.size:
        return {}
    kind, wavelength, aoi, time, _binning = _MAP_TAIL.unpack(text[-_MAP_TAIL.size :])
    if kind >= len(MAP_TYPES):
        raise ReadError(f"{path.name} says it is a map of the unknown type {kind}: the file is damaged.")
    return {
        "quantity": MAP_TYPES[kind],
        "wavelength_nm": _finite(wavelength),
        "aoi_deg": _finite(aoi),
        "time_s": _finite(time),
    }


def _finite(number: float) -> float | None:
    return number if np.isfinite(number) else None


def _pixel_aspect(text: memoryview | None) -> float | None:
    """Height over width of a pixel; 1 when the instrument has resampled the image to square pixels."""
    if text is None or len(text) < _GEOMETRY_TAIL.size:
        return None
    x_factor, y_factor, resampled = _GEOMETRY_TAIL.unpack(text[-_GEOMETRY_TAIL.size :])
    if resampled:
        return 1.0
    if not (0 < x_factor < np.inf and 0 < y_factor < np.inf and 0.01 < y_factor / x_factor < 100):
        return None
    return float(y_factor / x_factor)


def _float_values(path: Path, text: memoryview, shape: tuple[int, int]) -> NDArray[np.float32]:
    damaged = f"{path.name} is damaged (its float map does not have the declared size): copy it again."
    if len(text) < 12:
        raise ReadError(damaged)
    (extra,) = struct.unpack_from(">H", text)
    start = 12 + extra
    if len(text) < start:
        raise ReadError(damaged)
    declared = struct.unpack_from(">II", text, start - 8)
    if shape != declared:
        raise ReadError(
            f"{path.name} declares {declared[0]} x {declared[1]} float values but {shape[0]} x {shape[1]} pixels."
        )
    if len(text) - start != 4 * shape[0] * shape[1]:
        raise ReadError(damaged)
    return np.frombuffer(text[start:], dtype=">f4").reshape(shape).astype(np.float32)
