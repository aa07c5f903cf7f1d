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
from ellimaps.optics.flags import Flag
from ellimaps.optics.fresnel import Real
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.noise import usual_noise
from ellimaps.optics.spectra import SpectraFitter
from ellimaps.spectra.errors import noise_told

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
        used = np.isfinite(table["psi"]) & np.isfinite(table["delta"]) & ~self.wild.reshape(2, -1).any(axis=0)
        shown = {
            "Psi": "psi", "Delta": "delta", "Psi_model": "psi_model", "Delta_model": "delta_model",
        }  # fmt: skip
        points = {name: table[name] for name in ("wavelength_nm", "aoi_deg")}
        return pd.DataFrame(points | {name: table[key] for name, key in shown.items()} | {"used": used})


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

    @property
    def places_mm(self) -> tuple[Real, Real]:
        """X and y of each fit's spectrum in mm, NaN where they are not known."""
        if not self.spectra.has_positions:
            nothing = np.full(len(self.fits), np.nan)
            return nothing, nothing
        places = self.spectra.table.groupby("spectrum", sort=False)[["x_mm", "y_mm"]].mean()
        found = places.loc[[fit.spectrum for fit in self.fits]].to_numpy(dtype=np.float64)
        return found[:, 0], found[:, 1]

    @property
    def has_map(self) -> bool:
        """Whether there are several places, so that values can be drawn where they were measured."""
        places = np.stack(self.places_mm, axis=1)
        return len(np.unique(places[np.isfinite(places).all(axis=1)], axis=0)) > 1

    def table(self) -> pd.DataFrame:
        """Return one row per spectrum: ``spectrum``, its place, parameters with ``_se``, and the verdict."""
        rows = []
        for fit, x, y in zip(self.fits, *self.places_mm, strict=True):
            row: dict[str, object] = {"spectrum": fit.spectrum}
            if self.spectra.has_positions:
                row |= {"x_mm": x, "y_mm": y}
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
    tables = [
        table[model.uses(table["wavelength_nm"])].reset_index(drop=True)
        for _, table in spectra.table.groupby("spectrum", sort=False)
    ]
    if all(table.empty for table in tables):
        raise SettingError(f"{spectra.name} has no wavelength that the model uses.")
    fits: list[SpectrumFit] = []
    every = spectra.names
    # Spectra at the same points share a fitter, whose set-up takes longer than a fit.
    for _, group in groupby(enumerate(tables), key=lambda one: _points(one[1])):
        numbers, alike = zip(*group, strict=True)
        names = [every[number] for number in numbers]
        fits += (_fitted if len(alike[0]) else _unfitted)(spectra, names, list(alike), model, options)
    return SpectraFits(tuple(fits), model, spectra, options)


def _points(table: pd.DataFrame) -> bytes:
    return table[["wavelength_nm", "aoi_deg"]].to_numpy().tobytes()


def _fitted(
    spectra: Spectra, names: list[object], tables: list[pd.DataFrame], model: ThinFilm, options: FitOptions
) -> list[SpectrumFit]:
    waves = tables[0]["wavelength_nm"].to_numpy()
    angles = model.incidence(tables[0]["aoi_deg"].to_numpy())
    psi, delta = (np.stack([_used(table, name, options) for table in tables]) for name in ("Psi", "Delta"))
    fitter = SpectraFitter(model, waves, angles, options)
    told = None if options.sigma_psi_deg is not None else noise_told(spectra, tables)
    noise = told or fitter.noise
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


def _unfitted(
    spectra: Spectra, names: list[object], tables: list[pd.DataFrame], model: ThinFilm, options: FitOptions
) -> list[SpectrumFit]:
    """Return the fits of spectra without a point that the model uses."""
    unknown = {parameter.name: np.nan for parameter in model.parameters}
    nothing = np.zeros(0)
    return [
        SpectrumFit(
            parameters=unknown,
            standard_errors=unknown,
            mse=np.nan,
            chi2=np.nan,
            n_wavelengths=0,
            wild=np.zeros(0, dtype=bool),
            flag=Flag.TOO_FEW_WAVELENGTHS,
            others=(),
            model=None,
            measured=MeasuredSpectrum(table[["wavelength_nm", "aoi_deg"]], nothing, nothing),
            noise=usual_noise(0),
            options=options,
            spectrum=name,
            remarks=(f"The model uses no wavelength that {spectra.name} has of it.",),
        )
        for name, table in zip(names, tables, strict=True)
    ]


def _used(table: pd.DataFrame, name: str, options: FitOptions) -> Real:
    """Return what was measured, without means over too few of a cluster's pixels."""
    values = table[name].to_numpy(dtype=np.float64)
    share = table.get(f"{name}_share")
    return values if share is None else np.where(share >= options.min_share, values, np.nan)


def _mirrored(mse: float, mirrored: float) -> tuple[str, ...]:
    if not mirrored < _MIRRORED_FITS * mse:
        return ()
    return (
        f"With Delta mirrored (360° - Delta) the MSE is {mirrored:.3g} in place of {mse:.3g}: the file may "
        "have Delta in the other sense (--mirror-delta).",
    )


def residuals(curves: pd.DataFrame, quantity: str) -> Real:
    """Return what was measured less what was modelled of Psi or Delta, in degrees; Delta on the circle."""
    rest = (curves[quantity] - curves[f"{quantity}_model"]).to_numpy(dtype=np.float64)
    return wrap_degrees(rest) if quantity == "Delta" else rest
