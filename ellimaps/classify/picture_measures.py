"""Measures of the image file itself, which a class should not be told by: its size and its brightness.

The classifier looks at the cell alone. But where the files of the classes differ already, they were probably
taken in other ways, and what tells the classes apart may be that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ellimaps.classify.intervals import area_limits, area_under_curve

NAMES = ("width", "height", "mean brightness", "background", "highest value")
"""Of the measures, as a sentence has them."""

# Areas from 0.7 are an acceptable discrimination (D. W. Hosmer and S. Lemeshow, Applied Logistic Regression,
# 2000, section 5.2.4); the lower limit must reach it, so that few images do not by chance.
_TELLING = 0.7


def picture_measures(values: NDArray[Any]) -> tuple[float, ...]:
    """Return the measures :data:`NAMES` of an image, shape (y, x) or (channel, y, x)."""
    known = np.asarray(values, dtype=float)
    known = known[np.isfinite(known)]
    if not known.size:
        known = np.zeros(1)
    height, width = values.shape[-2:]
    background = float(np.percentile(known, 5))
    return float(width), float(height), float(known.mean()), background, float(known.max())


def telling_measures(
    rows: Sequence[tuple[float, ...]], truth: NDArray[np.intp], class_names: Sequence[str]
) -> list[str]:
    """Return a sentence for each measure of the files that could stand for a class.

    Parameters
    ----------
    rows : sequence of tuple
        Of `picture_measures`, by image.
    truth : ndarray of int, shape (image,)
        Class of each, from 0.
    class_names : sequence of str
        What the classes are called.
    """
    table = np.array(rows, dtype=float)
    # Of two classes the second tells what the first does.
    classes = [1] if len(class_names) == 2 else range(len(class_names))
    found = []
    for measure, name in enumerate(NAMES):
        areas = [(*_telling(table[:, measure], truth == c), class_names[c]) for c in classes]
        area, low, called = max(areas, key=lambda one: one[1])
        if low > _TELLING:
            found.append(
                f"The {name} of the image alone tells {called} from the rest in {area:.0%} of the pairs "
                f"({low:.0%} or more): if the classes were taken in other ways, that may be what is told."
            )
    return found


def _telling(values: NDArray[np.float64], is_class: NDArray[np.bool_]) -> tuple[float, float]:
    """Return how often the larger, or the smaller, of a pair is of the class, and the lower limit of that."""
    area = area_under_curve(values, is_class)
    area = max(area, 1 - area)
    return area, area_limits(area, int(is_class.sum()), int((~is_class).sum()))[0]
