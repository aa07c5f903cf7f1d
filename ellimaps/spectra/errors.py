"""What a file of spectra tells of its own errors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ellimaps.core.spectra import Spectra
from ellimaps.optics.fresnel import Real
from ellimaps.optics.noise import Noise

# The last digit of many exported files; readings that agree better are no better known.
_LEAST_SD_DEG = 0.01


def noise_told(spectra: Spectra, tables: Sequence[pd.DataFrame]) -> Noise | None:
    """Return the noise of some spectra with the same points, shape (spectrum, point); None if it is not told.

    Parameters
    ----------
    spectra : Spectra
        Whose they are.
    tables : sequence of DataFrame
        Their rows.
    """
    if not all({"Psi_sd", "Delta_sd"} <= set(table) for table in tables):
        return None
    psi, delta = (
        np.stack([table[f"{name}_sd"].to_numpy(dtype=np.float64) for table in tables])
        for name in ("Psi", "Delta")
    )
    if not (np.isfinite(psi).all() and np.isfinite(delta).all()):
        return None
    grows = spectra.delta_noise == "growing"
    if "Psi_share" in tables[0]:
        return Noise(psi, delta, grows, "the clusters' provenance", is_known=True)
    least = _LEAST_SD_DEG
    return Noise(np.maximum(psi, least), np.maximum(delta, least), grows, "the file", is_known=True)


def errors_deg(spectra: Spectra, table: pd.DataFrame) -> tuple[Real, Real]:
    """Return the standard deviations of Psi and Delta of one spectrum, NaN where they are not told."""
    noise = noise_told(spectra, [table])
    if noise is None:
        nothing = pd.Series(np.nan, table.index)
        return _column(table.get("Psi_sd", nothing)), _column(table.get("Delta_sd", nothing))
    sigma_psi, sigma_delta = noise.sigmas(_column(table["Psi"])[None])
    return sigma_psi[0], sigma_delta[0]


def _column(values: pd.Series[float]) -> Real:
    return np.asarray(values, dtype=np.float64)
