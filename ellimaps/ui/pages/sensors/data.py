"""The open log and what is shown of it: which sensors, and from when to when."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

import pandas as pd
import streamlit as st

from ellimaps.core.errors import EllimapsError, ReadError
from ellimaps.core.progress import Progress
from ellimaps.sensors.conditions import temperature_sensors
from ellimaps.sensors.store.logs import KEY, SensorLog
from ellimaps.sensors.store.units import unit_text
from ellimaps.ui.shared.data_root import folders_from, inside_root
from ellimaps.ui.shared.state import remembered, session

LOGS_VARIABLE = "ELLIMAPS_SENSOR_LOGS"
Key = tuple[str, str, str]
Result = TypeVar("Result")
_SUFFIXES = (".csv", ".tsv", ".txt", ".parquet")
_MOST_FOUND = 40
_FOLDERS_SEARCHED = 300


@dataclass(frozen=True)
class Span:
    """From when to when, both included."""

    start: pd.Timestamp
    end: pd.Timestamp

    @property
    def length(self) -> pd.Timedelta:
        """How long."""
        return self.end - self.start


def allowed_log(text: str) -> str:
    """Return the path or URL of a log that may be opened.

    Paths must lie below the data root; URLs must be among those that ``ELLIMAPS_SENSOR_LOGS`` names, as the
    server's credentials would open any.

    Raises
    ------
    ReadError
        If it may not.
    """
    if "://" in text:
        if text.strip() not in offered_urls():
            raise ReadError(
                f"{text.strip():.200} is not among the URLs this workbench may open: name it in "
                f"{LOGS_VARIABLE} (separated by spaces) where ellimaps app is started."
            )
        return text.strip()
    return str(inside_root(text))


def offered_urls() -> list[str]:
    """Return the URLs that whoever runs the workbench allows."""
    return os.environ.get(LOGS_VARIABLE, "").split()


def logs_below(root: Path) -> list[str]:
    """Return tables below a folder that may be logs, nearest first, as text; the search is bounded."""
    found: list[str] = []
    for folder in islice(folders_from(root), _FOLDERS_SEARCHED):
        if len(found) >= _MOST_FOUND:
            break
        try:
            files = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
        except OSError:
            continue
        found += [path.relative_to(root).as_posix() for path in files if path.is_file()]
    return found[:_MOST_FOUND]


def open_logs() -> dict[str, SensorLog]:
    """Return the logs this user has opened, by what was typed."""
    logs: dict[str, SensorLog] = session().memory.setdefault("sensors_logs", {})
    return logs


def sensor_filter(log: SensorLog) -> pd.DataFrame:
    """Show the filters and return the sensors chosen; all sources of the first temperature by default."""
    names = list(log.sensors["sensor_name"].astype(str).unique())
    first = temperature_sensors(log.sensors)["sensor_name"].astype(str)
    if len(first):
        names = [first.iloc[0], *(name for name in names if name != first.iloc[0])]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = remembered(
            st.selectbox, "Sensor", options=names, key="sensors_name", default=names[0], width=260
        )
        table = log.sensors[log.sensors["sensor_name"] == name]
        table = _among(table, "region", "Regions", "All regions")
        return _among(table, "source_id", "Sources", "All sources")


def one_sensor(
    log: SensorLog,
    label: str = "Sensor",
    key: str = "sensors_one",
    first: Callable[[Key], bool] | None = None,
) -> Key:
    """Show a choice of one sensor and return it.

    Parameters
    ----------
    log : SensorLog
        The log.
    label, key : str
        Of the control.
    first : callable, optional
        Which sensors to offer first, among temperatures and among the rest, which come after them.
    """
    temperatures = temperature_sensors(log.sensors)
    parts = (temperatures, log.sensors.drop(temperatures.index))
    keys = [
        one
        for part in parts
        for one in sorted(
            (key_of(row) for _, row in part.iterrows()), key=lambda one: not (first and first(one))
        )
    ]
    labels = {" / ".join(one): one for one in keys}
    chosen = remembered(
        st.selectbox, label, options=list(labels), key=key, default=next(iter(labels)), width=420
    )
    return labels[str(chosen)]


def or_why_not(work: Callable[[Progress], Result]) -> Callable[[Progress], Result | str]:
    """Return work that gives the sentence of an error as its result, so that the view stays and asks once."""

    def attempt(on_progress: Progress) -> Result | str:
        try:
            return work(on_progress)
        except EllimapsError as error:
            return str(error)

    return attempt


def key_of(row: pd.Series) -> Key:
    """Return region, source and name of a sensor's row."""
    region, source, name = (str(row[column]) for column in KEY)
    return region, source, name


def unit_of(log: SensorLog, key: Key) -> str:
    """Return the unit of a sensor as sentences have it, or nothing."""
    return unit_text(str(log.chosen(*key)["unit"].iloc[0]))


def span_of(log: SensorLog) -> Span:
    """Return the time that is looked at: all of the log until the user zooms."""
    found: Span | None = session().memory.get("sensors_span")
    return found or whole(log)


def whole(log: SensorLog) -> Span:
    """Return the time of the log."""
    return Span(log.start, log.end)


def look_at(log: SensorLog, span: Span | None) -> None:
    """Look at another time, within the log; None for all of it."""
    memory = session().memory
    # A chart's selection lives as long as its key: the next one begins without.
    memory["sensors_turn"] = memory.get("sensors_turn", 0) + 1
    if span is None:
        memory["sensors_span"] = None
        return
    all_of_it = whole(log)
    length = min(max(span.length, pd.Timedelta("1min")), all_of_it.length)
    start = min(max(span.start, all_of_it.start), all_of_it.end - length)
    memory["sensors_span"] = Span(start, start + length)


def span_controls(log: SensorLog) -> Span:
    """Show buttons that move and zoom, and return the time that is looked at."""
    span = span_of(log)
    with st.container(horizontal=True, vertical_alignment="center", key="sensors_span_bar"):
        _button("Earlier", ":material/chevron_left:", log, _shifted(span, -0.5))
        _button("Later", ":material/chevron_right:", log, _shifted(span, 0.5))
        _button("Zoom in", ":material/zoom_in:", log, _scaled(span, 0.5))
        _button("Zoom out", ":material/zoom_out:", log, _scaled(span, 2.0))
        _button("Last day", ":material/today:", log, Span(log.end - pd.Timedelta("1D"), log.end))
        _button("Whole log", ":material/fit_width:", log, None)
        st.caption(f"{span.start:%Y-%m-%d %H:%M} to {span.end:%Y-%m-%d %H:%M}")
    return span


def _button(label: str, icon: str, log: SensorLog, span: Span | None) -> None:
    key = f"sensors_{label.lower().replace(' ', '_')}"
    st.button(label, icon=icon, key=key, on_click=look_at, args=(log, span))


def _shifted(span: Span, share: float) -> Span:
    return Span(span.start + share * span.length, span.end + share * span.length)


def _scaled(span: Span, factor: float) -> Span:
    middle = span.start + span.length / 2
    return Span(middle - factor * span.length / 2, middle + factor * span.length / 2)


def _among(table: pd.DataFrame, column: str, label: str, all_of_them: str) -> pd.DataFrame:
    options = sorted(table[column].astype(str).unique())
    if len(options) < 2:
        return table
    chosen = remembered(
        st.multiselect, label, options=options, key=f"sensors_{column}", default=[], placeholder=all_of_them
    )
    return table[table[column].isin(chosen)] if chosen else table
