"""What the columns of a log mean: found from their names and from what stands in them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ellimaps.core.errors import ReadError, SettingError
from ellimaps.core.numbers import whole_number_in
from ellimaps.sensors.store.number_formats import numeral
from ellimaps.sensors.store.options import (
    FROM_THE_LOG,
    NONE,
    ImportOptions,
    ImportQuestion,
    fixed_offset,
    flag,
)
from ellimaps.sensors.store.time_formats import (
    ENOUGH,
    EPOCHS,
    EXCEL,
    MISSING,
    asked_format,
    excel_formats_of,
    formats_of,
    is_clock,
    share,
)
from ellimaps.sensors.store.units import stated_unit

_OFFSETS = ("utcoffset", "timezoneoffset", "tzoffset", "offset")
_UNITS = ("unit", "units", "einheit", "unitofmeasurement")
_REGIONS = ("region", "site", "location", "standort")
# What is measured: in a long table the name of a sensor.
_QUANTITIES = (
    *("sensorname", "entityid", "statisticid", "measurement", "field", "metric", "parameter", "variable"),
    *("quantity", "attribute", "type", "name"),
)
# Which of several sensors measured it.
_SENSORS = ("sensor", "sensorid", "channel", "channelid", "probe", "probeid", "fuehler", "port")
_SOURCES = (
    *("sourceid", "source", "instrumentid", "instrument", "deviceid", "device", "devicename", "machine"),
    *("station", "stationid", "room", "raum", "zimmer", "lab", "node", "nodeid", "host", "hostname", "tag"),
    *("logger", "loggerid", "serial", "serialnumber", "mac", "macaddress", "address", "deveui", "building"),
    *("floor", "rack", "chamber", "incubator", "freezer", "fridge"),
)
_VALUES = ("sensorvalue", "value", "reading", "messwert", "wert", "state")
_TIMES = (
    *("datetime", "timestamp", "datetimeutc", "timestamputc", "utc", "localtime", "datetimelocal"),
    *("dateandtime", "datumzeit", "zeitstempel", "time", "lastchanged", "lastupdated", "ts", "date", "datum"),
    *("zeit", "ds", "uhrzeit"),
)
_TIME_BEGINNINGS = ("datetime", "timestamp", "time", "date", "datum", "zeit")
# Of what a reading is about; taken for its time if nothing else is.
_BOUNDS = ("start", "stop", "end")
_COUNTERS = ("", "index", "row", "record", "id", "no", "nr", "unnamed0", "column0", "seq")
# Text beside readings that says how good they are, not of what.
_REMARKS = re.compile(
    r"note|comment|remark|bemerk|kommentar|status|quality|flag|alarm|error|valid|event|battery|user|operator|unit|"
    r"message|attribute|_start|_stop|datatype|^result$|^table$",
    re.I,
)
_ZONE = re.compile(r"(?:\b|time|stamp|date)(?:UTC|GMT)\s*([+-]\d{1,2}:?\d{0,2})?", re.I)
# Sensors that report in turn; more would hardly be listed row by row.
_MOST_IN_TURN = 64


@dataclass(frozen=True)
class Layout:
    """Which column holds what, by number.

    Attributes
    ----------
    time : tuple of int
        The time; or a date and a time of day.
    formats : tuple of str
        Formats that fit the times seen; see `ellimaps.sensors.store.time_formats`.
    values : tuple of int
        One column of values, or in a wide table one for every sensor.
    names, sources : tuple of int
        Columns whose cells together name a sensor, and its source. A table without the former is wide: every
        column of values is a sensor.
    region, unit, offset : int, optional
        Columns of these, where there are any.
    zone_min : int, optional
        Minutes from UTC that the header of the time states.
    doubtful : tuple of int
        Columns that may tell sensors apart; the readings themselves must decide.
    """

    time: tuple[int, ...]
    formats: tuple[str, ...]
    values: tuple[int, ...]
    names: tuple[int, ...] = ()
    sources: tuple[int, ...] = ()
    region: int | None = None
    unit: int | None = None
    offset: int | None = None
    zone_min: int | None = None
    doubtful: tuple[int, ...] = ()

    @property
    def is_wide(self) -> bool:
        """Whether every sensor has a column of its own."""
        return not self.names

    def with_keys(self, keys: Sequence[int]) -> Layout:
        """Return the layout with further columns that tell sensors apart."""
        return replace(self, sources=(*self.sources, *keys), doubtful=())

    def used(self) -> set[int]:
        """Return the columns that mean something."""
        single = {one for one in (self.region, self.unit, self.offset) if one is not None}
        return {*self.time, *self.values, *self.names, *self.sources, *single}


def layout_of(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    file: str,
    options: ImportOptions = FROM_THE_LOG,
    *,
    units: Sequence[str] = (),
    is_named: bool = True,
) -> Layout:
    """Find out what the columns of a log mean.

    Parameters
    ----------
    header : sequence of str
        Column names.
    rows : sequence of sequence of str
        Some rows as text.
    file : str
        Name of the file, for the message.
    options : ImportOptions
        What the user said.
    units : sequence of str
        Units of the columns, where a row of its own states them.
    is_named : bool
        Whether the names are the file's own.

    Raises
    ------
    ReadError
        If no column holds times, or none values.
    SettingError
        If a column asked for is not there.
    """
    roles = {role: _first_named(header, known) for role, known in (("offset", _OFFSETS), ("unit", _UNITS))}
    taken = {number for number in roles.values() if number is not None}
    time, formats = _time_columns(header, rows, taken, file, options, is_named)
    taken |= set(time)
    # What has a unit is a reading, whatever its name.
    with_unit = {n for n, name in enumerate(header) if stated_unit(units[n] if n < len(units) else "", name)}
    keys = _key_columns(header, rows, time, taken | with_unit, file, options)
    region = next((number for number in keys if plain(header[number]) in _REGIONS), None)
    keys = [number for number in keys if number != region]
    taken |= {*keys, *(() if region is None else (region,))}
    values = _value_columns(header, rows, taken, keys, with_unit, options)
    if not values:
        raise ReadError(
            f"{file} has no column of numbers beside its times: a log needs datetime and sensor_value, or "
            "one column per sensor."
        )
    names = _name_columns(header, keys) if len(values) == 1 and _is_long(header, values[0], keys) else ()
    sources = tuple(number for number in keys if number not in names)
    doubtful = () if options.sensor_columns else _doubtful_columns(header, rows, {*taken, *values})
    zone = _ZONE.search(header[time[0]].replace("_", " "))
    zone_min = fixed_offset("UTC" + (zone[1] or "")) if zone else None
    return Layout(
        time, formats, values, names, sources, region, roles["unit"], roles["offset"], zone_min, doubtful
    )


def plain(name: str) -> str:
    """Return a column name in small letters and digits only, of whatever alphabet."""
    return re.sub(r"[\W_]", "", name.lower())


def cells_of(rows: Sequence[Sequence[str]], number: int) -> list[str]:
    """Return the cells of a column, empty where a row is too short."""
    return [row[number].strip() if number < len(row) else "" for row in rows]


def is_counter(cells: Sequence[str]) -> bool:
    """Return whether cells count their rows: whole numbers, each one more than the last."""
    said = [number for cell in cells if (number := whole_number_in(cell)) is not None]
    return len(said) == len(cells) > 2 and all(b - a == 1 for a, b in pairwise(said))


def _first_named(header: Sequence[str], known: Sequence[str]) -> int | None:
    names = [plain(name) for name in header]
    return next((names.index(word) for word in known if word in names), None)


def _asked_columns(header: Sequence[str], asked: Sequence[str], option: str) -> list[int]:
    found = []
    for name in asked:
        fits = [
            n for n, have in enumerate(header) if name in (have, have.strip()) or plain(name) == plain(have)
        ]
        if not fits:
            there = ", ".join(name for name in header if name)
            raise SettingError(f"No column is called {name!r:.60} ({flag(option)}): choose of {there:.300}.")
        found.append(fits[0])
    return found


def _time_columns(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    taken: set[int],
    file: str,
    options: ImportOptions,
    is_named: bool,
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return the columns of the time, known names first, and its formats."""
    if options.time_column:
        free = _asked_columns(header, [options.time_column], "time_column")
        known = set(free)
    else:
        names = [plain(name) for name in header]
        exact = [names.index(word) for word in _TIMES if word in names]
        alike = [n for n, name in enumerate(names) if name.startswith(_TIME_BEGINNINGS) and n not in exact]
        known = {*exact, *alike} if is_named else {0}
        others = [n for n in range(len(header)) if n not in known]
        others.sort(key=lambda n: names[n] in _BOUNDS)
        free = [n for n in [*exact, *alike, *others] if n not in taken]
    for number in free:
        cells = cells_of(rows, number)
        formats = _formats(cells, options, number in known)
        if not formats or (formats[0] in EPOCHS and number not in known and not _is_ascending(cells)):
            continue
        if formats[0] in (*EPOCHS, EXCEL) or any(":" in cell or "%H" in formats[0] for cell in cells):
            return (number,), formats
        clock = next(
            (n for n in range(len(header)) if n not in (number, *taken) and _is_clock(rows, n)), None
        )
        if clock is None:
            return (number,), formats
        both = [f"{a} {b}" for a, b in zip(cells, cells_of(rows, clock), strict=True)]
        return (number, clock), _formats(both, options, True) or formats
    raise ReadError(
        f"{file} has no column of dates and times that can be read: write them as 2025-01-31 14:05:00, or "
        f"say how "
        f"they are written ({flag('time_format')})."
    )


