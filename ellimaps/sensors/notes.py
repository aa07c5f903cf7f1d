"""Where notes on a log are kept: never beside it, and the page and the command line find the same."""

from __future__ import annotations

import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path, PurePosixPath

import pandas as pd

from ellimaps.core.errors import ExportError
from ellimaps.core.files import program_csv_bytes, write_files

EVENTS_VARIABLE = "ELLIMAPS_EVENTS"


def notes_file(log: str, ending: str = "csv") -> Path:
    """Return the file of notes on a log, by its path or URL; what notes they are is said by its ending.

    It lies in the folder that ``ELLIMAPS_EVENTS`` names, by default ``.ellimaps/events`` in the user's home.

    Raises
    ------
    ExportError
        If there is no such folder.
    """
    given = os.environ.get(EVENTS_VARIABLE)
    try:
        folder = Path(given) if given else Path.home() / ".ellimaps" / "events"
    except RuntimeError as error:
        raise ExportError(
            f"There is no home to keep events in: set {EVENTS_VARIABLE} to a folder."
        ) from error
    full = log if "://" in log else str(Path(log).expanduser().resolve())
    stem = PurePosixPath(full.replace(os.sep, "/")).stem
    return folder / f"{stem}-{sha256(full.encode()).hexdigest()[:8]}.{ending}"


def write_notes(file: Path, content: bytes) -> None:
    """Replace a file of notes.

    Raises
    ------
    ExportError
        If it cannot be written.
    """
    try:
        write_files(file.parent, {file.name: content})
    except ExportError as error:
        raise ExportError(
            f"Notes cannot be kept in {file.parent}: set {EVENTS_VARIABLE} to a folder that can be written."
        ) from error


def table_bytes(rows: Sequence[tuple[str, ...]], columns: Sequence[str]) -> bytes:
    """Return rows as a table that is read as it was written."""
    return program_csv_bytes(pd.DataFrame(rows, columns=list(columns)))
