"""The Maps page: a folder becomes zones, spectra and files."""

from __future__ import annotations

import warnings

import streamlit as st

from ellimaps.errors import EllimapsError
from ellimaps.stack import ImageStack
from ellimaps.ui.loading import Source, load
from ellimaps.ui.sections.compare import compare_section
from ellimaps.ui.sections.data import data_section
from ellimaps.ui.sections.estimate import estimate_section
from ellimaps.ui.sections.explore import explore_section
from ellimaps.ui.sections.export import export_section
from ellimaps.ui.sections.open_data import choose_dataset, open_panel
from ellimaps.ui.sections.segment import segment_controls
from ellimaps.ui.state import Session, remembered, session, take_view

VIEWS = {
    "Data": data_section,
    "How many?": estimate_section,
    "Explore": explore_section,
    "Compare": compare_section,
    "Export": export_section,
}


def render() -> None:
    """Show the page."""
    state = session()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        try:
            _page(state)
        except EllimapsError as error:
            st.error(str(error), icon=":material/error:")
    for message in dict.fromkeys(
        str(warning.message) for warning in caught if warning.category.__module__.startswith("ellimaps")
    ):
        st.warning(message, icon=":material/warning:")


def _page(state: Session) -> None:
    if choose_dataset(state):
        return
    if state.source is None:
        st.title("Maps")
        st.markdown(
            "Open a folder of ellipsometric maps: find its zones, read one spectrum per zone, export."
        )
        open_panel(state)
        return
    _header(state, state.source)
    take_view()
    view = remembered(
        st.segmented_control,
        "View",
        options=list(VIEWS),
        key="view",
        default="Data",
        required=True,
        label_visibility="collapsed",
    )
    if view in ("Explore", "Compare", "Export"):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            segment_controls(state)
    VIEWS[view](state, state.source)


def _header(state: Session, source: Source) -> None:
    stack = load(source)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"### {stack.name}")
        st.caption(_summary(stack))
        if st.button("Open another", icon=":material/folder_open:", key="open_another"):
            state.source = None
            st.rerun()


def _summary(stack: ImageStack) -> str:
    height, width = stack.shape
    angles = ", ".join(f"{angle:g}" for angle in stack.angles_deg)
    parts = [f"{stack.n_bands} maps of {height} × {width} px"]
    if stack.wavelengths_nm:
        parts.append(f"{stack.wavelengths_nm[0]:g}–{stack.wavelengths_nm[-1]:g} nm")
    if angles:
        parts.append(f"{angles} deg")
    return ", ".join(parts)
