"""The limit rule: how far the temperature moves within an hour."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from ellimaps.sensors.analysis.decomposition import Decomposition
from ellimaps.sensors.analysis.detectors.evidence import Evidence, unusual_stretches
from ellimaps.sensors.analysis.extreme_values import BRIEF

LIMIT = "limit"
# The window of `ellimaps.sensors.movement`: the limit is one per hour.
_HOUR = 1.0


def beyond_limit(log: Decomposition, rate: float, limit: float) -> list[Evidence]:
    """Find hours whose range is over the limit and unusual for this log.

    A room whose control swings by more than the limit every hour is unstable, which the stability view says;
    an anomaly is what it does not do every hour.
    """
    strength = hourly_range(log)
    found = unusual_stretches(
        strength, log, window_h=_HOUR, rate=rate, detector=LIMIT, least=limit, spared=BRIEF
    )
    return [_without_window(evidence) for evidence in found]


def hourly_range(log: Decomposition) -> pd.Series:
    """Return largest less smallest reading within the hour around; medians of three leave spikes out."""
    smooth = log.dithered(log.values).rolling(3, center=True, min_periods=2).median()
    around = smooth.rolling(log.steps(_HOUR) + 1, center=True, min_periods=log.steps(_HOUR) // 2 + 1)
    return around.max() - around.min()


def _without_window(evidence: Evidence) -> Evidence:
    """Take off the half hours in which the window already, or still, holds the change."""
    half = pd.Timedelta(hours=_HOUR / 2)
    middle = evidence.start + (evidence.end - evidence.start) / 2
    return replace(evidence, start=min(evidence.start + half, middle), end=max(evidence.end - half, middle))
