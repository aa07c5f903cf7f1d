"""How good the plates are: what controls tell apart in each channel, and what lies between plates."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from ellimaps.core.numbers import spoken
from ellimaps.plates.statistics.assay_quality import SEPARATIONS, by_channel
from ellimaps.plates.statistics.batch_effect import MEASURED, SCALED, SHARES, BatchEffect
from ellimaps.plates.statistics.plate_quality import plate_quality
from ellimaps.plates.statistics.treatments import treatments
from ellimaps.ui.pages.plates.data import QUALITIES, OpenedPlate, treatment_names
from ellimaps.ui.pages.plates.state import PlatesState
from ellimaps.ui.shared.charts import names_legend, show_chart
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.tasks import computed
from ellimaps.ui.shared.widgets import csv_download

_OF_LAYOUT = "as the layout says"
_COLUMNS = {
    "plate": ("Plate", ""),
    "positive": ("Positive control", ""),
    "channel": ("Channel", ""),
    "what": ("Feature", "Fixed beforehand: the mean intensity of cells, and their number."),
    "n_controls": ("Control wells", ""),
    "cv": ("CV of controls", "Standard deviation over mean."),
    "n_positive": ("Positive wells", ""),
    "z_prime": ("Z'", "Above 0.5 excellent, below 0 the two overlap (Zhang et al. 1999)."),
    "z_prime_robust": ("Robust Z'", "With medians and median absolute deviations."),
    "ssmd": ("SSMD", "Difference of the means over the spread of a difference (Zhang 2007)."),
    "ssmd_robust": ("Robust SSMD", "With medians and median absolute deviations."),
}
_SAID = ("plate", "treatment", "neighbors_on_plate", "by_chance")


def quality_tab(state: PlatesState, plate: OpenedPlate) -> None:
    """Show how positive controls stand out by plate and channel, and how much of the variance is plate."""
    plain = plate.before or plate
    positive = _positive(plain)
    what = "Judging the plates"
    found = computed(
        state, QUALITIES, (plain.key, positive), what, lambda _: plate_quality(plain.profiles, positive)
    )
    if found is None:
        return
    _controls(found.controls)
    st.markdown("#### Between plates")
    if found.batches is None:
        st.caption(
            "Plates are compared where there are two or more with controls, or the same compound, on them."
        )
        return
    _batches(plain, found.batches)


def _positive(plate: OpenedPlate) -> str | None:
    """Return the compound that is to be the positive control; None for what the layout says."""
    names = list(dict.fromkeys(one.compound for one in treatments(plate.profiles.wells)))
    chosen = st.selectbox(
        "Positive control",
        [_OF_LAYOUT, *names],
        **kept("plates_quality_positive", address=True),
        width=300,
        help="A compound planned to change cells, at its highest dose; not one that turned out to.",
    )
    return None if chosen == _OF_LAYOUT else chosen


def _controls(quality: pd.DataFrame) -> None:
    shown = by_channel(quality)
    shown = shown.assign(what=shown["feature"].map(spoken))[list(_COLUMNS)]
    if not quality["n_positive"].any():
        st.caption(
            "The layout names no positive control (`positive` in its column `control`): choose a "
            "compound for Z' and SSMD."
        )
        shown = shown.drop(columns=["positive", "n_positive", *SEPARATIONS])
    st.dataframe(shown, hide_index=True, key="plates_quality_controls", column_config=_config())
    if np.isnan(quality[list(SEPARATIONS)].to_numpy(float)).all() and quality["n_positive"].any():
        st.caption("Z' and SSMD take three wells of each, and some spread.")
    with st.expander("Every feature"):
        st.caption("The best of many features looks better than it is: judge one you pick on another plate.")
        st.dataframe(quality, hide_index=True, key="plates_quality_all")
        csv_download("Quality CSV", "quality.csv", quality, key="plates_get_quality")


def _config() -> dict[str, Any]:
    formats = {
        "cv": "percent",
        "ssmd": "%.1f",
        "ssmd_robust": "%.1f",
        "z_prime": "%.2f",
        "z_prime_robust": "%.2f",
    }
    return {
        name: st.column_config.NumberColumn(label, help=about or None, format=formats[name])
        if name in formats
        else st.column_config.Column(label, help=about or None)
        for name, (label, about) in _COLUMNS.items()
    }


def _batches(plate: OpenedPlate, effect: BatchEffect) -> None:
    table = effect.table.set_index("stage")
    said = {
        stage: {name: f"{max(share, 0):.0%}" for name, share in table.loc[stage].items() if name in _SAID}
        for stage in (MEASURED, SCALED)
    }
    st.caption(
        "Of the variance between wells {plate} is plate and {treatment} treatment; the nearest well lies on "
        "the same plate for {neighbors_on_plate} of wells, by chance for {by_chance}.".format(
            **said[MEASURED]
        )
        + " Of robust z-scores {plate} is plate and {treatment} treatment, and {neighbors_on_plate} of wells "
        "have their nearest one on the same plate.".format(**said[SCALED])
    )
    show_chart(_bars(effect.table))
    for column, stage in zip(st.columns(2), (MEASURED, SCALED), strict=True):
        with column:
            show_chart(_wells(plate, effect, stage), key=f"plates_batch_{stage}")
    csv_download("Plates CSV", "batch_effect.csv", effect.table, key="plates_get_batches")


def _bars(table: pd.DataFrame) -> Any:
    shares = table.melt(id_vars="stage", value_vars=list(SHARES), var_name="share", value_name="of")
    # What chance takes below 0 is no length.
    shares["of"] = shares["of"].clip(lower=0)
    order = [str(name) for name in table["stage"]]
    return (
        alt.Chart(shares)
        .mark_bar()
        .encode(
            x=alt.X("of:Q", title="share of the variance between wells", axis=alt.Axis(format="%")),
            y=alt.Y("stage:N", title=None, sort=order, axis=alt.Axis(labelLimit=0)),
            color=alt.Color(
                "share:N",
                title=None,
                sort=list(SHARES),
                scale=alt.Scale(domain=list(SHARES), range=["#D55E00", "#0072B2", "#999999", "#DDDDDD"]),
                legend=names_legend(SHARES),
            ),
            order=alt.Order("rank:Q"),
            tooltip=["stage", "share", alt.Tooltip("of:Q", format=".1%")],
        )
        .transform_calculate(rank=f"indexof({list(SHARES)!r}, datum.share)")
        .properties(height=230, title="How much is plate, before and after normalizing")
    )


def _wells(plate: OpenedPlate, effect: BatchEffect, stage: str) -> Any:
    wells, points = plate.profiles.wells, effect.points[stage]
    names = wells["plate"].astype(str)
    table = pd.DataFrame(
        {"x": points[:, 0], "y": points[:, 1], "plate": names, "well": wells["well"].astype(str)}
    )
    table["kind"] = np.where(wells["control"].to_numpy(bool), "control", "other")
    table["treatment"] = treatment_names(wells)
    return (
        alt.Chart(table)
        .mark_point(filled=True, opacity=0.7)
        .encode(
            x=alt.X("x:Q", title="principal component 1"),
            y=alt.Y("y:Q", title="principal component 2"),
            color=alt.Color("plate:N", title=None, legend=names_legend(sorted(names.unique()))),
            shape=alt.Shape(
                "kind:N", scale=alt.Scale(domain=["control", "other"], range=["cross", "circle"]), legend=None
            ),
            tooltip=["plate", "well", "treatment"],
        )
        .properties(height=400, title=f"Wells by their profiles, {stage}; crosses are controls")
    )
