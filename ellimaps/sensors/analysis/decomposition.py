"""A log on a regular grid, taken apart into slow trend, daily and weekly profile, and the rest.

All parts are medians, so neither a spike nor a day out of the ordinary bends them. It is the idea of
STL [1]_ in a form that costs two moving medians.

References
----------
.. [1] R. B. Cleveland, W. S. Cleveland, J. E. McRae, I. Terpenning, "STL: a seasonal-trend decomposition
   procedure based on loess", Journal of Official Statistics 6 (1990) 3-73.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ellimaps.core.errors import SettingError
from ellimaps.sensors.store.steps import resolution_of

# Rooms and instruments have time constants of tens of minutes: finer readings only tell noise.
SHORTEST_STEP = pd.Timedelta("5min")
# The limit is one per hour, and a daily course of fewer points has no shape.
_LONGEST_STEP = pd.Timedelta("1h")
# Two days of the longest step.
_FEWEST_READINGS = 48
_DAY = pd.Timedelta("1D")
# Whole weeks, so that weekends leave no trace.
_TREND_DAYS = 7
# The median of fewer days follows each of them.
_PROFILE_DAYS = 4
_PROFILE_SMOOTHING = pd.Timedelta("1h")
# Medians of three other weeks; and by how much they must make a week's hours smaller, as noise does not.
_FEWEST_WEEKS = 4
_WEEKLY_GAIN = 0.95


@dataclass(frozen=True)
class Decomposition:
    """A log taken apart; ``values = trend + daily + weekly + residual``.

    Attributes
    ----------
    values : Series
        The log on a regular grid of local time, NaN in gaps.
    trend : Series
        Its course over weeks.
    daily : Series
        What repeats every day; its mean is 0.
    weekly : Series
        What the days of the week differ in, where that helps to tell other weeks; else 0.
    residual : Series
        The rest.
    step : Timedelta
        Time from one row to the next.
    resolution : float
        The smallest step of the readings, in their unit.
    """

    values: pd.Series
    trend: pd.Series
    daily: pd.Series
    weekly: pd.Series
    residual: pd.Series
    step: pd.Timedelta
    resolution: float

    @property
    def is_coarse(self) -> bool:
        """Whether readings move in steps that are larger than their noise."""
        steps = self.values.diff().abs().dropna().to_numpy(np.float64)
        return bool(len(steps)) and self.resolution > 2 * float(np.median(steps))

    @property
    def moves_in_steps(self) -> bool:
        """Whether a coarse log moves by whole steps; one that averages a coarse sensor does not."""
        steps = self.values.diff().abs().to_numpy(np.float64)
        moved = steps[steps > 0]
        return self.is_coarse and len(moved) > 0 and float(np.median(moved)) < 1.5 * self.resolution

    def dithered(self, values: pd.Series) -> pd.Series:
        """Return values of a coarse log with what rounding may have taken away: noise within its resolution.

        Levels of chance cannot be found among three values; with the rounding undone at random they can.
        """
        if not self.is_coarse:
            return values
        noise = np.random.default_rng(0).uniform(-0.5, 0.5, len(values))
        return values + self.resolution * noise

    @property
    def months(self) -> float:
        """Measured time in months of 30 days."""
        return float(self.values.notna().sum() * (self.step / pd.Timedelta("30D")))

    def steps(self, hours: float) -> int:
        """Return the number of rows in some hours, at least 1."""
        return max(1, round(pd.Timedelta(hours=hours) / self.step))


def regular(series: pd.Series, every: pd.Timedelta = SHORTEST_STEP) -> pd.Series:
    """Return a log on a regular grid: the mean of each interval, NaN where nothing was measured.

    Parameters
    ----------
    series : Series
        Readings by local time, in any order.
    every : Timedelta
        Step of the grid; a log read less often keeps its own step.

    Raises
    ------
    SettingError
        If the series has no times, or too few readings to be analysed.
    """
    if not isinstance(series.index, pd.DatetimeIndex):
        raise SettingError("The log has no times as its index: read it with ellimaps.sensors.store.logs.")
    readings = series.dropna().astype(np.float64).sort_index()
    readings = readings[np.isfinite(readings.to_numpy())]
    spacing = pd.Timedelta(readings.index.unique().to_series().diff().median())
    if len(readings) < _FEWEST_READINGS:
        raise SettingError(
            f"The log has {len(readings)} readings in this selection: choose a longer time "
            f"(at least {_FEWEST_READINGS})."
        )
    if spacing > _LONGEST_STEP:
        raise SettingError(
            f"The log has a reading every {spacing} in this selection: it takes one an hour at least."
        )
    step = max(pd.Timedelta(every), pd.Timedelta(spacing).round("min"))
    gridded = readings.resample(step).mean()
    gridded.name = series.name
    return gridded


def decompose(series: pd.Series, resolution: float | None = None) -> Decomposition:
    """Take a log apart into trend, daily and weekly profile, and residual.

    Parameters
    ----------
    series : Series
        Readings by local time; put on a grid of 5 min or, if it was read less often, its own step.
    resolution : float, optional
        The smallest step of the sensor; by default that of these readings, which may be means of finer ones.

    Raises
    ------
    SettingError
        If the log is too short or has no times.
    """
    values = regular(series)
    step = pd.Timedelta(values.index[1] - values.index[0])
    per_day = round(_DAY / step)
    daily = _daily_profile(values - _moving_median(values, per_day), step)
    # At the ends the window is no whole number of days: the daily course would bend the trend there.
    trend = _moving_median(values - daily, _TREND_DAYS * per_day)
    trend = trend.rolling(per_day, center=True, min_periods=1).mean().interpolate(limit_direction="both")
    weekly = _weekly_profile(values - trend - daily)
    finest = resolution_of(series.to_numpy(np.float64)) if resolution is None else resolution
    return Decomposition(values, trend, daily, weekly, values - trend - daily - weekly, step, finest)


def _weekly_profile(residual: pd.Series) -> pd.Series:
    """Return the median by hour of the week; nothing unless it foretells other weeks."""
    nothing = pd.Series(0.0, index=residual.index)
    index = pd.DatetimeIndex(residual.index)
    hour = pd.Series(index.day_of_week * 24 + index.hour, index=index)
    week = pd.Series((index.normalize() - pd.to_timedelta(index.day_of_week, unit="D")), index=index)
    by_week = residual.groupby([week.to_numpy(), hour.to_numpy()]).median().unstack()
    by_week = by_week[by_week.notna().mean(axis=1) > 0.5].reindex(columns=range(168))
    if len(by_week) < _FEWEST_WEEKS:
        return nothing
    hours = by_week.to_numpy(np.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        others = np.array([np.nanmedian(np.delete(hours, n, axis=0), axis=0) for n in range(len(hours))])
        profile = np.nanmedian(hours, axis=0)
    with_it, without = np.nanmean(np.abs(hours - others)), np.nanmean(np.abs(hours))
    if not with_it < _WEEKLY_GAIN * without:
        return nothing
    smooth = np.convolve(np.pad(np.nan_to_num(profile), 1, mode="wrap"), np.full(3, 1 / 3), mode="valid")
    return pd.Series(smooth[hour.to_numpy()], index=residual.index)


def _moving_median(values: pd.Series, rows: int) -> pd.Series:
    return values.rolling(rows, center=True, min_periods=max(1, rows // 14)).median()


def _daily_profile(detrended: pd.Series, step: pd.Timedelta) -> pd.Series:
    """Return the median by time of day, smoothed over an hour; nothing for a log of a few days."""
    index = pd.DatetimeIndex(detrended.index)
    if index[-1] - index[0] < _PROFILE_DAYS * _DAY:
        return pd.Series(0.0, index=index)
    slot = ((index - index.normalize()) // step).to_numpy()
    by_slot = detrended.groupby(slot).median().reindex(range(int(_DAY / step))).interpolate()
    by_slot = by_slot.bfill().fillna(0.0)
    width = 2 * round(_PROFILE_SMOOTHING / step / 2) + 1
    around = np.pad(by_slot.to_numpy(), width // 2, mode="wrap")
    smooth = np.convolve(around, np.full(width, 1 / width), mode="valid")
    return pd.Series((smooth - smooth.mean())[np.minimum(slot, len(smooth) - 1)], index=index)
