"""Counting how often files are opened, by whichever library."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_watched: list[tuple[Path, Counter[str]]] = []


def _note(event: str, arguments: tuple[object, ...]) -> None:
    if _watched and event in ("open", "os.scandir") and isinstance(arguments[0], str | Path):
        folder, counted = _watched[-1]
        path = Path(arguments[0])
        if folder in (path, path.parent):
            counted[path.name] += 1


# Python has no way to take one off again; it does nothing while nothing is watched.
sys.addaudithook(_note)


@contextmanager
def openings(folder: Path) -> Iterator[Counter[str]]:
    """Count by name how often the files of a folder, and the folder itself, are opened."""
    counted: Counter[str] = Counter()
    _watched.append((folder, counted))
    try:
        yield counted
    finally:
        _watched.pop()
