"""Anomalies: periods in which a sensor does what chance does not explain, each with its reason."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from ellimaps.core.errors import EllimapsError
from ellimaps.core.numbers import spoken, titled
from ellimaps.sensors.analysis.anomalies import find_anomalies
from ellimaps.sensors.analysis.reasons import spoken_name
from ellimaps.sensors.analysis.whole_logs import EVERY
from ellimaps.sensors.lines import lines_of
from ellimaps.sensors.movement import LIMIT, limit_in_unit
from ellimaps.sensors.store.logs import SensorLog
from ellimaps.ui.pages.sensors.controls import Key, one_sensor, unit_of
from ellimaps.ui.pages.sensors.event_marks import events_in, mark_events
from ellimaps.ui.pages.sensors.readings import lines_figure
from ellimaps.ui.pages.sensors.state import SensorsState, Span
from ellimaps.ui.shared.cache import BoundedCache
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.tasks import computed
from ellimaps.ui.shared.widgets import csv_download, number_field, pick_row

# The last few questions of all users: each asks of one log at a time.
_RESULTS: BoundedCache[pd.DataFrame | EllimapsError] = BoundedCache(16)


def anomalies_tab(state: SensorsState, log: SensorLog) -> None:
    """Show the periods of one sensor."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = one_sensor(log)
        alarms = number_field(
            "False alarms per month",
            0.01,
            30.0,
            1.0,
            0.5,
            **kept("sensors_alarms"),
            width=200,
            help="The threshold: how many periods chance alone may raise in 30 days.",
        )
    found = computed(
        state,
        _RESULTS,
        (log.identity, key, alarms),
        "Looking for anomalies",
        lambda on_progress: find_anomalies(
            log.series(*key, every=EVERY),
            alarms,
            limit=limit_in_unit(log, key, LIMIT),
            what=spoken_name(key),
            unit=unit_of(log, key),
            resolution=log.resolution(*key),
            on_progress=on_progress,
        ),
    )
    if found is not None:
        _chart(state, log, key, found)
        _periods(state, found)


def _periods(state: SensorsState, found: pd.DataFrame) -> None:
    if found.empty:
        st.success("Nothing unusual.", icon=":material/check:")
        return
    st.markdown(
        f"**{len(found)} periods**, the latest first; a score of 2 happens by chance once in 100 months."
    )
    table = found.sort_values("start", ascending=False).reset_index(drop=True)
    row = pick_row(
        table[["reason", "start", "end", "score", "detectors"]],
        key="sensors_anomaly_table",
        height=300,
        column_config={
            "reason": st.column_config.TextColumn(width=500),
            "score": st.column_config.NumberColumn(format="%.1f"),
        },
    )
    with st.container(horizontal=True):
        if row is not None:
            period = Span(table["start"].iloc[row], table["end"].iloc[row])
            st.button(
                "Look at this period",
                key="sensors_look_anomaly",
                icon=":material/visibility:",
                on_click=state.look_at,
                args=(period.widened(pd.Timedelta("6h"), 2),),
            )
        csv_download("Periods CSV", "anomalies.csv", table, key="sensors_get_anomalies")


def _chart(state: SensorsState, log: SensorLog, key: Key, found: pd.DataFrame) -> None:
    span = state.span
    rows = lines_of(log, *key, start=span.start, end=span.end)
    title = titled(spoken(key[2]), unit_of(log, key))
    figure = lines_figure(rows, title)
    for period in found[(found["end"] >= span.start) & (found["start"] <= span.end)].itertuples():
        _mark(figure, period)
    mark_events(figure, events_in(state, span))
    figure.update_layout(height=340, showlegend=False, dragmode="zoom")
    alt = f"{title} over time, the unusual periods marked"
    st.plotly_chart(figure, key="sensors_anomaly_chart", config={"displaylogo": False}, alt=alt)


def _mark(figure: Any, period: Any) -> None:
    # A spike is one reading long: drawn as wide as can be seen.
    end = max(period.end, period.start + pd.Timedelta("20min"))
    figure.add_vrect(
        x0=period.start, x1=end, fillcolor="#D55E00", opacity=0.3, line_width=1, line_color="#D55E00"
    )
