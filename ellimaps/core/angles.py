"""Angles in degrees: Delta is known modulo a full turn, so differences and curves are taken on the circle."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.stack import DELTA


def wrap_degrees(angle: NDArray[Any]) -> NDArray[Any]:
    """Return angle differences wrapped to -180..180 deg (float type kept)."""
    return angle - 360 * np.round(angle / 360)


def full_circle(angle: NDArray[Any]) -> NDArray[Any]:
    """Return angles in 0..360 deg, 360 excluded (float type kept)."""
    turned = np.mod(angle, 360)
    # What lies less than a rounding error below a full turn is rounded up to it.
    return np.asarray(np.where(turned >= 360, 0, turned).astype(turned.dtype))


def unwrapped(mean: NDArray[np.float64], quantity: str) -> NDArray[np.float64]:
    """Return a spectrum as a curve without jumps at 0/360 deg where it is a Delta."""
    if quantity != DELTA:
        return mean
    known = np.isfinite(mean)
    curve = mean.copy()
    curve[known] = np.unwrap(mean[known], period=360)
    return curve
