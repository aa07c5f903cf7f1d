"""What the columns of a log mean: found from their names and, for times, from their values."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from ellimaps.core.errors import ReadError

ISO, EPOCH_S, EPOCH_MS = "iso", "epoch_s", "epoch_ms"
MISSING = ("", "nan", "na", "n/a", "null", "none", "-", "--", "#n/a", "inf", "-inf")

_ROLES = {
    "offset": ("utcoffset", "timezoneoffset", "tzoffset", "offset"),
    "value": ("sensorvalue", "value", "reading", "messwert", "wert"),
    "name": ("sensorname", "sensor", "parameter", "variable", "quantity", "channel", "sensorid", "name"),
    "source": (
        "sourceid",
        "source",
        "instrumentid",
        "instrument",
        "deviceid",
        "device",
        "machine",
        "station",
    ),
    "region": ("region", "site", "location"),
    "unit": ("unit", "units", "einheit"),
    "time": (
        *("datetime", "timestamp", "datetimeutc", "timestamputc", "utc", "localtime", "datetimelocal"),
        *("dateandtime", "datumzeit", "zeitstempel", "time", "date", "datum", "zeit", "ds"),
    ),
}
_NOT_SENSORS = ("", "index", "row", "id", "no", "nr", "unnamed0", "column0")
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2})?([.,]\d+)?")
_ISO = re.compile(
    r"\d{4}[-/]\d{1,2}[-/]\d{1,2}([T ]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?)?\s*(Z|[+-]\d{2}:?(\d{2})?)?"
)
_DATES = ("%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%m/%d/%Y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%Y", "%m-%d-%Y")
_WORDED = ("%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%d %B %Y", "%b %d %Y", "%b %d, %Y")
_CLOCKS = (" %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p", " %H:%M:%S.%f", "")
_COMPACT = ("%Y%m%d%H%M%S", "%Y%m%dT%H%M%S", "%Y%m%d %H%M%S", "%Y%m%dT%H%M%SZ")
# Of the cells of a column: a log with faults in a third of its lines is still one.
_ENOUGH = 0.6


@dataclass(frozen=True)
class Layout:
    """Which column holds what, by number.

    Attributes
    ----------
    time : tuple of int
        The time; or a date and a time of day.
    formats : tuple of str
        Formats of `datetime.strptime` that fit the times seen, or one of ``iso, epoch_s, epoch_ms``.
    values : tuple of int
        One column of values, or in a wide table one for every sensor.
    name, source, region, unit, offset : int, optional
        Columns of a long table, where there are any.
    """

    time: tuple[int, ...]
    formats: tuple[str, ...]
    values: tuple[int, ...]
    name: int | None = None
    source: int | None = None
    region: int | None = None
    unit: int | None = None
    offset: int | None = None

    @property
    def is_wide(self) -> bool:
        """Whether every sensor has a column of its own."""
        return self.name is None


def layout_of(header: Sequence[str], rows: Sequence[Sequence[str]], file: str) -> Layout:
    """Find out what the columns of a log mean.

    Parameters
    ----------
    header : sequence of str
        Column names.
    rows : sequence of sequence of str
        Some rows as text; numbers with a decimal point.
    file : str
        Name of the file, for the message.

    Raises
    ------
    ReadError
        If no column holds times, or none values.
    """
    roles = _named_roles(header)
    time, formats = _time_columns(header, rows, roles, file)
    taken = {*time, *(number for role, number in roles.items() if role != "value")}
    value = roles.get("value")
    if value is not None and value not in time:
        values: tuple[int, ...] = (value,)
    else:
        values = tuple(
            number
            for number, name in enumerate(header)
            if number not in taken and plain(name) not in _NOT_SENSORS and _is_numeric(rows, number)
        )
        roles.pop("name", None)
    if not values:
        raise ReadError(
            f"{file} has no column of numbers beside its times: a log needs datetime and sensor_value, or "
            "one column per sensor."
        )
    return Layout(
        time, formats, values, *(roles.get(role) for role in ("name", "source", "region", "unit", "offset"))
    )


def plain(name: str) -> str:
    """Return a column name in small letters and digits only, of whatever alphabet."""
    return re.sub(r"[\W_]", "", name.lower())


def formats_of(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the time formats that fit most of some texts; several where day and month can be swapped."""
    seen = [text.strip() for text in texts if text.strip().lower() not in MISSING]
    if not seen:
        return ()
    if _share(seen, lambda text: _ISO.fullmatch(text) is not None) >= _ENOUGH:
        return (ISO,)
    fits = {fmt: _share(seen, partial(_parses, fmt)) for fmt in _formats(seen)}
    best = max(fits.values(), default=0.0)
    if best >= _ENOUGH:
        return tuple(fmt for fmt, share in fits.items() if share == best)
    for name, low, high in ((EPOCH_S, 1e8, 1e10), (EPOCH_MS, 1e11, 1e13)):
        if _share(seen, partial(_lies_between, low, high)) >= _ENOUGH:
            return (name,)
    return ()


def _formats(texts: Sequence[str]) -> list[str]:
    with_clock = [date + clock for date in (*_DATES, *_WORDED) for clock in _CLOCKS]
    return [*with_clock, *_COMPACT] if any(not text.isdigit() or len(text) == 14 for text in texts) else []


def _named_roles(header: Sequence[str]) -> dict[str, int]:
    names = [plain(name) for name in header]
    roles: dict[str, int] = {}
    for role, known in _ROLES.items():
        if role == "time":
            continue
        for word in known:
            if word in names and names.index(word) not in roles.values():
                roles[role] = names.index(word)
                break
    return roles


def _time_columns(
    header: Sequence[str], rows: Sequence[Sequence[str]], roles: dict[str, int], file: str
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return the columns of the time, known names first, and its formats."""
    names = [plain(name) for name in header]
    known = [names.index(word) for word in _ROLES["time"] if word in names]
    others = [number for number in range(len(header)) if number not in known]
    free = [number for number in [*known, *others] if number not in roles.values()]
    for number in free:
        cells = _cells(rows, number)
        if not (formats := formats_of(cells)):
            continue
        if number not in known and formats[0] in (EPOCH_S, EPOCH_MS):
            continue
        if not any(":" in cell for cell in cells) and formats[0] not in (EPOCH_S, EPOCH_MS):
            for clock in free:
                if clock != number and _share(_cells(rows, clock), _is_clock) >= _ENOUGH:
                    both = [f"{a} {b}" for a, b in zip(cells, _cells(rows, clock), strict=True)]
                    return (number, clock), formats_of(both) or formats
        return (number,), formats
    raise ReadError(
        f"{file} has no column of dates and times that can be read: write them as 2025-01-31 14:05:00."
    )


def _cells(rows: Sequence[Sequence[str]], number: int) -> list[str]:
    return [row[number].strip() if number < len(row) else "" for row in rows]


def _is_clock(text: str) -> bool:
    return _CLOCK.fullmatch(text) is not None


def _is_numeric(rows: Sequence[Sequence[str]], number: int) -> bool:
    seen = [cell for cell in _cells(rows, number) if cell.lower() not in MISSING]
    return _share(seen, lambda text: _number(text) is not None) >= _ENOUGH if seen else True


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _parses(fmt: str, text: str) -> bool:
    try:
        datetime.strptime(text, fmt)
    except ValueError:
        return False
    return True


def _lies_between(low: float, high: float, text: str) -> bool:
    return low < (_number(text) or 0.0) < high


def _share(texts: Sequence[str], test: Callable[[str], bool]) -> float:
    return sum(map(test, texts)) / max(len(texts), 1)
