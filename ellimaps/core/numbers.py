"""Numbers as people read them: no digit more than is known, thousands apart, and words that agree."""

from __future__ import annotations

import math
import re

UNKNOWN = "not known"
_UNITS = {
    "deg": "°",
    "deg C": "°C",
    "degC": "°C",
    "deg F": "°F",
    "degF": "°F",
    "um": "µm",
    "us": "µs",
    "uM": "µM",
}


def number_text(value: float, digits: int = 4) -> str:
    """Return a number to so many significant digits, those before the point all stay; thousands separated.

    Parameters
    ----------
    value : float
        The number; NaN is not known.
    digits : int
        Significant digits.
    """
    if not math.isfinite(value):
        return UNKNOWN
    rounded = float(f"{value:.{digits}g}")
    if abs(rounded) >= 10**digits:
        return f"{value:,.0f}"
    return f"{rounded:,}".removesuffix(".0")


def with_error(value: float, error: float) -> str:
    """Return a value to the second digit of its standard error, and the error: ``1,234.50 ± 0.25``.

    An error that is not known, or 0 as of one pixel, leaves the value with four digits.
    """
    if not math.isfinite(value):
        return UNKNOWN
    if not (math.isfinite(error) and error > 0):
        return number_text(value)
    digits = max(0, 1 - math.floor(math.log10(error)))
    return f"{value:,.{digits}f} ± {error:,.{digits}f}"


def whole_number_in(text: str) -> int | None:
    """Return the number that a text of 1 to 18 digits is, which 64 bit hold; None of any other text.

    `str.isdigit` takes ``²`` for a digit, and `int` does not; nor does it take more than 4300 digits.
    """
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else None


def counted(count: int, noun: str) -> str:
    """Return ``1 pixel`` or ``2,000 pixels``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def duration_text(seconds: float) -> str:
    """Return about how long something takes: ``8 s``, ``3 min``, ``1 h 20 min``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def titled(what: str, unit: str) -> str:
    """Return what an axis, a column or a map is called: ``Delta (°)``, without brackets where no unit is."""
    return f"{what} ({shown_unit(unit)})" if unit else what


def shown_unit(unit: str) -> str:
    """Return a unit as it is read; files keep ``deg`` and ``um``, which every program takes."""
    return _UNITS.get(unit, unit)


def spoken(name: str) -> str:
    """Return the name of a column as it is read: without underscores."""
    return name.replace("_", " ")


def with_unit(number: str, unit: str) -> str:
    """Return a number and its unit, apart unless they are degrees: ``2.5 µm``, ``50°``."""
    shown = shown_unit(unit)
    return f"{number}{shown}" if shown == "°" else f"{number} {shown}".rstrip()
