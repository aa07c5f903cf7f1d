"""Uploaded files and zips: written to a temporary folder of the session, bounded in number and bytes."""

from __future__ import annotations

import lzma
import os
import stat
import struct
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any

from ellimaps.core.archives import check_members
from ellimaps.core.errors import ReadError

# Bounds against a filled disk, beyond any measurement of ours: 500 maps of a megapixel are 2 GB.
MAX_FILES = 2000
MAX_BYTES = 2 * 1024**3
# A zip's list of its files is read at once: MAX_FILES of them with the longest names and fields need 6 MB.
MAX_LIST_BYTES = 16 * 1024**2
# Whatever zipfile and its decompressors raise for bytes that are not what they say; an OSError of seeking
# too far as well, while those of writing are told before.
_DAMAGED = (
    OSError,
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, struct.error),
    *(NotImplementedError, RuntimeError, ValueError, LookupError, OverflowError),
)


def store_uploads(files: Iterable[Any]) -> tempfile.TemporaryDirectory[str]:
    """Write uploaded files (``name`` and ``read``) into a new temporary folder, zips unpacked.

    Folders inside a zip stay: files of the same name in two of them are of two measurements.

    Raises
    ------
    ReadError
        If there are too many files, too many bytes, two of one name, a name that no file can have, or a zip
        that is damaged, encrypted, or holds links or nothing but zips.
    """
    folder = tempfile.TemporaryDirectory(prefix="ellimaps-upload-")
    writer = _Writer(Path(folder.name))
    try:
        for file in files:
            if file.name.lower().endswith(".zip"):
                _unpack(file, writer)
            else:
                writer.write(file.name, file)
    except BaseException:
        folder.cleanup()
        raise
    return folder


class _Writer:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bytes = 0
        self._places: set[str] = set()

    def write(self, name: str, content: IO[bytes]) -> None:
        place = _place_below(name)
        if place is None:
            return
        # Windows and macOS take names that differ in case, or in how an accent is written, for one.
        known = unicodedata.normalize("NFC", str(place)).casefold()
        if known in self._places:
            raise ReadError(f"Two uploaded files are called {place}: give them names of their own.")
        self._places.add(known)
        if len(self._places) > MAX_FILES:
            raise ReadError(f"More than {MAX_FILES} files were uploaded: upload one measurement at a time.")
        try:
            self._write(self._folder / place, content)
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise ReadError(
                f"Two uploaded files are called {place}: give them names of their own."
            ) from error
        except OSError as error:
            # What bzip2 calls an error of the system, the system knows nothing of.
            if error.errno is None:
                raise zipfile.BadZipFile(str(error)) from error
            raise ReadError(
                f"The uploaded file {place!s:.100} cannot be kept ({error.strerror}): give it a shorter "
                "name, or open it from a folder."
            ) from error

    def _write(self, target_path: Path, content: IO[bytes]) -> None:
        target_path.parent.mkdir(parents=True, exist_ok=True)
        with target_path.open("xb") as target:
            while chunk := content.read(1 << 20):
                self._bytes += len(chunk)
                if self._bytes > MAX_BYTES:
                    raise _too_large()
                target.write(chunk)


def _place_below(name: str) -> PurePosixPath | None:
    """Return where an uploaded file goes, below the folder whatever its name says; None for hidden ones."""
    path = PureWindowsPath(name)
    kept = [part for part in path.parts if part not in (path.anchor, "..")]
    try:
        os.fsencode(name)
    except UnicodeEncodeError as error:
        raise ReadError(f"{name!r:.200} is no name for a file: rename it, and upload it again.") from error
    if "\0" in name or (os.name == "nt" and any(":" in part for part in kept)):
        raise ReadError(f"{name!r:.200} is no name for a file: rename it, and upload it again.")
    return PurePosixPath(*kept) if kept and not any(part.startswith(".") for part in kept) else None


def _unpack(file: Any, writer: _Writer) -> None:
    try:
        with zipfile.ZipFile(_Listed(file)) as archive:
            check_members(archive)
            entries = [entry for entry in archive.infolist() if _is_file(entry)]
            _check(file.name, entries)
            for entry in entries:
                with archive.open(entry) as content:
                    writer.write(entry.filename, content)
    except _DAMAGED as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ReadError(
            f"{file.name} cannot be unpacked ({reason:.120}): make the zip again, without a password."
        ) from error


def _is_file(entry: zipfile.ZipInfo) -> bool:
    return not entry.is_dir() and not entry.filename.startswith("__MACOSX")


def _check(name: str, entries: list[zipfile.ZipInfo]) -> None:
    """Refuse a zip by what its list says, before anything is written."""
    links = [entry.filename for entry in entries if stat.S_ISLNK(entry.external_attr >> 16)]
    if links:
        raise ReadError(f"{name} holds the link {links[0]:.200}: zip the file that it names.")
    if entries and all(entry.filename.lower().endswith(".zip") for entry in entries):
        raise ReadError(
            f"{name} holds nothing but zips, such as {entries[0].filename:.200}: upload that one."
        )
    if sum(entry.file_size for entry in entries) > MAX_BYTES:
        raise _too_large()


def _too_large() -> ReadError:
    return ReadError(f"The upload is larger than {MAX_BYTES // 2**30} GB: open it from a folder.")


class _Listed:
    """A zip whose list of files, which is read at once, is bounded."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        if size > MAX_LIST_BYTES:
            raise zipfile.BadZipFile("its list of files is too long")
        content: bytes = self._file.read(size)
        return content

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
