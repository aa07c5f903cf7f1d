"""The file of what was found and sent: a line is on the disk before anything follows from it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ellimaps.core.sums import json_object

SENT_FILE = "sent.jsonl"
_WATCHING, _SENDING, _WRITING = "watch.lock", "sending.lock", "writing.lock"


class Journal:
    """What was found and what became of it, as lines of JSON in a folder.

    Parameters
    ----------
    folder : Path
        Where ``sent.jsonl`` lies; made if need be.

    Every line has ``at`` (UTC), ``what`` and ``key``. ``found`` has all of a crossing; ``sending`` comes
    before, ``sent`` or ``failed`` with what the target answered after each delivery.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._file = folder / SENT_FILE

    def lines(self) -> list[dict[str, Any]]:
        """Return what is written, oldest first; a line that a kill cut off was never acted upon."""
        if not self._file.is_file():
            return []
        whole = self._file.read_bytes().split(b"\n")[:-1]
        return [json_object(line, self._file, "remove it, and nothing is known to be sent") for line in whole]

    def write(self, what: str, key: str, **facts: Any) -> None:
        """Append a line and wait until it is on the disk."""
        line = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "what": what, "key": key} | facts
        with _locked(self.folder / _WRITING, wait=True), self._file.open("ab+") as file:
            _cut_unended(file)
            file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def found(self) -> dict[str, dict[str, Any]]:
        """Return all that was found, by key."""
        return {line["key"]: line for line in self.lines() if line["what"] == "found"}

    def unsent(self) -> list[dict[str, Any]]:
        """Return what was found and has not been sent, oldest first."""
        sent = {line["key"] for line in self.lines() if line["what"] == "sent"}
        return [line for key, line in self.found().items() if key not in sent]

    def of_key(self, key: str) -> list[dict[str, Any]]:
        """Return the lines about one crossing."""
        return [line for line in self.lines() if line["key"] == key]

    @contextmanager
    def watching(self) -> Iterator[bool]:
        """Be the only one that watches with this folder; whether that is so."""
        with _locked(self.folder / _WATCHING, wait=False) as mine:
            yield mine

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Be the only one that sends; waits for who does."""
        with _locked(self.folder / _SENDING, wait=True):
            yield


def _cut_unended(file: Any) -> None:
    file.seek(0)
    text = file.read()
    end = text.rfind(b"\n") + 1
    if end < len(text):
        file.truncate(end)
    file.seek(0, os.SEEK_END)


@contextmanager
def _locked(path: Path, *, wait: bool) -> Iterator[bool]:
    """Hold a lock that the system takes back when the process ends, however it does."""
    with path.open("ab+") as file:
        if sys.platform == "win32":
            import msvcrt

            try:
                file.seek(0)
                msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
            except OSError:
                yield False
                return
        else:
            import fcntl

            try:
                fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
        yield True
