"""The PNG of one Accurion EP4 map: float pixels and what the instrument wrote about them.

The visible 8-bit pixels are a preview. The measurement stands in a ``tEXt`` chunk with the keyword
``.ACCURION_RAWDATA``; further ``tEXt`` chunks describe it. See ``docs/file-formats.md``.
"""

from __future__ import annotations

import hashlib
import io
import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.errors import ReadError, unreadable

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAP_TYPES = ("Delta", "Psi", "Pmin", "Amin", "Cmin", "Image", "Image_float", "RT", "MM", "Other")

_RAW_KEY = b".ACCURION_RAWDATA"
_MAP_KEY = b"Map"
_GEOMETRY_KEY = b"IMAGE_GEOCORR_FACTOR"
_KEYS = (_RAW_KEY, _MAP_KEY, _GEOMETRY_KEY)
_LONGEST_KEYWORD = 79
_MAP_TAIL = struct.Struct(">HdddH")
_GEOMETRY_TAIL = struct.Struct(">dd?")
_RAW_HEADER_BYTES = 12
_MAX_CHUNKS = 100_000
_MAX_FACTS_BYTES = 1024 * 1024


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


class _Chunk(NamedTuple):
    """A chunk's type, its ``tEXt`` keyword, and where the payload after the keyword starts and ends."""

    kind: bytes
    keyword: bytes
    start: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.start


def is_png(path: Path) -> bool:
    """Tell by its first bytes whether a file is a PNG."""
    try:
        with path.open("rb") as file:
            return file.read(len(SIGNATURE)) == SIGNATURE
    except OSError:
        return False


def read_facts(path: Path) -> MapFacts:
    """Read what a PNG says about its map, without reading the map.

    Raises
    ------
    ReadError
        If the file is not a complete PNG, or declares a float map of another size than it has room for.
    """
    try:
        _require_file(path)
        with path.open("rb") as file:
            return _facts(path, file, _chunks(path, file, path.stat().st_size))
    except OSError as error:
        raise unreadable(path, error) from error


def read_map(path: Path) -> PngMap:
    """Read the float map of a PNG.

    Raises
    ------
    ReadError
        If the file is damaged, is not a PNG, or holds no float map.
    """
    try:
        _require_file(path)
        data = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    file = io.BytesIO(data)
    chunks = _chunks(path, file, len(data))
    facts = _facts(path, file, chunks)
    require_values(path, facts)
    raw = chunks[_RAW_KEY]
    _check_sum(path, file, raw)
    height, width = facts.shape
    values = np.frombuffer(data, ">f4", count=height * width, offset=raw.end - 4 * height * width)
    return PngMap(values.reshape(facts.shape).astype(np.float32), facts, hashlib.sha256(data).hexdigest())


def require_values(path: Path, facts: MapFacts) -> None:
    """Refuse a PNG without a float map."""
    if not facts.has_values:
        raise ReadError(
            f"{path.name} is an ordinary picture without a float map (no {_RAW_KEY.decode()} chunk): "
            "copy the original file again, as image editors drop the measurement when they save."
        )


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise ReadError(f"{path.name} is missing in {path.parent}: copy the whole measurement folder.")


def _damaged(path: Path, what: str) -> ReadError:
    return ReadError(f"{path.name} is damaged ({what}): copy it again.")


def _chunks(path: Path, file: BinaryIO, size: int) -> dict[bytes, _Chunk]:
    """Find the chunks that matter here: IHDR, and the known texts by their keyword."""
    found: dict[bytes, _Chunk] = {}
    for chunk in _walk(path, file, size):
        key = chunk.kind if chunk.kind == b"IHDR" else chunk.keyword
        if key not in (b"IHDR", *_KEYS):
            continue
        if key in found:
            raise _damaged(path, f"it holds two {key.decode()} chunks")
        found[key] = chunk
    return found


