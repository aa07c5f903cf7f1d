"""What detectors give: strength by time, and the stretches where chance does not explain it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ellimaps.sensors.analysis.decomposition import Decomposition
from ellimaps.sensors.analysis.extreme_values import (
    LASTING,
    NONE,
    QUIET,
    ExtremeValues,
    Spared,
    block_maxima,
    fit_extreme_values,
    law_of_chance,
)

# Twice the hour over which evidence is merged: neighbouring maxima are then hardly of one event.
_SHORTEST_BLOCK_H = 2.0
# Steps of a coarse sensor that a change must have: one step may be a change that nothing but rounding shows.
LEAST_STEPS = 2.0


@dataclass(frozen=True)
class Evidence:
    """A stretch of time that one detector holds for unusual.

    Attributes
    ----------
    start, end : Timestamp
        First and last reading of the stretch.
    rate : float
        How often in 30 days chance would give as much.
    detector : str
        Name of the detector.
    """

    start: pd.Timestamp
    end: pd.Timestamp
    rate: float
    detector: str


def kind_of(evidence: Evidence) -> str:
    """Return what kind of detector found it, without the time scale."""
    return evidence.detector.split(" over ")[0]


def unusual_stretches(
    strength: pd.Series,
    log: Decomposition,
    *,
    window_h: float,
    rate: float,
    detector: str,
    least: float = 0.0,
    spared: Spared = LASTING,
) -> list[Evidence]:
    """Return where a detector's strength exceeds what chance gives a certain number of times a month.

    Parameters
    ----------
    strength : Series
        What the detector measured at every row of the log, larger for more unusual; NaN where it cannot say.
    log : Decomposition
        The log.
    window_h : float
        Hours of log that one value of the strength sees; blocks are twice as long.
    rate : float
        False alarms in 30 days this detector may raise.
    detector : str
        Its name.
    least : float
        A level below which nothing is unusual, however rare.
    spared : Spared
        The anomalies a log may have without their teaching what is usual.
    """
    values = strength.to_numpy(np.float64)
    maxima = block_maxima(values, log.steps(max(2 * window_h, _SHORTEST_BLOCK_H)))
    chance = law_of_chance(maxima, log.months, rate, spared)
    # What stands out more often than the events that are spared is what this log does.
    most = (spared.per_month + rate) * max(log.months, 1.0)
    if chance is not None and (maxima > chance.level(rate)).sum() > most:
        chance = fit_extreme_values(maxima, log.months, NONE, quiet=QUIET)
    if chance is None:
        return []
    level = max(chance.level(rate), least)
    return [
        _evidence(strength, first, last, chance, detector)
        for first, last in runs(np.nan_to_num(values, nan=-np.inf) > level)
    ]


def runs(flags: np.typing.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the first and last row of every run of true flags, shape ``(row,)``."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(first), int(last) - 1) for first, last in edges.reshape(-1, 2)]


def _evidence(strength: pd.Series, first: int, last: int, chance: ExtremeValues, detector: str) -> Evidence:
    index = strength.index
    rate = chance.rate(float(strength.iloc[first : last + 1].max()))
    return Evidence(pd.Timestamp(index[first]), pd.Timestamp(index[last]), rate, detector)
