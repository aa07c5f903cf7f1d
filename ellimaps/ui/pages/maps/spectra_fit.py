"""The view Fit of a file of spectra: the same model and options as for maps, and nothing to segment."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pandas as pd
import streamlit as st

from ellimaps.core.numbers import number_text
from ellimaps.core.spectra import Spectra
from ellimaps.maps.films.possible import what_is_lacking
from ellimaps.optics.fitted import MeasuredSpectrum
from ellimaps.optics.flags import Flag
from ellimaps.optics.model import ThinFilm
from ellimaps.spectra.files import spectra_fit_contents
from ellimaps.spectra.fit import SpectraFits, SpectrumFit
from ellimaps.ui.pages.maps.fit_export import downloads
from ellimaps.ui.pages.maps.fit_index import index_panel
from ellimaps.ui.pages.maps.fit_model import choose_model, is_editing, model_editor
from ellimaps.ui.pages.maps.fit_options import fit_setup, spectra_options
from ellimaps.ui.pages.maps.fit_spectra import SpectraShown, spectra_panel
from ellimaps.ui.pages.maps.fit_tables import FitsShown, certainty, details, fit_table, start_values
from ellimaps.ui.pages.maps.fitting import FitSetup, fitted_spectra
from ellimaps.ui.pages.maps.loading import Source, loaded_spectra
from ellimaps.ui.pages.maps.sliders import chosen_cluster, cluster_slider
from ellimaps.ui.pages.maps.spectra_data import look_of
from ellimaps.ui.pages.maps.spectra_spots import spots_panel
from ellimaps.ui.pages.maps.state import MapsState
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.tasks import start
from ellimaps.ui.shared.widgets import guarded


@st.fragment
def spectra_fit_tab(state: MapsState, source: Source) -> None:
    """Show the model, what it gives for the spectra, and what was fitted."""
    with guarded():
        spectra = loaded_spectra(source)
        if lacking := _lacking(spectra, None):
            st.info(escaped(lacking), icon=":material/info:")
            return
        bar, editor, pressed, beside = st.container(), st.container(), False, None
        with editor:
            if is_editing(state):
                beside = model_editor(state, spectra, None)
        with bar, guarded():
            pressed = _bar(state, source, spectra)
        model = state.film.model
        if model is not None and not _lacking(spectra, model):
            if pressed:
                with guarded():
                    _fit(state, source, _setup(model))
            found = _results(state, source, spectra, model)
            if beside is not None:
                with beside, guarded():
                    number = chosen_cluster(len(spectra.names))
                    title = f"spectrum {look_of(spectra).titles[number]}"
                    index_panel(state.film, spectra, spectra.name, found[number] if found else None, title)


def _bar(state: MapsState, source: Source, spectra: Spectra) -> bool:
    """Show the choice of a model and the button; return whether it was pressed."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="fit_bar"):
        choose_model(state, source)
        st.toggle("Edit", **kept("film_edit"), help="Layers, materials, what is free.")
        with st.popover("Options", icon=":material/tune:", width="content"):
            spectra_options()
        model = state.film.model
        lacking = "" if model is None else _lacking(spectra, model)
        ready = model is not None and not lacking and state.task is None
        pressed = st.button("Fit", type="primary", key="fit", disabled=not ready, help="Fits every spectrum.")
        if len(spectra.names) > 1:
            with st.container(width=260):
                cluster_slider(look_of(spectra).titles, "spectrum")
    if lacking:
        st.info(escaped(lacking), icon=":material/info:")
    return pressed


def _lacking(spectra: Spectra, model: ThinFilm | None) -> str:
    """Return why no spectrum can be fitted, empty if one can."""
    if model is not None and model.aoi_deg is None and not spectra.angles_deg:
        return (
            f"{spectra.name} does not tell its angle of incidence: switch Edit on, and choose 'given' as the "
            "angle of incidence."
        )
    sentences = [
        what_is_lacking(points, model) for _, points in spectra.table.groupby("spectrum", sort=False)
    ]
    return "" if "" in sentences else sentences[0]


def _setup(model: ThinFilm) -> FitSetup:
    return replace(fit_setup(model), shared=())


def _fit(state: MapsState, source: Source, setup: FitSetup) -> None:
    def show(_: SpectraFits) -> None:
        state.film.setup = setup

    start(state, "Fitting", lambda _: fitted_spectra(source, setup), show)


def _results(state: MapsState, source: Source, spectra: Spectra, model: ThinFilm) -> tuple[SpectrumFit, ...]:
    """Show what was fitted; return the fits if they are of the model as it stands."""
    film, look = state.film, look_of(spectra)
    fits = None if film.setup is None else fitted_spectra(source, film.setup)
    current = fits is not None and film.setup == _setup(model)
    if fits is None:
        st.caption(
            ":material/info: Circles are measured, the line is the model as it stands. Press **Fit**, and "
            "its free parameters are found for every spectrum."
        )
    elif not current:
        st.caption(":material/info: The model or the options have changed since this fit. Press Fit.")
    with st.container(key="fit_split"):
        left, right = st.columns([7, 5], gap="medium")
    found = None if fits is None else FitsShown("spectrum", look_of(spectra), fits.fits, fits.model)
    with left, guarded():
        if fits is None or found is None:
            start_values(model)
        else:
            _verdict(fits)
            if fits.has_map:
                spots_panel(found, fits)
            fit_table(found, _places(fits), {"remarks": [" ".join(fit.remarks) for fit in fits.fits]})
    with right, guarded():
        models = {fit.spectrum: fit.model for fit in fits.fits} if fits is not None and current else {}
        shown = SpectraShown(
            "spectrum", look, spectra, [models.get(name) for name in spectra.names], partial(_curves, spectra)
        )
        spectra_panel(film, shown, model)
    with guarded():
        if fits is not None and found is not None:
            certainty(found)
            details(found, {})
            downloads(
                f"{spectra.name}_fit.zip",
                lambda: spectra_fit_contents(fits),
                fits.model,
                "Table, curves, figures, provenance",
                "ellimaps fit SPECTRUM --model model.toml --out DIR",
            )
    return fits.fits if fits is not None and current else ()


def _verdict(fits: SpectraFits) -> None:
    trusted = sum(fit.flag == Flag.OK for fit in fits.fits)
    if len(fits.fits) > 1:
        st.markdown(f"**{trusted} of {len(fits.fits):,}** spectra are trusted")
    noise = fits.fits[0].noise.text
    st.caption(escaped(f"{noise[0].upper()}{noise[1:]}."))
    for remark in dict.fromkeys(remark for fit in fits.fits for remark in fit.remarks[:1]):
        st.warning(escaped(remark), icon=":material/warning:")
        break


def _places(fits: SpectraFits) -> dict[str, object]:
    if not fits.spectra.has_positions:
        return {}
    return {f"{axis} (mm)": list(map(number_text, at)) for axis, at in zip("xy", fits.places_mm, strict=True)}


def _curves(spectra: Spectra, number: int, model: ThinFilm | None) -> pd.DataFrame:
    """Return a spectrum beside a model, at the wavelengths that the model uses."""
    table = spectra.one(spectra.names[number])
    if model is not None:
        table = table[model.uses(table["wavelength_nm"])].reset_index(drop=True)
    psi, delta = (table[name].to_numpy(dtype="float64") for name in ("Psi", "Delta"))
    return MeasuredSpectrum(table, psi, delta).curves(model)
