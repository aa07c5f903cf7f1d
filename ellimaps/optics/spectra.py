"""The fit of independent spectra: look-up, least squares from every start that may matter, verdict."""

from __future__ import annotations

from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2 as chi2_distribution

from ellimaps.core.errors import SettingError
from ellimaps.core.statistics import MAD_TO_SIGMA
from ellimaps.optics.averages import SPREADS
from ellimaps.optics.curve_table import TabulatedCurve
from ellimaps.optics.determined import UNDETERMINED
from ellimaps.optics.fit_options import FitOptions
from ellimaps.optics.flags import Flag
from ellimaps.optics.fresnel import Real
from ellimaps.optics.gradient import ExactCurve
from ellimaps.optics.layers import SHARE, THICKNESS
from ellimaps.optics.lookup import MOST_CANDIDATES, LookUp, ncs
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.ncs_curve import NcsCurve, ncs_target
from ellimaps.optics.noise import Noise, usual_noise
from ellimaps.optics.solver import FilmCurve, Minimum, Sought, Target, covariances, minimize
from ellimaps.optics.valleys import in_flat_valley

# A value is wild if it misses a fit without it by so many standard deviations, or times what all values miss
# it by: one in 10**15 by chance. More than a tenth of the values are no accident but a wrong model.
_WILD = 8.0
_WILD_SHARE = 0.1
_WILD_ROUNDS = 4
# So many of the best nodes are always looked at, for other minima; the rest while nothing found describes the
# data. With half as many 0.0003 more of the fits with four parameters are ok and wrong (`bench_fits.py`).
_ALWAYS = 6


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
    wild : ndarray of bool, shape (n, 2 band)
        Values of Psi, then of Delta, that were measured but left out as wild.
    """

    parameters: Real
    standard_errors: Real
    mse: Real
    chi2: Real
    n_wavelengths: NDArray[np.int16]
    flags: NDArray[np.int8]
    others: Real
    others_chi2: Real
    wild: NDArray[np.bool_]


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
    noise : Noise, optional
        Standard deviations of single values; by default those of the options, else the usual ones.
    many : bool
        Whether so many spectra will come that a table of the model is worth its time.

    Raises
    ------
    SettingError
        If nothing is free, or the model cannot be evaluated there.
    """

    def __init__(
        self,
        model: ThinFilm,
        wavelength_nm: Real,
        aoi_deg: Real,
        options: FitOptions,
        noise: Noise | None = None,
        *,
        many: bool = False,
    ) -> None:
        if not model.parameters:
            raise SettingError(
                "Nothing is free in the model: give bounds such as free = { thickness_nm = [0, 400] }."
            )
        self.options = options
        self.noise = noise or noise_of_options(options, len(wavelength_nm))
        self.wavelength_nm, self.aoi_deg = wavelength_nm, aoi_deg
        self.exact = ExactCurve(model, wavelength_nm, aoi_deg)
        self.look_up = LookUp(model, self.exact, wavelength_nm)
        self.curve = _fast_curve(self.exact) if many else self.exact
        kinds = [p.kind for p in model.parameters]
        # At these bounds is what is not there, or all there, and not what lies beyond them.
        self._ends_at_0 = np.array([kind in (THICKNESS, SHARE, *SPREADS) for kind in kinds])
        self._ends_at_1 = np.array([kind == SHARE for kind in kinds])

    def fit(self, psi_deg: Real, delta_deg: Real, noise: Noise | None = None) -> SpectraFit:
        """Fit spectra.

        Parameters
        ----------
        psi_deg, delta_deg : ndarray of float, shape (n, band)
            NaN where not measured; each is used by itself.
        noise : Noise, optional
            That of these spectra, if it is another one than the fitter's.
        """
        target = self.target(psi_deg, delta_deg, noise)
        result = self._nothing(target)
        rows = np.flatnonzero(self.enough(target))
        wild = np.zeros(target.weights.shape, dtype=bool)
        for _ in range(_WILD_ROUNDS):
            if not rows.size:
                break
            used = target.part(rows).without(wild[rows])
            found, angles = self._fit(used, None if noise is None else noise.part(rows))
            better = ~wild[rows].any(axis=1) | (found.flags != Flag.LACK_OF_FIT) & (
                found.flags != Flag.POOR_FIT
            )
            for name, values in found._replace(wild=wild[rows])._asdict().items():
                getattr(result, name)[rows[better]] = values[better]
            again = self._wild(target.part(rows), used, angles)
            changed = again.any(axis=1) & (again != wild[rows]).any(axis=1)
            wild[rows] = again
            rows = rows[changed]
        return result

    def target(self, psi_deg: Real, delta_deg: Real, noise: Noise | None = None) -> Target:
        """Return what the fit is to meet; arguments as for `fit`."""
        angles = np.concatenate([psi_deg, delta_deg], axis=1).astype(np.float64)
        known = np.isfinite(angles)
        sigma = np.concatenate((noise or self.noise).sigmas(np.asarray(psi_deg, dtype=np.float64)), axis=1)
        return Target(np.where(known, angles, 0.0), np.where(known, 1 / sigma, 0.0))

    def enough(self, target: Target) -> NDArray[np.bool_]:
        """Return which spectra can be fitted: enough wavelengths, and more values than parameters."""
        more = np.count_nonzero(target.weights, axis=1) > len(self.exact.parameters)
        return np.asarray(more & (target.n_wavelengths >= self.options.min_wavelengths))

    def _nothing(self, target: Target) -> SpectraFit:
        n, m, others = len(target.angles), len(self.exact.parameters), MOST_CANDIDATES - 1

        def empty(*shape: int) -> Real:
            return np.full(shape, np.nan)

        flags = np.full(n, Flag.TOO_FEW_WAVELENGTHS, dtype=np.int8)
        return SpectraFit(
            parameters=empty(n, m),
            standard_errors=empty(n, m),
            mse=empty(n),
            chi2=empty(n),
            n_wavelengths=target.n_wavelengths,
            flags=flags,
            others=empty(n, others, m),
            others_chi2=empty(n, others),
            wild=np.zeros(target.weights.shape, dtype=bool),
        )

    def _fit(self, target: Target, noise: Noise | None) -> tuple[SpectraFit, Real]:
        """Return the fits and the angles they give."""
        problem = FitProblem(self, target, noise or self.noise)
        minima = problem.minima()
        order = np.argsort(minima.chi2, axis=1)
        row = np.arange(len(order))
        best = Minimum(*(values[row, order[:, 0]] for values in minima))
        reduced = best.chi2 / problem.freedom
        errors = self._errors(problem, best, reduced)
        others, others_chi2 = self._others(best, minima, order, problem.freedom)
        angles = self.curve.values(best.parameters)
        mse = self.mse(target, angles)
        doubtful = np.isfinite(others_chi2).any(axis=1)
        doubtful |= in_flat_valley(problem.curve, problem.target, best, np.maximum(1, reduced))
        flags = self.flags(best.parameters, errors, mse, self.lack_of_fit(target, angles, noise), doubtful)
        wild = np.zeros(target.weights.shape, dtype=bool)
        fit = SpectraFit(
            best.parameters, errors, mse, reduced, target.n_wavelengths, flags, others, others_chi2, wild
        )
        return fit, angles

    def _errors(self, problem: FitProblem, best: Minimum, reduced: Real) -> Real:
        """Return standard errors, shape (n, parameter), widened for what the model misses.

        Misfit beyond noise whose size is known is no noise. Its part along a parameter's slopes has gone
        into the parameter and cannot be seen; if it is as large there as elsewhere, and all values pull one
        way, it moves the parameter by its size times the sum of what each value moves it by.
        """
        errors = standard_errors(best.normal)
        if not problem.noise.is_known:
            return np.asarray(errors * np.sqrt(np.maximum(1, reduced))[:, None])
        excess = np.sqrt(np.maximum(0, reduced - 1 - 2 * np.sqrt(2 / problem.freedom)))
        rows = np.flatnonzero((excess > 0) & np.isfinite(errors).all(axis=1))
        if rows.size:
            _, slopes = problem.curve(best.parameters[rows])
            scaled = slopes * problem.target.weights[rows]
            pull = np.abs(np.einsum("pij,jpb->pib", np.linalg.inv(best.normal[rows]), scaled)).sum(axis=2)
            errors[rows] = np.hypot(errors[rows], excess[rows, None] * pull)
        return errors

    def _wild(self, target: Target, used: Target, angles: Real) -> NDArray[np.bool_]:
        """Return which values a fit without some of them misses so far that they are no measurement."""
        rest = np.abs(target.residuals(angles)) * target.weights
        typical = MAD_TO_SIGMA * _median_of_known(np.where(used.weights > 0, rest, np.nan))
        wild = rest > _WILD * np.maximum(1, typical)[:, None]
        few = wild.sum(axis=1) <= np.maximum(1, _WILD_SHARE * np.count_nonzero(target.weights, axis=1))
        return np.asarray(wild & few[:, None])

    def _others(
        self, best: Minimum, minima: Minimum, order: NDArray[np.intp], freedom: Real
    ) -> tuple[Real, Real]:
        """Return the other minima within the chosen chi squared and their reduced chi squared."""
        row = np.arange(len(order))[:, None]
        rest = minima.parameters[row, order[:, 1:]]
        chi2 = minima.chi2[row, order[:, 1:]]
        apart = np.abs(rest - best.parameters[:, None, :]) > self.look_up.spacing / 2
        near = chi2 <= (best.chi2 + self.window(best.chi2 / freedom))[:, None]
        counts = near & apart.any(axis=2)
        rest = np.where(counts[:, :, None], rest, np.nan)
        return rest, np.where(counts, chi2 / freedom[:, None], np.nan)

    def window(self, reduced: Real) -> Real:
        """Return by how much chi squared of another minimum may exceed the least; both of shape (n,)."""
        return np.asarray(self.options.within_chi2 * np.maximum(1, reduced))

    def freedom(self, target: Target, n_paid: float | None = None) -> Real:
        """Return the degrees of freedom: values less parameters, at least 1, shape (n,)."""
        paid = len(self.exact.parameters) if n_paid is None else n_paid
        freedom: Real = np.maximum(np.count_nonzero(target.weights, axis=1) - paid, 1.0)
        return freedom

    def lack_of_fit(self, target: Target, angles: Real, noise: Noise | None = None) -> Real:
        """Return reduced chi squared over its limit, noise being taken no smaller than the systematic error.

        Parameters
        ----------
        target : Target
            What was measured.
        angles : ndarray of float, shape (n, 2 band)
            What the fit gives there, in degrees.
        noise : Noise, optional
            That of these spectra, if it is another one than the fitter's.

        Returns
        -------
        ndarray of float, shape (n,)
            Above 1, the model lacks fit.
        """
        noise, systematic = noise or self.noise, self.options.systematic_deg
        shape = target.weights[:, : self.exact.n_bands].shape
        shares = [
            np.broadcast_to(np.minimum(1, sigma / max(least, 1e-12)), shape)
            for sigma, least in ((noise.psi_deg, systematic), (noise.delta_deg, 2 * systematic))
        ]
        rest = target.residuals(angles) * target.weights * np.concatenate(shares, axis=1)
        freedom = self.freedom(target)
        # With few values, chance alone may exceed the limit.
        limit = np.maximum(self.options.max_chi2 * freedom, chi2_distribution.isf(1e-3, freedom))
        return np.asarray(np.einsum("pb,pb->p", rest, rest) / limit)

    def mse(self, target: Target, angles: Real) -> Real:
        """Return 1000 sqrt(sum over N, C, S of squared misfit / (3 n - m)), shape (n,).

        Parameters
        ----------
        target : Target
            What was measured.
        angles : ndarray of float, shape (n, 2 band)
            What the fit gives there, in degrees.
        """
        squares, count = ncs_distance_squared(target, angles)
        return np.asarray(1000 * np.sqrt(squares / np.maximum(count - len(self.exact.parameters), 1)))

    def flags(
        self, parameters: Real, errors: Real, mse: Real, lack: Real, doubtful: NDArray[np.bool_]
    ) -> NDArray[np.int8]:
        """Return the verdicts; of several the gravest.

        Parameters
        ----------
        parameters, errors : ndarray of float, shape (n, parameter)
            Where the fits ended, and standard errors, in the parameters' units.
        mse : ndarray of float, shape (n,)
            MSE in N, C, S.
        lack : ndarray of float, shape (n,)
            Reduced chi squared over its limit.
        doubtful : ndarray of bool, shape (n,)
            Whether another place fits about as well.

        Returns
        -------
        ndarray of int8, shape (n,)
            Values of `Flag`.
        """
        low, high = self.curve.low, self.curve.high
        width = high - low
        undetermined = ~(errors <= UNDETERMINED * width)
        least = np.array([parameter.low for parameter in self.exact.parameters])
        at_low = (parameters <= low + 1e-9 * width) & ~(self._ends_at_0 & (least == 0))
        at_bound = at_low | (parameters >= high - 1e-9 * width) & ~(self._ends_at_1 & (high == 1))
        flags = np.full(len(parameters), Flag.OK, dtype=np.int8)
        flags[doubtful | undetermined.any(axis=1)] = Flag.AMBIGUOUS
        flags[~(lack <= 1)] = Flag.LACK_OF_FIT
        flags[at_bound.any(axis=1)] = Flag.AT_BOUND
        flags[~(mse <= self.options.max_mse)] = Flag.POOR_FIT
        return flags


