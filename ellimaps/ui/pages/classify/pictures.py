"""Pictures of images of cells for the page Classify, kept by what the file holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ellimaps.classify import read_image
from ellimaps.classify.image_folder import is_image
from ellimaps.core.errors import ReadError
from ellimaps.images.outlines import overlay_png
from ellimaps.ui.shared.cache import MEGABYTE, BoundedCache
from ellimaps.ui.shared.data_root import file_marks

# PNGs of up to a few megabytes: dozens of a folder, so that going back is at once.
_PICTURES: BoundedCache[bytes] = BoundedCache(128 * MEGABYTE, len)


def picture_of(path: Path) -> bytes:
    """Return an image in gray between two percentiles, as PNG.

    Raises
    ------
    ReadError
        If it cannot be read.
    """
    if not is_image(path):
        raise ReadError(f"{path.name} cannot be read (No such file or directory): go to the next one.")
    return _PICTURES.get(file_marks([path]), lambda: _drawn(path))


def outlined(values: NDArray[Any], mask: NDArray[np.bool_]) -> bytes:
    """Return an image with the outline of what was found in it, as PNG.

    Parameters
    ----------
    values : ndarray, shape (y, x) or (channel, y, x)
        Channels are averaged.
    mask : ndarray of bool, shape (y, x)
        What was found.
    """
    gray = values if values.ndim == 2 else values.mean(axis=0, dtype=np.float32)
    # More pixels than a window shows would only take longer to travel.
    step = max(1, -(-max(gray.shape) // 1600))
    return overlay_png(gray[::step, ::step], mask[::step, ::step].astype(np.int32))


def _drawn(path: Path) -> bytes:
    values, _ = read_image(path)
    return outlined(values, np.zeros(values.shape[-2:], dtype=bool))
