"""Ways to forecast a log: ridge regressions on its last day or week, and two naive repetitions.

Forecasts are direct: the change from now to each step ahead has coefficients of its own, so errors do not
build up from step to step [1]_.

References
----------
.. [1] S. Ben Taieb, G. Bontempi, A. F. Atiya, A. Sorjamaa, "A review and comparison of strategies for
   multi-step ahead time series forecasting", Expert Systems with Applications 39 (2012) 7067-7083,
   doi:10.1016/j.eswa.2012.01.039
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.statistics import MAD_TO_SIGMA, robust_sigma

_DAY = pd.Timedelta("1D")
# Lags dense where a log remembers most and hourly over the day; means up to a week. Chosen with the ridge on
# generated logs, seeds 100 to 104 (the choosing half of benchmarks/bench_anomalies.py).
_LAGS_H = (0.25, 0.5, 0.75, 1, 1.5, *range(2, 25), 30, 36, 42, 48)
_MEANS_H = (1, 6, 24, 72, 168)
# The day a week before, every three hours; and the weekly course of a day, with what makes its days differ.
_WEEK_BEFORE_H = tuple(range(144, 169, 3))
_WEEKLY_HARMONICS = (1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13)
# One to repeat, and two to see whether that helps.
_FEWEST_WEEKS = 3
# Of four, the mean has half the noise of one; rooms of months ago were others.
_MOST_WEEKS = 4
NAIVE = "the day before"
# Rows a quarter of an hour apart say nearly the same, so what each adds to the fit counts little.
_RIDGE_PER_ROW = 0.3
# Noises: daily swings of rooms stay below 4 of their median deviation, faults of sensors far beyond.
_OUTLIER = 8.0

Values = NDArray[np.float64]


@dataclass(frozen=True)
class LogCourse:
    """A log prepared for forecasting.

    Attributes
    ----------
    measured : Series
        Means per step, NaN in gaps.
    filled : array
        The same without gaps (last value carried forward) and with outliers cut off.
    features : array
        ``(row, feature)``: what is known at each row; differences from the value at the row, and the time
        of day.
    weekly_features : array
        ``(row, feature)``: the same with the day a week before, and the time of the week.
    step : Timedelta
        Time from row to row.
    """

    measured: pd.Series
    filled: Values
    features: Values
    weekly_features: Values
    step: pd.Timedelta

    def rows(self, time: pd.Timedelta) -> int:
        """Return the number of rows in a time."""
        return round(time / self.step)


def prepare(measured: pd.Series) -> LogCourse:
    """Fill gaps with the past, cut outliers off and compute the features of every row."""
    index = pd.DatetimeIndex(measured.index)
    step = pd.Timedelta(index[1] - index[0])
    known = measured.ffill().bfill()
    filled = _without_outliers(known, round(_DAY / step))
    columns = [filled.shift(_rows(h, step)) - filled for h in _LAGS_H if _rows(h, step)]
    columns += [filled.rolling(_rows(h, step) + 1, min_periods=1).mean() - filled for h in _MEANS_H]
    angle = 2 * np.pi * ((index - index.normalize()) / _DAY).to_numpy()
    waves = [wave(n * angle) for n in (1, 2, 3) for wave in (np.sin, np.cos)]
    features = np.column_stack([column.fillna(0.0).to_numpy() for column in columns] + waves)
    week = [filled.shift(_rows(h, step)) - filled for h in _WEEK_BEFORE_H]
    turns = 2 * np.pi * ((index.day_of_week + (index - index.normalize()) / _DAY) / 7).to_numpy()
    waves = [wave(n * turns) for n in _WEEKLY_HARMONICS for wave in (np.sin, np.cos)]
    weekly = np.column_stack([features, *(column.fillna(0.0).to_numpy() for column in week), *waves])
    return LogCourse(measured, filled.to_numpy(np.float64), features, weekly, step)


def _without_outliers(known: pd.Series, day: int) -> pd.Series:
    """Cut values off at 8 noises from the median of all before them: a back-test must not see the future."""
    middle = known.expanding(min_periods=day).median()
    spread = (known - middle).abs().expanding(min_periods=day).median() * MAD_TO_SIGMA
    reach = _OUTLIER * spread.where(spread > 0)
    return known.clip((middle - reach).fillna(-np.inf), (middle + reach).fillna(np.inf))


def forecasts_by(course: LogCourse, end: int, origins: NDArray[np.intp], ahead: int) -> dict[str, Values]:
    """Return what each way forecasts, the naive one first; those of weeks need some to learn from.

    Parameters
    ----------
    course : LogCourse
        The prepared log.
    end : int
        Rows from here on are not used for a fit.
    origins : array, shape (origin,)
        Rows to forecast from.
    ahead : int
        Steps ahead.

    Returns
    -------
    dict
        By name of the way: array, shape (origin, step ahead).
    """
    days, naive = (
        fit_predict(course, course.features, end, origins, ahead),
        seasonal_naive(course, origins, ahead),
    )
    ways = {NAIVE: naive, "days": days, "days and the day before": (days + naive) / 2}
    if len(course.filled) >= _FEWEST_WEEKS * 7 * course.rows(_DAY):
        ways["weeks"] = fit_predict(course, course.weekly_features, end, origins, ahead)
        ways["the weeks before"] = weeks_before(course, origins, ahead)
    return ways


def fit_predict(
    course: LogCourse, features: Values, end: int, origins: NDArray[np.intp], ahead: int
) -> Values:
    """Fit on rows before ``end`` and forecast from some origins.

    Parameters
    ----------
    course : LogCourse
        The prepared log.
    features : array, shape (row, feature)
        Those of the course: with or without the week before.
    end : int
        Rows from here on are not used for the fit.
    origins : array
        Rows to forecast from.
    ahead : int
        Steps ahead.

    Returns
    -------
    array
        ``(origin, step ahead)``.
    """
    from sklearn.linear_model import Ridge  # type: ignore[import-untyped]
    from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped]

    first = min(course.rows(_DAY), end // 4)
    starts = np.arange(first, end - ahead)
    # What a gap was filled with has no course to learn from.
    known = np.isfinite(course.measured.to_numpy(np.float64))
    whole = known[starts] & known[starts + ahead] & ~_touched(course, end, starts, ahead)
    starts = starts[whole] if whole.sum() > ahead else starts
    targets = np.lib.stride_tricks.sliding_window_view(course.filled, ahead + 1)[starts, 1:]
    targets = targets - course.filled[starts, None]
    scaler = StandardScaler().fit(features[starts])
    model = Ridge(alpha=_RIDGE_PER_ROW * len(starts)).fit(scaler.transform(features[starts]), targets)
    change = model.predict(scaler.transform(features[origins]))
    return np.asarray(course.filled[origins, None] + change, np.float64)


def _touched(course: LogCourse, end: int, starts: NDArray[np.intp], ahead: int) -> NDArray[np.bool_]:
    """Return whether an outlier lies in the day before a row or in what follows it, by rows before the end.

    The first days are not cut off: nothing before them says what is usual.
    """
    past = course.filled[:end]
    middle = np.median(past)
    spread = robust_sigma(past)
    outliers = np.concatenate([[0], np.cumsum(np.abs(past - middle) > _OUTLIER * max(spread, 1e-9))])
    before = np.maximum(starts - course.rows(_DAY), 0)
    return np.asarray(outliers[starts + ahead + 1] > outliers[before])


def seasonal_naive(course: LogCourse, origins: NDArray[np.intp], ahead: int) -> Values:
    """Return the baseline: what was measured at the same time the day before.

    Parameters
    ----------
    course : LogCourse
        The prepared log.
    origins : array, shape (origin,)
        Rows to forecast from.
    ahead : int
        Steps ahead.

    Returns
    -------
    array, shape (origin, step ahead)
        In the unit of the log.
    """
    return _repeated(course, origins, ahead, course.rows(_DAY))


def weeks_before(course: LogCourse, origins: NDArray[np.intp], ahead: int) -> Values:
    """Return the mean of the last weeks, moved by as much as the last day differs from those then.

    Parameters and return as of `seasonal_naive`.
    """
    week = 7 * course.rows(_DAY)
    count = int(np.clip(origins.min() // week, 1, _MOST_WEEKS))
    last_day = pd.Series(course.filled).rolling(course.rows(_DAY), min_periods=1).mean().to_numpy()
    moved = [
        _repeated(course, origins, ahead, n * week)
        + (last_day[origins] - last_day[np.maximum(origins - n * week, 0)])[:, None]
        for n in range(1, count + 1)
    ]
    return np.asarray(np.mean(moved, axis=0))


def _repeated(course: LogCourse, origins: NDArray[np.intp], ahead: int, period: int) -> Values:
    """Return the last known values at the same place of a period of some rows."""
    rows = origins[:, None] + np.arange(1, ahead + 1)
    while (rows > origins[:, None]).any():
        rows = np.where(rows > origins[:, None], rows - period, rows)
    return np.asarray(course.filled[np.maximum(rows, 0)])


def _rows(hours: float, step: pd.Timedelta) -> int:
    return round(pd.Timedelta(hours=hours) / step)
