"""Labelling images by hand: a large picture, a key per class, undo, and the list they are saved in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from html import escape
from typing import NamedTuple

import streamlit as st

from ellimaps.classify.labeling import LabelingSession, digit_of
from ellimaps.classify.labeling_file import labels_csv
from ellimaps.core.errors import EllimapsError, SettingError
from ellimaps.ui.components.keyed_picture import KeyPress, keyed_picture
from ellimaps.ui.pages.classify.files import label_lists
from ellimaps.ui.pages.classify.label_aids import compare_panel, uncertain_panel
from ellimaps.ui.pages.classify.pictures import picture_of
from ellimaps.ui.pages.classify.state import ClassifyState, FolderLabels
from ellimaps.ui.shared.address import followed, told_address
from ellimaps.ui.shared.data_root import data_root, inside_root, told
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.widgets import choose_below_root, download, guarded

# As they stand on the buttons; other keys are called as their letter.
_KEY_NAMES = {"ArrowLeft": "←", "ArrowRight": "→"}
_IMAGE = "label_image"
"""Of the address: the image that is shown."""
_TO_LOAD = "label_load_typed"
LabelingStep = Callable[[LabelingSession], LabelingSession]


class _Answer(NamedTuple):
    """What a button and its key do."""

    name: str
    key: str
    step: LabelingStep
    disabled: bool = False


@st.fragment
def label_tab(state: ClassifyState, work: FolderLabels) -> None:
    """Show the image whose turn it is, and what can be done with it."""
    _found_in_address(work)
    picture, desk = st.columns([7, 4], gap="medium")
    classes, ways = list(_classes(work.labeling)), list(_ways(work.labeling))
    with picture, guarded():
        _picture(work, [*classes, *ways])
    with desk:
        _title(work.labeling)
        with st.container(key="label_classes", gap="small"):
            for number, answer in enumerate(classes):
                chosen = work.labeling.label == work.labeling.classes[number].value
                # The position is part of the key: no click on the picture before is taken for this one.
                _button(work, answer, f"label_{work.labeling.position}_{number}", chosen=chosen)
        with st.container(horizontal=True, key="label_way", gap="small"):
            for answer in ways:
                _button(work, answer, f"label_{answer.name.replace(' ', '_').lower()}")
        _progress(work)
        _lists(work)
        _aids(state, work)
        if work.notice:
            text, good = work.notice
            (st.success if good else st.error)(escaped(told(text)))


def _found_in_address(work: FolderLabels) -> None:
    """Go to the image that a link, a bookmark or Back asks for; then the address has the image shown."""
    asked = followed(_IMAGE)
    if asked in work.labeling.files:
        work.show(replace(work.labeling, position=work.labeling.files.index(asked)))
    told_address(_IMAGE, work.labeling.file)


def _classes(labeling: LabelingSession) -> Iterator[_Answer]:
    for number, shown in enumerate(labeling.classes):
        step = partial(LabelingSession.labeled, value=shown.value)
        yield _Answer(shown.name, digit_of(labeling.classes, number), step)


def _ways(labeling: LabelingSession) -> Iterator[_Answer]:
    last, done = len(labeling.files) - 1, len(labeling.labels) == len(labeling.files)
    yield _Answer("Back", "ArrowLeft", lambda now: now.stepped(-1), labeling.position == 0)
    yield _Answer("Next", "ArrowRight", lambda now: now.stepped(1), labeling.position == last)
    yield _Answer("Undo", "u", LabelingSession.undone, not labeling.past)
    yield _Answer("Next unlabelled", "n", LabelingSession.at_unlabeled, done)
    yield _Answer("No label", "x", LabelingSession.cleared, labeling.label is None)


def _picture(work: FolderLabels, answers: list[_Answer]) -> None:
    def on_press(press: KeyPress) -> None:
        _do(work, press.turn, answers[int(press.answer)].step)

    keys = {one.key: str(number) for number, one in enumerate(answers) if not one.disabled}
    png = picture_of(work.folder / work.labeling.file)
    keyed_picture(png, work.labeling.file, work.turn, keys, key="label_picture", on_press=on_press)


def _button(work: FolderLabels, answer: _Answer, key: str, *, chosen: bool = False) -> None:
    st.button(
        f"{escaped(answer.name)} `{_KEY_NAMES.get(answer.key, answer.key.upper())}`",
        key=key,
        type="primary" if chosen else "secondary",
        disabled=answer.disabled,
        width="stretch" if answer.key.isdigit() else "content",
        on_click=_do,
        args=(work, work.turn, answer.step),
    )


def _do(work: FolderLabels, turn: int, step: LabelingStep) -> None:
    """Take an answer, unless it was given before the picture that is shown now, and save what it labels."""
    if turn != work.turn:
        return
    work.show(step(work.labeling))
    _keep(work)


def _keep(work: FolderLabels) -> None:
    if work.path and work.unsaved:
        try:
            work.save(work.path)
        except EllimapsError as error:
            work.notice = (f"Not saved: {error}", False)


def _title(labeling: LabelingSession) -> None:
    label = escape(labeling.name_of(labeling.label))
    st.html(
        f'<div class="elided" title="{escape(labeling.file)}"><b>{escape(labeling.file)}</b></div>'
        f"<div>{labeling.position + 1} of {len(labeling.files)} · {label}{_doubt(labeling)}</div>"
    )


def _doubt(labeling: LabelingSession) -> str:
    doubt = labeling.doubts.get(labeling.file)
    return "" if doubt is None else f" · doubt of the model {doubt:.2f}"


def _progress(work: FolderLabels) -> None:
    labeling = work.labeling
    labelled, count = len(labeling.labels), len(labeling.files)
    st.progress(labelled / count, f"{labelled} of {count} labelled")
    counts = labeling.counts
    cells = "".join(
        f'<div><dt class="elided" title="{escape(shown.name)}">{escape(shown.name)}</dt>'
        f"<dd>{counts[shown.value]}</dd></div>"
        for shown in labeling.classes
    )
    st.html(f'<dl class="facts">{cells}</dl>')


def _lists(work: FolderLabels) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            f"Label list, {work.unsaved} not saved" if work.unsaved else "Label list",
            work.path,
            **kept(_list_key(work)),
            placeholder="labels/mine.csv",
            help="Below the data root. Each label is saved there as it is given; another name begins another "
            "list with all of them when you press Save. A list that holds other labels is never overwritten.",
        )
        st.button(
            "Save",
            key="label_save",
            type="primary" if work.unsaved else "secondary",
            shortcut="S",
            disabled=not work.labeling.labels and not work.saved,
            on_click=_save,
            args=(work,),
        )
    with st.container(horizontal=True, key="label_more"):
        name = f"{work.folder.name}_labels.csv"
        download("Download", name, lambda: labels_csv(work.labeling), key="label_download")
        with st.popover("Load", icon=":material/upload_file:"):
            _load_panel(work)
        with st.popover("Classes", icon=":material/category:"):
            _class_panel(work)


def _aids(state: ClassifyState, work: FolderLabels) -> None:
    with st.container(horizontal=True, key="label_aids"):
        with st.popover("Uncertain first", icon=":material/psychology_alt:"):
            uncertain_panel(state, work)
        with st.popover("Compare", icon=":material/compare_arrows:"):
            compare_panel(work)


def _list_key(work: FolderLabels) -> str:
    return f"label_list_{work.folder}"


def _save(work: FolderLabels) -> None:
    try:
        work.save(str(st.session_state.get(_list_key(work), "")))
    except EllimapsError as error:
        work.notice = (str(error), False)
        return
    work.notice = (f"{len(work.saved)} labels saved in {work.path}", True)


def _load_panel(work: FolderLabels) -> None:
    choose_below_root(
        "Label list",
        label_lists(work.folder, data_root()),
        key=_TO_LOAD,
        placeholder="Choose, search, or type a CSV below the data root",
    )
    if work.unsaved:
        st.warning(f"{work.unsaved} labels are not saved: loading replaces them.", icon=":material/warning:")
    st.button("Load this list", key="label_load", on_click=_load, args=(work,))


def _load(work: FolderLabels) -> None:
    text = str(st.session_state.get(_TO_LOAD) or "").strip()
    try:
        if not text:
            raise SettingError("Name the label list to load: a CSV below the data root.")
        work.load(inside_root(text))
    except EllimapsError as error:
        work.notice = (str(error), False)
        return
    st.session_state[_list_key(work)] = work.path
    other_rows = len(work.labeling.other_rows)
    more = f"; {other_rows} of other images are kept in the list" if other_rows else ""
    work.notice = (f"{len(work.saved)} labels loaded from {work.path}{more}", True)


def _class_panel(work: FolderLabels) -> None:
    labeling = work.labeling
    with st.form("label_class_form", border=False):
        st.text_input("Column in the CSV", value=labeling.column, key=f"label_column_{labeling.column}")
        names = "\n".join(shown.name for shown in labeling.classes)
        st.text_area("Classes, one name per line", value=names, key=f"label_names_{names}", height=120)
        values = ", ".join(shown.value for shown in labeling.classes)
        st.caption(f"In the CSV: {escaped(values)}. A further line is a further class, 10 at most.")
        st.form_submit_button("Apply", on_click=_rename, args=(work, labeling.column, names))


def _rename(work: FolderLabels, column: str, names: str) -> None:
    state = st.session_state
    lines = [line for line in str(state[f"label_names_{names}"]).splitlines() if line.strip()]
    try:
        work.show(work.labeling.with_classes(str(state[f"label_column_{column}"]), lines))
    except EllimapsError as error:
        work.notice = (str(error), False)
