"""Uploaded files and zips: written to a temporary folder of the session, bounded in number and bytes."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Protocol

from ellimaps.core.archives import ArchiveError, opened_members
from ellimaps.core.errors import ReadError

# Bounds against a filled disk, beyond any measurement of ours: 500 maps of a megapixel are 2 GB.
MAX_FILES = 2000
MAX_BYTES = 2 * 1024**3


def store_uploads(files: Iterable[Any]) -> tempfile.TemporaryDirectory[str]:
    """Write uploaded files (``name`` and ``read``) into a new temporary folder, zips unpacked.

    Folders inside a zip stay: files of the same name in two of them are of two measurements.

    Raises
    ------
    ReadError
        If there are too many files, too many bytes, two of one name, or a zip is damaged.
    """
    folder = tempfile.TemporaryDirectory(prefix="ellimaps-upload-")
    writer = _Writer(Path(folder.name))
    try:
        for file in files:
            if file.name.lower().endswith(".zip"):
                _unpack(file, writer)
            else:
                writer.write(file.name, file)
    except ArchiveError as error:
        folder.cleanup()
        raise ReadError(f"The zip cannot be unpacked ({error}): make it again without a password.") from error
    except BaseException:
        folder.cleanup()
        raise
    return folder


class _Readable(Protocol):
    def read(self, n_bytes: int, /) -> bytes: ...


class _Writer:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = 0
        self._bytes = 0

    def write(self, name: str, content: _Readable) -> None:
        self._files += 1
        if self._files > MAX_FILES:
            raise ReadError(f"More than {MAX_FILES} files were uploaded: upload one measurement at a time.")
        place = _place_below(name)
        if place is None:
            return
        target_path = self._folder / place
        try:
            target_path.parent.mkdir(parents=True, exist_ok=True)
            target = target_path.open("xb")
        except (FileExistsError, NotADirectoryError) as error:
            raise ReadError(
                f"Two uploaded files are called {place}: give them names of their own."
            ) from error
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            raise ReadError(f"{place!s:.80} is too long a name: give the file a shorter one.") from error
        with target:
            while chunk := content.read(1 << 20):
                self._bytes += len(chunk)
                if self._bytes > MAX_BYTES:
                    raise ReadError(
                        f"The upload is larger than {MAX_BYTES // 2**30} GB: open it from a folder."
                    )
                target.write(chunk)


def _place_below(name: str) -> PurePosixPath | None:
    """Return where an uploaded file goes, below the folder whatever its name says; None for hidden ones."""
    parts = PurePosixPath(PureWindowsPath(name).as_posix()).parts
    kept = [part for part in parts if part not in ("/", "//", "..") and not part.endswith(":")]
    return PurePosixPath(*kept) if kept and not any(part.startswith(".") for part in kept) else None


def _unpack(file: Any, writer: _Writer) -> None:
    for entry, content in opened_members(file):
        if not entry.filename.startswith("__MACOSX"):
            writer.write(entry.filename, content)
