"""One array of a Zarr store, version 2 or 3: its description is checked, then its chunks are read one by one.

No codec is called that is not named here, and none before it is known that it unpacks to no more than a
chunk holds: the format allows others that run code (pickle) or fill the memory.
"""

from __future__ import annotations

import json
import math
import os
import re
import stat
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.errors import EllimapsError, ReadError, unreadable
from ellimaps.core.extras import optional
from ellimaps.core.inputs import InputFile
from ellimaps.core.scratch import fits_working_set
from ellimaps.core.small_files import read_small

DESCRIPTIONS = (".zarray", ".zgroup", ".zattrs", "zarr.json")
"""What a folder of a store holds beside its chunks: version 2, version 3."""
_MOST_DESCRIBED = 64 << 20
"""Bytes: a consolidated plate of 1536 wells with nine fields in four sizes has about 50 MB."""
_MOST_CHUNKS = 1 << 20
"""Of a plane: of 256 x 256 pixels they are 260,000 pixels wide, and looking for them takes two seconds."""
_NOT_STORED = (1 << 64) - 1
"""Offset and size of a chunk that a shard does not hold (Zarr 3, sharding)."""

Unpack = Callable[[bytes, int], bytes]
"""``unpack(content, limit)``, which may refuse what holds more than so many bytes."""


@dataclass(frozen=True)
class _Pipeline:
    """How a chunk is stored: the order of its axes, its numbers, and what packs them, outermost last."""

    dtype: np.dtype[Any]
    order: tuple[int, ...]
    packers: tuple[str, ...]


@dataclass(frozen=True)
class _Shards:
    """Files of several chunks with an index of them."""

    shape: tuple[int, ...]
    has_checksum: bool
    at_end: bool


