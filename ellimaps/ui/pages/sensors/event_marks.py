"""Events as charts show them: a dashed line where each begins, and its length shaded."""

from __future__ import annotations

from html import escape
from typing import Any

import altair as alt
import pandas as pd

from ellimaps.sensors.events import Event, noted_events
from ellimaps.ui.pages.sensors.state import SensorsState, Span

# Seen on a light and on a dark page.
_COLOR = "#808080"


def events_in(state: SensorsState, span: Span) -> list[Event]:
    """Return the events noted of the open log that lie in a time."""
    return [one for one in noted_events(state.location) if one.end >= span.start and one.start <= span.end]


def mark_events(figure: Any, events: list[Event]) -> None:
    """Draw events over a plotly chart of time."""
    for event in events:
        figure.add_shape(
            type="line",
            x0=event.start,
            x1=event.start,
            y0=0,
            y1=1,
            # Over all panels of the chart.
            yref="paper",
            line={"width": 1, "dash": "dash", "color": _COLOR},
        )
        figure.add_annotation(
            x=event.start,
            y=1,
            yref="paper",
            text=escape(event.kind, quote=False),
            hovertext=escape(event.label, quote=False),
            showarrow=False,
            xanchor="left",
            yanchor="bottom",
            font={"size": 10},
        )
        if event.end > event.start:
            figure.add_shape(
                type="rect",
                x0=event.start,
                x1=event.end,
                y0=0,
                y1=1,
                yref="paper",
                fillcolor=_COLOR,
                opacity=0.12,
                line_width=0,
                layer="below",
            )


def event_rules(events: list[Event]) -> Any:
    """Return events as a layer of an altair chart of time."""
    table = pd.DataFrame(
        {"at": [event.start for event in events], "event": [event.label for event in events]}
    ).astype({"at": "datetime64[us]", "event": "str"})
    return (
        alt.Chart(table)
        .mark_rule(strokeDash=[4, 3], color=_COLOR, aria=False)
        .encode(x="at:T", tooltip=["event", alt.Tooltip("at:T", format="%Y-%m-%d %H:%M")])
    )
