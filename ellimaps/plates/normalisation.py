"""From raw measurements to vectors that can be compared: robust scaling against controls, selection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.plates.profiles import Profiles, feature_matrix


@dataclass(frozen=True, eq=False)
class Vectors:
    """Profiles as points: Euclidean distances between rows are what compares them.

    Attributes
    ----------
    fields : ndarray, shape (field, dimension)
        Rows as in ``Profiles.fields``.
    wells : ndarray, shape (well, dimension)
        Rows as in ``Profiles.wells``.
    names : tuple of str
        What the dimensions are called.
    """

    fields: NDArray[np.float64]
    wells: NDArray[np.float64]
    names: tuple[str, ...]


def scaled(profiles: Profiles) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the features of fields and of wells as robust z-scores against the controls of their plate.

    The median of the control fields becomes 0 and 1.4826 times their median absolute deviation 1; where a
    plate has no controls, all its fields count as such. Columns are ``profiles.features``.
    """
    names = list(profiles.features)
    fields, wells = profiles.fields[names].copy(), profiles.wells[names].copy()
    for plate in profiles.fields["plate"].unique():
        here = (profiles.fields["plate"] == plate).to_numpy()
        there = (profiles.wells["plate"] == plate).to_numpy()
        controls = here & profiles.fields["control"].to_numpy(bool)
        ground = feature_matrix(profiles.fields[controls if controls.any() else here], names)
        center = np.nanmedian(ground, axis=0)
        spread = 1.4826 * np.nanmedian(np.abs(ground - center), axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        fields.loc[here] = (feature_matrix(fields[here], names) - center) / spread
        wells.loc[there] = (feature_matrix(wells[there], names) - center) / spread
    return fields, wells


def vectors(profiles: Profiles) -> Vectors:
    """Return profiles as points of a space in which distances compare them."""
    fields, wells = scaled(profiles)
    return Vectors(np.nan_to_num(fields.to_numpy()), np.nan_to_num(wells.to_numpy()), profiles.features)
