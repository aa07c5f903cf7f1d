"""The plate as it lies on the stage: a feature of every well, positional effects before and after."""

from __future__ import annotations

from functools import partial
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from ellimaps.core.numbers import spoken
from ellimaps.plates.measuring.wells import row_letters
from ellimaps.plates.statistics.assay_quality import SEPARATIONS, assay_quality, treatment_text
from ellimaps.plates.statistics.edge_effect import edge_effect
from ellimaps.plates.statistics.normalization import scaled
from ellimaps.plates.statistics.treatments import Treatment, treatments
from ellimaps.ui.pages.plates.choice import chosen_fields, wells_of
from ellimaps.ui.pages.plates.data import OpenedPlate, positional_effects, treatment_names
from ellimaps.ui.pages.plates.images import chosen_well, places, well_images
from ellimaps.ui.pages.plates.state import WELL, PlatesState
from ellimaps.ui.shared.charts import show_chart
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.widgets import table_downloads

# In pixels: wells of 384 keep room for their letters, and a plate its shape on a wide screen.
_HEIGHT, _WIDEST = 340, 1000
_QUALITY = {
    **{"plate": "Plate", "n_controls": "Control wells", "mean": "Mean of controls"},
    **{"sd": "Standard deviation", "cv": "CV", "n_positive": "Positive wells", "z_prime": "Z'"},
    **{"z_prime_robust": "Robust Z'", "ssmd": "SSMD", "ssmd_robust": "Robust SSMD"},
}
_ALL = "All plates"
_NO_POSITIVE = "none"


def plate_map_tab(state: PlatesState, plate: OpenedPlate) -> None:
    """Show one feature over the plate, before and after a correction, and the images of a well."""
    units = ["As measured", "Against the controls (robust z)"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        feature = st.selectbox(
            "Feature",
            list(plate.profiles.features),
            **kept("plates_feature", address=True),
            format_func=spoken,
            width=300,
            help=f"In tables it is called `{st.session_state.get('plates_feature', '')}`.",
        )
        unit = st.segmented_control("Values", units, default=units[0], **kept("plates_unit"), required=True)
        name = _plate_name(plate)
        positive = _positive_control(plate)
    _quality(plate, feature, positive)
    scaling = unit != units[0]
    title = f"{spoken(feature)} (robust z)" if scaling else spoken(feature)
    shown = [plate] if plate.before is None else [plate.before, plate]
    values = [_values(one, feature, scaling=scaling) for one in shown]
    # Before and after have one scale, or the eye would compare colors that mean different values.
    colors = _color_scale(np.concatenate(values), diverging=scaling)
    chosen = wells_of(plate, chosen_fields(state, plate))
    for one, own in zip(shown, values, strict=True):
        label = "as measured" if one.before is None else "corrected"
        _maps(one, own, chosen, name, f"{title}, {label}" if len(shown) > 1 else title, colors)
    number = chosen_well(plate)
    if number is not None:
        st.caption(f"{escaped(title)}: {values[-1][number]:.4g}")
        well_images(state, plate, number)


def _values(plate: OpenedPlate, feature: str, *, scaling: bool) -> NDArray[np.float64]:
    table = scaled(plate.profiles)[1] if scaling else plate.profiles.wells
    return table[feature].to_numpy(np.float64)


def _maps(
    plate: OpenedPlate,
    values: NDArray[np.float64],
    chosen: NDArray[np.bool_],
    name: str,
    title: str,
    colors: alt.Scale,
) -> None:
    wells = plate.profiles.wells
    cells = _cells(wells, values, chosen)
    if name == _ALL:
        names = sorted(wells["plate"].astype(str).unique())
        for start in range(0, len(names), 2):
            for column, one in zip(st.columns(2), names[start : start + 2], strict=False):
                here = (wells["plate"].astype(str) == one).to_numpy()
                with column:
                    _map(plate, cells[here], f"{one}: {title}", colors)
        return
    here = (wells["plate"].astype(str) == name).to_numpy()
    cells = cells[here]
    with st.container(width=_WIDEST):
        _map(plate, cells, title, colors)
        left, right = st.columns(2)
        with left:
            show_chart(_means(cells, "column", "column_number"))
        with right:
            show_chart(_means(cells, "row", "row_number"))
    st.caption(f"Dots mark control wells. {escaped(edge_effect(wells[here], cells['value'], plate.shape))}")
    st.caption(escaped(_position_sentence(positional_effects(plate))))


def _map(plate: OpenedPlate, cells: pd.DataFrame, title: str, colors: alt.Scale) -> None:
    key = f"plates_map_{title}"
    show_chart(_chart(cells, plate.shape, title, colors), key=key, on_select=partial(_take_well, key))


def _take_well(key: str) -> None:
    """Take the well that was clicked; a click beside all wells changes nothing."""
    chosen = st.session_state[key]["selection"].get("well", [])
    if chosen:
        st.session_state[WELL] = chosen[0]["place"]


def _plate_name(plate: OpenedPlate) -> str:
    names: list[str] = sorted(plate.profiles.wells["plate"].astype(str).unique())
    if len(names) == 1:
        return names[0]
    return st.selectbox("Plate", [*names, _ALL], **kept("plates_plate"), width=180)


def _positive_control(plate: OpenedPlate) -> Treatment | None:
    known = {treatment_text(one): one for one in treatments(plate.profiles.wells)}
    chosen = st.selectbox(
        "Positive control",
        [_NO_POSITIVE, *known],
        **kept("plates_positive"),
        width=200,
        help="For the Z' factor: wells that were planned to change, not those that turned out to.",
    )
    return known.get(chosen)


def _quality(plate: OpenedPlate, feature: str, positive: Treatment | None) -> None:
    wells = plate.profiles.wells
    chosen = np.isin(np.arange(len(wells)), positive.rows if positive else [])
    table = assay_quality(wells, wells[feature].to_numpy(np.float64), chosen)
    if len(table) > 1:
        shown = table if positive else table.drop(columns=["n_positive", *SEPARATIONS])
        words = shown.rename(columns=_QUALITY)
        percent = {"CV": st.column_config.NumberColumn(format="percent")}
        st.dataframe(words, hide_index=True, key="plates_quality", column_config=percent)
        table_downloads("Save the table", "quality", table, key="plates_get_quality", shown=words)
        return
    row = table.iloc[0]
    cv = f", CV {row['cv']:.1%}" if np.isfinite(row["cv"]) else ""
    text = (
        f"Controls: {row['n_controls']} wells, {row['mean']:.4g} ± {row['sd']:.2g} (standard deviation{cv})"
    )
    if positive is not None:
        known = np.isfinite(row["z_prime"])
        text += f". Z' {row['z_prime']:.2f}" if known else ". Z' is not known: it takes three wells of each"
    st.caption(f"{escaped(text)}.")


def _cells(wells: pd.DataFrame, values: Any, chosen: NDArray[np.bool_]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "row": [row_letters(int(number)) for number in wells["row"]],
            "row_number": wells["row"].to_numpy(int),
            "column": wells["column"].to_numpy(int),
            "column_number": wells["column"].to_numpy(int),
            "well": wells["well"].to_numpy(str),
            "place": places(wells),
            "treatment": treatment_names(wells),
            "control": wells["control"].to_numpy(bool),
            "value": values,
            "chosen": chosen,
        }
    )


