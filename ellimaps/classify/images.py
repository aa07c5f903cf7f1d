"""Reading one image to classify, from a file or from bytes somebody sent; its size is checked first."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.errors import ReadError, unreadable
from ellimaps.readers.pictures import is_picture, opened_picture

MAX_PIXELS = 40_000_000
MAX_BYTES = 256 << 20
_COLOURS = 3


def read_image(
    source: str | Path | bytes, name: str | None = None, max_pixels: int = MAX_PIXELS
) -> tuple[NDArray[Any], float | None]:
    """Read one image.

    Parameters
    ----------
    source : str, Path or bytes
        A TIFF or PNG of 8 or 16 bit, grey or colour: the file, or its content.
    name : str, optional
        What messages call it; by default the file's name.
    max_pixels : int
        The most values it may hold, over all channels.

    Returns
    -------
    values : ndarray, shape (y, x) or (channel, y, x)
        Of the type in the file.
    pixel_size_um : float or None
        What the file says.

    Raises
    ------
    ReadError
        If it is no such image, damaged, too large, or a stack.
    """
    if not isinstance(source, bytes):
        return _read(Path(source), name or Path(source).name, max_pixels)
    with tempfile.TemporaryDirectory(prefix="ellimaps-") as folder:
        path = Path(folder) / "image"
        path.write_bytes(source)
        return _read(path, name or "the image", max_pixels)


def _read(path: Path, name: str, max_pixels: int) -> tuple[NDArray[Any], float | None]:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise unreadable(path, error) from error
    if size > MAX_BYTES:
        raise ReadError(f"{name} is larger than {MAX_BYTES >> 20} MB: crop it to the cell.")
    if not is_picture(path):
        raise ReadError(f"{name} is neither a TIFF nor a PNG: save it as one of these.")
    try:
        with opened_picture(path) as picture:
            n_times, n_channels, n_planes, height, width = picture.shape
            if n_times * n_planes * picture.plain_pages > 1:
                raise ReadError(f"{name} holds several pages or planes: save one plane or a projection.")
            if n_channels * height * width > max_pixels:
                raise ReadError(
                    f"{name} has {n_channels} x {height} x {width} values, more than "
                    f"{max_pixels / 1e6:.0f} million: crop it to the cell."
                )
            planes = [
                np.array(picture.plane(0, channel, 0))
                for channel in range(_colours(picture.shape[1], picture.samples))
            ]
            return (planes[0] if len(planes) == 1 else np.stack(planes)), picture.pixel_size_um
    except ReadError as error:
        raise ReadError(str(error).replace(path.name, name)) from error


def _colours(n_channels: int, samples: int) -> int:
    """Return how many channels count: an alpha channel does not."""
    colours = {1: n_channels, 2: 1}
    return colours.get(samples, _COLOURS)
