"""The plate as it lies on the stage: a feature of every well, edge effects in view."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from ellimaps.plates.measuring.wells import row_letters
from ellimaps.plates.statistics.normalization import scaled
from ellimaps.ui.pages.plates.data import Opened, place_effects, treatment_names
from ellimaps.ui.shared.state import remembered

_UNITS = ("As measured", "Against the controls (robust z)")
_HEIGHT = 470


def heat_map_view(one: Opened) -> None:
    """Show one feature over the plate, with the means of rows and columns beside it."""
    features = list(one.profiles.features)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        feature = remembered(
            st.selectbox, "Feature", options=features, key="plates_feature", default=features[0], width=340
        )
        unit = remembered(
            st.segmented_control, "Values", options=list(_UNITS), key="plates_unit", default=_UNITS[0],
            required=True,
        )  # fmt: skip
        plate = _chosen_plate(one)
    against = unit != _UNITS[0]
    wells = one.profiles.wells
    values = scaled(one.profiles)[1][feature] if against else wells[feature]
    here = (wells["plate"] == plate).to_numpy()
    shown = _cells(wells[here], values[here].to_numpy(float))
    st.altair_chart(
        _chart(shown, one.shape, f"{feature}{' (robust z)' if against else ''}", diverging=against)
    )
    st.caption(_edge_sentence(shown, one.shape))
    st.caption(_place_sentence(place_effects(one)))


def _chosen_plate(one: Opened) -> str:
    plates = sorted(one.profiles.wells["plate"].astype(str).unique())
    if len(plates) == 1:
        return str(plates[0])
    return str(remembered(st.selectbox, "Plate", options=plates, key="plates_plate", default=plates[0]))


def _cells(wells: pd.DataFrame, values: Any) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "row": [row_letters(int(number)) for number in wells["row"]],
            "row_number": wells["row"].to_numpy(int),
            "column": wells["column"].to_numpy(int),
            "well": wells["well"].to_numpy(str),
            "treatment": treatment_names(wells),
            "control": wells["control"].to_numpy(bool),
            "value": values,
        }
    )


def _chart(cells: pd.DataFrame, shape: tuple[int, int], title: str, *, diverging: bool) -> Any:
    rows = [row_letters(number) for number in range(1, shape[0] + 1)]
    columns = list(range(1, shape[1] + 1))
    x = alt.X("column:O", title="column", scale=alt.Scale(domain=columns), axis=alt.Axis(labelAngle=0))
    y = alt.Y("row:O", title="row", scale=alt.Scale(domain=rows), sort=rows)
    color = alt.Color("value:Q", title=None, scale=_color_scale(cells["value"], diverging=diverging))
    tooltip = ["well", "treatment", alt.Tooltip("value:Q", title=title, format=".4g")]
    wells = alt.Chart(cells).mark_rect().encode(x=x, y=y, color=color, tooltip=tooltip)
    controls = (
        alt.Chart(cells[cells["control"]])
        .mark_point(shape="circle", size=14, color="black", filled=True, opacity=0.55)
        .encode(x=x, y=y, tooltip=tooltip)
    )
    scale = alt.Scale(zero=False)
    by_column = (
        alt.Chart(cells)
        .mark_line(point=True, strokeWidth=1)
        .encode(
            x=alt.X("column:O", title=None, scale=alt.Scale(domain=columns), axis=alt.Axis(labels=False)),
            y=alt.Y("mean(value):Q", title="mean", scale=scale),
            tooltip=["column", alt.Tooltip("mean(value):Q", format=".4g")],
        )
        .properties(height=70, width=720)
    )
    by_row = (
        alt.Chart(cells)
        .mark_line(point=True, strokeWidth=1, orient="horizontal")
        .encode(
            y=alt.Y(
                "row:O", title=None, scale=alt.Scale(domain=rows), sort=rows, axis=alt.Axis(labels=False)
            ),
            x=alt.X("mean(value):Q", title="mean", scale=scale),
            order=alt.Order("row_number:Q"),
            tooltip=["row", alt.Tooltip("mean(value):Q", format=".4g")],
        )
        .properties(width=110, height=_HEIGHT - 150)
    )
    plate = (wells + controls).properties(width=720, height=_HEIGHT - 150)
    return alt.vconcat(by_column, alt.hconcat(plate, by_row), title=title).resolve_scale(color="shared")


def _color_scale(values: pd.Series, *, diverging: bool) -> alt.Scale:
    finite = values[np.isfinite(values)]
    if finite.empty:
        return alt.Scale(scheme="viridis")
    if diverging:
        most = float(np.percentile(np.abs(finite), 98)) or 1.0
        return alt.Scale(scheme="blueorange", domain=[-most, most], clamp=True)
    low, high = np.percentile(finite, [1, 99])
    return alt.Scale(scheme="viridis", domain=[float(low), float(high)], clamp=True)


def _edge_sentence(cells: pd.DataFrame, shape: tuple[int, int]) -> str:
    edge = cells["row_number"].isin([1, shape[0]]) | cells["column"].isin([1, shape[1]])
    controls = cells["control"] if cells["control"].sum() > 3 else pd.Series(True, index=cells.index)
    outer, inner = cells.loc[edge & controls, "value"], cells.loc[~edge & controls, "value"]
    what = "control wells" if cells["control"].sum() > 3 else "wells"
    note = "Dots mark control wells. "
    if outer.count() < 2 or inner.count() < 2:
        return note + f"Too few {what} at the edge or inside to compare them."
    spread = float(np.sqrt((outer.var() / outer.count()) + (inner.var() / inner.count()))) or float("nan")
    difference = float(outer.mean() - inner.mean())
    return note + (
        f"Edge effect: {what} at the edge {outer.mean():.4g} (n = {outer.count()}), "
        f"inside {inner.mean():.4g} (n = {inner.count()}), "
        f"difference {difference:+.3g} = {abs(difference) / spread:.1f} standard errors."
    )


def _place_sentence(effects: pd.DataFrame) -> str:
    known = effects[effects["explained"].notna()]
    if known.empty:
        return "The layout does not tell effects of place from those of compounds."
    parts = [
        f"{row['factor']} {max(row['explained'], 0):.0%} "
        f"(most of {row['feature']}: {max(row['feature_explained'], 0):.0%})"
        for _, row in known.iterrows()
    ]
    return f"Of the differences between wells of equal treatment, place explains: {', '.join(parts)}."
