"""One run at a time in a folder: a lock that the system gives up with the process, and who has it."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import Any

from ellimaps.core.errors import ExportError

STATE, LOCK = ".ellimaps", "lock"


def holder(out: Path) -> str | None:
    """Return who is at work on a folder, such as ``process 12 on host``; None if nobody is."""
    try:
        lock = (out / STATE / LOCK).open("r+b")
    except OSError:
        return None
    with lock:
        try:
            _lock_file(lock)
        except OSError:
            return _written(lock)
    return None


def take(lock: Any, out: Path) -> None:
    """Lock a file until it is closed; the system does that too when the process dies.

    Raises
    ------
    ExportError
        If somebody else has it.
    """
    try:
        try:
            _lock_file(lock)
        except OSError:
            # Who asks for the `holder` has it for a moment.
            time.sleep(0.1)
            _lock_file(lock)
    except OSError:
        raise ExportError(
            f"{out} is in use by {_written(lock)}: wait until it has ended, or choose another output folder."
        ) from None
    lock.seek(0)
    lock.truncate()
    lock.write(f"process {os.getpid()} on {socket.gethostname()}".encode())
    lock.flush()


def _written(lock: Any) -> str:
    lock.seek(0)
    return lock.read(200).decode(errors="replace").strip() or "another run"


def _lock_file(lock: Any) -> None:
    if os.name == "nt":
        import msvcrt

        # Far behind the text, which others must be able to read: Windows locks bytes, also beyond the end.
        lock.seek(1 << 30)
        msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    else:
        import fcntl

        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
