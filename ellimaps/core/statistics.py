"""Robust statistics: spreads that a few strange values do not move."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

MAD_TO_SIGMA = 1.4826
"""Standard deviations per median absolute deviation of a normal distribution, 1 / Phi^-1(3/4)."""


def robust_sigma(values: ArrayLike) -> float:
    """Return the standard deviation of values as their median absolute deviation tells it.

    Parameters
    ----------
    values : array of float
        Finite values of any shape, at least one; any unit.
    """
    # scipy.stats.median_abs_deviation is this line, and takes half a second to import.
    given = np.asarray(values)
    return float(MAD_TO_SIGMA * np.median(np.abs(given - np.median(given))))
