"""Which compounds change cells, how, from which dose on, and which act alike."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from ellimaps.core.numbers import shown_unit, spoken
from ellimaps.plates.statistics.answers import CALLED_AT, DISTANCE, Answers, answers
from ellimaps.ui.components.image_sheet import Sheet
from ellimaps.ui.pages.plates.choice import Mask, chosen_fields, dose_text, fields_of, wells_of
from ellimaps.ui.pages.plates.data import (
    ANSWERS,
    OpenedPlate,
    coordinates,
    treatment_names,
)
from ellimaps.ui.pages.plates.groups import groups_panel
from ellimaps.ui.pages.plates.images import field_image, show_images
from ellimaps.ui.pages.plates.state import PlatesState
from ellimaps.ui.shared.charts import show_chart
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.tasks import computed
from ellimaps.ui.shared.widgets import pick_row, table_downloads

# What is asked for first; the columns behind it are folded away. The code's name stands in the tooltip.
_COMPOUNDS = {
    "compound": ("Compound", "What the layout calls it."),
    "active": ("Changes cells", f"q below {CALLED_AT:g} over compounds, all doses of one together."),
    "changes": (
        "How, at its strongest dose",
        "The clearest changes, in standard deviations of the controls.",
    ),
    "lowest": ("From which dose on", "The lowest dose with p below 0.01, of a compound that changes cells."),
    "q": ("q", "p after Benjamini-Hochberg: the share of wrong calls among all that are as clear."),
}
_MORE_OF_COMPOUNDS = {
    "compound": ("Compound", ""),
    "n_doses": ("Doses", ""),
    "n_wells": ("Wells", ""),
    "p": ("p", "Permutation of wells; a change that grows with the dose."),
    "strongest": ("Strongest dose", "The one that lies farthest from the controls."),
    "distance": ("Distance from controls", "Of that dose; 1 is as far as a control well typically is."),
    "dose_spearman": (
        "Order of doses (Spearman)",
        "Rank correlation of dose and change; 1: the more, the more.",
    ),
}
_TREATMENTS = {
    "compound": ("Compound", ""),
    "dose": ("Dose", ""),
    "changes": ("How it changes cells", "In standard deviations of the controls."),
    "distance": ("Distance from controls", "1 is as far as a control well typically is."),
    "q": ("q", "p after Benjamini-Hochberg over compounds and doses."),
    "nearest": ("Acts like", "Treatments whose change points the same way, with its cosine."),
}
_MORE_OF_TREATMENTS = {
    "compound": ("Compound", ""),
    "dose": ("Dose", ""),
    "n_wells": ("Wells", ""),
    "p": ("p", "Permutation of wells."),
    "map": ("Average precision", "Mean over its wells, of finding them among controls."),
    "map_null": ("By chance", "Mean of that by chance."),
    "map_p": ("p of precision", "Permutation of wells."),
    "map_q": ("q of precision", "After Benjamini-Hochberg."),
}
_CURVES = {
    "compound": ("Compound", ""),
    "of": ("Measure", ""),
    "half": ("EC50", "The dose of half the effect."),
    "interval": ("95 % interval", "Of the EC50, by its profile likelihood."),
    "reason": ("Why there is none", "Of the EC50."),
}
_NUMBERS = {
    **dict.fromkeys(("p", "q", "map_p", "map_q"), "%.2g"),
    **dict.fromkeys(("distance", "dose_spearman", "map", "map_null"), "%.2f"),
}
# Images in a row of a window of 900 pixels, the pixels each of them has there, and those of its longer edge.
_MOST_IMAGES, _LEAST_PX, _EDGE_PX = 4, 120, 360


def answers_tab(state: PlatesState, plate: OpenedPlate) -> None:
    """Show the answers; they are computed when first asked for."""
    found = computed(
        state,
        ANSWERS,
        plate.key,
        "Comparing treatments",
        lambda on_progress: answers(plate.profiles, on_progress=on_progress),
    )
    if found is None:
        return
    chosen = wells_of(plate, chosen_fields(state, plate))
    compounds, treatments, curves = _shown(found, plate.profiles.wells[chosen])
    active = found.compounds["active"]
    st.markdown(
        f"**{active.sum()} of {len(active)} compounds change the cells** "
        f"(q < {CALLED_AT:g} over compounds, all doses of one together). A click on a row shows its images."
    )
    row = _table(compounds, _COMPOUNDS, "plates_compounds_table")
    _folded(compounds, _MORE_OF_COMPOUNDS, "plates_compounds_more")
    wells = plate.profiles.wells
    if row is not None:
        _open(
            state, plate, np.asarray(wells["compound"].astype(str) == row["compound"]), str(row["compound"])
        )
    st.markdown("#### By compound and dose")
    row = _table(treatments, _TREATMENTS, "plates_treatments_table")
    _folded(treatments, _MORE_OF_TREATMENTS, "plates_treatments_more")
    if row is not None:
        mine = (wells["compound"].astype(str) == row["compound"]) & (np.array(_doses(wells)) == row["dose"])
        _open(state, plate, np.asarray(mine), f"{row['compound']} {row['dose']}")
    st.markdown("#### Dose-response curves")
    st.dataframe(
        curves[list(_CURVES)], key="plates_curves_table", hide_index=True, column_config=_config(_CURVES)
    )
    with st.container(horizontal=True):
        words = {
            "compounds": _in_words(compounds, _COMPOUNDS),
            "treatments": _in_words(treatments, _TREATMENTS),
            "dose_responses": _in_words(curves, _CURVES),
        }
        for name in (*words, "changes", "nearest"):
            label = f"Save {name.replace('_', ' ')}"
            key = f"plates_get_{name}"
            table_downloads(label, name, getattr(found, name), key=key, shown=words.get(name))
    st.markdown("#### Compare two groups")
    groups_panel(state, plate)


def _shown(found: Answers, wells: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the tables of the chosen wells, with doses and names as they are read."""
    keys = set(zip(wells["compound"].astype(str), _doses(wells), strict=True))
    treatments = found.treatments.assign(dose=_doses(found.treatments))
    at = zip(treatments["compound"].astype(str), treatments["dose"], strict=True)
    treatments = treatments[[key in keys for key in at]]
    names = {name for name, _ in keys}
    compounds = found.compounds[found.compounds["compound"].astype(str).isin(names)]
    strongest = found.treatments.rename(columns={"concentration": "strongest_dose"})
    compounds = compounds.merge(
        strongest[["compound", "strongest_dose", "concentration_unit", "changes"]],
        how="left",
        on=["compound", "strongest_dose", "concentration_unit"],
    )
    units = compounds["concentration_unit"].fillna("").astype(str)
    compounds["lowest"] = _amounts(compounds["lowest_active"], units, "")
    compounds["strongest"] = _amounts(compounds["strongest_dose"], units, "no dose given")
    curves = found.dose_responses[found.dose_responses["compound"].astype(str).isin(names)].copy()
    units = curves["concentration_unit"].fillna("").astype(str)
    curves["of"] = ["distance from controls" if one == DISTANCE else spoken(one) for one in curves["measure"]]
    curves["half"] = [
        f"{value:.3g} {shown_unit(unit)}".strip() if np.isfinite(value) else ""
        for value, unit in zip(curves["ec50"], units, strict=True)
    ]
    curves["interval"] = [
        f"{low:.3g} to {high:.3g} {shown_unit(unit)}".strip() if np.isfinite(low + high) else ""
        for low, high, unit in zip(curves["ec50_low"], curves["ec50_high"], units, strict=True)
    ]
    return compounds, treatments, curves


