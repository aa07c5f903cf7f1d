"""Layout tables of plates: what is in which well."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pandas as pd

from ellimaps.core.errors import MissingExtraError, ReadError
from ellimaps.core.small_files import read_small
from ellimaps.plates.measuring.wells import row_number, well_name, well_position
from ellimaps.plates.measuring.workbook import first_sheet

LAYOUT_COLUMNS = ("well", "compound", "concentration", "concentration_unit", "control", "positive")

_MOST_BYTES = 16 << 20
"""A hundred times what a layout of 1536 wells takes; more is some other file."""
_NAMES = {
    "well": ("well", "well_id", "wellid", "well_name", "position"),
    "row": ("row",),
    "column": ("column", "col"),
    "compound": (
        *("compound", "compound_name", "treatment", "drug", "substance", "name"),
        # What the tables of the Broad Institute and the JUMP consortium have.
        *("pert_iname", "broad_sample", "jcp2022"),
    ),
    "control": ("control", "is_control", "control_type", "pert_type"),
    "unit": ("concentration_unit", "unit", "units", "dose_unit"),
}
_CONCENTRATION = re.compile(r"(?:concentration|conc|dose)[\s_]*[(\[]?(?P<unit>[^)\]]*)[)\]]?")
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(,\d{3})+(\.\d*)?")
_UNITS = {
    "m": "M",
    "mm": "mM",
    "um": "µM",
    "nm": "nM",
    "pm": "pM",
    "mgml": "mg/mL",
    "ugml": "µg/mL",
    "ngml": "ng/mL",
    "percent": "%",
    "pct": "%",
}
_VEHICLES = ("dmso", "control", "vehicle", "untreated", "mock", "water", "pbs", "negcon", "negativecontrol")
_YES = ("1", "1.0", "true", "yes", "y", "x", "control", "negative", "negcon", "neg", "vehicle")
_NO = (
    "0",
    "0.0",
    "false",
    "no",
    "n",
    "",
    "nan",
    "none",
    "treatment",
    "sample",
    "trt",
)
_POSITIVE = ("positive", "poscon", "pos", "poscon_cp", "poscon_diverse", "poscon_orf")


def read_layout(path: str | Path) -> pd.DataFrame:
    """Read a layout table.

    Parameters
    ----------
    path : str or Path
        CSV (comma, semicolon or tab; UTF-8 or cp1252) or XLSX, its first sheet. Columns, in any case:
        ``well``, or ``row`` and ``column``; ``compound``; ``concentration`` with the unit in its name
        (``concentration_um``, ``Concentration (µM)``) or in a column ``concentration_unit``; ``control`` (0
        or 1, yes or no, or ``negative``, ``positive`` and ``treatment``). Where there is no ``control``,
        wells of DMSO, vehicle, water and the like are controls.

    Returns
    -------
    DataFrame
        :data:`LAYOUT_COLUMNS`, one row per well in the order of the plate; ``concentration`` is NaN where
        there is none, ``concentration_unit`` text, ``control`` bool, as is ``positive``: a control that
        changes cells, with which nothing is compared.

    Raises
    ------
    ReadError
        If the file cannot be read, lacks a column, names a well twice, or has a value that is none.
    MissingExtraError
        If an XLSX file is given and python-calamine is not installed.
    """
    file = Path(path)
    if file.is_dir():
        raise ReadError(f"{file} is a folder: give the plate's layout, a CSV or XLSX file.")
    return layout_of(file, _sheet(file))


def layout_of(file: Path, raw: pd.DataFrame) -> pd.DataFrame:
    """Return the layout that a table of text holds, as `read_layout`.

    Parameters
    ----------
    file : Path
        What messages call it.
    raw : DataFrame
        Of text; its index numbers the rows as the file does, the first below the header being 2.

    Raises
    ------
    ReadError
        As `read_layout`.
    """
    named = {re.sub(r"\s+", "_", str(name).strip().casefold()): str(name) for name in raw.columns}
    found = {what: next((named[n] for n in names if n in named), None) for what, names in _NAMES.items()}
    if found["compound"] is None:
        raise ReadError(
            f"{file.name} has no column compound: it has {', '.join(map(str, raw.columns)):.200}."
        )
    wells = _wells(file, raw, found)
    compounds = raw[found["compound"]].astype(str).str.strip()
    concentration, unit = _concentrations(file, raw, named, found["unit"])
    control, positive = _controls(file, raw, found["control"], compounds)
    table = pd.DataFrame(
        {
            "well": wells,
            "compound": compounds.to_numpy(object),
            "concentration": concentration,
            "concentration_unit": unit,
            "control": control,
            "positive": positive,
        }
    )
    doubles = table["well"][table["well"].duplicated()]
    if len(doubles):
        first, second = raw.index[table["well"] == doubles.iloc[0]][:2]
        raise ReadError(
            f"{file.name} names the well {doubles.iloc[0]} twice, in rows {first} and {second}: keep one row "
            "per well."
        )
    order = sorted(range(len(table)), key=lambda i: well_position(table["well"].iloc[i]))
    return table.iloc[order].reset_index(drop=True)


def is_layout_column(name: str) -> bool:
    """Return whether a column, in lower case, says what is in a well."""
    known = any(name in names for what, names in _NAMES.items() if what not in ("row", "column"))
    return known or _CONCENTRATION.fullmatch(name) is not None


def _sheet(file: Path) -> pd.DataFrame:
    """Return the rows that hold something, under their numbers in the file."""
    content = read_small(file, "layout table", _MOST_BYTES)
    try:
        if file.suffix.casefold() in (".xlsx", ".xlsm"):
            raw = first_sheet(content)
        else:
            text = _text(content)
            above = len(text) - len(text.lstrip("\r\n"))
            raw = pd.read_csv(
                io.StringIO(text[above:]),
                sep=_separator(text[above:]),
                dtype=str,
                keep_default_na=False,
                skip_blank_lines=False,
            ).fillna("")
            if not isinstance(raw.index, pd.RangeIndex):
                raise ValueError("the first row has more values than the header has names")
            raw.index += len(text[:above].splitlines())
    except MissingExtraError:
        raise
    # pandas and calamine raise whatever a damaged table makes them stumble over.
    except Exception as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise ReadError(f"{file.name} is no table ({reason:.120}): save it as CSV or XLSX.") from error
    filled = raw[(raw != "").any(axis=1)]
    if filled.empty:
        raise ReadError(f"{file.name} holds no rows: list one well in each.")
    # The first row names the columns, and rows count from 1.
    return filled.set_axis(filled.index + 2)


def _text(content: bytes) -> str:
    """Return text; what is not UTF-8 is as Excel saves a CSV on Windows, with µ as one byte."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252")


