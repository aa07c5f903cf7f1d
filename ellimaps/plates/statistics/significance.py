"""Could chance have done it? Treated wells are compared with the control wells of their plates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ellimaps.plates.measuring.profiles import Profiles, feature_values
from ellimaps.plates.statistics.components import Floats
from ellimaps.plates.statistics.distance import blind_features, blind_space, largest_changes, separations
from ellimaps.plates.statistics.permutation import arrangements, choices, combined_p_value, p_value
from ellimaps.plates.statistics.reproducibility import mean_average_precisions
from ellimaps.plates.statistics.treatments import control_wells


def difference_p(profiles: Profiles, rows: NDArray[np.intp], seed: int = 0) -> float:
    """Return the p-value of a difference between some wells and the controls of their plates.

    Two statistics together: the distance of the means in `distance.blind_space`, which finds changes of many
    features, and the largest change of one feature.

    Parameters
    ----------
    profiles : Profiles
        Their raw measurements are used.
    rows : ndarray of int, shape (well,)
        The treated wells.
    seed : int
        For permutations, where there are too many to try all.

    Returns
    -------
    float
        At least one over the number of choices: 1/58,905 for 4 wells and 32 controls, 1/325 for 2 and 24. NaN
        where there are no controls on the plate.
    """
    union, plates = _union(profiles, rows)
    tried = choices(np.arange(len(union)) < len(rows), plates, seed)
    if len(tried) < 2:
        return float("nan")
    features = blind_features(feature_values(profiles.wells, profiles.features)[union], plates)
    separated = separations(blind_space(features), tried)
    return combined_p_value(separated, largest_changes(features, tried))


def trend_p(profiles: Profiles, rows: NDArray[np.intp], doses: Floats, seed: int = 0) -> float:
    """Return the p-value of a change that grows with the dose, over all wells of a compound.

    As `difference_p`, but each well counts by the rank of its dose (1 for the lowest), so that doses that do
    nothing do not dilute those that do, and all doses make one test.

    Parameters
    ----------
    profiles : Profiles
        Their raw measurements are used.
    rows : ndarray of int, shape (well,)
        The compound's wells.
    doses : ndarray, shape (well,)
        Their doses; where they are not known, all wells count the same.
    seed : int
        Of the arrangements of wells tried.
    """
    ranks = np.unique(np.nan_to_num(doses, nan=-1.0), return_inverse=True)[1] + 1.0
    union, plates = _union(profiles, rows)
    if len(union) == len(rows):
        return float("nan")
    tried = arrangements(np.arange(len(union)) < len(rows), plates, seed)
    weights = ranks[tried[0]]
    features = blind_features(feature_values(profiles.wells, profiles.features)[union], plates)
    separated = separations(blind_space(features), tried, weights)
    return combined_p_value(separated, largest_changes(features, tried, weights))


def agreement(
    profiles: Profiles, points: Floats, rows: NDArray[np.intp], seed: int = 0
) -> tuple[float, float, float]:
    """Return the mean average precision of some wells among controls, its mean by chance, and its p-value.

    Parameters
    ----------
    profiles : Profiles
        Where they are.
    points : ndarray, shape (well, dimension)
        Of `ellimaps.plates.statistics.normalization.vectors`.
    rows : ndarray of int, shape (well,)
        The treated wells; of one well everything is NaN.
    seed : int
        For permutations, where there are too many to try all.

    Notes
    -----
    Likeness is the cosine between changes, as in the source: strong effects scatter more, and would lie far
    from each other. Changes are taken from the mean of all wells compared on the plate, which does not know
    which are treated; from the controls' mean, controls alone would point everywhere.
    """
    union, plates = _union(profiles, rows)
    tried = choices(np.arange(len(union)) < len(rows), plates, seed)
    found = mean_average_precisions(_directions(points[union], plates), tried)
    several = len(rows) > 1 and len(tried) > 1
    return float(found[0]), float(found.mean()), p_value(found) if several else float("nan")


def _directions(points: Floats, plates: NDArray[np.intp]) -> Floats:
    """Return unit vectors from the mean of each plate's points; Euclidean order is then that of cosines."""
    centered = points.copy()
    for plate in np.unique(plates):
        centered[plates == plate] -= points[plates == plate].mean(axis=0)
    length = np.sqrt(np.square(centered).sum(axis=1, keepdims=True))
    return np.asarray(centered / np.where(length > 0, length, 1.0), dtype=np.float64)


def _union(profiles: Profiles, rows: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the wells that are compared, treated ones first, and the number of each one's plate."""
    plate = profiles.wells["plate"].astype(str).to_numpy()
    controls = np.flatnonzero(control_wells(profiles.wells) & np.isin(plate, plate[rows]))
    union = np.concatenate([rows, controls])
    return union, np.unique(plate[union], return_inverse=True)[1]
