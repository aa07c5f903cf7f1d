"""Charts of the Classify page as Altair specifications."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from ellimaps.classify import Prediction
from ellimaps.classify.further_labels import LearningCurve
from ellimaps.classify.measurement_names import measurement_name
from ellimaps.core.numbers import counted, number_text
from ellimaps.ui.shared.charts import names_legend

# In pixels: room for the longest name of a measurement with its value, and half as much again.
_NAMES = alt.Axis(labelLimit=330, labelOverlap=False)
_TOWARDS, _AWAY = "#0072B2", "#D55E00"
START = "The typical training image"
_HELD_OUT, _LED_TO = "images held out", "further labels, by the law"


def importance_chart(importance: pd.DataFrame, unit: str, most: int = 12) -> Any:
    """Draw how much each measurement decides.

    Parameters
    ----------
    importance : DataFrame
        ``measurement, importance``, the largest first.
    unit : {"px", "um"}
        Of lengths.
    most : int
        Rows drawn.
    """
    table = importance.head(most)
    table = table.assign(row=[measurement_name(name, unit) for name in table["measurement"]])
    return (
        alt.Chart(table)
        .mark_bar(color=_TOWARDS)
        .encode(
            x=alt.X("importance:Q", title="mean contribution to the lead (log-odds)"),
            y=alt.Y("row:N", title=None, sort=None, axis=_NAMES),
            tooltip=[
                alt.Tooltip("row:N", title="Measurement"),
                alt.Tooltip("importance:Q", title="Contribution", format=".3f"),
                alt.Tooltip("measurement:N", title="Name in code"),
            ],
        )
        .properties(height=bar_height(len(table)), title="Measurements that decide")
    )


def curve_chart(curve: LearningCurve) -> Any:
    """Draw how the score grows with the labels, and where the law leads."""
    end = [] if curve.unknown else [(curve.labels + curve.further, curve.then, *curve.limits)]
    led = pd.DataFrame(end, columns=["labels", "score", "low", "high"])
    points = pd.concat([curve.points.assign(what=_HELD_OUT), led.assign(what=_LED_TO)])
    labels = alt.X("labels:Q", title="images trained on", scale=alt.Scale(zero=False))
    score = alt.Y("score:Q", title="score", scale=alt.Scale(domain=[0, 1]))
    shown = [_HELD_OUT] if curve.unknown else [_HELD_OUT, _LED_TO]
    kinds = alt.Scale(domain=shown, range=[_TOWARDS, _AWAY])
    base = alt.Chart(points).encode(
        x=labels,
        color=alt.Color("what:N", title=None, scale=kinds, legend=names_legend(shown)),
        tooltip=[
            alt.Tooltip("labels:Q", title="Images", format=".0f"),
            alt.Tooltip("score:Q", title="Score", format=".3f"),
            alt.Tooltip("low:Q", title="Low", format=".3f"),
            alt.Tooltip("high:Q", title="High", format=".3f"),
        ],
    )
    limits = base.mark_rule(strokeWidth=2).encode(y=alt.Y("low:Q", title="score"), y2="high:Q")
    marks = base.mark_point(filled=True, size=60, opacity=1).encode(y=score)
    line = alt.Chart(curve.fitted).mark_line(color=_AWAY, strokeDash=[5, 3]).encode(x=labels, y=score)
    return alt.layer(line, limits, marks).properties(height=300, title="Learning curve")


def contribution_chart(prediction: Prediction, answer: str, unit: str) -> Any:
    """Draw what speaks for an answer and what against it; the bars add up to its lead.

    Parameters
    ----------
    prediction : Prediction
        With contributions.
    answer : str
        What was answered, as it is called.
    unit : {"px", "um"}
        Of lengths.
    """
    table = contribution_bars(prediction, unit).assign(towards=lambda one: one["contribution"] >= 0)
    lead = table["contribution"].sum()
    return (
        alt.Chart(table)
        .mark_bar()
        .encode(
            x=alt.X("contribution:Q", title="against ← log-odds → for"),
            y=alt.Y("row:N", title=None, sort=None, axis=_NAMES),
            color=alt.condition("datum.towards", alt.value(_TOWARDS), alt.value(_AWAY)),
            tooltip=[
                alt.Tooltip("row:N", title="Measurement"),
                alt.Tooltip("contribution:Q", title="Contribution", format="+.3f"),
                alt.Tooltip("measurement:N", title="Name in code"),
            ],
        )
        .properties(
            height=bar_height(len(table)),
            title=f"All bars together: {lead:+.2f} for {answer}",
        )
    )


def contribution_bars(prediction: Prediction, unit: str, most: int = 8) -> pd.DataFrame:
    """Return ``row, measurement, contribution``: where a typical image stands, and what led on from there.

    Parameters
    ----------
    prediction : Prediction
        With contributions.
    unit : {"px", "um"}
        Of lengths.
    most : int
        Measurements with a bar of their own; the others share one.
    """
    found, others = prediction.contributions.head(most), prediction.contributions.iloc[most:]
    bars = [(START, "", prediction.lead_of_typical)]
    for name, value, typical, part in found.itertuples(index=False):
        shown = f"{measurement_name(name, unit)}  {number_text(value)} ({number_text(typical)})"
        bars.append((shown, name, part))
    if len(others):
        names = ", ".join(others["measurement"])
        bars.append((counted(len(others), "other measurement"), names, others["contribution"].sum()))
    return pd.DataFrame(bars, columns=["row", "measurement", "contribution"])


def bar_height(rows: int) -> int:
    """Return the height of a chart of so many bars, title and axis in it."""
    return 85 + 24 * max(rows, 1)