def _formats(cells: Sequence[str], options: ImportOptions, known: bool) -> tuple[str, ...]:
    if options.time_format:
        return asked_format(options.time_format, cells)
    return formats_of(cells) or (excel_formats_of(cells) if known else ())


def _is_clock(rows: Sequence[Sequence[str]], number: int) -> bool:
    return share(cells_of(rows, number), is_clock) >= ENOUGH


def _is_ascending(cells: Sequence[str]) -> bool:
    numbers = [float(cell) for cell in cells if numeral(cell) == cell]
    return all(a <= b for a, b in pairwise(numbers))


def _key_columns(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    time: Sequence[int],
    taken: set[int],
    file: str,
    options: ImportOptions,
) -> list[int]:
    """Return the columns that tell sensors apart, by their names; of numbers only whole ones can.

    Raises
    ------
    ImportQuestion
        If several columns of whole numbers may as well be readings.
    """
    if options.sensor_columns:
        return (
            []
            if NONE in options.sensor_columns
            else _asked_columns(header, options.sensor_columns, "sensor_columns")
        )
    known = {*_REGIONS, *_QUANTITIES, *_SENSORS, *_SOURCES}
    called = [n for n, name in enumerate(header) if n not in taken and plain(name) in known]
    named = [n for n in called if _names_things(cells_of(rows, n))]
    times = [" ".join(cells) for cells in zip(*(cells_of(rows, n) for n in time), strict=True)]
    wandering = [n for n in named if _wanders(cells_of(rows, n), times)]
    # Beside a room that is a reading, an instrument of whole degrees is one too.
    if set(called) - set(named):
        return [n for n in named if n not in wandering]
    if len(wandering) > 1:
        raise ImportQuestion(
            f"{file} has columns {header[wandering[0]]!r:.60} and {header[wandering[1]]!r:.60} of whole "
            "numbers: do they tell sensors apart, or does none",
            "sensor_columns",
            (",".join(header[n] for n in wandering), NONE),
        )
    return named