def _separator(text: str) -> str:
    first = text.split("\n", 1)[0]
    return max(",;\t", key=first.count)


def _wells(file: Path, raw: pd.DataFrame, found: dict[str, str | None]) -> list[str]:
    well, row, column = found["well"], found["row"], found["column"]
    if well is None and (row is None or column is None):
        raise ReadError(f"{file.name} has no column well: it has {', '.join(map(str, raw.columns)):.200}.")
    names = []
    for number in raw.index:
        try:
            if well is not None:
                names.append(well_name(*well_position(raw[well][number])))
            else:
                names.append(well_name(row_number(raw[row][number]), _column_number(raw[column][number])))
        except ReadError as error:
            reason = str(error).rstrip(".").split(":")[0]
            raise ReadError(f"{file.name}, row {number}: {reason}; write wells as A01.") from error
    return names


def _column_number(text: str) -> int:
    match = re.fullmatch(r"\s*(\d{1,4})(?:\.0*)?\s*", text)
    if match is None:
        raise ReadError(f"{text!r:.40} is no column of a plate.")
    return int(match[1])


def _concentrations(
    file: Path, raw: pd.DataFrame, named: dict[str, str], unit_column: str | None
) -> tuple[list[float], list[str]]:
    matches = ((name, _CONCENTRATION.fullmatch(key)) for key, name in named.items() if name != unit_column)
    column, match = next(((name, match) for name, match in matches if match), (None, None))
    if column is None or match is None:
        return [np.nan] * len(raw), [""] * len(raw)
    _check_commas(file, raw[column])
    values = [_number(file, text, number) for number, text in zip(raw.index, raw[column], strict=True)]
    if unit_column is not None:
        return values, [_unit(text) for text in raw[unit_column]]
    return values, [_unit(match["unit"])] * len(raw)


def _check_commas(file: Path, texts: pd.Series[str]) -> None:
    """Refuse commas that may part thousands, unless another value shows that they are decimal ones."""
    with_comma = [text.strip() for text in texts if "," in text]
    if with_comma and all(_THOUSANDS.fullmatch(text) for text in with_comma):
        plain = with_comma[0].replace(",", "")
        raise ReadError(
            f"{file.name}: the concentration {with_comma[0]:.40} may have a decimal comma or one that parts "
            f"thousands; write {plain:.40} or {with_comma[0].replace(',', '.', 1):.40}."
        )


def _number(file: Path, text: str, number: int) -> float:
    cleaned = text.strip().replace(",", ".")
    if cleaned.casefold() in ("", "nan", "na", "n/a", "-"):
        return np.nan
    try:
        value = float(cleaned)
    except ValueError:
        value = -1.0
    if not 0 <= value < np.inf:
        raise ReadError(f"{file.name}, row {number}: {text!r:.40} is no concentration; write a number.")
    return value


def _unit(text: str) -> str:
    plain = text.strip().replace("µ", "u").replace("μ", "u")
    return _UNITS.get(re.sub(r"[\s_/]+", "", plain.casefold()), text.strip())


def _controls(
    file: Path, raw: pd.DataFrame, column: str | None, compounds: pd.Series[str]
) -> tuple[list[bool], list[bool]]:
    """Return which wells are controls, and which positive ones."""
    if column is None:
        return [is_vehicle(name) for name in compounds], [False] * len(raw)
    words = [text.strip().casefold() for text in raw[column]]
    for number, word in zip(raw.index, words, strict=True):
        if word not in (*_YES, *_NO, *_POSITIVE):
            raise ReadError(
                f"{file.name}, row {number}: {raw[column][number]!r:.40} says not whether it is a "
                "control; write 0 or 1."
            )
    return [word in _YES for word in words], [word in _POSITIVE for word in words]


def is_vehicle(compound: str) -> bool:
    """Return whether a compound is one that controls get, as DMSO."""
    return re.sub(r"[\s_-]+", "", compound.casefold()) in _VEHICLES
