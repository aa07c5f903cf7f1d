"""Text of WVASE and CompleteEASE (J. A. Woollam): wavelength or energy, angle, Psi, Delta, errors."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ellimaps.core.errors import ReadError
from ellimaps.core.photons import EV_NM
from ellimaps.readers.spectra.quantities import psi_and_delta
from ellimaps.readers.spectra.text import SpectrumText, numbers_in

# Factors to nm; -1 stands for photon energies, -2 for wave numbers.
_UNITS = {"nm": 1.0, "angstroms": 0.1, "angstrom": 0.1, "a": 0.1, "um": 1e3, "ev": -1.0, "1/cm": -2.0}
# CompleteEASE writes a kind before each row: E is Psi and Delta, dpolE how much light was depolarized.
_ELLIPSOMETRIC, _DEPOLARIZED = "e", "dpole"
_COLUMNS = ("wavelength", "aoi_deg", "Psi", "Delta", "Psi_sd", "Delta_sd")


def is_of(text: SpectrumText) -> bool:
    """Whether a line of a unit alone stands before rows of numbers, below a heading of the program."""
    return _unit_line(text) is not None


def table_in(text: SpectrumText) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the spectrum, with its errors and the depolarization where the file has them.

    Raises
    ------
    ReadError
        If it is damaged or holds something else than an ellipsometric measurement.
    """
    place = _unit_line(text)
    assert place is not None
    unit, *kind = text.lines[place].split()
    parts: dict[str, list[list[float]]] = {}
    for line in text.lines[place + 1 :]:
        cells = line.split()
        name = cells[0].lower() if cells and cells[0][0].isalpha() else _ELLIPSOMETRIC
        numbers = numbers_in("\t".join(cells[1:] if cells[0][0].isalpha() else cells), "\t")
        if numbers is not None and len(numbers) >= 3:
            parts.setdefault(name, []).append(numbers)
    rows = parts.get(_ELLIPSOMETRIC, [])
    width = min(map(len, rows), default=0)
    if width < 4:
        raise ReadError(
            f"{text.name} holds no Psi and Delta with an angle: export them from WVASE or CompleteEASE."
        )
    table = pd.DataFrame(np.array([row[:6] for row in rows] if width >= 6 else [row[:4] for row in rows]))
    table.columns = pd.Index(_COLUMNS[: table.shape[1]])
    if kind and kind[0].upper() == "TRIG":
        table = table.rename(columns={"Psi": "tan_psi", "Delta": "cos_delta"})
        table = table.drop(columns=["Psi_sd", "Delta_sd"], errors="ignore")
    table = table.assign(wavelength_nm=_nanometers(table.pop("wavelength"), unit))
    if lost := parts.get(_DEPOLARIZED):
        known = pd.DataFrame([row[:3] for row in lost], columns=["wavelength", "aoi_deg", "depolarization"])
        known = known.assign(wavelength_nm=_nanometers(known.pop("wavelength"), unit))
        table = table.merge(known.drop_duplicates(["wavelength_nm", "aoi_deg"]), how="left")
    return psi_and_delta(table, text.name)


def _nanometers(values: pd.Series, unit: str) -> pd.Series:
    factor = _UNITS[unit.lower()]
    if factor > 0:
        return values * factor
    return EV_NM / values if factor == -1 else 1e7 / values


def _unit_line(text: SpectrumText) -> int | None:
    for place, line in enumerate(text.lines[:20]):
        words = line.split()
        is_unit = len(words) <= 2 and bool(words) and words[0].lower() in _UNITS
        if is_unit and place and (len(words) == 1 or words[1].upper() in ("TRIG", "ELLIPS")):
            return place
    return None
