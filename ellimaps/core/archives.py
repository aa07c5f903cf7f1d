"""Zip files that somebody sent: none is unpacked beyond a limit, whatever it declares of itself."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO

_KNOWN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""What every program packs with. The other ways unpack a block as a whole: 64 KB of LZMA are 450 MB."""
_MOST_MEMBERS = 10_000
"""A workbook has some twenty, a model some fifty; each takes 46 bytes of the zip or more (APPNOTE 4.3.12)."""


class ArchiveError(ValueError):
    """A zip is damaged, or holds more than it may."""


class Member:
    """A file in a zip, read as a stream."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, n_bytes: int) -> bytes:
        """Return up to so many more bytes of it, none at its end; there its checksum is compared.

        Raises
        ------
        ArchiveError
            If it is damaged.
        """
        with _damage():
            return self._stream.read(n_bytes)


def names_in(stream: IO[bytes]) -> list[str]:
    """Return the names of the files in a zip.

    Raises
    ------
    ArchiveError
        If it is no zip, or damaged.
    """
    with _damage(), zipfile.ZipFile(stream) as archive:
        return archive.namelist()


def opened_members(stream: IO[bytes], most: int = _MOST_MEMBERS) -> Iterator[tuple[zipfile.ZipInfo, Member]]:
    """Open the files of a zip, one after the other; folders are passed over.

    Parameters
    ----------
    stream : file
        The zip.
    most : int
        How many files it may hold.

    Raises
    ------
    ArchiveError
        If it is no zip, damaged, encrypted, packed in an unusual way, or holds very many files.
    """
    with ExitStack() as stack:
        with _damage():
            archive = stack.enter_context(zipfile.ZipFile(stream))
        check_members(archive, most)
        for info in archive.infolist():
            if not info.filename.endswith("/"):
                with ExitStack() as opened:
                    with _damage():
                        content = opened.enter_context(archive.open(info))
                    yield info, Member(content)


def members(stream: IO[bytes], limit_bytes: int, most: int = _MOST_MEMBERS) -> Iterator[tuple[str, bytes]]:
    """Unpack the files of a zip, one after the other.

    Parameters
    ----------
    stream : file
        The zip.
    limit_bytes : int
        The most that all of its files together may unpack to; no more is ever unpacked.
    most : int
        How many files it may hold.

    Yields
    ------
    name : str
        As the zip has it.
    content : bytes
        What it holds.

    Raises
    ------
    ArchiveError
        As `opened_members`, or if it holds more.
    """
    left = limit_bytes
    for info, member in opened_members(stream, most):
        content = member.read(left + 1)
        left -= len(content)
        if left < 0:
            raise ArchiveError(f"it unpacks to more than {limit_bytes >> 20} MB")
        yield info.filename, content


def check_members(archive: zipfile.ZipFile, most: int = _MOST_MEMBERS) -> None:
    """Refuse a zip whose files could unpack to more than is read of them, or of which there are too many.

    Raises
    ------
    ArchiveError
        If it holds such files.
    """
    if len(archive.infolist()) > most:
        raise ArchiveError(f"it holds more than {most:,} files")
    for info in archive.infolist():
        if info.compress_type not in _KNOWN:
            raise ArchiveError(f"{info.filename!r:.80} is packed in an unusual way")


@contextmanager
def _damage() -> Iterator[None]:
    """Tell what zipfile, zlib and struct stumble over, from BadZipFile to OSError, as damage."""
    try:
        yield
    except Exception as error:
        raise ArchiveError(" ".join(str(error).split()).rstrip(".") or "it is damaged") from error
