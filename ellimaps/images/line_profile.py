"""Values of a map along a line."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import SettingError


def line_profile(
    image: NDArray[np.float32],
    start: tuple[float, float],
    end: tuple[float, float],
    *,
    aspect: float = 1.0,
) -> pd.DataFrame:
    """Return the pixels that a straight line crosses, one row per step of a pixel.

    Parameters
    ----------
    image : ndarray of float, shape (y, x)
        The map; NaN stays NaN, so that what is not trusted is a gap in the profile.
    start, end : (float, float)
        Ends ``(x, y)`` of the line; pixel (0, 0) covers 0..1 in both. Ends outside are moved to the edge.
    aspect : float
        Height over width of a pixel.

    Returns
    -------
    DataFrame
        ``distance`` from the start in pixel widths, ``x``, ``y`` of the pixel and its ``value``.

    Raises
    ------
    SettingError
        If the map holds no pixel or the line is not given by numbers.
    """
    if image.ndim != 2 or image.size == 0 or not np.all(np.isfinite([*start, *end])):
        raise SettingError(
            f"A profile needs a map and two points, got shape {image.shape}, {start} and {end}."
        )
    size = np.array(image.shape[::-1])
    first, final = (np.clip(np.asarray(point, dtype=np.float64), 0.0, size) for point in (start, end))
    steps = max(1, int(np.ceil(np.abs(final - first).max())))
    # The middle of each step: along a row or a column every pixel is read once.
    at = first + (np.arange(steps)[:, np.newaxis] + 0.5) / steps * (final - first)
    x, y = np.minimum(at.astype(np.intp), size - 1).T
    distance = np.hypot(at[:, 0] - first[0], (at[:, 1] - first[1]) * aspect)
    return pd.DataFrame({"distance": distance, "x": x, "y": y, "value": image[y, x]})
