"""How times are written: found from texts, or, where two orders of day and month fit, left open.

Formats are those of `datetime.strptime`, or one of :data:`ISO`, the epochs and :data:`EXCEL`. What stands
behind a time (a zone, "Uhr", a.m.) is taken off before; see `cleaned`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

ISO, EXCEL = "iso", "excel"
EPOCHS = {"epoch_s": 1, "epoch_ms": 10**3, "epoch_us": 10**6, "epoch_ns": 10**9}
"""Numbers of seconds and parts of them since 1970, with parts in a second."""
MISSING = (
    *("", "nan", "na", "n/a", "null", "none", "-", "--", "#n/a", "inf", "-inf"),
    *("unavailable", "unknown", "nat"),
)
ORDERS = {"dmy": "%d{0}%m{0}%{1}", "mdy": "%m{0}%d{0}%{1}", "ymd": "%{1}{0}%m{0}%d"}

_ISO = re.compile(
    r"\d{4}[-/]\d{1,2}[-/]\d{1,2}([T ]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?)?\s*([+-]\d{2}:?(\d{2})?)?"
)
_NUMERIC_DATE = re.compile(r"(\d{1,4})([./-])\d{1,2}\2(\d{1,4})")
_WORDED = ("%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%d %B %Y", "%b %d %Y", "%b %d, %Y")
_CLOCKS = (" %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p", " %H:%M:%S.%f", "")
# By the number of digits.
_COMPACT: dict[int, tuple[str, ...]] = {
    8: ("%Y%m%d",),
    10: ("%Y%m%d%H",),
    12: ("%Y%m%d%H%M",),
    14: ("%Y%m%d%H%M%S",),
    15: ("%Y%m%dT%H%M%S", "%Y%m%d %H%M%S"),
}
# Of the cells of a column: a log with faults in a third of its lines is still one.
ENOUGH = 0.6
ZONE_WORDS = {
    "Z": 0,
    "UTC": 0,
    "GMT": 0,
    "WET": 0,
    "CET": 60,
    "CEST": 120,
    "EET": 120,
    "EEST": 180,
    "MEZ": 60,
    "MESZ": 120,
}
"""Minutes east of Greenwich of what may stand behind a time; American names mean several zones."""
BEHIND = rf"\s*({'|'.join(sorted(ZONE_WORDS, key=len, reverse=True))}|Uhr|h)$"
# 1973 to 2033: beyond, ten digits are rather a year, month, day and hour.
_EPOCH_YEARS_S = (1e8, 2e9)
# Days since 30 December 1899, from 1954 to 2064; a log's own numbers are seldom there, and such columns are
# only taken for times if their name says so or nothing else is one.
_EXCEL_DAYS = (20_000, 60_000)
EXCEL_EPOCH = "1899-12-30"


def cleaned(text: str) -> str:
    """Return a time without what stands behind it, and with AM or PM written as formats expect."""
    text = re.sub(BEHIND, "", text.strip(), flags=re.I if text.endswith(("uhr", "UHR")) else 0)
    return re.sub(r"\s*([AaPp])\.?\s?[Mm]\.?$", r" \1M", text)


def formats_of(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the time formats that fit most of some texts; several where an order of numbers is open."""
    seen = [cleaned(text) for text in texts if text.strip().lower() not in MISSING]
    if not seen:
        return ()
    if share(seen, lambda text: _ISO.fullmatch(text) is not None) >= ENOUGH:
        return (ISO,)
    fits = {fmt: share(seen, partial(_parses, fmt)) for fmt in _candidates(seen)}
    best = max(fits.values(), default=0.0)
    if best >= ENOUGH:
        return tuple(fmt for fmt, fit in fits.items() if fit == best)
    return tuple(name for name, parts in EPOCHS.items() if share(seen, partial(_is_epoch, parts)) >= ENOUGH)


def excel_formats_of(texts: Sequence[str]) -> tuple[str, ...]:
    """Return :data:`EXCEL` if texts are numbers of days as spreadsheets count them, with parts of a day."""
    seen = [text for text in texts if text.strip().lower() not in MISSING]
    whole = share(seen, lambda text: (number_of(text) or 0.5) % 1 == 0)
    return (EXCEL,) if seen and share(seen, _is_excel) >= ENOUGH and whole < ENOUGH else ()


def asked_format(text: str, texts: Sequence[str]) -> tuple[str, ...]:
    """Return the format a user asked for; an order of numbers among those that fit the texts."""
    if text not in ORDERS:
        return (text,)
    return tuple(fmt for fmt in formats_of(texts) if order_of(fmt) == text)


def order_of(fmt: str) -> str:
    """Return ``dmy``, ``mdy`` or ``ymd`` of a format in numbers; nothing for others."""
    letters = "".join(re.findall(r"%([dmyY])", fmt)).lower()
    return letters if letters in ORDERS and "%b" not in fmt.lower() else ""


def is_clock(text: str) -> bool:
    """Return whether a text is a time of day, in any of the ways that stand beside a date."""
    return any(_parses(clock.strip(), cleaned(text)) for clock in _CLOCKS if clock)


def is_time_like(text: str) -> bool:
    """Return whether a cell may be a time, numbers since 1970 included."""
    return bool(formats_of([text]))


def share(texts: Sequence[str], test: Callable[[str], bool]) -> float:
    """Return the share of texts that pass a test."""
    return sum(map(test, texts)) / max(len(texts), 1)


def number_of(text: str) -> float | None:
    """Return the number a plain text says, or None."""
    try:
        return float(text)
    except ValueError:
        return None


def _candidates(texts: Sequence[str]) -> list[str]:
    """Return the formats that some texts may be written in, by the look of the first, middle and last."""
    looks = (_by_look(text) for text in (texts[0], texts[len(texts) // 2], texts[-1]))
    return list(dict.fromkeys(fmt for look in looks for fmt in look))


def _by_look(text: str) -> list[str]:
    if text.isdigit():
        return list(_COMPACT.get(len(text), ()))
    if len(text) == 15 and text[:8].isdigit():
        return list(_COMPACT[15])
    if re.match(r"\d{8} \d", text):
        return [_COMPACT[8][0] + clock for clock in _CLOCKS]
    found = _NUMERIC_DATE.match(text)
    if not found:
        return [date + clock for date in _WORDED for clock in _CLOCKS]
    first, separator, last = found.groups()
    if len(first) == 4:
        dates = [ORDERS["ymd"].format(separator, "Y")]
    elif len(last) == 4:
        # Nobody writes the month first with dots.
        orders = ["dmy"] if separator == "." else ["dmy", "mdy"]
        dates = [ORDERS[order].format(separator, "Y") for order in orders]
    else:
        orders = ["dmy", "ymd"] if separator == "." else ["dmy", "mdy", "ymd"]
        dates = [ORDERS[order].format(separator, "y") for order in orders]
    return [date + clock for date in dates for clock in _CLOCKS]


def _parses(fmt: str, text: str) -> bool:
    try:
        datetime.strptime(text, fmt)
    except ValueError:
        return False
    return True


def _is_epoch(parts: int, text: str) -> bool:
    low, high = _EPOCH_YEARS_S
    return low < (number_of(text) or 0.0) / parts < high


def _is_excel(text: str) -> bool:
    low, high = _EXCEL_DAYS
    return low < (number_of(text) or 0.0) < high
