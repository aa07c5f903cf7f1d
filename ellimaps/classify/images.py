"""Reading one image to classify, from a file or from bytes somebody sent; its size is checked first."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.errors import ReadError
from ellimaps.core.inputs import Source, as_input, size_of
from ellimaps.readers.pictures import is_picture, is_store, opened_picture

# An image of cells has a few million pixels; ten times as many still take less than 1 GB as numbers.
MAX_PIXELS = 40_000_000
MAX_BYTES = 256 << 20
_COLOURS = 3


def read_image(
    source: Source | bytes, name: str | None = None, max_pixels: int = MAX_PIXELS
) -> tuple[NDArray[Any], float | None]:
    """Read one image.

    Parameters
    ----------
    source : str, Path, binary stream or bytes
        A TIFF or PNG of 8 or 16 bit, grey or colour: the file, or its content. Or an OME-Zarr image.
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
    if isinstance(source, bytes):
        source, name = io.BytesIO(source), name or "the image"
    file = as_input(source, name)
    if not is_store(file):
        # First of all: what cannot be opened is not of no known format.
        with file.open() as stream:
            size = size_of(stream)
        if size > MAX_BYTES:
            raise ReadError(f"{file.name} is larger than {MAX_BYTES >> 20} MB: crop it to the cell.")
    if not is_picture(file):
        raise ReadError(f"{file.name} is neither a TIFF nor a PNG: save it as one of these.")
    with opened_picture(file) as picture:
        n_times, n_channels, n_planes, height, width = picture.shape
        if n_times * n_planes * picture.plain_pages > 1:
            raise ReadError(f"{file.name} holds several pages or planes: save one plane or a projection.")
        if n_channels * height * width > max_pixels:
            raise ReadError(
                f"{file.name} has {n_channels} x {height} x {width} values, more than "
                f"{max_pixels / 1e6:.0f} million: crop it to the cell."
            )
        planes = [picture.plane(0, channel, 0) for channel in range(_colours(n_channels, picture.samples))]
        return (planes[0] if len(planes) == 1 else np.stack(planes)), picture.pixel_size_um


def _colours(n_channels: int, samples: int) -> int:
    """Return how many channels count: an alpha channel does not."""
    colours = {1: n_channels, 2: 1}
    return colours.get(samples, _COLOURS)
