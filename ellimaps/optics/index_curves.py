"""n and k of a film over wavelength, and how far a fit knows them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ellimaps.optics.crystals import AnyMaterial
from ellimaps.optics.dual import Dual, slopes_of
from ellimaps.optics.fitted import FilmFit
from ellimaps.optics.fresnel import Real, Uniaxial
from ellimaps.optics.gradient import ExactCurve

AXES = ("ordinary", "extraordinary")


def index_curves(one: AnyMaterial, wavelength_nm: Real) -> pd.DataFrame:
    """Return n and k of a material.

    Parameters
    ----------
    one : Material or UniaxialMaterial
        The material.
    wavelength_nm : ndarray of float, shape (wavelength,)
        Where, in nm; only what lies in the material's range is taken.

    Returns
    -------
    DataFrame
        ``axis, wavelength_nm, n, k``; the axis is one of `AXES` for a crystal, else empty.

    Raises
    ------
    SettingError
        If its numbers give no index somewhere.
    """
    waves = within(one, wavelength_nm)
    index = one(waves)
    parts = zip(AXES, index, strict=True) if isinstance(index, Uniaxial) else [("", index)]
    return pd.concat(
        [
            pd.DataFrame({"axis": axis, "wavelength_nm": waves, "n": part.real, "k": part.imag})
            for axis, part in parts
        ],
        ignore_index=True,
    )


def fitted_curves(fit: FilmFit, layer: int, wavelength_nm: Real) -> pd.DataFrame:
    """Return n and k of a layer as they were fitted, with their standard errors.

    Parameters
    ----------
    fit : FilmFit
        The fit of a spectrum.
    layer : int
        Of which layer, from the ambient.
    wavelength_nm : ndarray of float, shape (wavelength,)
        Where, in nm.

    Returns
    -------
    DataFrame
        As `index_curves`, with ``n_se, k_se``, to first order from the errors of the parameters and their
        correlations; 0 for what was not free. Empty where nothing was fitted.
    """
    model = fit.model
    if model is None:
        return pd.DataFrame()
    material = model.layers[layer].material
    waves, covariance = within(material, wavelength_nm), _covariance(fit)
    free = {
        one.kind: Dual(one.start, {number: 1.0})
        for number, one in enumerate(model.parameters)
        if one.layer == layer and one.kind in material.parameters
    }
    index = material.at(waves, free) if free else material(waves)
    errors = [_errors(part, covariance, len(waves)) for part in _apart(index)]
    n_se, k_se = np.concatenate(errors, axis=1)
    return index_curves(material, waves).assign(n_se=n_se, k_se=k_se)


def within(one: AnyMaterial, wavelength_nm: Real) -> Real:
    """Return which of some wavelengths a material is known for."""
    low, high = one.range_nm
    return wavelength_nm[(wavelength_nm >= low) & (wavelength_nm <= high)]


def _apart(index: object) -> tuple[object, ...]:
    return tuple(index) if isinstance(index, Uniaxial) else (index,)


def _covariance(fit: FilmFit) -> Real:
    """Return the covariance of the parameters, with the errors that the fit tells."""
    assert fit.model is not None
    angles = fit.model.incidence(fit.measured.points["aoi_deg"].to_numpy())
    curve = ExactCurve(fit.model, fit.measured.points["wavelength_nm"].to_numpy(), angles)
    start = np.array([[one.start for one in fit.model.parameters]])
    slopes = curve(start)[1][:, 0] * fit.weights()
    local = np.linalg.pinv(slopes @ slopes.T)
    told = np.array([fit.standard_errors[name] for name in fit.parameters])
    scale = told / np.sqrt(np.diag(local))
    return np.asarray(local * np.outer(scale, scale))


def _errors(part: object, covariance: Real, count: int) -> Real:
    """Return the standard errors of n and k, shape (2, wavelength)."""
    slopes = slopes_of(part)
    if not slopes:
        return np.zeros((2, count))
    free = list(slopes)
    by = np.array([np.broadcast_to(slopes[number], (count,)) for number in free])
    among = covariance[np.ix_(free, free)]
    return np.array(
        [np.sqrt(np.einsum("iw,ij,jw->w", part, among, part).clip(0)) for part in (by.real, by.imag)]
    )
