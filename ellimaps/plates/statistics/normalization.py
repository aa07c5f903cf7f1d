"""From raw measurements to vectors that can be compared.

Four steps, none of which looks at compounds: robust z-scores against the controls of the same plate; a
logarithm that keeps the sign, as effects run from one to a thousand spreads; of features that say the same,
one is kept; sphering, which takes the strongest directions of the variation between fields of the same well,
wanted by nobody, down to the strength of the next one (Kessy, Lewin and Strimmer, The American Statistician
72, 2018, 309; for cell profiles, with controls instead of wells, Ando, McLean and Berndl, bioRxiv
161422, 2017). Learned from few controls, sphering would draw these together and leave inert compounds
outside: all wells count the same here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.statistics import robust_sigma
from ellimaps.plates.measuring.profiles import Profiles, feature_values
from ellimaps.plates.statistics.treatments import FEWEST_CONTROLS

MOST_CORRELATION = 0.9
"""Of features whose scaled values correlate more than this, the first is kept; the default of pycytominer."""

DIRECTIONS = 10
"""In how many directions the variation within wells is taken down; more would fit the fields at hand.

Chosen with the next one among about 20 variants on the HepG2 plate, by fields held back
(`benchmarks/bench_plates.py`, docs/plates.md)."""

REGULARIZATION = 0.1
"""Variance added to that within wells, in squared units of the compressed z-scores."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Vectors:
    """Profiles as points: Euclidean distances between rows are what compares them.

    Attributes
    ----------
    fields : ndarray, shape (field, dimension)
        Rows as in ``Profiles.fields``.
    wells : ndarray, shape (well, dimension)
        Rows as in ``Profiles.wells``; means of the rows of their fields.
    names : tuple of str
        Names of the dimensions: the features that were kept.
    """

    fields: Matrix
    wells: Matrix
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Space:
    """What was learned from some fields, to be applied to these or to others.

    Attributes
    ----------
    kept : ndarray of int, shape (dimension,)
        Which features.
    sphering : ndarray, shape (dimension, dimension)
        Symmetric, so that every dimension is still mostly its feature.
    """

    kept: NDArray[np.intp]
    sphering: Matrix

    def apply(self, compressed: Matrix) -> Matrix:
        """Return points, shape (row, dimension), for the rows of `compress`."""
        return np.asarray(compressed[:, self.kept] @ self.sphering)


