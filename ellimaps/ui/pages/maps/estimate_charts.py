"""Charts of an estimate: the gaps that decided, and how well each number of clusters describes the images."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from ellimaps.maps.clustering.estimation import ClusterEstimate
from ellimaps.maps.clustering.kinds import SHALLOW

# In pixels: four charts and the suggestion fit into a window of 800.
_HEIGHT = 200
_MARK, _NUMBERS = "#D55E00", "#808080"
_GAP, _NO_GAP = "#0072B2", "#A8A8A8"


def estimate_charts(estimate: ClusterEstimate) -> list[Any]:
    """Draw the gaps that the suggestion tells of, then what else is known of each number of clusters."""
    table = estimate.table.assign(
        low=estimate.table["silhouette"] - estimate.table["silhouette_se"],
        high=estimate.table["silhouette"] + estimate.table["silhouette_se"],
    )
    inertia = _over_k(
        table, "inertia", "inertia", f"Inertia, elbow at k = {estimate.elbow_k}", estimate.elbow_k
    )
    title = f"Silhouette with standard error, highest at k = {estimate.silhouette_k}"
    silhouette = _over_k(table, "silhouette", "silhouette", title, estimate.silhouette_k)
    bars = (
        alt.Chart(table)
        .mark_errorbar(ticks={"size": 9, "color": _MARK}, thickness=2, color=_MARK)
        .encode(x="k:O", y=alt.Y("low:Q", title="silhouette", scale=alt.Scale(zero=False)), y2="high:Q")
    )
    calinski = _over_k(table, "calinski_harabasz", "index", "Calinski-Harabasz index", None)
    silhouette = alt.layer(silhouette, bars).properties(title=title, height=_HEIGHT)
    return [_gaps(estimate), inertia, silhouette, calinski]


def _gaps(estimate: ClusterEstimate) -> Any:
    """Draw what the shallowest gap between so many groups holds of the lower peak beside it."""
    highest = max(estimate.settings["k_max"], estimate.kinds + 1)
    table = estimate.valleys[estimate.valleys["k"] <= highest]
    table = table.assign(held=100 * table["valley"], counts=table["k"] <= estimate.kinds)
    x = alt.X("k:O", title="number of groups k", axis=alt.Axis(labelAngle=0))
    y = alt.Y("held:Q", title="held by the gap (%)", scale=alt.Scale(domain=[0, 100]))
    bars = (
        alt.Chart(table)
        .mark_bar(size=18)
        .encode(
            x=x,
            y=y,
            color=alt.condition("datum.counts", alt.value(_GAP), alt.value(_NO_GAP)),
            tooltip=["k", alt.Tooltip("held:Q", title="held by the shallowest gap (%)", format=".3g")],
        )
    )
    numbers = bars.mark_text(dy=-7, fontSize=11).encode(
        color=alt.value(_NUMBERS), text=alt.Text("held:Q", format=".0f")
    )
    limit = alt.Chart(pd.DataFrame({"held": [100 * SHALLOW]})).mark_rule(strokeDash=[4, 4], color=_MARK)
    kinds = f"{estimate.kinds} kinds" if estimate.kinds > 1 else "none below the line"
    title = f"Shallowest gap, in % of the lower peak beside it: {kinds}"
    return alt.layer(bars, numbers, limit.encode(y="held:Q")).properties(title=title, height=_HEIGHT)


def _over_k(table: pd.DataFrame, column: str, label: str, title: str, marked: int | None) -> Any:
    line = (
        alt.Chart(table)
        .mark_line(point=True)
        .encode(
            x=alt.X("k:O", title="number of clusters k", axis=alt.Axis(labelAngle=0)),
            y=alt.Y(f"{column}:Q", title=label, scale=alt.Scale(zero=False)),
            tooltip=["k", alt.Tooltip(f"{column}:Q", title=label, format=".5g")],
        )
    )
    layers = [line]
    if marked is not None:
        rule = alt.Chart(pd.DataFrame({"k": [marked]})).mark_rule(strokeDash=[4, 4], color=_MARK)
        layers.append(rule.encode(x="k:O"))
    return alt.layer(*layers).properties(title=title, height=_HEIGHT)
