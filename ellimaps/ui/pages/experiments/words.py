"""Tables as a user reads them: names with units in place of columns' names, numbers with few digits."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

_KNOWN = {
    "R": "Radius (px)",
    "X": "x (px)",
    "Y": "y (px)",
    "FOV": "FOV",
    "T": "Time point",
    "Z": "Focal plane",
    "area": "Area (px)",
    "at_border": "At the border",
    "saturation": "Saturated (share)",
    "no_data_fraction": "No data (share)",
    "Fraction": "Share of the map",
    "alternative_k": "Other number of clusters",
    "acquired_start": "Acquired from",
    "acquired_end": "Acquired until",
    "n_wavelengths": "Wavelengths",
    "left_out": "Values left out",
    "flag": "Fit",
    "others": "Other minima",
    "mse": "MSE",
    "chi2": "Reduced chi squared",
    "trusted_fraction": "Trusted pixels (share)",
    "perimeter": "Perimeter (px)",
    "axis_major_length": "Major axis (px)",
    "axis_minor_length": "Minor axis (px)",
    "feret_diameter_max": "Largest diameter (px)",
    "feret_diameter_min": "Smallest diameter (px)",
    "bbox-0": "Top (px)",
    "bbox-1": "Left (px)",
    "bbox-2": "Bottom (px)",
    "bbox-3": "Right (px)",
}
_UNITS = {"nm": "nm", "deg": "°", "um": "µm", "px": "px"}
_ENDINGS = {"_se": ", standard error", "_spread": ", spread over the pixels"}
_UNIT = re.compile(rf"(?P<name>.+)_(?P<unit>{'|'.join(_UNITS)})(?P<layer>_\d+)?")
_BAND = re.compile(r"(?P<what>(?:Delta|Psi|intensity).*?)(?: (?P<aoi>\S+) deg)?(?: (?P<time>\S+) s)?")


def reads(name: str) -> str:
    """Return a column's name as a user reads it, with its unit."""
    parameter, comma, cluster = name.partition(", cluster ")
    if comma:
        return f"{reads(parameter)}, cluster {cluster}"
    if name in _KNOWN:
        return _KNOWN[name]
    for ending, words in _ENDINGS.items():
        if name.endswith(ending):
            return reads(name.removesuffix(ending)) + words
    if name.startswith("median_"):
        return f"Median {_lower(reads(name.removeprefix('median_')))}"
    if (match := _UNIT.fullmatch(name)) is not None:
        layer = f" of layer {match['layer'][1:]}" if match["layer"] else ""
        return f"{_sentence(match['name'])}{layer} ({_UNITS[match['unit']]})"
    if " " in name and (band := _BAND.fullmatch(name)) is not None:
        # The exposure of a band tells nothing apart where there is an angle.
        return band["what"] + (
            f", {band['aoi']}°" if band["aoi"] else f", {band['time']} s" if band["time"] else ""
        )
    return _sentence(name)


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with names as a user reads them and numbers of four digits; names stay different."""
    shown = table.apply(_rounded)
    names = [reads(str(name)) for name in shown]
    shown.columns = [
        name if names.count(name) == 1 else f"{name} [{column}]"
        for name, column in zip(names, shown.columns, strict=True)
    ]
    return shown


def with_uncertainty(values: pd.Series, errors: pd.Series) -> pd.Series:
    """Return values rounded to the second digit of their uncertainty, those without one to four digits."""
    rounded = [
        round(value, 1 - math.floor(math.log10(error))) if error > 0 else float(f"{value:.4g}")
        for value, error in zip(values, errors, strict=True)
    ]
    return pd.Series(rounded, values.index)


def columns_of(shown: pd.DataFrame) -> dict[str, Any]:
    """Return how Streamlit shows the numbers of a readable table: thousands are separated."""
    numbers = shown.select_dtypes("number")
    return {"Flags": st.column_config.TextColumn(width="medium")} | {
        str(name): st.column_config.NumberColumn(format="localized" if _is_large(numbers[name]) else "%.7g")
        for name in numbers
    }


def height_of(shown: pd.DataFrame, most: int) -> int:
    """Return the height of a table in pixels: no higher than its rows of 35 and the line around them."""
    return min(most, 37 + 35 * len(shown))


def _rounded(column: pd.Series) -> pd.Series:
    if str(column.name).startswith("acquired_"):
        return pd.to_datetime(column, errors="coerce")
    if not pd.api.types.is_float_dtype(column):
        return column
    values = column.to_numpy(float, na_value=np.nan)
    if _is_large(column):
        return pd.Series(np.round(values), column.index)
    return pd.Series([float(f"{value:.4g}") for value in values], column.index)


def _is_large(column: pd.Series) -> bool:
    return bool(column.abs().max() >= 1000)


def _sentence(name: str) -> str:
    # A channel's name stands before its measures; the only channel is called intensity.
    words = name.removeprefix("intensity_").replace("_", " ").strip()
    return f"{words[:1].upper()}{words[1:].lower()}" if words.isascii() else words


def _lower(text: str) -> str:
    return f"{text[:1].lower()}{text[1:]}"
