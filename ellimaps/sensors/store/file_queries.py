"""One file of a log as a table, and the query that reads it as one long table, whatever its layout.

The columns of that are ``region, source_id, sensor_name, unit, time, offset_min, value``. A time or value
that cannot be read is NULL, the offset of a zone that is not known here `UNKNOWN_ZONE`; a cell that says
there is no reading gives no row.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ellimaps.sensors.store.columns import Layout, cells_of, layout_of, takes_turns
from ellimaps.sensors.store.number_formats import is_plain, numeral
from ellimaps.sensors.store.options import ImportOptions, ImportQuestion
from ellimaps.sensors.store.sql import (
    any_number,
    cleaned_text,
    has_seconds,
    identifier,
    is_missing,
    offset_minutes,
    plain_number,
    quoted,
    quoted_file,
    text_offset_minutes,
    time_of_text,
    unit_behind,
    wall_clock_in,
    zone_offset_minutes,
)
from ellimaps.sensors.store.text_files import TextTable, read_head
from ellimaps.sensors.store.time_formats import EPOCHS, ISO

_FIXED_ZONE = re.compile(r"([+-])(\d{2}):?(\d{2})")
UNKNOWN_ZONE = 9999
"""As an offset: the time names a zone that is not known here."""


@dataclass(frozen=True)
class LogFile:
    """One file of a log.

    Attributes
    ----------
    file : Path
        Where it lies.
    source : str
        SQL of the table function that reads its lines.
    cells : tuple of str
        SQL of every column as text.
    header, units : tuple of str
        Names of the columns, and their units where a row of its own states them.
    layout : Layout
        What the columns mean.
    rows : list of list of str
        Some rows.
    first_line : int
        Line of the first reading; 0 in a file that has no lines.
    separator : str
        Between columns; nothing in Parquet.
    typed_time : bool
        Whether times are stored as such.
    decimal : str
        Decimal sign where numbers are not plain; nothing where all are.
    """

    file: Path
    source: str
    cells: tuple[str, ...]
    header: tuple[str, ...]
    units: tuple[str, ...]
    layout: Layout
    rows: list[list[str]]
    first_line: int
    separator: str
    typed_time: bool
    decimal: str = ""

    @property
    def is_text(self) -> bool:
        """Whether it has lines."""
        return self.first_line > 0

    @property
    def has_plain_numbers(self) -> bool:
        """Whether the numbers of the first rows have a decimal point and nothing else."""
        columns = (cells_of(self.rows, number) for number in self.layout.values)
        return all(is_plain(cell) for cells in columns for cell in cells if numeral(cell))

    def shapes(self, base: Any) -> list[list[tuple[str, int]]]:
        """Return, for every column of values, a cell of each shape and how often it is there."""
        cells = [f"trim({self.cells[number]})" for number in self.layout.values]
        # The file is read once for all columns: once for each took 11 s of 300.
        rows = (
            f"SELECT unnest(range({len(cells)})) AS place, unnest([{', '.join(cells)}]) AS cell "
            f"FROM {self.source}"
        )
        # All numbers of one shape speak alike, and shapes are few.
        query = (
            f"SELECT place, any_value(cell), count(*) FROM ({rows}) "
            f"GROUP BY place, translate(cell, '123456789', '999999999') LIMIT {10_000 * len(cells)}"
        )
        found: list[list[tuple[str, int]]] = [[] for _ in cells]
        for place, text, n in base.sql(query).fetchall():
            if text:
                found[place].append((str(text), int(n)))
        return found

    def time_text(self) -> str:
        """Return the SQL of a row's time as text, with nothing behind it."""
        parts = [f"trim({self.cells[number]})" for number in self.layout.time]
        return parts[0] if len(parts) == 1 else f"({parts[0]} || ' ' || {parts[1]})"

    def wall_clock(self, fmt: str) -> str:
        """Return the SQL of a row's time as it is written; NULL where it says none."""
        if self.typed_time:
            return f"try_cast({self.time_text()} AS TIMESTAMP)"
        text = self.time_text()
        read = time_of_text(cleaned_text(text, fmt), fmt)
        if fmt != ISO:
            return read
        return f"CASE WHEN {has_seconds(text)} THEN try_cast({text} AS TIMESTAMP) ELSE {read} END"


def text_file(file: Path, options: ImportOptions) -> LogFile:
    """Return a text file; lines of a wrong shape go to ``reject_errors``.

    Raises
    ------
    ReadError
        If it is no table with times and values.
    """
    table = read_head(file)
    source = _csv_source(file, table, table.skip)
    layout = layout_of(
        table.header, table.rows, file.name, options, units=table.units, is_named=table.is_named
    )
    cells = tuple(f"c{number}" for number in range(len(table.header)))
    return LogFile(
        file,
        source,
        cells,
        table.header,
        table.units,
        layout,
        table.rows,
        table.skip + 1,
        table.separator,
        False,
    )


