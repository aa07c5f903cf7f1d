"""How far the free parameters move if a fixed quantity is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from ellimaps.core.angles import wrap_degrees
from ellimaps.optics.fresnel import Real
from ellimaps.optics.gradient import ExactCurve
from ellimaps.optics.instrument import AOI_OFFSET
from ellimaps.optics.interface import FRACTION, Interface
from ellimaps.optics.layers import THICKNESS
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.shifts import denser, shifted

# Stated in the table beside what they do, so that anyone can scale them: about what an alignment, a native
# oxide and two published tables of one material differ by, and the share of voids of two polishes.
AOI_CHANGE_DEG = 0.1
THICKNESS_CHANGES_NM = (0.1, 1.0)
INDEX_CHANGE = 0.01
SHARE_CHANGE = 0.1


def sensitivity_table(model: ThinFilm, wavelength_nm: Real, aoi_deg: Real, weights: Real) -> pd.DataFrame:
    """Return the change of each free parameter for stated changes of the fixed quantities.

    Parameters
    ----------
    model : ThinFilm
        The fitted model.
    wavelength_nm, aoi_deg : ndarray of float, shape (band,)
        Where it was measured.
    weights : ndarray of float, shape (2 band,)
        One over the standard deviation of Psi, then of Delta, in degrees; 0 where not used.

    Returns
    -------
    DataFrame
        ``fixed`` (what is wrong), ``change`` (by how much), ``unit``, and one column per free parameter: how
        far the fit moves, in the parameter's unit; NaN where the data do not determine the parameters.

    Notes
    -----
    To first order: the change of Psi and Delta is projected on their derivatives by the free parameters
    with the weights of the fit, and a fit to unchanged data moves the other way.
    """
    exact = ExactCurve(model, wavelength_nm, aoi_deg)
    start = np.array([[p.start for p in model.parameters]])
    angles, derivatives = exact(start)
    slopes = (derivatives[:, 0] * weights).T
    rank = np.linalg.matrix_rank(slopes / np.maximum(np.linalg.norm(slopes, axis=0), 1e-300), tol=1e-6)
    rows = []
    for what, change, unit, changed in _changes(model):
        after = np.concatenate(changed.psi_delta(wavelength_nm, aoi_deg))
        moved = after - angles[0]
        moved[len(wavelength_nm) :] = wrap_degrees(moved[len(wavelength_nm) :])
        shift = -np.linalg.lstsq(slopes, moved * weights)[0]
        if rank < len(model.parameters):
            shift = np.full(shift.shape, np.nan)
        names = (parameter.name for parameter in model.parameters)
        rows.append({"fixed": what, "change": change, "unit": unit} | dict(zip(names, shift, strict=True)))
    return pd.DataFrame(rows)


def _changes(model: ThinFilm) -> Iterator[tuple[str, float, str, ThinFilm]]:
    if AOI_OFFSET not in model.free:
        offset = model.aoi_offset_deg + AOI_CHANGE_DEG
        yield "angle of incidence", AOI_CHANGE_DEG, "deg", replace(model, aoi_offset_deg=offset)
    for number, layer in enumerate(model.layers):
        what = f"layer {number + 1} ({layer.material.name})"
        if THICKNESS not in layer.free and THICKNESS not in layer.tied:
            for change in THICKNESS_CHANGES_NM:
                thicker = replace(layer, thickness_nm=layer.thickness_nm + change)
                yield f"thickness of {what}", change, "nm", model.with_layer(number, thicker)
        if layer.has_free_index or layer.has_tied_index:
            continue
        if isinstance(layer.material, Interface):
            share = layer.material.fraction
            change = SHARE_CHANGE if share <= 1 - SHARE_CHANGE else -SHARE_CHANGE
            other = layer.with_value(FRACTION, share + change)
            yield f"share of {what}", change, "", model.with_layer(number, other)
        else:
            yield f"index of {what}", INDEX_CHANGE, "", denser(model, number, INDEX_CHANGE)
    substrate = shifted(model.substrate, INDEX_CHANGE)
    name = f"index of the substrate ({model.substrate.name})"
    yield name, INDEX_CHANGE, "", replace(model, substrate=substrate)
