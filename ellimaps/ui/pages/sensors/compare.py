"""Compare: two rooms on one axis, their difference, and both by hour of day."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from ellimaps.core.colors import CLUSTER_COLORS
from ellimaps.core.errors import EllimapsError
from ellimaps.core.numbers import titled
from ellimaps.sensors.analysis.differences import Difference, difference_of
from ellimaps.sensors.conditions import temperature_sensors
from ellimaps.sensors.store.logs import KEY, SensorLog
from ellimaps.sensors.store.times import length_text
from ellimaps.ui.pages.sensors.controls import Key, key_of, one_sensor, span_controls
from ellimaps.ui.pages.sensors.event_marks import events_in, mark_events
from ellimaps.ui.pages.sensors.readings import lines_figure, show_lines
from ellimaps.ui.pages.sensors.state import SensorsState
from ellimaps.ui.shared.cache import BoundedCache
from ellimaps.ui.shared.charts import show_chart
from ellimaps.ui.shared.tasks import computed
from ellimaps.ui.shared.widgets import csv_download

# The last few questions of all users: each asks of one log at a time.
_RESULTS: BoundedCache[Difference | EllimapsError] = BoundedCache(16)


def compare_tab(state: SensorsState, log: SensorLog) -> None:
    """Show two sensors and their difference in the time that is looked at."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        a = one_sensor(state, log, "Sensor A", "sensors_compared_a")
        first = _partner(log, a)
        b = one_sensor(state, log, "Sensor B", "sensors_compared_b", lambda key: key == first)
    span = span_controls(state, log)
    if a == b:
        st.info("Choose two different sensors to compare them.", icon=":material/compare_arrows:")
        return
    found = computed(
        state,
        _RESULTS,
        (log.identity, a, b, span),
        "Comparing",
        lambda _: difference_of(log, a, b, span.start, span.end),
    )
    if found is not None:
        _result(state, found, a, b)


def _partner(log: SensorLog, key: Key) -> Key:
    """Return the sensor of the same name elsewhere, else another temperature."""
    temperatures = [key_of(row) for _, row in temperature_sensors(log.sensors).iterrows()]
    others = [other for other in temperatures if other != key]
    return next((other for other in others if other[2] == key[2]), next(iter(others), key))


def _result(state: SensorsState, found: Difference, a: Key, b: Key) -> None:
    table = found.table.reset_index()
    both = pd.concat([_line(table, "a", a), _line(table, "b", b)], ignore_index=True)
    difference = _line(table, "difference", ("", "", "A - B"))
    both_title, title = titled("A and B", found.unit), titled("A - B", found.unit)
    figure = lines_figure([(both_title, both), (title, difference)])
    mark_events(figure, events_in(state, state.span))
    show_lines(state, figure, "sensors_compared", "Two sensors over time, and their difference")
    csv_download("Difference CSV", "difference.csv", table, key="sensors_get_difference", type="tertiary")
    st.caption(f"Means of {length_text(found.step)}. Drag over the chart to look closer.")
    left, right = st.columns(2)
    with left:
        show_chart(_hours_chart(found, {"a": "A", "b": "B"}), alt="Both sensors by hour of day")
    with right:
        show_chart(_difference_chart(found, title), alt="Their difference by hour of day")
    csv_download(
        "By hour of day CSV",
        "difference_by_hour.csv",
        found.by_hour,
        key="sensors_get_hours",
        type="tertiary",
    )


def _line(table: pd.DataFrame, column: str, key: Key) -> pd.DataFrame:
    rows = table[["time", column]].rename(columns={column: "value"})
    return rows.assign(**dict(zip(KEY, key, strict=True)))


def _hours_chart(found: Difference, names: dict[str, str]) -> Any:
    """Draw the medians of both by hour of day."""
    rows = found.by_hour.melt("hour", list(names), var_name="which", value_name="value")
    colors = alt.Scale(domain=list(names.values()), range=list(CLUSTER_COLORS[:2]))
    return (
        alt.Chart(rows.assign(sensor=rows["which"].map(names)))
        .mark_line(point=True)
        .encode(
            x=alt.X("hour:Q", title="hour of day (local time)", scale=alt.Scale(domain=[0, 23])),
            y=alt.Y("value:Q", title=titled("median", found.unit), scale=alt.Scale(zero=False)),
            color=alt.Color("sensor:N", title=None, scale=colors, legend=alt.Legend(orient="top")),
            tooltip=["sensor", "hour", alt.Tooltip("value:Q", format=".4g")],
        )
        .properties(height=240)
    )


def _difference_chart(found: Difference, title: str) -> Any:
    """Draw the median of the difference by hour of day, and its middle 80 %."""
    base = alt.Chart(found.by_hour).properties(height=240)
    x = alt.X("hour:Q", title="hour of day (local time)", scale=alt.Scale(domain=[0, 23]))
    y = alt.Y("p10:Q", title=title, scale=alt.Scale(zero=False))
    tips = ["hour", *(alt.Tooltip(f"{name}:Q", format=".3g") for name in ("difference", "p10", "p90")), "n"]
    return alt.layer(
        base.mark_area(opacity=0.25).encode(x=x, y=y, y2="p90:Q"),
        base.mark_line(point=True).encode(x=x, y="difference:Q", tooltip=tips),
    )