class FitProblem:
    """Some spectra, in the quantities whose misfit is minimized."""

    def __init__(self, fitter: SpectraFitter, target: Target, noise: Noise) -> None:
        self._fitter, self.measured, self.noise = fitter, target, noise
        self.freedom = fitter.freedom(target)
        self.curve, self.target = fitter.curve, target
        if fitter.options.minimized == "ncs":
            self.curve, self.target = NcsCurve(fitter.curve), ncs_target(target, noise.chord)

    def minima(self) -> Minimum:
        """Return the minimum from the best node, and from each other that could lead to one that counts."""
        look_up = self._fitter.look_up
        points = lookup_points(self.measured, self.noise)
        starts, exists = look_up.candidates(points, self.measured)
        n, m = len(self.freedom), len(look_up.shape)
        parameters = np.full((n, MOST_CANDIDATES, m), np.nan)
        chi2 = np.full((n, MOST_CANDIDATES), np.inf)
        normal = np.zeros((n, MOST_CANDIDATES, m, m))
        sought = Sought(np.full(n, np.inf), np.full((n, m), np.nan), look_up.spacing / 2)
        for rank in range(MOST_CANDIDATES):
            wanted = exists[:, rank]
            if rank >= _ALWAYS:
                wanted = wanted & (chi2.min(axis=1) > self._fitter.options.max_chi2 * self.freedom)
            rows = np.flatnonzero(wanted)
            if not rows.size:
                break
            target = self.target.part(rows)
            found = minimize(self.curve, target, starts[rows, rank], sought=sought.part(rows))
            parameters[rows, rank], chi2[rows, rank], normal[rows, rank] = found
            least = chi2.min(axis=1)
            best = parameters[np.arange(n), chi2.argmin(axis=1)]
            sought = Sought(least + self._fitter.window(least / self.freedom), best, look_up.spacing / 2)
        return Minimum(parameters, chi2, normal)

    def at(self, parameters: Real) -> Minimum:
        """Return chi squared and normal matrices at given parameters, shape (n, parameter)."""
        return minimize(self.curve, self.target, parameters, most_steps=0)


