"""The tables that leave as files: clustershots, coordinates and regions of interest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import SettingError
from ellimaps.core.stack import ImageStack, band_label
from ellimaps.maps.segmentation import Segmentation

_REGION_COLUMNS = ("ROIidx", "AOI", "Lambda", "Bandwidth", "ExposureTime", "ROI_x", "ROI_y", "Delta", "Psi")
_REGION_UNITS = ("-", "deg", "nm", "nm", "us", "µm", "µm", "deg", "deg")
_ROWS_AT_ONCE = 1 << 14
"""Rows written at once, which bounds the memory: some 100 texts of 10 MB."""


def clustershot_table(segmentation: Segmentation) -> pd.DataFrame:
    """Return one spectrum per column, in the layout older scripts read.

    ``WL_idx, WL, delta_cluster_0, ..., psi_cluster_0, ...`` for Delta and Psi maps (with ``AOI`` last where
    there are several angles), ``band_idx, band, intensity_cluster_0, ...`` for intensities.
    """
    stack, means = segmentation.stack, segmentation.means
    if not stack.is_ellipsometric:
        names = [band_label(band) for _, band in stack.bands.iterrows()]
        columns: dict[str, Any] = {"band_idx": np.arange(stack.n_bands), "band": names}
        return pd.DataFrame(columns | _cluster_columns("intensity", means, np.arange(stack.n_bands)))
    pairs = stack.pairs()
    columns = {"WL_idx": np.arange(len(pairs)), "WL": pairs["wavelength_nm"]}
    columns |= _cluster_columns("delta", means, pairs["delta"].to_numpy())
    columns |= _cluster_columns("psi", means, pairs["psi"].to_numpy())
    if len(stack.angles_deg) > 1:
        columns["AOI"] = pairs["aoi_deg"]
    return pd.DataFrame(columns)


def coordinates_file(segmentation: Segmentation) -> bytes:
    """Return ``pixel_idx, Cys_cluster_0, Cxs_cluster_0, ...`` as CSV; shorter clusters end in empty cells."""
    table = segmentation.coordinates()
    ends = np.cumsum(segmentation.n_pixels)
    starts = ends - segmentation.n_pixels
    axes = [(axis, table[column].to_numpy()) for axis, column in (("Cys", "y"), ("Cxs", "x"))]
    names = [f"{axis}_cluster_{cluster}" for cluster in range(segmentation.k) for axis, _ in axes]
    digits = [str(number) for number in range(max(segmentation.labels.shape))]
    parts = [(",".join(["", "pixel_idx", *names]) + "\n").encode()]
    length = int(segmentation.n_pixels.max(initial=0))
    for first in range(0, length, _ROWS_AT_ONCE):
        rows = range(first, min(first + _ROWS_AT_ONCE, length))
        columns = [list(map(str, rows))] * 2
        for start, end in zip(starts + first, ends, strict=True):
            part = slice(start, min(start + len(rows), end))
            for _, values in axes:
                cells = [digits[value] for value in values[part].tolist()]
                columns.append(cells + [""] * (len(rows) - len(cells)))
        parts.append(("\n".join(map(",".join, zip(*columns, strict=True))) + "\n").encode())
    return b"".join(parts)


def full_table(segmentation: Segmentation, names: Sequence[str] = ()) -> pd.DataFrame:
    """Return the clustershots with standard deviation and count, and the clusters' names where given."""
    shots = segmentation.clustershots()
    if names:
        shots.insert(1, "name", [names[cluster] for cluster in shots["cluster"]])
    return shots


def region_file(stack: ImageStack, means: NDArray[np.float64], number: int, mask: NDArray[np.bool_]) -> bytes:
    """Return a spectrum as a region of interest in the vendor's layout (``.ds.dat``).

    Bands without a measured value are left out. The position is the region's centre of mass in
    micrometres from the centre of the maps' first pixel, NaN where the pixel size is not known.

    Parameters
    ----------
    stack : ImageStack
        Delta and Psi maps.
    means : ndarray, shape (band,)
        The spectrum.
    number : int
        Index of the region.
    mask : ndarray of bool, shape (y, x)
        The pixels it covers.
    """
    x_um, y_um = _center_of_mass_um(stack, mask)
    lines = ["#" + "\t".join(_REGION_COLUMNS), "#" + "\t".join(_REGION_UNITS)]
    for pair in stack.pairs().itertuples():
        delta, psi = means[int(str(pair.delta))], means[int(str(pair.psi))]
        if np.isfinite(delta) and np.isfinite(psi):
            band = stack.bands.iloc[int(str(pair.delta))]
            cells = (
                f"{number}",
                f"{pair.aoi_deg:.3f}",
                f"{pair.wavelength_nm:.1f}",
                f"{band['bandwidth_nm']:.1f}",
                f"{band['time_s'] * 1e6:.0f}",
                f"{x_um:.1f}",
                f"{y_um:.1f}",
                f"{delta:.6f}",
                f"{psi:.6f}",
            )
            lines.append("\t".join("NaN" if cell == "nan" else cell for cell in cells))
    return ("\r\n".join(lines) + "\r\n").encode("latin-1")


def check_names(names: Sequence[str], segmentation: Segmentation) -> None:
    """Check what the clusters are called.

    Raises
    ------
    SettingError
        If names are given, but not one for each cluster, or one that is not valid Unicode.
    """
    if names and len(names) != segmentation.k:
        raise SettingError(
            f"{len(names)} names are given for {segmentation.k} clusters: give one for each, or none."
        )
    for name in names:
        if not isinstance(name, str) or any("\ud800" <= character <= "\udfff" for character in name):
            raise SettingError(f"A cluster cannot be named {name!r:.80}: that is no text.")


def _cluster_columns(prefix: str, means: Any, bands: Any) -> dict[str, Any]:
    return {f"{prefix}_cluster_{cluster}": row[bands] for cluster, row in enumerate(means)}


def _center_of_mass_um(stack: ImageStack, mask: NDArray[np.bool_]) -> tuple[float, float]:
    if stack.pixel_size_um is None or not mask.any():
        return float("nan"), float("nan")
    y, x = np.nonzero(mask)
    return (
        float(x.mean()) * stack.pixel_size_um,
        float(y.mean()) * stack.pixel_size_um * stack.pixel_aspect,
    )
