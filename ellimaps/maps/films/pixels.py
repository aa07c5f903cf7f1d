"""One pixel's spectrum beside the model that a fit found for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ellimaps.maps.films.results import MapFit, ShotFits, parameter_names
from ellimaps.optics.fitted import MeasuredSpectrum
from ellimaps.optics.flags import Flag
from ellimaps.optics.fresnel import Real
from ellimaps.optics.model import ThinFilm


@dataclass(frozen=True, eq=False)
class PixelFit:
    """What was measured at a pixel, and what was fitted there.

    Attributes
    ----------
    x, y : int
        The pixel.
    parameters, standard_errors : mapping of str to float
        By the names of the model's free parameters; empty where nothing was fitted.
    mse : float
        MSE in N, C, S; NaN where nothing was fitted.
    flag : Flag
        Whether to trust it.
    model : ThinFilm, optional
        The model with these parameters; None where there are none.
    pairs : DataFrame
        Wavelength and angle of each pair of bands, as `ImageStack.pairs`.
    psi_deg, delta_deg : ndarray of float, shape (pair,)
        What was measured; NaN where nothing was, or a gap was filled.
    is_of_cluster : bool
        Whether the fit is that of the pixel's cluster.
    """

    x: int
    y: int
    parameters: Mapping[str, float]
    standard_errors: Mapping[str, float]
    mse: float
    flag: Flag
    model: ThinFilm | None
    pairs: pd.DataFrame
    psi_deg: Real
    delta_deg: Real
    is_of_cluster: bool

    def curves(self, model: ThinFilm | None) -> pd.DataFrame:
        """Return measured and modelled Delta and Psi; columns as `ShotFits.curves`."""
        return MeasuredSpectrum(self.pairs, self.psi_deg, self.delta_deg).curves(model)


def pixel_fit(fit: ShotFits | MapFit, x: int, y: int) -> PixelFit:
    """Return what was measured at a pixel, and its fit: its own, or that of its cluster.

    Parameters
    ----------
    fit : ShotFits or MapFit
        Of the clusters, or of every pixel.
    x, y : int
        Column and row in the maps that were fitted.
    """
    is_of_cluster = isinstance(fit, ShotFits)
    found = _of_cluster(fit, x, y) if isinstance(fit, ShotFits) else _of_pixel(fit, x, y)
    stack = fit.stack
    values = np.where(stack.filled[:, y, x], np.nan, stack.values[:, y, x]).astype(np.float64)
    psi, delta = (values[fit.pairs[name].to_numpy()] for name in ("psi", "delta"))
    return PixelFit(x, y, *found, fit.pairs, psi, delta, is_of_cluster)


_Found = tuple[Mapping[str, float], Mapping[str, float], float, Flag, ThinFilm | None]


def _of_cluster(fits: ShotFits, x: int, y: int) -> _Found:
    label = int(fits.segmentation.labels[y, x])
    if label < 0:
        return {}, {}, np.nan, Flag.NOT_FITTED, None
    one = fits.clusters[label]
    return one.parameters, one.standard_errors, one.mse, one.flag, one.model


def _of_pixel(fit: MapFit, x: int, y: int) -> _Found:
    values = fit.parameters[:, y, x]
    flag = Flag(int(fit.flags[y, x]))
    if not np.isfinite(values).all():
        return {}, {}, np.nan, flag, None
    names = parameter_names(fit.model)
    parameters, errors = (
        dict(zip(names, map(float, found), strict=True)) for found in (values, fit.standard_errors[:, y, x])
    )
    return parameters, errors, float(fit.mse[y, x]), flag, fit.model.with_parameters(values)
