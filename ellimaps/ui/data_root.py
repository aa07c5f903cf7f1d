"""The folder below which the workbench may read."""

from __future__ import annotations

import os
from pathlib import Path

from ellimaps.errors import ReadError

VARIABLE = "ELLIMAPS_DATA_ROOT"


def data_root() -> Path:
    """Return the folder below which the workbench may read."""
    return Path(os.environ.get(VARIABLE) or "data_example").resolve()


def inside_root(text: str, root: Path | None = None) -> Path:
    """Return the path a user typed, absolute or relative to the data root.

    Raises
    ------
    ReadError
        If it does not exist or leads out of the data root, by ``..``, by a link or to another machine.
    """
    root = (root or data_root()).resolve()
    cleaned = text.strip().strip("\"'")
    if "\0" in cleaned or cleaned.startswith(("\\\\", "//")):
        raise ReadError(f"{cleaned!r:.200} is not a path below {root}.")
    try:
        path = (root / cleaned).resolve()
        exists = path.exists()
    except (OSError, ValueError, RuntimeError) as error:
        raise ReadError(f"{cleaned!r:.200} is not a path that can be opened: {error}.") from error
    if path != root and root not in path.parents:
        raise ReadError(
            f"{cleaned} is not below the data root {root}: start ellimaps app with another --data-root."
        )
    if not exists:
        raise ReadError(f"{cleaned} does not exist below {root}: check the path.")
    return path


def example_folders(root: Path) -> list[Path]:
    """Return the example measurements that lie below the data root."""
    candidates = [root, root / "data_example", Path(__file__).resolve().parents[2] / "data_example"]
    found = [
        path.parent for folder in candidates if folder.is_dir() for path in sorted(folder.glob("*/truth.npz"))
    ]
    inside = [folder.resolve() for folder in found if root in folder.resolve().parents]
    return list(dict.fromkeys(inside))
