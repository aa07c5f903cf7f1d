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
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.errors import ReadError
from ellimaps.core.inputs import InputFile, first_bytes, size_of

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAP_TYPES = ("Delta", "Psi", "Pmin", "Amin", "Cmin", "Image", "Image_float", "RT", "MM", "Other")

_RAW_KEY = b".ACCURION_RAWDATA"
_MAP_KEY = b"Map"
_GEOMETRY_KEY = b"IMAGE_GEOCORR_FACTOR"
_KEYS = (_RAW_KEY, _MAP_KEY, _GEOMETRY_KEY)
_LONGEST_KEYWORD = 79  # PNG specification, 11.3.4.2
_MAP_TAIL = struct.Struct(">HdddH")
_GEOMETRY_TAIL = struct.Struct(">dd?")
_RAW_HEADER_BYTES = 12  # beside the n bytes the header declares
# A real file has 18 chunks and its Map chunk 198 bytes: thousands of times as much would only keep us busy.
_MAX_CHUNKS = 100_000
_LARGEST_FACT = 1e9
"""A wavelength of a meter, in nm, and an exposure of thirty years, in s: what is beyond was not measured."""
_MAX_FACTS_BYTES = 1024 * 1024


@dataclass(frozen=True)
class MapFacts:
    """What a PNG says about its own map; None where it says nothing.

    Attributes
    ----------
    shape : (int, int)
        Rows and columns.
    has_values : bool
        Whether it holds a float map.
    n_bytes : int
        Size of the file.
    n_colors, bits : int
        Channels of its visible pixels, without transparency, and bits of each.
    quantity, wavelength_nm, aoi_deg, time_s
        What its map is of: one of :data:`MAP_TYPES`, in nm, degrees and seconds.
    pixel_aspect : float
        Height over width of a pixel.
    """

    shape: tuple[int, int]
    has_values: bool
    n_bytes: int
    n_colors: int
    bits: int
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


def is_png(file: InputFile) -> bool:
    """Tell by its first bytes whether a file is a PNG."""
    try:
        return file.seen(first_bytes) == SIGNATURE
    except ReadError:
        return False


def read_facts(file: InputFile) -> MapFacts:
    """Read what a PNG says about its map, without reading the map.

    Raises
    ------
    ReadError
        If the file is not a complete PNG, or declares a float map of another size than it has room for.
    """
    with file.open() as stream:
        return _facts(file.name, stream, _chunks(file.name, stream))


def read_map(file: InputFile) -> PngMap:
    """Read the float map of a PNG.

    Raises
    ------
    ReadError
        If the file is damaged, is not a PNG, or holds no float map.
    """
    with file.open() as stream:
        content = stream.read()
    stream = io.BytesIO(content)
    chunks = _chunks(file.name, stream)
    facts = _facts(file.name, stream, chunks)
    require_values(file.name, facts)
    raw = chunks[_RAW_KEY]
    _check_sum(file.name, stream, raw)
    height, width = facts.shape
    values = np.frombuffer(content, ">f4", count=height * width, offset=raw.end - 4 * height * width)
    return PngMap(values.reshape(facts.shape).astype(np.float32), facts, hashlib.sha256(content).hexdigest())


def check_pixels(name: str, stream: BinaryIO) -> None:
    """Compare the checksums of all chunks that the visible pixels come from; Pillow passes over them.

    Raises
    ------
    ReadError
        If one is wrong, the colors of a palette are missing, or the file is not a complete PNG.
    """
    checked = {
        chunk.kind: _check_sum(name, stream, chunk)
        for chunk in _walk(name, stream)
        if chunk.kind in (b"IHDR", b"PLTE", b"IDAT", b"tRNS")
    }
    # Color type 3: pixels are numbers of colors, and Pillow would make up the colors.
    if checked[b"IHDR"][9:10] == b"\3" and b"PLTE" not in checked:
        raise _damaged(name, "it has no palette")


def require_values(name: str, facts: MapFacts) -> None:
    """Refuse a PNG without a float map."""
    if not facts.has_values:
        raise ReadError(
            f"{name} is an ordinary picture without a float map (no {_RAW_KEY.decode()} chunk): "
            "copy the original file again, as image editors drop the measurement when they save."
        )


def _damaged(name: str, what: str) -> ReadError:
    return ReadError(f"{name} is damaged ({what}): copy it again.")


def _chunks(name: str, stream: BinaryIO) -> dict[bytes, _Chunk]:
    """Find the chunks that matter here: IHDR, and the known texts by their keyword."""
    found: dict[bytes, _Chunk] = {}
    for chunk in _walk(name, stream):
        key = chunk.kind if chunk.kind == b"IHDR" else chunk.keyword
        if key not in (b"IHDR", *_KEYS):
            continue
        if key in found:
            raise _damaged(name, f"it holds two {key.decode()} chunks")
        found[key] = chunk
    return found


