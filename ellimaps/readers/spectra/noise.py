"""The noise of clusters' spectra: the vendor's layout has no column for it, their provenance has it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.spectra import Spectra

# The vendor's layout gives wavelengths to 0.1 nm and angles to 0.001 degrees.
_ROUNDED_NM, _ROUNDED_DEG = 0.051, 0.00051


def with_noise(spectra: Spectra, facts: Any) -> Spectra:
    """Return clusters' spectra with the noise of their means, and the angle where the file has none.

    Parameters
    ----------
    spectra : Spectra
        As in the file, called by the numbers of the clusters.
    facts : object
        The part ``noise`` of the provenance; what was not written by ellimaps changes nothing.
    """
    table = spectra.table
    try:
        points = np.array(facts["points"], dtype=np.float64).reshape(-1, 2)
        arrays = {
            name: np.array(facts[key], dtype=np.float64)
            for name, key in (
                ("Psi_sd", "psi_deg"),
                ("Delta_sd", "delta_deg"),
                ("Psi_share", "psi_share"),
                ("Delta_share", "delta_share"),
            )
        }
        cluster = table["spectrum"].to_numpy(dtype=np.intp)
        point = _nearest(table[["wavelength_nm", "aoi_deg"]].to_numpy(), points)
        found = {name: values[cluster, point] for name, values in arrays.items()}
        grows = bool(facts["grows"])
    except (KeyError, IndexError, TypeError, ValueError, OverflowError):
        return spectra
    if not all((np.isfinite(values) & (values >= 0)).all() for values in found.values()):
        return spectra
    table = table.assign(aoi_deg=table["aoi_deg"].fillna(float(points[0, 1])), **found)
    return replace(spectra, table=table, delta_noise="growing" if grows else "constant")


def _nearest(wanted: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the number of the point of each row; points are told apart by angle only if both have one.

    Raises
    ------
    ValueError
        If a row is none of the points.
    """
    unique, where = np.unique(wanted, axis=0, return_inverse=True)
    off = np.abs(unique[:, None] - points) / (_ROUNDED_NM, _ROUNDED_DEG)
    off[:, :, 1] = np.nan_to_num(off[:, :, 1])
    nearest: NDArray[np.intp] = off.sum(axis=2).argmin(axis=1)
    if not (off[np.arange(len(unique)), nearest] <= 1).all():
        raise ValueError("not of these points")
    return nearest[where.ravel()]
