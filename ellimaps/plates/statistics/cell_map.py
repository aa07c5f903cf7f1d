"""Single cells laid out in a plane by what was measured of each."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import SettingError
from ellimaps.plates.measuring.profiles import CELL_METADATA
from ellimaps.plates.statistics.components import Floats

_PLACE = ("object", "y", "x", "at_border")
"""Where a cell lies says nothing of what it is like."""

_FARTHEST = 10.0
"""In robust standard deviations: what lies beyond is debris, or a change that is plain anyway. On generated
cells half and twice of it leave the first component's correlation with the truth above 0.95."""


def cell_features(cells: pd.DataFrame) -> list[str]:
    """Return the names of the measurements in a table of cells."""
    numbers = cells.select_dtypes("number").columns
    return [str(name) for name in numbers if name not in (*CELL_METADATA, *_PLACE)]


def cell_positions(cells: pd.DataFrame, is_control: NDArray[np.bool_]) -> Floats:
    """Return the first two principal components of cells, shape (cell, 2).

    Measurements are taken in robust standard deviations of the control cells, ten of them at most, so that
    debris far out does not turn the components. What was not measured is at the median.

    Parameters
    ----------
    cells : DataFrame
        As in ``Profiles.cells``.
    is_control : ndarray of bool, shape (cell,)
        Which lie in control wells; all are taken where there are none.

    Raises
    ------
    SettingError
        If there are fewer than three cells, or nothing was measured of them.
    """
    values = cells[cell_features(cells)].to_numpy(np.float64, copy=True)
    if len(values) < 3 or not values.shape[1]:
        raise SettingError("A map of cells takes three cells or more with measurements.")
    values[~np.isfinite(values)] = np.nan
    reference = values[is_control] if is_control.any() else values
    values -= np.nan_to_num(np.nanmedian(reference, axis=0))
    spread = 1.4826 * np.nanmedian(np.abs(reference - np.nanmedian(reference, axis=0)), axis=0)
    values = np.clip(np.nan_to_num(values / np.where(spread > 0, spread, np.inf)), -_FARTHEST, _FARTHEST)
    values -= values.mean(axis=0)
    _, loadings = np.linalg.eigh(values.T @ values)
    best = loadings[:, ::-1][:, :2]
    best = best * np.sign(best[np.abs(best).argmax(axis=0), range(best.shape[1])])
    found = values @ best
    return np.pad(found, ((0, 0), (0, 2 - found.shape[1])))
