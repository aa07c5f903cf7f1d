"""Files of the page Classify below the data root: folders of images, label lists, models, and new files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ellimaps.classify.image_folder import is_image_name
from ellimaps.core.errors import ExportError
from ellimaps.ui.shared.data_root import data_root, files_in, folders_from, located, subfolders

MODEL_ENDING = ".ellimodel"


def image_folders(root: Path) -> list[str]:
    """Return the folders that hold images, below the root, as the user types them; the search is bounded.

    Folders of ellipsometric maps are left out.
    """
    return [
        folder.relative_to(root).as_posix()
        for folder in sorted(folders_from(root))
        if _holds_images([path.name for path in (*files_in(folder), *subfolders(folder))])
    ]


def _holds_images(names: list[str]) -> bool:
    if any(name.lower().endswith(".ds.dat") for name in names):
        return False
    # One picture alone is a logo or a figure more often than something to classify.
    return sum(map(is_image_name, names)) >= 2


def label_lists(folder: Path, root: Path) -> list[str]:
    """Return the CSV files in a folder and in the one above it, the newest first."""
    folders = [folder] if folder == root else [folder, folder.parent]
    files = (file for one in folders for file in files_in(one))
    return _newest_first((file for file in files if file.suffix.lower() == ".csv"), root)


def saved_models(root: Path) -> list[str]:
    """Return the saved models below the root, the newest first; the search is bounded."""
    files = (file for folder in folders_from(root) for file in files_in(folder))
    return _newest_first((file for file in files if file.name.endswith(MODEL_ENDING)), root)


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
        path = located(cleaned, root)
        is_folder = path.is_dir()
    except (OSError, ValueError, RuntimeError) as error:
        raise ExportError(f"{cleaned!r:.200} is not a path that can be written: {error}.") from error
    if root not in path.parents:
        raise ExportError(f"{cleaned:.300} is not below the data root: save it there.")
    if is_folder:
        raise ExportError(f"{cleaned:.300} is a folder: add the name of the file.")
    return path


def beside(folder: Path, name: str) -> str:
    """Return a name beside a folder of images, never in it; empty where that is out of the data root."""
    root = data_root()
    if root not in folder.parents:
        return ""
    return (folder.parent.relative_to(root) / f"{folder.name}_{name}").as_posix()


def _newest_first(paths: Iterable[Path], root: Path) -> list[str]:
    dated = [(-_modified(path), path.relative_to(root).as_posix()) for path in paths]
    return [name for _, name in sorted(dated)]


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
