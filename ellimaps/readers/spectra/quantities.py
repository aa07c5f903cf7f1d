"""What columns of a spectrum mean: their names and units, and Psi and Delta from whatever stands for them."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from ellimaps.core.angles import wrap_degrees
from ellimaps.core.errors import ReadError
from ellimaps.core.photons import EV_NM

_ERRORS = ("{} sd", "{} err", "err {}", "err.{}", "{} error", "sigma {}", "d{}", "d {}", "std {}", "{} std")
_WORDS: dict[str, tuple[str, ...]] = {
    "wavelength_nm": ("wavelength", "lambda", "wl", "wave", "wavelen", "nm"),
    "energy_ev": ("energy", "photon energy", "e", "ev"),
    "aoi_deg": ("aoi", "angle of incidence", "angle", "incidence", "phi0"),
    "Psi": ("psi",),
    "Delta": ("delta", "del"),
    "tan_psi": ("tan psi", "tanpsi", "tan(psi)"),
    "cos_delta": ("cos delta", "cosdelta", "cos(delta)", "cosdel"),
    "N": ("n",),
    "C": ("c",),
    "S": ("s",),
    "rho_real": ("re rho", "re(rho)", "rho re", "rho real", "real rho"),
    "rho_imag": ("im rho", "im(rho)", "rho im", "rho imag", "imag rho"),
    **{
        f"{quantity}_sd": tuple(
            words.format(quantity.lower())
            for words in _ERRORS
        )
        for quantity in ("Psi", "Delta")
    },
    "bandwidth_nm": ("bandwidth", "bw"),
    "depolarization": ("depolarization", "depolarisation", "depol", "dpol", "% depolarization"),
    "polarization": ("polarization", "degree of polarization", "dop", "p"),
    "x_mm": ("x", "x pos", "xpos"),
    "y_mm": ("y", "y pos", "ypos"),
    "time_s": ("time", "t"),
    "spectrum": ("spectrum", "roiidx", "roi", "sample", "spot", "point", "cluster"),
    "k": ("k",),
    "-": ("-", ""),
}  # fmt: skip
_MEANING = {word: column for column, words in _WORDS.items() for word in words}
# Factors to nm.
_LENGTHS = {
    "nm": 1.0,
    "um": 1e3,
    "µm": 1e3,
    "a": 0.1,
    "å": 0.1,
    "angstrom": 0.1,
    "angstroms": 0.1,
    "ang": 0.1,
}
# To degrees.
_DEGREES = {"deg": 1.0, "°": 1.0, "degree": 1.0, "degrees": 1.0, "rad": 180 / np.pi}
# To seconds.
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "min": 60.0, "h": 3600.0}
# To mm.
_MILLIMETERS = {"mm": 1.0, "um": 1e-3, "µm": 1e-3, "cm": 10.0, "m": 1e3}
_UNITS = {
    "wavelength_nm": _LENGTHS | {"ev": -1.0},
    "energy_ev": {"ev": 1.0},
    "bandwidth_nm": _LENGTHS,
    "time_s": _SECONDS,
    "x_mm": _MILLIMETERS,
    "y_mm": _MILLIMETERS,
    **dict.fromkeys(("aoi_deg", "Psi", "Delta", "Psi_sd", "Delta_sd"), _DEGREES),
}
"""Factors to the unit in a column's name; -1 stands for photon energies."""
SHAPES = (("Psi", "Delta"), ("tan_psi", "cos_delta"), ("N", "C", "S"), ("rho_real", "rho_imag"))
"""Sets of columns that give Psi and Delta."""


class ColumnsQuestion(ReadError):
    """What the columns of a table are can be understood in two ways, or in none."""

    @property
    def why(self) -> str:
        """What is not clear, without how it is answered on the command line."""
        return str(self).partition(": say with ")[0]


def question(why: str, how: str = "what its columns are") -> ColumnsQuestion:
    """Return the error that asks what the columns of a table are; why it does, and how to say it."""
    return ColumnsQuestion(f"{why}: say with --columns (columns=) {how}.")


