"""The first sheet of an XLSX workbook; what it would become is bounded before a table is made of it.

A row, a column or a text may be named far out in a small file, and every reader then makes room for all that
lies between. So the parts of a workbook are gone through once as XML, and only those that pass are handed on.
"""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any
from xml.parsers import expat

import pandas as pd

from ellimaps.core.archives import members
from ellimaps.core.extras import optional

_MOST_UNPACKED = 64 << 20
"""200 times what a workbook of 1536 wells takes: ``benchmarks/bench_inputs.py`` prints it."""
_MOST_CELLS = 1_000_000
"""Places between A1 and the last cell: 30 times those of 1536 wells with 20 columns."""
_MOST_TEXT = 256 << 20
"""Characters of all cells if each held the longest text, as every cell may name that one."""
_PARTS = ("xl/", "_rels/", "[Content_Types].xml")
_ROW = re.compile("[0-9]{1,9}")
_COLUMN = re.compile("([A-Z]{1,3})([0-9]{0,7})")


def first_sheet(content: bytes) -> pd.DataFrame:
    """Return the cells of a workbook's first sheet as text, under the names of its first row.

    Parameters
    ----------
    content : bytes
        An XLSX or XLSM file.

    Raises
    ------
    ValueError
        If it is none, is damaged, or holds more than a layout could.
    MissingExtraError
        If python-calamine is not installed.
    """
    optional("python_calamine", "plates", "Layouts in XLSX")
    checked = _checked(content)
    try:
        return pd.read_excel(checked, dtype=str, keep_default_na=False, engine="calamine")
    # A panic of the Rust library is no Exception.
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        raise ValueError(str(error)) from error


def _checked(content: bytes) -> io.BytesIO:
    """Return the workbook with those of its parts that are XML and within the bounds."""
    extent = _Extent()
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as archive:
        for name, part in members(io.BytesIO(content), _MOST_UNPACKED):
            if name in archive.namelist():
                raise ValueError(f"it holds {name!r:.80} twice")
            if name.startswith(_PARTS) and extent.passes(part):
                archive.writestr(zipfile.ZipInfo(name), part)
    kept.seek(0)
    return kept


class _Extent:
    """How far the cells of sheets reach, and how much text they may hold; of all parts together."""

    def __init__(self) -> None:
        self._n_cells = self._longest = 0

    def passes(self, part: bytes) -> bool:
        """Go through a part; return whether it is XML.

        Raises
        ------
        ValueError
            If a sheet reaches beyond the bounds.
        """
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler, parser.CharacterDataHandler = self._start, self._text
        parser.StartDoctypeDeclHandler = _refuse_doctype
        self._row = self._column = self._widest = self._length = 0
        try:
            parser.Parse(part, True)
        except expat.ExpatError:
            return False
        return True

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        kind, place = name.rpartition(" ")[2], attributes.get("r", "")
        if kind == "row":
            self._row = int(_named(place, _ROW)[0]) if place else self._row + 1
            self._column = 0
        elif kind == "c":
            self._n_cells += 1
            self._column += 1
            if place:
                found = _named(place, _COLUMN)
                self._column = _column_number(found[1])
                self._row = int(found[2] or self._row)
            self._widest = max(self._widest, self._column)
        elif kind in ("si", "is", "v"):
            self._length = 0
        if self._row * max(self._widest, 1) > _MOST_CELLS:
            raise ValueError(f"it reaches to row {self._row:,}, column {self._widest:,}")
        self._check_text()

    def _text(self, text: str) -> None:
        self._length += len(text)
        self._longest = max(self._longest, self._length)
        self._check_text()

    def _check_text(self) -> None:
        if self._longest * self._n_cells > _MOST_TEXT:
            raise ValueError(f"a text of {self._longest:,} characters stands in {self._n_cells:,} cells")


def _named(place: str, known: re.Pattern[str]) -> re.Match[str]:
    """Return what a row or cell is called; in other words calamine might find a place that we do not."""
    found = known.fullmatch(place)
    if found is None:
        raise ValueError(f"a row or cell is called {place!r:.40}")
    return found


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _refuse_doctype(*_: Any) -> None:
    raise ValueError("it declares a document type")
