"""Delta on the turn of the circle that the maps are written in, so that charts and maps say the same."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.stack import DELTA


def on_turn(values: NDArray[Any], quantity: str, lowest: float) -> NDArray[Any]:
    """Return values as the maps write them.

    Parameters
    ----------
    values : ndarray of float
        Of a quantity; other ones than Delta stay as they are.
    quantity : str
        Which.
    lowest : float
        Where the turn of the maps of Delta begins, in degrees; its end is excluded.
    """
    if quantity != DELTA:
        return values
    turned = lowest + np.mod(values - lowest, 360.0)
    return np.asarray(np.where((values >= lowest) & (values < lowest + 360.0), values, turned), values.dtype)


def stretches(values: NDArray[np.float64], quantity: str) -> NDArray[np.intp]:
    """Return in which stretch of a curve each value is: past the end of the turn a new one begins.

    Parameters
    ----------
    values : ndarray of float, shape (band,)
        A spectrum on one turn; NaN is passed over.
    quantity : str
        Of what; only Delta has an end of the turn.

    Returns
    -------
    ndarray of int, shape (band,)
        From 0; a line is drawn within each.
    """
    result = np.zeros(len(values), dtype=np.intp)
    known = np.isfinite(values)
    if quantity == DELTA and known.any():
        result[known] = np.cumsum(np.abs(np.diff(values[known], prepend=values[known][:1])) > 180.0)
    return result


def turn_sentence(lowest: float) -> str:
    """Say which turn is shown, as it stands below spectra."""
    return f"Delta from {lowest:g} to {lowest + 360:g}°, as in the maps; past the end a curve begins anew."