def _names_things(cells: Sequence[str]) -> bool:
    """Return whether cells may be names: texts, or whole numbers that come again."""
    said = [cell for cell in cells if cell.lower() not in MISSING]
    if share(said, lambda cell: numeral(cell) == cell) < ENOUGH:
        return True
    return all(cell.isdigit() for cell in said) and len(set(said)) <= max(len(said) / 4, 3)


def _wanders(cells: Sequence[str], times: Sequence[str]) -> bool:
    """Return whether whole numbers come and go one at a time, as rounded readings do and names seldom."""
    said = [(cell, time) for cell, time in zip(cells, times, strict=True) if cell.lower() not in MISSING]
    names = [cell for cell, _ in said]
    runs = sum(a != b for a, b in pairwise(names)) + 1
    are_numbers = share(names, lambda cell: cell.isdigit()) >= ENOUGH
    share_times = len({time for _, time in said}) < len(said)
    return are_numbers and not share_times and runs > len(set(names)) and not takes_turns(names)


def _value_columns(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    taken: set[int],
    keys: Sequence[int],
    with_unit: set[int],
    options: ImportOptions,
) -> tuple[int, ...]:
    if options.value_columns:
        return tuple(_asked_columns(header, options.value_columns, "value_columns"))
    numeric = [
        number
        for number in range(len(header))
        if number not in taken and _is_numeric(header, rows, number, sure=number in with_unit)
    ]
    value = next((n for word in _VALUES for n in numeric if plain(header[n]) == word), None)
    has_names = any(plain(header[number]) in (*_QUANTITIES, *_SENSORS) for number in keys)
    if value is not None and (has_names or (keys and len(numeric) > 1) or len(numeric) == 1):
        return (value,)
    if value is None and any(plain(header[number]) in _QUANTITIES for number in keys) and len(numeric) == 1:
        return (numeric[0],)
    return tuple(numeric)


