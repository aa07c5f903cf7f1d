"""What happened in the lab: doors, services, gas bottles, noted on the page or in a table."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ellimaps.core.errors import ReadError, SettingError
from ellimaps.sensors.notes import notes_file, table_bytes, write_notes
from ellimaps.sensors.store.times import Time, time_of

KINDS = ("door", "service", "gas bottle")
"""What is offered; any other text is a kind as well."""
COLUMNS = ("start", "end", "kind", "note")
_STARTS, _KINDS = ("start", "time", "datetime", "timestamp", "date"), ("kind", "event", "type")


@dataclass(frozen=True, order=True)
class Event:
    """Something that happened.

    Attributes
    ----------
    start, end : Timestamp
        Local times; the same for a moment.
    kind : str
        A word or two, as ``door``.
    note : str
        What else there is to say.
    """

    start: pd.Timestamp
    end: pd.Timestamp
    kind: str
    note: str = ""

    @classmethod
    def of(cls, start: Time, end: Time | None, kind: str, note: str = "") -> Event:
        """Return an event from what a user wrote.

        Raises
        ------
        SettingError
            If a time cannot be read, the event ends before it starts, or has no kind.
        """
        if not str(start).strip():
            raise SettingError("An event needs a time: write it as 2025-01-31 14:05.")
        first = time_of(start)
        last = first if end is None or not str(end).strip() else time_of(end)
        if last < first:
            raise SettingError(f"The event ends ({last}) before it starts ({first}).")
        if not kind.strip():
            raise SettingError(f"The event of {first} has no kind: write a word, as {KINDS[0]}.")
        return cls(first, last, kind.strip(), note.strip())

    @property
    def label(self) -> str:
        """The event in a few words."""
        return f"{self.kind}: {self.note}" if self.note else self.kind


def read_events(path: str | os.PathLike[str]) -> list[Event]:
    """Return the events of a CSV table: ``start`` (or ``time``), ``kind``, and maybe ``end`` and ``note``.

    Raises
    ------
    ReadError
        If it is no such table; the message names the line.
    """
    return events_of_table(path, Path(path).name)


def events_of_table(source: Any, name: str) -> list[Event]:
    """Return the events of a table: a path, or what can be read from; see `read_events`."""
    try:
        table = pd.read_csv(
            source, dtype=str, keep_default_na=False, skipinitialspace=True, sep=None, engine="python"
        )
    except (OSError, ValueError, csv.Error) as error:
        why = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
        raise ReadError(f"The events {name} cannot be read ({why or error}): give a CSV table.") from error
    table.columns = [str(column).strip().lower() for column in table.columns]
    start = next((column for column in _STARTS if column in table), None)
    kind = next((column for column in _KINDS if column in table), None)
    if start is None or kind is None:
        raise ReadError(
            f"The events {name} need columns start and kind, and may have end and note; "
            f"they have {', '.join(table.columns) or 'none':.200}."
        )
    if not table.columns.is_unique:
        twice = table.columns[table.columns.duplicated()][0]
        raise ReadError(f"The events {name} have two columns {twice!r:.40}: take one of them out.")
    events = []
    for line, row in enumerate(table.to_dict("records"), start=2):
        try:
            events.append(
                Event.of(row[start], str(row.get("end", "")), str(row[kind]), str(row.get("note", "")))
            )
        except SettingError as error:
            raise ReadError(f"Line {line} of the events {name}: {error}") from error
    return sorted(events)


def noted_events(log: str) -> list[Event]:
    """Return the events that were noted of a log, by its path or URL; see `note_events`."""
    file = notes_file(log)
    return read_events(file) if file.is_file() else []


def note_events(log: str, events: Sequence[Event]) -> None:
    """Keep the events of a log in place of those noted before.

    They lie in the folder that ``ELLIMAPS_EVENTS`` names, by default ``.ellimaps/events`` in the user's home:
    nothing is written beside a log.

    Raises
    ------
    ExportError
        If they cannot be written.
    """
    rows = [
        (event.start.isoformat(), event.end.isoformat(), event.kind, event.note) for event in sorted(events)
    ]
    write_notes(notes_file(log), table_bytes(rows, COLUMNS))
