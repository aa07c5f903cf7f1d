"""What helps who labels: the most uncertain image first, and another person's labels beside one's own."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import streamlit as st

from ellimaps.classify.agreement import Agreement, agreement
from ellimaps.classify.labeling_file import read_list
from ellimaps.core.errors import EllimapsError
from ellimaps.core.numbers import counted, number_text
from ellimaps.ui.pages.classify.files import label_lists
from ellimaps.ui.pages.classify.model_choice import choose_model
from ellimaps.ui.pages.classify.models import FolderAnswers, folder_answered
from ellimaps.ui.pages.classify.state import ClassifyState, FolderLabels
from ellimaps.ui.shared.data_root import data_root, inside_root, told
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.tasks import start
from ellimaps.ui.shared.widgets import csv_download, guarded, pick_row
from ellimaps.ui.shared.worker import in_worker


def uncertain_panel(state: ClassifyState, work: FolderLabels) -> None:
    """Show the choice of the model that says which images it is uncertain of."""
    st.caption("Labels of the images a model is least certain of teach it most.")
    with guarded():
        chosen = choose_model(state, "label_model")
        if chosen is None:
            st.caption("There is no model yet: label a few images of each class, then train one.")
            return
        files = work.labeling.files
        if st.button("Most uncertain first", key="label_uncertain", disabled=state.task is not None):

            def take(answers: FolderAnswers) -> None:
                doubts = dict(zip(answers.table["file"], answers.table["doubt"], strict=True))
                _order(work, doubts)

            start(
                state,
                "Looking for doubt",
                in_worker(folder_answered, work.folder, files, chosen.source),
                take,
            )
        st.button(
            "In their order",
            key="label_in_order",
            disabled=not work.labeling.doubts,
            on_click=lambda: _order(work, {}),
        )


def _order(work: FolderLabels, doubts: dict[str, float]) -> None:
    labeling = replace(work.labeling, doubts=MappingProxyType(doubts))
    work.show(labeling.at_unlabeled() if doubts else labeling)


def compare_panel(work: FolderLabels) -> None:
    """Show how the labels here agree with those of another list."""
    lists = [name for name in label_lists(work.folder, data_root()) if name != work.path]
    if not lists:
        st.caption(
            "A second person's list, beside the folder or in it, can be compared with the labels here."
        )
        return
    chosen = st.selectbox("Another person's labels", lists, **kept("label_compare"))
    try:
        other, _ = read_list(inside_root(chosen), work.labeling.files)
        found = agreement(work.labeling.labels, other.labels)
    except EllimapsError as error:
        st.info(escaped(told(error)), icon=":material/info:")
        return
    _agreement(work, found)


def _agreement(work: FolderLabels, found: Agreement) -> None:
    low, high = found.limits
    limits = f"{low:.2f} to {high:.2f}" if low == low else None
    with st.container(horizontal=True):
        st.metric(
            "Agreement",
            f"{found.share:.1%}",
            counted(found.images, "image"),
            delta_color="off",
            delta_arrow="off",
        )
        st.metric("Cohen's kappa", number_text(found.kappa, 3), limits, delta_color="off", delta_arrow="off")
    if found.disagreements.empty:
        st.caption("No disagreements.")
        return
    name = work.labeling.name_of
    table = found.disagreements.assign(
        first=found.disagreements["first"].map(name), second=found.disagreements["second"].map(name)
    )
    st.markdown(f"**{counted(len(table), 'disagreement')}**: pick one to see its image")
    columns = {"file": "Image", "first": "Here", "second": "There"}
    picked = pick_row(table, key="label_disagreements", column_config=columns, height=180)
    if picked is not None:
        place = work.labeling.files.index(table["file"].iloc[picked])
        if place != work.labeling.position:
            work.show(replace(work.labeling, position=place))
            st.rerun()
    csv_download("Disagreements (CSV)", "disagreements.csv", table, key="label_disagreements_csv")
