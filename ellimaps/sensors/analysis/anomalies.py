"""Anomalies in a log: what several detectors hold for unusual, merged into periods with a reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from ellimaps.core.errors import SettingError
from ellimaps.core.progress import Progress, no_progress
from ellimaps.sensors.analysis.decomposition import Decomposition, decompose
from ellimaps.sensors.analysis.detectors.changes import CHANGE, level_changes
from ellimaps.sensors.analysis.detectors.evidence import LEAST_STEPS, Evidence, kind_of
from ellimaps.sensors.analysis.detectors.forest import FOREST, isolated_stretches
from ellimaps.sensors.analysis.detectors.levels import (
    EXTREME,
    LEVEL,
    SPIKE,
    extremes,
    held_levels,
    spikes,
)
from ellimaps.sensors.analysis.detectors.limits import LIMIT, beyond_limit
from ellimaps.sensors.analysis.detectors.stuck import STUCK, stuck_stretches
from ellimaps.sensors.analysis.reasons import effect_of, when
from ellimaps.sensors.movement import LIMIT as LIMIT_PER_HOUR, check_rate

COLUMNS = ("start", "end", "score", "reason", "detectors")
# As many as share the rate of false alarms a user allows.
_DETECTORS = 7
# Extreme value distributions fitted to months say nothing of rarer than that.
_LOWEST_RATE = 1e-12
# Of detectors equally sure, the one whose sentence is most definite speaks.
_TOLD_FIRST = (STUCK, SPIKE, LIMIT, CHANGE, LEVEL, EXTREME, FOREST)
# Within an hour, the window of the limit, two alarms tell one user of one event.
_MERGE = pd.Timedelta("1h")


def find_anomalies(
    series: pd.Series,
    false_alarms_per_month: float = 1.0,
    *,
    limit: float = LIMIT_PER_HOUR,
    what: str = "",
    unit: str = "deg C",
    resolution: float | None = None,
    seed: int = 0,
    on_progress: Progress = no_progress,
) -> pd.DataFrame:
    """Find periods in which a log does what it does not do by chance.

    Parameters
    ----------
    series : Series
        Readings by local time; NaN or absent in gaps.
    false_alarms_per_month : float
        Threshold: the periods chance may raise in 30 days, over all detectors together.
    limit : float
        Range within an hour below which the limit rule is silent, in the unit of the log.
    what : str
        What was measured, for the reasons; by default the name of the series.
    unit : str
        Unit of the readings, for the reasons.
    resolution : float, optional
        The smallest step of the sensor; by default that of the readings given.
    seed : int
        Seed of the isolation forest.
    on_progress : callable
        Called as ``on_progress(done, total, what)``.

    Returns
    -------
    DataFrame
        ``start, end`` (first and last reading), ``score`` (10 to the power of it is the number of months
        in which chance does as much once; at most 12), ``reason``, ``detectors`` (names, joined by commas).

    Raises
    ------
    SettingError
        If the log is too short to say what is usual, or a setting is out of range.
    MissingExtraError
        If ruptures is not installed.
    """
    check_rate(false_alarms_per_month)
    if not limit > 0:
        raise SettingError(f"A limit of {limit:g} cannot be kept: choose one above 0.")
    log = decompose(series, resolution)
    found = _evidence(log, false_alarms_per_month / _DETECTORS, limit, seed, on_progress)
    name = what or str(series.name or "reading")
    periods = (_period(group, log, name, unit) for group in _groups(found))
    return pd.DataFrame([one for one in periods if one], columns=list(COLUMNS))


def _evidence(
    log: Decomposition, rate: float, limit: float, seed: int, on_progress: Progress
) -> list[Evidence]:
    """Return what all detectors find, each with an equal share of the false alarms."""
    detectors: tuple[Callable[[], list[Evidence]], ...] = (
        lambda: spikes(log, rate),
        lambda: held_levels(log, rate),
        lambda: extremes(log, rate),
        lambda: beyond_limit(log, rate, limit),
        lambda: stuck_stretches(log, rate),
        lambda: level_changes(log, rate),
        lambda: isolated_stretches(log, rate, seed),
    )
    found: list[Evidence] = []
    for done, detector in enumerate(detectors):
        on_progress(done, len(detectors), "looking for anomalies")
        found += detector()
    on_progress(len(detectors), len(detectors), "looking for anomalies")
    return found


def _groups(found: Sequence[Evidence]) -> list[list[Evidence]]:
    """Put evidence together that overlaps or is less than an hour apart."""
    groups: list[list[Evidence]] = []
    end = pd.Timestamp.min
    for evidence in sorted(found, key=lambda one: (one.start, one.end, one.detector)):
        if groups and evidence.start - end <= _MERGE:
            groups[-1].append(evidence)
        else:
            groups.append([evidence])
            end = evidence.end
        end = max(end, evidence.end)
    return groups


def _period(group: Sequence[Evidence], log: Decomposition, what: str, unit: str) -> dict[str, object] | None:
    """Return a period, told by the strongest evidence with an effect that the sensor resolves."""
    # Lagged features see an anomaly for hours after it, so the forest bounds a period only where it is alone.
    sharp = [one for one in group if one.detector != FOREST] or group
    start, end = min(one.start for one in sharp), max(one.end for one in sharp)
    ordered = sorted(sharp, key=lambda one: (max(one.rate, _LOWEST_RATE), _TOLD_FIRST.index(kind_of(one))))
    least = (LEAST_STEPS if log.is_coarse else 1.0) * log.resolution
    for evidence in ordered:
        size, words = effect_of(log, start, end, evidence, unit)
        if abs(size) >= max(least, np.finfo(float).tiny) * (1 - 1e-9):
            break
    else:
        return None
    score = -np.log10(max(min(one.rate for one in group), _LOWEST_RATE))
    return {
        "start": start,
        "end": end,
        "score": round(float(score), 2),
        "reason": f"{when(start, end)}, {what} {words}",
        "detectors": ", ".join(sorted({one.detector for one in group})),
    }
