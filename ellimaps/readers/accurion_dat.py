"""The text files of an Accurion EP4 data set: the ``.ds.dat`` table and the ``.dsinfo.xml`` facts."""

from __future__ import annotations

import codecs
import math
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import PureWindowsPath
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import ReadError
from ellimaps.core.inputs import InputFile, size_of

# Bounds of what is read before it is believed. A real table of 11 wavelengths has 13 lines, 10 columns and
# 1.2 kB, a real description 4.5 kB: what is more than a hundred times as large is something else.
MAX_TABLE_BYTES = 4 * 1024 * 1024
MAX_INFO_BYTES = 1024 * 1024
MAX_ROWS = 20_000
MAX_COLUMNS = 200
# A real description has three levels.
_MOST_LEVELS = 64

# What tells maps from a spectrum: the header line and the first rows, of at most 255 bytes a file name.
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
_NANOMETERS = {"nm": 1.0, "um": 1e3, "mm": 1e6}
_MILLIMETERS = {"nm": 1e-6, "um": 1e-3, "mm": 1.0, "cm": 10.0, "m": 1e3}
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0}
_UNITS = {
    "wavelength_nm": _NANOMETERS,
    "aoi_deg": _DEGREES,
    "bandwidth_nm": _NANOMETERS,
    "time_s": _SECONDS,
    "stage_x_mm": _MILLIMETERS,
    "stage_y_mm": _MILLIMETERS,
}
"""The numbers of a table, each with the factors that bring its possible units to the one in its name."""


@dataclass(frozen=True)
class DataSetInfo:
    """What a ``.dsinfo.xml`` adds to the table."""

    comment: str = ""
    started_at: datetime | None = None


def is_table(file: InputFile) -> bool:
    """Tell by its first line whether a file is a data set table with a Delta or Psi column."""
    return file.seen(_quantity_cells) is not None


def is_spectrum(file: InputFile) -> bool:
    """Tell whether a table has numbers for Delta and Psi (a region of interest) and not names of maps."""
    cells = file.seen(_quantity_cells)
    return cells is not None and _are_numbers(cells)


def table_in(content: bytes, name: str) -> pd.DataFrame:
    """Return what the ``.ds.dat`` of a map measurement lists.

    Parameters
    ----------
    content : bytes
        The file.
    name : str
        What messages call it.

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
    lines = _table_lines(content, name)
    labels = _cells(lines[0])
    columns = _columns(name, labels)
    units: list[str] = []
    if len(lines) > 1 and lines[1].startswith("#"):
        units = _cells(lines[1])
    body = _body(name, [line for line in lines[1:] if not line.startswith("#")], len(labels))
    table = pd.DataFrame(index=range(len(body)))
    for column, i in columns.items():
        cells = [row[i] for row in body]
        if column in _QUANTITIES:
            table[column] = _file_names(name, column, cells)
        else:
            unit = units[i] if i < len(units) else ""
            table[column] = _numbers(name, column, labels[i], cells) * _factor(name, column, unit)
    return table


def info_in(content: bytes, name: str) -> DataSetInfo:
    """Return comment and start time from the content of a ``.dsinfo.xml``; messages call it by its name.

    Raises
    ------
    ReadError
        If the file is not the XML it should be.
    """
    text = _decode(content)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ReadError(
            f"{name} declares a document type, which a data set description never does: copy it again."
        )
    parser = ElementTree.XMLParser(target=_ShallowTree(name))
    try:
        root = ElementTree.fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", text), parser)
    except ElementTree.ParseError as error:
        raise ReadError(f"{name} is not valid XML ({error}): copy it again.") from error
    keys = [element.text or "" for element in root.iter("keys")]
    values = [element.text or "" for element in root.iter("values")]
    started = dict(zip(keys, values, strict=False)).get("measurement_start", "")
    return DataSetInfo((root.findtext("comment") or "").strip(), _start_time(started))


class _ShallowTree(ElementTree.TreeBuilder):
    """A tree that refuses to grow deep: building and freeing hundreds of thousands of levels takes long."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name, self._depth = name, 0

    def start(self, tag: str, attrs: dict[Any, Any], /) -> ElementTree.Element:
        self._depth += 1
        if self._depth > _MOST_LEVELS:
            raise ReadError(f"{self._name} nests deeper than a data set description does: copy it again.")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> ElementTree.Element:
        self._depth -= 1
        return super().end(tag)


def read_bytes(file: InputFile, limit: int) -> bytes:
    """Return the content of a file of at most ``limit`` bytes.

    Raises
    ------
    ReadError
        If it is larger or cannot be read.
    """
    with file.open() as stream:
        too_large = size_of(stream) > limit
        content = b"" if too_large else stream.read()
    if too_large:
        raise ReadError(
            f"{file.name} is larger than {limit // 2**20} MB, too large for such a file: copy it again."
        )
    return content


