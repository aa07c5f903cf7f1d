"""The Classify page: label images by hand, train a classifier on them, try it on an image."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ellimaps.ui.pages.classify.files import chosen_path, image_folders
from ellimaps.ui.pages.classify.label import label_section
from ellimaps.ui.pages.classify.state import ClassifyWork, classify_work
from ellimaps.ui.pages.classify.train import train_section
from ellimaps.ui.pages.classify.try_out import try_section
from ellimaps.ui.shared.data_root import data_root
from ellimaps.ui.shared.state import remembered
from ellimaps.ui.shared.tasks import settle, task_panel
from ellimaps.ui.shared.widgets import guarded

VIEWS = ("Label", "Train", "Try")


def render() -> None:
    """Show the page."""
    work = classify_work()
    with guarded():
        settle(work)
        with st.container(horizontal=True, vertical_alignment="bottom", key="classify_open"):
            view = _view()
            text = _folder_text()
        if work.task is not None:
            task_panel(work)
        if work.message:
            st.warning(work.message, icon=":material/warning:")
            work.message = ""
        with guarded():
            _section(work, view, chosen_path(text) if text else None)


def _view() -> str:
    return str(
        remembered(
            st.segmented_control,
            "View",
            options=list(VIEWS),
            key="classify_view",
            default=VIEWS[0],
            required=True,
            label_visibility="collapsed",
        )
    )


def _folder_text() -> str:
    found = image_folders(data_root())
    if found:
        chosen = remembered(
            st.selectbox,
            "Folder of images",
            options=found,
            format_func=lambda name: "(data root)" if name == "." else name,
            key="classify_found",
            default=found[0],
        )
    else:
        chosen = ""
    typed = remembered(
        st.text_input,
        "Or a folder below the data root",
        key="classify_typed",
        default="",
        placeholder="images/cells",
    )
    return str(typed).strip() or str(chosen)


def _section(work: ClassifyWork, view: str, folder: Path | None) -> None:
    if view == "Try":
        try_section(work, folder)
    elif folder is None:
        _empty()
    elif view == "Label":
        label_section(work.labels_of(folder))
    else:
        train_section(work, folder)


def _empty() -> None:
    st.info(
        f"There are no folders of images (TIFF or PNG) below {data_root()}. Put one there, or start "
        "`ellimaps app` with another `--data-root`; then open this page again.",
        icon=":material/category:",
    )
