"""Expressions of DuckDB that turn the cells of a log into readings."""

from __future__ import annotations

from collections.abc import Sequence

from ellimaps.sensors.store.columns import EPOCH_MS, EPOCH_S, ISO, MISSING

# UTC+14, Kiritimati, is the farthest zone there is.
_MOST_HOURS = 14
_OFFSET_CLOCK = r"^(?:utc|UTC|gmt|GMT)?\s*([+-]?\d{1,2}(?::\d{2}(?::\d{2})?|\d{2})?)$"
_TEXT_OFFSET = r"(Z|[+-]\d{2}:?\d{0,2})\s*$"


def quoted(text: str) -> str:
    """Return a text as a literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return a column's name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def time_of_text(text: str, formats: Sequence[str]) -> str:
    """Return the wall-clock time a text says; NULL where it says none."""
    if formats[0] == ISO:
        # A decimal comma of the seconds, as 14:05:00,123.
        return f"try_cast(replace({text}, ',', '.') AS TIMESTAMP)"
    if formats[0] in (EPOCH_S, EPOCH_MS):
        scale = 1e6 if formats[0] == EPOCH_S else 1e3
        return f"make_timestamp((try_cast({text} AS DOUBLE) * {scale:.0f})::BIGINT)"
    return f"try_strptime(trim({text}), {quoted(formats[0])})"


def text_offset_minutes(text: str) -> str:
    """Return the offset that stands behind a time, as +01:00, in minutes; NULL where there is none."""
    found = f"regexp_extract(substr({text}, 11), {quoted(_TEXT_OFFSET)}, 1)"
    return f"CASE WHEN {found} = '' THEN NULL WHEN {found} = 'Z' THEN 0 ELSE {_signed_minutes(found)} END"


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


def number_of_text(text: str, *, decimal_comma: bool) -> str:
    """Return the number a text says; NULL where it says none."""
    return (
        f"try_cast(replace({text}, ',', '.') AS DOUBLE)" if decimal_comma else f"try_cast({text} AS DOUBLE)"
    )


def is_missing(text: str) -> str:
    """Return whether a cell says that there is no reading."""
    words = ", ".join(map(quoted, MISSING))
    return f"({text} IS NULL OR lower(trim({text})) IN ({words}))"


def _signed_minutes(text: str) -> str:
    hours = f"try_cast(regexp_extract({text}, '(\\d{{1,2}})', 1) AS INTEGER)"
    minutes = f"coalesce(try_cast(regexp_extract({text}, '\\d{{1,2}}:?(\\d{{2}})', 1) AS INTEGER), 0)"
    return f"(CASE WHEN {text} LIKE '%-%' THEN -1 ELSE 1 END) * ({hours} * 60 + {minutes})"
