"""The Sensors page: is the room stable, was it, what was unusual, and what comes next."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import streamlit as st

from ellimaps.core.errors import ReadError
from ellimaps.core.numbers import counted
from ellimaps.sensors.store.locations import state_of
from ellimaps.sensors.store.logs import FAULTS, SensorLog, open_log
from ellimaps.sensors.store.options import FROM_THE_LOG
from ellimaps.ui.pages.sensors.anomalies import anomalies_tab
from ellimaps.ui.pages.sensors.coverage import coverage_tab
from ellimaps.ui.pages.sensors.events import events_tab
from ellimaps.ui.pages.sensors.forecast import forecast_tab
from ellimaps.ui.pages.sensors.import_report import import_panel
from ellimaps.ui.pages.sensors.logs import allowed_log, logs_below, offered_urls
from ellimaps.ui.pages.sensors.readings import readings_tab
from ellimaps.ui.pages.sensors.relations import relations_tab
from ellimaps.ui.pages.sensors.stability import stability_tab
from ellimaps.ui.pages.sensors.state import SensorsState
from ellimaps.ui.shared.data_root import data_root
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import kept, page_state
from ellimaps.ui.shared.tasks import page_run, start, work_panel
from ellimaps.ui.shared.widgets import choose_below_root, choose_tab, guarded

TABS = {
    "Readings": readings_tab,
    "Data coverage": coverage_tab,
    "Stability": stability_tab,
    "Anomalies": anomalies_tab,
    "Forecast": forecast_tab,
    "Relations": relations_tab,
    "Events": events_tab,
}


def render() -> None:
    """Show the page."""
    state = page_state(SensorsState)
    with page_run(state):
        text = _chosen_log()
        work_panel(state)
        if not text:
            _empty()
            return
        location = allowed_log(text)
        log = _opened(state, location)
        if state.task is None:
            import_panel(state, location, log)
        if log is None:
            return
        _follow(state, location)
        _header(log)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            if state.view:
                st.session_state["sensors_view"], state.view = state.view, ""
            tab = choose_tab(list(TABS), key="sensors_view")
            log = _without_faults(log)
        with guarded():
            TABS[tab](state, log)


def _chosen_log() -> str:
    with st.container(horizontal=True, vertical_alignment="bottom", key="sensors_open"):
        return choose_below_root(
            "Log",
            ["", *offered_urls(), *logs_below(data_root())],
            key="sensors",
            placeholder="sensors/log.csv",
            typed_label="Or a file or folder below the data root",
            format_func=lambda name: name or "Choose a log",
        )


def _empty() -> None:
    st.info(
        f"Choose a log of temperatures (CSV or Parquet, or a folder of such) below {escaped(data_root())}: "
        "`region, source_id, sensor_name, datetime, sensor_value, UTCOffset`, or `timestamp, value`, or a "
        "column per sensor. `ellimaps sample sensors DIR` makes one to try.",
        icon=":material/thermostat:",
    )


def _opened(state: SensorsState, location: str) -> SensorLog | None:
    options = state.said.get(location, FROM_THE_LOG)
    is_open = (state.location, state.options) == (location, options)
    if state.task is None and (_has_changed(state, location) if is_open else not state.message):
        # Also of what cannot be read: it is tried again when it changes.
        state.seen = state_of(location)
        read = partial(open_log, location, options=options)
        start(
            state,
            "Reading the log",
            lambda on_progress: read(on_progress),
            partial(state.open, location, options),
        )
    return state.log if is_open else None


# Loggers write a line a minute, or every few seconds; looking takes a millisecond.
@st.fragment(run_every=5)
def _follow(state: SensorsState, location: str) -> None:
    if state.task is None and _has_changed(state, location):
        st.rerun()


def _has_changed(state: SensorsState, location: str) -> bool:
    # To ask a cloud every few seconds costs; and a log that is being replaced is not there for a moment.
    with suppress(ReadError):
        return "://" not in location and state_of(location) != state.seen
    return False


def _header(log: SensorLog) -> None:
    sensors = log.sensors
    st.markdown(
        f"**{len(sensors):,} sensors** of {sensors['source_id'].nunique():,} sources in "
        f"{sensors['region'].nunique():,} regions, {int(sensors['n'].sum()):,} readings, "
        f"{log.start:%Y-%m-%d} to {log.end:%Y-%m-%d}, {counted(len(log.problems), 'data-quality issue')}"
    )


def _without_faults(log: SensorLog) -> SensorLog:
    """Show the switch that leaves faulty readings out, and return the log as it is to be looked at."""
    faulty = int(log.problems["kind"].isin(FAULTS).sum())
    if not faulty:
        return log
    leave_out = st.toggle(
        f"Leave out faulty readings ({counted(faulty, 'period')})",
        **kept("sensors_faultless", address=True),
        help="Those of stuck sensors and of changed units, as Data coverage lists them; they become gaps.",
    )
    return log.faultless if leave_out else log
