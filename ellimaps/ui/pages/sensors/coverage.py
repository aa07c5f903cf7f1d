"""When which sensor reported, how values spread over day, week and year, and what is wrong with them."""

from __future__ import annotations

from typing import Any, Literal

import altair as alt
import pandas as pd
import streamlit as st

from ellimaps.core.numbers import counted, spoken, titled
from ellimaps.sensors.store.logs import SensorLog
from ellimaps.ui.pages.sensors.controls import one_sensor, readable, sensor_names, unit_of
from ellimaps.ui.pages.sensors.event_marks import event_rules, events_in
from ellimaps.ui.pages.sensors.state import SensorsState, Span
from ellimaps.ui.shared.charts import show_chart
from ellimaps.ui.shared.widgets import csv_download

_PERIODS: dict[str, Literal["hour", "weekday", "month"]] = {
    "Hour of day": "hour",
    "Weekday": "weekday",
    "Month": "month",
}


# Between the ends of viridis in lightness, and without its color.
_CHANGES_ONLY = "#8A8A8A"
# Two screens high; each has a line of its own.
_MOST_SENSORS = 60


def coverage_tab(state: SensorsState, log: SensorLog) -> None:
    """Show coverage, distributions and problems."""
    st.markdown("#### When which sensor reported")
    rules = event_rules(events_in(state, Span(log.start, log.end)))
    coverage = log.coverage(240)
    names = sensor_names(coverage).map(spoken)
    drawn = names.unique()[:_MOST_SENSORS]
    if len(drawn) < names.nunique():
        st.caption(f"The first {len(drawn)} of {names.nunique()} sensors; the CSV has all.")
    chart = coverage_chart(coverage[names.isin(drawn)]) + rules
    show_chart(chart, alt="When which sensor reported, in percent of what is expected")
    csv_download("Coverage CSV", "coverage.csv", coverage, key="sensors_get_coverage", type="tertiary")
    if coverage["share"].isna().any():
        st.caption("Gray: these sensors tell changes only, so no number of readings is expected.")
    st.markdown("#### Distribution")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = one_sensor(state, log, key="sensors_profile_of")
        by = st.segmented_control(
            "By",
            list(_PERIODS),
            default="Hour of day",
            **state.steps.control("sensors_by", "Hour of day"),
            required=True,
        )
    period = _PERIODS[by]
    title = titled(spoken(key[2]), unit_of(log, key) or "no unit")
    profile = log.profile(period, *key)
    show_chart(distribution_chart(profile, period, title))
    csv_download(
        "Distribution CSV", f"{key[2]}_by_{period}.csv", profile, key="sensors_get_profile", type="tertiary"
    )
    _problems(log)


def coverage_chart(coverage: pd.DataFrame) -> Any:
    """Draw a bar where a sensor reported; the color says how much of what was expected."""
    table = coverage.assign(sensor=sensor_names(coverage).map(spoken), percent=100 * coverage["share"])
    n = table["sensor"].nunique()
    return (
        alt.Chart(table)
        .mark_bar()
        .encode(
            x=alt.X("start:T", title="local time", axis=alt.Axis(format="%d %b %Y", labelOverlap=True)),
            x2="end:T",
            y=alt.Y("sensor:N", title=None, axis=alt.Axis(labelLimit=260, labelOverlap=False)),
            color=alt.condition(
                "isValid(datum.percent)",
                alt.Color(
                    "percent:Q",
                    title="% of expected",
                    scale=alt.Scale(scheme="viridis", reverse=True, domain=[0, 100]),
                ),
                alt.value(_CHANGES_ONLY),
            ),
            tooltip=[
                "sensor",
                alt.Tooltip("start:T", format="%Y-%m-%d %H:%M"),
                alt.Tooltip("n:Q", title="readings"),
                alt.Tooltip("percent:Q", title="% of expected", format=".0f"),
            ],
        )
        .properties(height=max(110, 22 * n + 90))
    )


def distribution_chart(profile: pd.DataFrame, by: str, title: str) -> Any:
    """Draw the median with the middle half and the middle 80 % of the values."""
    names = {
        "weekday": ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
        "month": ["", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    }.get(by)
    labels = (
        [names[number] for number in profile[by]] if names else [f"{number:02d}" for number in profile[by]]
    )
    table = profile.assign(when=labels)
    x = alt.X(
        "when:O",
        title={"hour": "hour of day (local time)"}.get(by, by),
        sort=labels,
        axis=alt.Axis(labelAngle=0),
    )
    y = alt.Y("p10:Q", title=title, scale=alt.Scale(zero=False))
    base = alt.Chart(table)
    tips = [
        "when",
        *(alt.Tooltip(f"{name}:Q", format=".4g") for name in ("p10", "p25", "median", "p75", "p90")),
        "n",
    ]
    return alt.layer(
        base.mark_bar(size=4, opacity=0.35).encode(x=x, y=y, y2="p90:Q", tooltip=tips),
        base.mark_bar(size=14, opacity=0.75).encode(x=x, y="p25:Q", y2="p75:Q", tooltip=tips),
        base.mark_tick(color="black", size=18, thickness=2).encode(x=x, y="median:Q", tooltip=tips),
    ).properties(height=280)


def _problems(log: SensorLog) -> None:
    problems = log.problems
    with st.expander(counted(len(problems), "data-quality issue"), icon=":material/report:"):
        if problems.empty:
            st.caption("No duplicates, gaps, jumps of unit or stuck sensors.")
            return
        # A table of more rows is slow to show; the CSV has all.
        st.dataframe(readable(problems.head(1000)), key="sensors_problems", hide_index=True)
        csv_download(
            "Data-quality issues CSV", "data-quality-issues.csv", problems, key="sensors_get_problems"
        )
