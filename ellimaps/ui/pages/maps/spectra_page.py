"""A file of spectra on the page Maps: what was measured, and the films fitted to it."""

from __future__ import annotations

import streamlit as st

from ellimaps.core.numbers import counted
from ellimaps.core.spectra import Spectra
from ellimaps.ui.pages.maps.loading import Source, loaded_spectra
from ellimaps.ui.pages.maps.spectra_data import spectra_data_tab
from ellimaps.ui.pages.maps.spectra_fit import spectra_fit_tab
from ellimaps.ui.pages.maps.state import MapsState
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.tasks import work_panel
from ellimaps.ui.shared.widgets import choose_tab, guarded

_TABS = {"Data": spectra_data_tab, "Fit": spectra_fit_tab}


def spectra_page(state: MapsState, source: Source) -> None:
    """Show the page for a file of spectra, which needs no segmentation."""
    spectra = loaded_spectra(source)
    st.set_page_config(page_title=f"{spectra.name} · ellimaps")
    with st.container(horizontal=True, vertical_alignment="center", key="header"):
        st.markdown(f"#### {escaped(spectra.name)}", width="content")
        st.caption(_summary(spectra))
        if st.button("Open another", icon=":material/folder_open:", key="open_another"):
            state.opening = True
            st.rerun()
    tab = choose_tab(list(_TABS), key="view")
    work_panel(state)
    with guarded():
        _TABS[tab](state, source)


def _summary(spectra: Spectra) -> str:
    count, waves = len(spectra.names), spectra.wavelengths_nm
    parts = ["1 spectrum" if count == 1 else f"{count:,} spectra"]
    parts.append(f"{waves[0]:g} nm" if len(waves) == 1 else f"{waves[0]:g}–{waves[-1]:g} nm")
    if angles := spectra.angles_deg:
        parts.append(
            ", ".join(f"{angle:g}" for angle in angles) + "°"
            if len(angles) < 5
            else f"{counted(len(angles), 'angle')}, {angles[0]:g}–{angles[-1]:g}°"
        )
    return ", ".join(parts)
