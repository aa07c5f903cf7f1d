"""Readers: a path becomes an ImageStack, chosen by what the files hold."""

from __future__ import annotations

from pathlib import Path

from ellimaps.errors import ReadError
from ellimaps.progress import Progress, no_progress
from ellimaps.readers import accurion_dat, accurion_png, ep4
from ellimaps.stack import ImageStack

__all__ = ["list_datasets", "open_stack"]


def open_stack(
    path: str | Path, *, dataset: str | None = None, on_progress: Progress = no_progress
) -> ImageStack:
    """Open a measurement as a stack of images.

    Parameters
    ----------
    path : str or Path
        An Accurion EP4 folder, with or without its ``.ds.dat``; the ``.ds.dat`` itself; or one of its PNGs.
    dataset : str, optional
        The name of the data set to open where the folder holds several.
    on_progress : callable, optional
        Called as ``on_progress(done, total, what)`` while maps are read.

    Returns
    -------
    ImageStack
        Delta and Psi maps in degrees, in the order of the table.

    Raises
    ------
    ReadError
        If the path does not hold exactly the data asked for, or the data are damaged.
    """
    path = _existing(path)
    if path.is_dir():
        return ep4.read_dataset(_choose(path, dataset), on_progress)
    if accurion_png.is_png(path):
        return ep4.read_dataset(_choose(path.parent, dataset or ep4.dataset_name_of_png(path)), on_progress)
    if path.name.lower().endswith(".dat") or accurion_dat.is_table(path):
        return ep4.read_dataset(ep4.table_dataset(path), on_progress)
    raise ReadError(
        f"{path.name} is not a measurement ellimaps knows (it begins with {_first_bytes(path)!r}): "
        "open an EP4 folder or its .ds.dat."
    )


def list_datasets(path: str | Path) -> list[str]:
    """Name the data sets in a folder.

    Raises
    ------
    ReadError
        If the folder does not exist or cannot be read.
    """
    return [dataset.name for dataset in _find(_existing(path))]


def _existing(path: str | Path) -> Path:
    try:
        found = Path(path).expanduser()
        exists = found.exists()
    except (OSError, ValueError, RuntimeError) as error:
        raise ReadError(f"{path!s:.200} is not a path that can be opened: {error}.") from error
    if not exists:
        raise ReadError(f"{path!s:.500} does not exist: check the path.")
    return found.resolve()


def _find(folder: Path) -> list[ep4.Ep4Dataset]:
    try:
        return ep4.find_datasets(folder)
    except OSError as error:
        raise ReadError(f"The folder {folder} cannot be read: {error.strerror or error}.") from error


def _choose(folder: Path, dataset: str | None) -> ep4.Ep4Dataset:
    found = _find(folder)
    names = [candidate.name for candidate in found]
    if not found:
        raise ReadError(f"The folder {folder} holds no Delta and Psi maps: choose the folder with the .ds.dat.")
    if dataset is not None:
        if dataset not in names:
            raise ReadError(f"{folder} has no data set {dataset!r}; it has: {', '.join(names)}.")
        return found[names.index(dataset)]
    if len(found) > 1:
        raise ReadError(f"{folder} holds {len(found)} data sets; choose one of them (dataset=): {', '.join(names)}.")
    return found[0]


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(8)
    except OSError as error:
        raise ReadError(f"{path.name} cannot be read: {error.strerror or error}.") from error