def _fast_curve(exact: ExactCurve) -> FilmCurve:
    """Return what fits many spectra fastest: a table of one parameter, else the model compiled."""
    if len(exact.parameters) == 1:
        table = TabulatedCurve(exact)
        if table.is_accurate:
            return table
    if find_spec("numba") is None or exact.reflection.is_mixture:
        return exact
    from ellimaps.optics.compiled import CompiledCurve

    return CompiledCurve(exact)


def noise_of_options(options: FitOptions, n_bands: int) -> Noise:
    """Return the noise that the options give, else the usual one."""
    usual = usual_noise(n_bands, grows=options.delta_noise == "growing")
    given = options.sigma_psi_deg, options.sigma_delta_deg
    if given == (None, None):
        return usual
    psi, delta = (
        known if sigma is None else np.full(n_bands, float(sigma))
        for sigma, known in zip(given, (usual.psi_deg, usual.delta_deg), strict=True)
    )
    return Noise(psi, delta, usual.grows, "given", is_known=True)


def lookup_points(target: Target, noise: Noise) -> NDArray[np.float32]:
    """Return N, C, S of spectra, shape (n, 3 band), weighted by noise and zero where not both are known."""
    n_bands = target.angles.shape[1] // 2
    both = (target.weights[:, :n_bands] > 0) & (target.weights[:, n_bands:] > 0)
    chord = noise.chord
    shares = np.where(both, np.square(chord.min(axis=-1, keepdims=True) / chord), 0)
    return ncs(target.angles) * np.tile(shares, (1, 3)).astype(np.float32)


