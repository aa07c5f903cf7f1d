"""Locks on files, which the system gives up with the process that has them."""

from __future__ import annotations

import errno
import os
from typing import Any

_TAKEN = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)


def locked(file: Any) -> bool:
    """Lock a file until it is closed, without waiting; return whether nobody else has it.

    Drives that know no locks leave it to whoever comes.
    """
    try:
        _lock(file)
    except OSError as error:
        return error.errno not in _TAKEN
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
