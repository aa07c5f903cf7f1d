"""Reasons in words and numbers: when, what, by how much, in what time."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ellimaps.sensors.analysis.decomposition import Decomposition
from ellimaps.sensors.analysis.detectors.evidence import Evidence, kind_of
from ellimaps.sensors.analysis.detectors.levels import EXTREME, LEVEL, SPIKE
from ellimaps.sensors.analysis.detectors.stuck import STUCK
from ellimaps.sensors.store.units import NO_NAMES

_HOUR = pd.Timedelta("1h")
# Of a change: the last twentieth of an exponential approach takes as long as all before.
_MOST_OF_IT = 0.95


def effect_of(
    log: Decomposition, start: pd.Timestamp, end: pd.Timestamp, strongest: Evidence, unit: str
) -> tuple[float, str]:
    """Return by how much a log did what it did, and that in words: "+1.2 deg C in 61 min".

    Parameters
    ----------
    log : Decomposition
        The log.
    start, end : Timestamp
        The period.
    strongest : Evidence
        What speaks for it most; its detector decides what is said.
    unit : str
        Unit of the readings.

    Returns
    -------
    float
        In the unit of the log; infinite for a sensor that is stuck, which has no size.
    str
        The words.
    """
    of = f" {unit}" if unit else ""
    kind, lasting = kind_of(strongest), duration(max(end - start, log.step))
    if kind == STUCK:
        value = _number(float(log.values[start:end].median()))
        return float("inf"), f"stuck at {value}{of} for {duration(end - start)}"
    if kind == SPIKE:
        size = _peak(log, strongest.start, strongest.end)
        return size, f"{_signed(size)}{of} for {duration(strongest.end - strongest.start + log.step)}"
    if kind == EXTREME:
        size = float((log.values - log.values.median())[start:end].median())
        return size, f"{_signed(size)}{of} off its median, as never otherwise, for {lasting}"
    if kind == LEVEL:
        size = float(log.residual[start:end].median())
        return size, f"{_signed(size)}{of} off its usual course for {lasting}"
    size, time = onset(log, start, end)
    return size, f"{_signed(size)}{of} in {_minutes(time)}"


def spoken_name(key: tuple[str, str, str]) -> str:
    """Return what a sensor reads as words: its name, or its source's where a table only says ``value``."""
    _, source, name = key
    return (source if name.lower() in NO_NAMES else name).replace("_", " ")


def when(start: pd.Timestamp, end: pd.Timestamp) -> str:
    """Return a period as "12 Jan 15:05-16:10", with the second day where it is another."""
    if start == end:
        return f"{start.day} {start:%b %H:%M}"
    if start.normalize() == end.normalize():
        return f"{start.day} {start:%b %H:%M}-{end:%H:%M}"
    return f"{start.day} {start:%b %H:%M} - {end.day} {end:%b %H:%M}"


def duration(time: pd.Timedelta) -> str:
    """Return a time as minutes, hours or days, whichever reads best."""
    hours = time / _HOUR
    if hours < 2:
        return _minutes(time)
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.1f} days"


def onset(log: Decomposition, start: pd.Timestamp, end: pd.Timestamp) -> tuple[float, pd.Timedelta]:
    """Return how a period began, or its fastest change if it began slowly."""
    whole = fastest_change(log, start, end)
    first = fastest_change(log, start, min(start + _HOUR, end))
    return first if abs(first[0]) >= abs(whole[0]) / 2 else whole


def fastest_change(log: Decomposition, start: pd.Timestamp, end: pd.Timestamp) -> tuple[float, pd.Timedelta]:
    """Return the largest change within an hour in a period, and the shortest time for nearly all of it."""
    values = log.values[start - _HOUR : end + _HOUR].interpolate().dropna()
    smooth = values.rolling(3, center=True, min_periods=1).median().to_numpy(np.float64)
    longest = min(log.steps(1), len(smooth) - 1)
    best = [max((smooth[rows:] - smooth[:-rows]), key=abs) for rows in range(1, longest + 1)]
    if not best:
        return 0.0, log.step
    largest = max(best, key=abs)
    rows = next(n for n, change in enumerate(best, start=1) if abs(change) >= _MOST_OF_IT * abs(largest))
    return float(best[rows - 1]), rows * log.step


def _peak(log: Decomposition, start: pd.Timestamp, end: pd.Timestamp) -> float:
    """Return how far readings are off those of the half hour on either side."""
    around = log.values[start - _HOUR / 2 : end + _HOUR / 2]
    inside = log.values[start:end]
    away = inside - around.drop(inside.index).median()
    return float(away.iloc[int(away.abs().to_numpy().argmax())])


def _minutes(time: pd.Timedelta) -> str:
    return f"{time / pd.Timedelta('1min'):.0f} min"


def _signed(value: float) -> str:
    return f"{value:+.1f}" if abs(value) >= 0.95 else f"{value:+.2g}"


def _number(value: float) -> str:
    return f"{value:.4g}"
