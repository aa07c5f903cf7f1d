"""Plain tables of a spectrum, with or without a line of titles."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ellimaps.core.errors import ReadError
from ellimaps.core.photons import EV_NM
from ellimaps.readers.spectra.quantities import meaning_of, psi_and_delta, question
from ellimaps.readers.spectra.text import SpectrumText

Result = tuple[pd.DataFrame, tuple[str, ...]]


def is_of(_: SpectrumText) -> bool:
    """Any text may be a plain table."""
    return True


def table_in(text: SpectrumText, columns: str | None = None) -> Result:
    """Return the spectra of a plain table; ``columns`` says what its columns are.

    Raises
    ------
    ReadError
        If it holds no spectrum, or its columns can be taken for different things.
    """
    rows = text.rows
    values = np.array(rows.cells)
    if text.lines[rows.first - 1 + len(rows.cells) :]:
        line = rows.first + len(rows.cells)
        raise ReadError(f"Line {line} of {text.name} is no row of {values.shape[1]} numbers: correct it.")
    titles = columns.replace(",", " ").split() if columns else rows.labels
    meanings = _named(text.name, titles, values) if titles else _guessed(text.name, values)
    named = {
        column: values[:, i] * (factor or 1.0) for i, (column, factor) in enumerate(meanings) if column != "-"
    }
    return psi_and_delta(_in_nm(pd.DataFrame(named), meanings, text.name), text.name)


def _named(name: str, titles: list[str], values: np.ndarray) -> list[tuple[str, float | None]]:
    if len(titles) != values.shape[1]:
        raise ReadError(f"{name} has {values.shape[1]} columns, not the {len(titles)} that are named.")
    meanings = [meaning_of(title) for title in titles]
    if _is_angle(titles, values):
        meanings[1] = ("aoi_deg", None)
    known = [column for column, _ in meanings if column not in (None, "-")]
    if len(known) != len(set(known)):
        raise question(f"{name} has two columns of one kind", "which to take")
    return [(column or "-", factor) for column, factor in meanings]


def _is_angle(titles: list[str], values: np.ndarray) -> bool:
    """Whether the second column is the angle, which tables of WVASE leave without a title."""
    kinds = [meaning_of(title)[0] for title in titles]
    is_layout = kinds[:4] == ["wavelength_nm", "-", "Psi", "Delta"] and not titles[1]
    return is_layout and _are_angles(values[:, 1])


def _are_angles(values: np.ndarray) -> bool:
    few = len(np.unique(values)) <= max(1, len(values) / 2)
    return bool(few and (values > 0).all() and (values < 90).all())


def _guessed(name: str, values: np.ndarray) -> list[tuple[str, float | None]]:
    """Return what columns without titles are, in the order that all programs write them."""
    n = values.shape[1]
    low, high = np.fmin.reduce(values, axis=0), np.fmax.reduce(values, axis=0)
    order = {3: ["wavelength_nm", "Psi", "Delta"], 4: ["wavelength_nm", "aoi_deg", "Psi", "Delta"]}.get(n)
    how = "what they are, such as 'wavelength_nm aoi_deg Psi Delta'"
    if order is None:
        raise question(f"{name} has {n} columns without titles", how)
    psi, delta = order.index("Psi"), order.index("Delta")
    fits = low[psi] >= 0 and high[psi] <= 90 and low[delta] >= -180 and high[delta] <= 360
    # Within 0..90 both of two columns could be Psi, or be n and k of a material.
    is_sure = high[delta] > 90 or low[delta] < 0
    if n == 4:
        fits = fits and _are_angles(values[:, 1])
    if not fits or not is_sure:
        raise question(f"{name} has {n} columns without titles that fit no order, or more than one", how)
    return [(column, None) for column in order]


def _in_nm(table: pd.DataFrame, meanings: list[tuple[str, float | None]], name: str) -> pd.DataFrame:
    """Return a table with wavelengths in nm; where no unit is said, their size tells it."""
    if "wavelength_nm" not in table:
        return table
    factor = dict(meanings)["wavelength_nm"]
    waves = table["wavelength_nm"]
    if factor is not None:
        return table.assign(wavelength_nm=EV_NM / -waves) if factor < 0 else table
    if waves.max() < 20:
        raise question(
            f"{name} has wavelengths of {waves.min():g} to {waves.max():g}, which may be um or eV",
            "which, as wavelength_um or energy_ev",
        )
    if waves.min() > 1900 and waves.max() > 2500:
        raise question(
            f"{name} has wavelengths of {waves.min():g} to {waves.max():g}, which may be nm or Angstrom",
            "which, as wavelength_nm or wavelength_a",
        )
    return table
