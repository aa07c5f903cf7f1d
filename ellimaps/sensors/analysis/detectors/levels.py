"""Readings off their usual course: single ones, and levels held for an hour, six hours, a day."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ellimaps.sensors.analysis.decomposition import Decomposition
from ellimaps.sensors.analysis.detectors.coarse_spikes import coarse_spikes
from ellimaps.sensors.analysis.detectors.evidence import LEAST_STEPS, Evidence, unusual_stretches
from ellimaps.sensors.analysis.extreme_values import BRIEF, block_maxima

SPIKE = "spike"
LEVEL = "level"
EXTREME = "extreme"
# An hour is what an acquisition takes, a day the longest that the daily course leaves to see.
SCALES_H = (1.0, 6.0, 24.0)
# Both chosen on generated logs, seeds 100 to 104 (the choosing half of benchmarks/bench_anomalies.py).
_SIDE_H = 1 / 3
_NOISE_WINDOW_H = 3.0
# Of days: on one in ten there may be something, as thresholds allow for (`LASTING`).
_OFTEN_REACHED = 0.9


def spikes(log: Decomposition, rate: float) -> list[Evidence]:
    """Find readings that stand out from those before and after, in units of the noise around them."""
    if log.moves_in_steps:
        return coarse_spikes(off_both_sides(log, log.values), log, rate, SPIKE)
    values = log.dithered(log.values)
    strength = off_both_sides(log, values) / noise_around(log, values)
    return unusual_stretches(strength, log, window_h=1.0, rate=rate, detector=SPIKE, spared=BRIEF)


def off_both_sides(log: Decomposition, values: pd.Series) -> pd.Series:
    """Return how far each reading is from both of its sides; one on a slope lies between them, at 0."""
    side = max(3, log.steps(_SIDE_H))
    before = values.rolling(side, min_periods=2).median().shift(1)
    after = values[::-1].rolling(side, min_periods=2).median()[::-1].shift(-1)
    low, high = np.minimum(values - before, values - after), np.maximum(values - before, values - after)
    away = np.where(low > 0, low, np.where(high < 0, -high, 0.0))
    return pd.Series(away, index=values.index).where(values.notna())


def noise_around(log: Decomposition, values: pd.Series) -> pd.Series:
    """Return the median step between readings of the three hours around each.

    A log that moves fast for a while makes sharp turns which are not spikes.
    """
    steps = values.diff().abs()
    window = log.steps(_NOISE_WINDOW_H)
    noise = steps.rolling(window, center=True, min_periods=window // 3).median()
    floor = max(float(steps.median()), float(np.finfo(float).tiny))
    return noise.clip(lower=floor).fillna(floor)


def extremes(log: Decomposition, rate: float) -> list[Evidence]:
    """Find hours higher, or lower, than a log ever is by chance, its seasons and weeks included."""
    level = log.dithered(log.values).rolling(max(3, log.steps(1)), center=True, min_periods=1).median()
    middle = float(level.median())
    sides = ((level - middle).clip(lower=0.0), (middle - level).clip(lower=0.0))
    return [
        evidence
        for side in sides
        for evidence in unusual_stretches(
            side,
            log,
            window_h=12.0,
            rate=rate / len(sides),
            detector=EXTREME,
            least=_beyond_the_next_step(side, log),
        )
    ]


def _beyond_the_next_step(side: pd.Series, log: Decomposition) -> float:
    """Return what a coarse log must pass: a level it seldom rounds to is one it was often close to."""
    if not log.is_coarse or len(side) < log.steps(24):
        return 0.0
    reached = np.quantile(block_maxima(side.to_numpy(np.float64), log.steps(24)), _OFTEN_REACHED)
    return float(reached) + LEAST_STEPS * log.resolution


def held_levels(log: Decomposition, rate: float) -> list[Evidence]:
    """Find stretches whose moving median is off the usual course, on each of three time scales."""
    return [evidence for hours in SCALES_H for evidence in _held_level(log, hours, rate / len(SCALES_H))]


def _held_level(log: Decomposition, hours: float, rate: float) -> Iterator[Evidence]:
    rows = log.steps(hours)
    level = log.dithered(log.residual).rolling(rows, center=True, min_periods=max(1, rows // 2)).median()
    detector = f"{LEVEL} over {hours:g} h"
    yield from unusual_stretches(level.abs(), log, window_h=hours, rate=rate, detector=detector)