def _chart(cells: pd.DataFrame, shape: tuple[int, int], title: str, colors: alt.Scale) -> Any:
    rows = [row_letters(number) for number in range(1, shape[0] + 1)]
    columns = list(range(1, shape[1] + 1))
    x = alt.X("column:O", title="column", scale=alt.Scale(domain=columns), axis=alt.Axis(labelAngle=0))
    y = alt.Y("row:O", title="row", scale=alt.Scale(domain=rows), sort=rows)
    color = alt.Color("value:Q", title=None, scale=colors)
    tooltip = ["well", "treatment", alt.Tooltip("value:Q", title=title, format=".4g")]
    clicked = alt.selection_point(name="well", fields=["place"], toggle=False)
    wells = (
        alt.Chart(cells)
        .mark_rect(cursor="pointer")
        .encode(
            *(x, y, color),
            opacity=alt.condition("datum.chosen", alt.value(1.0), alt.value(0.2)),
            tooltip=tooltip,
        )
        .add_params(clicked)
    )
    controls = (
        alt.Chart(cells[cells["control"]])
        .mark_point(shape="circle", size=14, color="black", filled=True, opacity=0.55)
        .encode(x=x, y=y, tooltip=tooltip)
    )
    # The name of a feature is given whole, however long it is.
    return (wells + controls).properties(height=_HEIGHT, title=alt.TitleParams(title, limit=0))


def _means(cells: pd.DataFrame, by: str, order: str) -> Any:
    means = cells.groupby([order, by], as_index=False)["value"].mean()
    return (
        alt.Chart(means)
        .mark_line(point=True, strokeWidth=1)
        .encode(
            x=alt.X(
                f"{by}:O", title=by, sort=list(means[by]), axis=alt.Axis(labelAngle=0, labelOverlap=True)
            ),
            y=alt.Y("value:Q", title="mean", scale=alt.Scale(zero=False)),
            order=alt.Order(f"{order}:Q"),
            tooltip=[by, alt.Tooltip("value:Q", title="mean", format=".4g")],
        )
        .properties(height=130, title=f"Mean of each {by}")
    )


def _color_scale(values: NDArray[np.float64], *, diverging: bool) -> alt.Scale:
    finite = values[np.isfinite(values)]
    if not finite.size:
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
        return "The layout does not tell positional effects from those of compounds."
    parts = [
        f"{row['factor']} {max(row['explained'], 0):.0%} "
        f"(most of {spoken(str(row['feature']))}: {max(row['feature_explained'], 0):.0%})"
        for _, row in known.iterrows()
    ]
    return f"Of the differences between wells of equal treatment, position explains: {', '.join(parts)}."
