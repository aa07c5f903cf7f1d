"""How often a sensor is read: the usual step of every stretch of time, gaps, and held values.

A logger that is set from one to ten minutes has two stretches; its readings are no gaps in either. A sensor
that reports when its value changes has no step at all: what it said holds until it says something else.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Steps = NDArray[np.float64]
GAP_STEPS = 2.5
"""Usual steps after which nothing is known: one reading may be lost, and its neighbours be late."""
# Readings on either side that say what is usual at a moment; a stretch must be longer to be one.
_AROUND = 15
# A share of steps far from what is usual around them that no polled sensor has, even if it loses a third.
_IRREGULAR = 0.4
# Enough to meet every step of a sensor; more only take time.
_MOST_VALUES = 100_000
# Silences of a sensor that tells changes: twice what all but one of a hundred are.
_SILENCE_QUANTILE, _SILENCES = 0.99, 2.0


def usual_steps(steps: Steps) -> Steps:
    """Return the step that is usual around each of some steps.

    Parameters
    ----------
    steps : array, shape (step,)
        Times between readings in any unit; 0 between readings of the same time.

    Returns
    -------
    array, shape (step,)
        In the same unit; NaN if no two readings have different times.
    """
    positive = steps[steps > 0]
    if not len(positive):
        return np.full(len(steps), np.nan)
    usual = float(np.median(positive))
    near = np.abs(positive - usual) <= 0.5 * usual
    # Most logs have one step throughout, and a moving median of ten million readings takes seconds.
    if near.mean() > 0.99 and len(positive) - near.sum() < _AROUND:
        return np.full(len(steps), usual)
    around = pd.Series(positive).rolling(2 * _AROUND + 1, center=True, min_periods=1).median().to_numpy()
    local = np.empty(len(steps))
    local[steps > 0] = around
    local[steps <= 0] = np.interp(np.flatnonzero(steps <= 0), np.flatnonzero(steps > 0), around)
    return local


def is_held(steps: Steps) -> bool:
    """Return whether a sensor tells changes only, by how irregular its steps are; see `usual_steps`."""
    positive = steps[steps > 0]
    if len(positive) < 2 * _AROUND:
        return False
    ratio = positive / usual_steps(positive)
    return bool(np.mean((ratio < 0.5) | (ratio > 1.5)) > _IRREGULAR)


def gaps(steps: Steps, *, held: bool) -> NDArray[np.bool_]:
    """Return which steps are gaps, within which nothing is known.

    Parameters
    ----------
    steps : array, shape (step,)
        Times between readings in any unit.
    held : bool
        Whether a value holds until the next one.
    """
    if held:
        return (
            np.asarray(steps > _SILENCES * np.quantile(steps, _SILENCE_QUANTILE)) if len(steps) else steps > 0
        )
    with np.errstate(invalid="ignore"):
        return np.asarray(steps > GAP_STEPS * usual_steps(steps))


def resolution_of(values: NDArray[np.float64]) -> float:
    """Return the smallest step between any two values; 0 if all are equal.

    Parameters
    ----------
    values : array, shape (reading,)
        In any unit; NaN where there is none.
    """
    known = np.unique(values[np.isfinite(values)][:_MOST_VALUES])
    steps = np.diff(known)
    # Steps that only rounding of floating-point numbers makes are none.
    steps = steps[steps > 1e-6 * max(float(np.ptp(known)), 1e-300)] if len(known) > 1 else steps
    return float(steps.min()) if len(steps) else 0.0
