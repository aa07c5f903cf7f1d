"""Least squares for many spectra at once: Levenberg-Marquardt within bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ellimaps.optics.fresnel import Real

# Ten times smaller or larger damping, and half or twice the steps, give the same fits in the same time
# (`benchmarks/bench_fits.py --constants`).
_MOST_STEPS = 60
_FIRST_DAMPING = 1e-4
_LEAST_DAMPING = 1e-9
_MOST_DAMPING = 1e8
# Squared distance to the minimum in standard errors at which a fit is done: 0.003 of one.
_CLOSE = 1e-5


class FilmCurve(Protocol):
    """Psi and Delta as a function of parameters; see `ellimaps.optics.gradient.ExactCurve`."""

    low: Real
    high: Real
    n_bands: int

    def __call__(self, parameters: Real) -> tuple[Real, Real]:
        """Return angles (n, 2 band) and derivatives (parameter, n, 2 band)."""


@dataclass(frozen=True)
class Target:
    """What a fit is to meet.

    Attributes
    ----------
    angles : ndarray of float, shape (n, 2 band)
        Psi of every band, then Delta, in degrees; any finite number where not measured.
    weights : ndarray of float, shape (n, 2 band)
        One over the standard deviation, 0 where not measured.
    """

    angles: Real
    weights: Real

    def part(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Target:
        """Return some of the spectra."""
        return Target(self.angles[rows], self.weights[rows])

    def residuals(self, angles: Real) -> Real:
        """Return measured minus modelled angles in degrees, those of Delta wrapped to -180..180."""
        rest = self.angles - angles
        delta = rest[:, rest.shape[1] // 2 :]
        delta -= 360 * np.rint(delta / 360)
        return rest


class Minimum(NamedTuple):
    """Where the fits ended, for n spectra.

    Attributes
    ----------
    parameters : ndarray, shape (n, parameter)
        Values at the minimum.
    chi2 : ndarray, shape (n,)
        Weighted sum of squares.
    normal : ndarray, shape (n, parameter, parameter)
        Normal matrix; its inverse is the covariance.
    """

    parameters: Real
    chi2: Real
    normal: Real


def minimize(curve: FilmCurve, target: Target, start: Real) -> Minimum:
    """Return the minimum each spectrum's start leads to.

    Parameters
    ----------
    curve : FilmCurve
        The model.
    target : Target
        The measured spectra.
    start : ndarray of float, shape (n, parameter)
        First values, within the bounds.

    Notes
    -----
    Marquardt's damping (J. SIAM 11, 431 (1963)), one for each spectrum. A parameter that rests on a bound
    and would leave it is held; steps end at the bounds. Spectra that are done drop out.
    """
    theta = np.clip(start, curve.low, curve.high)
    chi2, normal, slope = _evaluate(curve, target, theta)
    damping = np.full(len(theta), _FIRST_DAMPING)
    active = np.arange(len(theta))
    for _ in range(_MOST_STEPS):
        at = theta[active]
        held = ((at <= curve.low) & (slope[active] < 0)) | ((at >= curve.high) & (slope[active] > 0))
        step, decrement = _step(normal[active], slope[active], damping[active], held)
        trial = np.clip(at + step, curve.low, curve.high)
        # Where the model misses the data by far, a small part of the misfit is close enough too.
        moves = (decrement > _CLOSE * np.maximum(1, chi2[active] / curve.n_bands)) & (trial != at).any(axis=1)
        moves &= damping[active] < _MOST_DAMPING
        active, trial = active[moves], trial[moves]
        if not active.size:
            break
        found = _evaluate(curve, target.part(active), trial)
        better = found[0] <= chi2[active]
        kept = active[better]
        theta[kept] = trial[better]
        chi2[kept], normal[kept], slope[kept] = (part[better] for part in found)
        damping[active] = np.where(
            better, np.maximum(damping[active] / 10, _LEAST_DAMPING), damping[active] * 10
        )
    return Minimum(theta, chi2, normal)


def _evaluate(curve: FilmCurve, target: Target, theta: Real) -> tuple[Real, Real, Real]:
    angles, derivatives = curve(theta)
    rest = target.residuals(angles) * target.weights
    derivatives *= target.weights
    chi2 = np.einsum("pb,pb->p", rest, rest)
    normal = np.empty((len(theta), len(derivatives), len(derivatives)))
    slope = np.empty((len(theta), len(derivatives)))
    for i, first in enumerate(derivatives):
        slope[:, i] = np.einsum("pb,pb->p", first, rest)
        for j, second in enumerate(derivatives[: i + 1]):
            normal[:, i, j] = normal[:, j, i] = np.einsum("pb,pb->p", first, second)
    return chi2, normal, slope


def _step(normal: Real, slope: Real, damping: Real, held: NDArray[np.bool_]) -> tuple[Real, Real]:
    """Return the damped step and how much it promises to take off chi squared."""
    free = ~held
    scale = np.sqrt(np.einsum("pii->pi", normal))
    scale = np.where((scale > 0) & free, scale, 1.0)
    scaled = normal / (scale[:, :, None] * scale[:, None, :])
    scaled *= free[:, :, None] & free[:, None, :]
    size = normal.shape[1]
    # The diagonal is 1 but for held or powerless parameters, whose slope is 0: they stay where they are.
    scaled[:, range(size), range(size)] = 1 + damping[:, None]
    right = slope * free / scale
    solution = right / scaled[:, 0] if size == 1 else np.linalg.solve(scaled, right[..., None])[..., 0]
    return solution / scale, np.einsum("pi,pi->p", solution, right)
