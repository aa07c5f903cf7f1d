"""How folders of results are told from folders of measurements: what we wrote is never an input."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ellimaps.batch.lock import LOCK, STATE

PROVENANCE, IMAGES = "batch.json", "images.csv"
IMAGE_ENDINGS = (".tif", ".tiff", ".png")
TABLE_ENDING = ".ds.dat"
_LISTINGS = ("_segmentation.json", "_fit.json")


def is_result(folder: Path, names: Collection[str]) -> bool:
    """Whether a folder holds what a batch, `ellimaps segment` or `ellimaps fit` wrote, and nothing measured.

    Parameters
    ----------
    folder : Path
        The folder.
    names : collection of str
        What lies in it, also what is hidden.
    """
    return _is_batch(folder, names) or _is_export(names)


def batch_around(folder: Path) -> Path | None:
    """Return the result folder of a batch that a folder is or lies below; None if there is none."""
    for around in (folder, *folder.parents):
        if (around / STATE / LOCK).is_file() or all(
            (around / name).is_file() for name in (PROVENANCE, IMAGES)
        ):
            return around
    return None


def _is_batch(folder: Path, names: Collection[str]) -> bool:
    # The hidden folder alone is no mark: a home has one for events. Copies may lack it.
    began = STATE in names and (folder / STATE / LOCK).is_file()
    return began or (PROVENANCE in names and IMAGES in names)


def _is_export(names: Collection[str]) -> bool:
    """Whether all maps, pictures and tables are named after an export beside them.

    A measurement that somebody exported into has its own files as well: ``NAME.ds.dat`` beside
    ``NAME_segmentation.json``.
    """
    exports = tuple(
        f"{name.removesuffix(listing)}_" for name in names for listing in _LISTINGS if name.endswith(listing)
    )
    inputs = (name for name in names if name.casefold().endswith((*IMAGE_ENDINGS, TABLE_ENDING)))
    return bool(exports) and all(name.startswith(exports) for name in inputs)
