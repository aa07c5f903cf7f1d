"""Principal components of fields or wells."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import SettingError
from ellimaps.plates.measuring.profiles import Profiles
from ellimaps.plates.statistics.normalization import vectors

Level = Literal["field", "well"]
Floats = NDArray[np.float64]

MOST_COMPONENTS = 50
"""As Kobak and Berens 2019 (doi:10.1038/s41467-019-13056-x) take before t-SNE."""


def table_of(profiles: Profiles, level: Level) -> pd.DataFrame:
    """Return the table of fields or of wells.

    Raises
    ------
    SettingError
        If the level is neither.
    """
    if level not in ("field", "well"):
        raise SettingError(f"The level {level!r} is unknown: choose field or well.")
    return profiles.fields if level == "field" else profiles.wells


def components_of(profiles: Profiles, level: Level, seed: int = 0) -> Floats:
    """Return the first 50 principal components of the vectors of fields or wells, shape (row, component)."""
    found = vectors(profiles)
    return principal_components(found.fields if level == "field" else found.wells, seed)


def principal_components(values: Floats, seed: int = 0) -> Floats:
    """Return the coordinates on the principal components, at most `MOST_COMPONENTS` of them.

    Parameters
    ----------
    values : ndarray, shape (row, feature)
        No NaN.
    seed : int
        For very wide tables, whose components are found by random projections (Halko et al. 2011).

    Returns
    -------
    ndarray, shape (row, component)
        By descending variance; the sign of each component is set by its largest loading.
    """
    from sklearn.decomposition import PCA  # type: ignore[import-untyped]

    n_components = min(*values.shape, MOST_COMPONENTS)
    return np.asarray(PCA(n_components, random_state=seed).fit_transform(values), dtype=np.float64)
