"""Back-test of the forecast with a rolling origin, and intervals learned from its errors.

The log is walked through in time: fit on the past, forecast, compare with what came. Intervals come from
the errors of earlier origins alone. Their level follows adaptive conformal inference [1]_: it widens after
misses and narrows after hits, so that the share of hits holds even where the log changes its ways. The mean
absolute scaled error [2]_ divides by what the seasonal naive forecast errs, here at the same targets.

References
----------
.. [1] I. Gibbs, E. Candès, "Adaptive conformal inference under distribution shift", NeurIPS 34 (2021)
   1660-1672, arXiv:2106.00170
.. [2] R. J. Hyndman, A. B. Koehler, "Another look at measures of forecast accuracy", International Journal
   of Forecasting 22 (2006) 679-688, doi:10.1016/j.ijforecast.2006.03.001
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.progress import Progress, no_progress
from ellimaps.sensors.analysis.forecast_model import LogCourse, fit_predict, seasonal_naive

# Four of five: an interval users of weather forecasts know how to take.
COVERAGE = 0.8
# Results do not depend on it within a factor of 2: coverage of generated logs is 79 to 80 % on average with
# 0.01, 0.02 and 0.04 (seeds 100 and 101).
_ADAPTION = 0.02
# Below it the ends of an 80 % interval are the largest errors themselves.
_FEWEST_ERRORS = 20
# A user's wait allows for six fits; the model changes little within a ninth of the log.
_FITS = 6
_FIRST_SHARE = 1 / 3
# Eight times of day take part, none of them twice within the shortest default horizon.
_BETWEEN_ORIGINS = pd.Timedelta("3h")

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Backtest:
    """Errors of past forecasts.

    Attributes
    ----------
    errors, naive_errors : array
        Measured less forecast, of the model and of the seasonal naive forecast: ``(origin, step ahead)``,
        NaN where nothing was measured.
    naive_scale : float
        Mean absolute error of the seasonal naive forecast before the first origin.
    origins : array
        Rows the forecasts were made from.
    """

    errors: Values
    naive_errors: Values
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
        """Return after how many further origins the outcome of a forecast is known."""
        return int(np.ceil(step / max(int(self.origins[1] - self.origins[0]), 1)))


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
    forecasts = []
    for done, part in enumerate(np.array_split(origins, _FITS)):
        on_progress(done, _FITS, "testing the forecast on the past")
        forecasts.append(fit_predict(course, int(part[0]) + 1, part, ahead))
    on_progress(_FITS, _FITS, "testing the forecast on the past")
    day = course.rows(pd.Timedelta("1D"))
    changes = np.abs(measured[day:first] - measured[: first - day])
    scale = float(np.nanmean(changes)) if np.isfinite(changes).any() else float("nan")
    naive = seasonal_naive(course, origins, ahead)
    return Backtest(truth - np.concatenate(forecasts), truth - naive, scale, origins)


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
    for now in range(len(errors) + delay):
        # Whether an interval held is known only when its forecast came due, as the error itself is.
        if now - delay in hits:
            level += _ADAPTION * (miss - (not hits[now - delay]))
        known = errors[: max(now - delay + 1, 0)]
        known = known[np.isfinite(known)]
        if now >= len(errors) or len(known) < _FEWEST_ERRORS or not np.isfinite(errors[now]):
            continue
        low, high = _bounds(known, level)
        hits[now] = bool(low <= errors[now] <= high)
    low, high = _bounds(errors[np.isfinite(errors)], level)
    return low, high, float(np.mean(list(hits.values()))) if hits else float("nan")


def _bounds(errors: Values, level: float) -> tuple[float, float]:
    """Return the quantiles of past errors that leave out ``level`` of the next, half on either side."""
    if not len(errors):
        return float("-inf"), float("inf")
    tail = float(np.clip(level, 1 / (len(errors) + 1), 0.9)) / 2
    low, high = np.quantile(errors, [tail, 1 - tail])
    return float(low), float(high)


def _ratio(error: float, baseline: float) -> float:
    return error / baseline if baseline > 0 else float("nan")
