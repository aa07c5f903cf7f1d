"""The Maps page: a folder becomes zones, spectra and files."""

from __future__ import annotations

import streamlit as st

from ellimaps.core.stack import ImageStack
from ellimaps.ui.pages.maps.compare import compare_section
from ellimaps.ui.pages.maps.data import data_section
from ellimaps.ui.pages.maps.estimate import estimate_section
from ellimaps.ui.pages.maps.explore import explore_section
from ellimaps.ui.pages.maps.export import export_section
from ellimaps.ui.pages.maps.fit import fit_section
from ellimaps.ui.pages.maps.loading import Source, load
from ellimaps.ui.pages.maps.open_data import choose_dataset, open_panel
from ellimaps.ui.pages.maps.segment import segment_controls
from ellimaps.ui.shared.state import Session, remembered, session, take_view
from ellimaps.ui.shared.tasks import settle, task_panel
from ellimaps.ui.shared.widgets import escaped, guarded

VIEWS = {
    "Data": data_section,
    "How many?": estimate_section,
    "Explore": explore_section,
    "Fit": fit_section,
    "Compare": compare_section,
    "Export": export_section,
}


def render() -> None:
    """Show the page."""
    state = session()
    with guarded():
        if choose_dataset(state):
            return
        if state.source is None or state.opening:
            open_panel(state)
            return
        settle(state)
        _header(state, state.source)
        view = _view_bar(state)
        if state.task is not None:
            task_panel(state)
        if state.message:
            st.warning(state.message, icon=":material/warning:")
            state.message = ""
        with guarded():
            VIEWS[view](state, state.source)


def _header(state: Session, source: Source) -> None:
    stack = load(source)
    with st.container(horizontal=True, vertical_alignment="center", key="header"):
        st.markdown(f"#### {escaped(stack.name)}", width="content")
        st.caption(_summary(stack))
        if st.button("Open another", icon=":material/folder_open:", key="open_another"):
            state.opening = True
            st.rerun()


def _view_bar(state: Session) -> str:
    take_view()
    with st.container(horizontal=True, vertical_alignment="bottom", key="view_bar"):
        view = remembered(
            st.segmented_control,
            "View",
            options=list(VIEWS),
            key="view",
            default="Data",
            required=True,
            label_visibility="collapsed",
        )
        if view in ("Explore", "Fit", "Compare", "Export"):
            with st.container(horizontal=True, vertical_alignment="bottom", width="content"):
                segment_controls(state)
    return str(view)


def _summary(stack: ImageStack) -> str:
    height, width = stack.shape
    angles = ", ".join(f"{angle:g}" for angle in stack.angles_deg)
    parts = [f"{stack.n_bands} {'maps' if stack.is_ellipsometric else 'images'} of {height} × {width} px"]
    if stack.wavelengths_nm:
        parts.append(f"{stack.wavelengths_nm[0]:g}–{stack.wavelengths_nm[-1]:g} nm")
    if angles:
        parts.append(f"{angles} deg")
    return ", ".join(parts)
