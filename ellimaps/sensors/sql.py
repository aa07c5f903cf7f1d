"""Expressions of DuckDB that turn the cells of a log into readings."""

from __future__ import annotations

from collections.abc import Sequence

from ellimaps.sensors.columns import EPOCH_MS, EPOCH_S, ISO, MISSING

_MOST_HOURS = 14
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
        return f"try_cast({text} AS TIMESTAMP)"
    if formats[0] in (EPOCH_S, EPOCH_MS):
        scale = 1e6 if formats[0] == EPOCH_S else 1e3
        return f"make_timestamp((try_cast({text} AS DOUBLE) * {scale:.0f})::BIGINT)"
    return f"try_strptime(trim({text}), {quoted(formats[0])})"


def text_offset_minutes(text: str) -> str:
    """Return the offset that stands behind a time, as +01:00, in minutes; NULL where there is none."""
    found = f"regexp_extract(substr({text}, 11), {quoted(_TEXT_OFFSET)}, 1)"
    return f"CASE WHEN {found} = '' THEN NULL WHEN {found} = 'Z' THEN 0 ELSE {_signed_minutes(found)} END"


def offset_minutes(text: str) -> str:
    """Return a UTC offset in minutes: from 1, 5.5, +01:00, UTC+1 or minutes beyond what hours can be."""
    number = f"try_cast({text} AS DOUBLE)"
    clock = f"regexp_extract({text}, '[+-]?\\d{{1,2}}:?\\d{{0,2}}')"
    hours_or_minutes = f"CASE WHEN abs({number}) <= {_MOST_HOURS} THEN {number} * 60 ELSE {number} END"
    return (
        f"CASE WHEN {number} IS NOT NULL THEN round({hours_or_minutes}) "
        f"WHEN {clock} = '' THEN NULL ELSE {_signed_minutes(clock)} END"
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
