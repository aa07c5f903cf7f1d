"""Why: small cards that state, test and illustrate what moves an instrument."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import altair as alt
import streamlit as st

from ellimaps.core.errors import EllimapsError
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
from ellimaps.ui.pages.sensors.data import Key, one_sensor
from ellimaps.ui.shared.state import Session
from ellimaps.ui.shared.tasks import start

_HEIGHT = 210
_ROOMS = ("room", "ambient", "outside", "outdoor", "air", "lab")


def cards_view(state: Session, log: SensorLog) -> None:
    """Show the cards of two sensors."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        first = one_sensor(log, "First, such as the room", "sensors_first", _is_room)
        second = one_sensor(log, "Second, such as the instrument", "sensors_second", _is_no_room)
    if first == second:
        st.info(
            "Choose two different sensors to see how one follows the other.", icon=":material/compare_arrows:"
        )
    asked = (log.store.name, first, second)
    found: list[Hypothesis | str] | None = state.memory.get("sensors_cards", {}).get(asked)
    if found is None:
        if state.task is None:
            start(
                state,
                "Testing",
                partial(_tested, log, first, second),
                lambda done: state.memory.update({"sensors_cards": {asked: done}}),
            )
        return
    columns = st.columns(2)
    for number, card in enumerate(found):
        with columns[number % 2]:
            _card(card)


def _is_room(key: Key) -> bool:
    return any(word in key[2].lower() for word in _ROOMS)


def _is_no_room(key: Key) -> bool:
    return not _is_room(key)


def _tested(log: SensorLog, first: Key, second: Key, on_progress: Progress) -> list[Hypothesis | str]:
    """Return the cards; where the log is too short for one, the reason."""
    one, two = (_series(log, key) for key in (first, second))
    tests: list[Callable[[], Hypothesis]] = []
    if first != second:
        tests += [partial(follows, one, two), partial(correlated, one, two)]
    tests += [partial(daily_profile, two), partial(seasonal_profile, two)]
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
    return log.series(*key, every=EVERY).rename(f"{name.replace('_', ' ')} of {source} ({region})")


def _card(card: Hypothesis | str) -> None:
    with st.container(border=True):
        if isinstance(card, str):
            st.caption(card)
            return
        icon = ":green[:material/check_circle:]" if card.holds else ":gray[:material/help:]"
        st.markdown(f"{icon} **{card.title}**")
        st.markdown(card.statement if card.holds else f"Not supported: {card.statement}")
        st.altair_chart(card_chart(card))
        st.caption(card.test)


def card_chart(card: Hypothesis) -> Any:
    """Draw what a card's table holds."""
    base = alt.Chart(card.table).properties(height=_HEIGHT)
    if card.kind == "lag":
        x = alt.X("lag_min:Q", title="lag (min)")
        chance = base.mark_area(opacity=0.2, color="gray").transform_calculate(low="-datum.band")
        return alt.layer(
            chance.encode(x=x, y=alt.Y("low:Q", title="correlation"), y2="band:Q"),
            base.mark_line().encode(x=x, y="r:Q", tooltip=["lag_min", alt.Tooltip("r:Q", format=".3f")]),
        )
    if card.kind == "correlation":
        sampled = alt.Chart(card.table.iloc[:: max(1, len(card.table) // 1500)]).properties(height=_HEIGHT)
        return sampled.mark_circle(size=12, opacity=0.4).encode(
            x=alt.X("first:Q", title="residual of the first"),
            y=alt.Y("second:Q", title="residual of the second"),
        )
    x = alt.X("hour:Q", title="hour of day") if card.kind == "daily" else alt.X("month:T", title="month")
    y_title = "off the day's median" if card.kind == "daily" else "daily median"
    return alt.layer(
        base.mark_area(opacity=0.25).encode(
            x=x, y=alt.Y("p10:Q", title=y_title, scale=alt.Scale(zero=False)), y2="p90:Q"
        ),
        base.mark_line(point=True).encode(x=x, y="median:Q", tooltip=[alt.Tooltip("median:Q", format=".3f")]),
    )
