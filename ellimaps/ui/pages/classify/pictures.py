"""Pictures of images of cells for the page Classify, kept by what the file holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ellimaps.classify import read_image
from ellimaps.core.errors import ReadError
from ellimaps.images.outlines import overlay_png
from ellimaps.ui.shared.cache import BoundedCache

_LONGEST_PX = 1600
PICTURES = BoundedCache(64, 128 << 20, len)


def picture_of(path: Path) -> bytes:
    """Return an image in grey between two percentiles, as PNG.

    Raises
    ------
    ReadError
        If it cannot be read.
    """
    try:
        state = path.stat()
    except OSError as error:
        raise ReadError(
            f"{path.name} cannot be read ({error.strerror or error}): go to the next one."
        ) from error
    return PICTURES.get((str(path), state.st_mtime_ns, state.st_size), lambda: _drawn(path))


def outlined(values: NDArray[Any], mask: NDArray[np.bool_]) -> bytes:
    """Return an image with the outline of what was found in it, as PNG.

    Parameters
    ----------
    values : ndarray, shape (y, x) or (channel, y, x)
        Channels are averaged.
    mask : ndarray of bool, shape (y, x)
        What was found.
    """
    grey = values if values.ndim == 2 else values.mean(axis=0, dtype=np.float32)
    step = max(1, -(-max(grey.shape) // _LONGEST_PX))
    return overlay_png(grey[::step, ::step], mask[::step, ::step].astype(np.int32))


def _drawn(path: Path) -> bytes:
    values, _ = read_image(path)
    return outlined(values, np.zeros(values.shape[-2:], dtype=bool))
