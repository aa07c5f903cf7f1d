"""Anomalies: periods in which a sensor does what chance does not explain, each with its reason."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from ellimaps.core.files import csv_bytes
from ellimaps.sensors.analysis.anomalies import find_anomalies
from ellimaps.sensors.analysis.reasons import spoken_name
from ellimaps.sensors.analysis.whole_logs import EVERY
from ellimaps.sensors.movement import LIMIT, limit_in_unit
from ellimaps.sensors.store.logs import SensorLog
from ellimaps.ui.pages.sensors.data import Span, look_at, one_sensor, or_why_not, span_of, unit_of
from ellimaps.ui.pages.sensors.readings import lines_figure, with_gaps
from ellimaps.ui.shared.state import Session, remembered
from ellimaps.ui.shared.tasks import start

_POINTS = 4000


def anomalies_view(state: Session, log: SensorLog) -> None:
    """Show the periods of one sensor."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = one_sensor(log)
        alarms = remembered(
            st.number_input,
            "False alarms per month",
            0.01,
            30.0,
            step=0.5,
            key="sensors_alarms",
            default=1.0,
            width=200,
            help="The threshold: how many periods chance alone may raise in 30 days.",
        )
    unit = unit_of(log, key)
    asked = (log.store.name, key, float(alarms))
    found: pd.DataFrame | str | None = state.memory.get("sensors_anomalies", {}).get(asked)
    if found is None:
        if state.task is None:
            start(
                state,
                "Looking for anomalies",
                or_why_not(lambda on_progress: find_anomalies(
                    log.series(*key, every=EVERY), float(alarms),
                    limit=limit_in_unit(log, key, LIMIT),
                    what=spoken_name(key), unit=unit, on_progress=on_progress,
                )),
                lambda done: state.memory.update({"sensors_anomalies": {asked: done}}),
            )  # fmt: skip
        return
    if isinstance(found, str):
        st.info(found, icon=":material/info:")
        return
    _chart(log, key, found)
    if found.empty:
        st.success("Nothing unusual.", icon=":material/check:")
        return
    st.markdown(
        f"**{len(found)} periods**, the latest first; a score of 2 happens by chance once in 100 months."
    )
    table = found.sort_values("start", ascending=False).reset_index(drop=True)
    event = st.dataframe(
        table[["reason", "start", "end", "score", "detectors"]],
        key="sensors_anomaly_table",
        on_select="rerun",
        selection_mode="single-row",
        hide_index=True,
        height=300,
        column_config={
            "reason": st.column_config.TextColumn(width=500),
            "score": st.column_config.NumberColumn(format="%.1f"),
        },
    )
    rows = event["selection"]["rows"]
    with st.container(horizontal=True):
        if rows and rows[0] < len(table):
            st.button(
                "Look at this period",
                key="sensors_look_anomaly",
                icon=":material/visibility:",
                on_click=_look,
                args=(log, table.iloc[rows[0]]),
            )
        st.download_button(
            "Periods CSV", csv_bytes(table), "anomalies.csv", "text/csv", key="sensors_get_anomalies",
            icon=":material/download:",
        )  # fmt: skip


def _chart(log: SensorLog, key: tuple[str, str, str], found: pd.DataFrame) -> None:
    span = span_of(log)
    rows = log.window(*key, start=span.start, end=span.end, points=_POINTS)
    unit = unit_of(log, key)
    title = key[2].replace("_", " ") + (f" ({unit})" if unit else "")
    figure = lines_figure(with_gaps(rows), title)
    for period in _within(found, span).itertuples():
        _mark(figure, period)
    figure.update_layout(height=340, showlegend=False, dragmode="zoom")
    st.plotly_chart(figure, key="sensors_anomaly_chart", config={"displaylogo": False})


def _within(found: pd.DataFrame, span: Span) -> pd.DataFrame:
    return found[(found["end"] >= span.start) & (found["start"] <= span.end)]


def _mark(figure: Any, period: Any) -> None:
    # A spike is one reading long: drawn as wide as can be seen.
    end = max(period.end, period.start + pd.Timedelta("20min"))
    figure.add_vrect(
        x0=period.start, x1=end, fillcolor="#D55E00", opacity=0.3, line_width=1, line_color="#D55E00"
    )


def _look(log: SensorLog, period: pd.Series) -> None:
    start, end = pd.Timestamp(period["start"]), pd.Timestamp(period["end"])
    room = max(2 * (end - start), pd.Timedelta("6h"))
    look_at(log, Span(start - room, end + room))
