"""What a film model knows of the instrument: offsets, its angular spread and its bandwidth."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal

import numpy as np

from ellimaps.core.errors import SettingError
from ellimaps.optics.bounds import is_number
from ellimaps.optics.fresnel import Real

AOI_OFFSET = "aoi_offset_deg"
DELTA_OFFSET = "delta_offset_deg"
ANGULAR_SPREAD = "angular_spread_deg"
OFFSETS = (AOI_OFFSET, DELTA_OFFSET)
OF_INSTRUMENT = (*OFFSETS, ANGULAR_SPREAD)
"""What of the whole model can be free."""
LIMITS_DEG = {AOI_OFFSET: (-10.0, 10.0), DELTA_OFFSET: (-180.0, 180.0), ANGULAR_SPREAD: (0.0, 5.0)}
"""An angle of incidence off by more is another one, which is ``aoi_deg``; Delta turns round. The light of an
objective of aperture 0.14, as large as works from a distance, lies within 8 deg, with half of that as the
standard deviation if it is filled evenly."""
OF_FILE = "file"
MAX_BANDWIDTH_NM = 100.0
"""An edge filter passes more, and is no band."""

Bandwidth = float | Literal["file"] | tuple[tuple[float, float], ...]
"""Full width at half maximum in nm: the same everywhere, the column of the data, or at given wavelengths."""


def bandwidth_at(bandwidth: Bandwidth, wavelength_nm: Real) -> Real:
    """Return the full width at half maximum in nm at some wavelengths.

    Raises
    ------
    SettingError
        If it is to be that of the data.
    """
    if isinstance(bandwidth, str):
        raise SettingError(
            "The data do not tell the bandwidth at every wavelength: give bandwidth_nm in nm in the model."
        )
    if isinstance(bandwidth, tuple):
        return np.asarray(np.interp(wavelength_nm, *np.transpose(bandwidth)))
    return np.full(np.shape(wavelength_nm), float(bandwidth))


def checked_bandwidth(given: object) -> Bandwidth:
    """Return a bandwidth as a number, ``"file"`` or ascending pairs of wavelength and bandwidth.

    Raises
    ------
    SettingError
        If it is none of these.
    """
    if given == OF_FILE:
        return "file"
    rows: Any = given if isinstance(given, list | tuple) else [(1.0, given)]
    if rows and all(
        isinstance(row, list | tuple) and len(row) == 2 and all(map(is_number, row)) for row in rows
    ):
        pairs = tuple((float(at), float(width)) for at, width in rows)
        ascends = all(one < other for (one, _), (other, _) in pairwise(((0.0, 0.0), *pairs)))
        if ascends and all(0 <= width <= MAX_BANDWIDTH_NM for _, width in pairs):
            return pairs if rows is given else pairs[0][1]
    raise SettingError(
        f"bandwidth_nm must be a number from 0 to {MAX_BANDWIDTH_NM:g}, 'file', or ascending pairs "
        f"[wavelength, bandwidth], got {given!r:.80}."
    )


def bandwidths_of_data(wavelength_nm: Real, bandwidth_nm: Real) -> tuple[tuple[float, float], ...]:
    """Return pairs of wavelength and bandwidth, both of shape (band,); NaN is not known."""
    known = np.isfinite(bandwidth_nm)
    waves, place = np.unique(wavelength_nm[known], return_inverse=True)
    means = np.bincount(place, bandwidth_nm[known]) / np.bincount(place)
    return tuple(zip(waves.tolist(), means.tolist(), strict=True))
