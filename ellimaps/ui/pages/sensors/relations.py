"""Relations: small cards that state, test and illustrate what moves with what."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from ellimaps.core.colors import CLUSTER_COLORS
from ellimaps.core.errors import EllimapsError
from ellimaps.core.numbers import spoken, titled
from ellimaps.core.progress import Progress
from ellimaps.sensors.analysis.hypotheses import (
    Hypothesis,
    correlated,
    daily_profile,
    follows,
    seasonal_profile,
)
from ellimaps.sensors.analysis.whole_logs import EVERY
from ellimaps.sensors.store.logs import SensorLog
from ellimaps.ui.pages.sensors.controls import Key, on_screen, one_sensor, unit_of
from ellimaps.ui.pages.sensors.state import SensorsState
from ellimaps.ui.shared.cache import BoundedCache
from ellimaps.ui.shared.charts import show_chart
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.tasks import computed
from ellimaps.ui.shared.widgets import csv_download

# The last few questions of all users: each asks of one log at a time.
_RESULTS: BoundedCache[list[Hypothesis | str] | EllimapsError] = BoundedCache(16)


# Tukey's outer fence: of normal noise one reading in 400,000 lies beyond it.
_SPREADS = 3.0
_OUTLIER = CLUSTER_COLORS[3]


def relations_tab(state: SensorsState, log: SensorLog) -> None:
    """Show the cards of two sensors."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        first = one_sensor(state, log, "Sensor A", "sensors_a", _is_of_room)
        second = one_sensor(
            state, log, "Sensor B", "sensors_b", lambda key: 2 * (key != first) - _is_of_room(key)
        )
    if first == second:
        st.info(
            "Choose two different sensors to see how one follows the other.", icon=":material/compare_arrows:"
        )
    asked = (log.identity, first, second)
    found = computed(state, _RESULTS, asked, "Testing", partial(_tested, log, first, second))
    units = unit_of(log, first), unit_of(log, second)
    columns = st.columns(2)
    for number, card in enumerate(found or []):
        with columns[number % 2]:
            _card(card, units)


def _is_of_room(key: Key) -> bool:
    words = ("room", "ambient", "outside", "outdoor", "air", "lab")
    return any(word in key[2].lower() for word in words)


def _tested(log: SensorLog, first: Key, second: Key, on_progress: Progress) -> list[Hypothesis | str]:
    """Return the cards; where the log is too short for one, the reason."""
    one, two = (_series(log, key) for key in (first, second))
    tests: list[Callable[[], Hypothesis]] = []
    if first != second:
        tests += [partial(follows, one, two), partial(correlated, one, two)]
    unit = unit_of(log, second)
    tests += [partial(daily_profile, two, unit), partial(seasonal_profile, two, unit)]
    cards: list[Hypothesis | str] = []
    for number, test in enumerate(tests):
        on_progress(number, len(tests), "testing hypotheses")
        try:
            cards.append(test())
        except EllimapsError as error:
            cards.append(str(error))
    return cards


def _series(log: SensorLog, key: Key) -> Any:
    region, source, name = key
    where = f"{source} ({region})" if region else source
    return log.series(*key, every=EVERY).rename(f"{spoken(name)} of {where}")


def _card(card: Hypothesis | str, units: tuple[str, str]) -> None:
    with st.container(border=True):
        if isinstance(card, str):
            st.caption(escaped(card))
            return
        icon = ":green[:material/check_circle:]" if card.holds else ":gray[:material/help:]"
        st.markdown(f"{icon} **{escaped(card.title)}**")
        st.markdown(escaped(on_screen(card.statement if card.holds else f"Not supported: {card.statement}")))
        show_chart(card_chart(card, *units))
        csv_download(
            f"{card.kind.capitalize()} CSV",
            f"{card.kind}.csv",
            card.table,
            key=f"sensors_get_{card.kind}",
            type="tertiary",
        )
        st.caption(escaped(on_screen(card.test)))


def card_chart(card: Hypothesis, unit_a: str, unit_b: str) -> Any:
    """Draw what a card's table holds; profiles are those of sensor B."""
    base = alt.Chart(card.table).properties(height=210)
    if card.kind == "lag":
        x = alt.X("lag_min:Q", title="lag (min)")
        chance = base.mark_area(opacity=0.2, color="gray").transform_calculate(low="-datum.band")
        return alt.layer(
            chance.encode(x=x, y=alt.Y("low:Q", title="correlation"), y2="band:Q"),
            base.mark_line().encode(x=x, y="r:Q", tooltip=["lag_min", alt.Tooltip("r:Q", format=".3f")]),
        )
    if card.kind == "correlation":
        # More points than this lie on each other, and would travel to the browser for nothing.
        thinned = card.table.iloc[:: max(1, len(card.table) // 1500)]
        return (
            base.properties(data=thinned)
            .mark_circle(size=12, opacity=0.4, clip=False)
            .encode(
                x=alt.X(
                    "first:Q", title=titled("A off its usual course", unit_a), scale=_robust(thinned["first"])
                ),
                y=alt.Y(
                    "second:Q",
                    title=titled("B off its usual course", unit_b),
                    scale=_robust(thinned["second"]),
                ),
                color=alt.condition(_outlying(thinned), alt.value(_OUTLIER), alt.value(CLUSTER_COLORS[0])),
                tooltip=[
                    alt.Tooltip("first:Q", title="A", format=".3g"),
                    alt.Tooltip("second:Q", title="B", format=".3g"),
                ],
            )
        )
    x = alt.X("hour:Q", title="hour of day") if card.kind == "daily" else alt.X("month:T", title="month")
    y_title = titled("B off the day's median" if card.kind == "daily" else "daily median of B", unit_b)
    return alt.layer(
        base.mark_area(opacity=0.25).encode(
            x=x, y=alt.Y("p10:Q", title=y_title, scale=alt.Scale(zero=False)), y2="p90:Q"
        ),
        base.mark_line(point=True).encode(x=x, y="median:Q", tooltip=[alt.Tooltip("median:Q", format=".3f")]),
    )


def _robust(values: pd.Series) -> Any:
    """Return a scale that a few outliers do not flatten; what is beyond is drawn at its edge."""
    low, high = _range(values)
    return alt.Scale(domain=[low, high], clamp=True, zero=False, nice=False)


def _range(values: pd.Series) -> tuple[float, float]:
    """Return the middle half of values widened on either side, no further than they reach."""
    low, high = values.quantile(0.25), values.quantile(0.75)
    reach = _SPREADS * (high - low)
    return max(float(low - reach), float(values.min())), min(float(high + reach), float(values.max()))


def _outlying(table: pd.DataFrame) -> str:
    ranges = {name: _range(table[name]) for name in ("first", "second")}
    return " || ".join(
        f"datum.{name} < {low} || datum.{name} > {high}" for name, (low, high) in ranges.items()
    )
