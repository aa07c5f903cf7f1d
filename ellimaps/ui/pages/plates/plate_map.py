"""The plate as it lies on the stage: a feature of every well, edge effects in view."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from ellimaps.core.numbers import spoken
from ellimaps.plates.measuring.wells import row_letters
from ellimaps.plates.statistics.edge_effect import edge_effect
from ellimaps.plates.statistics.normalization import scaled
from ellimaps.ui.pages.plates.data import OpenedPlate, positional_effects, treatment_names
from ellimaps.ui.pages.plates.state import PlatesState
from ellimaps.ui.shared.charts import show_chart
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import kept

# In pixels: the largest 384-well plate that fits a window of 1280 x 800 with the means beside it.
_WIDTH, _HEIGHT = 720, 320


def plate_map_tab(_: PlatesState, plate: OpenedPlate) -> None:
    """Show one feature over the plate, with the means of rows and columns beside it."""
    units = ["As measured", "Against the controls (robust z)"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        feature = st.selectbox("Feature", list(plate.profiles.features), **kept("plates_feature"), width=340)
        unit = st.segmented_control("Values", units, default=units[0], **kept("plates_unit"), required=True)
        name = _plate_name(plate)
    scaling = unit != units[0]
    wells = plate.profiles.wells
    values = scaled(plate.profiles)[1][feature] if scaling else wells[feature]
    here = (wells["plate"] == name).to_numpy()
    shown = _cells(wells[here], values[here].to_numpy(float))
    title = f"{spoken(feature)} (robust z)" if scaling else spoken(feature)
    show_chart(_chart(shown, plate.shape, title, _color_scale(shown["value"], diverging=scaling)))
    st.caption(f"Dots mark control wells. {escaped(edge_effect(wells[here], shown['value'], plate.shape))}")
    st.caption(escaped(_position_sentence(positional_effects(plate))))


def _plate_name(plate: OpenedPlate) -> str:
    names: list[str] = sorted(plate.profiles.wells["plate"].astype(str).unique())
    if len(names) == 1:
        return names[0]
    return st.selectbox("Plate", names, **kept("plates_plate"))


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


def _chart(cells: pd.DataFrame, shape: tuple[int, int], title: str, colors: alt.Scale) -> Any:
    rows = [row_letters(number) for number in range(1, shape[0] + 1)]
    columns = list(range(1, shape[1] + 1))
    x = alt.X("column:O", title="column", scale=alt.Scale(domain=columns), axis=alt.Axis(labelAngle=0))
    y = alt.Y("row:O", title="row", scale=alt.Scale(domain=rows), sort=rows)
    color = alt.Color("value:Q", title=None, scale=colors)
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
        .properties(height=70, width=_WIDTH)
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
        .properties(width=110, height=_HEIGHT)
    )
    plate = (wells + controls).properties(width=_WIDTH, height=_HEIGHT)
    return alt.vconcat(by_column, alt.hconcat(plate, by_row), title=title).resolve_scale(color="shared")


def _color_scale(values: pd.Series, *, diverging: bool) -> alt.Scale:
    finite = values[np.isfinite(values)]
    if finite.empty:
        return alt.Scale(scheme="viridis")
    # The few wells beyond these percentiles share the last color: one outlier leaves the rest apart.
    if diverging:
        most = float(np.percentile(np.abs(finite), 98)) or 1.0
        return alt.Scale(scheme="blueorange", domain=[-most, most], clamp=True)
    low, high = np.percentile(finite, [1, 99])
    return alt.Scale(scheme="viridis", domain=[float(low), float(high)], clamp=True)


def _position_sentence(effects: pd.DataFrame) -> str:
    known = effects[effects["explained"].notna()]
    if known.empty:
        return "The layout does not tell effects of place from those of compounds."
    parts = [
        f"{row['factor']} {max(row['explained'], 0):.0%} "
        f"(most of {row['feature']}: {max(row['feature_explained'], 0):.0%})"
        for _, row in known.iterrows()
    ]
    return f"Of the differences between wells of equal treatment, place explains: {', '.join(parts)}."
