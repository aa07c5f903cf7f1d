"""The text of a file of spectra: its lines, its rows of numbers and what stands before them."""

from __future__ import annotations

import codecs
import math
import re
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from ellimaps.core.errors import ReadError
from ellimaps.core.inputs import InputFile
from ellimaps.core.small_files import read_small

MAX_BYTES = 64 * 1024 * 1024
"""A thousand spots of a thousand wavelengths are 60 MB."""
# A hundred lines of a wide table, and read at once.
_BEGINNING_BYTES = 1 << 15
# Exports of all quantities of a Mueller matrix with errors have some 40 columns.
_MOST_CELLS = 64
_SEPARATORS = (";", "\t", ",", None)


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of numbers that follow each other.

    Attributes
    ----------
    labels : list of str
        The cells of the line before the first row; none if there is no such line of as many cells.
    before : list of str
        All lines before the first row.
    cells : list of list of float
        The numbers.
    first : int
        Number of the first row's line in the file, from 1.
    """

    labels: list[str]
    before: list[str]
    cells: list[list[float]]
    first: int


@dataclass(frozen=True, eq=False)
class SpectrumText:
    """A file as text."""

    name: str
    lines: list[str]
    sha256: str

    @property
    def stem(self) -> str:
        """The file's name without its ending."""
        short = re.sub(r"(?i)\.ds\.dat$", "", self.name)
        return short if short != self.name else self.name.rpartition(".")[0] or self.name

    @property
    def first(self) -> str:
        """The first line."""
        return self.lines[0] if self.lines else ""

    @property
    def lists_maps(self) -> bool:
        """Whether it is a table that names the maps of a measurement."""
        return self.first.startswith("#") and any(".png" in line.lower() for line in self.lines[1:4])

    @cached_property
    def rows(self) -> Rows:
        """The longest run of lines that are nothing but numbers.

        Raises
        ------
        ReadError
            If there is none.
        """
        found = [rows for separator in _SEPARATORS if (rows := self._rows(separator))]
        if not found:
            raise ReadError(
                f"{self.name} holds no rows of numbers: give a spectrum of Psi and Delta as text."
            )
        # A line of titles is split as its rows are; where none fits, most columns say most.
        return max(found, key=lambda rows: (bool(rows.labels), len(rows.cells), len(rows.cells[0])))

    def _rows(self, separator: str | None) -> Rows | None:
        start: int | None = None
        numbers: list[list[float]] = []
        for place, line in enumerate(self.lines):
            cells = numbers_in(line, separator)
            if cells is None or len(cells) < 3 or (numbers and len(cells) != len(numbers[0])):
                if numbers:
                    break
                continue
            start = place if start is None else start
            numbers.append(cells)
        if start is None or len(numbers[0]) > _MOST_CELLS:
            return None
        before = self.lines[:start]
        labels = _split(before[-1].lstrip("#"), separator) if before else []
        return Rows(labels if len(labels) == len(numbers[0]) else [], before, numbers, start + 1)


def text_of(file: InputFile) -> SpectrumText:
    """Return a file as text.

    Raises
    ------
    ReadError
        If it cannot be read, is no text, or is too large for one.
    """
    content = read_small(file, "spectrum", MAX_BYTES)
    lines = [line.rstrip() for line in _decoded(content, file.name).splitlines()]
    return SpectrumText(file.name, [line for line in lines if line.strip()], sha256(content).hexdigest())


def beginning_of(file: InputFile) -> SpectrumText:
    """Return the whole lines at the beginning of a file, without its SHA-256.

    Raises
    ------
    ReadError
        If it cannot be read, or is no text.
    """
    with file.open() as stream:
        content = stream.read(_BEGINNING_BYTES)
    lines = _decoded(content, file.name).splitlines()
    if len(content) == _BEGINNING_BYTES:
        del lines[-1:]
    return SpectrumText(file.name, [line for line in map(str.rstrip, lines) if line], "")


def numbers_in(line: str, separator: str | None) -> list[float] | None:
    """Return the numbers of a line; None if one of its cells is none."""
    cells = _split(line, separator)
    numbers = [_number(cell, comma=separator != ",") for cell in cells]
    return None if not cells or None in numbers else [number for number in numbers if number is not None]


def _split(line: str, separator: str | None) -> list[str]:
    cells = [cell.strip().strip('"') for cell in line.split(separator)]
    while cells and not cells[-1]:
        del cells[-1]
    return cells


def _number(cell: str, *, comma: bool) -> float | None:
    if cell.lower() in ("nan", "", "-"):
        return math.nan
    if not re.fullmatch(r"[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d{1,3})?", cell, re.ASCII):
        return None
    number = float(cell.replace(",", ".")) if comma or "," not in cell else math.inf
    return number if math.isfinite(number) else None


def _decoded(content: bytes, name: str) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace")
    if b"\0" in content[:4096]:
        raise ReadError(f"{name} is no text: give a spectrum as a text file.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")
