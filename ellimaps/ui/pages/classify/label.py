"""Labelling images by hand: a large picture, a key per class, undo, and the list that is saved."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import streamlit as st

from ellimaps.classify.labeling import LabelingSession, digit_of
from ellimaps.classify.labeling_file import labels_csv, read_list, save_list
from ellimaps.core.errors import EllimapsError, SettingError
from ellimaps.ui.pages.classify.files import beside, chosen_path, label_lists, new_file
from ellimaps.ui.pages.classify.pictures import picture_of
from ellimaps.ui.pages.classify.state import LabelWork
from ellimaps.ui.shared.data_root import data_root
from ellimaps.ui.shared.state import remembered, session, set_value
from ellimaps.ui.shared.widgets import escaped, guarded

_HELP = "Below the data root. A list that holds other labels is never overwritten."


@st.fragment
def label_section(one: LabelWork) -> None:
    """Show the image whose turn it is, and what can be done with it."""
    picture, desk = st.columns([7, 4], gap="medium")
    # The picture comes before the keys, so that a key never labels an image that is not shown yet.
    with picture, st.container(key="label_picture"), guarded():
        st.image(picture_of(one.folder / one.labelling.file), width="stretch")
    with desk:
        _title(one.labelling)
        _class_keys(one)
        _way_keys(one)
        _progress(one)
        _lists(one)
        if one.notice:
            text, good = one.notice
            (st.success if good else st.error)(text)


def _title(made: LabelingSession) -> None:
    label = escape(made.name_of(made.label))
    st.html(
        f'<div class="elided" title="{escape(made.file)}"><b>{escape(made.file)}</b></div>'
        f"<div>{made.position + 1} of {len(made.files)} · {label}</div>"
    )


def _class_keys(one: LabelWork) -> None:
    made = one.labelling
    with st.container(key="label_classes", gap="small"):
        for number, shown in enumerate(made.classes):
            st.button(
                escaped(shown.name),
                # The position is part of the key: a press on the picture before this one is not taken for it.
                key=f"label_{made.position}_{number}",
                type="primary" if made.label == shown.value else "secondary",
                shortcut=digit_of(made.classes, number),
                width="stretch",
                on_click=_do,
                args=(one, lambda now, value=shown.value: now.labeled(value)),
            )


def _way_keys(one: LabelWork) -> None:
    made = one.labelling
    last = len(made.files) - 1
    with st.container(horizontal=True, key="label_way", gap="small"):
        _key(one, "Back", "Left", lambda now: now.stepped(-1), disabled=made.position == 0)
        _key(one, "Next", "Right", lambda now: now.stepped(1), disabled=made.position == last)
        _key(one, "Undo", "U", LabelingSession.undone, disabled=not made.past)
        _key(
            one,
            "Next unlabelled",
            "N",
            LabelingSession.at_unlabeled,
            disabled=len(made.labels) == len(made.files),
        )
        _key(one, "No label", "X", LabelingSession.cleared, disabled=made.label is None)


def _key(
    one: LabelWork,
    text: str,
    shortcut: str,
    change: Callable[[LabelingSession], LabelingSession],
    *,
    disabled: bool,
) -> None:
    st.button(
        text,
        key=f"label_{text.replace(' ', '_').lower()}",
        shortcut=shortcut,
        disabled=disabled,
        on_click=_do,
        args=(one, change),
    )


def _do(one: LabelWork, change: Callable[[LabelingSession], LabelingSession]) -> None:
    one.labelling, one.notice = change(one.labelling), None


def _progress(one: LabelWork) -> None:
    made = one.labelling
    labelled, count = len(made.labels), len(made.files)
    st.progress(labelled / count, f"{labelled} of {count} labelled")
    counts = made.counts
    cells = "".join(
        f'<div><dt class="elided" title="{escape(shown.name)}">{escape(shown.name)}</dt>'
        f"<dd>{counts[shown.value]}</dd></div>"
        for shown in made.classes
    )
    st.html(f'<dl class="facts">{cells}</dl>')


def _lists(one: LabelWork) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        remembered(
            st.text_input,
            f"Label list, {one.unsaved} not saved" if one.unsaved else "Label list",
            key=_place_key(one),
            default=one.path or beside(one.folder, "labels.csv"),
            placeholder="labels/mine.csv",
            help=_HELP,
        )
        st.button(
            "Save",
            key="label_save",
            type="primary" if one.unsaved else "secondary",
            shortcut="S",
            disabled=not one.labelling.labels and not one.saved,
            on_click=_save,
            args=(one,),
        )
    with st.container(horizontal=True, key="label_more"):
        st.download_button(
            "Download",
            data=lambda: labels_csv(one.labelling),
            file_name=f"{one.folder.name}_labels.csv",
            mime="text/csv",
            key="label_download",
            icon=":material/download:",
            on_click="ignore",
        )
        with st.popover("Load", icon=":material/upload_file:"):
            _load_panel(one)
        with st.popover("Classes", icon=":material/category:"):
            _class_panel(one)


def _place_key(one: LabelWork) -> str:
    return f"label_list_{one.folder}"


def _save(one: LabelWork) -> None:
    text = str(st.session_state.get(_place_key(one), ""))
    try:
        path = new_file(text, ".csv")
        one.held[path] = save_list(one.labelling, path, one.held.get(path))
    except EllimapsError as error:
        one.notice = (str(error), False)
        return
    one.saved, one.path = one.labelling.labels, text
    one.notice = (f"{len(one.saved)} labels saved in {path.relative_to(data_root())}", True)


def _load_panel(one: LabelWork) -> None:
    found = label_lists(one.folder, data_root())
    if found:
        remembered(st.selectbox, "Label list", options=found, key="label_load_found", default=found[0])
    st.text_input("Or a CSV below the data root", key="label_load_typed", placeholder="labels/mine.csv")
    if one.unsaved:
        st.warning(f"{one.unsaved} labels are not saved: loading replaces them.", icon=":material/warning:")
    st.button("Load this list", key="label_load", on_click=_load, args=(one,))


def _load(one: LabelWork) -> None:
    state = st.session_state
    text = str(state.get("label_load_typed", "")).strip() or str(state.get("label_load_found", ""))
    try:
        if not text:
            raise SettingError("Name the label list to load: a CSV below the data root.")
        path = chosen_path(text)
        one.labelling, one.held[path] = read_list(path, one.labelling.files)
    except EllimapsError as error:
        one.notice = (str(error), False)
        return
    one.saved, one.path = one.labelling.labels, path.relative_to(data_root()).as_posix()
    set_value(session(), _place_key(one), one.path)
    other_rows = len(one.labelling.other_rows)
    more = f"; {other_rows} of other images are kept in the list" if other_rows else ""
    one.notice = (f"{len(one.saved)} labels loaded from {one.path}{more}", True)


def _class_panel(one: LabelWork) -> None:
    made = one.labelling
    with st.form("label_class_form", border=False):
        st.text_input("Column in the CSV", value=made.column, key=f"label_column_{made.column}")
        names = "\n".join(shown.name for shown in made.classes)
        st.text_area("Classes, one name per line", value=names, key=f"label_names_{names}", height=120)
        values = ", ".join(shown.value for shown in made.classes)
        st.caption(f"In the CSV: {escaped(values)}. A further line is a further class, 10 at most.")
        st.form_submit_button("Apply", on_click=_rename, args=(one, made.column, names))


def _rename(one: LabelWork, column: str, names: str) -> None:
    state = st.session_state
    lines = [line for line in str(state[f"label_names_{names}"]).splitlines() if line.strip()]
    try:
        one.labelling = one.labelling.with_classes(str(state[f"label_column_{column}"]), lines)
        one.notice = None
    except EllimapsError as error:
        one.notice = (str(error), False)