def settle(numbers: pd.Series) -> pd.Series:
    """Give readings that differ only by the instrument's last digits one common value.

    Angles or wavelengths closer than 0.02 (deg or nm) to the next one are one setting; its value is their
    median, to 0.001. A real goniometer's readings of one setting differ by 1e-5 deg, and real series
    step by 10 deg or 25 nm.
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


def _quantity_cells(file: InputFile) -> list[str] | None:
    """Return the first cells of the Delta and Psi columns; None if the file has neither."""
    try:
        with file.open() as stream:
            head = stream.read(_HEAD_BYTES)
    except ReadError:
        return None
    lines = _lines(_decode(head))
    if len(head) == _HEAD_BYTES:
        del lines[-1:]  # It may be cut.
    if not lines or not lines[0].startswith("#"):
        return None
    labels = _cells(lines[0])
    columns = [i for i, label in enumerate(labels) if _ALIASES.get(label.lower()) in _QUANTITIES]
    rows = [_cells(line) for line in lines[1:] if not line.startswith("#")]
    return [row[i] for row in rows for i in columns if i < len(row)] if columns else None


def _table_lines(content: bytes, name: str) -> list[str]:
    lines = _lines(_decode(content))
    if not lines or not lines[0].startswith("#"):
        raise ReadError(
            f"{name} is not a data set table (no header line beginning with #): copy it again, "
            "or remove it to open the folder from its PNG files alone."
        )
    columns = lines[0].count("\t") + 1
    if len(lines) > MAX_ROWS or columns > MAX_COLUMNS:
        raise ReadError(
            f"{name} has {len(lines)} lines and {columns} columns, more than any measurement of maps: "
            "copy it again, or remove it to open the folder from its PNG files alone."
        )
    return lines


def _columns(name: str, labels: list[str]) -> dict[str, int]:
    """Return the number of each column that has a meaning here; of two that mean the same, the first."""
    columns: dict[str, int] = {}
    for i, label in enumerate(labels):
        column = _ALIASES.get(label.lower().replace(" ", "_"))
        if column in columns and column in _REQUIRED:
            raise ReadError(f"{name} has two columns for {label[:40]}: correct its header line.")
        if column is not None:
            columns.setdefault(column, i)
    for quantity, other in (_QUANTITIES, _QUANTITIES[::-1]):
        if quantity not in columns:
            found = (
                f"a {other} column but no {quantity} column"
                if other in columns
                else "no Delta and no Psi column"
            )
            raise ReadError(f"{name} has {found}: both are needed, export the data set with both.")
    return columns


def _body(name: str, lines: list[str], width: int) -> list[list[str]]:
    if not lines:
        raise ReadError(
            f"{name} lists no maps, as if it were truncated or the measurement stopped: copy it again, "
            "or remove it to open the folder from its PNG files alone."
        )
    body = [_cells(line) for line in lines]
    for number, cells in enumerate(body, start=1):
        if len(cells) < width or any(cells[width:]):
            raise ReadError(
                f"{name} has {len(cells)} cells instead of {width} in data row {number}: copy it again."
            )
    return body


def _file_names(name: str, quantity: str, cells: list[str]) -> list[str]:
    """Return the names of the maps without the folders of the computer they were measured on."""
    if _are_numbers(cells):
        raise ReadError(
            f"{name} holds a spectrum of numbers, not maps: open the folder of a map measurement."
        )
    names = [PureWindowsPath(cell).name for cell in cells]
    for number, named in enumerate(names, start=1):
        if named.lower() in ("", ".", "..", "nan") or len(named) > 255 or min(named) < " ":
            raise ReadError(f"{name} names no {quantity} map in data row {number}: copy it again.")
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


def _numbers(name: str, column: str, label: str, cells: list[str]) -> NDArray[np.float64]:
    numbers = [_number(cell) for cell in cells]
    for row, (cell, number) in enumerate(zip(cells, numbers, strict=True), start=1):
        unread = math.isnan(number) and cell.lower() not in ("", "-", "nan")
        if unread and column in _REQUIRED:
            raise ReadError(
                f"{name} has {cell[:40]!r} instead of a number in column {label[:40]}, data row {row}: "
                "correct it or copy the file again."
            )
    return np.array(numbers)


def _factor(name: str, column: str, unit: str) -> float:
    """Return what to multiply a column with; NaN for an unknown unit of a number of no importance."""
    unit = re.sub("[\u00b5\u03bc\ufffd]", "u", unit.lower())
    if unit in ("", "-"):
        return 1.0
    factor = _UNITS[column].get(unit)
    if factor is None and column in _REQUIRED:
        raise ReadError(
            f"{name} gives {column.partition('_')[0]} in the unknown unit {unit[:20]!r}: "
            f"convert it to {' or '.join(_UNITS[column])}."
        )
    return math.nan if factor is None else factor


def _start_time(text: str) -> datetime | None:
    try:
        return datetime.strptime(" ".join(text.split()), "%d.%m.%Y %H:%M:%S")
    except ValueError:
        return None
