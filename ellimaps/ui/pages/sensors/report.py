"""The page as one HTML file: verdict, charts, anomalies, events, in the time that is looked at."""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial

import streamlit as st

from ellimaps.sensors.events import noted_events
from ellimaps.sensors.judgements import noted_judgements
from ellimaps.sensors.report_page import log_report
from ellimaps.sensors.store.filters import SensorFilters
from ellimaps.sensors.store.logs import SensorLog
from ellimaps.ui.pages.sensors.state import SensorsState
from ellimaps.ui.shared.tasks import start
from ellimaps.ui.shared.widgets import download


def report_panel(state: SensorsState, log: SensorLog) -> None:
    """Show a button that makes the report of what is looked at, and then one that saves it."""
    span, events, judgements = state.span, noted_events(state.location), noted_judgements(state.location)
    of = (log.identity, span, tuple(events), tuple(judgements))
    if state.report is not None and state.report[0] == of:
        page = state.report[1]
        download("Save the report", "sensors.html", lambda: page.encode(), key="sensors_get_report")
    elif st.button(
        "Report",
        icon=":material/description:",
        key="sensors_report",
        help="All sensors in this time as one HTML page: verdict, charts, anomalies and events.",
    ):
        start(
            state,
            "Writing the report",
            lambda on_progress: log_report(
                log,
                SensorFilters(start=span.start, end=span.end),
                events,
                judgements,
                on_progress=on_progress,
            ),
            partial(_keep, state, of),
        )


def _keep(state: SensorsState, of: Hashable, page: str) -> None:
    state.report = (of, page)
