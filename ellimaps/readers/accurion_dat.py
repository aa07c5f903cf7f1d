"""The text files of an Accurion EP4 data set: the ``.ds.dat`` table and the ``.dsinfo.xml`` facts."""

from __future__ import annotations

import codecs
import math
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PureWindowsPath
from xml.etree import ElementTree

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import ReadError

MAX_TABLE_BYTES = 4 * 1024 * 1024
MAX_INFO_BYTES = 1024 * 1024
MAX_ROWS = 20_000
MAX_COLUMNS = 200

_HEAD_BYTES = 64 * 1024
_QUANTITIES = ("Delta", "Psi")
_REQUIRED = ("wavelength_nm", "aoi_deg", *_QUANTITIES)
_ALIASES = {
    "lambda": "wavelength_nm",
    "wavelength": "wavelength_nm",
    "wl": "wavelength_nm",
    "aoi": "aoi_deg",
    "angle_of_incidence": "aoi_deg",
    "bandwidth": "bandwidth_nm",
    "time": "time_s",
    "exposuretime": "time_s",
    "x_pos": "stage_x_mm",
    "y_pos": "stage_y_mm",
    "delta": "Delta",
    "psi": "Psi",
}
_DEGREES = {"deg": 1.0, "\u00b0": 1.0, "rad": 180 / math.pi}
_NANOMETRES = {"nm": 1.0, "um": 1e3, "mm": 1e6}
_MILLIMETRES = {"nm": 1e-6, "um": 1e-3, "mm": 1.0, "cm": 10.0, "m": 1e3}
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0}
_UNITS = {
    "wavelength_nm": _NANOMETRES,
    "aoi_deg": _DEGREES,
    "bandwidth_nm": _NANOMETRES,
    "time_s": _SECONDS,
    "stage_x_mm": _MILLIMETRES,
    "stage_y_mm": _MILLIMETRES,
}
"""The numbers of a table, each with the factors that bring its possible units to the one in its name."""


@dataclass(frozen=True)
class DataSetInfo:
    """What a ``.dsinfo.xml`` adds to the table."""

    comment: str = ""
    started_at: datetime | None = None


def is_table(path: Path) -> bool:
    """Tell by its first line whether a file is a data set table with a Delta or Psi column."""
    return _quantity_cells(path) is not None


def is_spectrum(path: Path) -> bool:
    """Tell whether a table has numbers for Delta and Psi (a region of interest) and not names of maps."""
    return _are_numbers(_quantity_cells(path) or [])


def read_table(path: Path) -> pd.DataFrame:
    """Read the ``.ds.dat`` of a map measurement.

    Returns
    -------
    DataFrame
        One row per wavelength and angle of incidence; numbers in nm, deg, s and mm, and the PNG names in
        the columns ``Delta`` and ``Psi``. Columns the file does not have are absent; a number of no
        importance for opening the maps is NaN where it cannot be read.

    Raises
    ------
    ReadError
        If the table is damaged, has no maps, or lacks one of Delta and Psi.
    """
    lines = _table_lines(path)
    labels = _cells(lines[0])
    columns = _columns(path, labels)
    units: list[str] = []
    if len(lines) > 1 and lines[1].startswith("#"):
        units = _cells(lines[1])
    body = _body(path, [line for line in lines[1:] if not line.startswith("#")], len(labels))
    table = pd.DataFrame(index=range(len(body)))
    for column, place in columns.items():
        cells = [row[place] for row in body]
        if column in _QUANTITIES:
            table[column] = _file_names(path, column, cells)
        else:
            unit = units[place] if place < len(units) else ""
            table[column] = _numbers(path, column, labels[place], cells) * _factor(path, column, unit)
    return table


def read_info(path: Path) -> DataSetInfo:
    """Read comment and start time from a ``.dsinfo.xml``.

    Raises
    ------
    ReadError
        If the file is not the XML it should be.
    """
    text = _decode(read_bytes(path, MAX_INFO_BYTES))
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ReadError(
            f"{path.name} declares a document type, which a data set description never does: copy it again."
        )
    try:
        root = ElementTree.fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", text))
    except ElementTree.ParseError as error:
        raise ReadError(f"{path.name} is not valid XML ({error}): copy it again.") from error
    keys = [element.text or "" for element in root.iter("keys")]
    values = [element.text or "" for element in root.iter("values")]
    started = dict(zip(keys, values, strict=False)).get("measurement_start", "")
    return DataSetInfo((root.findtext("comment") or "").strip(), _start_time(started))


def read_bytes(path: Path, limit: int) -> bytes:
    """Read a file of at most ``limit`` bytes.

    Raises
    ------
    ReadError
        If it is larger or cannot be read.
    """
    try:
        too_large = path.stat().st_size > limit
        data = b"" if too_large else path.read_bytes()
    except OSError as error:
        raise ReadError(
            f"{path.name} cannot be read ({error.strerror or error}): check the file and its permissions."
        ) from error
    if too_large:
        raise ReadError(
            f"{path.name} is larger than {limit // 2**20} MB, too large for such a file: copy it again."
        )
    return data


def settle(numbers: pd.Series) -> pd.Series:
    """Give readings that differ only by the instrument's last digits one common value.

    Angles or wavelengths closer than 0.02 (deg or nm) to the next one are one setting; its value is their
    median, to 0.001.
    """
    ordered = numbers.dropna().sort_values()
    group = (ordered.diff() > 0.02).cumsum()
    settled = ordered.groupby(group).transform("median").round(3)
    return settled.reindex(numbers.index)


