"""Whether a measurement can be fitted at all."""

from __future__ import annotations

import pandas as pd

from ellimaps.core.numbers import counted
from ellimaps.optics.fit_options import FitOptions
from ellimaps.optics.model import ThinFilm


def what_is_lacking(points: pd.DataFrame, model: ThinFilm | None = None) -> str:
    """Return one sentence about why no fit can be made, empty if one can.

    Parameters
    ----------
    points : DataFrame
        ``wavelength_nm`` of each pair of Delta and Psi, as `ImageStack.pairs`.
    model : ThinFilm, optional
        What would be fitted; without it, whether any model could be.
    """
    used = len(points) if model is None else int(model.uses(points["wavelength_nm"]).sum())
    least = FitOptions().min_wavelengths
    if used < least:
        of_what = "this measurement has" if model is None else "the model uses"
        remedy = "measure more" if model is None else "widen its range"
        return (
            f"A film model is fitted to Delta and Psi at {least} wavelengths or angles of incidence at "
            f"least, and {of_what} {used}: many thicknesses would meet them equally well. To fit, {remedy}."
        )
    free = 0 if model is None else len(model.parameters)
    if free >= 2 * used:
        return (
            f"{counted(free, 'parameter')} cannot be found from {2 * used} values, Delta and Psi at {used} "
            "wavelengths or angles of incidence: hold some of them, or measure more."
        )
    return ""
