"""Events: what happened in the lab is noted here, drawn in every chart, and compared before and after."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from ellimaps.core.errors import EllimapsError
from ellimaps.sensors.analysis.before_after import BeforeAfter, effects_of
from ellimaps.sensors.events import COLUMNS, KINDS, Event, events_of_table, note_events, noted_events
from ellimaps.sensors.store.logs import SensorLog
from ellimaps.ui.pages.sensors.controls import on_screen, one_sensor
from ellimaps.ui.pages.sensors.state import SensorsState, Span
from ellimaps.ui.shared.cache import BoundedCache
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.tasks import computed
from ellimaps.ui.shared.widgets import csv_download, pick_row

# The last few questions of all users: each asks of one log at a time.
_RESULTS: BoundedCache[list[BeforeAfter] | EllimapsError] = BoundedCache(16)
_WINDOWS = ["24h", "1h", "6h", "3D", "7D"]
# A year of doors; a larger table is not one of events.
_MOST_BYTES_MB = 1


def events_tab(state: SensorsState, log: SensorLog) -> None:
    """Show the form, the events, and what they changed."""
    events = noted_events(state.location)
    _form(state, log)
    if not events:
        st.info(
            "No events are noted of this log yet: a door, a service, a new gas bottle.",
            icon=":material/event:",
        )
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = one_sensor(state, log)
        window = st.selectbox(
            "Before and after",
            _WINDOWS,
            **state.steps.control("sensors_event_window", _WINDOWS[0]),
            width=160,
            help="How long before its start and after its end an event is compared.",
        )
    found = computed(
        state,
        _RESULTS,
        (log.identity, key, window, tuple(events)),
        "Comparing before and after",
        lambda _: effects_of(log, key, events, window),
    )
    if found is not None:
        _table(state, events, found)


def _form(state: SensorsState, log: SensorLog) -> None:
    with (
        st.form("sensors_event", clear_on_submit=True, border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        st.text_input("When", key="sensors_event_start", placeholder=f"{log.end:%Y-%m-%d %H:%M}", width=180)
        st.text_input("Until", key="sensors_event_end", placeholder="at once", width=180)
        st.selectbox("What", KINDS, key="sensors_event_kind", accept_new_options=True, width=160)
        st.text_input("Note", key="sensors_event_note", width=300, max_chars=200)
        st.form_submit_button("Add", icon=":material/add:", on_click=_note, args=(state,))
    with st.expander("Take events from a table", icon=":material/upload_file:"):
        file = st.file_uploader(
            "CSV with start, kind, and maybe end and note",
            type=["csv", "txt"],
            key="sensors_event_file",
            max_upload_size=_MOST_BYTES_MB,
        )
        if file is not None and st.button("Add these", key="sensors_add_events", icon=":material/add:"):
            new = events_of_table(file, file.name)
            note_events(state.location, sorted({*noted_events(state.location), *new}))
            st.rerun()


def _note(state: SensorsState) -> None:
    said = {name: str(st.session_state[f"sensors_event_{name}"] or "") for name in COLUMNS}
    try:
        event = Event.of(said["start"], said["end"], said["kind"], said["note"])
        note_events(state.location, [*noted_events(state.location), event])
    except EllimapsError as error:
        state.message = str(error)


def _table(state: SensorsState, events: list[Event], found: list[BeforeAfter]) -> None:
    changed = sum(one.verdict == "changed" for one in found)
    st.markdown(
        f"**{changed} of {len(events)} events changed this sensor**; of events that do nothing, one in "
        "twenty is said to."
    )
    columns = ["start", "end", "kind", "note", "verdict", "before", "after", "change", "p", "days"]
    table = pd.DataFrame([one.facts() for one in found])[columns]
    table = table.assign(start=pd.to_datetime(table["start"]), end=pd.to_datetime(table["end"]))
    number = st.column_config.NumberColumn
    row = pick_row(
        table,
        key="sensors_event_table",
        # Ten rows; more are scrolled.
        height=min(38 + 36 * len(table), 400),
        column_config={
            **{name: number(format="%.2f") for name in ("before", "after", "change")},
            "p": number(
                format="%.3f", help="Its rank among the days compared with, at the same time of day."
            ),
            "days": number("days compared with"),
        },
    )
    with st.container(horizontal=True):
        if row is not None:
            event = events[row]
            st.button(
                "Look at this event",
                key="sensors_look_event",
                icon=":material/visibility:",
                on_click=_look,
                args=(state, event),
            )
            st.button(
                "Remove it",
                key="sensors_remove_event",
                icon=":material/delete:",
                on_click=note_events,
                args=(state.location, [one for one in events if one is not event]),
            )
        csv_download("Events CSV", "events.csv", table, key="sensors_get_events")
    for one in found:
        st.caption(escaped(on_screen(one.sentence)))


def _look(state: SensorsState, event: Event) -> None:
    state.look_at(Span(event.start, event.end).widened(pd.Timedelta("12h")))
    state.view = "Readings"
