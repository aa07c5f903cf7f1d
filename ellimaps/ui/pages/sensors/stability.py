"""How stable the temperature was: a verdict with its evidence, a calendar, and the worst periods."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from ellimaps.core.errors import EllimapsError
from ellimaps.sensors.stability import Stability, stability_of
from ellimaps.sensors.store.filters import SensorFilters
from ellimaps.sensors.store.logs import SensorLog
from ellimaps.sensors.verdict import StabilityVerdict, verdict_of
from ellimaps.ui.pages.sensors.calendar import calendar_panel
from ellimaps.ui.pages.sensors.controls import (
    key_of,
    limit_field,
    query_of,
    readable,
    sensor_filter,
    span_controls,
)
from ellimaps.ui.pages.sensors.state import SensorsState, Span
from ellimaps.ui.shared.cache import BoundedCache
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.tasks import computed
from ellimaps.ui.shared.widgets import csv_download, pick_row

# The last few questions of all users: each asks of one log at a time.
_RESULTS: BoundedCache[Stability | EllimapsError] = BoundedCache(16)


def stability_tab(state: SensorsState, log: SensorLog) -> None:
    """Show how long which sensor was out of limit."""
    chosen = sensor_filter(state, log)
    span = span_controls(state, log)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        limit = limit_field(
            state,
            log,
            key_of(chosen.iloc[0]),
            "May move by",
            "sensors_limit",
            "How far the value may move within the window: as range, and as slope times the window.",
        )
        windows = ["1h", "15min", "30min", "2h", "6h", "24h"]
        window = st.selectbox(
            "Within", windows, **state.steps.control("sensors_window", windows[0]), width=140
        )
    found = computed(
        state,
        _RESULTS,
        (log.identity, tuple(chosen.index), span, limit, window),
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
        _result(state, log, found, span)


def _result(state: SensorsState, log: SensorLog, found: Stability, span: Span) -> None:
    if found.sensors.empty:
        st.info("Too little was read in this time to say: zoom out.", icon=":material/search_off:")
        return
    _verdict(verdict_of(log, found, span.start, span.end))
    shown = found.sensors.drop(columns=["clock"])
    number, share = st.column_config.NumberColumn, st.column_config.ProgressColumn
    st.dataframe(
        readable(shown),
        key="sensors_stability_table",
        hide_index=True,
        height="content",
        column_config={
            "share out": share(format="percent", min_value=0.0, max_value=1.0),
            **{name: number(format="%.1f") for name in ("hours known", "hours out", "hours steep")},
            **{name: number(format="%.2f") for name in ("largest range", "steepest slope (per h)")},
        },
    )
    csv_download("Sensors CSV", "stability.csv", found.sensors, key="sensors_get_stability", type="tertiary")
    calendar_panel(state, found)
    csv_download("Days CSV", "days.csv", found.days, key="sensors_get_days", type="tertiary")
    st.markdown("#### Worst periods")
    # The worst come first: nobody reads further than this, and the CSV has all.
    row = pick_row(
        readable(found.periods.head(500).rename(columns={"hours": "length (h)"})),
        key="sensors_periods",
        height=240,
        column_config={
            "length (h)": st.column_config.NumberColumn(format="%.1f"),
            **{name: st.column_config.NumberColumn(format="%.2f") for name in ("range", "slope (per h)")},
        },
    )
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


def _verdict(verdict: StabilityVerdict) -> None:
    show = {"kept": st.success, "left": st.warning, "not known": st.info}[verdict.answer]
    show(f"**{escaped(verdict.sentence)}**", icon=":material/thermostat:")
    st.markdown("\n".join(f"- **{what}**: {escaped(text)}" for what, text in verdict.evidence.items()))


def _look(state: SensorsState, span: Span) -> None:
    state.look_at(span)
    state.view = "Readings"
