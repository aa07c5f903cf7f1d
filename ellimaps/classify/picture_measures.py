"""Measures of the image file itself, which a class should not be told by: its size and its brightness.

The classifier looks at the cell alone. But where the files of the classes differ already, they were probably
taken in other ways, and what tells the classes apart may be that. What follows from the cell is no such
difference: a larger cell makes a brighter mean and, where files are cut out round their cells, a larger file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ellimaps.classify.intervals import area_limits
from ellimaps.core.statistics import robust_sigma

# Areas from 0.7 are an acceptable discrimination (D. W. Hosmer and S. Lemeshow, Applied Logistic Regression,
# 2000, section 5.2.4); the lower limit must reach it, so that few images do not by chance.
_TELLING = 0.7

# Of the median: what differs by less counts as equal. benchmarks/bench_stand_ins.py prints the alarms of
# half and double.
_ALIKE = 0.1

# In radii of the cell: nearer, its light is still seen.
_GLOW = 0.5


class PictureMeasures(NamedTuple):
    """What an image file is like, in pixels and gray levels.

    Attributes
    ----------
    width, height : float
        Of the file.
    free_width, free_height : float
        What of them the cell does not take.
    background, noise : float
        Median and robust standard deviation of the pixels away from the cell.
    highest : float
        The highest value.
    """

    width: float
    height: float
    free_width: float
    free_height: float
    background: float
    noise: float
    highest: float


_NAMED = {
    "width": ("width", "free_width"),
    "height": ("height", "free_height"),
    "background": ("background",),
    "noise": ("noise",),
    "highest value": ("highest",),
}
"""What a sentence calls a difference, and the measures that must tell the classes in the same direction."""


def picture_measures(values: NDArray[Any], mask: NDArray[np.bool_]) -> PictureMeasures:
    """Return what an image file is like.

    Parameters
    ----------
    values : ndarray, shape (y, x) or (channel, y, x)
        Of the image.
    mask : ndarray of bool, shape (y, x)
        Where the cell is.
    """
    height, width = mask.shape
    rows, columns = (np.ptp(np.flatnonzero(mask.any(axis=axis))) + 1 if mask.any() else 0 for axis in (1, 0))
    known = np.where(np.isfinite(values), values, np.nan).astype(float)
    away = known[..., _away_from(mask)]
    away = away[np.isfinite(away)] if np.isfinite(away).any() else np.zeros(1)
    highest = float(np.nanmax(known)) if np.isfinite(known).any() else 0.0
    background, noise = float(np.median(away)), float(robust_sigma(away))
    return PictureMeasures(width, height, width - columns, height - rows, background, noise, highest)


def _away_from(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return where no light of the cell is; all that is outside of it where a file is cut close to it."""
    distance = ndimage.distance_transform_edt(~mask) if mask.any() else np.ones(mask.shape)
    far = np.asarray(distance > _GLOW * np.sqrt(mask.sum() / np.pi))
    return far if far.any() else np.asarray(~mask) if not mask.all() else mask


def telling_measures(
    rows: Sequence[PictureMeasures], truth: NDArray[np.intp], class_names: Sequence[str]
) -> list[str]:
    """Return a sentence for each measure of the files that could stand for a class.

    Parameters
    ----------
    rows : sequence of PictureMeasures
        By image.
    truth : ndarray of int, shape (image,)
        Class of each, from 0.
    class_names : sequence of str
        What the classes are called.
    """
    table = dict(zip(PictureMeasures._fields, np.array(rows, dtype=float).T, strict=True))
    # A level within the noise of a pixel is the same level.
    equal = {name: _ALIKE * float(np.median(table[name])) for name in ("noise", "highest")}
    equal["background"] = float(np.median(table["noise"]))
    # Of two classes the second tells what the first does.
    classes = [1] if len(class_names) == 2 else range(len(class_names))
    found = []
    for name, measures in _NAMED.items():
        columns = [(table[one], equal.get(one, 0.0)) for one in measures]
        low, area, called = max((*_telling(columns, truth == c), class_names[c]) for c in classes)
        if low > _TELLING:
            found.append(
                f"The {name} of the image alone tells {called} from the rest in {area:.0%} of the pairs "
                f"({low:.0%} or more): if the classes were taken in other ways, that may be what is told."
            )
    return found


def _telling(
    columns: Sequence[tuple[NDArray[np.float64], float]], is_class: NDArray[np.bool_]
) -> tuple[float, float]:
    """Return how often the larger, or the smaller, of a pair is of the class, the lower limit before it.

    Of several measures that which tells least counts, all in one direction.
    """
    areas = [_area(values[is_class], values[~is_class], equal) for values, equal in columns]
    area = max(min(areas), 1 - max(areas))
    return area_limits(area, int(is_class.sum()), int((~is_class).sum()))[0], area


def _area(inside: NDArray[np.float64], outside: NDArray[np.float64], equal: float) -> float:
    """Return how often a value inside is larger than one outside; those that count as equal count half."""
    others = np.sort(outside)
    smaller = np.searchsorted(others, inside - equal, side="left")
    not_larger = np.searchsorted(others, inside + equal, side="right")
    return float(np.mean(smaller + not_larger) / (2 * len(others)))
