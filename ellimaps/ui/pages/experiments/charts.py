"""Charts of the Experiments page as Altair specifications; histograms are counted here."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

# Pixels. Streamlit fits title, legend and axes into the height: a histogram has a legend of two rows more.
_COUNT_HEIGHT = 240
_HISTOGRAM_HEIGHT = 300


def count_chart(counts: pd.DataFrame, by: str) -> Any:
    """Draw the number of objects of each experiment or subject; flagged images are told in the tooltip."""
    # More labels than this lie on each other below a chart of half a window.
    return (
        alt.Chart(counts.head(40))
        .mark_bar()
        .encode(
            x=alt.X(f"{by}:N", title=None, sort=None, axis=alt.Axis(labelAngle=-30, labelLimit=110)),
            y=alt.Y("Objects:Q", title="objects"),
            tooltip=[by, "Images", "Objects", alt.Tooltip("Objects per image:Q", format=".1f"), "Flagged"],
        )
        .properties(height=_COUNT_HEIGHT, title=f"Objects per {by.lower()}")
    )


def subject_histogram(objects: pd.DataFrame, measure: str, label: str) -> Any:
    """Draw the distribution of a measure, one line per subject; beyond ten, the rest are one."""
    return _histogram(objects, measure, label, "Subject")


def comparison_chart(objects: pd.DataFrame, measure: str, label: str) -> Any:
    """Draw the distributions of a measure in experiments, each as shares of its own objects."""
    return _histogram(objects, measure, label, "Experiment", shares=True)


def _histogram(objects: pd.DataFrame, measure: str, label: str, by: str, *, shares: bool = False) -> Any:
    table = _counted(objects, measure, by)
    column, title = ("share", "share of objects") if shares else ("count", "objects")
    return (
        alt.Chart(table)
        .mark_line(interpolate="step", strokeWidth=2)
        .encode(
            x=alt.X("value:Q", title=label, scale=alt.Scale(zero=False, nice=False)),
            y=alt.Y(f"{column}:Q", title=title),
            color=alt.Color(f"{by}:N", title=None, legend=alt.Legend(orient="top", columns=5, offset=4)),
            tooltip=[by, alt.Tooltip("value:Q", title=label, format=".5g"), "count"],
        )
        .properties(height=_HISTOGRAM_HEIGHT, title=f"{measure} by {by.lower()}")
    )


def _counted(objects: pd.DataFrame, measure: str, by: str) -> pd.DataFrame:
    """Return counts per bin and group over bins that all groups share."""
    known = objects[objects[measure].notna()]
    groups = known[by].replace("", "(none)")
    # As many as Vega's colors; the rest are one.
    largest = groups.value_counts().index[:10]
    groups = groups.where(groups.isin(largest), "others")
    edges = np.histogram_bin_edges(known[measure].to_numpy(), bins=30)
    centers = (edges[:-1] + edges[1:]) / 2
    tables = []
    for group, values in known[measure].groupby(groups, sort=True):
        counts, _ = np.histogram(values, bins=edges)
        share = counts / max(counts.sum(), 1)
        tables.append(pd.DataFrame({by: group, "value": centers, "count": counts, "share": share}))
    return pd.concat(tables)
