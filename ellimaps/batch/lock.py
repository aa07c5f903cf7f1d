"""One run at a time in a folder: a lock that the system gives up with the process, and who has it."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from ellimaps.core.errors import ExportError
from ellimaps.core.locks import locked

STATE, LOCK = ".ellimaps", "lock"


def holder(out: Path) -> str | None:
    """Return who is at work on a folder, such as ``process 12 on host``; None if nobody is."""
    try:
        lock = (out / STATE / LOCK).open("r+b")
    except OSError:
        return None
    with lock:
        return None if locked(lock) else _written(lock)


def take(lock: Any, out: Path) -> None:
    """Lock an unbuffered file until it is closed; the system does that too when the process dies.

    Raises
    ------
    ExportError
        If somebody else has it.
    """
    if not locked(lock):
        # Who asks for the `holder` has it for a moment.
        time.sleep(0.1)
        if not locked(lock):
            raise ExportError(
                f"{out} is in use by {_written(lock)}: wait until it has ended, or choose another output "
                "folder."
            )
    # Only who waits reads it, and a full disk is told by the work itself.
    with suppress(OSError):
        lock.seek(0)
        lock.truncate()
        lock.write(f"process {os.getpid()} on {socket.gethostname()}".encode())


def _written(lock: Any) -> str:
    lock.seek(0)
    return lock.read(200).decode(errors="replace").strip() or "another run"
