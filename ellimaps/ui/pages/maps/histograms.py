"""Charts of how many pixels or objects have which value, as Altair specifications."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.ui.shared.charts import log_ticks

# In pixels: two of them and the controls above fit into a window of 800.
_HEIGHT = 200
_COLOR = "#0072B2"


def cluster_bars(
    values: NDArray[np.float64],
    counts: NDArray[np.int64],
    label: str,
    names: Sequence[str],
    palette: Sequence[str],
) -> Any:
    """Draw the number of pixels of each cluster over its mean value.

    Parameters
    ----------
    values : ndarray of float, shape (cluster,)
        Mean of each cluster.
    counts : ndarray of int, shape (cluster,)
        Its pixels.
    label : str
        What the values are, with their unit.
    names, palette : sequence of str
        Name and color of every cluster.
    """
    table = pd.DataFrame({"name": list(names), "value": values, "pixels": counts})
    return (
        alt.Chart(table)
        .mark_bar(size=14)
        .encode(
            x=alt.X("value:Q", title=f"mean {label}", scale=alt.Scale(zero=False, padding=12)),
            y=_counts("pixels", counts),
            color=alt.Color("name:N", scale=alt.Scale(domain=list(names), range=list(palette)), legend=None),
            tooltip=[
                alt.Tooltip("name", title="cluster"),
                alt.Tooltip("value:Q", format=".3f"),
                alt.Tooltip("pixels:Q", format=","),
            ],
        )
        .properties(height=_HEIGHT, title="Clusters: value against size")
    )


def histogram(
    values: NDArray[np.float64], label: str, title: str, color: str, *, height: int = _HEIGHT
) -> Any:
    """Draw the distribution of values.

    Parameters
    ----------
    values : ndarray of float, shape (pixel,)
        What is counted; none draws an empty chart.
    label : str
        What the values are, with their unit.
    title : str
        Of the chart.
    color : str
        Of its bars.
    height : int
        In pixels.
    """
    counts, edges = np.histogram(values, bins=60) if values.size else (np.zeros(1, int), np.array([0.0, 1.0]))
    table = pd.DataFrame({"low": edges[:-1], "high": edges[1:], "pixels": counts})
    # An empty bin would be drawn as a dash on the axis.
    table = table[table["pixels"] > 0] if values.size else table
    return (
        alt.Chart(table)
        .mark_bar(color=color, stroke=color, strokeWidth=1)
        .encode(
            x=alt.X("low:Q", bin="binned", title=label, scale=alt.Scale(zero=False)),
            x2="high:Q",
            y=_counts("pixels", counts),
            tooltip=[alt.Tooltip("low:Q", format=".3f"), alt.Tooltip("high:Q", format=".3f"), "pixels"],
        )
        .properties(height=height, title=title)
    )


def object_histogram(values: NDArray[np.float64], label: str) -> Any:
    """Draw how a measure is distributed over objects.

    Parameters
    ----------
    values : ndarray of float, shape (object,)
        NaN is left out.
    label : str
        What is measured.
    """
    known = values[np.isfinite(values)]
    counts, edges = np.histogram(known, bins=min(40, max(1, known.size)))
    table = pd.DataFrame({"low": edges[:-1], "high": edges[1:], "objects": counts})
    return (
        alt.Chart(table)
        .mark_bar(color=_COLOR, stroke=_COLOR)
        .encode(
            x=alt.X("low:Q", bin="binned", title=label, scale=alt.Scale(zero=False)),
            x2="high:Q",
            y=alt.Y("objects:Q", title="objects"),
            tooltip=[alt.Tooltip("low:Q", format=".4g"), alt.Tooltip("high:Q", format=".4g"), "objects"],
        )
        .properties(height=_HEIGHT - 20)
    )


def _counts(column: str, counts: NDArray[Any]) -> Any:
    """Return a logarithmic axis of counts that begins at 0."""
    # Between 0 and 10 there is room for no other label.
    ticks = [0, *log_ticks(10, max(10.0, float(counts.max(initial=1))))]
    axis = alt.Axis(values=ticks, format=",d", labelOverlap=False)
    return alt.Y(f"{column}:Q", title=f"{column} (logarithmic)", scale=alt.Scale(type="symlog"), axis=axis)
