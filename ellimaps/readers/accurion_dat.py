"""The text files of an Accurion EP4 data set: the ``.ds.dat`` table and the ``.dsinfo.xml`` facts."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PureWindowsPath
from xml.etree import ElementTree

import pandas as pd

from ellimaps.errors import ReadError

MAX_TEXT_BYTES = 16 * 1024 * 1024

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
    "zone": "zone",
    "delta": "Delta",
    "psi": "Psi",
}
_UNIT_FACTORS = {
    "nm": 1.0,
    "deg": 1.0,
    "s": 1.0,
    "ms": 1e-3,
    "us": 1e-6,
    "mm": 1.0,
    "um": 1e-3,
}
_MICROMETRE_TO_NM = 1000.0
_QUANTITIES = ("Delta", "Psi")
_NUMBERS = ("wavelength_nm", "aoi_deg", "bandwidth_nm", "time_s", "stage_x_mm", "stage_y_mm", "zone")


@dataclass(frozen=True)
class DataSetInfo:
    """What a ``.dsinfo.xml`` adds to the table."""

    comment: str = ""
    started_at: datetime | None = None


def is_table(path: Path) -> bool:
    """Tell by its first line whether a file is a data set table with a Delta or Psi column."""
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError:
        return False
    first = _decode(head).lstrip("\r\n").splitlines()[:1]
    return bool(first) and first[0].startswith("#") and bool({"delta", "psi"} & set(_cells(first[0].lower())))


def read_table(path: Path) -> pd.DataFrame:
    """Read the ``.ds.dat`` of a map measurement.

    Returns
    -------
    DataFrame
        One row per wavelength and angle of incidence; numbers in nm, deg, s and mm, and the PNG names in
        the columns ``Delta`` and ``Psi``. Columns the file does not have are absent.

    Raises
    ------
    ReadError
        If the table is damaged, has no maps, or lacks one of Delta and Psi.
    """
    rows = _rows(path)
    columns, units, body = _header(path, rows)
    table = pd.DataFrame(body, columns=columns)
    for quantity in _QUANTITIES:
        _check_quantity(path, table, quantity)
    for column in _NUMBERS:
        if column in table:
            table[column] = _numbers(path, table[column]) * _unit_factor(path, column, units)
    if "aoi_deg" in table:
        table["aoi_deg"] = settle_angles(table["aoi_deg"])
    known = [column for column in (*_NUMBERS, *_QUANTITIES) if column in table]
    return table[known]


def read_info(path: Path) -> DataSetInfo:
    """Read comment and start time from a ``.dsinfo.xml``.

    Raises
    ------
    ReadError
        If the file is not the XML it should be.
    """
    text = _text(path)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ReadError(f"{path.name} declares a document type, which a data set description never does.")
    try:
        root = ElementTree.fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", text))
    except ElementTree.ParseError as error:
        raise ReadError(f"{path.name} is not valid XML ({error}).") from error
    facts = dict(
        zip(
            (element.text or "" for element in root.iter("keys")),
            (element.text or "" for element in root.iter("values")),
            strict=False,
        )
    )
    return DataSetInfo((root.findtext("comment") or "").strip(), _start_time(facts.get("measurement_start", "")))


def settle_angles(angles: pd.Series) -> pd.Series:
    """Give angles of incidence that differ only by the goniometer's last digits one common value.

    Readings closer than 0.02 deg to the next one are one setting; its value is their median, to 0.001 deg.
    """
    ordered = angles.dropna().sort_values()
    group = (ordered.diff() > 0.02).cumsum()
    settled = ordered.groupby(group).transform("median").round(3)
    return settled.reindex(angles.index)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_TEXT_BYTES:
            raise ReadError(f"{path.name} is larger than {MAX_TEXT_BYTES // 2**20} MB, which no such text file is.")
        return _decode(path.read_bytes())
    except OSError as error:
        raise ReadError(f"{path.name} cannot be read: {error.strerror or error}.") from error


def _decode(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("\r\n").lstrip("#").split("\t")]


def _rows(path: Path) -> list[str]:
    rows = [line for line in _text(path).splitlines() if line.strip()]
    if not rows or not rows[0].startswith("#"):
        raise ReadError(
            f"{path.name} is not a data set table (no header line beginning with #): copy it again, "
            "or remove it to open the folder from its PNG files alone."
        )
    return rows


def _header(path: Path, rows: list[str]) -> tuple[list[str], dict[str, str], list[list[str]]]:
    names = [_ALIASES.get(cell.lower().replace(" ", "_"), cell) for cell in _cells(rows[0])]
    repeated = sorted({name for name in names if name and names.count(name) > 1})
    if repeated:
        raise ReadError(f"{path.name} has the column {repeated[0]} twice: correct its header line.")
    body = rows[1:]
    units: dict[str, str] = {}
    if body and body[0].startswith("#"):
        units = dict(zip(names, (unit.lower() for unit in _cells(body[0])), strict=False))
        body = body[1:]
    if not body:
        raise ReadError(f"{path.name} lists no maps: it is truncated or the measurement was stopped.")
    width = len(names)
    parsed = [_cells(line) for line in body]
    for number, cells in enumerate(parsed, start=1):
        if len(cells) < width or any(cells[width:]):
            raise ReadError(
                f"{path.name} has {len(cells)} cells instead of {width} in data row {number}: copy it again."
            )
    return names, units, [cells[:width] for cells in parsed]


def _check_quantity(path: Path, table: pd.DataFrame, quantity: str) -> None:
    other = "Psi" if quantity == "Delta" else "Delta"
    if quantity not in table:
        raise ReadError(f"{path.name} has a {other} column but no {quantity} column: both are needed.")
    names = table[quantity]
    empty = names[names.str.lower().isin(["", "nan"])]
    if len(empty):
        raise ReadError(f"{path.name} names no {quantity} map in data row {empty.index[0] + 1}: both are needed.")
    if pd.to_numeric(names, errors="coerce").notna().any():
        raise ReadError(
            f"{path.name} holds a spectrum of numbers, not maps: open the folder of the map measurement instead."
        )
    table[quantity] = [PureWindowsPath(name).name for name in names]


def _numbers(path: Path, cells: pd.Series) -> pd.Series:
    text = cells.str.replace(",", ".", regex=False).replace("", "nan")
    numbers = pd.to_numeric(text, errors="coerce")
    wrong = cells[numbers.isna() & (text.str.lower() != "nan") & (text != "-")]
    if len(wrong):
        raise ReadError(
            f"{path.name} has {wrong.iloc[0]!r} instead of a number in column {cells.name}, "
            f"data row {wrong.index[0] + 1}."
        )
    return numbers.astype(float)


def _unit_factor(path: Path, column: str, units: dict[str, str]) -> float:
    unit = re.sub("[\u00b5\u03bc\ufffd]", "u", units.get(column, ""))
    if unit in ("", "-") or column == "zone":
        return 1.0
    if column in ("wavelength_nm", "bandwidth_nm") and unit == "um":
        return _MICROMETRE_TO_NM
    if unit not in _UNIT_FACTORS:
        raise ReadError(f"{path.name} gives {column} in the unknown unit {unit!r}: use nm, deg, s or mm.")
    return _UNIT_FACTORS[unit]


def _start_time(text: str) -> datetime | None:
    try:
        return datetime.strptime(" ".join(text.split()), "%d.%m.%Y %H:%M:%S")
    except ValueError:
        return None
