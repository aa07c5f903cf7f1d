"""The Sensors page: is the room stable, was it, what was unusual, and what comes next."""

from __future__ import annotations

from functools import partial

import streamlit as st

from ellimaps.sensors.store.logs import SensorLog, open_log
from ellimaps.ui.pages.sensors.cards import cards_view
from ellimaps.ui.pages.sensors.coverage import coverage_view
from ellimaps.ui.pages.sensors.data import allowed_log, logs_below, offered_urls, open_logs
from ellimaps.ui.pages.sensors.outlook import forecast_view
from ellimaps.ui.pages.sensors.readings import readings_view
from ellimaps.ui.pages.sensors.steady import stability_view
from ellimaps.ui.pages.sensors.unusual import anomalies_view
from ellimaps.ui.shared.data_root import data_root
from ellimaps.ui.shared.state import Session, remembered, session
from ellimaps.ui.shared.tasks import settle, start, task_panel
from ellimaps.ui.shared.widgets import guarded

_VIEWS = ("Readings", "Coverage", "Stability", "Anomalies", "Forecast", "Why")
_NONE = ""


def render() -> None:
    """Show the page."""
    state = session()
    settle(state)
    with guarded():
        text = _chosen_log()
        if state.task is not None:
            task_panel(state)
        if state.message:
            st.warning(state.message, icon=":material/warning:")
            state.message = ""
            return
        if not text:
            _empty()
            return
        log = _opened(state, text)
        if log is None:
            return
        _header(log)
        view = remembered(
            st.segmented_control, "View", options=list(_VIEWS), key="sensors_view", default=_VIEWS[0],
            required=True, label_visibility="collapsed",
        )  # fmt: skip
        with guarded():
            _show(state, log, str(view))


def _show(state: Session, log: SensorLog, view: str) -> None:
    if view == "Coverage":
        coverage_view(log)
    elif view == "Stability":
        stability_view(state, log)
    elif view == "Anomalies":
        anomalies_view(state, log)
    elif view == "Forecast":
        forecast_view(state, log)
    elif view == "Why":
        cards_view(state, log)
    else:
        readings_view(log)


def _chosen_log() -> str:
    found = [_NONE, *offered_urls(), *logs_below(data_root())]
    with st.container(horizontal=True, vertical_alignment="bottom", key="sensors_open"):
        chosen = remembered(
            st.selectbox, "Log", options=found, key="sensors_found", default=_NONE,
            format_func=lambda name: name or "Choose a log",
        )  # fmt: skip
        typed = remembered(
            st.text_input, "Or a file or folder below the data root", key="sensors_typed", default="",
            placeholder="sensors/log.csv",
        )  # fmt: skip
    return str(typed).strip() or str(chosen)


def _empty() -> None:
    st.info(
        f"Choose a log of temperatures (CSV or Parquet, or a folder of such) below {data_root()}: "
        "`region, source_id, sensor_name, datetime, sensor_value, UTCOffset`, or `timestamp, value`, or a "
        "column per sensor. `ellimaps sample sensors DIR` makes one to try.",
        icon=":material/thermostat:",
    )


def _opened(state: Session, text: str) -> SensorLog | None:
    logs = open_logs()
    place = allowed_log(text)
    if place not in logs:
        if state.task is None:
            start(state, "Reading the log", partial(open_log, place), partial(_keep, place))
        return None
    if state.memory.get("sensors_shown") != place:
        state.memory |= {"sensors_shown": place, "sensors_span": None}
    return logs[place]


def _keep(place: str, log: SensorLog) -> None:
    logs = open_logs()
    logs.clear()
    logs[place] = log


def _header(log: SensorLog) -> None:
    sensors = log.sensors
    st.markdown(
        f"**{len(sensors):,} sensors** of {sensors['source_id'].nunique():,} sources in "
        f"{sensors['region'].nunique():,} regions, {int(sensors['n'].sum()):,} readings, "
        f"{log.start:%Y-%m-%d} to {log.end:%Y-%m-%d}, {len(log.problems):,} problems"
    )
