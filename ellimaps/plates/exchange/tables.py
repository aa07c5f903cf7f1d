"""Tables of measurements that other software wrote, read in parts: CSV, gzipped or not, Parquet and SQLite.

Every part is a DataFrame whose index counts the rows of the table from 0, so that an error can name the line.
"""

from __future__ import annotations

import gzip
import io
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from ellimaps.core.errors import ReadError
from ellimaps.core.inputs import InputFile, first_bytes
from ellimaps.core.reach import refuse_outside

SQLITE, PARQUET, GZIP = b"SQLite f", b"PAR1", b"\x1f\x8b"
"""What files of these kinds begin with."""

_UNNAMED = "Unnamed: "
"""What pandas calls a column without a name, such as an index that was saved with the table."""
_ROWS = 10_000
"""Cells that are held at once: 160 MB of 2,000 measurements; no result depends on it."""
_LONGEST_LINE = 4 << 20
"""Bytes. A line of 10,000 numbers of 20 digits is 210 kB; what has longer ones is no table."""
_LONGEST_VALUE = 1 << 20
"""Bytes of one value of SQLite, which may be made up by the file itself."""
_MOST_UNPACKED = 1 << 30
"""Bytes of a gzipped table: five times 1,536 wells with 9 fields and 3,000 features would take plain."""
_MOST_VALUES = 50_000_000
"""Of a table that is read as a whole, as Parquet can claim any number in a few bytes: 400 MB, and those of
1,536 wells with 9 fields of 3,600 features."""


@dataclass(frozen=True)
class RowNames:
    """What the rows of a table are called in messages.

    Attributes
    ----------
    file : str
        Its file, and which table of it.
    word : str
        What a row is called.
    first : int
        The number of the first.
    """

    file: str
    word: str = "line"
    first: int = 2

    def __call__(self, row: int) -> str:
        """Return what a row is called."""
        return f"{self.word} {row + self.first}"

    def at(self, row: int) -> str:
        """Return the file and the row."""
        return f"{self.file}, {self(row)}"


def kind_of(file: InputFile) -> str:
    """Return ``sqlite``, ``parquet`` or ``csv`` by what a file begins with.

    Raises
    ------
    ReadError
        If it cannot be read.
    """
    start = first_bytes(file)
    return "sqlite" if start == SQLITE else "parquet" if start[:4] == PARQUET else "csv"


def csv_columns(file: InputFile) -> list[str]:
    """Return the names of the columns of a CSV table.

    Raises
    ------
    ReadError
        If it is no table.
    """
    with _text(file) as (text, separator):
        try:
            names = [str(name) for name in pd.read_csv(text, sep=separator, nrows=0).columns]
            return [name for name in names if not name.startswith(_UNNAMED)]
        except Exception as error:
            raise _no_table(file, error) from error


def csv_parts(file: InputFile) -> Iterator[pd.DataFrame]:
    """Yield a CSV table (comma, semicolon or tab; gzipped or not) in parts of some thousand rows.

    Empty lines and columns without a name are left out.

    Raises
    ------
    ReadError
        If it is no table, with its line where there is one.
    """
    with _text(file) as (text, separator):
        try:
            with pd.read_csv(
                text, sep=separator, chunksize=_ROWS, low_memory=False, skip_blank_lines=False
            ) as reader:
                for part in reader:
                    if not isinstance(part.index, pd.RangeIndex):
                        raise ReadError(f"{file.name}, line 2, has more values than the header has names.")
                    named = [name for name in part if not str(name).startswith(_UNNAMED)]
                    filled = part[named].dropna(how="all")
                    if len(filled):
                        yield filled
        except ReadError:
            raise
        # pandas raises whatever a damaged table makes it stumble over.
        except Exception as error:
            raise _no_table(file, error) from error


def csv_table(file: InputFile) -> pd.DataFrame:
    """Return a CSV table as a whole; see `csv_parts`.

    Raises
    ------
    ReadError
        As `csv_parts`, and if it holds more than fits into memory.
    """
    parts, count = [], 0
    for part in csv_parts(file):
        count += part.size
        if count > _MOST_VALUES:
            raise _too_many(file)
        parts.append(part)
    return pd.concat(parts) if parts else pd.DataFrame()


def parquet_table(file: InputFile) -> pd.DataFrame:
    """Return a Parquet table.

    Raises
    ------
    ReadError
        If it is damaged, or claims more than fits into memory.
    """
    from pyarrow import parquet

    with file.open() as stream:
        try:
            opened = parquet.ParquetFile(stream)
            about = opened.metadata
            if about.num_rows * about.num_columns > _MOST_VALUES:
                raise _too_many(file)
            table: pd.DataFrame = opened.read().to_pandas(ignore_metadata=True)
            return table
        except ReadError:
            raise
        # pyarrow raises a dozen kinds of errors for damaged files.
        except Exception as error:
            raise _no_table(file, error) from error