def _decode(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")
    data = data.removeprefix(codecs.BOM_UTF8)
    for encoding in ("utf-8", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.lstrip("#").split("\t")]


def _quantity_cells(path: Path) -> list[str] | None:
    """Return the first cells of the Delta and Psi columns; None if the file has neither."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return None
    lines = _lines(_decode(head))
    if len(head) == _HEAD_BYTES:
        del lines[-1:]  # It may be cut.
    if not lines or not lines[0].startswith("#"):
        return None
    places = [
        place for place, label in enumerate(_cells(lines[0])) if _ALIASES.get(label.lower()) in _QUANTITIES
    ]
    rows = [_cells(line) for line in lines[1:] if not line.startswith("#")]
    return [row[place] for row in rows for place in places if place < len(row)] if places else None


def _table_lines(path: Path) -> list[str]:
    lines = _lines(_decode(read_bytes(path, MAX_TABLE_BYTES)))
    if not lines or not lines[0].startswith("#"):
        raise ReadError(
            f"{path.name} is not a data set table (no header line beginning with #): copy it again, "
            "or remove it to open the folder from its PNG files alone."
        )
    columns = lines[0].count("\t") + 1
    if len(lines) > MAX_ROWS or columns > MAX_COLUMNS:
        raise ReadError(
            f"{path.name} has {len(lines)} lines and {columns} columns, more than any measurement of maps: "
            "copy it again, or remove it to open the folder from its PNG files alone."
        )
    return lines


def _columns(path: Path, labels: list[str]) -> dict[str, int]:
    """Find the place of each column that has a meaning here; of two that mean the same, the first."""
    columns: dict[str, int] = {}
    for place, label in enumerate(labels):
        column = _ALIASES.get(label.lower().replace(" ", "_"))
        if column in columns and column in _REQUIRED:
            raise ReadError(f"{path.name} has two columns for {label[:40]}: correct its header line.")
        if column is not None:
            columns.setdefault(column, place)
    for quantity, other in (_QUANTITIES, _QUANTITIES[::-1]):
        if quantity not in columns:
            found = (
                f"a {other} column but no {quantity} column"
                if other in columns
                else "no Delta and no Psi column"
            )
            raise ReadError(f"{path.name} has {found}: both are needed, export the data set with both.")
    return columns


def _body(path: Path, lines: list[str], width: int) -> list[list[str]]:
    if not lines:
        raise ReadError(
            f"{path.name} lists no maps, as if it were truncated or the measurement stopped: copy it again, "
            "or remove it to open the folder from its PNG files alone."
        )
    body = [_cells(line) for line in lines]
    for number, cells in enumerate(body, start=1):
        if len(cells) < width or any(cells[width:]):
            raise ReadError(
                f"{path.name} has {len(cells)} cells instead of {width} in data row {number}: copy it again."
            )
    return body


def _file_names(path: Path, quantity: str, cells: list[str]) -> list[str]:
    """Return the names of the maps without the folders of the computer they were measured on."""
    if _are_numbers(cells):
        raise ReadError(
            f"{path.name} holds a spectrum of numbers, not maps: open the folder of a map measurement."
        )
    names = [PureWindowsPath(cell).name for cell in cells]
    for number, name in enumerate(names, start=1):
        if name.lower() in ("", ".", "..", "nan") or len(name) > 255 or min(name) < " ":
            raise ReadError(f"{path.name} names no {quantity} map in data row {number}: copy it again.")
    return names


def _are_numbers(cells: list[str]) -> bool:
    """Whether there is something in the cells, and nothing but numbers."""
    filled = [cell for cell in cells if cell.lower() not in ("", "nan")]
    return bool(filled) and not any(math.isnan(_number(cell)) for cell in filled)


def _number(cell: str) -> float:
    """Return the finite number in a cell, with decimal point or comma; NaN if there is none."""
    try:
        number = float(cell.replace(",", ".").replace("_", "?"))
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan


def _numbers(path: Path, column: str, label: str, cells: list[str]) -> NDArray[np.float64]:
    numbers = [_number(cell) for cell in cells]
    for row, (cell, number) in enumerate(zip(cells, numbers, strict=True), start=1):
        unread = math.isnan(number) and cell.lower() not in ("", "-", "nan")
        if unread and column in _REQUIRED:
            raise ReadError(
                f"{path.name} has {cell[:40]!r} instead of a number in column {label[:40]}, data row {row}: "
                "correct it or copy the file again."
            )
    return np.array(numbers)


def _factor(path: Path, column: str, unit: str) -> float:
    """Return what to multiply a column with; NaN for an unknown unit of a number of no importance."""
    unit = re.sub("[\u00b5\u03bc\ufffd]", "u", unit.lower())
    if unit in ("", "-"):
        return 1.0
    factor = _UNITS[column].get(unit)
    if factor is None and column in _REQUIRED:
        raise ReadError(
            f"{path.name} gives {column.partition('_')[0]} in the unknown unit {unit[:20]!r}: "
            f"convert it to {' or '.join(_UNITS[column])}."
        )
    return math.nan if factor is None else factor


def _start_time(text: str) -> datetime | None:
    try:
        return datetime.strptime(" ".join(text.split()), "%d.%m.%Y %H:%M:%S")
    except ValueError:
        return None
