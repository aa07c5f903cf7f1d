"""Which change of a model would mend a fit that misses its data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from ellimaps.core.errors import SettingError
from ellimaps.optics.flags import Flag
from ellimaps.optics.fresnel import Real
from ellimaps.optics.instrument import AOI_OFFSET, DELTA_OFFSET
from ellimaps.optics.interface import Interface
from ellimaps.optics.layers import THICKNESS, Layer
from ellimaps.optics.materials import Material
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.noise import Noise
from ellimaps.optics.shifts import denser
from ellimaps.optics.spectra import SpectraFitter

Change = tuple[str, str, ThinFilm, str | float]
"""What is changed, its unit, the changed model, and the new free parameter or the value that was tried."""


def remedies(
    fitter: SpectraFitter, model: ThinFilm, psi_deg: Real, delta_deg: Real, noise: Noise
) -> pd.DataFrame:
    """Return what becomes of one spectrum's fit if something held fixed is freed or added.

    Parameters
    ----------
    fitter : SpectraFitter
        What fitted the spectrum.
    model : ThinFilm
        The model that it fitted.
    psi_deg, delta_deg : ndarray of float, shape (1, band)
        The spectrum in degrees.
    noise : Noise
        Its noise.

    Returns
    -------
    DataFrame
        ``change, value, unit, chi2, mse, flag``, best first: a fixed thickness free, the index of a film off,
        a rough surface, the angle of incidence off, Delta off. The first row is the model as it is.
    """
    rows = []
    for what, unit, changed, kept in (("as it is", "", model, 0.0), *_changes(model)):
        try:
            other = SpectraFitter(changed, fitter.wavelength_nm, fitter.aoi_deg, fitter.options)
        except SettingError:
            continue
        fit = other.fit(psi_deg, delta_deg, noise)
        value: float = np.nan
        if isinstance(kept, str):
            value = fit.parameters[0, [p.name for p in changed.parameters].index(kept)]
        elif what != "as it is":
            value = kept
        row = {"change": what, "value": value, "unit": unit, "chi2": fit.chi2[0], "mse": fit.mse[0]}
        rows.append(row | {"flag": Flag(int(fit.flags[0])).text})
    table = pd.DataFrame(rows)
    # Of the values of an index that were tried, the best stands for all.
    best = table.iloc[1:].sort_values("chi2").drop_duplicates("change")
    return pd.concat([table.iloc[:1], best], ignore_index=True)


def _changes(model: ThinFilm) -> Iterator[Change]:
    for number, layer in enumerate(model.layers):
        what = f"layer {number + 1} ({layer.material.name})"
        if THICKNESS not in layer.free and THICKNESS not in layer.tied:
            width = max(5.0, layer.thickness_nm / 10)
            bounds = max(0.0, layer.thickness_nm - width), layer.thickness_nm + width
            changed = model.with_layer(number, replace(layer, free={**layer.free, THICKNESS: bounds}))
            yield f"thickness of {what}", "nm", changed, _name(changed, THICKNESS, number)
        elif not (layer.has_free_index or layer.has_tied_index or isinstance(layer.material, Interface)):
            for shift in (-0.05, -0.03, -0.02, -0.01, 0.01, 0.02, 0.03, 0.05):
                yield f"index of {what}", "", denser(model, number, shift), shift
    top = model.layers[0].material if model.layers else None
    if isinstance(top, Material) and not isinstance(top, Interface):
        rough = Layer(Interface(), 1.0, {THICKNESS: (0.0, 30.0)})
        changed = model.arranged([rough, *range(len(model.layers))])
        yield "rough surface", "nm", changed, _name(changed, THICKNESS, 0)
    for name, width in ((AOI_OFFSET, 1.0), (DELTA_OFFSET, 5.0)):
        if name not in model.free:
            at = getattr(model, name)
            yield name, "deg", replace(model, free={**model.free, name: (at - width, at + width)}), name


def _name(model: ThinFilm, kind: str, layer: int) -> str:
    return next(p.name for p in model.parameters if p.kind == kind and p.layer == layer)
