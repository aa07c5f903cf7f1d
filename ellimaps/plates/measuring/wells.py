"""Names of wells and sizes of plates: row letters A..AF, columns from 1, 6 to 1536 wells."""

from __future__ import annotations

import re

from ellimaps.core.errors import ReadError

PLATE_SHAPES = {6: (2, 3), 12: (3, 4), 24: (4, 6), 48: (6, 8), 96: (8, 12), 384: (16, 24), 1536: (32, 48)}
"""Rows and columns of the standard plates (ANSI SLAS 4-2004 for 96 to 1536), by number of wells."""

MOST_ROWS, MOST_COLUMNS = PLATE_SHAPES[1536]

_WELL = re.compile(r"([A-Za-z]{1,2})[-_ ]?0*([1-9][0-9]?)")


def row_letters(row: int) -> str:
    """Return the letters of a row counted from 1: A..Z, AA..AF.

    Raises
    ------
    ReadError
        If no plate has so many rows.
    """
    if not 1 <= row <= MOST_ROWS:
        raise ReadError(f"No plate has a row {row}: rows are counted from 1 to {MOST_ROWS}.")
    above, below = divmod(row - 1, 26)
    return (chr(ord("A") + above - 1) if above else "") + chr(ord("A") + below)


def row_number(letters: str) -> int:
    """Return the number of a row from 1, given as letters or as digits.

    Raises
    ------
    ReadError
        If no plate has such a row.
    """
    text = letters.strip().upper()
    if text.isascii() and text.isdigit():
        row = int(text)
    else:
        row = 0
        for letter in text:
            row = row * 26 + (ord(letter) - ord("A") + 1)
    if not (text.isascii() and text.isalnum() and 1 <= row <= MOST_ROWS):
        raise ReadError(f"{letters!r:.20} is no row of a plate: rows are A to {row_letters(MOST_ROWS)}.")
    return row


def well_name(row: int, column: int) -> str:
    """Return the name of a well, as A01 or AF48, from a row and a column counted from 1.

    Raises
    ------
    ReadError
        If no plate has such a well.
    """
    if not 1 <= column <= MOST_COLUMNS:
        raise ReadError(f"No plate has a column {column}: columns are counted from 1 to {MOST_COLUMNS}.")
    return f"{row_letters(row)}{column:02d}"


def well_position(name: str) -> tuple[int, int]:
    """Return row and column of a well, counted from 1, from a name such as A1, a01 or AF-48.

    Raises
    ------
    ReadError
        If it names no well.
    """
    match = _WELL.fullmatch(str(name).strip())
    if match is None:
        raise ReadError(f"{str(name)!r:.40} is no well: write it as A01.")
    row, column = row_number(match[1]), int(match[2])
    well_name(row, column)
    return row, column


def plate_shape(positions: list[tuple[int, int]]) -> tuple[int, int]:
    """Return rows and columns of the smallest standard plate that has all these wells."""
    last_row = max((row for row, _ in positions), default=1)
    last_column = max((column for _, column in positions), default=1)
    fitting = (shape for shape in PLATE_SHAPES.values() if shape[0] >= last_row and shape[1] >= last_column)
    return next(fitting)