def _csv_source(file: Path, table: TextTable, skip: int) -> str:
    columns = ", ".join(f"'c{number}': 'VARCHAR'" for number in range(len(table.header)))
    quote = '"' if table.quoted else ""
    # Where a cell may hold the end of a line, no thread can tell where a line begins.
    parallel = str(not table.quoted).lower()
    return (
        f"read_csv({quoted_file(file)}, auto_detect=false, header=false, skip={skip}, "
        f"delim={quoted(table.separator)}, quote={quoted(quote)}, escape={quoted(quote)}, "
        f"encoding={quoted(table.encoding)}, columns={{{columns}}}, null_padding=true, ignore_errors=true, "
        f"store_rejects=true, parallel={parallel})"
    )


def continued(log_file: LogFile, tail: Path) -> LogFile:
    """Return what was written behind a text file, its lines in a file of their own, to be read as it is."""
    return replace(log_file, source=_csv_source(tail, read_head(log_file.file), 0), first_line=1)


def parquet_file(base: Any, file: Path, options: ImportOptions) -> LogFile:
    """Return a Parquet file.

    Raises
    ------
    ReadError
        If it has no times and values.
    """
    source = f"read_parquet({quoted_file(file)})"
    described = base.sql(f"DESCRIBE SELECT * FROM {source}").fetchall()
    header = tuple(str(row[0]) for row in described)
    types = {str(row[0]): str(row[1]) for row in described}
    zones = _zones(file)
    cells = tuple(_as_text(name, types[name], zones.get(name, "UTC")) for name in header)
    texts = ", ".join(f"coalesce({cell}, '')" for cell in cells)
    rows = [list(row) for row in base.sql(f"SELECT {texts} FROM {source} LIMIT 400").fetchall()]
    layout = layout_of(header, rows, file.name, options)
    typed = types[header[layout.time[0]]].startswith("TIMESTAMP")
    units = ("",) * len(header)
    return LogFile(file, source, cells, header, units, layout, rows, 0, "", typed)


