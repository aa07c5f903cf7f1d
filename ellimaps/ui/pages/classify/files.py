"""Files of the page Classify below the data root: folders of images, label lists, models, and new files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ellimaps.classify.image_folder import is_image_name
from ellimaps.core.errors import ExportError
from ellimaps.ui.shared.data_root import data_root, inside_root

MODEL_ENDING = ".ellimodel"
_FOLDERS_SEARCHED = 400
_DEPTH = 4
_FEWEST_IMAGES = 2


def image_folders(root: Path) -> list[str]:
    """Return the folders that hold images, below the root, as the user types them; the search is bounded.

    Folders of ellipsometric maps are left out.
    """
    return [
        folder.relative_to(root).as_posix()
        for folder, names in _walk(root)
        if sum(map(is_image_name, names)) >= _FEWEST_IMAGES
        and not any(name.lower().endswith(".ds.dat") for name in names)
    ]


def label_lists(folder: Path, root: Path) -> list[str]:
    """Return the CSV files in a folder and in the one above it, the newest first."""
    places = [folder] if folder == root else [folder, folder.parent]
    return _newest_first((path for place in places for path in _files(place) if _ends(path, ".csv")), root)


def model_files(root: Path) -> list[str]:
    """Return the saved models below the root, the newest first; the search is bounded."""
    found = (folder / name for folder, names in _walk(root) for name in names if name.endswith(MODEL_ENDING))
    return _newest_first(found, root)


def new_file(text: str, ending: str) -> Path:
    """Return where a user wants to save a file: below the data root, whether it exists or not.

    Raises
    ------
    ExportError
        If it leads out of the data root, also by a link, or has another ending.
    """
    root = data_root()
    cleaned = text.strip().strip("\"'").strip()
    if not cleaned.lower().endswith(ending) or "\0" in cleaned or Path(cleaned).name.startswith("."):
        raise ExportError(f"{cleaned!r:.200} cannot be saved: give a name that ends in {ending}.")
    try:
        path = (root / cleaned).resolve()
        is_folder = path.is_dir()
    except (OSError, ValueError, RuntimeError) as error:
        raise ExportError(f"{cleaned!r:.200} is not a path that can be written: {error}.") from error
    if root not in path.parents:
        raise ExportError(f"{cleaned:.300} is not below the data root {root}: save it there.")
    if is_folder:
        raise ExportError(f"{cleaned:.300} is a folder: add the name of the file.")
    return path


def beside(folder: Path, name: str) -> str:
    """Return a name beside a folder of images, never in it; empty where that is out of the data root."""
    root = data_root()
    if root not in folder.parents:
        return ""
    return (folder.parent.relative_to(root) / f"{folder.name}_{name}").as_posix()


def chosen_path(text: str) -> Path:
    """Return an existing path below the data root; see `inside_root`."""
    return inside_root(text, data_root())


def _walk(root: Path) -> Iterator[tuple[Path, list[str]]]:
    for number, (place, below, names) in enumerate(os.walk(root)):
        if number >= _FOLDERS_SEARCHED:
            return
        folder = Path(place)
        visible = sorted(name for name in below if not name.startswith("."))
        below[:] = visible if len(folder.relative_to(root).parts) < _DEPTH else []
        yield folder, names


def _files(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]
    except OSError:
        return []


def _newest_first(paths: Iterator[Path], root: Path) -> list[str]:
    dated = [(-_modified(path), path.relative_to(root).as_posix()) for path in paths]
    return [name for _, name in sorted(dated)]


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _ends(path: Path, ending: str) -> bool:
    return path.suffix.lower() == ending