def _amounts(doses: pd.Series, units: pd.Series, otherwise: str) -> list[str]:
    pairs = zip(doses, units, strict=True)
    return [dose_text(dose, unit) if np.isfinite(dose) else otherwise for dose, unit in pairs]


def _doses(table: pd.DataFrame) -> list[str]:
    units = table["concentration_unit"].fillna("").astype(str)
    return [dose_text(float(dose), unit) for dose, unit in zip(table["concentration"], units, strict=True)]


def _table(table: pd.DataFrame, columns: dict[str, tuple[str, str]], key: str) -> pd.Series | None:
    number = pick_row(table[list(columns)], key=key, column_config=_config(columns))
    return None if number is None else table.iloc[number]


def _in_words(table: pd.DataFrame, columns: dict[str, tuple[str, str]]) -> pd.DataFrame:
    return table[list(columns)].rename(columns={name: label for name, (label, _) in columns.items()})


def _folded(table: pd.DataFrame, columns: dict[str, tuple[str, str]], key: str) -> None:
    with st.expander("More columns"):
        st.dataframe(table[list(columns)], key=key, hide_index=True, column_config=_config(columns))


def _config(columns: dict[str, tuple[str, str]]) -> dict[str, Any]:
    return {
        name: st.column_config.NumberColumn(label, help=f"{about} In tables: {name}", format=_NUMBERS[name])
        if name in _NUMBERS
        else st.column_config.Column(label, help=f"{about} In tables: {name}")
        for name, (label, about) in columns.items()
    }


