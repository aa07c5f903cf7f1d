"""How numbers are written: 21.5, 21,5, 1,021.5, 1.021,5, or with a unit behind them.

A number like 1,021 alone may be one thousand and twenty-one or a little more than one. The other numbers of
the log decide; where they do not, the user is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ellimaps.core.numbers import whole_number_in
from ellimaps.sensors.store.options import ImportQuestion

NUMBER = r"^([+-]?[0-9][0-9.,']*(?:[eE][+-]?[0-9]+)?|[+-]?[.,][0-9]+)"
"""A number in whatever notation at the beginning of a cell; what follows is its unit."""
GROUPED_COMMAS, GROUPED_POINTS = (rf"^[+-]?[1-9]\d{{0,2}}({sign}\d{{3}})+$" for sign in (",", r"\."))
_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
# With three digits, a group of thousands would not be told apart; below, no number has one.
_LARGE = 100


@dataclass(frozen=True)
class NumberCounts:
    """How many numbers of a log speak for which notation.

    Attributes
    ----------
    comma, point : int
        Numbers in which the sign can only be a decimal one, as 21,5 or 0.125.
    grouped_comma, grouped_point : int
        Numbers as 1,021 and 1.021.
    large : int
        Whole numbers from 100 on in columns that have such as 1,021.
    example : str
        The first such as 1,021.
    """

    comma: int = 0
    point: int = 0
    grouped_comma: int = 0
    grouped_point: int = 0
    large: int = 0
    example: str = ""

    def __add__(self, other: NumberCounts) -> NumberCounts:
        """Return the counts of two parts of a log together."""
        return NumberCounts(
            self.comma + other.comma,
            self.point + other.point,
            self.grouped_comma + other.grouped_comma,
            self.grouped_point + other.grouped_point,
            self.large + other.large,
            self.example or other.example,
        )


def is_plain(text: str) -> bool:
    """Return whether a cell is a number with a decimal point, or none."""
    return _PLAIN.fullmatch(text) is not None


def numeral(text: str) -> str | None:
    """Return the number that a cell begins with, if what follows may be a unit; else None."""
    found = re.match(NUMBER, text.strip())
    rest = text.strip()[found.end() :].strip() if found else ""
    # A clock, a date or a name that begins with digits is no number.
    return found[0] if found and len(rest) <= 12 and not re.match(r"[:/\d-]", rest) else None


def decimal_sign(
    counts: NumberCounts, *, asked: str, semicolons: bool, no_thousands: bool, name: str
) -> tuple[str, str]:
    """Return the decimal sign of numbers as 1,021, and why.

    Parameters
    ----------
    counts : NumberCounts
        Of the whole log.
    asked : str
        What the user said, or nothing.
    semicolons : bool
        Whether columns are separated by semicolons, as where the comma is the decimal sign.
    no_thousands : bool
        Whether what is read is never in the thousands, as temperatures and humidities.
    name : str
        Name of the log, for the question.

    Raises
    ------
    ImportQuestion
        If it can be either.
    """
    if asked:
        return asked, "as asked for"
    if counts.comma and counts.point and counts.grouped_comma:
        raise ImportQuestion(
            f"{name} has numbers with a decimal point and with a decimal comma: what is the decimal sign of "
            f"{counts.example}",
            "decimal",
            (".", ","),
        )
    if counts.point:
        return ".", "other numbers have a decimal point"
    if counts.comma:
        return ",", "other numbers have a decimal comma"
    if not counts.grouped_comma:
        return ".", "no number has a comma"
    if counts.large:
        return ".", "whole numbers of the same columns are as large"
    if semicolons or no_thousands:
        why = (
            "columns are separated by semicolons" if semicolons else "such readings are not in the thousands"
        )
        return ",", why
    raise ImportQuestion(
        f"{name} has numbers as {counts.example}, and no other tells whether that is about "
        f"{counts.example.partition(',')[0]} or in the thousands: say the decimal sign",
        "decimal",
        (".", ","),
    )


def counts_of(cells: Iterable[tuple[str, int]]) -> NumberCounts:
    """Return the counts of the cells of one column, each given with how often it is there."""
    found = [(number, n) for cell, n in cells if (number := numeral(cell))]
    grouped = [(number, n) for number, n in found if re.match(GROUPED_COMMAS, number)]
    return NumberCounts(
        sum(n for number, n in found if is_sure(number, ",")),
        sum(n for number, n in found if is_sure(number, ".")),
        sum(n for _, n in grouped),
        sum(n for number, n in found if re.match(GROUPED_POINTS, number)),
        sum(n for number, n in found if (whole_number_in(number) or 0) >= _LARGE) if grouped else 0,
        grouped[0][0] if grouped else "",
    )


def is_sure(number: str, sign: str) -> bool:
    """Return whether a sign of a number can only be its decimal one."""
    other = "." if sign == "," else ","
    if sign not in number or number.rfind(sign) < number.rfind(other):
        return False
    grouped = GROUPED_COMMAS if sign == "," else GROUPED_POINTS
    return number.count(sign) == 1 and (other in number or not re.match(grouped, number))
