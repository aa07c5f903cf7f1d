"""The folder below which the workbench may read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from ellimaps.core.errors import ReadError

VARIABLE = "ELLIMAPS_DATA_ROOT"
_EXAMPLES = Path(__file__).resolve().parents[2] / "data_example"
_FOLDERS_SEARCHED = 300
_DEPTH = 3
_MEASUREMENTS = ("*.ds.dat", "*.tif", "*.tiff")


def data_root() -> Path:
    """Return the folder below which the workbench may read."""
    return Path(os.environ.get(VARIABLE) or "data_example").resolve()


def inside_root(text: str, root: Path | None = None) -> Path:
    """Return the path a user typed, absolute or relative to the data root.

    The examples that come with ellimaps may be opened wherever they lie.

    Raises
    ------
    ReadError
        If it does not exist or leads out of the data root, by ``..``, by a link or to another machine.
    """
    root = (root or data_root()).resolve()
    cleaned = text.strip().strip("\"'").strip()
    if "\0" in cleaned or cleaned.startswith(("\\\\", "//")):
        raise ReadError(f"{cleaned!r:.200} is not a path below {root}.")
    try:
        path = (root / cleaned).resolve()
        exists = path.exists()
    except (OSError, ValueError, RuntimeError) as error:
        raise ReadError(f"{cleaned!r:.200} is not a path that can be opened: {error}.") from error
    if not any(path == allowed or allowed in path.parents for allowed in (root, _EXAMPLES)):
        raise ReadError(
            f"{cleaned:.300} is not below the data root {root}: start ellimaps app with another --data-root."
        )
    if not exists:
        raise ReadError(f"{cleaned:.300} does not exist below {root}: check the path.")
    return path


def example_folders(root: Path) -> list[Path]:
    """Return the generated example measurements: ours, and those that lie in the data root."""
    candidates = [root, root / "data_example", _EXAMPLES]
    found = [
        path.parent.resolve()
        for folder in candidates
        if folder.is_dir()
        for path in sorted(folder.glob("*/truth.npz"))
    ]
    inside = [path for path in found if root in path.parents or _EXAMPLES in path.parents]
    return list(dict.fromkeys(inside))


def measurements_below(folder: Path, limit: int = 12) -> list[Path]:
    """Return folders below this one that hold a data set's table or a TIFF, nearest first.

    The search is bounded.
    """
    found: list[Path] = []
    for below in islice(folders_from(folder), 1, _FOLDERS_SEARCHED + 1):
        if len(found) >= limit:
            break
        try:
            if any(next(below.glob(pattern), None) for pattern in _MEASUREMENTS):
                found.append(below)
        except OSError:
            continue
    return found


def folders_from(folder: Path) -> Iterator[Path]:
    """Yield a folder and those below it that are not hidden, nearest first, not deeper than three levels."""
    level = [folder]
    for _ in range(_DEPTH + 1):
        yield from level
        level = [below for above in level for below in subfolders(above)]


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in a folder that are not hidden, by name; none if it cannot be listed."""
    try:
        inside = [path for path in folder.iterdir() if not path.name.startswith(".") and path.is_dir()]
    except OSError:
        return []
    return sorted((path for path in inside if not path.is_symlink()), key=lambda path: path.name.casefold())
