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
_COLUMNS = ("wavelength", "aoi_deg", "Psi", "Delta", "Psi_sd", "Delta_sd", "time_s")
# After the errors dynamic data have the time of each spectrum, in minutes.
_MINUTE_S = 60.0


def is_of(text: SpectrumText) -> bool:
    """Whether a line of a unit alone stands before rows of numbers, below a heading of the program."""
    return _unit_line(text) is not None


def table_in(text: SpectrumText) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the spectrum, or those of a time series, with errors and depolarization where there are any.

    Raises
    ------
    ReadError
        If it is damaged, or holds something else than an ellipsometric measurement in reflection.
    """
    place = _unit_line(text)
    assert place is not None
    unit, *kind = text.lines[place].split()
    if any("TransmissionMeas=1" in line for line in text.lines[:place]):
        raise ReadError(
            f"{text.name} was measured in transmission, and films are fitted to reflection: export that one."
        )
    rows, lost = _rows(text.lines[place + 1 :])
    width = min(map(len, rows), default=0)
    if width < 4:
        raise ReadError(
            f"{text.name} holds no Psi and Delta with an angle: export them from WVASE or CompleteEASE."
        )
    width = {5: 4}.get(width, min(width, len(_COLUMNS)))
    table = pd.DataFrame(np.array([row[:width] for row in rows]), columns=pd.Index(_COLUMNS[:width]))
    if any(np.isfinite(lost)):
        table["depolarization"] = lost
    if "time_s" in table:
        table["time_s"] *= _MINUTE_S
        table["spectrum"] = pd.factorize(table["time_s"])[0]
    if kind and kind[0].upper() == "TRIG":
        table = table.rename(columns={"Psi": "tan_psi", "Delta": "cos_delta"})
        table = table.drop(columns=["Psi_sd", "Delta_sd"], errors="ignore")
    table = table.assign(wavelength_nm=_nanometers(table.pop("wavelength"), unit))
    return psi_and_delta(table, text.name)


def _rows(lines: list[str]) -> tuple[list[list[float]], list[float]]:
    """Return the rows of Psi and Delta, and for each how much light was depolarized, NaN where not told."""
    rows: list[list[float]] = []
    lost: list[float] = []
    place: dict[tuple[float, float], int] = {}
    for line in lines:
        cells = line.split()
        name = cells.pop(0).lower() if cells[0][0].isalpha() else _ELLIPSOMETRIC
        numbers = numbers_in("\t".join(cells), "\t")
        if numbers is None or len(numbers) < 3:
            continue
        if name == _ELLIPSOMETRIC:
            rows.append(numbers)
            lost.append(np.nan)
            place[numbers[0], numbers[1]] = len(rows) - 1
        elif name == _DEPOLARIZED:
            # In some versions its angle is 0, and it follows the row it belongs to.
            own = place.get((numbers[0], numbers[1]), len(rows) - 1)
            if rows and rows[own][0] == numbers[0]:
                lost[own] = numbers[2]
    return rows, lost


def _nanometers(values: pd.Series, unit: str) -> pd.Series:
    factor = _UNITS[unit.lower()]
    if factor > 0:
        return values * factor
    return EV_NM / values if factor == -1 else 1e7 / values


def _unit_line(text: SpectrumText) -> int | None:
    for place, line in enumerate(text.lines[:20]):
        words = line.split()
        is_unit = len(words) <= 2 and bool(words) and words[0].lower() in _UNITS
        if is_unit and (words[1].upper() in ("TRIG", "ELLIPS") if len(words) > 1 else place > 0):
            return place
    return None
