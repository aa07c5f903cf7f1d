"""Locks on files, which the system gives up with the process that has them."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import Any

# An import of earlier versions is over in an hour; where a drive knows no locks, a day is long.
_MADE_S, _DEAD_S = 3600.0, 86400.0
_LOCK = ".lock"
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
    sweep(parent, prefix)
    lock = None
    while lock is None:
        folder = parent / f"{prefix}{token_hex(4)}"
        lock = _taken(folder.with_name(folder.name + _LOCK))
    try:
        folder.mkdir(mode=0o700)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if os.name == "nt":
            lock.close()
        with suppress(OSError):
            Path(lock.name).unlink()
        lock.close()


def sweep(parent: Path, prefix: str) -> None:
    """Remove the folders of `own_folder` that dead processes left, those of earlier versions too.

    Parameters
    ----------
    parent : Path
        Where they lie.
    prefix : str
        How their names begin.
    """
    for path in parent.glob(f"{prefix}*"):
        # Another process may remove it at the same moment, and of another user it is none of ours.
        with suppress(OSError):
            if path.name.endswith(_LOCK):
                _sweep_one(path)
            elif not path.with_name(path.name + _LOCK).exists() and _age_s(path) > _MADE_S:
                shutil.rmtree(path)


def _sweep_one(lock: Path) -> None:
    with lock.open("r+b") as file:
        free = _is_free(file)
        if free or (free is None and _age_s(lock) > _DEAD_S):
            shutil.rmtree(lock.with_name(lock.name.removesuffix(_LOCK)), ignore_errors=True)
            lock.unlink()


def _taken(path: Path) -> Any | None:
    """Return a locked file of this name; None if another process took it for one that was left."""
    file = path.open("a+b")
    with suppress(FileNotFoundError):
        if locked(file) and os.path.samestat(os.fstat(file.fileno()), path.stat()):
            return file
    file.close()
    return None


def _age_s(path: Path) -> float:
    return time.time() - path.stat().st_mtime


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
