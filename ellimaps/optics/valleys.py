"""Whether chi squared rises away from a minimum as its standard errors say, or stays flat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ellimaps.optics.fresnel import Real
from ellimaps.optics.solver import FilmCurve, Minimum, Target, covariances, minimize

# A parabola rises by 16 at four standard errors, and by 9 at three, which is how much higher another minimum
# may lie (`benchmarks/bench_trust.py`, rows 1).
_STEP = 4.0
_LEAST_RISE = 9 / 16


def in_flat_valley(curve: FilmCurve, target: Target, best: Minimum, scale: Real) -> NDArray[np.bool_]:
    """Return where some parameter can move four standard errors and chi squared hardly rises.

    Parameters
    ----------
    curve : FilmCurve
        The model.
    target : Target
        The n spectra.
    best : Minimum
        Where their fits ended.
    scale : ndarray of float, shape (n,)
        Reduced chi squared, at least 1, by which errors and windows are widened.

    Returns
    -------
    ndarray of bool, shape (n,)
        True where the rise, the other parameters following, is less than 9/16 of a parabola's. Bounds cut the
        step short, and the rise that is asked for with it.

    Notes
    -----
    An opaque film has such a valley: any thickness beyond the depth of light fits, though the slopes at the
    place where noise stopped the fit give an error of a few nanometres.
    """
    covariance = covariances(best.normal) * scale[:, None, None]
    flat = np.zeros(len(scale), dtype=bool)
    for number in range(len(curve.low)):
        error = np.sqrt(covariance[:, number, number])
        known = np.isfinite(error) & (error > 0)
        for side in (-_STEP, _STEP):
            rows = np.flatnonzero(known & ~flat)
            if rows.size:
                flat[rows] |= _is_flat(curve, target.part(rows), best, rows, covariance, scale, number, side)
    return flat


def _is_flat(
    curve: FilmCurve,
    target: Target,
    best: Minimum,
    rows: NDArray[np.intp],
    covariance: Real,
    scale: Real,
    number: int,
    side: float,
) -> NDArray[np.bool_]:
    error = np.sqrt(covariance[rows, number, number])
    at = best.parameters[rows]
    trial = at + side * covariance[rows, number] / error[:, None]
    trial = np.clip(trial, curve.low, curve.high)
    steps = np.abs(trial[:, number] - at[:, number]) / error
    asked = _LEAST_RISE * steps**2 * scale[rows]
    rise = curve.chi2(target, trial) - best.chi2[rows]
    # On a curved valley floor the straight line climbs: let the others follow before calling it a wall.
    steep = (
        np.flatnonzero((rise > 2 * asked) & (steps > 1)) if at.shape[1] > 1 else np.empty(0, dtype=np.intp)
    )
    if steep.size:
        held = np.zeros(at.shape[1], dtype=bool)
        held[number] = True
        followed = minimize(curve, target.part(steep), trial[steep], held=held, most_steps=4)
        rise[steep] = followed.chi2 - best.chi2[rows[steep]]
    # Closer than one standard error, noise decides and the bound is the parameter's own verdict.
    return np.asarray((rise < asked) & (steps > 1))
