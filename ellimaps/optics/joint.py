"""Fits of several spectra at once that share some parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.optimize import least_squares

from ellimaps.core.errors import SettingError
from ellimaps.optics.fresnel import Real
from ellimaps.optics.lookup import peaks
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.noise import Noise
from ellimaps.optics.solver import Target
from ellimaps.optics.spectra import SpectraFitter, lookup_points

# So many of the best nodes of the look-up are tried, for safety: on the terraces of the tests the first one,
# and any number up to eight, leads to the truth.
_STARTS = 4


def shared_columns(model: ThinFilm, shared: Sequence[str]) -> list[int]:
    """Return the numbers of the parameters that are shared.

    Raises
    ------
    SettingError
        If a name is not one of the model's free parameters.
    """
    names = [parameter.name for parameter in model.parameters]
    for name in shared:
        if name not in names:
            raise SettingError(f"{name!r:.80} cannot be shared: free in the model are {', '.join(names)}.")
    return [names.index(name) for name in dict.fromkeys(shared)]


def joint_minimum(
    model: ThinFilm,
    fitter: SpectraFitter,
    psi_deg: Real,
    delta_deg: Real,
    shared: Sequence[int],
    noise: Noise,
) -> tuple[Real, Real, Real]:
    """Fit spectra with common values of some parameters.

    Parameters
    ----------
    model : ThinFilm
        The model.
    fitter : SpectraFitter
        The same model at the measured wavelengths.
    psi_deg, delta_deg : ndarray of float, shape (n, band)
        The spectra; NaN where not measured.
    shared : sequence of int
        Numbers of the shared parameters.
    noise : Noise
        That of the spectra.

    Returns
    -------
    parameters, standard_errors : ndarray of float, shape (n, parameter)
        Errors from the joint covariance, for the standard deviations of the fitter's options.
    chi2 : ndarray of float, shape (n,)
        Weighted sum of squares of each spectrum.

    Notes
    -----
    Three stages. The look-up takes, at each grid value of the shared parameters, every spectrum's best own
    values and adds up the distances. At the best nodes each spectrum is fitted by itself in what is its
    own, the shared ones held. Then everything is free, and the start that ends lowest is taken.
    """
    target = fitter.target(psi_deg, delta_deg, noise)
    problem = _Joint(fitter, target, shared)
    solutions = []
    for values in _best_nodes(fitter, target, noise, shared):
        start = np.tile(values, (len(psi_deg), 1))
        if problem.own:
            held = _holding(model, shared, values)
            alone = SpectraFitter(held, fitter.wavelength_nm, fitter.aoi_deg, fitter.options)
            start[:, problem.own] = alone.fit(psi_deg, delta_deg, noise).parameters
        solutions.append(
            least_squares(
                problem.residuals,
                problem.inside(problem.pack(start)),
                problem.jacobian,
                bounds=(problem.low, problem.high),
                x_scale="jac",
                xtol=1e-12,
            )
        )
    best = min(solutions, key=lambda solution: float(solution.cost))
    unknowns = problem.settled(best.x)
    slopes = problem.jacobian(unknowns)
    covariance = np.linalg.pinv(slopes.T @ slopes)
    errors = problem.unpack(np.sqrt(np.maximum(np.diag(covariance), 0)))
    return problem.unpack(unknowns), errors, problem.chi2(unknowns)


def _best_nodes(fitter: SpectraFitter, target: Target, noise: Noise, shared: Sequence[int]) -> Real:
    """Return the nodes with the best values of the shared parameters, shape (node, parameter)."""
    look_up = fitter.look_up
    scores = look_up.scores(lookup_points(target, noise))
    own = tuple(1 + axis for axis in range(len(look_up.shape)) if axis not in shared)
    total = scores.max(axis=own, keepdims=True).sum(axis=0)
    padded = np.pad(total, [(0, 1)] * total.ndim, constant_values=-np.inf)
    _, found = peaks(padded[None])
    best = found[np.argsort(-padded.ravel()[found])][:_STARTS]
    return look_up.parameters(np.stack(np.unravel_index(best, padded.shape), axis=-1))


def _holding(model: ThinFilm, shared: Sequence[int], values: Real) -> ThinFilm:
    """Return the model with some parameters at these values and no longer free."""
    model = model.with_parameters(values)
    held = {(model.parameters[i].layer, model.parameters[i].kind) for i in shared}
    layers = tuple(
        replace(layer, free={kind: b for kind, b in layer.free.items() if (number, kind) not in held})
        for number, layer in enumerate(model.layers)
    )
    free = {kind: b for kind, b in model.free.items() if (None, kind) not in held}
    return replace(model, layers=layers, free=free)


class _Joint:
    """One vector of unknowns: the shared parameters, then each spectrum's own."""

    def __init__(self, fitter: SpectraFitter, target: Target, shared: Sequence[int]) -> None:
        self._exact, self._target = fitter.exact, target
        self._shared = list(shared)
        self.own = [i for i in range(len(fitter.exact.low)) if i not in shared]
        self.n_shared = len(self._shared)
        self._n = len(target.angles)
        self.low, self.high = (
            np.concatenate([limit[self._shared], np.tile(limit[self.own], self._n)])
            for limit in (fitter.exact.low, fitter.exact.high)
        )

    def pack(self, parameters: Real) -> Real:
        return np.concatenate([parameters[0, self._shared], parameters[:, self.own].ravel()])

    def unpack(self, unknowns: Real) -> Real:
        parameters = np.empty((self._n, self.n_shared + len(self.own)))
        parameters[:, self._shared] = unknowns[: self.n_shared]
        parameters[:, self.own] = unknowns[self.n_shared :].reshape(self._n, len(self.own))
        return parameters

    def inside(self, unknowns: Real) -> Real:
        """Return the unknowns a little off the bounds, where the solver wants them to start."""
        margin = 1e-6 * (self.high - self.low)
        return np.clip(unknowns, self.low + margin, self.high - margin)

    def settled(self, unknowns: Real) -> Real:
        """Return the unknowns, those on a bound that the solver only approaches put there."""
        margin = 1e-6 * (self.high - self.low)
        on_low, on_high = unknowns - self.low < margin, self.high - unknowns < margin
        return np.where(on_low, self.low, np.where(on_high, self.high, unknowns))

    def residuals(self, unknowns: Real) -> Real:
        angles, _ = self._exact(self.unpack(unknowns))
        return (-self._target.residuals(angles) * self._target.weights).ravel()

    def chi2(self, unknowns: Real) -> Real:
        squares: Real = np.square(self.residuals(unknowns)).reshape(self._n, -1).sum(axis=1)
        return squares

    def jacobian(self, unknowns: Real) -> Real:
        _, derivatives = self._exact(self.unpack(unknowns))
        derivatives *= self._target.weights
        n_values = derivatives.shape[2]
        result = np.zeros((self._n, n_values, len(unknowns)))
        for column, number in enumerate(self._shared):
            result[:, :, column] = derivatives[number]
        for spectrum in range(self._n):
            at = self.n_shared + spectrum * len(self.own)
            result[spectrum, :, at : at + len(self.own)] = derivatives[self.own, spectrum].T
        return result.reshape(-1, len(unknowns))
