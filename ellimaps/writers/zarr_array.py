"""Writing an array of a Zarr store, version 2 or 3, plane by plane, packed by blosc as most are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.errors import ExportError
from ellimaps.core.extras import optional
from ellimaps.core.files import write_listing
from ellimaps.core.swap import STAGING, current, swapped

Version = Literal["0.4", "0.5"]
"""Of OME-Zarr: 0.4 is kept in Zarr 2, 0.5 in Zarr 3."""
_CHUNK = 1024
"""Pixels on a side: 2 MB of 16 bit, a file that disks and networks give at once."""
_PACKING = {"cname": "zstd", "clevel": 1}
"""Noisy images become 83 % of their size; 79 in three times the time (``benchmarks/bench_zarr.py``)."""


LISTING = "ellimaps.json"
"""Beside the arrays of a store: what wrote it and from what."""


@contextmanager
def new_store(out: Path, facts: Mapping[str, Any]) -> Iterator[Path]:
    """Return a context with a folder to write a store into, which takes its place at the end, whole.

    Parameters
    ----------
    out : Path
        The store; one that was exported there before is replaced.
    facts : mapping
        What stands in its :data:`LISTING`; asked for at the end.

    Raises
    ------
    ExportError
        If something else is there.
    OSError
        If it cannot be written.
    """
    others = {path.name for path in out.iterdir()} - {STAGING} if out.exists() else set()
    if others and not current(out, LISTING).is_file():
        raise ExportError(f"{out} is there already and is no export: give another name.")
    with swapped(out, LISTING) as folder:
        yield folder
        names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
        write_listing(folder, names, LISTING, facts)


class NewZarrArray:
    """An array of axes t, c, z, y and x that is being written.

    Parameters
    ----------
    folder : Path
        Where it shall lie; made with its description.
    shape : (int, int, int, int, int)
        Its size.
    dtype : dtype
        Of its values.
    version : "0.4" or "0.5"
        Of OME-Zarr.
    """

    def __init__(self, folder: Path, shape: tuple[int, ...], dtype: np.dtype[Any], version: Version) -> None:
        self._folder, self._is_2 = folder, version == "0.4"
        self._dtype = dtype.newbyteorder("<")
        self._chunk = tuple(min(side, _CHUNK) for side in shape[-2:])
        self._blosc = optional("numcodecs.blosc", "zarr", "OME-Zarr images").Blosc(shuffle=1, **_PACKING)
        chunks = [1, 1, 1, *self._chunk]
        if self._is_2:
            write_json(folder / ".zarray", self._version_2(shape, chunks))
        else:
            write_json(folder / "zarr.json", self._version_3(shape, chunks))

    def write(self, t: int, c: int, z: int, plane: NDArray[Any]) -> None:
        """Write a plane, shape (y, x); whole chunks, filled up with zeros."""
        height, width = self._chunk
        rows, columns = (-(-side // size) for side, size in zip(plane.shape, self._chunk, strict=True))
        for i, j in product(range(rows), range(columns)):
            part = plane[i * height : (i + 1) * height, j * width : (j + 1) * width]
            chunk = np.zeros(self._chunk, self._dtype)
            chunk[: part.shape[0], : part.shape[1]] = part
            at = self._folder.joinpath(*([] if self._is_2 else ["c"]), *map(str, (t, c, z, i, j)))
            at.parent.mkdir(parents=True, exist_ok=True)
            at.write_bytes(self._blosc.encode(chunk))

    def _version_2(self, shape: tuple[int, ...], chunks: list[int]) -> dict[str, Any]:
        return {
            "zarr_format": 2,
            "shape": list(shape),
            "chunks": chunks,
            "dtype": self._dtype.str,
            "compressor": {"id": "blosc", **_PACKING, "shuffle": 1, "blocksize": 0},
            "fill_value": 0,
            "order": "C",
            "filters": None,
            "dimension_separator": "/",
        }

    def _version_3(self, shape: tuple[int, ...], chunks: list[int]) -> dict[str, Any]:
        size = self._dtype.itemsize
        packing = {**_PACKING, "shuffle": "shuffle", "typesize": size, "blocksize": 0}
        return {
            "zarr_format": 3,
            "node_type": "array",
            "shape": list(shape),
            "data_type": self._dtype.newbyteorder("=").name,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunks}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "fill_value": 0,
            "codecs": [
                {"name": "bytes", "configuration": {"endian": "little"}},
                {"name": "blosc", "configuration": packing},
            ],
            "dimension_names": list("tczyx"),
            "attributes": {},
        }


def write_group(folder: Path, said: dict[str, Any], version: Version) -> None:
    """Write a group with what it says as OME-Zarr."""
    if version == "0.4":
        write_json(folder / ".zgroup", {"zarr_format": 2})
        write_json(folder / ".zattrs", said)
    else:
        attributes = {"ome": {"version": version, **said}} if said else {}
        write_json(folder / "zarr.json", {"zarr_format": 3, "node_type": "group", "attributes": attributes})


def write_json(file: Path, values: dict[str, Any]) -> None:
    """Write a description of a store."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(values, indent=1, allow_nan=False) + "\n", encoding="utf-8")
