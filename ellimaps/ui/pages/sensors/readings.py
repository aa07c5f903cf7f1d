"""Readings over time: drag to zoom, spikes stay visible, and one line per sensor of the group."""

from __future__ import annotations

from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from ellimaps.core.colors import CLUSTER_COLORS
from ellimaps.core.numbers import shown_unit, spoken, titled
from ellimaps.sensors.lines import lines_of
from ellimaps.sensors.store.logs import KEY, SensorLog
from ellimaps.ui.pages.sensors.controls import (
    key_of,
    query_of,
    readable,
    sensor_filter,
    span_controls,
    unit_of,
)
from ellimaps.ui.pages.sensors.event_marks import events_in, mark_events
from ellimaps.ui.pages.sensors.state import SensorsState, Span

# Every line has a color of its own; more cannot be told apart.
_MOST_LINES = 24


def readings_tab(state: SensorsState, log: SensorLog) -> None:
    """Show the chosen sensors in the time that is looked at."""
    chosen = sensor_filter(log)
    span = span_controls(state, log)
    if len(chosen) > _MOST_LINES:
        st.caption(
            f"The first {_MOST_LINES} of {len(chosen)} sensors: filter by region or source for others."
        )
        chosen = chosen.iloc[:_MOST_LINES]
    table = _window(log, chosen, span)
    if table.empty:
        st.info("Nothing was read in this time: zoom out.", icon=":material/search_off:")
        return
    figure = lines_figure(table, _axis_title(log, chosen))
    mark_events(figure, events_in(state, span))
    event = st.plotly_chart(
        figure,
        alt=f"{_axis_title(log, chosen)} of {len(chosen)} sensors over time",
        key=f"sensors_lines_{state.zooms}",
        on_select="rerun",
        selection_mode="box",
        config={"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d"]},
    )
    _zoom(state, event)
    st.caption(
        "Drag over the chart to look closer. Of every stretch of time the lowest and highest readings are "
        "drawn, so spikes stay visible. Legend: a click hides, a double click isolates."
    )
    with st.expander("Statistics of this time", icon=":material/table:"):
        numbers = log.statistics(*query_of(chosen), start=span.start, end=span.end)
        st.dataframe(readable(numbers), key="sensors_statistics", hide_index=True, height="content")


def lines_figure(table: pd.DataFrame, axis_title: str) -> Any:
    """Draw one line per sensor; its gaps stay gaps."""
    import plotly.graph_objects as go

    figure = go.Figure()
    groups = table.groupby(list(KEY), observed=True, sort=False)
    for number, (key, rows) in enumerate(groups):
        region, source, _ = (str(part) for part in key)
        figure.add_trace(
            go.Scattergl(
                x=rows["time"],
                y=rows["value"],
                name=escape(f"{region} / {source}", quote=False),
                mode="lines",
                line={"width": 1.3, "color": CLUSTER_COLORS[number % len(CLUSTER_COLORS)]},
                connectgaps=False,
                hovertemplate="%{x|%Y-%m-%d %H:%M:%S}<br>%{y:.4g}<extra>%{fullData.name}</extra>",
            )
        )
    figure.update_layout(
        height=430,
        margin={"l": 60, "r": 10, "t": 20, "b": 40},
        dragmode="select",
        selectdirection="h",
        showlegend=True,
        legend={"orientation": "h", "y": -0.14, "itemclick": "toggle", "itemdoubleclick": "toggleothers"},
        xaxis={"title": "local time"},
        yaxis={"title": escape(axis_title, quote=False)},
    )
    return figure


def _window(log: SensorLog, chosen: pd.DataFrame, span: Span) -> pd.DataFrame:
    table = lines_of(log, *query_of(chosen), start=span.start, end=span.end)
    wanted = set(zip(*(chosen[column].astype(str) for column in KEY), strict=True))
    found = zip(*(table[column].astype(str) for column in KEY), strict=True)
    return table[[key in wanted for key in found]]


def _axis_title(log: SensorLog, chosen: pd.DataFrame) -> str:
    units = sorted({unit for _, row in chosen.iterrows() if (unit := unit_of(log, key_of(row)))})
    return titled(spoken(str(chosen["sensor_name"].iloc[0])), ", ".join(map(shown_unit, units)))


def _zoom(state: SensorsState, event: Any) -> None:
    boxes = event["selection"]["box"] if event else []
    if not boxes:
        return
    low, high = sorted(pd.Timestamp(value) for value in boxes[0]["x"])
    if high > low:
        state.look_at(Span(low.tz_localize(None), high.tz_localize(None)))
        st.rerun()