def _walk(name: str, stream: BinaryIO) -> Iterator[_Chunk]:
    size = size_of(stream)
    signature = stream.read(len(SIGNATURE))
    if size == 0 or (signature != SIGNATURE and SIGNATURE.startswith(signature)):
        raise _truncated(name)
    if signature != SIGNATURE:
        begins = signature.hex(" ")
        raise ReadError(
            f"{name} is not a PNG file (it begins with the bytes {begins}): copy the original again."
        )
    position = len(SIGNATURE)
    for number in range(_MAX_CHUNKS):
        stream.seek(position)
        head = stream.read(8 + _LONGEST_KEYWORD + 1)
        if len(head) < 12:
            raise _truncated(name)
        length, kind = struct.unpack_from(">I4s", head)
        start, end = position + 8, position + 8 + length
        if end + 4 > size:
            raise _truncated(name)
        if number == 0 and kind != b"IHDR":
            raise _damaged(name, "its first chunk is not the image header")
        keyword = b""
        if kind == b"tEXt":
            keyword, separator, _ = head[8 : 8 + min(length, _LONGEST_KEYWORD + 1)].partition(b"\0")
            start += len(keyword) + len(separator)
        yield _Chunk(kind, keyword, start, end)
        if kind == b"IEND":
            return
        position = end + 4
    raise _damaged(name, f"it has more than {_MAX_CHUNKS} chunks")


def _truncated(name: str) -> ReadError:
    return ReadError(f"{name} is truncated (it ends inside a chunk): copy it again.")


def _check_sum(name: str, stream: BinaryIO, chunk: _Chunk) -> bytes:
    """Return the payload of a chunk after comparing its checksum."""
    stream.seek(chunk.start)
    payload = stream.read(chunk.size)
    head = chunk.kind + chunk.keyword + b"\0" if chunk.kind == b"tEXt" else chunk.kind
    if stream.read(4) != struct.pack(">I", zlib.crc32(payload, zlib.crc32(head))):
        raise _damaged(name, f"the checksum of its {(chunk.keyword or chunk.kind).decode()} chunk is wrong")
    return payload


def _facts(name: str, stream: BinaryIO, chunks: dict[bytes, _Chunk]) -> MapFacts:
    small = {key: chunk for key, chunk in chunks.items() if key != _RAW_KEY}
    for key, chunk in small.items():
        if chunk.size > _MAX_FACTS_BYTES:
            raise _damaged(name, f"its {key.decode()} chunk is {chunk.size} bytes long")
    texts = {key: _check_sum(name, stream, chunk) for key, chunk in small.items()}
    header = texts.get(b"IHDR", b"")
    if len(header) != 13:
        raise _damaged(name, "its image header is not whole")
    width, height, bits, color_type = struct.unpack_from(">IIBB", header)
    if width == 0 or height == 0:
        raise _damaged(name, f"it declares an image of {height} x {width} pixels")
    if _RAW_KEY in chunks:
        _check_declared(name, stream, chunks[_RAW_KEY], (height, width))
    facts = MapFacts(
        shape=(height, width),
        has_values=_RAW_KEY in chunks,
        n_bytes=size_of(stream),
        # Bit 1 of the color type; a palette has colors as well.
        n_colors=3 if color_type & 2 else 1,
        bits=bits,
        pixel_aspect=_pixel_aspect(texts.get(_GEOMETRY_KEY, b"")),
    )
    map_text = texts.get(_MAP_KEY, b"")
    if len(map_text) < _MAP_TAIL.size:
        return facts
    kind, wavelength, aoi, time, _binning = _MAP_TAIL.unpack(map_text[-_MAP_TAIL.size :])
    return replace(
        facts,
        quantity=MAP_TYPES[kind] if kind < len(MAP_TYPES) else f"type {kind}",
        wavelength_nm=_told(wavelength),
        aoi_deg=_told(aoi),
        time_s=_told(time),
    )


def _check_declared(name: str, stream: BinaryIO, raw: _Chunk, shape: tuple[int, int]) -> None:
    """Compare the size of the float map with what it declares and with the image."""
    stream.seek(raw.start)
    extra = int.from_bytes(stream.read(2), "big")
    header_bytes = _RAW_HEADER_BYTES + extra
    stream.seek(raw.start + header_bytes - 8)
    declared = int.from_bytes(stream.read(4), "big"), int.from_bytes(stream.read(4), "big")
    if shape != declared:
        raise _damaged(
            name, f"it declares {declared[0]} x {declared[1]} float values but {shape[0]} x {shape[1]} pixels"
        )
    if raw.size - header_bytes != 4 * shape[0] * shape[1]:
        raise _damaged(
            name, f"its float map does not have the declared size of {shape[0]} x {shape[1]} values"
        )


def _told(number: float) -> float | None:
    return number if abs(number) <= _LARGEST_FACT else None


def _pixel_aspect(text: bytes) -> float | None:
    """Height over width of a pixel; 1 when the instrument has resampled the image to square pixels."""
    if len(text) < _GEOMETRY_TAIL.size:
        return None
    x_factor, y_factor, resampled = _GEOMETRY_TAIL.unpack(text[-_GEOMETRY_TAIL.size :])
    if resampled:
        return 1.0
    # 100 is 1 / cos(89.4 deg), beyond any angle of incidence.
    if not (0 < x_factor < math.inf and 0 < y_factor < math.inf and 0.01 < y_factor / x_factor < 100):
        return None
    return float(y_factor / x_factor)