def meaning_of(label: str) -> tuple[str | None, float | None]:
    """Return which column a title means and the factor to its unit; None is not known, or not said."""
    words = label.strip().lower().replace("ψ", "psi").replace("δ", "delta").replace("λ", "lambda")
    unit = ""
    match = re.fullmatch(r"(.*?)\s*[\[(/_]\s*([^\W\d_]{1,10}|°)\s*[\])]?", words)
    if match and words not in _MEANING and re.sub(r"[\s_]+", " ", words) not in _MEANING:
        words, unit = match.groups()
    column = _MEANING.get(re.sub(r"[\s_]+", " ", words).strip())
    if words in ("nm", "ev"):
        return column, 1.0
    if column is None or not unit:
        return column, None
    factor = _UNITS.get(column, {}).get(unit)
    return (column, factor) if factor is not None else (None, None)


def psi_and_delta(table: pd.DataFrame, name: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return a table with ``wavelength_nm, Psi, Delta`` in place of what stands for them, and warnings.

    Raises
    ------
    ReadError
        If it has no wavelength, or nothing that gives Psi and Delta.
    """
    warnings: tuple[str, ...] = ()
    if "wavelength_nm" not in table and "energy_ev" in table:
        table = table.assign(wavelength_nm=EV_NM / table["energy_ev"].where(table["energy_ev"] > 0))
    shape = next((shape for shape in SHAPES if set(shape) <= set(table.columns)), None)
    if "wavelength_nm" not in table or shape is None:
        if {"N", "k"} <= set(table.columns):
            raise ReadError(f"{name} is a table of n and k: name it as a material in the model.")
        raise question(
            f"{name} has columns {', '.join(map(str, table.columns))}, and a spectrum needs a wavelength, "
            "Psi and Delta, tan Psi and cos Delta, N, C and S, or rho",
            "which they are",
        )
    if shape == ("tan_psi", "cos_delta"):
        delta = np.rad2deg(np.arccos(table["cos_delta"].clip(-1, 1)))
        table = table.assign(Psi=np.rad2deg(np.arctan(table["tan_psi"])), Delta=delta)
        warnings = (
            f"{name} gives cos Delta, which is the same for Delta and 360° - Delta: 0..180° was taken.",
        )
    elif shape == ("N", "C", "S"):
        in_plane = np.hypot(table["C"], table["S"])
        psi = np.rad2deg(np.arctan2(in_plane, table["N"])) / 2
        table = table.assign(Psi=psi, Delta=np.rad2deg(np.arctan2(table["S"], table["C"])))
        if "polarization" not in table:
            table = table.assign(polarization=np.hypot(in_plane, table["N"]))
    elif shape == ("rho_real", "rho_imag"):
        # Programs export rho = tan(Psi) exp(i Delta).
        rho = table["rho_real"] + 1j * table["rho_imag"]
        table = table.assign(Psi=np.rad2deg(np.arctan(np.abs(rho))), Delta=np.angle(rho, deg=True))
    return table, warnings


def averaged(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with one row per spectrum, wavelength and angle.

    Psi and Delta are the means of the readings, that of Delta on the circle; their ``_sd`` is the standard
    error of the mean, in degrees, from the readings' spread.
    """
    keys = ["spectrum", "wavelength_nm", "aoi_deg"]
    turns = np.deg2rad(table["Delta"])
    whole = table.assign(cosine=np.cos(turns), sine=np.sin(turns))
    groups = whole.groupby(keys, sort=False, dropna=False)
    count = groups["Psi"].transform("size")
    if (count == 1).all():
        return table
    mean = np.rad2deg(np.arctan2(groups["sine"].transform("mean"), groups["cosine"].transform("mean")))
    off = table.assign(Delta=wrap_degrees((table["Delta"] - mean).to_numpy()))
    means = table.assign(Psi=groups["Psi"].transform("mean"), Delta=mean % 360, n_readings=count)
    for quantity in ("Psi", "Delta"):
        spread = off.groupby(keys, sort=False, dropna=False)[quantity].transform("std") / np.sqrt(count)
        column = f"{quantity}_sd"
        means[column] = table[column].fillna(spread) if column in table else spread
    return means.drop_duplicates(keys)
