"""Spikes of sensors that move in steps larger than their noise: counted in steps, not measured.

Among three values there is no distribution to fit, but there are counts: how often a reading stands one step
off both of its sides, how often two. Noise falls off faster from step to step, so a step that was not seen is
at most as much rarer than the one before as that one was.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.sensors.analysis.decomposition import Decomposition
from ellimaps.sensors.analysis.detectors.evidence import Evidence, runs
from ellimaps.sensors.analysis.extreme_values import BRIEF

# Of two steps, rounding alone may be one: in a quiet room of 1/16 deg C they came once a month.
_FEWEST_STEPS = 3


def coarse_spikes(away: pd.Series, log: Decomposition, rate: float, detector: str) -> list[Evidence]:
    """Find readings more steps off both of their sides than chance takes a certain number of times a month.

    Parameters
    ----------
    away : Series
        How far each reading is from both of its sides, in the unit of the log.
    log : Decomposition
        The log.
    rate : float
        False alarms in 30 days.
    detector : str
        Name of the detector.
    """
    # Means of several readings lie between the steps; a hair below a whole one is that one.
    steps = np.floor(away.fillna(0.0).to_numpy(np.float64) / log.resolution + 0.01).astype(int)
    often = rates_of_steps(steps, log.months)
    unusual = np.flatnonzero(often < rate)
    if not len(unusual):
        return []
    fewest = max(int(unusual[0]), _FEWEST_STEPS)
    return [
        Evidence(
            pd.Timestamp(away.index[first]),
            pd.Timestamp(away.index[last]),
            float(often[steps[first : last + 1].max()]),
            detector,
        )
        for first, last in runs(steps >= fewest)
    ]


def rates_of_steps(steps: NDArray[np.intp], months: float) -> NDArray[np.float64]:
    """Return how often in 30 days chance takes a reading at least 0, 1, 2 ... steps off.

    Of every count, as many as a log may have anomalies are not counted as chance.

    Parameters
    ----------
    steps : array, shape (reading,)
        Steps off both sides.
    months : float
        The time they cover, in months of 30 days.

    Returns
    -------
    array, shape (largest step + 1,)
        Falling.
    """
    spared = BRIEF.per_month * months
    counts = np.array([len(runs(steps >= size)) for size in range(1, steps.max() + 1)])
    chance = np.concatenate([[len(steps)], np.maximum(counts - spared, 0.0)])
    rates, ratio = [float(chance[0])], 1.0
    for size in range(1, len(chance)):
        rates.append(max(chance[size], rates[-1] * ratio if size > 1 else 0.5))
        # Half an event where none was seen: that is what a count of none says.
        if chance[size - 1] > 0:
            ratio = (chance[size] + 0.5) / (chance[size - 1] + 0.5)
    return np.minimum.accumulate(np.array(rates)) / months
