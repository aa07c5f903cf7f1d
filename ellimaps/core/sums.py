"""Files as they were written: their SHA-256 stands beside them, and is compared when they are read.

Files of a set are named with their sums in a JSON among them, under :data:`SUMS`; a file that is alone, such
as a model, carries its own at its end. What has no sum was written by an earlier version, and is believed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

from ellimaps.core.errors import ReadError
from ellimaps.core.swap import current, opened

_Read = TypeVar("_Read")

SUMS = "files_sha256"
REMEDY = "copy it again, or write it anew"
# A change takes milliseconds: whoever reads meanwhile finds the new files at the second try.
_TRIES = 5
_SEAL = b"sha256:"
SEAL_BYTES = len(_SEAL) + 64
_checked: dict[str, tuple[str, tuple[int, ...]]] = {}


def sums_of(files: Mapping[str, bytes]) -> dict[str, str]:
    """Return the SHA-256 of files by name, in the order of the names."""
    return {name: hashlib.sha256(files[name]).hexdigest() for name in sorted(files)}


def sum_of(path: Path) -> str:
    """Return the SHA-256 of a file.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class WrittenSet:
    """Files that were written together, with the JSON that tells of them.

    Parameters
    ----------
    folder : Path
        Where they lie.
    listing : str
        Name of that JSON.
    remedy : str
        What to do where a file is another, for the message.

    Attributes
    ----------
    facts : dict
        What stands in it.

    Raises
    ------
    OSError
        If it cannot be read; where there is none, the files were written by an earlier version.
    ReadError
        If it is damaged.
    """

    def __init__(self, folder: Path, listing: str, remedy: str = REMEDY) -> None:
        self.folder, self._listing, self._remedy = folder, listing, remedy
        self._text = self._bytes()
        self.facts = json_object(self._text, folder / listing, remedy)
        sums = self.facts.get(SUMS)
        self._sums: dict[str, Any] | None = sums if isinstance(sums, dict) else None

    def __contains__(self, name: object) -> bool:
        """Whether a file belongs to the set and is there."""
        return (self._sums is None or name in self._sums) and current(self.folder, str(name)).is_file()

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """Return a context in which one of the files can be read, as it was written.

        Raises
        ------
        OSError
            If it cannot be read.
        ReadError
            If it holds something else by now.
        """
        with opened(self.folder, name) as file:
            if self._sums is not None:
                check(file, str(self._sums.get(name)), self.folder / name, self._listing, self._remedy)
            yield file

    def is_outdated(self) -> bool:
        """Whether another set is there by now."""
        return self._bytes() != self._text

    def _bytes(self) -> bytes:
        try:
            with opened(self.folder, self._listing) as file:
                return file.read()
        except FileNotFoundError:
            return b"{}"


def read_set(folder: Path, listing: str, read: Callable[[WrittenSet], _Read], remedy: str = REMEDY) -> _Read:
    """Return ``read(files)`` for files that were written together; again, where they change meanwhile.

    Parameters
    ----------
    folder, listing, remedy
        As of `WrittenSet`.
    read : callable
        Reads by `WrittenSet.open`.
    """
    for _ in range(_TRIES):
        found = WrittenSet(folder, listing, remedy)
        try:
            return read(found)
        except (OSError, ReadError):
            if not found.is_outdated():
                raise
    return read(WrittenSet(folder, listing, remedy))


def check(file: BinaryIO, expected: str, path: Path, where: str, remedy: str = REMEDY) -> None:
    """Compare an open file with its SHA-256; it is at its beginning then.

    A file that was right and is not written to since is not read again in the same process.

    Parameters
    ----------
    file : binary stream
        The file, open for reading.
    expected : str
        Its SHA-256.
    path : Path
        What the message calls it.
    where, remedy : str
        Where the sum stands and what to do, for the message.

    Raises
    ------
    ReadError
        If it is another.
    """
    found = os.fstat(file.fileno())
    state = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    if _checked.get(str(path)) == (expected, state):
        return
    # A BinaryIO can be read into a buffer, though its type does not say so.
    digest = hashlib.file_digest(cast(Any, file), "sha256").hexdigest()
    file.seek(0)
    if digest != expected:
        raise changed(path, f"in {where}", remedy)
    _checked[str(path)] = expected, state


def check_beside(path: Path, digest: str, listings: str) -> dict[str, Any]:
    """Compare a file that others may have changed on purpose with the listings beside it that name it.

    Parameters
    ----------
    path : Path
        The file.
    digest : str
        Its SHA-256.
    listings : str
        Pattern of their names.

    Returns
    -------
    dict
        What stands in the listing that names it; nothing if none does.

    Raises
    ------
    ReadError
        If one names another sum.
    """
    for listing in sorted(path.parent.glob(listings)):
        try:
            facts = WrittenSet(path.parent, listing.name).facts
        except (OSError, ReadError):
            continue
        sums = facts.get(SUMS)
        if not isinstance(sums, dict) or path.name not in sums:
            continue
        if sums[path.name] != digest:
            raise changed(
                path, f"in {listing.name}", "write it anew, or give another name to what you changed"
            )
        return facts
    return {}


def changed(path: Path | str, where: str, remedy: str = REMEDY) -> ReadError:
    """Return the error for a file that is not as it was written."""
    return ReadError(
        f"{path} was changed after it was written (its SHA-256 is not the one {where}): {remedy}."
    )


def json_object(content: bytes, path: Path | str, remedy: str = REMEDY) -> dict[str, Any]:
    """Return the object in a JSON file that we wrote.

    Raises
    ------
    ReadError
        If it holds something else.
    """
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ReadError(f"{path} is damaged (it is no JSON): {remedy}.") from error
    if not isinstance(found, dict):
        raise ReadError(f"{path} is damaged (it holds no facts): {remedy}.")
    return found


def sealed(archive: bytes) -> bytes:
    """Return a zip without a comment with its SHA-256 as the comment."""
    # The two bytes at the end are the comment's length.
    content = archive[:-2] + SEAL_BYTES.to_bytes(2, "little")
    return content + _SEAL + hashlib.sha256(content).hexdigest().encode()


def seal(path: Path) -> None:
    """Put the SHA-256 of a file at its end, of a format whose readers pass over what is there.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    digest = sum_of(path)
    with path.open("ab") as file:
        file.write(_SEAL + digest.encode())


def check_seal(file: BinaryIO, name: str, remedy: str = REMEDY) -> None:
    """Compare a file with the SHA-256 at its end, if it has one; it is at its beginning then.

    Raises
    ------
    ReadError
        If it holds something else than was sealed.
    """
    size = file.seek(0, os.SEEK_END)
    start = max(size - SEAL_BYTES, 0)
    file.seek(start)
    seal = file.read()
    file.seek(0)
    # A single byte of it may be the one that was changed.
    if not re.search(rb"sha256:|[0-9a-f]{32}$", seal):
        return
    digest, left = hashlib.sha256(), start
    while left and (block := file.read(min(left, 1 << 20))):
        digest.update(block)
        left -= len(block)
    file.seek(0)
    if seal != _SEAL + digest.hexdigest().encode():
        raise changed(name, "at its end", remedy)
