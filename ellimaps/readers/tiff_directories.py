"""The chain of directories in a TIFF, one a page, walked before anything trusts it (TIFF 6.0, BigTIFF)."""

from __future__ import annotations

from struct import calcsize, error as StructError, unpack
from typing import IO

from ellimaps.core.errors import ReadError


def check_directories(name: str, stream: IO[bytes]) -> None:
    """Refuse a chain that comes back to a directory it has passed: who follows it never ends.

    Parameters
    ----------
    name : str
        Of the file, for the error.
    stream : file
        The TIFF; it is left at its beginning.

    Raises
    ------
    ReadError
        If the chain is circular.
    """
    stream.seek(0)
    order = "<" if stream.read(2) == b"II" else ">"
    is_big = unpack(f"{order}H", stream.read(2))[0] == 43
    stream.seek(8 if is_big else 4)
    offset_format, count_format, entry_bytes = ("Q", "Q", 20) if is_big else ("I", "H", 12)
    passed: set[int] = set()

    def number(code: str) -> int:
        return int(unpack(order + code, stream.read(calcsize(order + code)))[0])

    try:
        while offset := number(offset_format):
            if offset in passed:
                raise ReadError(
                    f"{name} is damaged (its pages follow each other in a circle): copy it again."
                )
            passed.add(offset)
            stream.seek(offset)
            stream.seek(number(count_format) * entry_bytes, 1)
    # A chain that leads out of the file ends there; how many pages are missing is told by who reads them.
    except (StructError, OverflowError, OSError, ValueError):
        pass
    stream.seek(0)
