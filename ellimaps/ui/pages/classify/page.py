"""The Classify page: label images by hand, train a classifier on them, try it on an image."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ellimaps.ui.pages.classify.files import image_folders
from ellimaps.ui.pages.classify.first_visit import first_visit
from ellimaps.ui.pages.classify.label import label_tab
from ellimaps.ui.pages.classify.state import ClassifyState
from ellimaps.ui.pages.classify.train import train_tab
from ellimaps.ui.pages.classify.try_out import try_tab
from ellimaps.ui.shared.data_root import data_root, inside_root
from ellimaps.ui.shared.state import page_state
from ellimaps.ui.shared.tasks import page_run, work_panel
from ellimaps.ui.shared.widgets import choose_below_root, choose_tab, guarded

# Beside each other the two halves of a view would be cut in a narrow window, and drawn out in a wide one.
_STYLE = """
<style>
.st-key-try_picture :is(div:has(> .stImage), .stImage, .stImage > div) { width: 100%; }
@media (max-width: 1050px) {
  :is(.st-key-try_split, .st-key-train_split) > div > .stHorizontalBlock { flex-direction: column; }
  :is(.st-key-try_split, .st-key-train_split) > div > .stHorizontalBlock > .stColumn { width: 100%; }
}
</style>
"""


def render() -> None:
    """Show the page."""
    st.html(_STYLE)
    state = page_state(ClassifyState)
    with page_run(state):
        with st.container(horizontal=True, vertical_alignment="bottom", key="classify_open"):
            tab = choose_tab(["Label", "Train", "Try"], key="classify_view")
            text = _chosen_folder(state)
        work_panel(state)
        with guarded():
            folder = inside_root(text) if text else None
            if folder is not None:
                state.show(text)
            _show(state, tab, folder)


def _chosen_folder(state: ClassifyState) -> str:
    root = data_root()
    recent = [name for name in state.recent if (root / name).is_dir()]
    names = [*recent, *image_folders(root)]
    return choose_below_root(
        "Folder of images",
        names,
        key="classify_typed",
        placeholder="Choose, search, or type a folder below the data root, as images/cells",
        first=next(iter(names), ""),
    )


def _show(state: ClassifyState, tab: str, folder: Path | None) -> None:
    if tab == "Try":
        try_tab(state, folder)
    elif folder is None:
        first_visit()
    elif tab == "Label":
        label_tab(state, state.labels_of(folder))
    else:
        train_tab(state, folder)
