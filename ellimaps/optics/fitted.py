"""One measured spectrum and the fit of a film model to it: what clusters and spots have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.angles import wrap_degrees
from ellimaps.optics.certainty import Certainty, certainty_of
from ellimaps.optics.fit_options import FitOptions
from ellimaps.optics.flags import Flag
from ellimaps.optics.fresnel import Real
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.noise import Noise
from ellimaps.optics.remedies import remedies
from ellimaps.optics.sensitivity import sensitivity_table
from ellimaps.optics.spectra import FitProblem, SpectraFit, SpectraFitter


class OtherMinimum(NamedTuple):
    """Another place where the model fits about as well."""

    parameters: Mapping[str, float]
    chi2: float
    """Reduced chi squared there."""


class MeasuredSpectrum(NamedTuple):
    """Psi and Delta at some wavelengths and angles of incidence."""

    points: pd.DataFrame
    """``wavelength_nm, aoi_deg`` and, where it is known, ``bandwidth_nm``, a row per point."""
    psi_deg: Real
    """NaN where not measured, shape (point,)."""
    delta_deg: Real
    """As Psi."""

    def curves(self, model: ThinFilm | None) -> pd.DataFrame:
        """Return measured and modelled Delta and Psi; without a model its columns are NaN.

        Returns
        -------
        DataFrame
            ``wavelength_nm, aoi_deg, delta, delta_model, delta_residual, psi, psi_model, psi_residual`` in
            degrees, one row per point; residuals are measured minus modelled.
        """
        waves, angles = (self.points[name].to_numpy() for name in ("wavelength_nm", "aoi_deg"))
        psi, delta = self.psi_deg, self.delta_deg
        psi_model, delta_model = np.full(psi.shape, np.nan), np.full(psi.shape, np.nan)
        if model is not None:
            model = model.with_bandwidths(self.points)
            psi_model, delta_model = model.psi_delta(waves, angles)
        return pd.DataFrame(
            {
                "wavelength_nm": waves,
                "aoi_deg": angles,
                "delta": delta,
                "delta_model": delta_model,
                "delta_residual": wrap_degrees(delta - delta_model),
                "psi": psi,
                "psi_model": psi_model,
                "psi_residual": psi - psi_model,
            },
            index=self.points.index,
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class FilmFit:
    """The fit of one spectrum.

    Attributes
    ----------
    parameters, standard_errors : mapping of str to float
        By the names of the model's free parameters; NaN where there were too few wavelengths.
    mse, chi2 : float
        MSE in N, C, S and reduced chi squared.
    n_wavelengths : int
        Wavelengths (and angles) used.
    wild : ndarray of bool, shape (2 point,)
        Those of Psi, then of Delta, that were left out as wild.
    flag : Flag
        Whether to trust it.
    others : tuple of OtherMinimum
        Other minima within the chosen chi squared, best first; not searched for in a joint fit.
    model : ThinFilm, optional
        The model with these parameters; None where there are none.
    measured : MeasuredSpectrum
        What was fitted.
    noise : Noise
        What it was fitted with, shape (1, point).
    options : FitOptions
        Choices of the fit.
    is_joint : bool
        Whether it shares parameters with other spectra, and has no chi squared of its own.
    """

    parameters: Mapping[str, float]
    standard_errors: Mapping[str, float]
    mse: float
    chi2: float
    n_wavelengths: int
    wild: NDArray[np.bool_]
    flag: Flag
    others: tuple[OtherMinimum, ...]
    model: ThinFilm | None
    measured: MeasuredSpectrum
    noise: Noise
    options: FitOptions
    is_joint: bool = False

    def weights(self) -> Real:
        """Return one over the standard deviation of Psi, then Delta, 0 where not used, shape (2 point,)."""
        psi, delta = self._shot
        sigma = np.concatenate(self.noise.sigmas(psi), axis=1)[0]
        known = np.isfinite(np.concatenate([psi, delta], axis=1)[0])
        return np.where(known & ~self.wild, 1 / sigma, 0.0)

    def sensitivity(self) -> pd.DataFrame:
        """Return what errors of the fixed quantities would do to the parameters.

        Returns
        -------
        DataFrame
            As `ellimaps.optics.sensitivity.sensitivity_table`; empty where nothing was fitted.
        """
        if self.model is None:
            return pd.DataFrame()
        return sensitivity_table(self.model, *self._points(self.model), self.weights())

    def certainty(self) -> Certainty | None:
        """Return limits, correlations and curves of the parameters; None where not fitted by itself."""
        if self.model is None or self.is_joint:
            return None
        fitter = self._fitter(self.model)
        target = fitter.target(*self._shot, self.noise).without(self.wild[None])
        problem = FitProblem(fitter, target, self.noise)
        parameters, errors = (
            np.array(list(values.values())) for values in (self.parameters, self.standard_errors)
        )
        return certainty_of(fitter, problem, parameters, errors)

    def remedies(self) -> pd.DataFrame:
        """Return which change of the model would correct the fit; empty where nothing was fitted.

        Returns
        -------
        DataFrame
            As `ellimaps.optics.remedies.remedies`.
        """
        if self.model is None:
            return pd.DataFrame()
        return remedies(self._fitter(self.model), self.model, *self._shot, self.noise)

    @property
    def _shot(self) -> tuple[Real, Real]:
        return self.measured.psi_deg[None], self.measured.delta_deg[None]

    def _points(self, model: ThinFilm) -> tuple[Real, Real]:
        points = self.measured.points
        return points["wavelength_nm"].to_numpy(), model.incidence(points["aoi_deg"].to_numpy())

    def _fitter(self, model: ThinFilm) -> SpectraFitter:
        return SpectraFitter(model, *self._points(model), self.options)


def found_values(model: ThinFilm, found: SpectraFit, number: int) -> dict[str, Any]:
    """Return what a fit of several spectra says of one of them, by the names in `FilmFit`."""
    names = [parameter.name for parameter in model.parameters]

    def by_name(values: Real) -> dict[str, float]:
        return dict(zip(names, values.tolist(), strict=True))

    values = found.parameters[number]
    others = zip(found.others[number], found.others_chi2[number].tolist(), strict=True)
    return {
        "parameters": by_name(values),
        "standard_errors": by_name(found.standard_errors[number]),
        "mse": float(found.mse[number]),
        "chi2": float(found.chi2[number]),
        "n_wavelengths": int(found.n_wavelengths[number]),
        "wild": found.wild[number],
        "flag": Flag(int(found.flags[number])),
        "others": tuple(OtherMinimum(by_name(at), chi2) for at, chi2 in others if np.isfinite(chi2)),
        "model": model.with_parameters(values) if np.isfinite(values).all() else None,
    }
