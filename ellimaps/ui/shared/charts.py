"""One way for every chart to the page: as Vega-Lite in SVG, with honest ticks, to be saved and copied."""

from __future__ import annotations

import math
from typing import Any

import streamlit as st

# Streamlit's theme moves the first and last label of an axis off their ticks.
_AXES = {"labelFlush": False, "labelBound": False, "titlePadding": 6}
# In pixels. A title of Streamlit's stands a quarter of a small chart above it, and as much is left below.
_TITLE_OFFSET, _PADDING = 10, {"left": 2, "top": 2, "right": 6, "bottom": 2}
# More labels than this stand on each other on an axis of 100 pixels.
_MOST_TICKS = 6


def show_chart(chart: Any, *, alt: str = "") -> None:
    """Show a chart of Altair, or Vega-Lite as `chart_specification` makes it.

    Parameters
    ----------
    chart : altair.Chart or dict
        What is shown.
    alt : str
        What a screen reader says of it, and what its file is called; by default its title, or what it
        draws over what.
    """
    specification = chart if isinstance(chart, dict) else chart_specification(chart)
    st.vega_lite_chart(
        specification
        | {
            "config": {"axis": _AXES, "title": {"offset": _TITLE_OFFSET}},
            "padding": _PADDING,
            # What is drawn on a canvas, as more than 2000 points would be, gives no SVG.
            "usermeta": {"embedOptions": {"renderer": "svg"}},
        },
        alt=alt or title_of(specification) or _axes_of(specification),
    )


def chart_specification(chart: Any) -> dict[str, Any]:
    """Return a chart as Vega-Lite with its data, without the fixed size that Altair gives it."""
    specification: dict[str, Any] = chart.to_dict()
    specification.pop("config", None)
    return specification


def log_ticks(low: float, high: float) -> list[float]:
    """Return round numbers for a logarithmic axis between two values above 0; none where they are close.

    They are 1, 2 and 5 times powers of ten, or where these are too many every power of ten, or every other.
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    decades = [10.0**power for power in range(first, last + 1)]
    finest = [digit * decade for decade in decades for digit in (1, 2, 5)]
    choices = [finest, *(decades[::every] for every in range(1, len(decades) + 1))]
    inside = [[tick for tick in ticks if low <= tick <= high] for ticks in choices]
    return next(ticks for ticks in inside if len(ticks) <= _MOST_TICKS)


def title_of(specification: dict[str, Any]) -> str:
    """Return the title of a chart in Vega-Lite, empty if it has none."""
    title = specification.get("title", "")
    return str(title.get("text", "") if isinstance(title, dict) else title)


def _axes_of(specification: dict[str, Any]) -> str:
    vertical, horizontal = (_axis_title(specification, axis) for axis in "yx")
    return " over ".join(filter(None, (vertical, horizontal))) or "Chart"


def _axis_title(specification: dict[str, Any], axis: str) -> str:
    """Return the first title of an axis in a chart or its parts, its column where there is none."""
    own = specification.get("encoding", {}).get(axis, {})
    parts = [part for kind in ("layer", "vconcat", "hconcat") for part in specification.get(kind, [])]
    found = [own.get("title") or own.get("field"), *(_axis_title(part, axis) for part in parts)]
    return next((str(title) for title in found if title), "")
