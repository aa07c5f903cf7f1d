"""Locks on files, which the system gives up with the process that has them."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

# Between making a folder and locking it there are microseconds; where there are no locks, a day is long.
_MADE_S, _DEAD_S = 60.0, 86400.0
_LOCK = "lock"
_TAKEN = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)


def locked(file: Any) -> bool:
    """Lock a file until it is closed, without waiting; return whether nobody else has it.

    Drives that know no locks leave it to whoever comes.
    """
    return _is_free(file) is not False


@contextmanager
def own_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """Return a context with a temporary folder, and remove those that dead processes left beside it.

    Parameters
    ----------
    parent : Path
        Where it lies.
    prefix : str
        How its name begins.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    for folder in parent.glob(f"{prefix}*"):
        # Another process may remove it at the same moment, and of another user it is none of ours.
        with suppress(OSError):
            if _is_left(folder):
                shutil.rmtree(folder, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    try:
        with (folder / _LOCK).open("wb") as lock:
            _is_free(lock)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_left(folder: Path) -> bool:
    """Whether a temporary folder is that of a process that is dead."""
    age_s = time.time() - folder.stat().st_mtime
    try:
        with (folder / _LOCK).open("r+b") as lock:
            free = _is_free(lock)
    except FileNotFoundError:
        return age_s > _MADE_S
    return age_s > _DEAD_S if free is None else free


def _is_free(file: Any) -> bool | None:
    """Lock a file; return whether nobody else has it, None on a drive that does not know."""
    try:
        _lock(file)
    except OSError as error:
        return False if error.errno in _TAKEN else None
    return True


def _lock(file: Any) -> None:
    if os.name == "nt":
        import msvcrt

        # Far behind the text, which others must be able to read: Windows locks bytes, also beyond the end.
        file.seek(1 << 30)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
