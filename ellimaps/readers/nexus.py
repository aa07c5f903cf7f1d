"""Reading maps from the NeXus files that `ellimaps.maps.nexus` writes; others hold no maps it could know.

Behind its HDF5 such a file says where the values of its maps lie, which are stored as they are. So HDF5
itself is not read: its library hangs on damaged files, opens others that one names, and loads programs to
unpack.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from ellimaps.core.errors import ReadError
from ellimaps.core.inputs import InputFile, first_bytes, size_of
from ellimaps.core.progress import Progress
from ellimaps.core.provenance import sha256
from ellimaps.core.scratch import new_array, release
from ellimaps.core.stack import ImageStack
from ellimaps.core.sums import SEAL_BYTES, check_seal

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_MARK, _DIGITS = b"ellimaps maps ", 16
_MOST_SAID = 64 << 20
"""Bytes: of a band some 200, and of a file read 100."""


@dataclass(frozen=True)
class NexusMaps:
    """A NeXus file that may hold maps."""

    file: InputFile

    @property
    def name(self) -> str:
        """What the data set is called: as its file."""
        return Path(self.file.name).stem

    @property
    def where(self) -> str:
        """What else it may be called."""
        return self.file.name


def is_nexus(file: InputFile) -> bool:
    """Tell whether a file is HDF5, by its first bytes, and named as NeXus."""
    try:
        return file.name.lower().endswith(".nxs") and file.seen(first_bytes) == _SIGNATURE
    except ReadError:
        return False


def footer(record: dict[str, Any]) -> bytes:
    """Return what stands behind the HDF5 of a file and before its seal: JSON, a mark, the JSON's length."""
    text = json.dumps(record).encode()
    return text + _MARK + f"{len(text):0{_DIGITS}}".encode()


def read_maps(found: NexusMaps, working_set_gb: float | None, on_progress: Progress) -> ImageStack:
    """Read the maps of a NeXus file, as they were before they were written.

    Parameters
    ----------
    found : NexusMaps
        The file.
    working_set_gb : float, optional
        See `ellimaps.open_stack`.
    on_progress : callable
        Called as ``on_progress(done, total, what)``.

    Raises
    ------
    ReadError
        If it is damaged or holds no maps of ellimaps.
    SettingError
        If there is no room for the values.
    """
    name = found.file.name
    with found.file.open() as stream:
        record = _record(stream, name)
        try:
            bands = pd.DataFrame(record["bands"])
            height, width = (int(side) for side in record["shape"])
            starts = [int(start) for start in bands.pop("start")]
            acquired = record["acquired_at"]
            about: dict[str, Any] = {
                "bands": bands,
                "name": str(record["name"]),
                "source": found.file.path,
                "pixel_size_um": record["pixel_size_um"],
                "pixel_aspect": float(record["pixel_aspect"]),
                "acquired_at": None if acquired is None else datetime.fromisoformat(acquired),
                "comment": str(record["comment"]),
                "warnings": tuple(map(str, record["warnings"])),
            }
        except (LookupError, TypeError, ValueError, OverflowError) as error:
            raise _damaged(name, "what it says of its maps") from error
        n_bytes, size = 4 * height * width, size_of(stream)
        # Each map has bytes of its own, so that no more can be declared than there is.
        if min(height, width) < 1 or len(set(starts)) * n_bytes > size or len(set(starts)) < len(starts):
            raise _damaged(name, "the size of its maps")
        if not all(0 <= start <= size - n_bytes for start in starts):
            raise _damaged(name, "the place of its maps")
        values = new_array((len(bands), height, width), np.float32, working_set_gb)
        for number, start in enumerate(starts):
            stream.seek(start)
            values[number] = np.frombuffer(stream.read(n_bytes), "<f4").reshape(height, width)
            release(values)
            on_progress(number + 1, len(bands), "reading maps")
    return ImageStack(values=values, inputs={name: found.file.seen(sha256)}, **about)


def _record(stream: BinaryIO, name: str) -> dict[str, Any]:
    end = size_of(stream) - SEAL_BYTES
    stream.seek(max(end - len(_MARK) - _DIGITS, 0))
    mark = stream.read(len(_MARK) + _DIGITS)
    length = mark.removeprefix(_MARK)
    if length == mark or not length.isdigit():
        raise ReadError(f"{name} holds no maps that ellimaps wrote, or was cut: open the measurement itself.")
    check_seal(stream, name)
    start = end - len(mark) - int(length)
    if start < 0 or int(length) > _MOST_SAID:
        raise _damaged(name, "what it says of its maps")
    stream.seek(start)
    try:
        record = json.loads(stream.read(int(length)))
    except (ValueError, RecursionError) as error:
        raise _damaged(name, "what it says of its maps") from error
    if not isinstance(record, dict):
        raise _damaged(name, "what it says of its maps")
    return record


def _damaged(name: str, what: str) -> ReadError:
    return ReadError(f"{name} is damaged ({what}): copy it again.")