@contextmanager
def sqlite_tables(path: Path) -> Iterator[tuple[sqlite3.Connection, dict[str, list[str]]]]:
    """Return a context with a database that nothing is written beside, and the columns of its tables by name.

    Views are left out: one may be made up by a query without an end.

    Raises
    ------
    ReadError
        Also for what fails inside of it, if the database is damaged or being written.
    """
    refuse_outside(path)
    waiting = path.with_name(path.name + "-wal")
    if waiting.exists() and waiting.stat().st_size:
        raise ReadError(
            f"{path.name} is being written ({waiting.name} lies beside it): close it there first."
        )
    try:
        # Immutable: otherwise SQLite may write its journal beside the measurement.
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            database.text_factory = lambda text: text.decode(errors="replace")
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
            database.execute("PRAGMA trusted_schema = OFF")
            names = [
                name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            ]
            yield database, {name: _columns(database, name) for name in names}
    except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise ReadError(f"{path.name} is damaged ({reason:.120}): export it again.") from error


def sqlite_parts(database: sqlite3.Connection, table: str, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Yield some columns of a table in parts of some thousand rows, in the order they were written."""
    names = ", ".join(map(_quoted, columns))
    cursor = database.execute(f"SELECT {names} FROM {_quoted(table)} ORDER BY rowid")
    start = 0
    while rows := cursor.fetchmany(_ROWS):
        yield pd.DataFrame(rows, columns=list(columns), index=pd.RangeIndex(start, start + len(rows)))
        start += len(rows)


def numbers(part: pd.DataFrame, columns: Sequence[str], line: RowNames) -> pd.DataFrame:
    """Return measurements as float64, NaN where there is none, infinite ones included.

    Parameters
    ----------
    part : DataFrame
        RowNames of a table.
    columns : sequence of str
        Which of its columns.
    line : RowNames
        What the rows are called.

    Raises
    ------
    ReadError
        If a value is no number.
    """
    found = {}
    for name in columns:
        values = part[name]
        if not pd.api.types.is_numeric_dtype(values):
            # As text: a whole number beyond those of the machine is infinite then, and no error.
            known = pd.to_numeric(values.astype(str), errors="coerce")
            wrong = (known.isna() & ~values.isna() & (values.astype(str).str.casefold() != "nan")).to_numpy()
            if wrong.any():
                row = int(np.flatnonzero(wrong)[0])
                raise ReadError(
                    f"{line.at(int(part.index[row]))}: {str(values.iloc[row])!r:.40} in {name:.80} "
                    "is no number; export it again."
                )
            values = known
        found[name] = np.asarray(values.to_numpy(np.float64, na_value=np.nan))
    table = pd.DataFrame(found, index=part.index)
    return table.where(np.isfinite(table))


class _ShortLines(io.RawIOBase):
    """Bytes of a text whose lines are short: pandas holds a whole line, and as many as a quote spans."""

    def __init__(self, stream: BinaryIO, name: str, limit: float) -> None:
        self._stream, self._name, self._left, self._line = stream, name, limit, 0

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer; raise where a line or the whole is too long."""
        content = self._stream.read(len(buffer))
        end = content.rfind(b"\n")
        self._line = self._line + len(content) if end < 0 else len(content) - end - 1
        self._left -= len(content)
        if self._line > _LONGEST_LINE or self._left < 0:
            raise ReadError(
                f"{self._name} is no table of profiles: its lines or the whole of it are too long."
            )
        buffer[: len(content)] = content
        return len(content)


@contextmanager
def _text(file: InputFile) -> Iterator[tuple[io.TextIOWrapper, str]]:
    """Return a context with the text of a table and what separates its columns."""
    is_zipped = first_bytes(file)[:2] == GZIP
    with file.open() as raw:
        stream: Any = gzip.GzipFile(fileobj=raw) if is_zipped else raw
        try:
            first = stream.readline(_LONGEST_LINE)
            stream.seek(0)
        except (OSError, EOFError, zlib.error) as error:
            raise _no_table(file, error) from error
        separator = max((b",", b";", b"\t"), key=first.count).decode()
        lines = _ShortLines(stream, file.name, _MOST_UNPACKED if is_zipped else float("inf"))
        # What is no UTF-8 is in names of files and people: it need not be read to be measured.
        yield io.TextIOWrapper(io.BufferedReader(lines, 1 << 16), "utf-8-sig", errors="replace"), separator


def _no_table(file: InputFile, error: Exception) -> ReadError:
    reason = " ".join(str(error).split()).removeprefix("Error tokenizing data. C error: ").rstrip(".")
    return ReadError(f"{file.name} is no table ({reason:.120}): export it again.")


def _too_many(file: InputFile) -> ReadError:
    return ReadError(f"{file.name} holds more than {_MOST_VALUES:,} values: aggregate its cells first.")


def _columns(database: sqlite3.Connection, table: str) -> list[str]:
    return [str(row[1]) for row in database.execute(f"PRAGMA table_info({_quoted(table)})")]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
