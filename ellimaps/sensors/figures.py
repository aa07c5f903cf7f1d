"""Figures of sensor logs: coverage, a calendar of the hours out of limit, readings with what happened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator
from matplotlib.figure import Figure

from ellimaps.sensors.events import Event
from ellimaps.sensors.store.logs import KEY

# What is legible on a page.
_MOST_ROWS = 60
_MOST_CALENDARS = 12
_LINE, _ALARM, _EVENT = "#0B6BB8", "#D1495B", "#4D4D4D"
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def coverage_figure(coverage: pd.DataFrame) -> Figure:
    """Draw when which sensor reported; ``coverage`` as `SensorLog.coverage` returns it."""
    labels = coverage[list(KEY)].astype(str).agg(" ".join, axis=1)
    names = list(dict.fromkeys(labels))[:_MOST_ROWS]
    figure = Figure(figsize=(9, 1.2 + 0.24 * len(names)), layout="constrained")
    axes = figure.subplots()
    for row, name in enumerate(names):
        part = coverage[labels == name]
        start = part["start"].to_numpy()
        # Bars that touch would show hairlines between them.
        width = part["end"].to_numpy() - start
        share = part["n"].to_numpy() / part["n"].max()
        colors = np.full((len(part), 4), (0.12, 0.47, 0.71, 1.0))
        colors[:, 3] = 0.25 + 0.75 * share
        axes.barh(np.full(len(part), row), width, left=start, height=0.7, color=colors)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_title("Readings over time (darker: more)")
    axes.xaxis_date()
    axes.tick_params(axis="x", labelsize=8)
    axes.xaxis.set_major_locator(AutoDateLocator(minticks=3, maxticks=8))  # type: ignore[no-untyped-call]
    return figure


def calendar_figure(calendar: pd.DataFrame) -> Figure:
    """Draw a calendar per sensor, weeks to the right and days downwards; see `Stability.calendar`."""
    groups = calendar.groupby(list(KEY), sort=True, observed=True)
    sensors: list[tuple[Any, pd.DataFrame]] = list(groups)[:_MOST_CALENDARS]
    figure = Figure(figsize=(9, 0.6 + 1.8 * max(len(sensors), 1)), layout="constrained")
    axes = figure.subplots(max(len(sensors), 1), squeeze=False)[:, 0]
    highest = max(float(calendar["value"].max()), 1.0) if len(calendar) else 1.0
    first = calendar["week"].min()
    weeks = int((calendar["week"].max() - first).days // 7) + 1 if len(calendar) else 1
    for one, (names, part) in zip(axes, sensors, strict=False):
        cells = np.full((7, weeks), np.nan)
        cells[part["weekday"], (part["week"] - first).dt.days // 7] = part["value"]
        drawn = one.imshow(cells, vmin=0, vmax=highest, cmap="YlOrRd", aspect="auto")
        one.set_yticks(range(7), _WEEKDAYS)
        ticks = range(0, weeks, max(1, weeks // 6))
        one.set_xticks(ticks, [f"{first + pd.Timedelta(weeks=tick):%d %b\n%Y}" for tick in ticks])
        one.set_title(" ".join(name for name in map(str, names) if name), fontsize=9)
        one.set_facecolor("0.92")
        figure.colorbar(drawn, ax=one, label="hours out")
    return figure


def readings_figure(
    lines: pd.DataFrame, title: str, unit: str, anomalies: pd.DataFrame, events: Sequence[Event]
) -> Figure:
    """Draw one sensor over time with its anomalies shaded and events as dashed lines.

    Parameters
    ----------
    lines : DataFrame
        As `ellimaps.sensors.lines.lines_of` returns it.
    title, unit : str
        What is written above, and at the axis.
    anomalies : DataFrame
        ``start, end`` of each.
    events : sequence of Event
        What happened.
    """
    figure = Figure(figsize=(10, 2.8), layout="constrained")
    axes = figure.subplots()
    axes.plot(lines["time"].to_numpy(), lines["value"].to_numpy(), linewidth=0.8, color=_LINE)
    first, last = lines["time"].min(), lines["time"].max()
    # A single reading would be a hairline: every period is shaded wide enough to be seen.
    narrowest = (last - first) / 300
    for start, end in anomalies[["start", "end"]].to_numpy():
        pad = max((narrowest - (end - start)) / 2, pd.Timedelta(0))
        axes.axvspan(start - pad, end + pad, color=_ALARM, alpha=0.3, linewidth=0)
    mark_events(axes, [event for event in events if event.end >= first and event.start <= last])
    axes.set_title(title, fontsize=10, loc="left", pad=16 if events else 6, parse_math=False)
    axes.set_ylabel(unit, parse_math=False)
    axes.grid(alpha=0.3)
    axes.margins(x=0.01)
    axes.xaxis.set_major_locator(AutoDateLocator(minticks=3, maxticks=8))  # type: ignore[no-untyped-call]
    axes.tick_params(labelsize=8)
    return figure


def mark_events(axes: Axes, events: Sequence[Event]) -> None:
    """Draw events over a chart of time: a dashed line, what it was above, and its length shaded."""
    for event in events:
        axes.axvline(event.start, color=_EVENT, linewidth=1, linestyle="--")  # type: ignore[arg-type]
        if event.end > event.start:
            axes.axvspan(event.start, event.end, color=_EVENT, alpha=0.12, linewidth=0)  # type: ignore[arg-type]
        axes.annotate(
            event.kind,
            (event.start, 1),
            xycoords=("data", "axes fraction"),
            fontsize=7,
            color=_EVENT,
            va="bottom",
            parse_math=False,
        )
