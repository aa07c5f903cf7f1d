"""Objects in a fluorescence image: round ones as circles, others as labelled regions."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import SettingError
from ellimaps.objects.circles import CIRCLE_COLUMNS, detect_circles
from ellimaps.objects.nuclei import Threshold, detect_nuclei

__all__ = ["CIRCLE_COLUMNS", "Threshold", "circle_labels", "detect_circles", "detect_nuclei", "radius_in_px"]


def radius_in_px(radius_um: tuple[float, float], pixel_size_um: float | None) -> tuple[float, float]:
    """Return a range of radii in pixels.

    Raises
    ------
    SettingError
        If the pixel size is not known.
    """
    if pixel_size_um is None or not 0 < pixel_size_um < np.inf:
        raise SettingError("Radii in micrometres need the pixel size: give it, or radii in pixels.")
    return radius_um[0] / pixel_size_um, radius_um[1] / pixel_size_um


def circle_labels(circles: pd.DataFrame, shape: tuple[int, int]) -> NDArray[np.int32]:
    """Return circles as a label image: the pixels whose centres lie in one.

    Parameters
    ----------
    circles : DataFrame
        ``y, x, radius`` in pixels.
    shape : (int, int)
        Of the image.

    Returns
    -------
    ndarray of int32, shape (y, x)
        0 is background; row i of the table has the label i + 1. Where circles overlap, a pixel belongs to
        the one whose outline it is deepest in, by its share of the radius.
    """
    labels = np.zeros(shape, dtype=np.int32)
    depth = np.full(shape, 1.0, dtype=np.float32)
    places = circles[["y", "x", "radius"]].to_numpy(float)
    for number, (y, x, r) in enumerate(places, start=1):
        rows = slice(max(int(y - r), 0), max(int(y + r) + 2, 0))
        columns = slice(max(int(x - r), 0), max(int(x + r) + 2, 0))
        ys = np.arange(shape[0])[rows, None] - y
        xs = np.arange(shape[1])[None, columns] - x
        inside = np.hypot(ys, xs) / max(r, 1e-9)
        nearer = inside <= depth[rows, columns]
        labels[rows, columns][nearer] = number
        depth[rows, columns][nearer] = inside[nearer]
    return labels
