"""What comes next: a forecast with its interval, the baseline beside it, and how well both did before."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from ellimaps.core.errors import EllimapsError
from ellimaps.core.numbers import spoken, titled
from ellimaps.sensors.analysis.forecast import Forecast, forecast
from ellimaps.sensors.analysis.whole_logs import EVERY
from ellimaps.sensors.movement import limit_in_unit
from ellimaps.sensors.store.logs import SensorLog
from ellimaps.ui.pages.sensors.controls import Key, limit_field, one_sensor, unit_of
from ellimaps.ui.pages.sensors.event_marks import event_rules, events_in
from ellimaps.ui.pages.sensors.state import SensorsState, Span
from ellimaps.ui.shared.cache import BoundedCache
from ellimaps.ui.shared.charts import show_chart
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.tasks import computed

# The last few questions of all users: each asks of one log at a time.
_RESULTS: BoundedCache[Forecast | EllimapsError] = BoundedCache(16)


def forecast_tab(state: SensorsState, log: SensorLog) -> None:
    """Show the forecast of one sensor."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = one_sensor(log)
        horizons = st.multiselect(
            "Horizons",
            ["1h", "6h", "24h", "72h"],
            ["1h", "6h", "24h"],
            **kept("sensors_horizons"),
        )
        limit = limit_field(
            log,
            key,
            "Warn beyond ±",
            "sensors_warn",
            "Of what the sensor reads now: the forecast tells when it will be further away than that.",
        )
    if not horizons:
        st.caption("Choose how far ahead.")
        return
    found = computed(
        state,
        _RESULTS,
        (log.identity, key, tuple(horizons), limit),
        "Forecasting",
        lambda on_progress: forecast(
            log.series(*key, every=EVERY),
            horizons,
            limit=limit_in_unit(log, key, limit),
            unit=unit_of(log, key),
            on_progress=on_progress,
        ),
    )
    if found is not None:
        _result(state, found, key, unit_of(log, key))


def _result(state: SensorsState, found: Forecast, key: Key, unit: str) -> None:
    if found.warning:
        st.warning(escaped(found.warning), icon=":material/warning:")
    else:
        st.success(
            f"The forecast and its interval stay within {found.now:.2f} ± {found.limit:g} {escaped(unit)}.",
            icon=":material/check:",
        )
    shown = Span(found.recent.index[0], found.recent.index[-1])
    chart = forecast_chart(found, titled(spoken(key[2]), unit or "no unit"))
    show_chart(chart + event_rules(events_in(state, shown)))
    st.markdown("#### How well it did before")
    st.dataframe(found.horizons, key="sensors_horizon_table", hide_index=True, height="content")
    st.caption(
        "Back-test with a rolling origin. mase: mean absolute error over that of the seasonal naive forecast "
        "(yesterday at this time) at the same horizon; below 1 is better. coverage: share of readings inside "
        "the 80 % interval."
    )


def forecast_chart(found: Forecast, title: str) -> Any:
    """Draw the last two days, the forecast with its interval, the baseline and the limit."""
    recent = found.recent.rename("value").rename_axis("time").reset_index()
    ahead = found.table.rename_axis("time").reset_index()
    lines = pd.concat(
        [
            recent.assign(what="measured"),
            ahead[["time", "value"]].assign(what="forecast"),
            ahead[["time", "seasonal_naive"]]
            .rename(columns={"seasonal_naive": "value"})
            .assign(what="yesterday"),
        ]
    )
    x = alt.X("time:T", title="local time", axis=alt.Axis(format="%d %b %H:%M", labelOverlap=True))
    y = alt.Y("value:Q", title=title, scale=alt.Scale(zero=False))
    names = ["measured", "forecast", "yesterday", f"now ± {found.limit:g}"]
    color = alt.Color(
        "what:N", title=None,
        scale=alt.Scale(domain=names, range=["#0072B2", "#D55E00", "#8A8A8A", "#B00020"]),
        legend=alt.Legend(orient="top"),
    )  # fmt: skip
    band = alt.Chart(ahead).mark_area(opacity=0.22, color="#D55E00").encode(x=x, y="low:Q", y2="high:Q")
    limits = pd.DataFrame({"value": [found.now - found.limit, found.now + found.limit], "what": names[-1]})
    rules = alt.Chart(limits).mark_rule(strokeDash=[5, 4]).encode(y="value:Q", color=color)
    drawn = (
        alt.Chart(lines)
        .mark_line(strokeWidth=1.6)
        .encode(
            x=x,
            y=y,
            color=color,
            tooltip=[
                "what",
                alt.Tooltip("time:T", format="%d %b %H:%M"),
                alt.Tooltip("value:Q", format=".3f"),
            ],
        )
    )
    return alt.layer(band, rules, drawn).properties(height=360)
