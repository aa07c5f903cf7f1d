"""Which files of a folder are images, and their order."""

from __future__ import annotations

import re
from pathlib import Path

from ellimaps.core.errors import ReadError
from ellimaps.readers.ome_zarr import is_zarr

_ENDINGS = (".tif", ".tiff", ".png", ".zarr")


def image_files(folder: Path) -> tuple[str, ...]:
    """Return the names of a folder's images (TIFF, PNG, OME-Zarr), 2 before 10.

    Raises
    ------
    ReadError
        If the folder cannot be read or holds none.
    """
    try:
        names = [path.name for path in folder.iterdir() if is_image_name(path.name) and is_image(path)]
    except OSError as error:
        raise ReadError(
            f"{folder} cannot be read ({error.strerror or error}): choose another folder."
        ) from error
    if not names:
        raise ReadError(f"{folder} holds no images (TIFF, PNG or OME-Zarr): choose the folder they lie in.")
    return tuple(sorted(names, key=natural_key))


def is_image(path: Path) -> bool:
    """Tell whether a path is a file, or a folder that is an OME-Zarr image."""
    return path.is_file() or is_zarr(path)


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Return a sorting key that puts 2 before 10."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]


def is_image_name(name: str) -> bool:
    """Tell by its name whether a file is taken for an image."""
    return name.lower().endswith(_ENDINGS) and not name.startswith(".")
