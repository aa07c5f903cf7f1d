"""Figures of sensor logs."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ellimaps.sensors.logs import KEY

_MOST_ROWS = 60


def coverage_figure(coverage: pd.DataFrame) -> Figure:
    """Draw when which sensor reported; ``coverage`` as `SensorLog.coverage` returns it."""
    labels = coverage[list(KEY)].astype(str).agg(" ".join, axis=1)
    names = list(dict.fromkeys(labels))[:_MOST_ROWS]
    figure = Figure(figsize=(9, 1.2 + 0.24 * len(names)), layout="constrained")
    axes = figure.subplots()
    for place, name in enumerate(names):
        part = coverage[labels == name]
        start = part["start"].to_numpy()
        # Bars that touch would show hairlines between them.
        width = part["end"].to_numpy() - start
        share = part["n"].to_numpy() / part["n"].max()
        colors = np.full((len(part), 4), (0.12, 0.47, 0.71, 1.0))
        colors[:, 3] = 0.25 + 0.75 * share
        axes.barh(np.full(len(part), place), width, left=start, height=0.7, color=colors)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_title("Readings over time (darker: more)")
    axes.xaxis_date()
    return figure