def scaled(profiles: Profiles) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the features of fields and of wells as robust z-scores against the controls of their plate.

    The median of a plate's control fields becomes 0 and 1.4826 times their median absolute deviation 1. Where
    that is less than a tenth of the standard deviation of all the plate's fields, it comes from values that
    are equal in most controls, such as a percentile of 8-bit pixels, and the standard deviation takes its
    place. Where a plate has fewer than three control fields, all its fields count as such. Columns are
    ``profiles.features``; what is not known stays NaN.
    """
    names = list(profiles.features)
    fields, wells = feature_values(profiles.fields, names), feature_values(profiles.wells, names)
    scaled_fields, scaled_wells = np.full_like(fields, np.nan), np.full_like(wells, np.nan)
    controls = control_rows(profiles)
    for plate in profiles.fields["plate"].unique():
        here = (profiles.fields["plate"] == plate).to_numpy(bool)
        there = (profiles.wells["plate"] == plate).to_numpy(bool)
        center, spread = _scale(fields[here & controls], fields[here])
        scaled_fields[here] = (fields[here] - center) / spread
        scaled_wells[there] = (wells[there] - center) / spread
    return (
        pd.DataFrame(scaled_fields, columns=names, index=profiles.fields.index),
        pd.DataFrame(scaled_wells, columns=names, index=profiles.wells.index),
    )


def control_rows(profiles: Profiles) -> NDArray[np.bool_]:
    """Return which ``fields`` serve as controls, shape (field,): on a plate with too few, all of them."""
    chosen = profiles.fields["control"].to_numpy(bool).copy()
    for plate in profiles.fields["plate"].unique():
        here = (profiles.fields["plate"] == plate).to_numpy(bool)
        if (here & chosen).sum() < FEWEST_CONTROLS:
            chosen |= here
    return chosen


def vectors(profiles: Profiles) -> Vectors:
    """Return profiles as points of a space in which distances compare them.

    What a field does not have, such as the shape of its cells where there are none, is taken to be as in the
    controls; that there are none is a feature of its own.
    """
    compressed = compress(scaled(profiles)[0])
    numbers = well_numbers(profiles)
    space = fit_space(compressed, numbers)
    fields = space.apply(compressed)
    return Vectors(fields, _means(fields, numbers), tuple(profiles.features[i] for i in space.kept))


def compress(z: pd.DataFrame) -> Matrix:
    """Return z-scores as ``sign(z) log(1 + |z|)``, 0 where there is none, shape (row, feature)."""
    values = np.nan_to_num(z.to_numpy(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)))


def fit_space(compressed: Matrix, wells: NDArray[np.intp]) -> Space:
    """Choose features and learn how fields of a well vary.

    Parameters
    ----------
    compressed : ndarray, shape (field, feature)
        Of `compress`.
    wells : ndarray of int, shape (field,)
        Which well each field is from, counted from 0. Where all have one field, there is no sphering.
    """
    kept = select(compressed)
    chosen = compressed[:, kept]
    residuals = chosen - _means(chosen, wells)[wells]
    freedom = len(chosen) - len(np.unique(wells))
    if freedom < 1:
        return Space(kept, np.eye(len(kept)))
    variances, directions = np.linalg.eigh(residuals.T @ residuals / freedom)
    ground = variances[-DIRECTIONS - 1] if len(variances) > DIRECTIONS else 0.0
    weights = 1 / np.sqrt(np.maximum(variances, ground).clip(0) + REGULARIZATION)
    return Space(kept, (directions * weights) @ directions.T)


def select(values: Matrix) -> NDArray[np.intp]:
    """Return which features, of shape (row, feature), vary and do not say what an earlier one says."""
    spread = values.std(axis=0)
    varying = np.flatnonzero(spread > 1e-9)
    unit = (values[:, varying] - values[:, varying].mean(axis=0)) / spread[varying]
    correlation = np.abs(unit.T @ unit) / max(len(values), 1)
    kept: list[int] = []
    for index in range(len(varying)):
        if not kept or correlation[index, kept].max() <= MOST_CORRELATION:
            kept.append(index)
    return np.asarray(varying[kept], dtype=np.intp)


def well_numbers(profiles: Profiles) -> NDArray[np.intp]:
    """Return of each field the row of its well in ``Profiles.wells``, shape (field,)."""
    keys = ["plate", "well"]
    wells = pd.MultiIndex.from_frame(profiles.wells[keys])
    return np.asarray(wells.get_indexer(pd.MultiIndex.from_frame(profiles.fields[keys])), dtype=np.intp)


def _means(points: Matrix, owner: NDArray[np.intp]) -> Matrix:
    """Return the means of points by owner, in the order of their numbers."""
    total = np.zeros((int(owner.max(initial=-1)) + 1, points.shape[1]))
    np.add.at(total, owner, points)
    return total / np.maximum(np.bincount(owner), 1)[:, None]


def _scale(controls: Matrix, everything: Matrix) -> tuple[Matrix, Matrix]:
    center, spread = np.zeros(controls.shape[1]), np.ones(controls.shape[1])
    for column in range(controls.shape[1]):
        ground = controls[:, column][np.isfinite(controls[:, column])]
        known = everything[:, column][np.isfinite(everything[:, column])]
        if not ground.size:
            ground = known
        if not ground.size:
            continue
        center[column] = np.median(ground)
        deviation = robust_sigma(ground)
        whole = float(known.std())
        spread[column] = (deviation if deviation > 0.1 * whole else whole) or 1.0
    return center, spread
