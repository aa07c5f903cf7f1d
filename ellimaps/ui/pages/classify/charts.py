"""Charts of the Classify page as Altair specifications."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from ellimaps.core.numbers import number_text, spoken

# In pixels: room for the longest name of a measurement with its value, and half as much again.
_NAMES = alt.Axis(labelLimit=290, labelOverlap=False)
_TOWARDS, _AWAY = "#0072B2", "#D55E00"


def importance_chart(importance: pd.DataFrame, most: int = 12) -> Any:
    """Draw how much each measurement decides.

    Parameters
    ----------
    importance : DataFrame
        ``measurement, importance``, the largest first.
    most : int
        Rows drawn.
    """
    table = importance.head(most)
    table = table.assign(measurement=table["measurement"].map(spoken))
    return (
        alt.Chart(table)
        .mark_bar(color=_TOWARDS)
        .encode(
            x=alt.X("importance:Q", title="mean contribution to the log-odds"),
            y=alt.Y("measurement:N", title=None, sort=None, axis=_NAMES),
            tooltip=["measurement", alt.Tooltip("importance:Q", format=".3f")],
        )
        .properties(height=bar_height(len(table)), title="Measurements that decide")
    )


def contribution_chart(contributions: pd.DataFrame, answer: str, most: int = 10) -> Any:
    """Draw which measurements speak for an answer and which against it.

    Parameters
    ----------
    contributions : DataFrame
        ``measurement, value, typical, contribution``, the strongest first.
    answer : str
        What was answered.
    most : int
        Rows drawn.
    """
    table = contributions.head(most).assign(towards=lambda one: one["contribution"] >= 0)
    table["row"] = [
        f"{spoken(name)}  {number_text(value)} ({number_text(typical)})"
        for name, value, typical in zip(table["measurement"], table["value"], table["typical"], strict=True)
    ]
    return (
        alt.Chart(table)
        .mark_bar()
        .encode(
            x=alt.X("contribution:Q", title=f"against {answer} ← log-odds → for {answer}"),
            y=alt.Y("row:N", title=None, sort=None, axis=_NAMES),
            color=alt.condition("datum.towards", alt.value(_TOWARDS), alt.value(_AWAY)),
            tooltip=[
                "measurement",
                alt.Tooltip("value:Q", format=".4g"),
                alt.Tooltip("typical:Q", format=".4g"),
                alt.Tooltip("contribution:Q", format="+.3f"),
            ],
        )
        .properties(height=bar_height(len(table)), title="What decided: value (of a typical training image)")
    )


def bar_height(rows: int) -> int:
    """Return the height of a chart of so many bars, title and axis in it."""
    return 70 + 24 * max(rows, 1)
