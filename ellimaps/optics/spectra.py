"""The fit of independent spectra: look-up, least squares from every start that may matter, verdict."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.errors import SettingError
from ellimaps.optics.curve_table import TabulatedCurve
from ellimaps.optics.fresnel import Real
from ellimaps.optics.gradient import ExactCurve
from ellimaps.optics.lookup import MOST_CANDIDATES, LookUp, ncs
from ellimaps.optics.model import THICKNESS, ThinFilm
from ellimaps.optics.solver import FilmCurve, Minimum, Target, minimize

# A parameter whose standard error is above this part of the range between its bounds is not determined: then
# ten standard errors fill the range, and the bounds have as much say as the data.
_UNDETERMINED = 0.1


class Flag(IntEnum):
    """What to think of a fit; only those that are ``OK`` are to be trusted."""

    NOT_FITTED = -1
    OK = 0
    AMBIGUOUS = 1
    """Another minimum fits about as well, or the data do not determine a parameter."""
    AT_BOUND = 2
    """A parameter ended at one of its bounds; no layer, a thickness of 0, is a result and no such bound."""
    POOR_FIT = 3
    """The model does not describe the data: the MSE is above the limit."""
    TOO_FEW_WAVELENGTHS = 4

    @property
    def text(self) -> str:
        """The flag in words."""
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True)
class FitOptions:
    """Choices of a fit.

    Attributes
    ----------
    sigma_psi_deg, sigma_delta_deg : float
        Standard deviations of a measured Psi and Delta in degrees.
    within_chi2 : float
        Another minimum counts if its chi squared exceeds the least one by no more than this (9: three
        standard deviations), times the reduced chi squared where that is above 1.
    max_mse : float
        The MSE above which a fit is poor.
    min_wavelengths : int
        Fewest wavelengths (and angles) a fit may rest on; at least half the number of parameters is needed.
    """

    sigma_psi_deg: float = 0.05
    sigma_delta_deg: float = 0.1
    within_chi2: float = 9.0
    max_mse: float = 15.0
    min_wavelengths: int = 2

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < np.inf:
                raise SettingError(f"{item.name} of a fit must be a number above 0, got {value!r:.80}.")


class SpectraFit(NamedTuple):
    """Fits of n spectra.

    Attributes
    ----------
    parameters, standard_errors : ndarray, shape (n, parameter)
        NaN where there were too few wavelengths.
    mse, chi2 : ndarray, shape (n,)
        MSE in N, C, S and reduced chi squared.
    n_wavelengths : ndarray of int, shape (n,)
        How many wavelengths (and angles) were used.
    flags : ndarray of int8, shape (n,)
        Values of `Flag`.
    others : ndarray, shape (n, candidate, parameter)
        Other minima within the chosen chi squared, best first; NaN where there are no more.
    others_chi2 : ndarray, shape (n, candidate)
        Their reduced chi squared.
    """

    parameters: Real
    standard_errors: Real
    mse: Real
    chi2: Real
    n_wavelengths: NDArray[np.int16]
    flags: NDArray[np.int8]
    others: Real
    others_chi2: Real


class SpectraFitter:
    """Fits a model to spectra at fixed wavelengths.

    Parameters
    ----------
    model : ThinFilm
        With at least one free parameter.
    wavelength_nm, aoi_deg : ndarray of float, shape (band,)
        Of each pair of Psi and Delta.
    options : FitOptions
        Choices.
    many : bool
        Whether so many spectra will come that a table of the model is worth its time.

    Raises
    ------
    SettingError
        If nothing is free, or the model cannot be evaluated there.
    """

    def __init__(
        self, model: ThinFilm, wavelength_nm: Real, aoi_deg: Real, options: FitOptions, *, many: bool = False
    ) -> None:
        if not model.parameters:
            raise SettingError(
                "Nothing is free in the model: give bounds such as free = { thickness_nm = [0, 400] }."
            )
        self.options = options
        self.wavelength_nm, self.aoi_deg = wavelength_nm, aoi_deg
        self.exact = ExactCurve(model, wavelength_nm, aoi_deg)
        self.look_up = LookUp(model, self.exact, wavelength_nm)
        self.curve: FilmCurve = self.exact
        if many and len(model.parameters) == 1:
            table = TabulatedCurve(self.exact)
            self.curve = table if table.is_accurate else self.exact
        self._fewest = max(options.min_wavelengths, len(model.parameters) // 2 + 1)
        self._is_thickness = np.array([p.kind == THICKNESS for p in model.parameters])

    def fit(self, psi_deg: Real, delta_deg: Real) -> SpectraFit:
        """Fit spectra.

        Parameters
        ----------
        psi_deg, delta_deg : ndarray of float, shape (n, band)
            NaN where not measured; a wavelength is used where both are known.
        """
        target, used = self.target(psi_deg, delta_deg)
        rows = np.flatnonzero(used >= self._fewest)
        result = self._nothing(used)
        if rows.size == len(used):
            return self._fit(target, used)
        if rows.size:
            for name, found in self._fit(target.part(rows), used[rows])._asdict().items():
                getattr(result, name)[rows] = found
        return result

    def target(self, psi_deg: Real, delta_deg: Real) -> tuple[Target, NDArray[np.int16]]:
        """Return what the fit is to meet, and how many wavelengths of each spectrum are used."""
        known = np.isfinite(psi_deg) & np.isfinite(delta_deg)
        angles = np.concatenate([psi_deg, delta_deg], axis=1).astype(np.float64)
        twice = np.concatenate([known, known], axis=1)
        angles[~twice] = 0
        n = known.shape[1]
        weights = np.repeat([1 / self.options.sigma_psi_deg, 1 / self.options.sigma_delta_deg], n) * twice
        return Target(angles, weights), known.sum(axis=1).astype(np.int16)

    def _nothing(self, used: NDArray[np.int16]) -> SpectraFit:
        n, m = len(used), len(self._is_thickness)

        def empty(*shape: int) -> Real:
            return np.full(shape, np.nan)

        flags = np.full(n, Flag.TOO_FEW_WAVELENGTHS, dtype=np.int8)
        others = MOST_CANDIDATES - 1
        return SpectraFit(
            empty(n, m), empty(n, m), empty(n), empty(n), used, flags, empty(n, others, m), empty(n, others)
        )

    def _fit(self, target: Target, used: NDArray[np.int16]) -> SpectraFit:
        minima = self._minima(target, used)
        order = np.argsort(minima.chi2, axis=1)
        row = np.arange(len(used))
        best = Minimum(*(values[row, order[:, 0]] for values in minima))
        freedom = np.maximum(2.0 * used - best.parameters.shape[1], 1)
        reduced = best.chi2 / freedom
        errors = _standard_errors(best.normal) * np.sqrt(np.maximum(1, reduced))[:, None]
        others, others_chi2 = self._others(best, minima, order, freedom)
        mse = self.mse(target, best.parameters, used)
        has_others = np.asarray(np.isfinite(others_chi2).any(axis=1))
        flags = self.flags(best.parameters, errors, mse, has_others)
        return SpectraFit(best.parameters, errors, mse, reduced, used, flags, others, others_chi2)

    @staticmethod
    def points(target: Target) -> NDArray[np.float32]:
        """Return N, C, S of spectra, zero where not measured, shape (n, 3 band)."""
        known = target.weights > 0
        return np.where(
            np.concatenate([known, known[:, : known.shape[1] // 2]], axis=1), ncs(target.angles), 0
        )

    def _minima(self, target: Target, used: NDArray[np.int16]) -> Minimum:
        """Return the minimum from the best node, and from each other that could lead to one that counts."""
        candidates = self.look_up.candidates(self.points(target))
        n, m = len(used), self.look_up.nodes.shape[1]
        parameters = np.full((n, MOST_CANDIDATES, m), np.nan)
        chi2 = np.full((n, MOST_CANDIDATES), np.inf)
        normal = np.zeros((n, MOST_CANDIDATES, m, m))
        # Distances in N, C, S are at most this times the root of chi squared.
        unit = np.deg2rad(max(2 * self.options.sigma_psi_deg, self.options.sigma_delta_deg))
        freedom = np.maximum(2.0 * used - m, 1)
        limit = np.full(n, np.inf)
        for rank in range(MOST_CANDIDATES):
            rows = np.flatnonzero((candidates.node[:, rank] >= 0) & (candidates.least[:, rank] <= limit))
            if not rows.size:
                continue
            start = self.look_up.nodes[candidates.node[rows, rank]]
            found = minimize(self.curve, target.part(rows), start)
            parameters[rows, rank], chi2[rows, rank], normal[rows, rank] = found
            least = chi2.min(axis=1)
            limit = unit * np.sqrt(least + self._window(least / freedom))
        return Minimum(parameters, chi2, normal)

    def _window(self, reduced: Real) -> Real:
        return np.asarray(self.options.within_chi2 * np.maximum(1, reduced))

    def _others(
        self, best: Minimum, minima: Minimum, order: NDArray[np.intp], freedom: Real
    ) -> tuple[Real, Real]:
        """Return the other minima within the chosen chi squared and their reduced chi squared."""
        row = np.arange(len(order))[:, None]
        rest = minima.parameters[row, order[:, 1:]]
        chi2 = minima.chi2[row, order[:, 1:]]
        apart = np.abs(rest - best.parameters[:, None, :]) > self.look_up.spacing / 2
        near = chi2 <= (best.chi2 + self._window(best.chi2 / freedom))[:, None]
        counts = near & apart.any(axis=2)
        rest = np.where(counts[:, :, None], rest, np.nan)
        return rest, np.where(counts, chi2 / freedom[:, None], np.nan)

    def mse(self, target: Target, parameters: Real, used: NDArray[np.int16]) -> Real:
        """Return 1000 sqrt(sum over N, C, S of squared misfit / (3 n - m)), shape (n,)."""
        angles, _ = self.curve(parameters)
        squares = ncs_distance_squared(target, angles)
        freedom = np.maximum(3.0 * used - parameters.shape[1], 1)
        return np.asarray(1000 * np.sqrt(squares / freedom))

    def flags(
        self, parameters: Real, errors: Real, mse: Real, has_others: NDArray[np.bool_]
    ) -> NDArray[np.int8]:
        """Return the verdicts; of several the gravest.

        Parameters
        ----------
        parameters, errors : ndarray of float, shape (n, parameter)
            Where the fits ended, and standard errors, in the parameters' units.
        mse : ndarray of float, shape (n,)
            MSE in N, C, S.
        has_others : ndarray of bool, shape (n,)
            Whether another minimum fits about as well.

        Returns
        -------
        ndarray of int8, shape (n,)
            Values of `Flag`.
        """
        low, high = self.curve.low, self.curve.high
        width = high - low
        undetermined = ~(errors <= _UNDETERMINED * width)
        at_low = (parameters <= low + 1e-9 * width) & ~(self._is_thickness & (low == 0))
        at_bound = at_low | (parameters >= high - 1e-9 * width)
        flags = np.full(len(parameters), Flag.OK, dtype=np.int8)
        flags[has_others | undetermined.any(axis=1)] = Flag.AMBIGUOUS
        flags[at_bound.any(axis=1)] = Flag.AT_BOUND
        flags[~(mse <= self.options.max_mse)] = Flag.POOR_FIT
        return flags


def ncs_distance_squared(target: Target, angles: Real) -> Real:
    """Return the sum over N, C, S and the measured wavelengths of the squared misfit, shape (n,)."""
    rest = np.deg2rad(target.residuals(angles))
    psi, delta = np.split(rest, 2, axis=1)
    measured, modelled = (np.deg2rad(2 * a[:, : psi.shape[1]]) for a in (target.angles, angles))
    # The chord between two points of the sphere, in a form that loses no digits where they are close.
    squares = 4 * np.sin(psi) ** 2 + 4 * np.sin(measured) * np.sin(modelled) * np.sin(delta / 2) ** 2
    total: Real = np.einsum("pb,pb->p", squares, (target.weights[:, : psi.shape[1]] > 0).astype(np.float64))
    return total


def _standard_errors(normal: Real) -> Real:
    """Return the roots of the diagonal of the covariance; infinite where the data do not determine it."""
    scale = np.sqrt(np.einsum("pii->pi", normal))
    powerless = scale == 0
    scale = np.where(powerless, 1.0, scale)
    scaled = normal / (scale[:, :, None] * scale[:, None, :])
    size = normal.shape[1]
    scaled[:, range(size), range(size)] = 1.0
    singular = np.linalg.det(scaled) < 1e-12
    scaled[singular] = np.eye(size)
    variances = np.einsum("pii->pi", np.linalg.inv(scaled))
    errors = np.sqrt(np.maximum(variances, 0)) / scale
    return np.where(powerless | singular[:, None], np.inf, errors)
