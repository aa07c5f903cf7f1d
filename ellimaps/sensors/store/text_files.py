"""Text tables: separator, decimal sign, encoding and header, found from the first lines of a file."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ellimaps.core.errors import ReadError
from ellimaps.sensors.store.columns import Layout, formats_of, layout_of

# 400 lines of 600 characters, enough for headers of loggers and a first day of readings.
_HEAD_BYTES = 1 << 18
_MOST_LINES = 400
_SEPARATORS = ("\t", ";", ",", "|")


@dataclass(frozen=True)
class TextTable:
    """How a text file is a table.

    Attributes
    ----------
    separator, encoding : str
        As DuckDB names them.
    decimal_comma : bool
        Whether numbers are written as 21,5.
    skip : int
        Lines before the first reading.
    header : tuple of str
        Column names; ``column 1`` and so on where the file has none.
    quoted : bool
        Whether cells may stand in double quotes.
    layout : Layout
        What the columns mean.
    """

    separator: str
    encoding: str
    decimal_comma: bool
    skip: int
    header: tuple[str, ...]
    quoted: bool
    layout: Layout


def read_head(path: Path) -> TextTable:
    """Find out how a text file is a table of readings.

    Raises
    ------
    ReadError
        If it is not text, or no table with times and values.
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
    names, skip = _header(rows, width)
    body = [row for row in rows[skip:] if any(cell.strip() for cell in row)]
    comma = _has_decimal_commas(body)
    if comma:
        body = [[cell.replace(",", ".") if _is_decimal(cell) else cell for cell in row] for row in body]
    width = max(len(names), max((len(row) for row in body), default=0) if len(body) < 3 else width)
    names += [""] * (width - len(names))
    layout = layout_of(names, body, path.name)
    return TextTable(separator, encoding, comma, skip, tuple(names), '"' in text, layout)


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


def _header(rows: list[list[str]], width: int) -> tuple[list[str], int]:
    """Return the column names, and how many lines stand before the first reading."""
    whole = [number for number, row in enumerate(rows) if len(row) >= width]
    first = next(
        (number for number in whole if any(formats_of([cell]) for cell in rows[number])), whole[0] + 1
    )
    before = [number for number in whole if number < first]
    if before:
        return [_name(cell) for cell in rows[before[-1]]], first
    names = [f"column {number + 1}" for number in range(width)]
    return (["time", "value"] if width == 2 else names), first


def _name(cell: str) -> str:
    return cell.strip().lstrip("#").strip()


def _is_decimal(cell: str) -> bool:
    whole, comma, fraction = cell.strip().lstrip("+-").partition(",")
    return bool(comma) and whole.isdigit() and fraction.isdigit()


def _has_decimal_commas(rows: list[list[str]]) -> bool:
    return any(_is_decimal(cell) for row in rows for cell in row)
