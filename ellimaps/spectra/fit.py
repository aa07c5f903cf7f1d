"""Fits of a film model to spectra, each for itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pandas as pd

from ellimaps.core.angles import wrap_degrees
from ellimaps.core.errors import SettingError
from ellimaps.core.spectra import Spectra
from ellimaps.optics.fit_options import FitOptions
from ellimaps.optics.flags import Flag
from ellimaps.optics.fresnel import Real
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.noise import Noise
from ellimaps.optics.spectra import SpectraFit, SpectraFitter

# The last digit of many exported files; readings that agree better are no better known.
_LEAST_SD_DEG = 0.01
# Of the MSE: then the sense of Delta is not the one the model takes.
_MIRRORED_FITS = 0.5


@dataclass(frozen=True, eq=False)
class SpectrumFit:
    """The fit of one spectrum.

    Attributes
    ----------
    spectrum : object
        Its name in the file.
    parameters, standard_errors : mapping of str to float
        By the names of the model's free parameters; NaN where there were too few wavelengths.
    mse, chi2 : float
        MSE in N, C, S and reduced chi squared.
    n_wavelengths : int
        Wavelengths (and angles) used.
    flag : Flag
        Whether to trust it.
    others : tuple of (mapping, float)
        Parameters of other minima that fit about as well, and their reduced chi squared, best first.
    remarks : tuple of str
        What else is to be known.
    curves : DataFrame
        ``wavelength_nm, aoi_deg, Psi, Psi_model, Delta, Delta_model`` in degrees, and ``used``: whether both
        Psi and Delta were, one row per point.
    """

    spectrum: object
    parameters: Mapping[str, float]
    standard_errors: Mapping[str, float]
    mse: float
    chi2: float
    n_wavelengths: int
    flag: Flag
    others: tuple[tuple[Mapping[str, float], float], ...]
    remarks: tuple[str, ...]
    curves: pd.DataFrame


@dataclass(frozen=True, eq=False)
class SpectraFits:
    """The fits of all spectra of a file.

    Attributes
    ----------
    fits : tuple of SpectrumFit
        In the order of the file.
    model : ThinFilm
        What was fitted.
    spectra : Spectra
        What it was fitted to.
    options : FitOptions
        Choices of the fit.
    """

    fits: tuple[SpectrumFit, ...]
    model: ThinFilm
    spectra: Spectra
    options: FitOptions

    def table(self) -> pd.DataFrame:
        """Return one row per spectrum: ``spectrum``, its place, parameters with ``_se``, and the verdict."""
        rows = []
        for fit in self.fits:
            own = self.spectra.one(fit.spectrum)
            row: dict[str, object] = {"spectrum": fit.spectrum}
            if self.spectra.has_positions:
                row |= {axis: own[axis].mean() for axis in ("x_mm", "y_mm")}
            for name, value in fit.parameters.items():
                row |= {name: value, f"{name}_se": fit.standard_errors[name]}
            row |= {"mse": fit.mse, "chi2": fit.chi2, "n_wavelengths": fit.n_wavelengths}
            rows.append(row | {"flag": fit.flag.text, "remarks": " ".join(fit.remarks)})
        return pd.DataFrame(rows)


def fit_spectra(spectra: Spectra, model: ThinFilm, options: FitOptions | None = None) -> SpectraFits:
    """Fit a model to every spectrum.

    Parameters
    ----------
    spectra : Spectra
        What was measured; points outside the model's wavelengths are left out, and so is a spectrum's noise
        where the file tells it, instead of being guessed.
    model : ThinFilm
        What to fit; at least one parameter is free. Its ``aoi_deg`` stands for that of the file.
    options : FitOptions, optional
        Standard deviations, limits; see there.

    Returns
    -------
    SpectraFits
        One `SpectrumFit` per spectrum.

    Raises
    ------
    SettingError
        If nothing is free, the angle of incidence is not known, no wavelength is left, or a material does not
        cover the wavelengths.
    """
    options = options or FitOptions()
    tables = [spectra.one(name) for name in spectra.names]
    tables = [table[model.uses(table["wavelength_nm"])].reset_index(drop=True) for table in tables]
    if all(table.empty for table in tables):
        raise SettingError(f"{spectra.name} has no wavelength that the model uses.")
    fits = []
    # Spectra at the same points share a fitter, whose set-up takes longer than a fit.
    for _, group in groupby(enumerate(tables), key=lambda one: _points(one[1])):
        numbers, alike = zip(*group, strict=True)
        names = [spectra.names[number] for number in numbers]
        fits += _fitted(names, list(alike), model, options) if len(alike[0]) else []
    return SpectraFits(tuple(fits), model, spectra, options)


def _points(table: pd.DataFrame) -> bytes:
    return table[["wavelength_nm", "aoi_deg"]].to_numpy().tobytes()


def _fitted(
    names: list[object], tables: list[pd.DataFrame], model: ThinFilm, options: FitOptions
) -> list[SpectrumFit]:
    waves = tables[0]["wavelength_nm"].to_numpy()
    angles = model.incidence(tables[0]["aoi_deg"].to_numpy())
    psi, delta = (np.stack([table[name].to_numpy() for table in tables]) for name in ("Psi", "Delta"))
    fitter = SpectraFitter(model, waves, angles, options)
    noise = _noise(tables, options)
    found = fitter.fit(psi, delta, noise)
    mirrored = fitter.fit(psi, (360 - delta) % 360, noise)
    return [
        _one_fit(name, number, model, found, mirrored, _curves(model, found, number, table))
        for number, (name, table) in enumerate(zip(names, tables, strict=True))
    ]


def _noise(tables: list[pd.DataFrame], options: FitOptions) -> Noise | None:
    """Return the noise that the file tells; None leaves it to the fit."""
    if options.sigma_psi_deg is not None or not all({"Psi_sd", "Delta_sd"} <= set(table) for table in tables):
        return None
    psi, delta = (
        np.stack([table[f"{name}_sd"].to_numpy(dtype=np.float64) for table in tables])
        for name in ("Psi", "Delta")
    )
    if not (np.isfinite(psi).all() and np.isfinite(delta).all()):
        return None
    psi, delta = np.maximum(psi, _LEAST_SD_DEG), np.maximum(delta, _LEAST_SD_DEG)
    return Noise(psi, delta, grows=False, origin="the file", is_known=True)


def _curves(model: ThinFilm, found: SpectraFit, number: int, table: pd.DataFrame) -> pd.DataFrame:
    curves = table[["wavelength_nm", "aoi_deg", "Psi", "Delta"]].copy()
    shape = curves["Psi"].shape
    psi_model, delta_model = np.full(shape, np.nan), np.full(shape, np.nan)
    if found.flags[number] != Flag.TOO_FEW_WAVELENGTHS:
        fitted = model.with_parameters(found.parameters[number])
        psi_model, delta_model = fitted.psi_delta(curves["wavelength_nm"], curves["aoi_deg"])
    wild = found.wild[number].reshape(2, -1).any(axis=0)
    known = np.isfinite(curves["Psi"]) & np.isfinite(curves["Delta"])
    return curves.assign(Psi_model=psi_model, Delta_model=delta_model, used=known & ~wild)


def _one_fit(
    name: object, number: int, model: ThinFilm, found: SpectraFit, mirrored: SpectraFit, curves: pd.DataFrame
) -> SpectrumFit:
    names = [parameter.name for parameter in model.parameters]
    others = [
        (_by_name(names, values), float(chi2))
        for values, chi2 in zip(found.others[number], found.others_chi2[number], strict=True)
        if np.isfinite(chi2)
    ]
    remarks = []
    if mirrored.mse[number] < _MIRRORED_FITS * found.mse[number]:
        remarks.append(
            f"With Delta mirrored (360° - Delta) the MSE is {mirrored.mse[number]:.3g} in place of "
            f"{found.mse[number]:.3g}: the file may have Delta in the other sense."
        )
    return SpectrumFit(
        name,
        _by_name(names, found.parameters[number]),
        _by_name(names, found.standard_errors[number]),
        float(found.mse[number]),
        float(found.chi2[number]),
        int(found.n_wavelengths[number]),
        Flag(int(found.flags[number])),
        tuple(others),
        tuple(remarks),
        curves,
    )


def _by_name(names: list[str], values: Real) -> dict[str, float]:
    return dict(zip(names, values.tolist(), strict=True))


def residuals(curves: pd.DataFrame, quantity: str) -> Real:
    """Return what was measured less what was modelled of Psi or Delta, in degrees; Delta on the circle."""
    rest = (curves[quantity] - curves[f"{quantity}_model"]).to_numpy(dtype=np.float64)
    return wrap_degrees(rest) if quantity == "Delta" else rest
