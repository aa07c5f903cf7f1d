"""Training on a labelled folder: in the background, then its score, its mistakes, and the model to keep."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import streamlit as st

from ellimaps.classify import Labels, TrainingReport, read_labels
from ellimaps.classify.deciding import deciding_words
from ellimaps.classify.training import MAX_PICTURES
from ellimaps.core.errors import EllimapsError, SettingError
from ellimaps.core.numbers import counted, number_text, spoken
from ellimaps.ui.pages.classify.charts import importance_chart
from ellimaps.ui.pages.classify.files import label_lists, new_file
from ellimaps.ui.pages.classify.models import Trained, labels_given, save_trained, trained_on
from ellimaps.ui.pages.classify.pictures import picture_of
from ellimaps.ui.pages.classify.state import ClassifyState
from ellimaps.ui.pages.classify.train_compare import compare_models_panel
from ellimaps.ui.pages.classify.train_curve import curve_panel
from ellimaps.ui.shared.charts import show_chart
from ellimaps.ui.shared.data_root import data_root, inside_root
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.tasks import start
from ellimaps.ui.shared.widgets import choose_below_root, csv_download, download, number_field
from ellimaps.ui.shared.worker import in_worker

HERE = "Labels given here"


def train_tab(state: ClassifyState, folder: Path) -> None:
    """Show what to train on, and the results of the last training."""
    _controls(state, folder)
    if state.trained is not None:
        _results(state, state.trained)
    elif state.task is None:
        st.info(
            "Training measures every labelled image and tells how often a classifier is right about "
            "images it has not seen. Label images under **Label**, or choose a CSV `image_id,label`; the "
            "command is `ellimaps cells train IMAGES --labels CSV --out MODEL`.",
            icon=":material/model_training:",
        )


def _controls(state: ClassifyState, folder: Path) -> None:
    given = state.lists[folder].labeling.labels if folder in state.lists else {}
    with st.container(horizontal=True, vertical_alignment="bottom", key="train_controls"):
        names = [*([HERE] if given else []), *label_lists(folder, data_root())]
        source = choose_below_root(
            "Labels",
            names,
            key="train_typed",
            placeholder="Choose, search, or type a CSV below the data root",
            first=next(iter(names), ""),
        )
        repeats = number_field(
            "Repeats",
            1,
            50,
            10,
            **kept("train_repeats"),
            width=120,
            help="Of the cross-validation, each with other folds: more tell the score better.",
        )
        clicked = st.button(
            "Train",
            key="train",
            type="primary",
            disabled=state.task is not None,
            icon=":material/model_training:",
        )
    if clicked:
        _start(state, folder, source, repeats)
    curve_panel(state, folder, lambda: _labels(state, folder, source))
    compare_models_panel(state, folder, lambda: _labels(state, folder, source))


def _start(state: ClassifyState, folder: Path, source: str, repeats: int) -> None:
    labels = _labels(state, folder, source)
    shown = folder.relative_to(data_root()).as_posix()
    start(state, "Training", in_worker(trained_on, folder, shown, labels, repeats), state.take)


def _labels(state: ClassifyState, folder: Path, source: str) -> Labels:
    """Return the labels chosen.

    Raises
    ------
    EllimapsError
        If there are none or they do not fit the folder.
    """
    if not source:
        raise SettingError("There are no labels: label images first, or name a CSV below the data root.")
    if source == HERE:
        return labels_given(state.labels_of(folder).labeling, folder)
    return read_labels(inside_root(source), folder)


def _results(state: ClassifyState, trained: Trained) -> None:
    report = trained.report
    with st.container(horizontal=True, key="train_metrics"):
        for label, value, (low, high) in _metrics(report):
            st.metric(escaped(label), value, f"{low:.3f} to {high:.3f}", delta_color="off", delta_arrow="off")
    guess = len(report.classes) ** -len(report.classes)
    st.caption(
        f"{escaped(trained.folder)}, {escaped(spoken(report.label_name))}: the score is the product of the "
        f"recalls (1: all right, {guess:.2g}: a guess), from {report.repeats} × {report.folds}-fold "
        "cross-validation; images of the same cell stay together. Below each figure its 95 % limits for new "
        f"images, from {_cells_counted(report)}; between the draws of folds the score varies by "
        f"{number_text(report.spread, 2)}."
    )
    if report.stand_ins:
        st.warning("  \n".join(map(escaped, report.stand_ins)), icon=":material/warning:")
    st.markdown(escaped(deciding_words(trained.model, report)))
    with st.container(key="train_split"):
        left, right = st.columns([3, 2], gap="medium")
    with left:
        show_chart(importance_chart(report.importance, trained.model.unit))
        csv_download("Measurements (CSV)", "measurements.csv", report.importance, key="train_importance_csv")
    with right:
        _confusion(state, report)
        _keep(state, trained)
    _confused_images(state, trained)
    _mistakes(report)
    _remarks(report)


def _metrics(report: TrainingReport) -> Iterator[tuple[str, str, tuple[float, float]]]:
    yield "Score", f"{report.score:.3f}", report.interval
    yield "Balanced accuracy", f"{report.balanced_accuracy:.3f}", report.balanced_limits
    yield "Area under the curve", f"{report.area:.3f}", report.area_limits
    for name, recall, limits in zip(report.class_names, report.recalls, report.recall_limits, strict=True):
        yield f"Recall of {name}", f"{recall:.3f}", limits


def _cells_counted(report: TrainingReport) -> str:
    """Return how many different cells of each class there are, in words."""
    counts = zip(report.cells, report.class_names, strict=True)
    return " and ".join(f"{count:,} {escaped(name)}" for count, name in counts) + " cells"


def _confusion(state: ClassifyState, report: TrainingReport) -> None:
    st.markdown("**Confusion matrix** (mean images of a repeat; a click shows them)")
    names = report.class_names
    with st.container(key="train_confusion", gap="small"):
        for column, text in zip(st.columns(len(names) + 1), ["", *names], strict=True):
            column.caption(f"answered {escaped(text)}" if text else "")
        for true, row in enumerate(report.confusion.to_numpy()):
            first, *cells = st.columns(len(names) + 1, vertical_alignment="center")
            first.caption(f"is {escaped(names[true])}")
            for answer, (column, mean) in enumerate(zip(cells, row, strict=True)):
                column.button(
                    number_text(round(float(mean), 1)),
                    key=f"confusion_{true}_{answer}",
                    type="primary" if state.confused == (true, answer) else "secondary",
                    width="stretch",
                    help=f"Show what is {escaped(names[true])} and was answered {escaped(names[answer])}",
                    on_click=_choose_cell,
                    args=(state, (true, answer)),
                )
    with st.container(horizontal=True):
        table = report.confusion.set_axis(names, axis=1)
        table.insert(0, "is", names, allow_duplicates=True)
        csv_download("Matrix (CSV)", "confusion_matrix.csv", table, key="train_confusion_csv")
        csv_download("Answers (CSV)", "held_out_answers.csv", report.answers, key="train_answers_csv")


def _choose_cell(state: ClassifyState, cell: tuple[int, int]) -> None:
    state.confused = None if state.confused == cell else cell


def _confused_images(state: ClassifyState, trained: Trained) -> None:
    """Show the images of the chosen cell of the confusion matrix."""
    if state.confused is None:
        return
    report = trained.report
    true, answer = (report.classes[number] for number in state.confused)
    called = [escaped(report.class_names[number]) for number in state.confused]
    table = report.answers
    files = table.loc[(table["label"] == true) & (table["answer"] == answer), "file"].tolist()
    st.markdown(
        f"#### {counted(len(files), 'image')}: {called[0]}, answered {called[1]} in most repeats"
        if len(set(called)) > 1
        else f"#### {counted(len(files), 'image')}: {called[0]}, answered so in most repeats"
    )
    folder = inside_root(trained.folder)
    for first in range(0, min(len(files), MAX_PICTURES), 6):
        for column, file in zip(st.columns(6), files[first : first + 6], strict=False):
            column.image(picture_of(folder / file), width="stretch", alt=f"The image {file}")
            column.caption(escaped(file))
    if len(files) > MAX_PICTURES:
        st.caption(f"The first {MAX_PICTURES} of {len(files):,}.")


def _keep(state: ClassifyState, trained: Trained) -> None:
    stem = f"{trained.report.label_name}_{trained.model.version}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "Save the model as",
            value=f"models/{stem}.ellimodel",
            key=f"train_save_{trained.model.version}",
            help="Below the data root; its report is saved beside it. Nothing is overwritten.",
        )
        st.button("Save", key="train_save", on_click=_save, args=(state, trained))
    with st.container(horizontal=True):
        download("Model", f"{stem}.ellimodel", lambda: trained.content, key="train_model")
        download("HTML report", f"{stem}.html", lambda: trained.html, key="train_report")
    if state.saved_model:
        st.success(f"Saved as {escaped(state.saved_model)}")


def _save(state: ClassifyState, trained: Trained) -> None:
    try:
        path = new_file(str(st.session_state[f"train_save_{trained.model.version}"]), ".ellimodel")
        save_trained(trained, path)
    except EllimapsError as error:
        state.message = str(error)
        return
    state.saved_model = path.relative_to(data_root()).as_posix()


def _mistakes(report: TrainingReport) -> None:
    st.markdown("#### Images it gets wrong")
    if report.mistakes.empty:
        st.caption("None, in no repeat.")
        return
    called = dict(zip(report.classes, report.class_names, strict=True))
    rows = report.mistakes.to_dict("records")
    with_picture = [row for row in rows if row["file"] in report.pictures]
    for first in range(0, len(with_picture), 4):
        for column, row in zip(st.columns(4), with_picture[first : first + 4], strict=False):
            column.image(report.pictures[row["file"]], width="stretch", alt=f"The image {row['file']}")
            column.caption(
                f"**{escaped(row['file'])}** is {escaped(called[row['label']])}, answered "
                f"{escaped(called[row['answer']])} in {row['wrong']:.0%} of the repeats"
            )
    csv_download("Mistakes (CSV)", "mistakes.csv", report.mistakes, key="train_mistakes_csv")
    if len(with_picture) < len(rows):
        with st.expander(f"All {len(rows)}"):
            st.dataframe(report.mistakes, key="train_mistakes", hide_index=True)


def _remarks(report: TrainingReport) -> None:
    if report.warnings:
        with st.expander(f"{counted(len(report.warnings), 'warning')}", icon=":material/warning:"):
            st.markdown("\n".join(f"- {escaped(text)}" for text in report.warnings))
    if report.same_cell:
        with st.expander(f"{len(report.same_cell)} sets of images kept together", icon=":material/link:"):
            st.caption("They show the same cell, or share a group, so they are never divided between folds.")
            st.markdown("\n".join(f"- {escaped(', '.join(files))}" for files in report.same_cell))
