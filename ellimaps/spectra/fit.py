"""Fits of a film model to spectra, each for itself."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pandas as pd

from ellimaps.core.angles import wrap_degrees
from ellimaps.core.errors import SettingError
from ellimaps.core.spectra import Spectra
from ellimaps.optics.determined import check_determined
from ellimaps.optics.fit_options import FitOptions
from ellimaps.optics.fitted import FilmFit, MeasuredSpectrum, found_values
from ellimaps.optics.fresnel import Real
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.noise import Noise
from ellimaps.optics.spectra import SpectraFitter

# The last digit of many exported files; readings that agree better are no better known.
_LEAST_SD_DEG = 0.01
# Of the MSE: then the sense of Delta is not the one the model takes.
_MIRRORED_FITS = 0.5


@dataclass(frozen=True, eq=False, kw_only=True)
class SpectrumFit(FilmFit):
    """The fit of one spectrum of a file.

    Attributes
    ----------
    spectrum : object
        Its name in the file.
    remarks : tuple of str
        What else is to be known.
    """

    spectrum: object
    remarks: tuple[str, ...]

    @property
    def curves(self) -> pd.DataFrame:
        """Measured and modelled angles.

        ``wavelength_nm, aoi_deg, Psi, Delta, Psi_model, Delta_model`` in degrees, and ``used``: whether both
        Psi and Delta were, one row per point.
        """
        table = self.measured.curves(self.model)
        shown = {
            quantity.lower() + end: quantity + end for end in ("", "_model") for quantity in ("Psi", "Delta")
        }
        wild = self.wild.reshape(2, -1).any(axis=0)
        used = np.isfinite(table["psi"]) & np.isfinite(table["delta"]) & ~wild
        return table[["wavelength_nm", "aoi_deg", *shown]].rename(columns=shown).assign(used=used)


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
        If nothing is free, the data bear fewer free parameters, the angle of incidence is not known, no
        wavelength is left, or a material does not cover the wavelengths.
    """
    options, model = options or FitOptions(), model.with_bandwidths(spectra.table)
    tables = [spectra.one(name) for name in spectra.names]
    tables = [table[model.uses(table["wavelength_nm"])].reset_index(drop=True) for table in tables]
    if all(table.empty for table in tables):
        raise SettingError(f"{spectra.name} has no wavelength that the model uses.")
    fits, grows = [], spectra.delta_noise == "growing"
    # Spectra at the same points share a fitter, whose set-up takes longer than a fit.
    for _, group in groupby(enumerate(tables), key=lambda one: _points(one[1])):
        numbers, alike = zip(*group, strict=True)
        names = [spectra.names[number] for number in numbers]
        fits += _fitted(names, list(alike), grows, model, options) if len(alike[0]) else []
    return SpectraFits(tuple(fits), model, spectra, options)


def _points(table: pd.DataFrame) -> bytes:
    return table[["wavelength_nm", "aoi_deg"]].to_numpy().tobytes()


def _fitted(
    names: list[object], tables: list[pd.DataFrame], grows: bool, model: ThinFilm, options: FitOptions
) -> list[SpectrumFit]:
    waves = tables[0]["wavelength_nm"].to_numpy()
    angles = model.incidence(tables[0]["aoi_deg"].to_numpy())
    psi, delta = (np.stack([_used(table, name, options) for table in tables]) for name in ("Psi", "Delta"))
    fitter = SpectraFitter(model, waves, angles, options)
    noise = _noise(tables, grows, options) or fitter.noise
    check_determined(fitter.exact, noise)
    found = fitter.fit(psi, delta, noise)
    mirrored = fitter.fit(psi, (360 - delta) % 360, noise)
    return [
        SpectrumFit(
            **found_values(model, found, number),
            measured=MeasuredSpectrum(table[["wavelength_nm", "aoi_deg"]], psi[number], delta[number]),
            noise=noise.part(np.array([number])),
            options=options,
            spectrum=name,
            remarks=_mirrored(found.mse[number], mirrored.mse[number]),
        )
        for number, (name, table) in enumerate(zip(names, tables, strict=True))
    ]


def _used(table: pd.DataFrame, name: str, options: FitOptions) -> Real:
    """Return what was measured, without means over too few of a cluster's pixels."""
    values = table[name].to_numpy(dtype=np.float64)
    share = table.get(f"{name}_share")
    return values if share is None else np.where(share >= options.min_share, values, np.nan)


def _noise(tables: list[pd.DataFrame], grows: bool, options: FitOptions) -> Noise | None:
    """Return the noise that the file tells; None leaves it to the fit."""
    if options.sigma_psi_deg is not None or not all({"Psi_sd", "Delta_sd"} <= set(table) for table in tables):
        return None
    psi, delta = (
        np.stack([table[f"{name}_sd"].to_numpy(dtype=np.float64) for table in tables])
        for name in ("Psi", "Delta")
    )
    if not (np.isfinite(psi).all() and np.isfinite(delta).all()):
        return None
    if "Psi_share" in tables[0]:
        return Noise(psi, delta, grows, "the clusters' provenance", is_known=True)
    psi, delta = np.maximum(psi, _LEAST_SD_DEG), np.maximum(delta, _LEAST_SD_DEG)
    return Noise(psi, delta, grows, "the file", is_known=True)


def _mirrored(mse: float, mirrored: float) -> tuple[str, ...]:
    if not mirrored < _MIRRORED_FITS * mse:
        return ()
    return (
        f"With Delta mirrored (360° - Delta) the MSE is {mirrored:.3g} in place of {mse:.3g}: the file may "
        "have Delta in the other sense.",
    )


def residuals(curves: pd.DataFrame, quantity: str) -> Real:
    """Return what was measured less what was modelled of Psi or Delta, in degrees; Delta on the circle."""
    rest = (curves[quantity] - curves[f"{quantity}_model"]).to_numpy(dtype=np.float64)
    return wrap_degrees(rest) if quantity == "Delta" else rest
