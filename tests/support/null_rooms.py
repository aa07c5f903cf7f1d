"""Pairs of sensors of which neither follows the other: what a test of them says beyond its level is false."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.signal import lfilter

STEP_MIN = 15


def red(random: np.random.Generator, rows: int, hours: float) -> NDArray[np.float64]:
    """Noise of unit variance that forgets within some hours."""
    keep = np.exp(-STEP_MIN / 60 / hours)
    white = random.normal(size=rows)
    white[0] /= np.sqrt(1 - keep**2)
    return np.asarray(lfilter([np.sqrt(1 - keep**2)], [1, -keep], white))


def _clock(days: int) -> tuple[pd.DatetimeIndex, NDArray[np.float64]]:
    times = pd.date_range("2025-01-01", periods=days * 24 * 60 // STEP_MIN, freq=f"{STEP_MIN}min")
    return times, np.arange(len(times)) * STEP_MIN / 1440


def still(seed: int, days: int) -> pd.Series:
    """Noise that forgets within two hours."""
    times, _ = _clock(days)
    random = np.random.default_rng(seed)
    return pd.Series(21 + 0.1 * red(random, len(times), 2) + 0.02 * random.normal(size=len(times)), times)


def drifting(seed: int, days: int) -> pd.Series:
    """A level that walks at random, by 0.1 deg C in a day, beside noise that forgets within two hours."""
    times, _ = _clock(days)
    random = np.random.default_rng(seed)
    walk = np.cumsum(random.normal(size=len(times))) * 0.1 * np.sqrt(STEP_MIN / 1440)
    return still(seed + 10_000, days) + walk


def wandering(seed: int, days: int) -> pd.Series:
    """A level that forgets within three days, beside noise that forgets within two hours."""
    times, _ = _clock(days)
    return still(seed + 10_000, days) + 0.3 * red(np.random.default_rng(seed), len(times), 72)


def seasonal(seed: int, days: int) -> pd.Series:
    """A year's course and a day's course that is stronger in summer and at work; noise of its own."""
    times, day = _clock(days)
    random = np.random.default_rng(seed)
    year = -np.cos(2 * np.pi * day / 365.25)
    at_work = np.where(times.day_of_week < 5, 1.0, 0.4)
    daily = np.sin(2 * np.pi * (day - random.uniform(0.35, 0.45)))
    course = random.uniform(0.5, 1.5) * year + random.uniform(0.2, 0.5) * (1.2 + year) * at_work * daily
    return still(seed + 10_000, days) + course


KINDS = {"still": still, "drifting": drifting, "wandering": wandering, "seasonal": seasonal}
