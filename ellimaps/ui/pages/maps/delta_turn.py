"""Delta on the turn of the circle that the maps are written in, so that charts and maps say the same."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def on_turn(angle: NDArray[Any], lowest: float) -> NDArray[Any]:
    """Return angles in degrees within the turn that begins at ``lowest``, its end excluded."""
    return lowest + np.mod(angle - lowest, 360.0)


def runs(angle: NDArray[Any]) -> NDArray[np.intp]:
    """Return which stretch of a curve of Delta each value is in: a new one begins past the end of the turn.

    Parameters
    ----------
    angle : ndarray of float, shape (band,)
        In degrees, none of them NaN.

    Returns
    -------
    ndarray of int, shape (band,)
        0 for the first stretch; a line is drawn within each.
    """
    return np.cumsum(np.abs(np.diff(angle, prepend=angle[:1])) > 180.0)


def turn_sentence(lowest: float) -> str:
    """Say which turn is shown, as it stands below spectra."""
    return f"Delta from {lowest:g} to {lowest + 360:g}°, as in the maps: a line ends where it leaves them."
