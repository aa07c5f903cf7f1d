"""Fitting a film model: clusters at once, every pixel in the background; thickness maps beside spectra."""

from __future__ import annotations

import streamlit as st

from ellimaps.core.numbers import counted
from ellimaps.maps.films.possible import what_is_lacking
from ellimaps.maps.films.results import MapFit, ShotFits, thickness_name
from ellimaps.maps.segmentation import Segmentation
from ellimaps.optics.model import ThinFilm
from ellimaps.ui.pages.maps.fit_export import fit_downloads
from ellimaps.ui.pages.maps.fit_index import index_panel
from ellimaps.ui.pages.maps.fit_maps import maps_panel, picked_pixel, profile_and_histogram, shown_fit
from ellimaps.ui.pages.maps.fit_model import choose_model, is_editing, model_editor
from ellimaps.ui.pages.maps.fit_options import fit_options, fit_setup
from ellimaps.ui.pages.maps.fit_spectra import cluster_spectra, spectra_panel
from ellimaps.ui.pages.maps.fit_tables import certainty, cluster_fits, details, shots_table, start_values
from ellimaps.ui.pages.maps.fitting import fitted_map, fitted_shots, last_shots, map_key
from ellimaps.ui.pages.maps.loading import Source, load
from ellimaps.ui.pages.maps.sliders import chosen_cluster, cluster_slider
from ellimaps.ui.pages.maps.state import MapsState
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.tasks import start
from ellimaps.ui.shared.widgets import guarded


@st.fragment
def fit_tab(state: MapsState, source: Source) -> None:
    """Show the model, what it gives for the segmentation shown, and the maps of its parameters."""
    with guarded():
        if not load(source).is_ellipsometric:
            st.info(
                "A film model is fitted to Delta and Psi maps, and these are intensities: there is nothing "
                "to fit here. **Explore** shows the clusters, **Export** writes their files.",
                icon=":material/info:",
            )
            return
        if lacking := what_is_lacking(load(source).pairs()):
            st.info(escaped(lacking), icon=":material/info:")
            return
        segmentation = state.shown()
        if segmentation is None:
            st.info(
                "Nothing is segmented yet: choose k above and press **Segment**, or let **How many?** "
                "suggest a number. Then a film model is fitted to every cluster, and to every pixel.",
                icon=":material/layers:",
            )
            return
        bar, editor, pressed, beside = st.container(), st.container(), "", None
        with editor:
            if is_editing(state):
                beside = model_editor(state, segmentation.stack, segmentation)
        with bar, guarded():
            pressed = _bar(state, source, segmentation)
        if state.film.pixels_wanted and state.film.model is not None and state.task is None:
            pressed, state.film.pixels_wanted = "pixels", False
        if pressed:
            with guarded():
                _fit(state, source, pixels=pressed == "pixels")
        if state.film.model is not None:
            fits = _results(state, source, segmentation, state.film.model)
            if beside is not None:
                with beside, guarded():
                    number, stack = chosen_cluster(segmentation.k), segmentation.stack
                    fit = fits.clusters[number] if fits is not None else None
                    index_panel(state.film, stack, stack.name, fit, f"cluster {state.look.titles[number]}")


def _bar(state: MapsState, source: Source, segmentation: Segmentation) -> str:
    """Show the choice of a model and the buttons; return which was pressed."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="fit_bar"):
        choose_model(state, source)
        st.toggle("Edit", **kept("film_edit"), help="Layers, materials, what is free.")
        with st.popover("Options", icon=":material/tune:", width="content"):
            fit_options(state)
        model = state.film.model
        lacking = "" if model is None else what_is_lacking(segmentation.stack.pairs(), model)
        ready = model is not None and not lacking
        clusters = st.button(
            "Fit", type="primary", key="fit", disabled=not ready, help="Fits all clusters at once."
        )
        pixels = st.button(
            "Fit every pixel",
            key="fit_pixels",
            icon=":material/grid_on:",
            disabled=not ready or state.task is not None,
            help=f"In the background: {counted(segmentation.stack.values[0].size, 'pixel')}.",
        )
        if segmentation.k > 1:
            with st.container(width=220):
                cluster_slider(state.look.titles)
    if lacking:
        st.info(escaped(lacking), icon=":material/info:")
    return "clusters" if clusters else "pixels" if pixels else ""


def _fit(state: MapsState, source: Source, *, pixels: bool) -> None:
    film, settings = state.film, state.current
    assert film.model is not None
    assert settings is not None
    thickness_name(film.model)
    setup = fit_setup(film.model)
    # Clusters take milliseconds, and what is wrong with a model shows at once.
    fitted_shots(source, settings, setup)
    film.setup = setup
    if not pixels:
        st.session_state["fit_of"] = "Clusters"
        return

    def show(fit: MapFit) -> None:
        film.mapped = (map_key(source, settings, setup), fit)
        st.session_state["fit_of"] = "Pixels"

    start(state, "Fitting", lambda on_progress: fitted_map(source, settings, setup, on_progress), show)


def _results(
    state: MapsState, source: Source, segmentation: Segmentation, model: ThinFilm
) -> ShotFits | None:
    """Show what was fitted; return it if it was with the model as it stands."""
    film, settings = state.film, state.current
    assert settings is not None
    fits = last_shots(film, source, settings)
    current = fits is not None and film.setup == fit_setup(model)
    if fits is not None and not current:
        st.caption(":material/info: The model or the options have changed since this fit. Press Fit.")
    if fits is None:
        st.caption(
            ":material/info: Circles are measured, the line is the model as it stands. Press **Fit**, and "
            "the thickness of every cluster is found and painted."
        )
    with st.container(key="fit_split"):
        left, right = st.columns([7, 5], gap="medium")
    fit, picked = None, None
    with left, guarded():
        if fits is not None:
            fit = shown_fit(state, source, fits)
            picked = picked_pixel(state, fit, segmentation.k) if current else None
            maps_panel(state, source, fit, segmentation)
            shots_table(cluster_fits(state.look, fits), fits)
        else:
            start_values(model)
    with right, guarded():
        shown = cluster_spectra(state.look, segmentation, fits if current else None)
        spectra_panel(film, shown, model, picked)
    with guarded():
        if fit is not None:
            profile_and_histogram(state, fit)
        if fits is not None:
            found = cluster_fits(state.look, fits)
            certainty(found)
            details(found, film.references)
            fit_downloads(fit or fits)
    return fits if current else None
