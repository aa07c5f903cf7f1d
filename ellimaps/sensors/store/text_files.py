"""Text tables: separator, encoding, header and units, found from the first lines of a file."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ellimaps.core.errors import ReadError
from ellimaps.sensors.store.number_formats import numeral
from ellimaps.sensors.store.time_formats import MISSING, is_time_like
from ellimaps.sensors.store.units import is_unit

# 400 lines of 600 characters, enough for headers of loggers and a first day of readings.
_HEAD_BYTES = 1 << 18
_MOST_LINES = 400
_SEPARATORS = ("\t", ";", ",", "|")
# Below a header: what Campbell's loggers write of a column, and how a sheet says how its times look.
_BELOW_HEADERS = ("ts", "rn", "smp", "avg", "min", "max", "std", "tot", "med", "text", "time", "date")


@dataclass(frozen=True)
class TextTable:
    """How a text file is a table.

    Attributes
    ----------
    separator, encoding : str
        As DuckDB names them.
    skip : int
        Lines before the first reading.
    header : tuple of str
        Column names; ``column 1`` and so on where the file has none.
    units : tuple of str
        Units from a row below the header, as long as the header; empty texts where there is none.
    is_named : bool
        Whether the file has a header.
    rows : list of list of str
        Some rows as text.
    quoted : bool
        Whether cells may stand in double quotes.
    """

    separator: str
    encoding: str
    skip: int
    header: tuple[str, ...]
    units: tuple[str, ...]
    is_named: bool
    rows: list[list[str]]
    quoted: bool


def read_head(path: Path) -> TextTable:
    """Find out how a text file is a table.

    Raises
    ------
    ReadError
        If it is not text, or no table.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise ReadError(f"{path} cannot be read: {error.strerror or error}.") from error
    encoding, text = _decoded(head, path.name)
    lines = text.split("\n")
    # The last line may have been cut.
    lines = lines[:-1] if len(head) == _HEAD_BYTES else lines
    lines = [line.rstrip("\r") for line in lines[:_MOST_LINES]]
    separator, rows = _table(lines, path.name)
    width = _usual_width(rows)
    names, units, skip = _header(rows, width)
    body = [row for row in rows[skip:] if any(cell.strip() for cell in row)]
    if len(body) < 3:
        width = max(len(row) for row in [names, *body])
    is_named = bool(names)
    if is_named and len(names) == width - 1 and all(len(row) == width for row in body):
        # R writes the names of rows before the first column, and none above them.
        names, units = ["row", *names], ["", *units]
    if not is_named:
        names = ["time", "value"] if width == 2 else [f"column {n + 1}" for n in range(width)]
    width = max(width, len(names))
    names += [""] * (width - len(names))
    units = [*units[:width], *[""] * (width - len(units))]
    return TextTable(separator, encoding, skip, tuple(names), tuple(units), is_named, body, '"' in text)


def _decoded(head: bytes, name: str) -> tuple[str, str]:
    if not head.strip():
        raise ReadError(f"{name} is empty: choose a log with times and values.")
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16", head[: len(head) // 2 * 2].decode("utf-16", "replace")
    if b"\0" in head:
        raise ReadError(
            f"{name} is neither a text table nor Parquet (it begins with {head[:8].hex(' ')}): give a log as "
            "CSV or Parquet."
        )
    try:
        # A character cut in two at the end is no error.
        head[:-4].decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1", head.decode("latin-1")
    return "utf-8", head.decode("utf-8-sig", "replace")


def _table(lines: list[str], name: str) -> tuple[str, list[list[str]]]:
    """Return the separator that cuts most lines into the same number of cells, and the cells."""
    best: tuple[float, int, str, list[list[str]]] | None = None
    for order, separator in enumerate(_SEPARATORS):
        try:
            rows = list(csv.reader(lines, delimiter=separator))
        except csv.Error:
            # Damaged bytes, as a quote that never ends: no table by this separator.
            continue
        widths = Counter(len(row) for row in rows if len(row) > 1)
        if widths:
            score = max(widths.values()) / max(len([row for row in rows if row]), 1)
            if best is None or score > best[0] + 0.05:
                best = (score, -order, separator, rows)
    if best is None:
        raise ReadError(
            f"{name} is no table: a log has columns separated by commas, semicolons or tabs, one of "
            "them the time."
        )
    return best[2], best[3]


def _usual_width(rows: list[list[str]]) -> int:
    return Counter(len(row) for row in rows if len(row) > 1).most_common(1)[0][0]


def _header(rows: list[list[str]], width: int) -> tuple[list[str], list[str], int]:
    """Return column names and units, if there are any, and the lines before the first reading."""
    first = next((n for n, row in enumerate(rows) if len(row) >= width - 1 and _is_reading(row)), None)
    # A header may be one shorter than its rows, if these have names.
    above = [n for n, row in enumerate(rows[:first]) if len(row) >= max(width - 1, 1) and len(row) > 1]
    if first is None:
        first = above[0] + 1 if above else 1
        above = [n for n in above if n < first]
    below = []
    while len(above) > 1 and _is_below_header(rows[above[-1]]):
        below.append(rows[above.pop()])
    if not above:
        return [], [], first
    units = next((row for row in below if any(is_unit(cell) for cell in row)), [])
    return [_name(cell) for cell in rows[above[-1]]], [cell.strip() for cell in units], first


def _is_reading(row: Sequence[str]) -> bool:
    cells = [cell.strip() for cell in row]
    said = [cell for cell in cells if cell.lower() not in MISSING]
    return any(map(is_time_like, said)) or (len(said) > 1 and all(map(numeral, said)))


def _is_below_header(row: Sequence[str]) -> bool:
    said = [cell.strip() for cell in row if cell.strip()]
    return all(is_unit(cell) or cell.lower() in _BELOW_HEADERS or _is_time_pattern(cell) for cell in said)


def _is_time_pattern(cell: str) -> bool:
    """Return whether a cell says how times look, as yyyy-mm-dd hh:mm:ss."""
    letters = {letter for letter in cell.lower() if letter.isalpha()}
    return bool(letters) and letters <= set("ymdhstj")


def _name(cell: str) -> str:
    return cell.strip().lstrip("#").strip()
