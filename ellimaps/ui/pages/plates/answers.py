"""Which compounds change cells, how, from which dose on, and which act alike."""

from __future__ import annotations

import streamlit as st

from ellimaps.plates.statistics.answers import answers
from ellimaps.ui.pages.plates.data import ANSWERS, OpenedPlate
from ellimaps.ui.pages.plates.state import PlatesState
from ellimaps.ui.shared.tasks import computed
from ellimaps.ui.shared.widgets import csv_download


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
    active = found.compounds[found.compounds["active"]]
    st.markdown(
        f"**{len(active)} of {len(found.compounds)} compounds change the cells** "
        "(q < 0.01 over compounds, all doses of one together)."
    )
    st.dataframe(
        found.compounds.rename(columns={"dose_spearman": "dose order (Spearman)"}),
        key="plates_compounds_table", hide_index=True, height="content",
    )  # fmt: skip
    st.markdown("#### By compound and dose")
    st.dataframe(
        found.treatments,
        key="plates_treatments_table",
        hide_index=True,
        column_config={
            "distance": st.column_config.NumberColumn(
                format="%.2f", help="From the controls; 1 is as far as a control well typically is."
            ),
            "p": st.column_config.NumberColumn(format="%.2g", help="Permutation of wells."),
            "q": st.column_config.NumberColumn(format="%.2g", help="p after Benjamini-Hochberg."),
            "map": st.column_config.NumberColumn(
                format="%.2f", help="Mean average precision of its wells among controls."
            ),
            "map_null": st.column_config.NumberColumn(format="%.2f", help="Its mean by chance."),
            "changes": st.column_config.TextColumn(width="large"),
            "nearest": st.column_config.TextColumn(width="medium"),
        },
    )
    st.markdown("#### Dose-response curves")
    st.dataframe(found.dose_responses, key="plates_curves_table", hide_index=True, height="content")
    with st.container(horizontal=True):
        for name in ("treatments", "compounds", "dose_responses", "changes", "nearest"):
            label = f"{name.replace('_', ' ').capitalize()} CSV"
            csv_download(label, f"{name}.csv", getattr(found, name), key=f"plates_get_{name}")
