"""Expressions of DuckDB that turn the cells of a log into readings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ellimaps.core.errors import ReadError
from ellimaps.core.names import readable
from ellimaps.sensors.store.number_formats import GROUPED_COMMAS, GROUPED_POINTS, NUMBER
from ellimaps.sensors.store.options import fixed_offset
from ellimaps.sensors.store.time_formats import BEHIND, EPOCHS, EXCEL, EXCEL_EPOCH, ISO, MISSING, ZONE_WORDS

# UTC+14, Kiritimati, is the farthest zone there is.
_MOST_HOURS = 14
_OFFSET_CLOCK = r"^(?:utc|UTC|gmt|GMT)?\s*([+-]?\d{1,2}(?::\d{2}(?::\d{2})?|\d{2})?)$"
_NUMERIC_OFFSET = r"([+-]\d{2}:?\d{0,2})$"
_AM_PM = r"\s*([AaPp])\.?\s?[Mm]\.?$"


def quoted(text: str) -> str:
    """Return a text as a literal."""
    return "'" + text.replace("'", "''") + "'"


def quoted_file(file: Path) -> str:
    """Return a file's path as a literal that DuckDB takes for this file alone.

    Where brackets, asterisks and question marks stand in a name, DuckDB would read what fits the pattern.

    Raises
    ------
    ReadError
        If the name is no UTF-8, the only one that DuckDB can open.
    """
    if str(file) != readable(str(file)):
        raise ReadError(f"{readable(str(file))} has a name that is no UTF-8: rename it.")
    return quoted(re.sub(r"[*?[]", r"[\g<0>]", str(file)))


def readings_in(files: Sequence[Path]) -> str:
    """Return the table function that reads some Parquet files of one kind."""
    return f"read_parquet([{', '.join(map(quoted_file, files))}])"


def identifier(name: str) -> str:
    """Return a column's name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def time_of_text(text: str, fmt: str) -> str:
    """Return the wall-clock time a text says; NULL where it says none."""
    if fmt == ISO:
        # A decimal comma of the seconds, as 14:05:00,123.
        return f"try_cast(replace({text}, ',', '.') AS TIMESTAMP)"
    if fmt in EPOCHS:
        scale = 10**6 / EPOCHS[fmt]
        micros = f"round(try_cast({text} AS DECIMAL(28, 6)) * {scale!r}::DOUBLE)"
        return f"make_timestamp(try_cast({micros} AS BIGINT))"
    if fmt == EXCEL:
        days = f"round(try_cast(replace({text}, ',', '.') AS DOUBLE) * 86400) * 1000000"
        return f"(TIMESTAMP {quoted(EXCEL_EPOCH)} + to_microseconds(try_cast({days} AS BIGINT)))"
    return f"try_strptime({text}, {quoted(fmt)})"


def has_seconds(text: str) -> str:
    """Return whether a text is as long as 2025-01-31 14:05:00 and has the seconds where that has them.

    Nothing stands behind such a time, so it need not be searched for.
    """
    return f"(length({text}) = 19 AND {text}[17] = ':')"


def cleaned_text(text: str, fmt: str) -> str:
    """Return a time without what stands behind it; see `ellimaps.sensors.store.time_formats.cleaned`."""
    if fmt in EPOCHS or fmt == EXCEL:
        return f"trim({text})"
    bare = f"regexp_replace(trim({text}), {quoted(BEHIND)}, '')"
    bare = f"regexp_replace({bare}, {quoted(_AM_PM)}, ' \\1M')" if "%p" in fmt else bare
    # Times as most write them have nothing behind: asking first saves the search for it.
    ends = f"right(rtrim({text}), 1)"
    return f"CASE WHEN {ends} BETWEEN '0' AND '9' THEN trim({text}) ELSE {bare} END"


def text_offset_minutes(text: str) -> str:
    """Return the offset that stands behind a time, as +01:00 or UTC, in minutes; NULL where there is none.

    Of a word that is no zone known here, minutes that no zone has: such a time is not read.
    """
    digits = f"regexp_extract(substr({text}, 11), {quoted(_NUMERIC_OFFSET)}, 1)"
    word = f"regexp_extract({text}, '[0-9 ]([A-Z][A-Za-z_/]+|Z)$', 1)"
    words = " ".join(f"WHEN '{name}' THEN {minutes}" for name, minutes in ZONE_WORDS.items())
    named = (
        f"CASE {word} WHEN '' THEN NULL {words} WHEN 'AM' THEN NULL WHEN 'PM' THEN NULL WHEN 'Uhr' THEN NULL "
    )
    behind = f"CASE WHEN {digits} <> '' THEN {_signed_minutes(digits)} ELSE {named} ELSE 9999 END END"
    ends = f"right({text}, 1) BETWEEN '0' AND '9' AND NOT contains({text}, '+')"
    none = f"length({text}) IN (10, 16, 19) AND {ends}"
    return f"CASE WHEN {none} THEN NULL ELSE {behind} END"


