"""Tables that spreadsheets open: what they would take for a formula is a text."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd

VARIABLE = "ELLIMAPS_CSV"
CsvFor = Literal["spreadsheets", "programs"]
"""Who opens a CSV file: spreadsheets take what begins with ``= + - @`` for a formula, programs do not."""
_FORMULA = re.compile(r"'*[=+\-@\t\r\n]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)


def choose_csv(opener: CsvFor) -> None:
    """Write CSV files for spreadsheets or for programs from now on, also in processes started here."""
    os.environ[VARIABLE] = opener


def spreadsheet_cell(text: str) -> str:
    """Return a text so that a spreadsheet takes it for one: after an apostrophe, if it could be a formula.

    Numbers stay as they are, and formulas do where the environment says ``ELLIMAPS_CSV=programs``. A text
    that begins with apostrophes before such a sign always gets one more, so that `cell_text` can tell.
    """
    for_programs = os.environ.get(VARIABLE) == "programs" and not text.startswith("'")
    return text if for_programs or _NUMBER.fullmatch(text) or not _FORMULA.match(text) else f"'{text}"


def cell_text(cell: str) -> str:
    """Return the text of which `spreadsheet_cell` made a cell."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def spreadsheet_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose headings and texts are as `spreadsheet_cell` makes them."""
    shown = table.copy(deep=False)
    for place, (_, column) in enumerate(table.items()):
        if column.dtype.kind == "O":
            cells = [spreadsheet_cell(cell) if isinstance(cell, str) else cell for cell in column]
            shown.isetitem(place, cells)
    return shown.rename(columns=lambda name: spreadsheet_cell(str(name)))
