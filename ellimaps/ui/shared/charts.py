"""One way for every chart to the page: as Vega-Lite in SVG, with honest ticks, to be saved and copied."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import streamlit as st

# Streamlit's theme moves the first and last label of an axis off their ticks.
_AXES = {"labelFlush": False, "labelBound": False, "titlePadding": 6}
# In pixels. A title of Streamlit's stands a quarter of a small chart above it, and as much is left below.
_TITLE_OFFSET, _PADDING = 10, {"left": 2, "top": 2, "right": 6, "bottom": 2}
# In pixels: the plot beside the maps in a window of 1280, a mark with its gaps, and a wide letter.
_LEGEND_PX, _ENTRY_PX, _LETTER_PX = 360, 26, 7
# What vega-tooltip takes for more than the name of a row.
_READ_BY_VEGA = ("image", "title")
# More labels than this stand on each other on an axis of 100 pixels.
_MOST_TICKS = 6


def show_chart(chart: Any, *, alt: str = "", **options: Any) -> Any:
    """Show a chart of Altair, or Vega-Lite as `chart_specification` makes it; return what is chosen in it.

    Parameters
    ----------
    chart : altair.Chart or dict
        What is shown.
    alt : str
        What a screen reader says of it, and what its file is called; by default its title, or what it
        draws over what.
    **options
        As `streamlit.vega_lite_chart`: key, what a selection does, width.
    """
    specification = chart if isinstance(chart, dict) else chart_specification(chart)
    return st.vega_lite_chart(
        _without_pictures(specification)
        | {
            "config": {"axis": _AXES, "title": {"offset": _TITLE_OFFSET}},
            "padding": _PADDING,
            # What is drawn on a canvas, as more than 2000 points would be, gives no SVG.
            "usermeta": {"embedOptions": {"renderer": "svg"}},
        },
        alt=alt or title_of(specification) or _axes_of(specification),
        **options,
    )


def _without_pictures(part: Any) -> Any:
    """Return a chart whose tooltips call nothing image or title: Vega would fetch what a value names."""
    if isinstance(part, list):
        return [_without_pictures(one) for one in part]
    if not isinstance(part, dict):
        return part
    named = {key: _without_pictures(value) for key, value in part.items() if key not in ("data", "datasets")}
    if isinstance(tips := named.get("tooltip"), list):
        named["tooltip"] = [
            tip | {"title": f"{name} "}
            if (name := tip.get("title") or tip.get("field")) in _READ_BY_VEGA
            else tip
            for tip in tips
        ]
    return part | named


def chart_specification(chart: Any) -> dict[str, Any]:
    """Return a chart as Vega-Lite with its data, without the fixed size that Altair gives it."""
    import altair as alt

    # Notebooks keep what they show, for which Altair refuses more than 5000 rows.
    alt.data_transformers.disable_max_rows()
    specification: dict[str, Any] = chart.to_dict()
    specification.pop("config", None)
    return specification


def names_legend(names: Sequence[str]) -> Any:
    """Return a legend above a chart with as many names in a row as have room; none of them is cut."""
    import altair as alt

    widest = _ENTRY_PX + _LETTER_PX * max(map(len, names), default=1)
    return alt.Legend(
        orient="top",
        columns=max(1, min(8, _LEGEND_PX // widest)),
        labelLimit=0,
        symbolOpacity=1,
        symbolType="circle",
        symbolStrokeWidth=0,
    )


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
