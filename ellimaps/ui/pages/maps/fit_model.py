"""Choosing a film model: a ready one, that in the measurement's folder, or the user's own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ellimaps.core.abscissa import Sampled
from ellimaps.core.errors import EllimapsError
from ellimaps.maps.segmentation import Segmentation
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.model_file import model_text
from ellimaps.optics.ready_models import ready_models
from ellimaps.ui.pages.maps.fit_export import model_download
from ellimaps.ui.pages.maps.fit_layers import edited_model
from ellimaps.ui.pages.maps.fit_places import SHOWN, material_at, places_of
from ellimaps.ui.pages.maps.fitting import MODEL_NAME, OWN_MODEL, folder_model, uploaded
from ellimaps.ui.pages.maps.loading import Source
from ellimaps.ui.pages.maps.state import MapsState
from ellimaps.ui.shared.widgets import guarded

FOLDER_MODEL = f"{MODEL_NAME} of this folder"


def choose_model(state: MapsState, source: Source) -> None:
    """Show the models there are; the chosen one becomes the session's, an error becomes one sentence."""
    film = state.film
    names = list(ready_models())
    problem: EllimapsError | None = None
    try:
        found = folder_model(source)
    except EllimapsError as error:
        found, problem = None, error
    if found is not None:
        names.insert(0, FOLDER_MODEL)
    if film.name == OWN_MODEL and film.model is not None:
        names.append(OWN_MODEL)
    if film.name not in names:
        film.put(FOLDER_MODEL if found is not None else "SiO2 on Si", None)
    if film.model is None:
        film.model = found if film.name == FOLDER_MODEL else ready_models()[film.name]
    st.session_state["film"] = film.name
    st.selectbox(
        "Film model",
        names,
        key="film",
        width=260,
        on_change=lambda: film.put(st.session_state["film"], None),
        help="What the sample is made of, and what of it is not known. Edit shows and changes it.",
    )
    if problem is not None:
        st.error(f"The model in the folder is left out. {problem}", icon=":material/error:")


def is_editing(state: MapsState) -> bool:
    """Tell whether the editor is open; it is shown before its switch, which stands above it."""
    return bool(st.session_state.get("film_edit", False)) and state.film.model is not None


def model_editor(state: MapsState, sampled: Sampled, segmentation: Segmentation | None) -> DeltaGenerator:
    """Show the model's media from the ambient down with what is free, its text, and the upload.

    Parameters
    ----------
    state : MapsState
        Has the model.
    sampled : Sampled
        What it is fitted to.
    segmentation : Segmentation, optional
        Its clusters, of which thicknesses can be taken; spectra have none.

    Returns
    -------
    DeltaGenerator
        Where n and k are shown, once it is known what was fitted.
    """
    film = state.film
    with st.container(border=True, key="film_editor"):
        lists, beside = st.columns([8, 5], gap="medium")
        with lists, guarded():
            model = edited_model(state, sampled, segmentation)
            if model != film.model:
                _show_change(film.model, model)
                film.model, film.name = model, OWN_MODEL
        with beside:
            curves = st.container()
            if film.model is not None:
                st.code(model_text(film.model), language="toml", wrap_lines=True)
                with guarded():
                    model_download(film.model, "download_model")
            with guarded():
                _upload(state)
    return curves


def _show_change(before: ThinFilm | None, model: ThinFilm) -> None:
    """Let n and k be those of what was changed."""
    for place in places_of(model):
        if before is not None and material_at(before, place) != material_at(model, place):
            st.session_state[SHOWN] = place[0]


def _upload(state: MapsState) -> None:
    with st.form("film_upload", clear_on_submit=True, border=False):
        files = st.file_uploader(
            "Your model (.toml), with the n, k files it names; or n, k files alone",
            type=["toml", "nk", "txt", "csv", "dat", "yml"],
            accept_multiple_files=True,
            max_upload_size=8,  # MB: a model and its tables are texts of kilobytes
            key="film_files",
            help="n, k files have rows of wavelength_nm n k, or are pages of refractiveindex.info (.yml). "
            "Their materials join the lists on the left.",
        )
        clicked = st.form_submit_button("Take these files")
    if clicked:
        take_files(state, files)
        st.rerun()


def take_files(state: MapsState, files: Iterable[Any]) -> None:
    """Make an uploaded model the session's; n, k files become materials to choose from."""
    upload = uploaded(files)
    film = state.film
    film.materials |= {material.name: material for material in upload.materials}
    film.put(OWN_MODEL if upload.model else film.name, upload.model or film.model)
