"""What two logs share at the same moments beyond what they share with each other's next and last week.

Rooms under one sky and one timetable share the course of day, week and year, whatever is done to take it off.
What they share at the same moment they then share just as well with the other one a week earlier or later:
only the excess over that is theirs. Its chance is that of the mean of daily sums, which remember each other
little and by as much as they show [1]_.

References
----------
.. [1] W. K. Newey, K. D. West, "A simple, positive semi-definite, heteroskedasticity and autocorrelation
   consistent covariance matrix", Econometrica 55 (1987) 703-708, doi:10.2307/1913610
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
# Days that a sum may remember; the weights of the covariance fall to zero there.
_REMEMBERED_DAYS = 3
# Of days: with fewer there is no week before and after, and the days beside must do.
_FEWEST_FOR_WEEKS = 21


@dataclass(frozen=True)
class Excess:
    """Correlation beyond the shared course, by lag.

    Attributes
    ----------
    days : array, shape (day, lag)
        Excess of products over each day, NaN where a day has none.
    squares : array, shape (day, lag)
        What makes a correlation of them: the geometric mean of both logs' squares.
    r : array, shape (lag,)
        The correlation.
    error : array, shape (lag,)
        Its standard error.
    """

    days: Values
    squares: Values
    r: Values
    error: Values

    def p(self, lag: int) -> float:
        """Return the probability of as large a correlation at one lag by chance."""
        from scipy.stats import t

        days = int(np.isfinite(self.days[:, lag]).sum())
        return float(2 * t.sf(abs(self.r[lag]) / self.error[lag], max(days // 2, 1)))


def excess_of(first: Values, second: Values, per_day: int, lags: NDArray[np.intp]) -> Excess:
    """Return how two logs correlate at some lags beyond their shared course.

    Parameters
    ----------
    first, second : array, shape (row,)
        Logs on one grid without their level; NaN where nothing was read.
    per_day : int
        Rows of a day.
    lags : array of int, shape (lag,)
        Rows by which the second is taken later.
    """
    days = len(first) // per_day
    first, second = first[: days * per_day], second[: days * per_day]
    apart = 7 if days >= _FEWEST_FOR_WEEKS else 1
    sums, squares = [], []
    for lag in lags:
        there = _later(second, int(lag))
        same = _daily(first * there, days)
        others = [_daily(first * _later(there, side * apart * per_day), days) for side in (-1, 1)]
        with np.errstate(invalid="ignore"):
            beside = np.nansum(others, axis=0) / np.isfinite(others).sum(axis=0)
        sums.append(same - beside)
        known = np.isfinite(first * there)
        a, b = (_daily(np.where(known, one**2, np.nan), days) for one in (first, there))
        squares.append(np.sqrt(np.nansum(a) * np.nansum(b)) / max(days, 1) * np.ones(days))
    table, scale = np.array(sums).T, np.array(squares).T
    r, error = correlation(table, scale)
    return Excess(table, scale, r, error)


def correlation(days: Values, squares: Values) -> tuple[Values, Values]:
    """Return correlation and standard error from daily sums; see `Excess`."""
    total = np.maximum(np.where(np.isfinite(days), squares, 0.0).sum(axis=0), np.finfo(float).tiny)
    n = np.maximum(np.isfinite(days).sum(axis=0), 2)
    mean = np.nansum(days, axis=0) / n
    off = np.where(np.isfinite(days), days - mean, 0.0)
    variance = (off**2).sum(axis=0)
    for lag in range(1, min(_REMEMBERED_DAYS, len(days) - 1) + 1):
        weight = 1 - lag / (_REMEMBERED_DAYS + 1)
        variance = variance + 2 * weight * (off[lag:] * off[:-lag]).sum(axis=0)
    # Never less than independent days would have: short logs may show a memory below zero by chance.
    variance = np.maximum(variance, (off**2).sum(axis=0)) * n / (n - 1)
    return n * mean / total, np.maximum(np.sqrt(variance), np.finfo(float).tiny) / total


def _later(values: Values, rows: int) -> Values:
    """Return values read some rows later (or, if negative, earlier), NaN beyond the ends."""
    moved = np.full(len(values), np.nan)
    if rows >= 0:
        moved[: max(len(values) - rows, 0)] = values[rows:]
    else:
        moved[-rows:] = values[:rows]
    return moved


def _daily(values: Values, days: int) -> Values:
    """Return sums over the days, NaN where less than half was read."""
    by_day = values.reshape(days, -1)
    enough = np.isfinite(by_day).mean(axis=1) >= 0.5
    return np.where(enough, np.nansum(by_day, axis=1), np.nan)
