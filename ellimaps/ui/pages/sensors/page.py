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
from ellimaps.ui.pages.sensors.compare import compare_tab
from ellimaps.ui.pages.sensors.coverage import coverage_tab
from ellimaps.ui.pages.sensors.empty import empty_page
from ellimaps.ui.pages.sensors.events import events_tab
from ellimaps.ui.pages.sensors.forecast import forecast_tab
from ellimaps.ui.pages.sensors.import_report import import_panel
from ellimaps.ui.pages.sensors.logs import EXAMPLE, allowed_log, logs_below, offered_urls
from ellimaps.ui.pages.sensors.readings import readings_tab
from ellimaps.ui.pages.sensors.relations import relations_tab
from ellimaps.ui.pages.sensors.report import report_panel
from ellimaps.ui.pages.sensors.stability import stability_tab
from ellimaps.ui.pages.sensors.state import SensorsState
from ellimaps.ui.shared.data_root import data_root
from ellimaps.ui.shared.state import kept, page_state
from ellimaps.ui.shared.tasks import page_run, start, work_panel
from ellimaps.ui.shared.widgets import choose_below_root, guarded

_TIME, _VIEW = "sensors_time", "sensors_view"
TABS = {
    "Readings": readings_tab,
    "Data coverage": coverage_tab,
    "Compare": compare_tab,
    "Stability": stability_tab,
    "Anomalies": anomalies_tab,
    "Forecast": forecast_tab,
    "Relations": relations_tab,
    "Events": events_tab,
}


def render() -> None:
    """Show the page."""
    # Who comes from another page has no address of this one: what was looked at last is shown.
    is_from_elsewhere = "work" not in st.query_params
    state = page_state(SensorsState)
    if is_from_elsewhere:
        state.steps.told.clear()
    with page_run(state):
        text = _chosen_log(state)
        work_panel(state)
        if not text:
            empty_page()
            return
        location = allowed_log(text)
        log = _opened(state, location)
        if state.task is None:
            import_panel(state, location, log)
        if log is None:
            return
        state.opened(text)
        _follow(state, location)
        _follow_address(state)
        _header(state, log, text)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            tab = _tab(state)
            log = _without_faults(state, log)
        with guarded():
            TABS[tab](state, log)
        state.steps.write()


def _chosen_log(state: SensorsState) -> str:
    """Show one control to choose what was found or to type a path; what was opened last comes first."""
    return choose_below_root(
        "Log",
        [*state.recent, *offered_urls(), *logs_below(data_root()), EXAMPLE],
        key="sensors_typed",
        placeholder="Choose a log, or type the path of a file or folder below the data root",
    )


def _follow_address(state: SensorsState) -> None:
    """Show the time and the tab of the address where it says others than were put there: a link, or Back."""
    if (time := state.steps.led(_TIME)) is not None:
        state.look_at_interval("".join(time))
    if (view := state.steps.led(_VIEW)) is not None and not state.view:
        state.view = next((name for name in view if name in TABS), next(iter(TABS)))


def _tab(state: SensorsState) -> str:
    """Show the tabs and return the chosen one."""
    if state.view:
        st.session_state["sensors_tab"], state.view = state.view, ""
    names = list(TABS)
    chosen = st.segmented_control(
        "View", names, default=names[0], required=True, label_visibility="collapsed", **kept("sensors_tab")
    )
    state.steps.say(_TIME, *state.interval)
    state.steps.say(_VIEW, *([chosen] if chosen != names[0] else []))
    return str(chosen)


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


def _header(state: SensorsState, log: SensorLog, text: str) -> None:
    st.set_page_config(page_title=f"{text} · Sensors · ellimaps")
    sensors = log.sensors
    sources, regions = (sensors[column].nunique() for column in ("source_id", "region"))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**{counted(len(sensors), 'sensor')}** of {counted(sources, 'source')} in "
            f"{counted(regions, 'region')}, {int(sensors['n'].sum()):,} readings, "
            f"{log.start:%Y-%m-%d} to {log.end:%Y-%m-%d}, {counted(len(log.problems), 'data-quality issue')}",
            width="stretch",
        )
        report_panel(state, log)


def _without_faults(state: SensorsState, log: SensorLog) -> SensorLog:
    """Show the switch that leaves faulty readings out, and return the log as it is to be looked at."""
    faulty = int(log.problems["kind"].isin(FAULTS).sum())
    if not faulty:
        return log
    leave_out = st.toggle(
        f"Leave out faulty readings ({counted(faulty, 'period')})",
        **state.steps.control("sensors_faultless", False),
        help="Those of stuck sensors and of changed units, as Data coverage lists them; they become gaps.",
    )
    return log.faultless if leave_out else log