def _is_numeric(header: Sequence[str], rows: Sequence[Sequence[str]], number: int, *, sure: bool) -> bool:
    cells = cells_of(rows, number)
    said = [cell for cell in cells if cell.lower() not in MISSING]
    # Of a column that is empty at first nothing is known but its name.
    if not said:
        return bool(plain(header[number])) and plain(header[number]) not in _COUNTERS
    if not sure and _tells_no_reading(header, number, said):
        return False
    return share(said, lambda cell: numeral(cell) is not None) >= ENOUGH


def _tells_no_reading(header: Sequence[str], number: int, said: Sequence[str]) -> bool:
    return plain(header[number]) in _COUNTERS or (number == 0 and is_counter(said)) or takes_turns(said)


def _is_long(header: Sequence[str], value: int, keys: Sequence[int]) -> bool:
    known = plain(header[value]) in _VALUES
    return any(
        plain(header[number]) in _QUANTITIES or (known and plain(header[number]) in _SENSORS)
        for number in keys
    )


def _name_columns(header: Sequence[str], keys: Sequence[int]) -> tuple[int, ...]:
    """Return the columns that say what is measured; where none does, the one that says by which sensor."""
    quantities = tuple(number for number in keys if plain(header[number]) in _QUANTITIES)
    if "sensorname" in [plain(header[number]) for number in quantities]:
        return tuple(number for number in quantities if plain(header[number]) == "sensorname")
    return quantities or tuple(number for number in keys if plain(header[number]) in _SENSORS)[:1]


def _doubtful_columns(
    header: Sequence[str], rows: Sequence[Sequence[str]], taken: set[int]
) -> tuple[int, ...]:
    """Return further columns of texts or small numbers that are no remarks: they may name sensors."""
    return tuple(
        number
        for number, name in enumerate(header)
        if number not in taken and not _REMARKS.search(name) and _may_name(cells_of(rows, number))
    )


def _may_name(cells: Sequence[str]) -> bool:
    said = [cell for cell in cells if cell.lower() not in MISSING]
    if share(said, lambda cell: numeral(cell) is None and not formats_of([cell])) >= ENOUGH:
        return True
    return all(cell.isdigit() for cell in said) and not is_counter(said) and bool(said)


def takes_turns(cells: Sequence[str]) -> bool:
    """Return whether whole numbers come round in the same order, as sensors that are read in turn."""
    turn = len(set(cells))
    if not 1 < turn <= _MOST_IN_TURN or len(cells) < 3 * turn or not all(cell.isdigit() for cell in cells):
        return False
    same = sum(a == b for a, b in zip(cells, cells[turn:], strict=False))
    return same >= 0.9 * (len(cells) - turn) and len(set(cells[:turn])) == turn
