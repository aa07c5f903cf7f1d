"""Where the results of batches lie below a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ellimaps.batch.assemble import EXPERIMENTS_PARQUET
from ellimaps.batch.lock import LOCK, STATE
from ellimaps.batch.marks import IMAGES

# Results lie beside acquisitions, which have three levels of folders.
_DEPTH = 3
# Bounds the wait where listing a folder takes 10 ms, as on a network drive, to 5 s.
_FOLDERS_SEARCHED = 500


def result_folders(root: Path) -> list[Path]:
    """Return result folders at or below a folder, nearest first; the search is bounded."""
    found = []
    for searched, folder in enumerate(_folders(root)):
        if searched >= _FOLDERS_SEARCHED:
            break
        if _is_result(folder):
            found.append(folder)
    return found


def _folders(root: Path) -> Iterator[Path]:
    level = [root]
    for _ in range(_DEPTH + 1):
        yield from level
        level = [below for above in level for below in _inside(above)]


def _inside(folder: Path) -> list[Path]:
    # What is inside a result folder is none itself, and can be many thousand folders.
    if _is_result(folder):
        return []
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return []
    return [
        Path(entry.path)
        for entry in entries
        if not entry.name.startswith(".") and not entry.is_symlink() and entry.is_dir()
    ]


def _is_result(folder: Path) -> bool:
    # Of a run that was killed there may be nothing but its lock.
    tables = (folder / EXPERIMENTS_PARQUET, folder / IMAGES)
    return (folder / STATE / LOCK).is_file() or all(table.is_file() for table in tables)
