"""Least squares for many spectra at once: Levenberg-Marquardt within bounds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import NamedTuple

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


@dataclass(frozen=True)
class Target:
    """What a fit is to meet.

    Attributes
    ----------
    angles : ndarray of float, shape (n, 2 band)
        Psi of every band, then Delta, in degrees; any finite number where not measured.
    weights : ndarray of float, shape (n, 2 band)
        One over the standard deviation, 0 where not measured.
    is_angle : bool
        Whether the second half is of angles, whose differences wrap.
    """

    angles: Real
    weights: Real
    is_angle: bool = True

    def part(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Target:
        """Return some of the spectra."""
        return replace(self, angles=self.angles[rows], weights=self.weights[rows])

    def without(self, values: NDArray[np.bool_]) -> Target:
        """Return the spectra without some of their values, shape (n, 2 band)."""
        return replace(self, weights=np.where(values, 0, self.weights)) if values.any() else self

    @property
    def n_wavelengths(self) -> NDArray[np.int16]:
        """Number of wavelengths (and angles) at which anything was measured, shape (n,)."""
        psi, delta = np.split(self.weights > 0, 2, axis=1)
        return np.asarray(np.count_nonzero(psi | delta, axis=1), dtype=np.int16)

    def residuals(self, angles: Real) -> Real:
        """Return measured minus modelled angles in degrees, those of Delta wrapped to -180..180."""
        rest = self.angles - angles
        if self.is_angle:
            delta = rest[:, rest.shape[1] // 2 :]
            delta -= 360 * np.rint(delta / 360)
        return rest


class FilmCurve(ABC):
    """Psi and Delta as a function of parameters, with bounds.

    Attributes
    ----------
    low, high : ndarray of float, shape (parameter,)
        Bounds.
    n_bands : int
        Number of wavelengths (and angles).
    """

    low: Real
    high: Real
    n_bands: int

    @abstractmethod
    def __call__(self, parameters: Real) -> tuple[Real, Real]:
        """Return angles (n, 2 band) and derivatives (parameter, n, 2 band)."""

    def values(self, parameters: Real) -> Real:
        """Return angles in degrees without derivatives, shape (n, 2 band)."""
        return self(parameters)[0]

    def chi2(self, target: Target, parameters: Real) -> Real:
        """Return chi squared of n spectra at parameters of shape (n, parameter), shape (n,)."""
        rest = target.residuals(self.values(parameters)) * target.weights
        chi2: Real = np.einsum("pb,pb->p", rest, rest)
        return chi2

    def normal_equations(self, target: Target, parameters: Real) -> tuple[Real, Real, Real]:
        """Return chi squared and what least squares need of its neighborhood.

        Parameters
        ----------
        target : Target
            The n spectra.
        parameters : ndarray of float, shape (n, parameter)
            Where.

        Returns
        -------
        chi2 : ndarray of float, shape (n,)
            Weighted sum of squares.
        normal : ndarray of float, shape (n, parameter, parameter)
            Sum of products of weighted derivatives.
        slope : ndarray of float, shape (n, parameter)
            Sum of weighted derivatives times misfits: half of how fast chi squared falls.
        """
        angles, derivatives = self(parameters)
        rest = target.residuals(angles) * target.weights
        derivatives = derivatives * target.weights
        chi2 = np.einsum("pb,pb->p", rest, rest)
        normal = np.empty((len(parameters), len(derivatives), len(derivatives)))
        slope = np.empty((len(parameters), len(derivatives)))
        for i, first in enumerate(derivatives):
            slope[:, i] = np.einsum("pb,pb->p", first, rest)
            for j, second in enumerate(derivatives[: i + 1]):
                normal[:, i, j] = normal[:, j, i] = np.einsum("pb,pb->p", first, second)
        return chi2, normal, slope


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


class Sought(NamedTuple):
    """What a minimum beside those already known must be to matter.

    Attributes
    ----------
    chi2 : ndarray, shape (n,)
        Chi squared it may have.
    known : ndarray, shape (n, parameter)
        The best minimum so far; NaN where there is none.
    apart : ndarray, shape (parameter,)
        Nearer than this in every parameter, it is the known one.
    """

    chi2: Real
    known: Real
    apart: Real

    def part(self, rows: NDArray[np.intp]) -> Sought:
        """Return what is sought of some of the spectra."""
        return Sought(self.chi2[rows], self.known[rows], self.apart)

    def may_follow(
        self, rows: NDArray[np.intp], at: Real, chi2: Real, trial: Real, promised: Real
    ) -> NDArray[np.bool_]:
        """Return which fits are worth going on from a place and its chi squared to a trial and its promise.

        A fit whose next step leads to the known minimum ends before it, but where chi squared is already low
        enough to count: what ends there would pass for a minimum.
        """
        elsewhere = self._is_apart(rows, at) & (self._is_apart(rows, trial) | (chi2 <= self.chi2[rows]))
        return np.asarray(elsewhere & (promised <= 4 * self.chi2[rows]))

    def _is_apart(self, rows: NDArray[np.intp], at: Real) -> NDArray[np.bool_]:
        return np.asarray(~(np.abs(at - self.known[rows]) < self.apart).all(axis=1))


def minimize(
    curve: FilmCurve,
    target: Target,
    start: Real,
    *,
    held: NDArray[np.bool_] | None = None,
    sought: Sought | None = None,
    most_steps: int = _MOST_STEPS,
) -> Minimum:
    """Return the minimum each spectrum's start leads to.

    Parameters
    ----------
    curve : FilmCurve
        The model.
    target : Target
        The measured spectra.
    start : ndarray of float, shape (n, parameter)
        First values, within the bounds.
    held : ndarray of bool, shape (parameter,), optional
        Parameters that stay where they are.
    sought : Sought, optional
        What makes a minimum worth going on; other fits end where they are.
    most_steps : int
        Steps after which a fit ends where it is.

    Notes
    -----
    Marquardt's damping (J. SIAM 11, 431 (1963)), one for each spectrum. A parameter that rests on a bound
    and would leave it is held; steps end at the bounds. Spectra that are done drop out.
    """
    theta = np.clip(start, curve.low, curve.high)
    chi2, normal, slope = curve.normal_equations(target, theta)
    damping = np.full(len(theta), _FIRST_DAMPING)
    active = np.arange(len(theta))
    for _ in range(most_steps):
        at = theta[active]
        resting = ((at <= curve.low) & (slope[active] < 0)) | ((at >= curve.high) & (slope[active] > 0))
        if held is not None:
            resting |= held
        step, decrement = _step(normal[active], slope[active], damping[active], resting)
        trial = np.clip(at + step, curve.low, curve.high)
        # Where the model misses the data by far, a small part of the misfit is close enough too.
        moves = (decrement > _CLOSE * np.maximum(1, chi2[active] / curve.n_bands)) & (trial != at).any(axis=1)
        moves &= damping[active] < _MOST_DAMPING
        if sought is not None:
            moves &= sought.may_follow(active, at, chi2[active], trial, chi2[active] - 2 * decrement)
        active, trial = active[moves], trial[moves]
        if not active.size:
            break
        found = curve.normal_equations(target.part(active), trial)
        better = found[0] <= chi2[active]
        kept = active[better]
        theta[kept] = trial[better]
        chi2[kept], normal[kept], slope[kept] = (part[better] for part in found)
        damping[active] = np.where(
            better, np.maximum(damping[active] / 10, _LEAST_DAMPING), damping[active] * 10
        )
    return Minimum(theta, chi2, normal)


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


def covariances(normal: Real) -> Real:
    """Return inverse normal matrices, infinite where they are singular; both (n, parameter, parameter)."""
    scale = np.sqrt(np.einsum("pii->pi", normal))
    powerless = (scale == 0).any(axis=1)
    scale = np.where(scale == 0, 1.0, scale)
    scaled = normal / (scale[:, :, None] * scale[:, None, :])
    size = normal.shape[1]
    singular = powerless | (np.linalg.det(scaled) < 1e-12)
    scaled[singular] = np.eye(size)
    inverse = np.linalg.inv(scaled) / (scale[:, :, None] * scale[:, None, :])
    inverse[singular] = np.inf
    return np.asarray(inverse)
