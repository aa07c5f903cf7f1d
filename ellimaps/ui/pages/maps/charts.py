"""Interactive charts as Altair specifications; no Streamlit, no computation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from ellimaps.core.abscissa import AXIS_TITLES, abscissa_of
from ellimaps.core.numbers import titled
from ellimaps.core.stack import ImageStack, band_label
from ellimaps.images.intensities import Bleaching
from ellimaps.ui.pages.maps.delta_turn import on_turn, stretches

# In pixels: two charts and the controls above them fit into a window of 800.
_HEIGHT = 200
_SHOWN = "#808080"
# Labels of Delta and Psi are as wide as "-180" in every chart, so that those below each other are aligned.
ANGLE_AXIS = alt.Axis(minExtent=38, maxExtent=38, tickCount=4)
_CHANNEL_COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]


def spectra_chart(
    shots: pd.DataFrame,
    stack: ImageStack,
    quantity: str,
    *,
    names: Sequence[str],
    palette: Sequence[str],
    selected: int,
    regions: pd.DataFrame | None = None,
    channel: str | None = None,
    shown: Sequence[int] = (),
    lowest_delta: float = 0.0,
) -> Any:
    """Draw clustershots of one quantity, the selected one emphasized with its standard deviation.

    Parameters
    ----------
    shots : DataFrame
        As `Segmentation.clustershots`.
    stack : ImageStack
        What was segmented.
    quantity : str
        Which quantity to draw.
    names, palette : sequence of str
        Name and color of every cluster.
    selected : int
        The emphasized cluster.
    regions : DataFrame, optional
        Spectra of regions of interest with a ``color`` each; dashed, with their names at the right end.
    channel : str, optional
        The only channel to draw of a stack over time.
    shown : sequence of int
        Bands whose maps are shown; a line marks where they are.
    lowest_delta : float
        Where the turn of the maps of Delta begins, in degrees; curves are drawn on the same one.
    """
    column = abscissa(stack)[0]
    placed = _placed(shots, stack, quantity, channel)
    table = _curves(placed, "cluster", quantity, lowest_delta)
    table = table.assign(name=[names[cluster] for cluster in table["cluster"]])
    color = alt.Color(
        "name:N",
        title=None,
        scale=alt.Scale(domain=list(names), range=list(palette)),
        legend=alt.Legend(
            orient="top", columns=8, labelLimit=90, symbolOpacity=1, symbolType="circle", symbolStrokeWidth=0
        ),
    )
    tooltip = [alt.Tooltip("name", title="cluster"), *_tooltip(column)]
    x, y = _axes(stack, quantity, channel)
    base = alt.Chart(table).encode(x=x, y=y, color=color, tooltip=tooltip, detail=["aoi_deg:N", "stretch:N"])
    chosen = alt.datum.cluster == selected
    emphasized = base.transform_filter(chosen)
    layers = [
        emphasized.mark_area(opacity=0.25).encode(y=alt.Y("low:Q", title=""), y2="high:Q"),
        base.transform_filter(~chosen).mark_line(strokeWidth=1.5, point=alt.OverlayMarkDef(size=18)),
        emphasized.mark_line(strokeWidth=4, point=alt.OverlayMarkDef(size=55)),
    ]
    if regions is not None and len(regions):
        of_regions = _placed(regions, stack, quantity, channel)
        layers += _region_layers(_curves(of_regions, "region", quantity, lowest_delta), x, y, column)
    marked = placed.loc[placed["band"].isin(shown), [column]].drop_duplicates()
    if len(marked) and placed[column].nunique() > 1:
        layers.insert(0, alt.Chart(marked).mark_rule(strokeDash=[3, 3], color=_SHOWN).encode(x=x))
    return alt.layer(*layers).properties(height=_HEIGHT + 10)


def _region_layers(table: pd.DataFrame, x: Any, y: Any, column: str) -> list[Any]:
    color = alt.Color("color:N", scale=None)
    base = alt.Chart(table).encode(x=x, y=y, color=color, tooltip=["region", *_tooltip(column)])
    line = base.mark_line(strokeDash=[6, 4], strokeWidth=2.5, point=alt.OverlayMarkDef()).encode(
        detail=["region:N", "aoi_deg:N", "stretch:N"]
    )
    ends = table[table[column] == table[column].max()]
    text = alt.Chart(ends).mark_text(align="right", dy=-9, fontWeight="bold")
    return [line, text.encode(x=x, y=y, text="region", color=color)]


def _placed(shots: pd.DataFrame, stack: ImageStack, quantity: str, channel: str | None) -> pd.DataFrame:
    """Return the rows of one quantity (and channel) with what their bands say of time and image."""
    labels = [band_label(band) for _, band in stack.bands.iterrows()]
    bands = pd.DataFrame({"image": labels, "time_s": stack.bands["time_s"]})
    bands["frame"] = stack.bands.get("frame", -1)
    table = shots.drop(columns=["time_s", "frame"], errors="ignore").join(bands, on="band")
    wanted = table["quantity"] == quantity
    return table[wanted if channel is None else wanted & (table["channel"] == channel)]


def _axes(stack: ImageStack, quantity: str, channel: str | None = None) -> tuple[Any, Any]:
    column, label, kind = abscissa(stack)
    scale = alt.Scale(zero=False, nice=False, padding=10) if kind == "Q" else alt.Undefined
    unit = stack.bands["unit"].iloc[0]
    return (
        alt.X(
            f"{column}:{kind}",
            title=label,
            scale=scale,
            sort=None if kind == "O" else alt.Undefined,
            axis=alt.Axis(grid=False, labelAngle=0, labelOverlap=True, titlePadding=2),
        ),
        alt.Y(
            "mean:Q",
            title=titled(f"{channel} {quantity}" if channel else quantity, unit),
            scale=alt.Scale(zero=False),
            axis=ANGLE_AXIS if stack.is_ellipsometric else alt.Undefined,
        ),
    )


def abscissa(stack: ImageStack) -> tuple[str, str, str]:
    """Return column, title and type of what a spectrum is drawn over; channels have names."""
    column = abscissa_of(stack)
    if column != "band":
        return column, AXIS_TITLES[column], "Q"
    return (column, AXIS_TITLES[column], "O") if stack.is_ellipsometric else ("image", "channel", "O")


def bleaching_chart(curve: Bleaching) -> Any:
    """Draw the mean intensity of each channel over time as points, and the fitted decay as a line."""
    column = "time_s" if (curve.rates["unit"] == "s").all() else "frame"
    channels = [channel or "intensity" for channel in curve.rates["channel"]]
    table = curve.table.assign(name=[channel or "intensity" for channel in curve.table["channel"]])
    axis = alt.Axis(grid=False, labelAngle=0, tickCount=6, titlePadding=2)
    scale = alt.Scale(zero=False, nice=False, padding=8)
    x = alt.X(f"{column}:Q", title=AXIS_TITLES[column], axis=axis, scale=scale)
    y_scale = alt.Scale(zero=False)
    color = alt.Color(
        "name:N",
        title=None,
        scale=alt.Scale(domain=channels, range=_CHANNEL_COLORS[: len(channels)])
        if len(channels) <= len(_CHANNEL_COLORS)
        else alt.Scale(domain=channels),
        legend=alt.Legend(orient="top", labelLimit=140, symbolType="circle", symbolOpacity=1),
    )
    tooltip = [
        alt.Tooltip("name", title="channel"),
        alt.Tooltip(f"{column}:Q", title=AXIS_TITLES[column], format=".5g"),
        alt.Tooltip("mean:Q", title="mean intensity", format=".5g"),
        alt.Tooltip("fitted:Q", title="fitted decay", format=".5g"),
    ]
    base = alt.Chart(table).encode(x=x, color=color, tooltip=tooltip)
    y_title, y_axis = "mean intensity", alt.Axis(tickCount=5)
    points = base.mark_point(filled=True, size=36, opacity=1).encode(
        y=alt.Y("mean:Q", title=y_title, scale=y_scale, axis=y_axis)
    )
    lines = base.mark_line(strokeWidth=1.5).encode(
        y=alt.Y("fitted:Q", title=y_title, scale=y_scale, axis=y_axis)
    )
    title = "Bleaching: points measured, lines fitted"
    return alt.layer(points, lines).properties(height=_HEIGHT + 40, title=title)


def _curves(table: pd.DataFrame, group: str, quantity: str, lowest_delta: float) -> pd.DataFrame:
    parts = []
    for _, part in table.groupby([group, "aoi_deg"], dropna=False):
        mean = on_turn(part["mean"].to_numpy(), quantity, lowest_delta)
        low, high = mean - part["std"], mean + part["std"]
        parts.append(part.assign(mean=mean, low=low, high=high, stretch=stretches(mean, quantity)))
    return pd.concat(parts) if parts else table.assign(low=0.0, high=0.0, stretch=0)


def _tooltip(column: str) -> list[alt.Tooltip]:
    title = "angle (°)" if column == "aoi_deg" else AXIS_TITLES.get(column, column)
    return [
        alt.Tooltip(column, title=title),
        alt.Tooltip("mean:Q", format=".3f"),
        alt.Tooltip("std:Q", title="standard deviation", format=".3f"),
        alt.Tooltip("n_pixels:Q", title="pixels", format=","),
    ]
