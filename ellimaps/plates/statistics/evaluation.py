"""How well profiles tell compounds apart: nearest neighbours, and mean average precision.

Every compound is a class, whatever its concentration, and so are the controls. A query is compared by
Euclidean distance with everything **outside of its own well**: for fields, with all fields of other wells;
for wells (the means of their fields), with all other wells. All queries count the same, controls included.
With this, the published UMAP coordinates of the HepG2 plate give 0.608 per field, 0.625 per well and a mean
average precision of 0.604.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import SettingError
from ellimaps.plates.measuring.profiles import Profiles
from ellimaps.plates.statistics.normalization import Vectors, vectors


@dataclass(frozen=True)
class Evaluation:
    """How well compounds are told apart.

    Attributes
    ----------
    n_fields, n_wells : int
        Queries.
    field_accuracy_1nn, well_accuracy_1nn : float
        Share of fields, and of wells, whose nearest neighbour outside of their well is of their compound.
    map : float
        Mean over wells of the average precision with which the other wells of their compound come first.
    """

    n_fields: int
    n_wells: int
    field_accuracy_1nn: float
    well_accuracy_1nn: float
    map: float

    def facts(self) -> dict[str, Any]:
        """Return the figures as a plain dict, ready for JSON."""
        return asdict(self)


def evaluate(profiles: Profiles, space: Vectors | None = None) -> Evaluation:
    """Judge profiles by how well they tell compounds apart.

    Parameters
    ----------
    profiles : Profiles
        What is known of every field and well.
    space : Vectors, optional
        The points that distances are taken between; by default those of
        `ellimaps.plates.statistics.normalization.vectors`. Any embedding can be judged with the same figures.

    Raises
    ------
    SettingError
        If there are fewer than two wells.
    """
    if len(profiles.wells) < 2:
        raise SettingError("Nearest neighbours need two wells or more: profile more wells.")
    points = space or vectors(profiles)
    fields, wells = profiles.fields, profiles.wells
    by_field = distances_between_owners(points.fields, _owners(fields))
    by_well = distances_between_owners(points.wells, _owners(wells))
    precision = average_precision(by_well, wells["compound"].to_numpy(object))
    return Evaluation(
        n_fields=len(fields),
        n_wells=len(wells),
        field_accuracy_1nn=nearest_accuracy(by_field, fields["compound"].to_numpy(object)),
        well_accuracy_1nn=nearest_accuracy(by_well, wells["compound"].to_numpy(object)),
        map=float(np.nanmean(precision)) if np.isfinite(precision).any() else float("nan"),
    )


def distances_between_owners(points: NDArray[np.float64], owners: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return Euclidean distances, infinite between points with the same owner.

    Parameters
    ----------
    points : ndarray, shape (point, dimension)
        Profiles.
    owners : ndarray of object, shape (point,)
        What points may not be compared within: their wells.
    """
    from scipy.spatial.distance import cdist

    found = cdist(points, points)
    found[owners[:, None] == owners] = np.inf
    return np.asarray(found)


def nearest_accuracy(distance: NDArray[np.float64], classes: NDArray[np.object_]) -> float:
    """Return the share of rows whose nearest column has the same class; ties go to the first.

    Distances have the shape (point, point), classes (point,).
    """
    return float(np.mean(classes[distance.argmin(axis=1)] == classes))


def average_precision(distance: NDArray[np.float64], classes: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return of each row the average precision of its class among the other rows by distance, shape (point,).

    The mean, over the ranks at which a row of the same class stands, of the share of that class up to
    there. NaN where there is no other row of the class. Ties stand in the order of the rows.
    """
    order = np.argsort(distance, axis=1, kind="stable")
    reached = np.isfinite(np.take_along_axis(distance, order, axis=1))
    same = (classes[order] == classes[:, None]) & reached
    share = np.cumsum(same, axis=1) / np.arange(1, same.shape[1] + 1)
    count = same.sum(axis=1)
    return np.where(count > 0, (share * same).sum(axis=1) / np.maximum(count, 1), np.nan)


def _owners(table: pd.DataFrame) -> NDArray[np.object_]:
    return (table["plate"].astype(str) + "/" + table["well"].astype(str)).to_numpy(object)
