"""What comes next: a forecast with its interval, the baseline beside it, and how well both did before."""

from __future__ import annotations

from functools import partial
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from ellimaps.core.errors import EllimapsError, SettingError
from ellimaps.core.numbers import spoken, titled
from ellimaps.core.progress import Progress
from ellimaps.sensors.analysis.forecast import Forecast, LastDay, forecast, last_day
from ellimaps.sensors.analysis.whole_logs import EVERY
from ellimaps.sensors.movement import limit_in_unit
from ellimaps.sensors.store.logs import SensorLog
from ellimaps.ui.pages.sensors.controls import Key, limit_field, on_screen, one_sensor, unit_of
from ellimaps.ui.pages.sensors.event_marks import event_rules, events_in
from ellimaps.ui.pages.sensors.state import SensorsState, Span
from ellimaps.ui.shared.cache import BoundedCache
from ellimaps.ui.shared.charts import show_chart
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.tasks import computed
from ellimaps.ui.shared.widgets import csv_download

# The last few questions of all users: each asks of one log at a time.
_RESULTS: BoundedCache[tuple[Forecast, LastDay | str] | EllimapsError] = BoundedCache(16)
# Less is rounding.
_A_PERCENT = 0.01


def forecast_tab(state: SensorsState, log: SensorLog) -> None:
    """Show the forecast of one sensor."""
    usual = ["1h", "6h", "24h"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = one_sensor(state, log)
        horizons = st.multiselect(
            "Horizons",
            ["1h", "6h", "24h", "72h"],
            usual,
            **state.steps.control("sensors_horizons", usual),
        )
        limit = limit_field(
            state,
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
        partial(_forecasts, log, key, horizons, limit),
    )
    if found is not None:
        _result(state, *found, titled(spoken(key[2]), unit_of(log, key) or "no unit"), unit_of(log, key))


def _forecasts(
    log: SensorLog, key: Key, horizons: list[str], limit: float, on_progress: Progress
) -> tuple[Forecast, LastDay | str]:
    """Return what comes, and what was said to come a day ago; or why that cannot be told."""
    series, unit = log.series(*key, every=EVERY), unit_of(log, key)
    found = forecast(
        series, horizons, limit=limit_in_unit(log, key, limit), unit=unit, on_progress=on_progress
    )
    try:
        return found, last_day(series, unit, on_progress)
    except SettingError as error:
        return found, str(error)


def _result(state: SensorsState, found: Forecast, before: LastDay | str, title: str, unit: str) -> None:
    if found.warning:
        st.warning(escaped(on_screen(found.warning)), icon=":material/warning:")
    else:
        st.success(
            "The forecast and its interval stay within "
            f"{found.now:.2f} ± {found.limit:g} {escaped(on_screen(unit))}.",
            icon=":material/check:",
        )
    shown = Span(found.recent.index[0], found.recent.index[-1])
    show_chart(
        forecast_chart(found, title) + event_rules(events_in(state, shown)),
        alt=f"{title}: the last two days and the forecast",
    )
    csv_download(
        "Forecast CSV",
        "forecast.csv",
        found.table.reset_index(),
        key="sensors_get_forecast",
        type="tertiary",
    )
    st.markdown("#### How well it did before")
    if isinstance(before, LastDay):
        st.markdown(escaped(on_screen(before.sentence)))
        show_chart(last_day_chart(before, title), alt=f"{title}: the forecast of a day ago and what came")
        csv_download(
            "Last day CSV",
            "forecast_of_the_last_day.csv",
            before.table.reset_index(),
            key="sensors_get_last_day",
            type="tertiary",
        )
    else:
        st.caption(escaped(f"The forecast of a day ago cannot be told: {before}"))
    st.dataframe(_horizons(found.horizons), key="sensors_horizon_table", hide_index=True, height="content")
    csv_download("Accuracy CSV", "forecast_accuracy.csv", found.horizons, key="sensors_get_accuracy")
    st.caption(
        "Back-test with a rolling origin. The baseline is yesterday at this time (seasonal naive); better "
        "means a smaller mean absolute error at the same horizon. Held by the interval: share of readings "
        "inside the 80 % interval, stated beforehand."
    )


def _horizons(table: pd.DataFrame) -> pd.DataFrame:
    """Return the accuracy by horizon in words; the command line and files have all figures."""
    gain = 1 - table["mase"]
    return pd.DataFrame(
        {
            "horizon": table["horizon"],
            "time": table["time"],
            "forecast": table["value"].round(2),
            "from": table["low"].round(2),
            "to": table["high"].round(2),
            "yesterday": table["seasonal_naive"].round(2),
            "against yesterday": [f"{one:.0%} better" if one >= _A_PERCENT else "no better" for one in gain],
            "held by the interval": [f"{one:.0%}" for one in table["coverage"]],
            "tested on": table["n"],
        }
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
        scale=alt.Scale(domain=names, range=["#0072B2", "#D55E00", "#8A8A8A", "#D7263D"]),
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


def last_day_chart(found: LastDay, title: str) -> Any:
    """Draw the forecast of a day ago with its interval, yesterday, and what came."""
    table = found.table.rename_axis("time").reset_index()
    names = {"came": "what came", "value": "forecast a day ago", "seasonal_naive": "the day before it"}
    lines = table.melt("time", list(names), var_name="what", value_name="reading")
    lines["what"] = lines["what"].map(names)
    x = alt.X("time:T", title="local time", axis=alt.Axis(format="%d %b %H:%M", labelOverlap=True))
    scale = alt.Scale(domain=list(names.values()), range=["#0072B2", "#D55E00", "#8A8A8A"])
    return alt.layer(
        alt.Chart(table)
        .mark_area(opacity=0.22, color="#D55E00")
        .encode(x=x, y=alt.Y("low:Q", title=title, scale=alt.Scale(zero=False)), y2="high:Q"),
        alt.Chart(lines)
        .mark_line(strokeWidth=1.6)
        .encode(
            x=x,
            y="reading:Q",
            color=alt.Color("what:N", title=None, scale=scale, legend=alt.Legend(orient="top")),
            tooltip=[
                "what",
                alt.Tooltip("time:T", format="%d %b %H:%M"),
                alt.Tooltip("reading:Q", format=".3f"),
            ],
        ),
    ).properties(height=240)
