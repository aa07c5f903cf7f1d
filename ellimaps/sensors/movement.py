"""How far and how fast a value moved within a window that ends at each moment."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import SettingError
from ellimaps.sensors.store.logs import SensorLog
from ellimaps.sensors.store.times import Time, length_of, time_of
from ellimaps.sensors.store.units import degrees

# What makers of confocal microscopes allow for the temperature of the room: 0.5 deg C within an hour.
WINDOW = "1h"
LIMIT = 0.5
# A minute of an hour: faster than air in a room changes.
_STEPS_PER_WINDOW = 60
# The share of a window that must have been read: with less, the larger part of it is not known.
_LEAST_FILLED = 0.5


def movement_of(
    log: SensorLog,
    key: tuple[str, str, str],
    start: Time | None = None,
    end: Time | None = None,
    *,
    limit: float = LIMIT,
    window: str = WINDOW,
) -> pd.DataFrame:
    """Return how far a sensor's value moved within the window that ends at each moment.

    Readings are averaged over a sixtieth of the window where they are denser. A window of which less than
    half was read says nothing (NaN).

    Parameters
    ----------
    log : SensorLog
        The log.
    key : (str, str, str)
        Region, source and name of the sensor.
    start, end : str or datetime, optional
        Local times; readings of one window before the start are used for the first windows.
    limit : float
        Largest range allowed within a window, and largest slope per hour. In deg C, or the unit of a sensor
        that reads something else.
    window : str
        Length of the window, as ``1h``.

    Returns
    -------
    DataFrame
        Indexed by time: ``value``, ``range`` (largest minus smallest value of the window), ``slope`` (of the
        line fitted to it, per hour), ``out`` and ``steep`` (whether range and slope are beyond the limit).

    Raises
    ------
    SettingError
        If a setting cannot be read.
    """
    length = length_of(window)
    check_limit(limit)
    before = time_of(start) - length if start is not None else None
    usual = usual_step(log, key, before, end)
    step = max(usual if usual is not None else length, length / _STEPS_PER_WINDOW)
    taps = round(length / step) + 1
    values = log.series(*key, start=before, end=end, every=f"{int(step / pd.Timedelta(microseconds=1))}us")
    table = pd.DataFrame({"value": values})
    # Two readings a window tell a difference but not what lies between them.
    least = max(3, int(np.ceil(_LEAST_FILLED * taps)))
    rolled = values.rolling(max(taps, least), min_periods=least)
    table["range"] = (rolled.max() - rolled.min()) if taps >= least else np.nan
    table["slope"] = _slopes(values.to_numpy(), taps, least) / (step / pd.Timedelta(hours=1))
    allowed = limit_in_unit(log, key, limit)
    table["out"] = table["range"] > allowed
    table["steep"] = table["slope"].abs() > allowed
    return table if start is None else table[table.index >= time_of(start)]


def check_limit(limit: float) -> None:
    """Refuse a limit that is not a positive number."""
    if not 0 < limit < np.inf:
        raise SettingError(f"The limit must be a positive number, not {limit!r}.")


def limit_in_unit(log: SensorLog, key: tuple[str, str, str], limit: float) -> float:
    """Return a limit in deg C as one in the unit of a sensor; degrees Fahrenheit are smaller."""
    unit = str(log.chosen(*key)["unit"].iloc[0])
    return degrees(limit, unit)


def usual_step(
    log: SensorLog, key: tuple[str, str, str], start: Time | None = None, end: Time | None = None
) -> pd.Timedelta | None:
    """Return the usual time between two readings of a sensor; None if it was read less than twice.

    Parameters
    ----------
    log : SensorLog
        The log.
    key : (str, str, str)
        Region, source and name of the sensor.
    start, end : str or datetime, optional
        Local times; the first 10,000 readings between them are looked at.
    """
    row = log.chosen(*key).iloc[0]
    first = row["start"] if start is None else max(row["start"], time_of(start))
    # A piece is enough: what is usual does not take millions of readings.
    times = log.head(*key, start=first, end=end, n=10_000)["time"]
    steps = times.diff().dropna()
    steps = steps[steps > pd.Timedelta(0)]
    return pd.Timedelta(steps.median()) if len(steps) else None


def _slopes(values: NDArray[np.float64], taps: int, least: int) -> NDArray[np.float64]:
    """Return least-squares slopes per step over the last ``taps`` values, NaN left out; shape ``(step,)``."""
    there = np.isfinite(values)
    if not there.any():
        return np.full(len(values), np.nan)
    # Around their mean the sums below lose no digits.
    filled = np.where(there, values - values[there].mean(), 0.0)
    weights = there.astype(np.float64)
    # Convolution turns its kernel round: the newest value meets the first tap.
    offset = np.asarray(np.arange(taps)[::-1] - (taps - 1) / 2, np.float64)

    def summed(what: NDArray[np.float64], kernel: NDArray[Any]) -> NDArray[np.float64]:
        return np.convolve(what, kernel)[: len(values)]

    n, once = summed(weights, np.ones(taps)), summed(weights, offset)
    square, total = summed(weights, offset**2), summed(filled, np.ones(taps))
    product = summed(filled, offset)
    spread = n * square - once**2
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes = (n * product - once * total) / spread
    return np.where((n >= least) & (spread > 0.5), slopes, np.nan)
