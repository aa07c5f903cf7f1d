"""Labelling images by hand: a large picture, a key per class, undo, and the list that is saved."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import streamlit as st

from ellimaps.classify.labeling import LabelingSession, digit_of
from ellimaps.classify.labeling_file import labels_csv, read_list, save_list
from ellimaps.core.errors import EllimapsError, SettingError
from ellimaps.ui.pages.classify.files import beside, label_lists, new_file
from ellimaps.ui.pages.classify.pictures import picture_of
from ellimaps.ui.pages.classify.state import FolderLabels
from ellimaps.ui.shared.data_root import data_root, inside_root
from ellimaps.ui.shared.widgets import choose_below_root, download, escaped, guarded

LabelingStep = Callable[[LabelingSession], LabelingSession]


@st.fragment
def label_tab(work: FolderLabels) -> None:
    """Show the image whose turn it is, and what can be done with it."""
    picture, desk = st.columns([7, 4], gap="medium")
    # The picture comes before the keys, so that a key never labels an image that is not shown yet.
    with picture, st.container(key="label_picture"), guarded():
        st.image(picture_of(work.folder / work.labeling.file), width="stretch")
    with desk:
        _title(work.labeling)
        _class_keys(work)
        _way_keys(work)
        _progress(work)
        _lists(work)
        if work.notice:
            text, good = work.notice
            (st.success if good else st.error)(text)


def _title(labeling: LabelingSession) -> None:
    label = escape(labeling.name_of(labeling.label))
    st.html(
        f'<div class="elided" title="{escape(labeling.file)}"><b>{escape(labeling.file)}</b></div>'
        f"<div>{labeling.position + 1} of {len(labeling.files)} · {label}</div>"
    )


def _class_keys(work: FolderLabels) -> None:
    labeling = work.labeling
    with st.container(key="label_classes", gap="small"):
        for number, shown in enumerate(labeling.classes):
            st.button(
                escaped(shown.name),
                # The position is part of the key: a press on the picture before this one is not taken for it.
                key=f"label_{labeling.position}_{number}",
                type="primary" if labeling.label == shown.value else "secondary",
                shortcut=digit_of(labeling.classes, number),
                width="stretch",
                on_click=_do,
                args=(work, lambda now, value=shown.value: now.labeled(value)),
            )


def _way_keys(work: FolderLabels) -> None:
    labeling = work.labeling
    last = len(labeling.files) - 1
    with st.container(horizontal=True, key="label_way", gap="small"):
        _key(work, "Back", "Left", lambda now: now.stepped(-1), disabled=labeling.position == 0)
        _key(work, "Next", "Right", lambda now: now.stepped(1), disabled=labeling.position == last)
        _key(work, "Undo", "U", LabelingSession.undone, disabled=not labeling.past)
        done = len(labeling.labels) == len(labeling.files)
        _key(work, "Next unlabelled", "N", LabelingSession.at_unlabeled, disabled=done)
        _key(work, "No label", "X", LabelingSession.cleared, disabled=labeling.label is None)


def _key(work: FolderLabels, text: str, shortcut: str, change: LabelingStep, *, disabled: bool) -> None:
    key = f"label_{text.replace(' ', '_').lower()}"
    st.button(text, key=key, shortcut=shortcut, disabled=disabled, on_click=_do, args=(work, change))


def _do(work: FolderLabels, change: LabelingStep) -> None:
    work.labeling, work.notice = change(work.labeling), None


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
            work.path or beside(work.folder, "labels.csv"),
            key=_list_key(work),
            placeholder="labels/mine.csv",
            persist_state="session",
            help="Below the data root. A list that holds other labels is never overwritten.",
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


def _list_key(work: FolderLabels) -> str:
    return f"label_list_{work.folder}"


def _save(work: FolderLabels) -> None:
    text = str(st.session_state.get(_list_key(work), ""))
    try:
        path = new_file(text, ".csv")
        work.held[path] = save_list(work.labeling, path, work.held.get(path))
    except EllimapsError as error:
        work.notice = (str(error), False)
        return
    work.saved, work.path = work.labeling.labels, text
    work.notice = (f"{len(work.saved)} labels saved in {path.relative_to(data_root())}", True)


def _load_panel(work: FolderLabels) -> None:
    choose_below_root(
        "Label list",
        label_lists(work.folder, data_root()),
        key="label_load",
        placeholder="labels/mine.csv",
        typed_label="Or a CSV below the data root",
    )
    if work.unsaved:
        st.warning(f"{work.unsaved} labels are not saved: loading replaces them.", icon=":material/warning:")
    st.button("Load this list", key="label_load", on_click=_load, args=(work,))


def _load(work: FolderLabels) -> None:
    state = st.session_state
    text = str(state.get("label_load_typed", "")).strip() or str(state.get("label_load_found", ""))
    try:
        if not text:
            raise SettingError("Name the label list to load: a CSV below the data root.")
        path = inside_root(text)
        work.labeling, work.held[path] = read_list(path, work.labeling.files)
    except EllimapsError as error:
        work.notice = (str(error), False)
        return
    work.saved, work.path = work.labeling.labels, path.relative_to(data_root()).as_posix()
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
        work.labeling = work.labeling.with_classes(str(state[f"label_column_{column}"]), lines)
        work.notice = None
    except EllimapsError as error:
        work.notice = (str(error), False)
