"""Linear models of wells: how much of their variance treatments and places leave."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.plates.statistics.components import Floats
from ellimaps.plates.statistics.treatments import control_wells


def treatment_levels(wells: pd.DataFrame) -> NDArray[np.object_]:
    """Return what was done to each well, controls all the same, shape (well,)."""
    # One by one: added as columns, whatever has no dose would be one treatment, whose name is missing.
    pairs = zip(wells["compound"], wells["concentration"], strict=True)
    return np.where(control_wells(wells), "", [f"{compound}\t{dose}" for compound, dose in pairs]).astype(
        object
    )


def indicators(levels: NDArray[np.object_]) -> Floats:
    """Return a column for each level, 1 where a well has it, shape (well, level)."""
    found, number = np.unique(levels.astype(str), return_inverse=True)
    return np.eye(len(found))[number]


def residuals(values: Floats, design: Floats) -> tuple[Floats, int]:
    """Return what a design leaves of the sum of squares, shape (feature,), and of the degrees of freedom."""
    fit, _, rank, _ = np.linalg.lstsq(design, values, rcond=None)
    return np.square(values - design @ fit).sum(axis=0), len(values) - int(rank)


def filled(values: Floats) -> Floats:
    """Return values whose missing ones lie at the mean of their feature, shape (well, feature)."""
    measured = np.isfinite(values)
    means = np.where(measured, values, 0).sum(axis=0) / np.maximum(measured.sum(axis=0), 1)
    return np.where(measured, values, means)