@dataclass(frozen=True, eq=False)
class ZarrArray:
    """An array whose chunks can be read.

    Attributes
    ----------
    name : str
        For errors.
    folder : Path
        Where it lies.
    shape, chunks : tuple of int
        Of all of it, and of what is unpacked at a time.
    fill : number
        What chunks hold that are not stored.
    files : dict of str to int
        Its files of chunks by their name below the folder, and how many bytes each has.
    """

    name: str
    folder: Path
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    fill: float
    files: Mapping[str, int]
    _key: Callable[[Sequence[int]], str]
    _pipeline: _Pipeline
    _shards: _Shards | None
    _indices: dict[str, NDArray[np.uint64]] = field(default_factory=dict)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its values, as this machine has it."""
        return self._pipeline.dtype.newbyteorder("=")

    @property
    def stored_bytes(self) -> int:
        """What its files take."""
        return sum(self.files.values())

    @property
    def n_missing(self) -> int:
        """How many of its files are not there."""
        file_shape = self._shards.shape if self._shards else self.chunks
        return math.prod(_grid(self.shape, file_shape)) - len(self.files)

    def region(self, start: Sequence[int], stop: Sequence[int]) -> NDArray[Any]:
        """Return the values from one corner to another, axis by axis.

        Raises
        ------
        ReadError
            If a chunk is damaged.
        """
        values = np.full([b - a for a, b in zip(start, stop, strict=True)], self.fill, self.dtype)
        spans = [range(a // size, -(-b // size)) for a, b, size in zip(start, stop, self.chunks, strict=True)]
        for index in product(*spans):
            chunk = self._chunk(index)
            if chunk is None:
                continue
            into, part = [], []
            for i, size, a, b in zip(index, self.chunks, start, stop, strict=True):
                low, high = max(i * size, a), min((i + 1) * size, b)
                into.append(slice(low - a, high - a))
                part.append(slice(low - i * size, high - i * size))
            values[tuple(into)] = chunk[tuple(part)]
        return values

    def _chunk(self, index: tuple[int, ...]) -> NDArray[Any] | None:
        """Return a chunk; None where it is not stored."""
        if self._shards is None:
            key = self._key(index)
            return self._decoded(key, 0, self.files[key]) if key in self.files else None
        ratio = [outer // inner for outer, inner in zip(self._shards.shape, self.chunks, strict=True)]
        key = self._key([i // n for i, n in zip(index, ratio, strict=True)])
        if key not in self.files:
            return None
        within = tuple(i % n for i, n in zip(index, ratio, strict=True))
        if key not in self._indices:
            self._indices[key] = self._index(self._shards, key, ratio)
        start, count = (int(number) for number in self._indices[key][within])
        if start == count == _NOT_STORED:
            return None
        if start + count > self.files[key]:
            raise self.damaged(key, "it ends before its chunks do")
        return self._decoded(key, start, count)

    def _index(self, shards: _Shards, key: str, ratio: Sequence[int]) -> NDArray[np.uint64]:
        """Return where the chunks of a shard lie, shape (*chunks, 2): offset and number of bytes."""
        count = 16 * math.prod(ratio) + (4 if shards.has_checksum else 0)
        if count > self.files[key]:
            raise self.damaged(key, "it ends within its index")
        content = self._bytes(key, self.files[key] - count if shards.at_end else 0, count)
        with self._telling(key):
            content = _without_checksum(content, count) if shards.has_checksum else content
        return np.frombuffer(content, "<u8").reshape(*ratio, 2)

    def _bytes(self, key: str, start: int, count: int) -> bytes:
        with InputFile(self.folder / key, f"{self.name}/{key}").open() as stream:
            stream.seek(start)
            return stream.read(count)

    @property
    def chunk_bytes(self) -> int:
        """What a chunk takes in memory."""
        return math.prod(self.chunks) * self.dtype.itemsize

    def _decoded(self, key: str, start: int, count: int) -> NDArray[Any]:
        if count > _packed_limit(self.chunk_bytes):
            raise self.damaged(key, "it is larger than its pixels")
        content = self._bytes(key, start, count)
        with self._telling(key):
            for packer in reversed(self._pipeline.packers):
                content = _UNPACK[packer](content, _packed_limit(self.chunk_bytes))
        if len(content) != self.chunk_bytes:
            raise self.damaged(key, f"it holds {len(content)} bytes of {self.chunk_bytes}")
        order = self._pipeline.order
        stored = np.frombuffer(content, self._pipeline.dtype).reshape([self.chunks[axis] for axis in order])
        return stored.transpose(np.argsort(order))

    @contextmanager
    def _telling(self, key: str) -> Iterator[None]:
        """Tell what the codecs raise as damage: whatever error was at hand, RuntimeError above all."""
        try:
            yield
        except EllimapsError:
            raise
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise self.damaged(key, reason) from error

    def damaged(self, key: str, why: str) -> ReadError:
        """Return the error for a chunk that cannot be unpacked."""
        return ReadError(f"{self.name} is damaged ({key}: {why.rstrip('.'):.120}): copy it again.")


def opened_array(folder: Path, name: str) -> ZarrArray:
    """Open an array; only its description is read, and what files it has.

    Raises
    ------
    ReadError
        If it is damaged, stored in a way that is not supported, or its chunks would fill the working set.
    """
    with telling_damage(name):
        if (folder / "zarr.json").is_file():
            array = _version_3(folder, name, described(folder, "zarr.json", name))
        else:
            array = _version_2(folder, name, described(folder, ".zarray", name))
    _check(array)
    return replace(array, files=_chunk_files(folder, name))


@contextmanager
def telling_damage(name: str) -> Iterator[None]:
    """Tell a description that says something else than it should as damage.

    Raises
    ------
    ReadError
        If it does.
    """
    try:
        yield
    # A path that the description names may be too long for the system.
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, OSError) as error:
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise ReadError(f"{name} is damaged (its description: {reason:.80}): copy it again.") from error


def described(folder: Path, file: str, name: str) -> dict[str, Any]:
    """Return one of the JSON files of a store.

    Raises
    ------
    ReadError
        If it is missing or no JSON object.
    """
    content = read_small(InputFile(folder / file, f"{name}/{file}"), "description", _MOST_DESCRIBED)
    try:
        values = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ReadError(f"{name} is damaged ({file} is no JSON): copy it again.") from error
    if not isinstance(values, dict):
        raise ReadError(f"{name} is damaged ({file} is no description): copy it again.")
    return values


def _version_2(folder: Path, name: str, said: dict[str, Any]) -> ZarrArray:
    shape = _sides(said["shape"])
    if said.get("filters"):
        raise _unsupported(name, "filters")
    packer = said.get("compressor")
    separator = _separator(said.get("dimension_separator", "."))
    dtype = _number_type(name, str(said["dtype"]))
    axes = range(len(shape))
    order = tuple(reversed(axes)) if said.get("order") == "F" else tuple(axes)
    return ZarrArray(
        name, folder, shape, _sides(said["chunks"]), _fill(said.get("fill_value"), dtype), {},
        lambda index: separator.join(map(str, index)),
        _Pipeline(dtype, order, () if packer is None else (_packer(name, packer["id"]),)),
        None,
    )  # fmt: skip


def _version_3(folder: Path, name: str, said: dict[str, Any]) -> ZarrArray:
    shape, dtype = _sides(said["shape"]), _number_type(name, str(said["data_type"]))
    chunks = _sides(said["chunk_grid"]["configuration"]["chunk_shape"])
    encoding = said["chunk_key_encoding"]
    is_default = encoding["name"] == "default"
    separator = _separator(encoding.get("configuration", {}).get("separator", "/" if is_default else "."))
    lead = ["c"] if is_default else []
    codecs, shards = said["codecs"], None
    if [codec["name"] for codec in codecs] == ["sharding_indexed"]:
        how = codecs[0]["configuration"]
        index = [codec["name"] for codec in how["index_codecs"]]
        if index not in (["bytes"], ["bytes", "crc32c"]):
            raise _unsupported(name, f"an index of {', '.join(map(str, index)):.80}")
        shards = _Shards(chunks, len(index) == 2, how.get("index_location", "end") == "end")
        chunks, codecs = _sides(how["chunk_shape"]), how["codecs"]
        if len(chunks) != len(shape) or any(map(np.remainder, shards.shape, chunks)):
            raise ValueError(f"shards of {shards.shape} for chunks of {chunks}")
    return ZarrArray(
        name, folder, shape, chunks, _fill(said["fill_value"], dtype), {},
        lambda index: separator.join([*lead, *map(str, index)]),
        _pipeline(name, codecs, dtype, len(shape)),
        shards,
    )  # fmt: skip


def _pipeline(name: str, codecs: list[dict[str, Any]], dtype: np.dtype[Any], n_axes: int) -> _Pipeline:
    order = list(range(n_axes))
    packers: list[str] = []
    seen_bytes = False
    for codec in codecs:
        kind, how = codec["name"], codec.get("configuration", {})
        if kind == "transpose" and not seen_bytes:
            axes = [int(axis) for axis in how["order"]]
            if sorted(axes) != list(range(n_axes)):
                raise ValueError(f"the order {axes}")
            order = [order[axis] for axis in axes]
        elif kind == "bytes" and not seen_bytes:
            dtype = dtype.newbyteorder(">" if how.get("endian") == "big" else "<")
            seen_bytes = True
        elif seen_bytes:
            packers.append(_packer(name, kind))
        else:
            raise _unsupported(name, f"the codec {kind!r:.40}")
    if not seen_bytes:
        raise ValueError("no codec of bytes")
    return _Pipeline(dtype, tuple(order), tuple(packers))


def _check(array: ZarrArray) -> None:
    n_axes = len(array.shape)
    if n_axes < 2 or len(array.chunks) != n_axes or (array._shards and len(array._shards.shape) != n_axes):
        raise ReadError(f"{array.name} is damaged (its chunks have other axes than it): copy it again.")
    if not fits_working_set(array.chunk_bytes):
        raise ReadError(
            f"{array.name} is stored in chunks of {array.chunk_bytes / 1e9:.1f} GB, more than the working "
            "set has room for: save it in smaller ones."
        )
    if math.prod(_grid(array.shape[-2:], array.chunks[-2:])) > _MOST_CHUNKS:
        raise ReadError(
            f"{array.name} declares planes of more than {_MOST_CHUNKS:,} chunks: save it in larger ones."
        )


def _sides(said: Any) -> tuple[int, ...]:
    sides = tuple(int(side) for side in said)
    if any(side < 1 or type(given) is not int for side, given in zip(sides, said, strict=True)):
        raise ValueError(f"the sides {said!r:.60}")
    return sides


def _separator(said: Any) -> str:
    if said not in ("/", "."):
        raise ValueError(f"the separator {said!r:.20}")
    return str(said)


def _number_type(name: str, said: str) -> np.dtype[Any]:
    # What else NumPy makes of a text may be objects, records or dates.
    if not re.fullmatch(r"[<>|]?(u?int(8|16|32|64)|float(32|64)|[iu][1248]|f[48])", said):
        raise _unsupported(name, f"values of the type {said!r:.40}")
    return np.dtype(said)


def _fill(said: Any, dtype: np.dtype[Any]) -> float:
    """Return what chunks hold that are not stored: a number, NaN or an infinity as Zarr spells them."""
    if isinstance(said, str) and said.startswith("0x"):
        return float(np.array(int(said, 16), f"u{dtype.itemsize}").view(f"f{dtype.itemsize}"))
    value = 0 if said is None else float(said) if isinstance(said, str) else said
    return float(np.array(value, dtype)) if dtype.kind == "f" else int(np.array(value, dtype))


def _packer(name: str, said: Any) -> str:
    if said not in _UNPACK:
        raise _unsupported(name, f"the codec {said!r:.40}")
    return str(said)


def _unsupported(name: str, what: str) -> ReadError:
    return ReadError(
        f"{name} is stored with {what}, which ellimaps does not read: save it with zstd or blosc."
    )


def _grid(shape: Sequence[int], chunks: Sequence[int]) -> list[int]:
    return [-(-side // chunk) for side, chunk in zip(shape, chunks, strict=True)]


def _chunk_files(folder: Path, name: str) -> dict[str, int]:
    """Return the files of chunks below an array's folder and their sizes; what is no regular file is none."""
    found: dict[str, int] = {}
    pending = [(folder, "")]
    try:
        while pending:
            here, prefix = pending.pop()
            with os.scandir(here) as entries:
                for entry in entries:
                    key = prefix + entry.name
                    if not re.fullmatch(r"c|(c[/.])?[0-9]+([/.][0-9]+)*", key):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        pending.append((Path(entry.path), f"{key}/"))
                    elif stat.S_ISREG((facts := entry.stat()).st_mode):
                        found[key] = facts.st_size
    except OSError as error:
        raise unreadable(InputFile(folder, name), error) from error
    return found


