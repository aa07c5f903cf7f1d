"""Files that leave: written whole or not at all, the same bytes for the same content."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ellimaps.core.errors import ExportError
from ellimaps.core.spreadsheets import spreadsheet_table
from ellimaps.core.sums import SUMS, sum_of, sums_of
from ellimaps.core.swap import swapped


def write_files(out: Path, files: Mapping[str, bytes], listing: str | None = None) -> list[Path]:
    """Write files into a folder; they take the place of former ones all together, see `ellimaps.core.swap`.

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
        with swapped(out, listing) as folder:
            for name, content in files.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)
    except OSError as error:
        raise ExportError(
            f"{out} cannot be written ({error.strerror or error}): choose another output folder."
        ) from error
    return [out / name for name in files]


def with_listing(files: Mapping[str, bytes], name: str, facts: Mapping[str, Any]) -> dict[str, bytes]:
    """Return files with the JSON that lists them, with their SHA-256, after these facts."""
    return {**files, name: _listing(name, facts, sums_of(files))}


def write_listing(folder: Path, names: Sequence[str], name: str, facts: Mapping[str, Any]) -> None:
    """Write the JSON of files that lie in a folder already, as `with_listing` does.

    Parameters
    ----------
    folder : Path
        Where they lie.
    names : sequence of str
        What they are called.
    name : str
        What the JSON is called.
    facts : mapping
        What else stands in it.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    sums = {one: sum_of(folder / one) for one in sorted(names)}
    (folder / name).write_bytes(_listing(name, facts, sums))


def csv_bytes(table: pd.DataFrame) -> bytes:
    """Return a table as CSV that a spreadsheet may open, the same on every system."""
    return program_csv_bytes(spreadsheet_table(table))


def program_csv_bytes(table: pd.DataFrame, *, index: bool = False) -> bytes:
    """Return a table as CSV that programs read: every text as it is."""
    return table.to_csv(index=index, lineterminator="\n").encode()


def json_bytes(facts: Mapping[str, Any]) -> bytes:
    """Return facts as an indented JSON file."""
    text = json.dumps(facts, indent=2, ensure_ascii=False, default=str) + "\n"
    # A file name that is no Unicode is written as JSON writes such characters.
    return text.encode("utf-8", "backslashreplace")


def _listing(name: str, facts: Mapping[str, Any], sums: Mapping[str, str]) -> bytes:
    return json_bytes({**facts, "files": sorted([*sums, name]), SUMS: dict(sums)})