def zone_offset_minutes(wall: str, zone: str) -> str:
    """Return the minutes from UTC that a wall-clock time has in a zone."""
    fixed = fixed_offset(zone)
    if fixed is not None:
        return str(fixed)
    return f"((epoch({wall}) - epoch(timezone({quoted(zone)}, {wall}))) / 60)::INTEGER"


def wall_clock_in(utc: str, zone: str) -> str:
    """Return the wall-clock time that a time in UTC has in a zone."""
    fixed = fixed_offset(zone)
    if fixed is not None:
        return f"({utc} + to_minutes({fixed}))"
    return f"timezone({quoted(zone)}, timezone('UTC', {utc}))"


def offset_minutes(text: str) -> str:
    """Return a UTC offset in minutes, NULL where the text says none.

    Read are 1, 5.5, +01:00, 01:00:00 and UTC+1, and minutes or seconds beyond what hours can be.
    """
    number = f"try_cast({text} AS DOUBLE)"
    # pandas writes a length of an hour as 0 days 01:00:00, and one of minus an hour as -1 days +23:00:00.
    days = f"coalesce(try_cast(regexp_extract({text}, '^([+-]?\\d+) days? ', 1) AS INTEGER), 0)"
    clock = f"regexp_extract(regexp_replace({text}, '^[+-]?\\d+ days? ', ''), {quoted(_OFFSET_CLOCK)}, 1)"
    return (
        f"CASE WHEN abs({number}) <= {_MOST_HOURS} THEN round({number} * 60) "
        f"WHEN abs({number}) <= {60 * _MOST_HOURS} THEN round({number}) "
        f"WHEN abs({number}) <= {3600 * _MOST_HOURS} THEN round({number} / 60) "
        f"WHEN lower({text}) IN ('z', 'utc', 'gmt') THEN 0 "
        f"WHEN {clock} = '' THEN NULL ELSE {_signed_minutes(clock)} + 1440 * {days} END"
    )


def plain_number(text: str) -> str:
    """Return the number a text says with a decimal point; NULL where it says none."""
    return f"try_cast({text} AS DOUBLE)"


def any_number(text: str, decimal: str) -> str:
    """Return the number a cell begins with, in whatever notation; ``decimal`` decides what 1,021 is."""
    found = f"replace(regexp_extract(trim({text}), {quoted(NUMBER)}, 1), '''', '')"
    by_point = f"try_cast(replace({found}, ',', '') AS DOUBLE)"
    by_comma = f"try_cast(replace(replace({found}, '.', ''), ',', '.') AS DOUBLE)"
    last_comma, last_point = (f"instr(reverse({found}), '{sign}')" for sign in ",.")
    commas = f"regexp_matches({found}, {quoted(GROUPED_COMMAS)})"
    points = f"regexp_matches({found}, {quoted(GROUPED_POINTS)})"
    alone = (
        (f"CASE WHEN {commas} THEN {by_point} ELSE {by_comma} END", by_point)
        if decimal == "."
        else (by_comma, f"CASE WHEN {points} THEN {by_comma} ELSE {by_point} END")
    )
    return (
        f"CASE WHEN NOT contains({found}, ',') AND NOT contains({found}, '.') THEN try_cast({found} AS "
        f"DOUBLE) "
        f"WHEN contains({found}, ',') AND contains({found}, '.') THEN "
        f"CASE WHEN {last_comma} < {last_point} THEN {by_comma} ELSE {by_point} END "
        f"WHEN contains({found}, ',') THEN {alone[0]} ELSE {alone[1]} END"
    )


def unit_behind(text: str) -> str:
    """Return what stands behind the number of a cell."""
    return f"trim(regexp_replace(trim({text}), {quoted(NUMBER)}, ''))"


def is_missing(text: str) -> str:
    """Return whether a cell says that there is no reading."""
    # A list after IN would become a join, which gives up the order of the rows; no cell holds this sign.
    words = quoted("\x01" + "\x01".join(MISSING) + "\x01")
    is_word = f"contains({words}, chr(1) || lower(trim({text})) || chr(1))"
    # Asked first, as most cells are readings, and no such word begins with a digit.
    return f"({text} IS NULL OR CASE WHEN {text}[1] BETWEEN '0' AND '9' THEN false ELSE {is_word} END)"


def _signed_minutes(text: str) -> str:
    hours = f"try_cast(regexp_extract({text}, '(\\d{{1,2}})', 1) AS INTEGER)"
    minutes = f"coalesce(try_cast(regexp_extract({text}, '\\d{{1,2}}:?(\\d{{2}})', 1) AS INTEGER), 0)"
    return f"(CASE WHEN {text} LIKE '%-%' THEN -1 ELSE 1 END) * ({hours} * 60 + {minutes})"