def _zones(file: Path) -> dict[str, str]:
    """Return the time zones of a Parquet file's columns, where they have one; DuckDB does not tell them."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        schema = parquet.read_schema(file)
    except (pa.ArrowException, OSError, ValueError):
        return {}
    return {column.name: column.type.tz for column in schema if getattr(column.type, "tz", None)}


def _as_text(name: str, kind: str, zone: str) -> str:
    column = identifier(name)
    if kind != "TIMESTAMP WITH TIME ZONE":
        return f"CAST({column} AS VARCHAR)"
    utc = f"make_timestamp(epoch_us({column}))"
    if zone in ("UTC", "Etc/UTC"):
        return f"({utc}::VARCHAR || 'Z')"
    fixed = _FIXED_ZONE.fullmatch(zone)
    shift = f"{fixed[1]}1 * to_minutes({60 * int(fixed[2]) + int(fixed[3])})" if fixed else ""
    local = f"({utc} + {shift})" if fixed else f"timezone({quoted(zone)}, {column})"
    minutes = f"(epoch({local} - {utc}) / 60)::INTEGER"
    sign = f"CASE WHEN {minutes} < 0 THEN '-' ELSE '+' END"
    clock = f"format('{{:02d}}:{{:02d}}', abs({minutes}) // 60, abs({minutes}) % 60)"
    return f"({local}::VARCHAR || {sign} || {clock})"


def with_keys(base: Any, log_file: LogFile) -> LogFile:
    """Return a file whose doubtful columns tell sensors apart or do not, as its readings decide.

    A column without another text in it tells nothing. One that does is a sensor's name if readings share
    their times without it, and hardly do with it.

    Raises
    ------
    ImportQuestion
        If the readings do not decide.
    """
    layout = log_file.layout
    columns = [
        number
        for number in layout.doubtful
        if base.sql(
            f"SELECT count(DISTINCT trim({log_file.cells[number]})) FROM {log_file.source}"
        ).fetchall()[0][0]
        > 1
    ]
    if not columns:
        return replace(log_file, layout=replace(layout, doubtful=()))
    known = [*layout.sources, *layout.names, *(() if layout.region is None else (layout.region,))]
    before = _shared_times(base, log_file, known)
    shares = {number: _shared_times(base, log_file, [*known, number]) for number in columns}
    # Duplicates of single readings are common; sensors that are read together share nearly all of their
    # times.
    solving = [number for number in columns if before > 0.05 and shares[number] < before / 2]
    if solving:
        chosen = [min(solving, key=lambda number: (round(shares[number], 3), number))]
        if shares[chosen[0]] > 0.05 and len(solving) > 1:
            chosen = solving
        return replace(log_file, layout=layout.with_keys(chosen))
    repeated = [number for number in columns if _comes_again(base, log_file, number)]
    if not repeated:
        return replace(log_file, layout=replace(layout, doubtful=()))
    name = log_file.header[repeated[0]]
    raise ImportQuestion(
        f"{log_file.file.name} has a column {name!r:.60}: does it tell sensors apart, or does none",
        "sensor_columns",
        (name, "none"),
    )


def _shared_times(base: Any, log_file: LogFile, keys: Sequence[int]) -> float:
    """Return the share of rows that have keys and time of an earlier row."""
    columns = ", ".join(log_file.cells[number] for number in [*log_file.layout.time, *keys])
    rows, distinct = base.sql(
        f"SELECT sum(n), count(*) FROM (SELECT count(*) AS n FROM {log_file.source} GROUP BY {columns})"
    ).fetchall()[0]
    return 1 - float(distinct) / max(float(rows or 0), 1.0)


def _comes_again(base: Any, log_file: LogFile, number: int) -> bool:
    """Return whether the texts of a column come again, as names do; remarks are mostly others."""
    if numeral(next((cell for cell in cells_of(log_file.rows, number) if cell), "")) is not None:
        return takes_turns([cell for cell in cells_of(log_file.rows, number) if cell])
    cell = f"trim({log_file.cells[number]})"
    rows, distinct = base.sql(
        f"SELECT count({cell}), count(DISTINCT {cell}) FROM {log_file.source} WHERE NOT {is_missing(cell)}"
    ).fetchall()[0]
    return bool(1 < distinct <= rows / 3)


def readings_query(log_file: LogFile, options: ImportOptions, extra: str = "") -> str:
    """Return the query of a file's readings: local time, and its offset from UTC where known.

    Where no column names a source it is NULL; which file goes on with which is known only when all are read.

    Parameters
    ----------
    log_file : LogFile
        The file, with one time format.
    options : ImportOptions
        What the user said.
    extra : str
        A further column of the file's source to be kept.
    """
    layout, cells = log_file.layout, log_file.cells
    region = f"coalesce(trim({cells[layout.region]}), '')" if layout.region is not None else "''"
    source = _joined(cells, layout.sources) if layout.sources else "NULL"
    unit = f"coalesce(trim({cells[layout.unit]}), '')" if layout.unit is not None else "''"
    local, offset = _clock(log_file, options)
    if layout.names:
        of_header = log_file.units[layout.values[0]]
        name, cell, stated = _joined(cells, layout.names), cells[layout.values[0]], quoted(of_header)
    else:
        names = ", ".join(map(quoted, _unique([log_file.header[number].strip() for number in layout.values])))
        values = ", ".join(cells[number] for number in layout.values)
        stated = f"unnest([{', '.join(quoted(log_file.units[number]) for number in layout.values)}])"
        name, cell = f"unnest([{names}])", f"unnest([{values}])"
    inner = (
        f"SELECT {region} AS region, {source} AS source_id, {unit} AS unit, {local} AS time, "
        f"({offset})::SMALLINT AS offset_min, {name} AS sensor_name, {cell} AS cell, {stated} AS stated"
        f"{', ' + extra if extra else ''} FROM {log_file.source}"
    )
    number, behind = plain_number("cell"), "''"
    if log_file.decimal:
        number, behind = any_number("cell", log_file.decimal), unit_behind("cell")
    units = f"coalesce(nullif(unit, ''), nullif(stated, ''), {behind})"
    return (
        f"SELECT region, source_id, sensor_name, {units} AS unit, "
        f"time, offset_min, {number} AS value{', ' + extra if extra else ''} "
        f"FROM ({inner}) WHERE NOT {is_missing('cell')}"
    )


def _clock(log_file: LogFile, options: ImportOptions) -> tuple[str, str]:
    """Return the SQL of the local time of a row, and of its minutes from UTC."""
    layout, fmt = log_file.layout, log_file.layout.formats[0]
    wall, text = log_file.wall_clock(fmt), f"rtrim({log_file.time_text()})"
    behind = f"CASE WHEN {has_seconds(log_file.time_text())} THEN NULL ELSE {text_offset_minutes(text)} END"
    own = "0" if fmt in EPOCHS else behind
    if layout.offset is not None:
        # A time with its own offset is local already; the column's offset is for one in UTC. Where one stands
        # that cannot be read, the local time is not known.
        cell = f"trim({log_file.cells[layout.offset]})"
        offset = f"({offset_minutes(cell)})::INTEGER"
        shift = f"CASE WHEN {is_missing(cell)} THEN 0 ELSE {offset} END"
        local = f"({wall} + to_minutes({shift} - coalesce({own}, 0)))"
    elif layout.zone_min is not None:
        offset, local = f"coalesce({own}, {layout.zone_min})", wall
    else:
        offset, local = own, wall
    if not options.zone:
        return local, offset
    written = zone_offset_minutes(local, options.zone)
    utc = f"({local} - to_minutes((coalesce({offset}, {written}))::INTEGER))"
    shown = wall_clock_in(utc, options.zone)
    return shown, f"(epoch({shown}) - epoch({utc})) / 60"


def _joined(cells: Sequence[str], numbers: Sequence[int]) -> str:
    parts = ", ".join(f"nullif(trim({cells[number]}), '')" for number in numbers)
    return f"concat_ws(' ', {parts})"


def _unique(names: Sequence[str]) -> list[str]:
    """Return names of which none is there twice: the second gets a number."""
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return unique
