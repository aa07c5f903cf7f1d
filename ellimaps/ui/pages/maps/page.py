"""The Maps page: a folder becomes zones, spectra and files; a file of spectra becomes films."""

from __future__ import annotations

import streamlit as st

from ellimaps.core.stack import ImageStack
from ellimaps.ui.pages.maps.ask_columns import choose_columns
from ellimaps.ui.pages.maps.compare import compare_tab
from ellimaps.ui.pages.maps.data import data_tab
from ellimaps.ui.pages.maps.explore import explore_tab
from ellimaps.ui.pages.maps.export import export_tab
from ellimaps.ui.pages.maps.fit import fit_tab
from ellimaps.ui.pages.maps.how_many import how_many_tab
from ellimaps.ui.pages.maps.load_recipe import recipe_loader
from ellimaps.ui.pages.maps.loading import Source, load
from ellimaps.ui.pages.maps.objects import objects_tab
from ellimaps.ui.pages.maps.open_data import choose_dataset, follow_address, open_panel
from ellimaps.ui.pages.maps.segment import segment_controls
from ellimaps.ui.pages.maps.spectra_page import spectra_page
from ellimaps.ui.pages.maps.state import SEGMENTATION_VIEWS, MapsState, heed_clicked_view
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import page_state
from ellimaps.ui.shared.tasks import page_run, work_panel
from ellimaps.ui.shared.widgets import choose_tab, guarded

TABS = {
    "Data": data_tab,
    "Objects": objects_tab,
    "How many?": how_many_tab,
    "Explore": explore_tab,
    "Fit": fit_tab,
    "Compare": compare_tab,
    "Export": export_tab,
}


def render() -> None:
    """Show the page."""
    state = page_state(MapsState)
    heed_clicked_view()
    with guarded():
        follow_address(state)
    if choose_dataset(state) or choose_columns(state):
        return
    if state.source is None or state.opening:
        open_panel(state)
        return
    with page_run(state):
        if state.source.is_spectra:
            spectra_page(state, state.source)
            return
        stack = load(state.source)
        _header(state, state.source, stack)
        tab = _tab_bar(state, [name for name in TABS if not (name == "Objects" and stack.is_ellipsometric)])
        work_panel(state)
        with guarded():
            TABS[tab](state, state.source)


def _header(state: MapsState, source: Source, stack: ImageStack) -> None:
    st.set_page_config(page_title=f"{stack.name} · ellimaps")
    with st.container(horizontal=True, vertical_alignment="center", key="header"):
        st.markdown(f"#### {escaped(stack.name)}", width="content")
        st.caption(_summary(stack))
        recipe_loader(state, source)
        if st.button("Open another", icon=":material/folder_open:", key="open_another"):
            state.opening = True
            st.rerun()


def _tab_bar(state: MapsState, tabs: list[str]) -> str:
    with st.container(horizontal=True, vertical_alignment="bottom", key="view_bar"):
        tab = choose_tab(tabs, key="view")
        if tab in SEGMENTATION_VIEWS:
            with st.container(horizontal=True, vertical_alignment="bottom", width="content"):
                segment_controls(state)
    return tab


def _summary(stack: ImageStack) -> str:
    height, width = stack.shape
    angles = ", ".join(f"{angle:g}" for angle in stack.angles_deg)
    what = ("map" if stack.is_ellipsometric else "image") + ("s" if stack.n_bands > 1 else "")
    parts = [f"{stack.n_bands} {what} of {height} × {width} px"]
    if waves := stack.wavelengths_nm:
        parts.append(f"{waves[0]:g} nm" if len(waves) == 1 else f"{waves[0]:g}–{waves[-1]:g} nm")
    if angles:
        parts.append(f"{angles}°")
    return ", ".join(parts)
