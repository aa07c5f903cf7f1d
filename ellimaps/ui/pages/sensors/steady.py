"""How stable the temperature was: time out of limit, the worst periods, and a calendar."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from ellimaps.core.files import csv_bytes
from ellimaps.sensors.stability import Stability, stability_of
from ellimaps.sensors.store.filters import SensorFilters
from ellimaps.sensors.store.logs import KEY, SensorLog
from ellimaps.ui.pages.sensors.data import Span, look_at, or_why_not, sensor_filter, span_controls
from ellimaps.ui.shared.state import Session, remembered
from ellimaps.ui.shared.tasks import start

_WINDOWS = ("1h", "15min", "30min", "2h", "6h", "24h")
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MOST_PERIODS = 500


def stability_view(state: Session, log: SensorLog) -> None:
    """Show how long which sensor was out of limit."""
    chosen = sensor_filter(log)
    span = span_controls(log)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        limit = remembered(
            st.number_input, "Limit (°C)", 0.01, 100.0, step=0.1, key="sensors_limit", default=0.5, width=140,
            help="How far the value may move within the window: as range, and as slope times the window.",
        )  # fmt: skip
        window = remembered(
            st.selectbox,
            "Within",
            options=list(_WINDOWS),
            key="sensors_window",
            default=_WINDOWS[0],
            width=140,
        )
    asked = (log.store.name, tuple(chosen.index), span, float(limit), str(window))
    found: Stability | str | None = state.memory.get("sensors_stability", {}).get(asked)
    if found is None:
        if state.task is None:
            start(
                state,
                "Comparing with the limit",
                or_why_not(lambda on_progress: stability_of(
                    log, SensorFilters(
                        sorted(chosen["region"].astype(str).unique()),
                        sorted(chosen["source_id"].astype(str).unique()),
                        str(chosen["sensor_name"].iloc[0]), span.start, span.end,
                    ), limit=float(limit), window=str(window), on_progress=on_progress,
                )),
                lambda done: state.memory.update({"sensors_stability": {asked: done}}),
            )  # fmt: skip
        return
    if isinstance(found, str):
        st.info(found, icon=":material/info:")
        return
    _result(log, found)


def _result(log: SensorLog, found: Stability) -> None:
    if found.sensors.empty:
        st.info("Too little was read in this time to say: zoom out.", icon=":material/search_off:")
        return
    out = found.sensors["hours_out"].sum() / max(found.sensors["hours"].sum(), 1e-9)
    limit, window = found.settings["limit"], found.settings["window"]
    sentence = f"**{out:.1%} of the time out of limit** (more than {limit:g} °C within {window})."
    (st.success if out < 0.01 else st.warning)(sentence, icon=":material/thermostat:")
    st.dataframe(
        found.sensors,
        key="sensors_stability_table",
        hide_index=True,
        height="content",
        column_config={
            "hours": st.column_config.NumberColumn("hours known", format="%.1f"),
            "hours_out": st.column_config.NumberColumn("hours out", format="%.1f"),
            "share_out": st.column_config.ProgressColumn(
                "share out", format="percent", min_value=0.0, max_value=1.0
            ),
            "largest_range": st.column_config.NumberColumn("largest range", format="%.2f"),
            "hours_steep": st.column_config.NumberColumn("hours steep", format="%.1f"),
            "steepest_slope": st.column_config.NumberColumn("steepest slope (per h)", format="%.2f"),
        },
    )
    st.markdown("#### Calendar")
    st.altair_chart(calendar_chart(found.calendar("share_out")))
    st.markdown("#### Worst periods")
    worst = found.periods.head(_MOST_PERIODS)
    event = st.dataframe(
        worst,
        key="sensors_periods",
        on_select="rerun",
        selection_mode="single-row",
        hide_index=True,
        height=240,
    )
    rows = event["selection"]["rows"]
    with st.container(horizontal=True):
        if rows and rows[0] < len(worst):
            st.button(
                "Look at this period", key="sensors_look", icon=":material/visibility:", on_click=_look,
                args=(log, worst.iloc[rows[0]]),
            )  # fmt: skip
        else:
            st.caption("Click the box at the left of a row to look at it.")
        st.download_button(
            "Periods CSV", csv_bytes(found.periods), "periods.csv", "text/csv", key="sensors_get_periods",
            icon=":material/download:",
        )  # fmt: skip
        st.download_button(
            "Days CSV", csv_bytes(found.days), "days.csv", "text/csv", key="sensors_get_days",
            icon=":material/download:",
        )  # fmt: skip


def calendar_chart(calendar: pd.DataFrame) -> Any:
    """Draw a field per day, week by week, for every sensor."""
    region, source, name = (calendar[column].astype(str) for column in KEY)
    table = calendar.assign(
        sensor=region + " / " + source + " / " + name,
        day_name=[_WEEKDAYS[number] for number in calendar["weekday"]],
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
                "day_name:O",
                title=None,
                sort=list(_WEEKDAYS),
                axis=alt.Axis(labelOverlap=False, labelFontSize=10),
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


def _look(log: SensorLog, period: pd.Series) -> None:
    start, end = pd.Timestamp(period["start"]), pd.Timestamp(period["end"])
    room = max(end - start, pd.Timedelta("2h"))
    look_at(log, Span(start - room, end + room))
    st.session_state["sensors_view"] = "Readings"
