"""How stable the temperature was: time out of limit, the worst periods, and a calendar."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from ellimaps.core.errors import EllimapsError
from ellimaps.core.numbers import spoken
from ellimaps.sensors.stability import Stability, stability_of
from ellimaps.sensors.store.filters import SensorFilters
from ellimaps.sensors.store.logs import SensorLog
from ellimaps.ui.pages.sensors.controls import (
    limit_field,
    query_of,
    sensor_filter,
    sensor_names,
    span_controls,
)
from ellimaps.ui.pages.sensors.state import SensorsState, Span
from ellimaps.ui.shared.cache import BoundedCache
from ellimaps.ui.shared.charts import show_chart
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.tasks import computed
from ellimaps.ui.shared.widgets import csv_download, pick_row

# The last few questions of all users: each asks of one log at a time.
_RESULTS: BoundedCache[Stability | EllimapsError] = BoundedCache(16)


def stability_tab(state: SensorsState, log: SensorLog) -> None:
    """Show how long which sensor was out of limit."""
    chosen = sensor_filter(log)
    span = span_controls(state, log)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        limit = limit_field(
            help="How far the value may move within the window: as range, and as slope times the window."
        )
        windows = ["1h", "15min", "30min", "2h", "6h", "24h"]
        window = st.selectbox("Within", windows, **kept("sensors_window"), width=140)
    found = computed(
        state,
        _RESULTS,
        (log.store.name, tuple(chosen.index), span, limit, window),
        "Comparing with the limit",
        lambda on_progress: stability_of(
            log,
            SensorFilters(*query_of(chosen), span.start, span.end),
            limit=limit,
            window=window,
            on_progress=on_progress,
        ),
    )
    if found is not None:
        _result(state, found)


def _result(state: SensorsState, found: Stability) -> None:
    if found.sensors.empty:
        st.info("Too little was read in this time to say: zoom out.", icon=":material/search_off:")
        return
    out = found.sensors["hours_out"].sum() / max(found.sensors["hours"].sum(), 1e-9)
    limit, window = found.settings["limit"], found.settings["window"]
    sentence = f"**{out:.1%} of the time out of limit** (more than {limit:g} °C within {window})."
    (st.success if out < 0.01 else st.warning)(sentence, icon=":material/thermostat:")
    number, share = st.column_config.NumberColumn, st.column_config.ProgressColumn
    st.dataframe(
        found.sensors,
        key="sensors_stability_table",
        hide_index=True,
        height="content",
        column_config={
            "hours": number("hours known", format="%.1f"),
            "hours_out": number("hours out", format="%.1f"),
            "share_out": share("share out", format="percent", min_value=0.0, max_value=1.0),
            "largest_range": number("largest range", format="%.2f"),
            "hours_steep": number("hours steep", format="%.1f"),
            "steepest_slope": number("steepest slope (per h)", format="%.2f"),
        },
    )
    st.markdown("#### Calendar")
    show_chart(calendar_chart(found.calendar("share_out")))
    st.markdown("#### Worst periods")
    # The worst come first: nobody reads further than this, and the CSV has all.
    row = pick_row(found.periods.head(500), key="sensors_periods", height=240)
    with st.container(horizontal=True):
        if row is not None:
            period = found.periods.iloc[row]
            st.button(
                "Look at this period",
                key="sensors_look",
                icon=":material/visibility:",
                on_click=_look,
                args=(state, Span(period["start"], period["end"]).widened(pd.Timedelta("2h"))),
            )
        else:
            st.caption("Click the box at the left of a row to look at it.")
        csv_download("Periods CSV", "periods.csv", found.periods, key="sensors_get_periods")
        csv_download("Days CSV", "days.csv", found.days, key="sensors_get_days")


def _look(state: SensorsState, span: Span) -> None:
    state.look_at(span)
    st.session_state["sensors_view"] = "Readings"


def calendar_chart(calendar: pd.DataFrame) -> Any:
    """Draw a field per day, week by week, for every sensor."""
    weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    table = calendar.assign(
        sensor=sensor_names(calendar).map(spoken),
        day_name=[weekdays[number] for number in calendar["weekday"]],
    )
    chart = (
        alt.Chart(table)
        .mark_rect(stroke="white", strokeWidth=1)
        .encode(
            x=alt.X(
                "yearmonthdate(week):O",
                title=None,
                axis=alt.Axis(format="%d %b %Y", labelAngle=-45, labelOverlap=True),
            ),
            y=alt.Y(
                "day_name:O", title=None, sort=weekdays, axis=alt.Axis(labelOverlap=False, labelFontSize=10)
            ),
            color=alt.Color(
                "value:Q",
                title="share out of limit",
                scale=alt.Scale(scheme="orangered", domain=[0, 1]),
                legend=alt.Legend(format=".0%", orient="top"),
            ),
            tooltip=[
                "sensor",
                alt.Tooltip("day:T", format="%a %Y-%m-%d"),
                alt.Tooltip("value:Q", title="out", format=".1%"),
            ],
        )
        .properties(height=130, width="container")
    )
    if table["sensor"].nunique() == 1:
        return chart
    return chart.properties(width=1000).facet(
        row=alt.Row(
            "sensor:N", title=None, header=alt.Header(labelAngle=0, labelAlign="left", labelOrient="top")
        )
    )
