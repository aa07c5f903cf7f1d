"""The spectrum of a pixel that was clicked, before anything is segmented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from ellimaps.core.colors import CLUSTER_COLORS
from ellimaps.core.numbers import number_text, titled, with_unit
from ellimaps.core.stack import DELTA, ImageStack, band_labels
from ellimaps.maps.settings import Settings
from ellimaps.ui.pages.maps.charts import ANGLE_AXIS, abscissa
from ellimaps.ui.pages.maps.delta_turn import on_turn, stretches, turn_sentence
from ellimaps.ui.pages.maps.levels import has_one_level
from ellimaps.ui.pages.maps.state import MapsState
from ellimaps.ui.shared.charts import show_chart
from ellimaps.ui.shared.markdown import escaped

_COLOR = "#1F87C8"
# As in the maps.
_FILLED = "#FF00A0"
_SHOWN = "#808080"
# In pixels: the charts of Delta and Psi stand beside the maps in a window of 720.
_HEIGHT = 150


def pick_pixel(state: MapsState, drawn: Mapping[str, Any], settings: Settings) -> None:
    """Take the pixel that was clicked on the cropped maps."""
    (x, y), *_ = drawn["vertices"]
    y0, _, x0, _ = settings.roi or (0, 0, 0, 0)
    state.pixel = int(x) + x0, int(y) + y0


def pixel_spectrum(
    state: MapsState, stack: ImageStack, settings: Settings, shown: Sequence[int], lowest: float
) -> None:
    """Show the values of the picked pixel in all bands of a prepared measurement.

    Parameters
    ----------
    state : MapsState
        Has the pixel.
    stack : ImageStack
        The prepared measurement.
    settings : Settings
        How it was prepared.
    shown : sequence of int
        The bands whose maps are shown.
    lowest : float
        Where the turn of the maps of Delta begins, in degrees.
    """
    place = None if state.pixel is None else _within(stack, settings, state.pixel)
    if place is None:
        st.caption(":material/ads_click: Click a pixel of a map: its spectrum stands here.")
        return
    table = _values(stack, *place, lowest)
    st.markdown(_sentence(stack, table, state.pixel, shown))
    if not has_one_level(stack):
        for quantity in stack.quantities:
            chart = _chart(table[table["quantity"] == quantity], stack, quantity, shown)
            show_chart(chart)
        if DELTA in stack.quantities:
            st.caption(turn_sentence(lowest))


def _within(stack: ImageStack, settings: Settings, pixel: tuple[int, int]) -> tuple[int, int] | None:
    """Return row and column of a measured pixel in the prepared maps, if it is in them."""
    y0, _, x0, _ = settings.roi or (0, 0, 0, 0)
    column, row = (pixel[0] - x0) // settings.binning, (pixel[1] - y0) // settings.binning
    height, width = stack.shape
    return (row, column) if 0 <= row < height and 0 <= column < width else None


def _values(stack: ImageStack, row: int, column: int, lowest: float) -> pd.DataFrame:
    bands, values = stack.bands, stack.values[:, row, column].astype(np.float64)
    return pd.DataFrame(
        {
            "quantity": bands["quantity"],
            "image": band_labels(stack),
            "wavelength_nm": bands["wavelength_nm"],
            "aoi_deg": bands["aoi_deg"],
            "time_s": bands["time_s"],
            "frame": bands.get("frame", -1),
            "channel": bands["channel"],
            "band": np.arange(stack.n_bands),
            "value": np.where(bands["quantity"] == DELTA, on_turn(values, DELTA, lowest), values),
            "origin": np.where(stack.filled[:, row, column], "filled", "measured"),
        }
    )


def _sentence(
    stack: ImageStack, table: pd.DataFrame, pixel: tuple[int, int] | None, shown: Sequence[int]
) -> str:
    assert pixel is not None
    unit = stack.bands["unit"].iloc[0]
    parts = []
    for band in shown:
        row = table.iloc[band]
        value = with_unit(_value_text(stack, row["value"]), unit) if np.isfinite(row["value"]) else "no value"
        parts.append(f"{row['image']} {value}" + (" (filled)" if row["origin"] == "filled" else ""))
    return f"**Pixel x {pixel[0]}, y {pixel[1]}:** {escaped(', '.join(parts))}"


def _value_text(stack: ImageStack, value: float) -> str:
    """Return a value as it is known: hundredths of a degree, or four digits of an intensity."""
    return f"{value:.2f}" if stack.is_ellipsometric else number_text(value)


def _chart(table: pd.DataFrame, stack: ImageStack, quantity: str, shown: Sequence[int]) -> Any:
    column, label, kind = abscissa(stack)
    known = table[np.isfinite(table["value"])]
    scale = alt.Scale(zero=False, nice=False, padding=10) if kind == "Q" else alt.Undefined
    x = alt.X(
        f"{column}:{kind}",
        title=label,
        scale=scale,
        sort=None if kind == "O" else alt.Undefined,
        axis=alt.Axis(grid=False, labelAngle=0, labelOverlap=True),
    )
    title = titled(quantity, stack.bands["unit"].iloc[0])
    axis = ANGLE_AXIS if stack.is_ellipsometric else alt.Axis(tickCount=4)
    y = alt.Y("value:Q", title=title, scale=alt.Scale(zero=False), axis=axis)
    several = kind == "Q" and known["channel"].nunique() > 1
    colors = _channel_colors(known) if several else _origin_colors(known)
    base = alt.Chart(known.assign(stretch=stretches(known["value"].to_numpy(), quantity))).encode(x=x, y=y)
    line = base.mark_line(color=_COLOR, strokeWidth=1.5).encode(
        detail=["stretch:N", "aoi_deg:N", "channel:N"],
        color=colors if several else alt.value(_COLOR),
    )
    points = base.mark_point(filled=True, size=30, opacity=1).encode(
        color=colors,
        tooltip=[
            alt.Tooltip("image", title="map"),
            alt.Tooltip("value:Q", title=title, format=".2f"),
            "origin",
        ],
    )
    rule = alt.Chart(known[known["band"].isin(shown)]).mark_rule(strokeDash=[3, 3], color=_SHOWN).encode(x=x)
    return alt.layer(rule, line, points).properties(height=_HEIGHT)


def _channel_colors(table: pd.DataFrame) -> alt.Color:
    channels = list(dict.fromkeys(table["channel"]))
    return alt.Color(
        "channel:N",
        title=None,
        scale=alt.Scale(domain=channels, range=list(CLUSTER_COLORS)),
        legend=alt.Legend(orient="top"),
    )


def _origin_colors(table: pd.DataFrame) -> alt.Color:
    return alt.Color(
        "origin:N",
        title=None,
        scale=alt.Scale(domain=["measured", "filled"], range=[_COLOR, _FILLED]),
        legend=alt.Legend(orient="top") if (table["origin"] == "filled").any() else None,
    )
