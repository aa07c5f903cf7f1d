"""Measured spectra beside what a model gives."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ellimaps.core.angles import wrap_degrees
from ellimaps.optics.fresnel import Real
from ellimaps.optics.model import ThinFilm


def model_curves(pairs: pd.DataFrame, psi: Real, delta: Real, model: ThinFilm | None) -> pd.DataFrame:
    """Return measured and modelled Delta and Psi of one spectrum; columns as `ShotFits.curves`.

    Parameters
    ----------
    pairs : DataFrame
        Wavelength and angle of each pair of bands, as `ImageStack.pairs`.
    psi, delta : ndarray of float, shape (pair,)
        What was measured, in degrees.
    model : ThinFilm, optional
        What to compare it with; without one its columns are NaN.
    """
    table = pairs[["wavelength_nm", "aoi_deg"]].copy()
    psi_model, delta_model = np.full(psi.shape, np.nan), np.full(psi.shape, np.nan)
    if model is not None:
        psi_model, delta_model = model.psi_delta(table["wavelength_nm"], table["aoi_deg"])
    return table.assign(
        delta=delta, delta_model=delta_model, delta_residual=wrap_degrees(delta - delta_model),
        psi=psi, psi_model=psi_model, psi_residual=psi - psi_model,
    )  # fmt: skip
