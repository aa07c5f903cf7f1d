"""Two models compared on the labelled images of the folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from ellimaps.classify import Labels
from ellimaps.classify.comparison import ModelComparison
from ellimaps.core.numbers import counted
from ellimaps.ui.pages.classify.model_choice import chosen_model, model_choices
from ellimaps.ui.pages.classify.models import models_compared
from ellimaps.ui.pages.classify.state import ClassifyState
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.tasks import start
from ellimaps.ui.shared.widgets import csv_download, guarded
from ellimaps.ui.shared.worker import in_worker


def compare_models_panel(state: ClassifyState, folder: Path, labels: Callable[[], Labels]) -> None:
    """Show the choice of two models and how they compare; labels are read when the button is pressed."""
    options = model_choices(state)
    if len(options) < 2:
        return
    with st.expander("Compare two models on these labels", icon=":material/compare_arrows:"), guarded():
        with st.container(horizontal=True, vertical_alignment="bottom"):
            first = st.selectbox("First model", options, **kept("compare_first"))
            second = st.selectbox("Second model", options, index=1, **kept("compare_second"))
            asked = first, second, folder
            clicked = st.button("Compare", key="compare_models", disabled=state.task is not None)
        if clicked:
            sources = [chosen_model(state, name).source for name in (first, second)]
            work = in_worker(models_compared, *sources, folder, labels())
            start(state, "Comparing", work, lambda found: state.take_comparison(asked, found))
        if state.compared == asked and state.comparison is not None:
            _show(state.comparison)


def _show(found: ModelComparison) -> None:
    rows = {
        "First right": (found.both + found.first) / found.images,
        "Second right": (found.both + found.second) / found.images,
    }
    with st.container(horizontal=True):
        for label, share in rows.items():
            st.metric(label, f"{share:.1%}")
        st.metric(
            "Right alone",
            f"{found.first} : {found.second}",
            f"p = {found.p:.2g}",
            delta_color="off",
            delta_arrow="off",
        )
    left_out = (
        f" {counted(found.left_out, 'image')} that taught one of them are left out." if found.left_out else ""
    )
    verdict = (
        "The difference is more than chance."
        if found.p < 0.05
        else "Chance explains the difference: neither is shown to be better."
    )
    st.caption(f"{counted(found.images, 'image')}, McNemar's exact test. {verdict}{left_out}")
    if not found.differing.empty:
        columns = {"file": "Image", "label": "Label", "first": "First answers", "second": "Second answers"}
        st.dataframe(found.differing, key="compare_differing", hide_index=True, column_config=columns)
        csv_download("Differing (CSV)", "differing.csv", found.differing, key="compare_differing_csv")
