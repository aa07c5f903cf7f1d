"""Sensors that say the same value for longer than their resolution explains."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ellimaps.sensors.analysis.decomposition import Decomposition
from ellimaps.sensors.analysis.detectors.evidence import Evidence, runs
from ellimaps.sensors.analysis.extreme_values import block_maxima, fit_extreme_values

STUCK = "stuck"
# As in `extreme_values`: what four true events a month leave behind does not say what is usual.
_SPARED_PER_MONTH = 4
# Three repeats: two of a log that is read every hour are chance.
_FEWEST_ROWS = 4
# Rows; a sensor that hardly ever repeats itself would otherwise be stuck when it does so twice.
_SMALLEST_SCALE = 0.5


def stuck_stretches(log: Decomposition, rate: float) -> list[Evidence]:
    """Find runs of equal readings, longer than an hour, that are too long for this sensor.

    The lengths of runs beyond the median one are taken as exponential, as they are for a rounded signal that
    moves at random; the longest four a month do not take part.
    """
    values = log.values.to_numpy(np.float64)
    equal = np.abs(np.diff(values)) <= 1e-9 * np.nanmax(np.abs(values))
    found = runs(np.append(equal, False))
    if not found:
        return []
    length = np.array([last - first + 2 for first, last in found])
    alone = int(np.isfinite(values).sum() - length.sum())
    typical, scale, count = _run_law(np.concatenate([np.ones(max(alone, 0)), length]), log.months)
    chance = count / log.months * np.exp(-(length - typical) / scale)
    # Where a coarse sensor rests between two of its steps its runs are long, and not exponential.
    in_run = np.zeros(len(values))
    for (first, last), rows in zip(found, length, strict=True):
        in_run[first : last + 2] = rows
    daily = fit_extreme_values(block_maxima(in_run, log.steps(24)), log.months)
    if daily is not None:
        chance = np.maximum(chance, [daily.rate(float(rows)) for rows in length])
    else:
        # A log of a few days does not say how long a sensor rests at the end of its range, as light at night.
        resting = [values[first] in (np.nanmin(values), np.nanmax(values)) for first, _ in found]
        chance = np.where(resting, np.inf, chance)
    index = log.values.index
    return [
        Evidence(pd.Timestamp(index[first]), pd.Timestamp(index[last + 1]), float(often), STUCK)
        for (first, last), rows, often in zip(found, length, chance, strict=True)
        if rows >= max(log.steps(1) + 1, _FEWEST_ROWS) and often < rate
    ]


def _run_law(lengths: np.typing.NDArray[np.float64], months: float) -> tuple[float, float, int]:
    """Return median length, mean excess over it, and number of the longer runs."""
    ordered = np.sort(lengths)
    kept = ordered[: max(len(ordered) - int(np.ceil(_SPARED_PER_MONTH * months)), 1)]
    typical = float(np.median(kept))
    excess = kept[kept > typical] - typical
    scale = float(excess.mean()) if len(excess) else 0.0
    return typical, max(scale, _SMALLEST_SCALE), max(len(excess), 1)
