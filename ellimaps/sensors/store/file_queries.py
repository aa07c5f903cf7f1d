"""The query that reads a file of a log, whatever its layout, as one long table of readings.

Its columns are ``region, source_id, sensor_name, unit, time, offset_min, value``. A time or value that cannot
be read is NULL; a cell that says there is no reading gives no row.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ellimaps.sensors.store.columns import Layout, layout_of
from ellimaps.sensors.store.sql import (
    identifier,
    is_missing,
    number_of_text,
    offset_minutes,
    quoted,
    text_offset_minutes,
    time_of_text,
)
from ellimaps.sensors.store.text_files import read_head

_FIXED_ZONE = re.compile(r"([+-])(\d{2}):?(\d{2})")


def text_query(base: Any, file: Path) -> str:
    """Return the query of a text file's readings; lines of a wrong shape go to ``reject_errors``.

    Raises
    ------
    ReadError
        If it is no table with times and values.
    """
    table = read_head(file)
    columns = ", ".join(f"'c{number}': 'VARCHAR'" for number in range(len(table.header)))
    quote = '"' if table.quoted else ""
    source = (
        f"read_csv({quoted(str(file))}, auto_detect=false, header=false, skip={table.skip}, "
        f"delim={quoted(table.separator)}, quote={quoted(quote)}, escape={quoted(quote)}, "
        f"encoding={quoted(table.encoding)}, columns={{{columns}}}, null_padding=true, ignore_errors=true, "
        "store_rejects=true, parallel=false)"
    )
    layout = _with_one_format(base, source, table.layout)
    cells = [f"c{number}" for number in range(len(table.header))]
    return _readings_query(
        source, cells, table.header, layout, file.stem, decimal_comma=table.decimal_comma, typed_time=False
    )


def parquet_query(base: Any, file: Path) -> str:
    """Return the query of a Parquet file's readings.

    Raises
    ------
    ReadError
        If it has no times and values.
    """
    source = f"read_parquet({quoted(str(file))})"
    described = base.sql(f"DESCRIBE SELECT * FROM {source}").fetchall()
    header = [str(row[0]) for row in described]
    types = {str(row[0]): str(row[1]) for row in described}
    zones = _zones(file)
    cells = [_as_text(name, types[name], zones.get(name, "UTC")) for name in header]
    texts = ", ".join(f"coalesce({cell}, '')" for cell in cells)
    rows = [list(row) for row in base.sql(f"SELECT {texts} FROM {source} LIMIT 400").fetchall()]
    layout = layout_of(header, rows, file.name)
    typed = types[header[layout.time[0]]].startswith("TIMESTAMP")
    if not typed:
        layout = _with_one_format(base, source, layout, cells)
    return _readings_query(source, cells, header, layout, file.stem, decimal_comma=False, typed_time=typed)


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


def _with_one_format(base: Any, source: str, layout: Layout, cells: Sequence[str] = ()) -> Layout:
    """Decide by the whole file where day and month can be swapped: most times read, smallest steps."""
    if len(layout.formats) == 1:
        return layout
    text = _time_text(layout, cells or [f"c{number}" for number in range(max(layout.time) + 1)])
    best: tuple[int, float] | None = None
    chosen = layout.formats[0]
    for fmt in layout.formats:
        times = f"SELECT {time_of_text(text, (fmt,))} AS t FROM {source}"
        stepped = f"SELECT t, t - lag(t) OVER () AS step FROM ({times})"
        read, steps = base.sql(f"SELECT count(t), sum(abs(epoch(step))) FROM ({stepped})").fetchall()[0]
        if best is None or (read, -(steps or 0.0)) > best:
            best, chosen = (read, -(steps or 0.0)), fmt
    return replace(layout, formats=(chosen,))


def _time_text(layout: Layout, cells: Sequence[str]) -> str:
    parts = [f"trim({cells[number]})" for number in layout.time]
    return parts[0] if len(parts) == 1 else f"({parts[0]} || ' ' || {parts[1]})"


def _readings_query(
    source: str,
    cells: Sequence[str],
    header: Sequence[str],
    layout: Layout,
    stem: str,
    *,
    decimal_comma: bool,
    typed_time: bool,
) -> str:
    """Return the query of a file's readings: local time, and its offset from UTC where known."""
    text = _time_text(layout, cells)
    wall = f"try_cast({text} AS TIMESTAMP)" if typed_time else time_of_text(text, layout.formats)
    # A time with its own offset is local already; the column's offset is for one in UTC.
    own = text_offset_minutes(text)
    if layout.offset is not None:
        offset = offset_minutes(f"trim({cells[layout.offset]})")
        # Where an offset stands that cannot be read, the local time is not known.
        shift = f"CASE WHEN {is_missing(cells[layout.offset])} THEN 0 ELSE ({offset})::INTEGER END"
        local = f"{wall} + to_minutes({shift} - coalesce({own}, 0))"
    else:
        offset, local = own, wall
    texts = {
        role: f"coalesce(trim({cells[number]}), '')" if number is not None else quoted(default)
        for role, number, default in (
            ("region", layout.region, ""),
            ("source_id", layout.source, stem),
            ("unit", layout.unit, ""),
        )
    }
    if layout.name is not None:
        pairs = f"coalesce(trim({cells[layout.name]}), '') AS sensor_name, {cells[layout.values[0]]} AS cell"
    else:
        names = ", ".join(quoted(header[number].strip()) for number in layout.values)
        values = ", ".join(cells[number] for number in layout.values)
        pairs = f"unnest([{names}]) AS sensor_name, unnest([{values}]) AS cell"
    number = number_of_text("cell", decimal_comma=decimal_comma)
    labels = ", ".join(f"{expression} AS {role}" for role, expression in texts.items())
    inner = f"SELECT {labels}, {local} AS time, ({offset})::SMALLINT AS offset_min, {pairs} FROM {source}"
    return (
        f"SELECT region, source_id, sensor_name, unit, time, offset_min, {number} AS value FROM ({inner}) "
        f"WHERE NOT {is_missing('cell')}"
    )
