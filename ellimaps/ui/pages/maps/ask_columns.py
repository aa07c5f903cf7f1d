"""Asking what the columns of a file of spectra are, where it does not say so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from ellimaps.core.errors import SettingError
from ellimaps.core.numbers import number_text
from ellimaps.readers.spectra import first_rows
from ellimaps.readers.spectra.quantities import meaning_of
from ellimaps.ui.pages.maps.loading import Source
from ellimaps.ui.pages.maps.open_data import open_source
from ellimaps.ui.pages.maps.state import MapsState
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.widgets import guarded

# As for --columns, and what they are called here.
_KINDS = {
    "-": "leave out",
    "wavelength_nm": "wavelength (nm)",
    "wavelength_um": "wavelength (µm)",
    "wavelength_a": "wavelength (Å)",
    "energy_ev": "photon energy (eV)",
    "aoi_deg": "angle of incidence (°)",
    "psi": "Psi (°)",
    "delta": "Delta (°)",
    "psi_sd": "error of Psi (°)",
    "delta_sd": "error of Delta (°)",
    "tan_psi": "tan Psi",
    "cos_delta": "cos Delta",
    "N": "N",
    "C": "C",
    "S": "S",
    "re_rho": "real part of rho",
    "im_rho": "imaginary part of rho",
    "depolarization": "depolarization",
    "bandwidth_nm": "bandwidth (nm)",
    "x_mm": "x (mm)",
    "y_mm": "y (mm)",
    "time_s": "time (s)",
    "spectrum": "which spectrum",
}
_USUAL = ("wavelength_nm", "aoi_deg", "psi", "delta", "psi_sd", "delta_sd")


def choose_columns(state: MapsState) -> bool:
    """Ask what the columns of a file are, if there is something to ask; tell whether there is."""
    asked = state.question
    if asked is None:
        return False
    path = Path(asked.path)
    st.warning(f"{escaped(asked.why)}. Say what its columns are.", icon=":material/help:")
    labels, rows = first_rows(path)
    with st.form("columns"):
        with st.container(horizontal=True):
            chosen = [
                st.selectbox(
                    f"Column {number + 1}" + (f": {escaped(labels[number])}" if labels else ""),
                    list(_KINDS),
                    list(_KINDS).index(kind),
                    format_func=_KINDS.__getitem__,
                    key=f"column_{number}_{path.name}",
                    width=190,
                )
                for number, kind in enumerate(_suggested(labels, len(rows[0])))
            ]
        st.caption(f"The first rows of {escaped(path.name)}")
        titles = [f"column {number + 1}" for number in range(len(rows[0]))]
        st.dataframe(
            pd.DataFrame([list(map(number_text, row)) for row in rows], columns=titles), hide_index=True
        )
        with st.container(horizontal=True):
            done = st.form_submit_button("Open with these columns", type="primary")
            cancelled = st.form_submit_button("Cancel")
    if cancelled:
        state.question = None
        st.rerun()
    if done:
        with guarded():
            named = [kind for kind in chosen if kind != "-"]
            if twice := next((kind for kind in named if named.count(kind) > 1), None):
                raise SettingError(f"Two columns are {_KINDS[twice]}: leave one out.")
            open_source(state, Source.of(path, None, " ".join(chosen)), asked.recent)
    return True


def _suggested(labels: Sequence[str], count: int) -> list[str]:
    """Return what the titles say, else the order that most programs write."""
    if labels:
        known = {meaning_of(kind)[0]: kind for kind in reversed(_KINDS)}
        return [known.get(meaning_of(label)[0], "-") for label in labels]
    usual = [kind for kind in _USUAL if count > 3 or kind != "aoi_deg"]
    return [*usual, *["-"] * count][:count]
