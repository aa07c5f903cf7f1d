"""ImageStack: pixel values and a table of their bands, the one type every step passes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ellimaps.core.errors import SettingError
from ellimaps.core.names import readable
from ellimaps.core.parallel import ordered_map
from ellimaps.core.scratch import release

DELTA = "Delta"
PSI = "Psi"
ANGLES = (DELTA, PSI)
"""In the order of every table, figure and page: that of the vendor's columns, in maps and in regions."""
INTENSITY = "intensity"

BAND_COLUMNS: dict[str, Any] = {
    "quantity": INTENSITY,
    "wavelength_nm": np.nan,
    "aoi_deg": np.nan,
    "channel": "",
    "time_s": np.nan,
    "unit": "",
    "file": "",
    "bandwidth_nm": np.nan,
    "stage_x_mm": np.nan,
    "stage_y_mm": np.nan,
}
"""Columns of :attr:`ImageStack.bands` with the value that stands for "not known"."""


@dataclass(frozen=True, eq=False)
class ImageStack:
    """A stack of images of the same scene, one per band.

    Parameters
    ----------
    values : ndarray of float32, shape (band, y, x)
        Pixel values; NaN means not measured, and infinite values become NaN. Psi is 0..90 deg, Delta
        modulo 360 deg.
    bands : DataFrame
        One row per band with the columns of :data:`BAND_COLUMNS`; absent columns are added.
    name : str
        The data set's name, used to name exported files.
    source : Path, optional
        Where the stack was read from.
    pixel_size_um : float, optional
        Width of a pixel in micrometres, if known.
    pixel_aspect : float
        Height of a pixel over its width (oblique incidence stretches it).
    acquired_at : datetime, optional
        When the measurement started, in local time of the instrument.
    filled : ndarray of bool, shape (band, y, x), optional
        True where a value was invented by gap filling and not measured.
    comment : str
        What the operator wrote about the sample.
    warnings : tuple of str
        Sentences the user should read before trusting the data.
    inputs : mapping of str to str
        SHA-256 of every file read, by file name.
    history : tuple of mappings
        The preprocessing steps applied, in order, with their settings.
    """

    values: NDArray[np.float32]
    bands: pd.DataFrame
    name: str
    source: Path | None = None
    pixel_size_um: float | None = None
    pixel_aspect: float = 1.0
    acquired_at: datetime | None = None
    filled: NDArray[np.bool_] = None  # type: ignore[assignment]
    comment: str = ""
    warnings: tuple[str, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    history: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def from_arrays(
        cls,
        delta_deg: ArrayLike,
        psi_deg: ArrayLike,
        wavelength_nm: ArrayLike,
        aoi_deg: ArrayLike,
        *,
        name: str = "arrays",
    ) -> ImageStack:
        """Return a stack of Delta and Psi maps.

        Parameters
        ----------
        delta_deg, psi_deg : array_like of float, shape (wavelength, y, x)
            In degrees; NaN where not measured.
        wavelength_nm : array_like of float, shape (wavelength,)
            Wavelength of each map in nm.
        aoi_deg : float or array_like of float, shape (wavelength,)
            Angle of incidence of each map in degrees, or of all.
        name : str
            What files of the stack's results are called.

        Raises
        ------
        SettingError
            If the shapes do not belong together.
        """
        delta, psi = (np.asarray(values, dtype=np.float32) for values in (delta_deg, psi_deg))
        waves = np.atleast_1d(np.asarray(wavelength_nm, dtype=np.float64))
        angles = np.asarray(aoi_deg, dtype=np.float64)
        if delta.ndim != 3 or delta.shape != psi.shape or waves.shape != delta.shape[:1]:
            raise SettingError(
                "Delta and Psi need one shape (wavelength, y, x) and as many wavelengths, got "
                f"{delta.shape}, {psi.shape} and {waves.shape}."
            )
        if angles.shape not in ((), waves.shape):
            raise SettingError(f"Give one angle of incidence or {len(waves)}, not {angles.size}.")
        bands = pd.DataFrame(
            {
                "quantity": np.repeat([DELTA, PSI], len(waves)),
                "wavelength_nm": np.tile(waves, 2),
                "aoi_deg": np.tile(np.broadcast_to(angles, waves.shape), 2),
            }
        )
        return cls(np.concatenate([delta, psi]), bands, name)

    def __post_init__(self) -> None:
        values = np.asarray(self.values, dtype=np.float32)
        if values.ndim != 3 or values.size == 0:
            raise SettingError(
                f"A stack needs values of shape (band, y, x) with at least one pixel, got {values.shape}."
            )
        if any(_has_infinity(band) for band in values):
            values = np.where(np.isinf(values), np.float32(np.nan), values)
        if len(self.bands) != values.shape[0]:
            raise SettingError(
                f"The band table has {len(self.bands)} rows but the values have {values.shape[0]} bands."
            )
        _check_quantities(self.bands)
        given: NDArray[np.bool_] | None = self.filled
        filled = np.broadcast_to(np.False_, values.shape) if given is None else np.asarray(given, np.bool_)
        if filled.shape != values.shape:
            raise SettingError(f"The filled mask has shape {filled.shape}, the values {values.shape}.")
        object.__setattr__(self, "name", readable(self.name))
        object.__setattr__(self, "values", _read_only(values))
        object.__setattr__(self, "filled", _read_only(filled))
        object.__setattr__(self, "bands", _complete_bands(self.bands))
        object.__setattr__(self, "inputs", MappingProxyType(dict(self.inputs)))

    @property
    def n_bands(self) -> int:
        """Number of bands."""
        return int(self.values.shape[0])

    @property
    def shape(self) -> tuple[int, int]:
        """Image size (y, x) in pixels."""
        return int(self.values.shape[1]), int(self.values.shape[2])

    @property
    def quantities(self) -> list[str]:
        """The different quantities: Delta before Psi, others in order of appearance."""
        found = list(dict.fromkeys(self.bands["quantity"]))
        return sorted(found, key=ANGLES.index) if set(found) <= set(ANGLES) else found

    @property
    def is_ellipsometric(self) -> bool:
        """Whether every band is a Delta or a Psi map."""
        return set(self.quantities) <= set(ANGLES)

    @property
    def wavelengths_nm(self) -> list[float]:
        """The different wavelengths in nm, ascending."""
        return [float(w) for w in np.unique(self.bands["wavelength_nm"].dropna())]

    @property
    def angles_deg(self) -> list[float]:
        """The different angles of incidence in degrees, ascending."""
        return [float(a) for a in np.unique(self.bands["aoi_deg"].dropna())]

    @property
    def measured(self) -> NDArray[np.bool_]:
        """True where a value was measured, shape (band, y, x)."""
        return np.isfinite(self.values) & ~self.filled

    @property
    def missing_fraction(self) -> NDArray[np.float64]:
        """Share of pixels without a measured value, per band."""
        return self._share_of_bands(lambda band: ~self.measured_band(band))

    @property
    def filled_fraction(self) -> NDArray[np.float64]:
        """Share of pixels whose value was invented by gap filling, per band."""
        return self._share_of_bands(lambda band: self.filled[band])

    def _share_of_bands(self, mask: Callable[[int], NDArray[np.bool_]]) -> NDArray[np.float64]:
        def of_band(band: int) -> float:
            here = mask(band)
            share = np.count_nonzero(here) / here.size
            self.release()
            return share

        return np.array(list(ordered_map(of_band, range(self.n_bands))))

    def release(self) -> None:
        """Let go of the memory of values that lie in a temporary file; see `ellimaps.core.scratch`."""
        release(self.values)
        release(self.filled)

    def measured_band(self, band: int) -> NDArray[np.bool_]:
        """Return True where band ``band`` was measured, shape (y, x)."""
        return np.asarray(np.isfinite(self.values[band]) & ~self.filled[band])

    def pairs(self) -> pd.DataFrame:
        """Delta and Psi bands that belong together.

        Returns
        -------
        DataFrame
            One row per wavelength and angle of incidence in the stack's order, with the columns
            ``wavelength_nm, aoi_deg, bandwidth_nm, delta, psi``; the last two are band numbers.

        Raises
        ------
        SettingError
            If there are two Delta or two Psi bands for one wavelength and angle of incidence.
        """
        return self._pairs.copy()

    @cached_property
    def _pairs(self) -> pd.DataFrame:
        table = self.bands.reset_index(drop=True)
        key = ["wavelength_nm", "aoi_deg"]
        twice = table[table["quantity"].isin([DELTA, PSI]) & table.duplicated(["quantity", *key])]
        if len(twice):
            band = twice.iloc[0]
            raise SettingError(
                f"{self.name} has two {band['quantity']} bands at {band['wavelength_nm']:g} nm and "
                f"{band['aoi_deg']:g} deg: keep one of them."
            )
        deltas = table.index[table["quantity"] == DELTA]
        psis = table.index[table["quantity"] == PSI]
        left = table.loc[deltas, [*key, "bandwidth_nm"]].assign(delta=deltas)
        right = table.loc[psis, key].assign(psi=psis)
        return left.merge(right, on=key)

    def with_values(self, values: NDArray[np.float32], **changes: Any) -> ImageStack:
        """Return a copy of this stack with other values and fields."""
        return replace(self, values=values, **changes)


def band_label(band: Mapping[str, Any] | pd.Series) -> str:
    """Return a short text for a band, such as ``Delta 550 nm`` or ``DAPI frame 3``."""
    parts = [str(band["quantity"])]
    if band["channel"]:
        parts = [str(band["channel"])]
    if np.isfinite(band["wavelength_nm"]):
        parts.append(f"{band['wavelength_nm']:g} nm")
    # Only pictures over time have this column.
    if band.get("frame", -1) >= 0:
        parts.append(f"frame {band['frame']}")
    return " ".join(parts)


def band_labels(stack: ImageStack) -> list[str]:
    """Return a text for each band that no other has: with its angle of incidence where there are several."""
    several = len(stack.angles_deg) > 1
    return [
        band_label(band) + (f", {band['aoi_deg']:g}°" if several else "")
        for _, band in stack.bands.iterrows()
    ]


def stack_facts(stack: ImageStack) -> dict[str, Any]:
    """Return what a stack holds as plain values, ready for JSON.

    ``aoi_deg`` is a number, or a list where the series has several angles of incidence.
    """
    angles = stack.angles_deg
    return {
        "name": stack.name,
        "n_maps": stack.n_bands,
        "n_wavelengths": len(stack.wavelengths_nm),
        "shape": list(stack.shape),
        "wavelengths_nm": stack.wavelengths_nm,
        "aoi_deg": angles[0] if len(angles) == 1 else angles,
        "quantities": stack.quantities,
        "missing_fraction": float(stack.missing_fraction.mean()),
        "missing_fraction_per_map": [float(share) for share in stack.missing_fraction],
        "pixel_aspect": stack.pixel_aspect,
        "pixel_size_um": stack.pixel_size_um,
        "acquired_at": stack.acquired_at.isoformat() if stack.acquired_at else None,
        "comment": stack.comment,
        "warnings": list(stack.warnings),
    }


def _has_infinity(band: NDArray[np.float32]) -> bool:
    found = bool(np.isinf(band).any())
    release(band)
    return found


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view


def _check_quantities(bands: pd.DataFrame) -> None:
    """Refuse the names of quantities in another spelling: they would be taken for intensities."""
    for quantity in bands.get("quantity", pd.Series(dtype=object)).unique():
        for known in (DELTA, PSI):
            if str(quantity).lower() == known.lower() and quantity != known:
                raise SettingError(f"The band table calls a quantity {quantity!r}: write {known!r}.")


def _complete_bands(bands: pd.DataFrame) -> pd.DataFrame:
    table = bands.reset_index(drop=True)
    missing = {column: default for column, default in BAND_COLUMNS.items() if column not in table}
    return table.assign(**missing) if missing else table
