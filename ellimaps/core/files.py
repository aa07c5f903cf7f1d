"""Files that leave: written whole or not at all, the same bytes for the same content."""

from __future__ import annotations

import errno
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ellimaps.core.errors import ExportError
from ellimaps.core.spreadsheets import spreadsheet_table


def write_files(out: Path, files: Mapping[str, bytes], listing: str | None = None) -> list[Path]:
    """Write files into a folder: all of them are complete before the first one is put in place.

    Parameters
    ----------
    out : Path
        Folder to write into; made if need be.
    files : mapping of str to bytes
        Contents by file name; a slash makes a folder.
    listing : str, optional
        A JSON file among them with a list ``files``; what its predecessor listed and this one does not is
        removed.

    Raises
    ------
    ExportError
        If the folder cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in files:
            if (out / name).is_dir():
                raise IsADirectoryError(errno.EISDIR, f"{name} is a folder")
        stale = _listed(out / listing) - set(files) if listing else set()
        staging = Path(tempfile.mkdtemp(prefix=".ellimaps-", dir=out))
        try:
            for name, content in files.items():
                (staging / name).parent.mkdir(parents=True, exist_ok=True)
                (staging / name).write_bytes(content)
            for name in files:
                (out / name).parent.mkdir(parents=True, exist_ok=True)
                (staging / name).replace(out / name)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        for name in stale:
            (out / name).unlink(missing_ok=True)
    except OSError as error:
        raise ExportError(
            f"{out} cannot be written ({error.strerror or error}): choose another output folder."
        ) from error
    return [out / name for name in files]


def csv_bytes(table: pd.DataFrame) -> bytes:
    """Return a table as CSV that a spreadsheet may open, the same on every system."""
    return program_csv_bytes(spreadsheet_table(table))


def program_csv_bytes(table: pd.DataFrame, *, index: bool = False) -> bytes:
    """Return a table as CSV that programs read: every text as it is."""
    return table.to_csv(index=index, lineterminator="\n").encode()


def json_bytes(facts: Mapping[str, Any]) -> bytes:
    """Return facts as an indented JSON file."""
    return (json.dumps(facts, indent=2, ensure_ascii=False, default=str) + "\n").encode()


def _listed(path: Path) -> set[str]:
    """File names a former listing in this folder says it wrote."""
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    return {name for name in listed if isinstance(name, str) and Path(name).name == name}
