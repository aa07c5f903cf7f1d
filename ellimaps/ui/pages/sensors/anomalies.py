"""Anomalies: periods in which a sensor does what chance does not explain, each with its reason."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from ellimaps.core.errors import EllimapsError
from ellimaps.core.numbers import counted, spoken, titled
from ellimaps.sensors.analysis.anomalies import find_anomalies
from ellimaps.sensors.analysis.reasons import spoken_name
from ellimaps.sensors.analysis.whole_logs import EVERY
from ellimaps.sensors.judgements import (
    CONFIRMED,
    DISMISSED,
    Judgement,
    judged,
    judgements_csv,
    note_judgements,
    noted_judgements,
    rate_sentence,
    with_judgement,
)
from ellimaps.sensors.lines import lines_of
from ellimaps.sensors.movement import LIMIT, limit_in_unit
from ellimaps.sensors.store.logs import SensorLog
from ellimaps.ui.pages.sensors.alerts import alerts_panel
from ellimaps.ui.pages.sensors.controls import Key, on_screen, one_sensor, span_controls, unit_of
from ellimaps.ui.pages.sensors.event_marks import events_in, mark_events
from ellimaps.ui.pages.sensors.readings import drawn_csv, lines_figure, show_lines
from ellimaps.ui.pages.sensors.state import SensorsState, Span
from ellimaps.ui.shared.cache import BoundedCache
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.tasks import computed
from ellimaps.ui.shared.widgets import csv_download, download, number_field, pick_row

# The last few questions of all users: each asks of one log at a time.
_RESULTS: BoundedCache[pd.DataFrame | EllimapsError] = BoundedCache(16)

_NOTE = "sensors_judgement_note"


def anomalies_tab(state: SensorsState, log: SensorLog) -> None:
    """Show the periods of one sensor."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = one_sensor(state, log)
        alarms = number_field(
            "False alarms per month",
            0.01,
            30.0,
            1.0,
            0.5,
            **state.steps.control("sensors_alarms", 1.0),
            width=200,
            help="The threshold: how many periods chance alone may raise in 30 days.",
        )
        show_dismissed = st.toggle("Show dismissed", **state.steps.control("sensors_show_dismissed", False))
    found = computed(
        state,
        _RESULTS,
        (log.identity, key, alarms),
        "Looking for anomalies",
        lambda on_progress: find_anomalies(
            log.series(*key, every=EVERY),
            alarms,
            limit=limit_in_unit(log, key, LIMIT),
            what=spoken_name(key),
            unit=unit_of(log, key),
            resolution=log.resolution(*key),
            on_progress=on_progress,
        ),
    )
    if found is not None:
        judgements = noted_judgements(state.location)
        table = judged(found, key, judgements)
        is_dismissed = table["judgement"] == DISMISSED
        shown = table if show_dismissed else table[~is_dismissed]
        _chart(state, log, key, shown)
        _periods(state, key, shown, int(is_dismissed.sum()) if not show_dismissed else 0)
        row = log.chosen(*key).iloc[0]
        st.caption(escaped(rate_sentence(table, row["end"] - row["start"], alarms)))
        if judgements:
            download(
                "Judgements CSV",
                "judgements.csv",
                partial(judgements_csv, judgements),
                key="sensors_get_judgements",
            )
    alerts_panel(state, log)


def _periods(state: SensorsState, key: Key, found: pd.DataFrame, n_hidden: int) -> None:
    hidden = f", {n_hidden} dismissed are not shown" if n_hidden else ""
    if found.empty:
        st.success(f"Nothing unusual{hidden}.", icon=":material/check:")
        return
    st.markdown(
        f"**{counted(len(found), 'period')}**, the latest first{hidden}; a score of 2 happens by chance once "
        "in 100 months."
    )
    table = found.sort_values("start", ascending=False).reset_index(drop=True)
    judged_columns = ["judgement", "note"] if table["judgement"].any() else []
    row = pick_row(
        table[["reason", "start", "end", "score", "detectors", *judged_columns]].assign(
            reason=table["reason"].map(on_screen)
        ),
        key="sensors_anomaly_table",
        height=min(38 + 36 * len(table), 300),
        column_config={
            "reason": st.column_config.TextColumn(width=500),
            "score": st.column_config.NumberColumn(format="%.1f"),
        },
    )
    if row is None:
        st.caption("Click the box at the left of a row to look at it, and to confirm or dismiss it.")
    else:
        _judge_panel(state, key, table.iloc[row])
    csv_download("Periods CSV", "anomalies.csv", table, key="sensors_get_anomalies")


def _judge_panel(state: SensorsState, key: Key, row: pd.Series) -> None:
    """Show what can be done with the chosen period."""
    period = Span(row["start"], row["end"])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Note", row["note"], key=f"{_NOTE}_{row['start']}", max_chars=200, width=340)
        for label, icon, judgement in (
            ("Confirm", "check", CONFIRMED),
            ("Dismiss", "close", DISMISSED),
        ):
            st.button(
                label,
                icon=f":material/{icon}:",
                key=f"sensors_{judgement}",
                on_click=_judge,
                args=(state, key, period, judgement),
            )
        st.button(
            "Look at this period",
            key="sensors_look_anomaly",
            icon=":material/visibility:",
            on_click=state.look_at,
            args=(period.widened(pd.Timedelta("6h"), 2),),
        )


def _judge(state: SensorsState, key: Key, period: Span, judgement: str) -> None:
    note = str(st.session_state.get(f"{_NOTE}_{period.start}", "")).strip()
    new = Judgement(key, period.start, period.end, judgement, note)
    try:
        note_judgements(state.location, with_judgement(noted_judgements(state.location), new))
    except EllimapsError as error:
        state.message = str(error)


def _chart(state: SensorsState, log: SensorLog, key: Key, found: pd.DataFrame) -> None:
    span = span_controls(state, log)
    rows = lines_of(log, *key, start=span.start, end=span.end)
    title = titled(spoken(key[2]), unit_of(log, key))
    figure = lines_figure([(title, rows)])
    for period in found[(found["end"] >= span.start) & (found["start"] <= span.end)].itertuples():
        _mark(figure, period)
    mark_events(figure, events_in(state, span))
    figure.update_layout(height=340, showlegend=False)
    show_lines(state, figure, "sensors_anomaly_chart", f"{title} over time, the unusual periods marked")
    drawn_csv(rows)


def _mark(figure: Any, period: Any) -> None:
    # A spike is one reading long: drawn as wide as can be seen.
    end = max(period.end, period.start + pd.Timedelta("20min"))
    figure.add_vrect(
        x0=period.start, x1=end, fillcolor="#D55E00", opacity=0.3, line_width=1, line_color="#D55E00"
    )
