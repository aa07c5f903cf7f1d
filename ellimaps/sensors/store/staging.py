"""The files of a log into one unsorted table: how each is read is found first, for all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from ellimaps.core.errors import ReadError
from ellimaps.core.progress import Progress
from ellimaps.sensors.store.date_order import with_one_order
from ellimaps.sensors.store.file_queries import (
    UNKNOWN_ZONE,
    LogFile,
    parquet_file,
    readings_query,
    text_file,
    with_keys,
)
from ellimaps.sensors.store.locations import Location
from ellimaps.sensors.store.number_formats import NumberCounts, counts_of, decimal_sign, is_plain, numeral
from ellimaps.sensors.store.options import ImportOptions, ImportQuestion
from ellimaps.sensors.store.report import MOST_NAMED, lines_text
from ellimaps.sensors.store.stores import duckdb_errors

# Also what damaged bytes say is no time of a log.
GOOD = (
    "coalesce(time BETWEEN TIMESTAMP '1900-01-01' AND TIMESTAMP '2200-01-01' AND abs(value) < 1e100 "
    f"AND coalesce(offset_min, 0) <> {UNKNOWN_ZONE}, false)"
)


@dataclass
class Staged:
    """What was staged, and how.

    Attributes
    ----------
    files : dict of int to LogFile
        The files that are a log, by their number.
    refused : dict of str to str
        Those that are none, by name, and why.
    unread : dict of int to (int, tuple of int)
        How many lines or cells could not be read, and the first few lines of such (one more than are named),
        by file.
    why_order : str
        What the order of day and month was decided by; nothing where it was clear.
    why_decimal : str
        What the decimal sign was decided by; nothing where all numbers are plain.
    """

    files: dict[int, LogFile] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    unread: dict[int, tuple[int, tuple[int, ...]]] = field(default_factory=dict)
    why_order: str = ""
    why_decimal: str = ""

    def problems(self) -> list[tuple[object, ...]]:
        """Return what could not be read as rows of problems."""
        told = dict(self.refused)
        for number, (count, lines) in self.unread.items():
            where = f" ({lines_text(lines)})" if lines else ""
            told[self.files[number].file.name] = (
                f"{count} lines or cells could not be read and are left out{where}."
            )
        return [("", name, "", "unreadable", pd.NaT, pd.NaT, detail) for name, detail in told.items()]


def stage(
    base: Any, location: Location, files: Sequence[Path], options: ImportOptions, on_progress: Progress
) -> Staged:
    """Read the files of a log into ``staging.raw``; what cannot be read gets a NULL as time or value.

    Parameters
    ----------
    base : duckdb.DuckDBPyConnection
        A connection with a database ``staging``.
    location : Location
        The log.
    files : sequence of Path
        Its files on this disk.
    options : ImportOptions
        What the user said.
    on_progress : callable
        Called as ``on_progress(done, total, what)``.

    Raises
    ------
    ReadError
        If no file is a log.
    ImportQuestion
        If one can be read in two ways.
    """
    create_raw(base)
    staged = Staged()
    errors: list[ReadError] = []
    for number, file in enumerate(files):
        try:
            staged.files[number] = _as_log_file(base, file, options)
        except ImportQuestion:
            raise
        except ReadError as error:
            # One file that is no log must not hide the others of its folder.
            staged.refused[file.name] = str(error)
            errors.append(error)
    if not staged.files:
        raise errors[0]
    ordered, staged.why_order = with_one_order(base, list(staged.files.values()), location.name)
    staged.files = _with_decimals(
        base, dict(zip(staged.files, ordered, strict=True)), staged, location, options
    )
    for number, log_file in list(staged.files.items()):
        on_progress(number, len(files) + 3, f"reading {log_file.file.name}")
        try:
            _stage_file(base, number, staged, location, options)
        except ImportQuestion:
            raise
        except ReadError as error:
            del staged.files[number]
            staged.refused[log_file.file.name] = str(error)
            if len(files) == 1:
                raise
    return staged


def create_raw(base: Any) -> None:
    """Make the table that `insert_readings` fills."""
    base.execute(
        "CREATE TABLE staging.raw (region VARCHAR, source_id VARCHAR, sensor_name VARCHAR, unit VARCHAR, "
        "time TIMESTAMP, offset_min SMALLINT, value DOUBLE, file INTEGER)"
    )


def insert_readings(base: Any, log_file: LogFile, number: int, options: ImportOptions) -> None:
    """Append the readings of a file to ``staging.raw``; lines of a wrong shape go to ``reject_errors``.

    Parameters
    ----------
    base : duckdb connection
        With the staging tables.
    log_file : LogFile
        The file and its layout.
    number : int
        Of the file.
    options : ImportOptions
        What the user answered.
    """
    base.execute("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")
    query = readings_query(log_file, options)
    with duckdb_errors(log_file.file.name):
        base.execute(f"INSERT INTO staging.raw SELECT *, {number} FROM ({query})")


def _as_log_file(base: Any, file: Path, options: ImportOptions) -> LogFile:
    with duckdb_errors(file.name):
        with file.open("rb") as opened:
            is_parquet = opened.read(4) == b"PAR1"
        found = parquet_file(base, file, options) if is_parquet else text_file(file, options)
        if found.layout.doubtful:
            found = with_keys(base, found)
    return found


def _with_decimals(
    base: Any, files: dict[int, LogFile], staged: Staged, location: Location, options: ImportOptions
) -> dict[int, LogFile]:
    """Return files of which those with other numbers than plain ones have their decimal sign."""
    odd = {number: file for number, file in files.items() if not file.has_plain_numbers}
    return files | (_with_sign(base, odd, staged, location, options) if odd else {})


def _with_sign(
    base: Any, files: dict[int, LogFile], staged: Staged, location: Location, options: ImportOptions
) -> dict[int, LogFile]:
    columns = [column for file in files.values() for column in file.shapes(base)]
    first = next(iter(files.values()))
    decimal, staged.why_decimal = decimal_sign(
        sum(map(counts_of, columns), NumberCounts()),
        asked=options.decimal,
        semicolons=first.separator == ";",
        no_thousands=_is_small(first),
        name=location.name,
    )
    return {number: replace(file, decimal=decimal) for number, file in files.items()}


def _is_small(log_file: LogFile) -> bool:
    names = [log_file.header[number].lower() for number in log_file.layout.values]
    return all(
        any(word in name for word in ("temp", "hum", "\u00b0", "%", "feucht", "deg")) for name in names
    )


def _stage_file(base: Any, number: int, staged: Staged, location: Location, options: ImportOptions) -> None:
    """Append the readings of one file; where the first rows hid numbers that are not plain, a second time."""
    insert_readings(base, staged.files[number], number, options)
    bad = _count_bad(base, number)
    if bad and not staged.files[number].decimal and _has_odd_numbers(base, staged.files[number]):
        staged.files |= _with_sign(base, {number: staged.files[number]}, staged, location, options)
        base.execute(f"DELETE FROM staging.raw WHERE file = {number}")
        insert_readings(base, staged.files[number], number, options)
        bad = _count_bad(base, number)
    log_file = staged.files[number]
    rejected, lines = _rejected(base) if log_file.is_text else (0, [])
    if bad and log_file.is_text:
        lines += _bad_lines(base, log_file, options)
    if bad or rejected:
        staged.unread[number] = (bad + rejected, tuple(sorted(set(lines))[: MOST_NAMED + 1]))


def _has_odd_numbers(base: Any, log_file: LogFile) -> bool:
    cells = (cell for column in log_file.shapes(base) for cell, _ in column)
    return any(numeral(cell) is not None and not is_plain(cell) for cell in cells)


def _count_bad(base: Any, number: int) -> int:
    return int(
        base.sql(f"SELECT count(*) FROM staging.raw WHERE file = {number} AND NOT ({GOOD})").fetchall()[0][0]
    )


def _rejected(base: Any) -> tuple[int, list[int]]:
    """Return how many lines have a wrong shape, and the first of them."""
    count = base.sql("SELECT count(DISTINCT line) FROM reject_errors").fetchall()[0][0]
    return int(count), _first_lines(base, "SELECT line FROM reject_errors")


def _bad_lines(base: Any, log_file: LogFile, options: ImportOptions) -> list[int]:
    """Return the first lines of which a time or value cannot be read."""
    numbered = replace(log_file, source=f"(SELECT *, row_number() OVER () AS line FROM {log_file.source})")
    query = readings_query(numbered, options, extra="line")
    found = _first_lines(base, f"SELECT line FROM ({query}) WHERE NOT ({GOOD})")
    return [line + log_file.first_line - 1 for line in found]


def _first_lines(base: Any, query: str) -> list[int]:
    rows = base.sql(f"SELECT DISTINCT line FROM ({query}) ORDER BY line LIMIT {MOST_NAMED + 1}").fetchall()
    return [int(line) for (line,) in rows]
