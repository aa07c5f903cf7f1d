"""How well shares, their mean or product, and an area under the curve are known from so many images."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import betaincinv
from scipy.stats import rankdata

Limits = tuple[float, float]

# The convention, here and in every table of limits.
_TAIL = 0.025
_QUANTILE = 1.959964
"""Of the normal distribution, for that tail."""


def share_limits(share: float, count: float) -> Limits:
    """Return 95 % limits of a share found in so many independent images (Clopper and Pearson).

    Parameters
    ----------
    share : float
        What was found; the mean over repeats need not be a whole number of images.
    count : float
        Images.

    References
    ----------
    C. J. Clopper and E. S. Pearson, Biometrika 26 (1934) 404. doi:10.1093/biomet/26.4.404
    """
    right = share * count
    low = betaincinv(right, count - right + 1, _TAIL) if right > 0 else 0.0
    high = betaincinv(right + 1, count - right, 1 - _TAIL) if right < count else 1.0
    return float(low), float(high)


def mean_limits(shares: Sequence[float], limits: Sequence[Limits]) -> Limits:
    """Return limits of the mean of independent shares from the limits of each.

    References
    ----------
    G. Y. Zou and A. Donner, "Construction of confidence limits about effect measures: a general approach",
    Statistics in Medicine 27 (2008) 1693. doi:10.1002/sim.3095
    """
    mean, count = float(np.mean(shares)), len(shares)
    below = math.hypot(*(share - low for share, (low, _) in zip(shares, limits, strict=True))) / count
    above = math.hypot(*(high - share for share, (_, high) in zip(shares, limits, strict=True))) / count
    return mean - below, mean + above


def product_limits(shares: Sequence[float], limits: Sequence[Limits]) -> Limits:
    """Return limits of the product of independent shares from those of each, as `mean_limits` of logs."""
    highest = math.prod(high for _, high in limits)
    if min(shares) == 0:
        return 0.0, highest
    logs = [math.log(share) for share in shares]
    ends = [(math.log(max(low, 1e-300)), math.log(high)) for low, high in limits]
    low, high = (len(shares) * one for one in mean_limits(logs, ends))
    return math.exp(low), math.exp(min(high, 0.0))


def area_under_curve(scores: NDArray[np.float64], is_class: NDArray[np.bool_]) -> float:
    """Return how often an image of a class has a higher score than one of the others; ties count half."""
    inside = int(is_class.sum())
    outside = len(is_class) - inside
    rank_sum = float(rankdata(scores)[is_class].sum())
    return (rank_sum - inside * (inside + 1) / 2) / (inside * outside)


def area_limits(area: float, inside: float, outside: float) -> Limits:
    """Return 95 % limits of an area under the curve from so many images of the class and of the others.

    They do not shrink to a point where all are told apart (method 5 of the source).

    References
    ----------
    R. G. Newcombe, "Confidence intervals for an effect size measure based on the Mann-Whitney statistic.
    Part 2", Statistics in Medicine 25 (2006) 559. doi:10.1002/sim.2324
    """
    pairs_beyond = (inside + outside) / 2 - 1

    def excess(true: float) -> float:
        spread = 1 + pairs_beyond * ((1 - true) / (2 - true) + true / (1 + true))
        return (area - true) ** 2 - _QUANTILE**2 * true * (1 - true) * spread / (inside * outside)

    # At 0 and 1 themselves the excess is none, whatever the area.
    inner = min(max(area, 1e-9), 1 - 1e-9)
    return float(brentq(excess, 0.0, inner)), float(brentq(excess, inner, 1.0))
