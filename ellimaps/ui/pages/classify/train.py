"""Training on a labelled folder: in the background, then its score, its mistakes, and the model to keep."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ellimaps.classify import TrainingReport, read_labels
from ellimaps.core.errors import EllimapsError, SettingError
from ellimaps.ui.pages.classify.charts import importance_chart
from ellimaps.ui.pages.classify.files import chosen_path, label_lists, new_file
from ellimaps.ui.pages.classify.models import Trained, labels_given, save_trained, trained_on
from ellimaps.ui.pages.classify.state import ClassifyWork
from ellimaps.ui.shared.data_root import data_root
from ellimaps.ui.shared.state import remembered
from ellimaps.ui.shared.tasks import start
from ellimaps.ui.shared.widgets import escaped

HERE = "Labels given here"
_MOST_REPEATS = 50
_PICTURES_ABREAST = 4


def train_section(work: ClassifyWork, folder: Path) -> None:
    """Show what to train on, and the results of the last training."""
    _controls(work, folder)
    if work.trained is None:
        if work.task is None:
            st.info(
                "Training measures every labelled image and tells how often a classifier is right about "
                "images it has not seen. Label images under **Label**, or choose a CSV `image_id,label`; the "
                "command is `ellimaps cells train IMAGES --labels CSV --out MODEL`.",
                icon=":material/model_training:",
            )
        return
    _results(work, work.trained)


def _controls(work: ClassifyWork, folder: Path) -> None:
    options = _label_sources(work, folder)
    with st.container(horizontal=True, vertical_alignment="bottom", key="train_controls"):
        if options:
            source = remembered(
                st.selectbox,
                "Labels",
                options=options,
                key="train_labels",
                default=options[0],
                format_func=lambda name: _source_title(work, folder, name),
            )
        else:
            source = ""
        typed = remembered(
            st.text_input,
            "Or a CSV below the data root",
            key="train_typed",
            default="",
            placeholder="labels/mine.csv",
        )
        repeats = remembered(
            st.number_input,
            "Repeats",
            1,
            _MOST_REPEATS,
            key="train_repeats",
            default=10,
            width=120,
            help="Of the cross-validation, each with other folds: more tell the score better.",
        )
        clicked = st.button(
            "Train",
            key="train",
            type="primary",
            disabled=work.task is not None,
            icon=":material/model_training:",
        )
    if clicked:
        _start(work, folder, str(typed).strip() or str(source), int(repeats))


def _label_sources(work: ClassifyWork, folder: Path) -> list[str]:
    here = [HERE] if folder in work.lists and work.lists[folder].labelling.labels else []
    return [*here, *label_lists(folder, data_root())]


def _source_title(work: ClassifyWork, folder: Path, name: str) -> str:
    return f"{HERE} ({len(work.lists[folder].labelling.labels)})" if name == HERE else name


def _start(work: ClassifyWork, folder: Path, source: str, repeats: int) -> None:
    if not source:
        raise SettingError("There are no labels: label images first, or name a CSV below the data root.")
    if source == HERE:
        labels = labels_given(work.lists[folder].labelling, folder)
    else:
        labels = read_labels(chosen_path(source), folder)
    shown = folder.relative_to(data_root()).as_posix()

    def keep(trained: Trained) -> None:
        work.trained, work.saved_model = trained, ""

    start(
        work,
        "Training",
        lambda on_progress: trained_on(folder, shown, labels, repeats, 0, on_progress),
        keep,
    )


def _results(work: ClassifyWork, trained: Trained) -> None:
    report = trained.report
    low, high = report.interval
    metrics = {
        "Score": (f"{report.score:.3f}", f"{low:.3f} to {high:.3f}" if report.repeats > 1 else "one repeat"),
        **{
            f"Recall of {label}": (f"{recall:.1%}", f"{count} images")
            for label, recall, count in zip(report.classes, report.recalls, report.counts, strict=True)
        },
    }
    with st.container(horizontal=True, key="train_metrics"):
        for label, (value, beside) in metrics.items():
            st.metric(label, value, beside, delta_color="off", delta_arrow="off")
    guess = len(report.classes) ** -len(report.classes)
    st.caption(
        f"{escaped(trained.folder)}, {escaped(report.label_name)}: the score is the product of the recalls "
        f"(1: all right, {guess:.2g}: a guess), from {report.repeats} × {report.folds}-fold "
        "cross-validation; below it, where 95 % of the repeats lie. Images of the same cell stay together."
    )
    left, right = st.columns([3, 2], gap="medium")
    left.altair_chart(importance_chart(report.importance))
    with right:
        _confusion(report)
        _keep(work, trained)
    _mistakes(report)
    _remarks(report)


def _confusion(report: TrainingReport) -> None:
    table = report.confusion.round(1)
    table.index = [f"is {label}" for label in report.classes]
    table.columns = [f"answered {label}" for label in report.classes]
    st.markdown("**Confusion** (mean images of a repeat)")
    st.dataframe(table, key="train_confusion", height="content")


def _keep(work: ClassifyWork, trained: Trained) -> None:
    stem = f"{trained.report.label_name}_{trained.model.version}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "Save the model as",
            value=f"models/{stem}.ellimodel",
            key=f"train_save_{trained.model.version}",
            help="Below the data root; its report is saved beside it. Nothing is overwritten.",
        )
        st.button("Save", key="train_save", on_click=_save, args=(work, trained))
    with st.container(horizontal=True):
        st.download_button(
            "Model",
            trained.content,
            f"{stem}.ellimodel",
            "application/octet-stream",
            key="train_model",
            icon=":material/download:",
            on_click="ignore",
        )
        st.download_button(
            "HTML report",
            trained.html,
            f"{stem}.html",
            "text/html",
            key="train_report",
            icon=":material/download:",
            on_click="ignore",
        )
    if work.saved_model:
        st.success(f"Saved as {work.saved_model}")


def _save(work: ClassifyWork, trained: Trained) -> None:
    try:
        path = new_file(str(st.session_state[f"train_save_{trained.model.version}"]), ".ellimodel")
        save_trained(trained, path)
    except EllimapsError as error:
        work.message = str(error)
        return
    work.saved_model = path.relative_to(data_root()).as_posix()


def _mistakes(report: TrainingReport) -> None:
    st.markdown("#### Images it gets wrong")
    if report.mistakes.empty:
        st.caption("None, in no repeat.")
        return
    rows = report.mistakes.to_dict("records")
    with_picture = [row for row in rows if row["file"] in report.pictures]
    for first in range(0, len(with_picture), _PICTURES_ABREAST):
        columns = st.columns(_PICTURES_ABREAST)
        for column, row in zip(columns, with_picture[first : first + _PICTURES_ABREAST], strict=False):
            column.image(report.pictures[row["file"]], width="stretch")
            column.caption(
                f"**{escaped(row['file'])}** is {escaped(str(row['label']))}, answered "
                f"{escaped(str(row['answer']))} in {row['wrong']:.0%} of the repeats"
            )
    if len(with_picture) < len(rows):
        with st.expander(f"All {len(rows)}"):
            st.dataframe(report.mistakes, key="train_mistakes", hide_index=True)


def _remarks(report: TrainingReport) -> None:
    if report.warnings:
        with st.expander(f"{len(report.warnings)} warnings", icon=":material/warning:"):
            st.markdown("\n".join(f"- {escaped(text)}" for text in report.warnings))
    if report.same_cell:
        with st.expander(f"{len(report.same_cell)} sets of images kept together", icon=":material/link:"):
            st.caption("They show the same cell, or share a group, so they are never divided between folds.")
            st.markdown("\n".join(f"- {escaped(', '.join(files))}" for files in report.same_cell))
