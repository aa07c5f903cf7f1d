"""Charts of the Experiments page as Altair specifications."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from ellimaps.core.abscissa import AXIS_TITLES
from ellimaps.core.angles import unwrapped
from ellimaps.core.colors import CLUSTER_COLORS

# Pixels: names of groups are read in rows of this height, and more rows than this fill a window.
_ROW, MOST_GROUPS = 24, 40
# Half of the page's width holds two columns of names such as date / subject / experiment.
_LEGEND_ROW = 50
_LEGEND = alt.Legend(orient="bottom", columns=2, labelLimit=250)
# As many groups as colors that differ.
MOST_COLORS = 10


def count_chart(counts: pd.DataFrame, level: str) -> Any:
    """Draw the number of objects of each node of the tree."""
    tooltip = [
        level,
        "Images",
        alt.Tooltip("Objects", format=",d"),
        alt.Tooltip("Flagged", title="flagged images"),
    ]
    return _by_group(counts, level, alt.X("Objects:Q", title="objects", axis=alt.Axis(format=",d")), tooltip)


def density_chart(counts: pd.DataFrame, level: str) -> Any:
    """Draw the objects per image of each node, with their standard error."""
    table = counts.assign(
        low=counts["Objects per image"] - counts["Standard error"],
        high=counts["Objects per image"] + counts["Standard error"],
    )
    tooltip = [
        level,
        alt.Tooltip("Objects per image", format=".3~g"),
        alt.Tooltip("Standard error", format=".2~g"),
    ]
    title = "objects per image ± standard error"
    bars = _by_group(table, level, alt.X("Objects per image:Q", title=title), tooltip)
    errors = (
        alt.Chart(table.head(MOST_GROUPS))
        .mark_rule(strokeWidth=2, color=CLUSTER_COLORS[3])
        .encode(y=_groups(level), x=alt.X("low:Q", title=title), x2="high:Q")
    )
    return alt.layer(bars, errors)


def value_chart(values: pd.DataFrame, groups: Sequence[str], level: str, label: str) -> Any:
    """Draw a fitted value of every cluster of each node with its uncertainty.

    Parameters
    ----------
    values : DataFrame
        As `ellimaps.batch.map_results.values_by_group` returns them.
    groups : sequence of str
        All nodes in the order of the tree; one may have no value.
    level : str
        What they are.
    label : str
        What the value is, with its unit.
    """
    shown = values[values["group"].isin(groups[:MOST_GROUPS])]
    table = shown.assign(low=shown["mean"] - shown["error"], high=shown["mean"] + shown["error"])
    clusters = sorted(table["cluster"].unique())
    base = alt.Chart(table).encode(
        y=alt.Y("group:N", title=None, scale=alt.Scale(domain=list(groups[:MOST_GROUPS])), axis=_names()),
        yOffset=alt.YOffset("cluster:N") if len(clusters) > 1 else alt.Undefined,
        color=alt.Color(
            "cluster:N",
            title="cluster",
            scale=alt.Scale(domain=clusters, range=list(CLUSTER_COLORS[: len(clusters)])),
            legend=alt.Legend(orient="top", columns=8) if clusters != [""] else None,
        ),
        tooltip=[
            alt.Tooltip("group", title=level),
            "cluster",
            alt.Tooltip("mean:Q", title=label, format=",.4~g"),
            alt.Tooltip("error:Q", title="±", format=".2~g"),
            "samples",
        ],
    )
    x = alt.X("mean:Q", title=label, scale=alt.Scale(zero=False, padding=12))
    errors = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", title=label, scale=alt.Scale(zero=False)), x2="high:Q"
    )
    points = base.mark_point(filled=True, size=60, opacity=1).encode(x=x)
    rows = min(len(groups), MOST_GROUPS) * max(1.0, len(clusters) / 2)
    return alt.layer(errors, points).properties(height=_tall(rows) + _LEGEND_ROW)


def spectra_chart(spectra: pd.DataFrame, quantity: str, level: str) -> Any:
    """Draw the spectra of one cluster and quantity of each node over each other, with their spreads."""
    rows = spectra[spectra["quantity"] == quantity]
    column = abscissa(spectra)
    continuous = column != "band"
    curves = [
        _curve(part, quantity) for _, part in rows.groupby(["group", "aoi_deg"], sort=False, dropna=False)
    ]
    table = pd.concat(curves)
    table = table.assign(low=table["mean"] - table["spread"], high=table["mean"] + table["spread"])
    label = quantity if quantity == "intensity" else f"{quantity} (°)"
    scale = alt.Scale(zero=False, nice=False, padding=10) if continuous else alt.Undefined
    base = alt.Chart(table).encode(
        x=alt.X(
            f"{column}:{'Q' if continuous else 'N'}",
            title=AXIS_TITLES[column].replace("deg", "°") if continuous else None,
            sort=None if not continuous else alt.Undefined,
            scale=scale,
            axis=alt.Axis(grid=False, labelAngle=0),
        ),
        y=alt.Y("mean:Q", title=label, scale=alt.Scale(zero=False)),
        color=alt.Color("group:N", title=None, sort=None, legend=_LEGEND),
        detail="aoi_deg:N",
        tooltip=[
            alt.Tooltip("group", title=level),
            "band",
            alt.Tooltip("mean:Q", title=label, format=".4~g"),
            alt.Tooltip("spread:Q", title="±", format=".2~g"),
            "samples",
        ],
    )
    # More areas than these hide each other; the tooltip has the spread of all.
    few = rows["group"].nunique() <= 4
    spread = base.mark_area(opacity=0.15 if few else 0) if continuous else base.mark_rule()
    shown = (
        base.mark_line(point=alt.OverlayMarkDef(size=20))
        if continuous
        else base.mark_point(filled=True, size=60)
    )
    return alt.layer(
        spread.encode(y=alt.Y("low:Q", title=label, scale=alt.Scale(zero=False)), y2="high:Q"), shown
    ).properties(height=_with_legend(rows["group"].nunique()))


def abscissa(spectra: pd.DataFrame) -> str:
    """Return what spectra are drawn over: the first place in which their bands differ, else the bands."""
    varying = (name for name in ("wavelength_nm", "aoi_deg", "time_s") if spectra[name].nunique() > 1)
    return next(varying, "band")


def histogram(values: pd.Series, groups: pd.Series, level: str, label: str) -> Any:
    """Draw the distribution of a measure, as shares of each group's objects.

    Parameters
    ----------
    values : Series
        The measure of every object.
    groups : Series
        The node of the tree of every object; beyond the ten largest, the rest are one.
    level : str
        What the nodes are.
    label : str
        What the measure is, with its unit.
    """
    largest = groups.value_counts().index[:MOST_COLORS]
    shown = groups.where(groups.isin(largest), "others").rename(level)
    # Rice's rule for a group of the middle size: of more bins the curves of few objects are all spikes.
    count = min(30, math.ceil(2 * shown.value_counts().median() ** (1 / 3)))
    bins = pd.cut(values.rename("bin"), count)
    counts = pd.crosstab(bins, shown).melt(ignore_index=False, value_name="count").reset_index()
    counts["value"] = counts["bin"].map(lambda interval: interval.mid).astype(float)
    counts["share"] = counts["count"] / counts.groupby(level)["count"].transform("sum")
    return (
        alt.Chart(counts.drop(columns="bin"))
        .mark_line(interpolate="step", strokeWidth=2)
        .encode(
            x=alt.X("value:Q", title=label, scale=alt.Scale(zero=False, nice=False)),
            y=alt.Y("share:Q", title="share of objects", axis=alt.Axis(format="%")),
            color=alt.Color(
                f"{level}:N",
                title=None,
                sort=None,
                legend=_LEGEND,
            ),
            tooltip=[
                level,
                alt.Tooltip("value:Q", title=label, format=",.4~g"),
                alt.Tooltip("count", format=",d"),
            ],
        )
        .properties(height=_with_legend(counts[level].nunique()))
    )


def _by_group(table: pd.DataFrame, level: str, x: Any, tooltip: list[Any]) -> Any:
    shown = table.head(MOST_GROUPS)
    chart = alt.Chart(shown).mark_bar(color=CLUSTER_COLORS[0]).encode(y=_groups(level), x=x, tooltip=tooltip)
    return chart.properties(height=_tall(len(shown)))


def _groups(level: str) -> Any:
    return alt.Y(f"{level}:N", title=None, sort=None, axis=_names())


def _names() -> Any:
    return alt.Axis(labelLimit=230, labelOverlap=False)


def _with_legend(groups: int) -> int:
    """Return the height of a chart with its legend, into which Streamlit fits both."""
    return 290 + 26 * ((groups + 1) // 2)


def _tall(rows: float) -> int:
    return int(80 + _ROW * rows)


def _curve(rows: pd.DataFrame, quantity: str) -> pd.DataFrame:
    column = abscissa(rows)
    ordered = rows if column == "band" else rows.sort_values(column)
    return ordered.assign(mean=unwrapped(ordered["mean"].to_numpy(float), quantity))