def _open(state: PlatesState, plate: OpenedPlate, wells: Mask, title: str) -> None:
    """Show the images of some wells beside their place among all."""
    fields = fields_of(plate, wells)
    rows = plate.profiles.fields[fields].drop_duplicates(["plate", "well"]).iloc[:_MOST_IMAGES]
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{escaped(title)}**, {wells.sum()} wells", width="stretch")
            numbers = np.flatnonzero(fields).tolist()
            if st.button("Choose these wells", key=f"plates_open_{title}", icon=":material/scatter_plot:"):
                state.choose(numbers, drawn=False)
                st.rerun()
        left, right = st.columns([2, 1])
        with left:
            _images(state, plate, rows, title)
        with right:
            show_chart(_place_chart(plate, wells, title))


def _images(state: PlatesState, plate: OpenedPlate, rows: pd.DataFrame, title: str) -> None:
    images = [
        field_image(plate, str(files), f"{well} field {field}, {treatment}")
        for files, well, field, treatment in zip(
            rows["files"], rows["well"], rows["field"], treatment_names(rows), strict=True
        )
    ]
    show_images(state, plate, Sheet(title, _LEAST_PX, _EDGE_PX), images, key="plates_answer_images")


def _place_chart(plate: OpenedPlate, wells: Mask, title: str) -> Any:
    points = coordinates(plate, "pca", "well")
    control = plate.profiles.wells["control"].to_numpy(bool)
    table = pd.DataFrame(
        {"x": points[:, 0], "y": points[:, 1], "well": plate.profiles.wells["well"].astype(str)}
    )
    table["kind"] = np.where(wells, title, np.where(control, "controls", "others"))
    colors = alt.Scale(domain=[title, "controls", "others"], range=["#D55E00", "#7a7a7a", "#c4c4c4"])
    ends = [alt.Scale(domain=_robust(points[:, axis]), clamp=True, nice=False) for axis in range(2)]
    return (
        alt.Chart(table)
        .mark_point(filled=True, size=30, opacity=0.9)
        .encode(
            x=alt.X("x:Q", title="principal component 1", scale=ends[0]),
            y=alt.Y("y:Q", title="principal component 2", scale=ends[1]),
            color=alt.Color("kind:N", title=None, scale=colors, legend=alt.Legend(orient="bottom")),
            tooltip=["well", "kind"],
        )
        .properties(height=230, title=f"Wells by their profiles: {title}")
    )


def _robust(values: np.ndarray[Any, np.dtype[np.float64]]) -> list[float]:
    """Return the range of values without one in a hundred far outside, as the scatter plot does."""
    low, high = np.percentile(values, [25, 75])
    # Tukey's far out (1977): beyond three interquartile ranges.
    inside = values[(values >= low - 3 * (high - low)) & (values <= high + 3 * (high - low))]
    if len(values) - len(inside) > max(1, len(values) / 100):
        inside = values
    room = 0.05 * float(np.ptp(inside)) or 1.0
    return [float(inside.min()) - room, float(inside.max()) + room]