def _walk(path: Path, file: BinaryIO, size: int) -> Iterator[_Chunk]:
    signature = file.read(len(SIGNATURE))
    if size == 0 or (signature != SIGNATURE and SIGNATURE.startswith(signature)):
        raise _truncated(path)
    if signature != SIGNATURE:
        raise ReadError(
            f"{path.name} is not a PNG file (it begins with {signature!r}): copy the original again."
        )
    position = len(SIGNATURE)
    for number in range(_MAX_CHUNKS):
        file.seek(position)
        head = file.read(8 + _LONGEST_KEYWORD + 1)
        if len(head) < 12:
            raise _truncated(path)
        length, kind = struct.unpack_from(">I4s", head)
        start, end = position + 8, position + 8 + length
        if end + 4 > size:
            raise _truncated(path)
        if number == 0 and kind != b"IHDR":
            raise _damaged(path, "its first chunk is not the image header")
        keyword = b""
        if kind == b"tEXt":
            keyword, separator, _ = head[8 : 8 + min(length, _LONGEST_KEYWORD + 1)].partition(b"\0")
            start += len(keyword) + len(separator)
        yield _Chunk(kind, keyword, start, end)
        if kind == b"IEND":
            return
        position = end + 4
    raise _damaged(path, f"it has more than {_MAX_CHUNKS} chunks")


def _truncated(path: Path) -> ReadError:
    return ReadError(f"{path.name} is truncated (it ends inside a chunk): copy it again.")


def _check_sum(path: Path, file: BinaryIO, chunk: _Chunk) -> bytes:
    """Return the payload of a chunk after comparing its checksum."""
    file.seek(chunk.start)
    payload = file.read(chunk.size)
    head = chunk.kind if chunk.kind == b"IHDR" else chunk.kind + chunk.keyword + b"\0"
    if file.read(4) != struct.pack(">I", zlib.crc32(payload, zlib.crc32(head))):
        raise _damaged(path, f"the checksum of its {(chunk.keyword or chunk.kind).decode()} chunk is wrong")
    return payload


def _facts(path: Path, file: BinaryIO, chunks: dict[bytes, _Chunk]) -> MapFacts:
    small = {key: chunk for key, chunk in chunks.items() if key != _RAW_KEY}
    for key, chunk in small.items():
        if chunk.size > _MAX_FACTS_BYTES:
            raise _damaged(path, f"its {key.decode()} chunk is {chunk.size} bytes long")
    texts = {key: _check_sum(path, file, chunk) for key, chunk in small.items()}
    header = texts.get(b"IHDR", b"")
    if len(header) != 13:
        raise _damaged(path, "its image header is not whole")
    width, height = struct.unpack_from(">II", header)
    if width == 0 or height == 0:
        raise _damaged(path, f"it declares an image of {height} x {width} pixels")
    if _RAW_KEY in chunks:
        _check_declared(path, file, chunks[_RAW_KEY], (height, width))
    facts = MapFacts(
        shape=(height, width),
        has_values=_RAW_KEY in chunks,
        pixel_aspect=_pixel_aspect(texts.get(_GEOMETRY_KEY, b"")),
    )
    map_text = texts.get(_MAP_KEY, b"")
    if len(map_text) < _MAP_TAIL.size:
        return facts
    kind, wavelength, aoi, time, _binning = _MAP_TAIL.unpack(map_text[-_MAP_TAIL.size :])
    return replace(
        facts,
        quantity=MAP_TYPES[kind] if kind < len(MAP_TYPES) else f"type {kind}",
        wavelength_nm=_finite(wavelength),
        aoi_deg=_finite(aoi),
        time_s=_finite(time),
    )


def _check_declared(path: Path, file: BinaryIO, raw: _Chunk, shape: tuple[int, int]) -> None:
    """Compare the size of the float map with what it declares and with the image."""
    file.seek(raw.start)
    extra = int.from_bytes(file.read(2), "big")
    header_bytes = _RAW_HEADER_BYTES + extra
    file.seek(raw.start + header_bytes - 8)
    declared = int.from_bytes(file.read(4), "big"), int.from_bytes(file.read(4), "big")
    if shape != declared:
        raise _damaged(
            path, f"it declares {declared[0]} x {declared[1]} float values but {shape[0]} x {shape[1]} pixels"
        )
    if raw.size - header_bytes != 4 * shape[0] * shape[1]:
        raise _damaged(
            path, f"its float map does not have the declared size of {shape[0]} x {shape[1]} values"
        )


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _pixel_aspect(text: bytes) -> float | None:
    """Height over width of a pixel; 1 when the instrument has resampled the image to square pixels."""
    if len(text) < _GEOMETRY_TAIL.size:
        return None
    x_factor, y_factor, resampled = _GEOMETRY_TAIL.unpack(text[-_GEOMETRY_TAIL.size :])
    if resampled:
        return 1.0
    if not (0 < x_factor < math.inf and 0 < y_factor < math.inf and 0.01 < y_factor / x_factor < 100):
        return None
    return float(y_factor / x_factor)