def _packed_limit(n_bytes: int) -> int:
    """Return how many bytes what is packed in several ways may have in between."""
    return n_bytes + n_bytes // 100 + 1024


def _codecs(module: str) -> Any:
    return optional(f"numcodecs.{module}", "zarr", "OME-Zarr images")


def _inflated(content: bytes, limit: int) -> bytes:
    # 32: the head of gzip or of zlib, whichever is there.
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    return unpacker.decompress(content, limit)


def _unblosced(content: bytes, limit: int) -> bytes:
    # Blosc 1, format of a chunk: bytes 4 to 7 are the unpacked size, 12 to 15 the packed one.
    size, packed = (int.from_bytes(content[at : at + 4], "little") for at in (4, 12))
    if size > limit or packed != len(content):
        raise ValueError(f"it declares {packed} bytes that unpack to {size}")
    return bytes(_codecs("blosc").decompress(content))


def _unzstd(content: bytes, limit: int) -> bytes:
    if (most := _zstd_bytes(content)) > max(limit, 1 << 27):
        raise ValueError(f"it may unpack to {most} bytes")
    return bytes(_codecs("zstd").decompress(content))


def _zstd_bytes(content: bytes) -> int:
    """Return the most bytes a Zstandard frame can unpack to: what it declares, else its blocks (RFC 8878)."""
    if content[:4] != b"\x28\xb5\x2f\xfd":
        raise ValueError("it is no Zstandard frame")
    flags = content[4]
    is_single, id_bytes = flags >> 5 & 1, (0, 1, 2, 4)[flags & 3]
    size_bytes = (1 if is_single else 0, 2, 4, 8)[flags >> 6]
    at = 5 + (1 - is_single) + id_bytes
    if size_bytes:
        return int.from_bytes(content[at : at + size_bytes], "little") + (256 if size_bytes == 2 else 0)
    total = 0
    while at + 3 <= len(content):
        head = int.from_bytes(content[at : at + 3], "little")
        is_last, kind, size = head & 1, head >> 1 & 3, head >> 3
        total += 1 << 17 if kind == 2 else size
        at += 3 + (1 if kind == 1 else size)
        if is_last:
            break
    # Behind the last block stands a checksum if bit 2 says so; another frame would unpack to more.
    if at + (4 if flags & 4 else 0) != len(content):
        raise ValueError("it is no single Zstandard frame")
    return total


def _without_checksum(content: bytes, _limit: int) -> bytes:
    checksum = optional("google_crc32c", "zarr", "OME-Zarr images").value(content[:-4])
    if checksum != int.from_bytes(content[-4:], "little"):
        raise ValueError("its checksum is another")
    return content[:-4]


_UNPACK: dict[str, Unpack] = {
    "gzip": _inflated,
    "zlib": _inflated,
    "blosc": _unblosced,
    "zstd": _unzstd,
    "crc32c": _without_checksum,
}
