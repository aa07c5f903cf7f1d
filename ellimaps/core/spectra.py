"""Measured spectra of Psi and Delta without an image: of one spot, of several, or of clusters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd

REQUIRED = ("spectrum", "wavelength_nm", "aoi_deg", "Psi", "Delta")
OPTIONAL = (
    "Psi_sd", "Delta_sd", "Psi_share", "Delta_share", "n_readings", "bandwidth_nm", "polarization",
    "depolarization", "x_mm", "y_mm", "time_s",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Spectra:
    """What a file of spectra holds.

    Attributes
    ----------
    name : str
        The file's, without its ending.
    table : DataFrame
        One row per wavelength and angle of each spectrum: ``spectrum, wavelength_nm, aoi_deg, Psi, Delta``,
        Psi in 0..90, Delta in 0..360 degrees; ``aoi_deg`` is NaN where the file does not tell it. Where the
        file has them also ``Psi_sd, Delta_sd`` (standard deviations in degrees), ``Psi_share, Delta_share``
        (part of a cluster's pixels that were measured), ``n_readings`` (how many were averaged),
        ``bandwidth_nm``, ``polarization`` (degree of, 1 is all), ``depolarization``, ``x_mm, y_mm`` and
        ``time_s``.
    inputs : mapping of str to str
        SHA-256 of the file by its name.
    warnings : tuple of str
        What was understood otherwise than written, or left out.
    delta_noise : {"constant", "growing"}
        Whether the standard deviation of Delta is ``Delta_sd``, or ``Delta_sd / sin 2 Psi``.
    """

    name: str
    table: pd.DataFrame
    inputs: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    delta_noise: Literal["constant", "growing"] = "constant"

    @property
    def names(self) -> list[object]:
        """The spectra, in the order of the file."""
        return self.table["spectrum"].unique().tolist()

    @property
    def wavelengths_nm(self) -> list[float]:
        """The different wavelengths in nm, ascending."""
        return [float(wave) for wave in np.unique(self.table["wavelength_nm"])]

    @property
    def angles_deg(self) -> list[float]:
        """The different angles of incidence in degrees, ascending; none where the file does not tell them."""
        return [float(angle) for angle in np.unique(self.table["aoi_deg"].dropna())]

    @property
    def has_positions(self) -> bool:
        """Whether the spectra lie at places that are known."""
        return {"x_mm", "y_mm"} <= set(self.table.columns)

    def mirrored(self) -> Spectra:
        """Return the spectra with 360 deg - Delta in place of Delta, for a file of the other sense."""
        table = self.table.assign(Delta=(360 - self.table["Delta"]) % 360)
        said = (*self.warnings, "Delta was taken as 360° less what the file has.")
        return replace(self, table=table, warnings=said)

    def one(self, name: object) -> pd.DataFrame:
        """Return the rows of one spectrum."""
        return self.table[self.table["spectrum"] == name].reset_index(drop=True)
