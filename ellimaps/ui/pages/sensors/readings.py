"""Readings over time: drag to zoom, spikes stay visible, and one line per sensor of the group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from ellimaps.core.colors import CLUSTER_COLORS
from ellimaps.core.numbers import counted, spoken, titled
from ellimaps.sensors.lines import lines_of
from ellimaps.sensors.store.logs import KEY, SensorLog
from ellimaps.ui.pages.sensors.controls import query_of, readable, sensors_filter, span_controls
from ellimaps.ui.pages.sensors.event_marks import events_in, mark_events
from ellimaps.ui.pages.sensors.state import SensorsState, Span
from ellimaps.ui.shared.widgets import csv_download

# Readings so far from the middle half, in its widths, and so few of them, are at the edge of the chart. A day
# out of a quiet month is 3 %; of noise alone one reading in 10^40 lies so far out.
_FAR, _FEW = 10.0, 0.05
_OUTSIDE = CLUSTER_COLORS[3]
# Of the chart's height: enough for two labels of axes.
_BETWEEN = 0.06
# Every line has a color of its own; more cannot be told apart.
_MOST_LINES = 24


def readings_tab(state: SensorsState, log: SensorLog) -> None:
    """Show the chosen sensors in the time that is looked at."""
    chosen = sensors_filter(state, log)
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
    panels = list(_panels(table, chosen))
    figure = lines_figure(panels)
    mark_events(figure, events_in(state, span))
    what = f"{' and '.join(title for title, _ in panels)} of {counted(len(chosen), 'sensor')} over time"
    show_lines(state, figure, "sensors_lines", what)
    drawn_csv(table)
    st.caption(
        "Drag over the chart to look closer. Of every stretch of time the lowest and highest readings are "
        "drawn, so spikes stay visible; few readings far out are marked at the edge. Legend: a click hides, "
        "a double click isolates."
    )
    with st.expander("Statistics of this time", icon=":material/table:"):
        numbers = log.statistics(*query_of(chosen), start=span.start, end=span.end)
        numbers = _of_these(numbers, chosen)
        st.dataframe(readable(numbers), key="sensors_statistics", hide_index=True, height="content")
        csv_download("Statistics CSV", "statistics.csv", numbers, key="sensors_get_statistics")


def lines_figure(panels: Sequence[tuple[str, pd.DataFrame]]) -> Any:
    """Draw one line per sensor, its gaps as gaps, and a panel per axis; all share time and cursor.

    Parameters
    ----------
    panels : sequence of (str, DataFrame)
        Title of the axis, and readings as `lines_of` returns them.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    height = (1 - _BETWEEN * (len(panels) - 1)) / len(panels)
    number = 0
    for panel, (title, table) in enumerate(panels):
        axis = "y" if panel == 0 else f"y{panel + 1}"
        top = 1 - panel * (height + _BETWEEN)
        for key, rows in table.groupby(list(KEY), observed=True, sort=False):
            # As SVG: by WebGL the same lines take ten times as long where no graphics card draws them.
            figure.add_trace(
                go.Scatter(
                    x=rows["time"],
                    y=rows["value"],
                    yaxis=axis,
                    name=escape(" / ".join(spoken(str(part)) for part in key if part), quote=False),
                    mode="lines",
                    line={"width": 1.3, "color": CLUSTER_COLORS[number % len(CLUSTER_COLORS)]},
                    connectgaps=False,
                    hovertemplate="%{y:.4g}<extra>%{fullData.name}</extra>",
                )
            )
            number += 1
        bounds = robust_range(table["value"])
        figure.update_layout(
            {
                axis.replace("y", "yaxis"): {
                    "title": escape(title, quote=False),
                    "domain": [max(top - height, 0.0), top],
                    "anchor": "x",
                    "range": bounds,
                }
            }
        )
        if bounds is not None:
            figure.add_trace(_beyond(table, bounds, axis))
    plot = 370 if len(panels) == 1 else 60 + 230 * len(panels)
    figure.update_layout(
        height=plot + 85,
        margin={"l": 60, "r": 10, "t": 20, "b": 40},
        dragmode="select",
        selectdirection="h",
        hovermode="x unified",
        hoversubplots="axis",
        showlegend=True,
        # Below the labels and the title of the axis of time, however high the chart is.
        legend={
            "orientation": "h",
            "y": -75 / plot,
            "yanchor": "top",
            "itemclick": "toggle",
            "itemdoubleclick": "toggleothers",
        },
        xaxis={
            "title": "local time",
            "anchor": axis,
            "hoverformat": "%Y-%m-%d %H:%M:%S",
            "showspikes": True,
            "spikemode": "across",
            "spikethickness": 1,
        },
    )
    return figure


