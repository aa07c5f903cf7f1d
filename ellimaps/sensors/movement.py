"""How far and how fast a value moved within a window that ends at each moment."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import SettingError
from ellimaps.sensors.store.logs import SensorLog
from ellimaps.sensors.store.steps import gaps, usual_steps
from ellimaps.sensors.store.times import Time, length_of, time_of
from ellimaps.sensors.store.units import degrees

# What makers of confocal microscopes allow for the temperature of the room: 0.5 deg C within an hour.
WINDOW = "1h"
LIMIT = 0.5
# A minute of an hour: faster than air in a room changes.
_CELLS_PER_WINDOW = 60
# The share of a window that must have been read: with less, the larger part of it is not known.
_LEAST_KNOWN = 0.5
# Two readings tell a difference but not what lies between them.
_FEWEST_READINGS = 3
# Rows whose slopes are computed around one origin: sums of squares of times then lose no digits that count.
_ROWS_AT_ONCE = 1024

Values = NDArray[np.float64]


def movement_of(
    log: SensorLog,
    key: tuple[str, str, str],
    start: Time | None = None,
    end: Time | None = None,
    *,
    limit: float = LIMIT,
    window: str = WINDOW,
) -> pd.DataFrame:
    """Return how far a sensor's value moved within the window that ends at each of its readings.

    Readings are averaged over a sixtieth of the window where they are denser, but for a sensor that tells
    changes only: its values hold. A step longer than is usual around it is a gap, within which nothing is
    known; a window of which less than half is known says nothing (NaN).

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
        line fitted to it, per hour), ``hours`` (that the row stands for), ``out`` and ``steep`` (whether
        range and slope are beyond the limit).

    Raises
    ------
    SettingError
        If a setting cannot be read.
    """
    length = length_of(window)
    check_limit(limit)
    row = log.chosen(*key).iloc[0]
    before = time_of(start) - length if start is not None else None
    cell = length / _CELLS_PER_WINDOW
    dense = not row["held"] and row["step_s"] < cell / pd.Timedelta(seconds=1)
    values = log.averaged(*key, start=before, end=end, every=cell) if dense else log.series(*key, before, end)
    table = movement(values, length, held=bool(row["held"]))
    allowed = limit_in_unit(log, key, limit)
    table["out"] = table["range"] > allowed
    table["steep"] = table["slope"].abs() > allowed
    return table if start is None else table[table.index >= time_of(start)]


def movement(values: pd.Series, length: pd.Timedelta, *, held: bool) -> pd.DataFrame:
    """Return ``value, range, slope, hours`` of readings by time; see `movement_of`.

    Parameters
    ----------
    values : Series
        Readings by ascending time, each time once.
    length : Timedelta
        Length of the window.
    held : bool
        Whether a value holds until the next one.
    """
    table = pd.DataFrame({"value": values})
    if not len(values):
        return table.assign(range=np.nan, slope=np.nan, hours=np.nan)
    hours = ((values.index - values.index[0]) / pd.Timedelta(hours=1)).to_numpy(np.float64)
    width = length / pd.Timedelta(hours=1)
    steps = np.diff(hours)
    known = np.where(gaps(steps, held=held), 0.0, steps)
    usual = usual_steps(steps)
    first = np.searchsorted(hours, hours - width * (1 + 1e-9))
    rows = np.arange(len(hours)) - first + 1
    within = _known_until(hours, known, hours) - _known_until(hours, known, hours - width)
    says = within >= _LEAST_KNOWN * width * (1 - 1e-9)
    if not held:
        says &= rows >= _FEWEST_READINGS
    rolled = values.rolling(length, closed="both")
    low, high = rolled.min().to_numpy(np.float64), rolled.max().to_numpy(np.float64)
    if held:
        low, high = _with_value_before(values.to_numpy(np.float64), first, known, low, high)
    table["range"] = np.where(says, high - low, np.nan)
    table["slope"] = np.where(says, _slopes(hours, values.to_numpy(np.float64), first), np.nan)
    stands_for = np.where(known > 0, known, usual)
    table["hours"] = np.concatenate([usual[:1] if len(usual) else [np.nan], stands_for])
    return table


def check_limit(limit: float) -> None:
    """Refuse a limit that is not a positive number."""
    if not 0 < limit < np.inf:
        raise SettingError(f"The limit must be a positive number, not {limit!r}.")


def check_rate(false_alarms_per_month: float) -> None:
    """Refuse a rate of false alarms that is none, or more than a log has hours."""
    if not 0 < false_alarms_per_month <= 1000:
        raise SettingError(
            f"{false_alarms_per_month:g} false alarms per month cannot be asked for: choose up to 1000."
        )


def limit_in_unit(log: SensorLog, key: tuple[str, str, str], limit: float) -> float:
    """Return a limit in deg C as one in the unit of a sensor; degrees Fahrenheit are smaller."""
    unit = str(log.chosen(*key)["unit"].iloc[0])
    return degrees(limit, unit)


def _known_until(hours: Values, known: Values, moments: Values) -> Values:
    """Return the hours known from the first reading to some moments, gaps left out; shape ``(moment,)``."""
    total = np.concatenate([[0.0], np.cumsum(known)])
    step = np.clip(np.searchsorted(hours, moments, side="right") - 1, 0, max(len(known) - 1, 0))
    if not len(known):
        return np.zeros(len(moments))
    inside = np.clip(moments - hours[step], 0.0, known[step])
    return np.asarray(np.where(moments < hours[0], 0.0, total[step] + inside))


def _with_value_before(
    values: Values, first: NDArray[np.intp], known: Values, low: Values, high: Values
) -> tuple[Values, Values]:
    """Count the value that still held when a window began, unless it began in a gap."""
    before = np.maximum(first - 1, 0)
    holds = (first > 0) & (known[np.minimum(before, len(known) - 1)] > 0) if len(known) else first > 0
    there = np.where(holds, values[before], np.nan)
    return np.fmin(low, there), np.fmax(high, there)


def _slopes(hours: Values, values: Values, first: NDArray[np.intp]) -> Values:
    """Return least-squares slopes per hour over the rows from ``first`` to each row; shape ``(row,)``."""
    slopes = np.full(len(values), np.nan)
    for begin in range(0, len(values), _ROWS_AT_ONCE):
        end = min(begin + _ROWS_AT_ONCE, len(values))
        origin = int(first[begin])
        x, y = hours[origin:end] - hours[origin], values[origin:end]
        y = y - y.mean()
        sums = [np.concatenate([[0.0], np.cumsum(part)]) for part in (x, y, x * x, x * y)]
        low, high = first[begin:end] - origin, np.arange(begin, end) - origin + 1
        n = (high - low).astype(np.float64)
        once, total, square, product = (part[high] - part[low] for part in sums)
        spread = n * square - once**2
        with np.errstate(divide="ignore", invalid="ignore"):
            found = (n * product - once * total) / spread
        slopes[begin:end] = np.where(spread > 1e-12 * n**2, found, np.nan)
    return slopes
