"""A model's answers about a whole folder: the most doubtful first, and whether it is like the training."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from ellimaps.classify import DeepModel, PopulationModel
from ellimaps.classify.drift import drift
from ellimaps.classify.image_folder import image_files
from ellimaps.classify.measurement_names import measurement_name
from ellimaps.core.numbers import counted
from ellimaps.ui.pages.classify.model_choice import ChosenModel
from ellimaps.ui.pages.classify.models import FolderAnswers, folder_answered
from ellimaps.ui.pages.classify.state import ClassifyState
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.tasks import start
from ellimaps.ui.shared.widgets import csv_download
from ellimaps.ui.shared.worker import in_worker

_SHOWN = ["file", "name", "probability", "doubt", "remarks"]


def folder_view(state: ClassifyState, chosen: ChosenModel, folder: Path | None) -> None:
    """Show the button that asks about a folder, and what was answered."""
    if folder is None:
        st.info("Choose a folder of images above: its images are classified and sorted by doubt.")
        return
    files = image_files(folder)
    if st.button(
        f"Classify {counted(len(files), 'image')}",
        key="try_folder",
        type="primary",
        icon=":material/category:",
        disabled=state.task is not None,
    ):
        start(
            state,
            "Classifying",
            in_worker(folder_answered, folder, files, chosen.source),
            state.take_answers,
        )
    found = state.answers
    if found is not None and found.folder == folder and found.model == chosen.model.version:
        _show(chosen.model, found)


def _show(model: PopulationModel | DeepModel, found: FolderAnswers) -> None:
    table = found.table
    _drift(model, table)
    counts = table["name"].value_counts()
    with st.container(horizontal=True, key="try_counts"):
        for name, count in counts.items():
            st.metric(escaped(name), f"{count:,}")
    st.markdown("#### Most doubtful first")
    _pictures(found)
    st.dataframe(
        table[_SHOWN],
        key="try_answers",
        hide_index=True,
        column_config={
            "file": "Image",
            "name": "Answer",
            "probability": st.column_config.NumberColumn("Probability", format="%.3f"),
            "doubt": st.column_config.ProgressColumn(
                "Doubt", min_value=0, max_value=1, format="%.2f", help="1: another class is as likely."
            ),
            "remarks": "Remarks",
        },
    )
    csv_download("All answers (CSV)", f"{found.folder.name}_answers.csv", table, key="try_answers_csv")


def _drift(model: PopulationModel | DeepModel, table: pd.DataFrame) -> None:
    if not isinstance(model, PopulationModel) or model.spread is None:
        return
    found = drift(model.spread, table[model.measurements].to_numpy(dtype=float))
    if found is None or not found.differs:
        return
    names = ", ".join(measurement_name(model.measurements[number]) for number in found.measurements)
    st.warning(
        f"These images differ from those of the training: one of them is stranger than a training image "
        f"of its class in {found.share:.0%} of the pairs (50 % if they were alike; p = {found.p:.1g}), most "
        f"in these: {names}. The probabilities may not hold: label some of them and train again.",
        icon=":material/warning:",
    )


def _pictures(found: FolderAnswers) -> None:
    rows = [row for row in found.table.to_dict("records") if row["file"] in found.pictures]
    for first in range(0, len(rows), 6):
        for column, row in zip(st.columns(6), rows[first : first + 6], strict=False):
            column.image(found.pictures[row["file"]], width="stretch", alt=f"The image {row['file']}")
            column.caption(f"{escaped(row['file'])}: {escaped(row['name'])}, {row['probability']:.2f}")
