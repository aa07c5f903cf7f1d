"""Alerts: what a watch over the open log tells."""

from __future__ import annotations

import streamlit as st

from ellimaps.core.errors import EllimapsError
from ellimaps.core.numbers import spoken
from ellimaps.sensors.movement import LIMIT, WINDOW
from ellimaps.sensors.store.logs import SensorLog
from ellimaps.sensors.watching.alerts import Alerts, WatchSettings, note_alerts, noted_alerts
from ellimaps.ui.pages.sensors.controls import on_screen
from ellimaps.ui.pages.sensors.state import SensorsState
from ellimaps.ui.shared.markdown import escaped

_WINDOWS = ("15min", "30min", "1h", "2h", "6h", "24h")


def alerts_panel(state: SensorsState, log: SensorLog) -> None:
    """Show what is to be told of the log, to be changed."""
    noted = noted_alerts(state.location)
    told = f"Alerts: {on_screen(noted.sentence)}" if noted else "Alerts: none"
    with st.expander(escaped(told), icon=":material/notifications:"):
        st.caption(
            "What `ellimaps sensors watch LOG --notify TARGET` tells, where it is started without limits of "
            "its own; one that runs follows. The target is named there: a page must not run commands."
        )
        with st.form("sensors_alerts", border=False):
            _fields(log, noted or Alerts(WatchSettings(LIMIT, WINDOW)))
            st.form_submit_button("Save alerts", icon=":material/save:", on_click=_save, args=(state,))


def _fields(log: SensorLog, alerts: Alerts) -> None:
    asked = alerts.settings
    names = list(log.sensors["sensor_name"].astype(str).unique())
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.checkbox("Movements", asked.limit is not None, key="sensors_alert_moves", width="content")
        st.number_input(
            "beyond (°C; others: their unit)",
            value=asked.limit or LIMIT,
            step=0.1,
            key="sensors_alert_limit",
            width=210,
        )
        windows = list(dict.fromkeys([asked.window, *_WINDOWS]))
        st.selectbox("within", windows, key="sensors_alert_window", width=120)
        st.checkbox("Anomalies", asked.anomalies, key="sensors_alert_anomalies", width="content")
        st.number_input(
            "False alarms per month",
            value=asked.false_alarms_per_month,
            step=0.5,
            key="sensors_alert_rate",
            width=190,
        )
        st.multiselect(
            "Sensors",
            names,
            [name for name in alerts.sensor_names if name in names],
            format_func=spoken,
            key="sensors_alert_names",
            placeholder="All temperatures",
        )


def _save(state: SensorsState) -> None:
    said = {name: st.session_state[f"sensors_alert_{name}"] for name in _CONTROLS}
    try:
        if not said["moves"] and not said["anomalies"]:
            note_alerts(state.location, None)
            return
        limit = said["limit"] if said["moves"] else None
        settings = WatchSettings(limit, said["window"], said["anomalies"], said["rate"])
        note_alerts(state.location, Alerts(settings, tuple(said["names"])))
    except EllimapsError as error:
        state.message = str(error)


_CONTROLS = ("moves", "limit", "window", "anomalies", "rate", "names")
