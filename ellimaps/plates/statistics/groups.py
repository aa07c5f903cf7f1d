"""Two groups of wells compared feature by feature, with p-values from exchanging wells within plates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import SettingError
from ellimaps.plates.measuring.profiles import Profiles, feature_values
from ellimaps.plates.statistics.components import Floats
from ellimaps.plates.statistics.permutation import Indices, choices, false_discovery_rates

_AT_ONCE = 2000
"""Choices whose sums are held at once: 6 MB for 347 features; the result does not depend on it."""


@dataclass(frozen=True, eq=False)
class GroupComparison:
    """Two groups beside each other.

    Attributes
    ----------
    table : DataFrame
        A row per feature, the clearest difference first: ``feature, first, second`` (means of wells),
        ``difference_sd`` (first minus second in standard deviations between wells of a group and plate),
        ``p`` (permutation of wells within plates), ``q`` (Benjamini-Hochberg over features).
    n_first, n_second : int
        Wells that were compared.
    least_p : float
        The smallest p these wells can give: one over the number of ways to choose them.
    reason : str
        Why there are no p-values; empty where there are.
    """

    table: pd.DataFrame
    n_first: int
    n_second: int
    least_p: float
    reason: str = ""


def compare_groups(
    profiles: Profiles,
    first: NDArray[np.bool_],
    second: NDArray[np.bool_],
    *,
    drawn: bool = False,
    seed: int = 0,
) -> GroupComparison:
    """Compare two groups of fields.

    Fields of a well are no repeats of each other: they share the cells, the compound and the place. So the
    values of a group's fields are averaged by well, and wells change groups as a whole and within their
    plate, which leaves differences between plates out. Only plates with wells of both groups say anything.

    Parameters
    ----------
    profiles : Profiles
        Their raw measurements are used.
    first, second : ndarray of bool, shape (field,)
        The groups; no well may be in both.
    drawn : bool
        Whether a group was drawn by its features, as with a lasso. What chose the groups cannot judge them:
        no p-value is given then.
    seed : int
        For permutations, where there are too many to try all.

    Raises
    ------
    SettingError
        If a group is empty, or they share a well.
    """
    values, is_first, plates = _wells(profiles, first, second)
    both = [plate for plate in np.unique(plates) if len(set(is_first[plates == plate])) == 2]
    shared = np.isin(plates, both)
    reason = (
        "a group was drawn by its features, which cannot judge it as well"
        if drawn
        else ("" if shared.any() else "no plate has wells of both groups: it could be the plates that differ")
    )
    used = shared if shared.any() else np.ones(len(plates), dtype=bool)
    values, is_first, plates = values[used], is_first[used], plates[used]
    means = [_means(values[side]) for side in (is_first, ~is_first)]
    table = pd.DataFrame({"feature": profiles.features, "first": means[0], "second": means[1]})
    table["difference_sd"] = _differences(values, is_first, plates)
    p, least = (
        _p_values(values, is_first, plates, seed) if not reason else (np.full(len(table), np.nan), np.nan)
    )
    table = table.assign(p=p, q=false_discovery_rates(p))
    order = np.lexsort((-table["difference_sd"].abs().fillna(-1.0), table["p"].fillna(2.0)))
    counts = int(is_first.sum()), int((~is_first).sum())
    return GroupComparison(table.iloc[order].reset_index(drop=True), *counts, float(least), reason)


def _wells(
    profiles: Profiles, first: NDArray[np.bool_], second: NDArray[np.bool_]
) -> tuple[Floats, NDArray[np.bool_], NDArray[np.intp]]:
    """Return the values of wells, shape (well, feature), whether each is of the first group, its plate."""
    for name, group in (("first", first), ("second", second)):
        if not group.any():
            raise SettingError(f"The {name} group is empty: choose some wells for it.")
    fields = profiles.fields[first | second]
    place = fields["plate"].astype(str) + "\t" + fields["well"].astype(str)
    side = first[first | second]
    torn = sorted(set(place[side]) & set(place[~side]))
    if torn:
        raise SettingError(
            f"{torn[0].split(chr(9))[1]} is in both groups: a well counts as a whole, so leave it out of one."
        )
    numbers, wells = pd.factorize(place)
    table = pd.DataFrame(feature_values(fields, profiles.features)).groupby(numbers).mean()
    _, start = np.unique(numbers, return_index=True)
    plates = np.unique([name.split("\t")[0] for name in wells], return_inverse=True)[1]
    return table.to_numpy(np.float64), side[start], np.asarray(plates, dtype=np.intp)


def _means(values: Floats) -> Floats:
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.asarray(np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan))


def _centered(values: Floats, plates: NDArray[np.intp]) -> Floats:
    """Return values less the mean of their plate; what was not measured lies at that mean."""
    found = np.where(np.isfinite(values), values, np.nan)
    for plate in np.unique(plates):
        found[plates == plate] -= _means(found[plates == plate])
    return np.nan_to_num(found)


def _differences(values: Floats, is_first: NDArray[np.bool_], plates: NDArray[np.intp]) -> Floats:
    centered = _centered(values, plates)
    apart = centered[is_first].mean(axis=0) - centered[~is_first].mean(axis=0)
    within = _centered(values, 2 * plates + is_first)
    freedom = len(values) - len(np.unique(2 * plates + is_first))
    spread = np.sqrt(np.square(within).sum(axis=0) / max(freedom, 1))
    return np.asarray(np.where(spread > 0, apart / np.where(spread > 0, spread, 1.0), np.nan))


def _p_values(
    values: Floats, is_first: NDArray[np.bool_], plates: NDArray[np.intp], seed: int
) -> tuple[Floats, float]:
    """Return the p-value of every feature, and the smallest there can be."""
    tried = choices(is_first, plates, seed)
    centered = _centered(values, plates)
    # All wells of a plate sum to 0, so that the sum of the chosen ones is the difference up to a factor.
    observed = np.abs(centered[tried[0]].sum(axis=0))
    slack = 1e-9 * np.maximum(observed, 1e-300)
    as_large = sum(
        (np.abs(_sums(centered, tried[start : start + _AT_ONCE])) >= observed - slack).sum(axis=0)
        for start in range(0, len(tried), _AT_ONCE)
    )
    p = np.asarray(as_large / len(tried), dtype=np.float64)
    return np.where(np.abs(centered).max(axis=0) > 0, p, np.nan), 1 / len(tried)


def _sums(centered: Floats, tried: Indices) -> Floats:
    chosen = np.zeros((len(tried), len(centered)))
    np.put_along_axis(chosen, tried.astype(np.intp), 1.0, axis=1)
    return np.asarray(chosen @ centered, dtype=np.float64)