def ncs_distance_squared(target: Target, angles: Real) -> tuple[Real, Real]:
    """Return the sum of the squared misfits in N, C, S, and of how many of these, both of shape (n,).

    Where Delta is missing, N alone tells the misfit; where Psi is, C and S do at the modelled Psi.
    """
    rest = np.deg2rad(target.residuals(angles))
    psi, delta = np.split(rest, 2, axis=1)
    has_psi, has_delta = (part > 0 for part in np.split(target.weights, 2, axis=1))
    modelled = np.deg2rad(2 * angles[:, : psi.shape[1]])
    measured = np.where(has_psi, np.deg2rad(2 * target.angles[:, : psi.shape[1]]), modelled)
    # The chord between two points of the sphere, in a form that loses no digits where they are close.
    along = np.where(has_delta, np.sin(psi) ** 2, np.square(np.sin(psi) * np.sin((measured + modelled) / 2)))
    across = np.sin(measured) * np.sin(modelled) * np.sin(delta / 2) ** 2
    squares = 4 * (np.where(has_psi, along, 0) + np.where(has_delta, across, 0)).sum(axis=1)
    return squares, has_psi.sum(axis=1) + 2.0 * has_delta.sum(axis=1)


def standard_errors(normal: Real) -> Real:
    """Return the roots of the diagonal of the covariance; infinite where the data do not determine it.

    Parameters
    ----------
    normal : ndarray of float, shape (n, parameter, parameter)
        Normal matrices.
    """
    return np.asarray(np.sqrt(np.einsum("pii->pi", covariances(normal))))


def _median_of_known(values: Real) -> Real:
    """Return the median of each row's finite values; at least one is finite."""
    ordered = np.sort(values, axis=1)
    count = np.isfinite(values).sum(axis=1)
    row = np.arange(len(values))
    middle: Real = (ordered[row, (count - 1) // 2] + ordered[row, count // 2]) / 2
    return middle