def robust_range(values: pd.Series) -> list[float] | None:
    """Return an axis that few readings far out do not flatten; None where all of them may have their place.

    Parameters
    ----------
    values : Series
        Readings of a panel.
    """
    low, high = values.quantile(0.25), values.quantile(0.75)
    reach = _FAR * (high - low)
    outside = ~values.dropna().between(float(low - reach), float(high + reach))
    if not outside.any() or outside.mean() > _FEW:
        return None
    inside = values.dropna()[~outside]
    margin = 0.08 * float(inside.max() - inside.min())
    return [float(inside.min()) - margin, float(inside.max()) + margin]


def _beyond(table: pd.DataFrame, bounds: list[float], axis: str) -> Any:
    """Return marks at the edge of a panel for the readings beyond it."""
    import plotly.graph_objects as go

    rows = table[(table["value"] < bounds[0]) | (table["value"] > bounds[1])]
    is_above = rows["value"] > bounds[1]
    return go.Scatter(
        x=rows["time"],
        y=is_above.map({True: bounds[1], False: bounds[0]}),
        yaxis=axis,
        mode="markers",
        marker={
            "symbol": is_above.map({True: "triangle-up", False: "triangle-down"}).tolist(),
            "size": 8,
            "color": _OUTSIDE,
        },
        name="beyond the axis",
        showlegend=False,
        text=[f"{value:.4g}" for value in rows["value"]],
        hovertemplate="%{text}<extra>beyond the axis</extra>",
    )


def show_lines(state: SensorsState, figure: Any, key: str, alt: str) -> None:
    """Show a chart over time; who drags over it looks closer, in every tab.

    Parameters
    ----------
    state : SensorsState
        Of the page and user.
    figure : plotly.graph_objects.Figure
        The chart.
    key : str
        Of the chart, before the number of the zoom.
    alt : str
        What a screen reader says of it.
    """
    event = st.plotly_chart(
        figure,
        alt=alt,
        key=f"{key}_{state.zooms}",
        on_select="rerun",
        selection_mode="box",
        config={"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d"]},
    )
    _zoom(state, event)


def drawn_csv(table: pd.DataFrame) -> None:
    """Offer the readings of a chart over time as a file, as they are drawn.

    Parameters
    ----------
    table : DataFrame
        As `lines_of` returns it.
    """
    csv_download(
        "Readings CSV",
        "readings.csv",
        table.dropna(subset="value"),
        key="sensors_get_readings",
        type="tertiary",
        help="As drawn: of every stretch of time the lowest and the highest reading, all of them close up.",
    )


def _window(log: SensorLog, chosen: pd.DataFrame, span: Span) -> pd.DataFrame:
    return _of_these(lines_of(log, *query_of(chosen), start=span.start, end=span.end), chosen)


def _of_these(table: pd.DataFrame, chosen: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of chosen sensors; others may share their regions, sources and names."""
    wanted = set(zip(*(chosen[column].astype(str) for column in KEY), strict=True))
    found = zip(*(table[column].astype(str) for column in KEY), strict=True)
    return table[[key in wanted for key in found]]


def _panels(table: pd.DataFrame, chosen: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Return a panel for every unit, with the title of its axis."""
    for unit, sensors in chosen.groupby("unit", sort=False):
        names = list(dict.fromkeys(spoken(str(name)) for name in sensors["sensor_name"]))
        title = names[0] if len(names) == 1 else f"{len(names)} sensors"
        if len(rows := _of_these(table, sensors)):
            yield titled(title, str(unit)), rows


def _zoom(state: SensorsState, event: Any) -> None:
    boxes = event["selection"]["box"] if event else []
    if not boxes:
        return
    low, high = sorted(pd.Timestamp(value) for value in boxes[0]["x"])
    if high > low:
        state.look_at(Span(low.tz_localize(None), high.tz_localize(None)))
        st.rerun()
