"""Back-test of the forecast with a rolling origin, and intervals learned from its errors.

The log is walked through in time: fit on the past, forecast, compare with what came. There are several ways
to forecast; each step ahead takes the one that did best until then, and the day before until another has
shown to be better, or throughout if choosing did not pay off. Intervals come from the errors of earlier
origins alone. Their level follows adaptive conformal inference [1]_: it widens after misses and narrows
after hits, so that the share of hits holds even where the log changes its ways. The mean absolute scaled
error [2]_ divides by what the seasonal naive forecast errs, here at the same targets.

References
----------
.. [1] I. Gibbs, E. Candès, "Adaptive conformal inference under distribution shift", NeurIPS 34 (2021)
   1660-1672, arXiv:2106.00170
.. [2] R. J. Hyndman, A. B. Koehler, "Another look at measures of forecast accuracy", International Journal
   of Forecasting 22 (2006) 679-688, doi:10.1016/j.ijforecast.2006.03.001
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.progress import Progress, no_progress
from ellimaps.sensors.analysis.forecast_model import NAIVE, LogCourse, forecasts_by

# Four of five: an interval users of weather forecasts know how to take.
COVERAGE = 0.8
# Results do not depend on it within a factor of 2: coverage of generated logs is 79 to 80 % on average with
# 0.01, 0.02 and 0.04 (seeds 100 and 101).
_ADAPTION = 0.02
# Below it the ends of an 80 % interval are the largest errors themselves.
_FEWEST_ERRORS = 20
# Standard errors of the gain. The day after logs of one to two weeks of the kinds for choosing, seeds 10 to
# 12, the worst kind errs 1.06 times as much as the day before; half of one gives 1.32 times, two 1.08 times.
_CLEARLY_BETTER = 1.0
# A user's wait allows for six fits; the model changes little within a ninth of the log.
_FITS = 6
_FIRST_SHARE = 1 / 3
# Eight times of day take part, none of them twice within the shortest default horizon.
_BETWEEN_ORIGINS = pd.Timedelta("3h")
# Origins of a week. With 1.5 instead of 2 times the largest error before, some logs of one to two weeks for
# choosing have a coverage of 67 % (benchmarks/bench_forecasts.py).
_A_WEEK = 56

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Backtest:
    """Errors of past forecasts.

    Attributes
    ----------
    errors, naive_errors : array
        Measured less forecast, of what was chosen and of the seasonal naive forecast: ``(origin, step
        ahead)``, NaN where nothing was measured.
    ways : array of str
        The way that did best over all origins, by step ahead.
    naive_scale : float
        Mean absolute error of the seasonal naive forecast before the first origin.
    origins : array
        Rows the forecasts were made from.
    """

    errors: Values
    naive_errors: Values
    ways: NDArray[np.str_]
    naive_scale: float
    origins: NDArray[np.intp]

    def accuracy(self, step: int) -> dict[str, float]:
        """Return the accuracy some steps ahead (from 1).

        Returns
        -------
        dict
            ``mae`` and ``naive_mae``; ``mase``, the first over the second; ``mase_in_sample``, over the
            naive error before the first origin; ``coverage``, the share of values within the intervals
            that were stated beforehand; ``n``, the number of values.
        """
        errors, naive = self.errors[:, step - 1], self.naive_errors[:, step - 1]
        both = np.isfinite(errors) & np.isfinite(naive)
        mae, naive_mae = float(np.abs(errors[both]).mean()), float(np.abs(naive[both]).mean())
        return {
            "mae": mae,
            "naive_mae": naive_mae,
            "mase": _ratio(mae, naive_mae),
            "mase_in_sample": _ratio(mae, self.naive_scale),
            "coverage": adaptive_interval(self.errors[:, step - 1], self._delay(step))[2],
            "n": int(both.sum()),
        }

    def interval(self, step: int) -> tuple[float, float]:
        """Return how far below and above a forecast some steps ahead the 80 % interval reaches."""
        low, high, _ = adaptive_interval(self.errors[:, step - 1], self._delay(step))
        return low, high

    def _delay(self, step: int) -> int:
        return delay_of(self.origins, step)


def backtest(course: LogCourse, ahead: int, on_progress: Progress = no_progress) -> Backtest | None:
    """Forecast from many origins in the last two thirds of a log; None if there are too few.

    Parameters
    ----------
    course : LogCourse
        The prepared log.
    ahead : int
        Steps ahead.
    on_progress : callable
        Called as ``on_progress(done, total, what)``.
    """
    rows = len(course.filled)
    first = max(int(rows * _FIRST_SHARE), 2 * course.rows(pd.Timedelta("1D")))
    origins = np.arange(first, rows - ahead, max(course.rows(_BETWEEN_ORIGINS), 1))
    if len(origins) < _FEWEST_ERRORS:
        return None
    ahead_rows = origins[:, None] + np.arange(1, ahead + 1)
    measured = course.measured.to_numpy(np.float64)
    # Nobody forecasts from within a gap.
    truth = np.where(np.isfinite(measured[origins, None]), measured[ahead_rows], np.nan)
    parts = []
    for done, part in enumerate(np.array_split(origins, _FITS)):
        on_progress(done, _FITS, "testing the forecast on the past")
        parts.append(forecasts_by(course, int(part[0]) + 1, part, ahead))
    on_progress(_FITS, _FITS, "testing the forecast on the past")
    errors = {way: truth - np.concatenate([part[way] for part in parts]) for way in parts[0]}
    chosen = np.array([chosen_ways(errors, step, delay_of(origins, step + 1)) for step in range(ahead)]).T
    taken = np.take_along_axis(np.array(list(errors.values())), chosen[None, :-1], axis=0)[0]
    day = course.rows(pd.Timedelta("1D"))
    changes = np.abs(measured[day:first] - measured[: first - day])
    scale = float(np.nanmean(changes)) if np.isfinite(changes).any() else float("nan")
    return Backtest(taken, errors[NAIVE], np.array(list(errors))[chosen[-1]], scale, origins)


def delay_of(origins: NDArray[np.intp], step: int) -> int:
    """Return after how many further origins the outcome of a forecast some steps ahead is known."""
    return int(np.ceil(step / max(int(origins[1] - origins[0]), 1)))


def chosen_ways(errors: Mapping[str, Values], step: int, delay: int) -> NDArray[np.intp]:
    """Return which way is taken at every origin, and next: the best so far, if that has paid off.

    Parameters
    ----------
    errors : mapping of str to array, shape (origin, step ahead)
        By way, the naive one first; NaN where nothing was measured.
    step : int
        Column of the errors.
    delay : int
        Origins after which an error is known.

    Returns
    -------
    array of int, shape (origin + 1,)
        Places of the ways.
    """
    sizes = np.abs(np.array([one[:, step] for one in errors.values()]))
    best = best_so_far(sizes, delay)
    taken = np.take_along_axis(sizes, best[None, :-1], axis=0)[0]
    both = np.isfinite(taken) & np.isfinite(sizes[0])
    return best if taken[both].sum() <= sizes[0, both].sum() else np.zeros_like(best)


def best_so_far(sizes: Values, delay: int) -> NDArray[np.intp]:
    """Return, for every origin and the next, which way erred least in all that was known by then.

    The first way is kept until another errs less by more than chance would have it.

    Parameters
    ----------
    sizes : array, shape (way, origin)
        Absolute errors; NaN where nothing was measured.
    delay : int
        Origins after which an error is known.

    Returns
    -------
    array of int, shape (origin + 1,)
        Places of the ways.
    """
    gain = sizes[0] - sizes
    known = np.isfinite(gain).all(axis=0)
    late = np.arange(sizes.shape[1] + 1) - delay
    count, total, square = (
        np.where(late > 0, np.cumsum(one, axis=-1)[..., np.maximum(late, 1) - 1], 0.0)
        for one in (known, np.where(known, gain, 0.0), np.where(known, gain**2, 0.0))
    )
    # Forecasts that overlap err alike: only as many count as lie behind each other.
    alone = np.maximum(count / (delay + 1), 1.0)
    mean = total / np.maximum(count, 1.0)
    error = np.sqrt(np.maximum(square / np.maximum(count, 1.0) - mean**2, 0.0) / alone)
    shown = (mean > _CLEARLY_BETTER * error) & (count >= _FEWEST_ERRORS)
    return np.asarray(np.where(shown, mean, 0.0).argmax(axis=0))


def adaptive_interval(errors: Values, delay: int) -> tuple[float, float, float]:
    """Return the interval of errors for the next forecast, and the share of past errors within theirs.

    Parameters
    ----------
    errors : array
        Errors by origin, shape ``(origin,)``; NaN where nothing was measured.
    delay : int
        Origins after which an error is known.
    """
    miss = 1 - COVERAGE
    level, hits = miss, dict[int, bool]()
    known: list[float] = []
    for now in range(len(errors) + delay):
        # Whether an interval held is known only when its forecast came due, as the error itself is.
        due = now - delay
        if due in hits:
            level += _ADAPTION * (miss - (not hits[due]))
        if due >= 0 and np.isfinite(errors[due]):
            insort(known, float(errors[due]))
        if now >= len(errors) or len(known) < _FEWEST_ERRORS or not np.isfinite(errors[now]):
            continue
        low, high = bounds(known, level, delay)
        hits[now] = bool(low <= errors[now] <= high)
    low, high = bounds(known, level, delay)
    return low, high, float(np.mean(list(hits.values()))) if hits else float("nan")


def bounds(errors: Sequence[float], level: float, delay: int) -> tuple[float, float]:
    """Return the ends of past errors that leave out ``level`` of the next, half on either side.

    Forecasts that overlap err alike: there are only as many errors as forecasts behind each other, and of few
    the ends are further out than they show.

    Parameters
    ----------
    errors : sequence of float
        Past errors, in any unit, ascending.
    level : float
        Share of the next that may lie outside.
    delay : int
        Origins after which an error is known.
    """
    if not len(errors):
        return float("-inf"), float("inf")
    if len(errors) < _A_WEEK:
        # What a weekend does is not yet known.
        reach = 2 * max(-errors[0], errors[-1])
        return -reach, reach
    alone = max(len(errors) / (delay + 1), 1.0)
    outside = min(max(level - 1 / (alone + 1), 1 / (len(errors) + 1)), 0.9) / 2
    low, high = _quantile(errors, outside), _quantile(errors, 1 - outside)
    margin = (high - low) / (4 * alone)
    return low - margin, high + margin


def _quantile(ascending: Sequence[float], share: float) -> float:
    """Return what `numpy.quantile` does, of values in order, to the bit."""
    place = (len(ascending) - 1) * share
    number = min(int(place), len(ascending) - 2)
    low, high, rest = ascending[number], ascending[number + 1], place - number
    return low + (high - low) * rest if rest < 0.5 else high - (high - low) * (1 - rest)


def _ratio(error: float, baseline: float) -> float:
    return error / baseline if baseline > 0 else float("nan")
