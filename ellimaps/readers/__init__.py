"""Readers: a path becomes an ImageStack, chosen by what the files hold."""

from __future__ import annotations

from pathlib import Path

from ellimaps.errors import ReadError
from ellimaps.progress import Progress, no_progress
from ellimaps.readers import accurion_dat, accurion_png, ep4, ep4_datasets
from ellimaps.readers.ep4_datasets import Ep4Dataset
from ellimaps.stack import ImageStack

__all__ = ["list_datasets", "open_stack"]

_MANY = 10


def open_stack(
    path: str | Path,
    *,
    dataset: str | None = None,
    working_set_gb: float | None = None,
    on_progress: Progress = no_progress,
) -> ImageStack:
    """Open a measurement as a stack of images.

    Parameters
    ----------
    path : str or Path
        An Accurion EP4 folder, with or without its ``.ds.dat``; the ``.ds.dat`` itself; or one of its PNGs.
    dataset : str, optional
        The name of the data set to open where the folder holds several, or the name of its ``.ds.dat``.
    working_set_gb : float, optional
        Memory that work on the stack may take, in GB; 4 by default. The values of a stack that would fill
        it lie in a temporary file; everything else is the same.
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
    SettingError
        If neither memory nor the temporary folder has room for the values.
    """
    return ep4.read_dataset(_dataset_at(_existing(path), dataset), working_set_gb, on_progress)


def list_datasets(path: str | Path) -> list[str]:
    """Name the data sets in a folder.

    Raises
    ------
    ReadError
        If the folder does not exist or cannot be read.
    """
    return _names(ep4_datasets.find_datasets(_existing(path)))


def _existing(path: str | Path) -> Path:
    try:
        found = Path(path).expanduser()
        exists = bool(str(path).strip()) and found.exists()
        found = found.resolve()
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ReadError(f"{str(path)[:300]!r} cannot be opened ({reason}): check the path.") from error
    if not exists:
        raise ReadError(f"{str(path)[:300]!r} does not exist: check the path.")
    return found


def _dataset_at(path: Path, dataset: str | None) -> Ep4Dataset:
    if path.is_dir():
        return _choose(path, ep4_datasets.find_datasets(path), dataset)
    if not path.is_file():
        raise ReadError(f"{path.name} is neither a file nor a folder: open an EP4 folder or its .ds.dat.")
    if accurion_png.is_png(path):
        return _dataset_around(path, dataset)
    if path.name.lower().endswith(".dat") or accurion_dat.is_table(path):
        return _choose(path, [ep4_datasets.table_dataset(path)], dataset)
    raise ReadError(
        f"{path.name} is not a measurement ellimaps knows (it begins with {_first_bytes(path)!r}): "
        "open an EP4 folder or its .ds.dat."
    )


def _dataset_around(png: Path, dataset: str | None) -> Ep4Dataset:
    """Return the data set that a PNG is part of, or the one asked for in its folder."""
    found = ep4_datasets.find_datasets(png.parent)
    if dataset is not None:
        return _choose(png.parent, found, dataset)
    chosen = ep4_datasets.dataset_of_png(found, png)
    if chosen is None:
        accurion_png.require_values(png, accurion_png.read_facts(png))
        raise ReadError(f"{png.name} belongs to no data set of Delta and Psi maps: open its folder instead.")
    return chosen


def _choose(path: Path, found: list[Ep4Dataset], dataset: str | None) -> Ep4Dataset:
    if not found:
        raise ReadError(f"{path} holds no Delta and Psi maps: choose the folder with the .ds.dat.")
    names = _names(found)
    if dataset is not None:
        chosen = [one for one, name in zip(found, names, strict=True) if dataset in (name, one.where)]
        if len(chosen) != 1:
            raise ReadError(f"{path} has no data set {dataset[:200]!r}: choose one of {_enumerate(names)}.")
        return chosen[0]
    if len(found) > 1:
        raise ReadError(
            f"{path} holds {len(found)} data sets: choose one of them (dataset=), {_enumerate(names)}."
        )
    return found[0]


def _names(found: list[Ep4Dataset]) -> list[str]:
    """Tell data sets apart: by name, or by the table's file name where two have the same."""
    names = [dataset.name for dataset in found]
    return [one.where if names.count(one.name) > 1 else one.name for one in found]


def _enumerate(names: list[str]) -> str:
    more = f" and {len(names) - _MANY} more" if len(names) > _MANY else ""
    return ", ".join(names[:_MANY]) + more


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(8)
    except OSError as error:
        raise ReadError(
            f"{path.name} cannot be read ({error.strerror or error}): check the file and its permissions."
        ) from error
