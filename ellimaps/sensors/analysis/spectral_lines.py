"""Does a course repeat: lines of a spectrum against those beside, which say what chance gives there."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Values = NDArray[np.float64]
# Lines on either side that say what chance gives. Nearer ones share the line's own power through the taper;
# those of the week, at one seventh of a turn and its multiples, are of a course of their own.
_BESIDE = 12
_NEAREST = 2
_HARMONICS = (1, 2, 3)
# Turns a year up to which changes from day to day are those of a level and not of weather.
_SLOW_TURNS = 12


def line_test(values: pd.Series, per_turn: int) -> tuple[float, float]:
    """Return F and its p for a course that repeats with a period, over its first three harmonics.

    Parameters
    ----------
    values : Series
        Readings on a regular grid; NaN where nothing was read.
    per_turn : int
        Rows of one period.
    """
    from scipy.stats import f

    known = values.interpolate(limit_direction="both").to_numpy(np.float64)
    turns = len(known) // per_turn
    known = known[: turns * per_turn]
    if turns < 2 * _NEAREST + 1 or not np.ptp(known) > 0:
        return 0.0, 1.0
    line = np.linspace(known[0], known[-1], len(known))
    power = np.abs(np.fft.rfft((known - line) * np.hanning(len(known)))) ** 2
    at = [power[turns * n] for n in _HARMONICS]
    beside = [_lines_beside(power, turns, n) for n in _HARMONICS]
    # Lines beside each other share half their power through the taper.
    degrees = min(map(len, beside))
    # Each harmonic in units of its own surroundings; where these are no longer noise, the others decide.
    ratio = float(np.mean([one / np.mean(lines) for one, lines in zip(at, beside, strict=True)]))
    return ratio, float(f.sf(ratio, 2 * len(_HARMONICS), degrees))


def season_test(daily: pd.Series) -> tuple[float, float]:
    """Return F and its p for a course of the year in daily values, against a level that walks at random.

    Parameters
    ----------
    daily : Series
        A value per day, of a year at least; NaN where there is none.
    """
    from scipy.stats import f

    changes = np.diff(daily.interpolate(limit_direction="both").to_numpy(np.float64))
    years = max(round(len(changes) / 365.25), 1)
    power = np.abs(np.fft.rfft(changes)) ** 2
    beside = [power[k] for k in range(1, _SLOW_TURNS * years + 1) if k % years]
    beside += [power[k * years] for k in range(2, _SLOW_TURNS + 1)]
    noise = float(np.mean(beside))
    if not noise > 0:
        return 0.0, 1.0
    ratio = float(power[years]) / noise
    return ratio, float(f.sf(ratio, 2, 2 * len(beside)))


def _lines_beside(power: Values, turns: int, harmonic: int) -> Values:
    """Return the lines beside a harmonic, but for the nearest and those of the week."""
    middle = turns * harmonic
    reach = min(_BESIDE + _NEAREST, turns // 2)
    offsets = [n for n in range(_NEAREST, reach + 1) if not _is_weekly(n, turns)]
    both = [middle + side * n for n in offsets for side in (-1, 1)]
    return np.asarray([power[k] for k in both if 0 < k < len(power)])


def _is_weekly(lines: int, turns: int) -> bool:
    """Return whether a distance in lines is one of a course that repeats every week, or shares its power."""
    sevenths = 7 * lines / turns
    return turns >= 28 and abs(sevenths - round(sevenths)) * turns / 7 < _NEAREST and round(sevenths) > 0
