"""The calendar of good and bad days: a click on one opens it."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from ellimaps.core.colors import NO_DATA_COLOR
from ellimaps.core.numbers import spoken
from ellimaps.sensors.stability import GRADES, Stability
from ellimaps.ui.pages.sensors.controls import sensor_names
from ellimaps.ui.pages.sensors.state import SensorsState, Span
from ellimaps.ui.shared.charts import show_chart

# Good is blue and bad goes from yellow to dark red: told apart in lightness, and with every color blindness.
_COLORS = (NO_DATA_COLOR, "#9ECAE1", "#FED976", "#FD8D3C", "#A50F15")
# In pixels: as large as is easily met, and a year within the page at a window of 900.
_LARGEST_DAY, _ALL_WEEKS = 24, 760
# Of a day's width, between two of them.
_GAP = 0.08


def calendar_panel(state: SensorsState, found: Stability) -> None:
    """Show the calendar; a click on a day, or its date beside, opens the day in Readings."""
    days = found.graded_days()
    st.markdown("#### Calendar")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.caption(
            "Of every day the sensor that was worst. A click on a day opens its readings.", width="content"
        )
        first, last = days["day"].iloc[0].date(), days["day"].iloc[-1].date()
        st.date_input(
            "Open a day",
            None,
            min_value=first,
            max_value=last,
            key=f"sensors_day_{state.zooms}",
            on_change=_open_typed,
            args=(state,),
            width=160,
        )
    event = show_chart(
        calendar_chart(days),
        alt="Calendar of days within and out of limit",
        width="content",
        on_select="rerun",
        selection_mode="day",
        key=f"sensors_calendar_{state.zooms}",
    )
    clicked = event["selection"].get("day") if event else None
    if clicked:
        _open(state, pd.Timestamp(clicked[0]["date"]))
        st.rerun()


def calendar_chart(days: pd.DataFrame) -> Any:
    """Draw a field per day, week by week, of one size however long the log is."""
    weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    table = days.assign(
        sensor=sensor_names(days).map(spoken),
        date=days["day"].dt.strftime("%Y-%m-%d"),
        week=days["week"].dt.strftime("%Y-%m-%d"),
        day_name=[weekdays[number] for number in days["weekday"]],
        percent=100 * days["share_out"].clip(lower=0),
    ).drop(columns="day")
    weeks = pd.date_range(days["week"].min(), days["week"].max(), freq="7D").strftime("%Y-%m-%d").tolist()
    size = max(4, min(_LARGEST_DAY, _ALL_WEEKS // len(weeks)))
    chosen = alt.selection_point(name="day", fields=["date"])
    return (
        alt.Chart(table)
        .mark_rect(cursor="pointer")
        .encode(
            x=alt.X(
                "week:O",
                title="week from",
                scale=alt.Scale(domain=weeks, paddingInner=_GAP),
                axis=alt.Axis(labelAngle=-45, labelOverlap="parity"),
            ),
            y=alt.Y(
                "day_name:O", title=None, scale=alt.Scale(domain=weekdays, paddingInner=_GAP), sort=weekdays
            ),
            color=alt.Color(
                "grade:N",
                title=None,
                scale=alt.Scale(domain=list(GRADES), range=list(_COLORS)),
                legend=alt.Legend(orient="top", columns=5, labelLimit=0, symbolSize=140),
            ),
            tooltip=[
                "date",
                alt.Tooltip("grade", title="day"),
                alt.Tooltip("percent:Q", title="% out", format=".1f"),
                alt.Tooltip("hours:Q", title="hours known", format=".1f"),
                "sensor",
            ],
        )
        .add_params(chosen)
        .properties(width=alt.Step(size), height=alt.Step(min(size, 18)))
    )


def _open_typed(state: SensorsState) -> None:
    if (day := st.session_state[f"sensors_day_{state.zooms}"]) is not None:
        _open(state, pd.Timestamp(day))


def _open(state: SensorsState, day: pd.Timestamp) -> None:
    state.look_at(Span(day, day + pd.Timedelta("1D")))
    state.view = "Readings"
