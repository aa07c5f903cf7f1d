"""Fitting a film model: clusters at once, every pixel in the background; thickness maps beside spectra."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from ellimaps.core.errors import SettingError
from ellimaps.maps.films.parameters import parameter_titles
from ellimaps.maps.films.results import MapFit, ShotFits, parameter_names, thickness_name
from ellimaps.maps.segmentation import Segmentation
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.model_file import model_text
from ellimaps.optics.spectra import FitOptions
from ellimaps.ui.pages.maps.fit_charts import uniqueness_chart
from ellimaps.ui.pages.maps.fit_export import fit_downloads
from ellimaps.ui.pages.maps.fit_maps import maps_panel, picked_pixel, profile_and_histogram, shown_fit
from ellimaps.ui.pages.maps.fit_model import choose_model, is_editing, model_editor
from ellimaps.ui.pages.maps.fit_spectra import spectra_panel
from ellimaps.ui.pages.maps.fitting import FitSetup, fitted_map, fitted_shots, last_shots, map_key
from ellimaps.ui.pages.maps.loading import Source, load
from ellimaps.ui.pages.maps.refine import text_color
from ellimaps.ui.pages.maps.sliders import chosen_cluster, cluster_slider
from ellimaps.ui.pages.maps.state import MapsState
from ellimaps.ui.shared.charts import show_chart
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
        segmentation = state.shown()
        if segmentation is None:
            st.info(
                "Nothing is segmented yet: choose k above and press **Segment**, or let **How many?** "
                "suggest a number. Then a film model is fitted to every cluster, and to every pixel.",
                icon=":material/layers:",
            )
            return
        bar, editor, pressed = st.container(), st.container(), ""
        with editor:
            if is_editing(state):
                model_editor(state, segmentation.stack)
        with bar, guarded():
            pressed = _bar(state, source, segmentation)
        if state.film.pixels_wanted and state.film.model is not None and state.task is None:
            pressed, state.film.pixels_wanted = "pixels", False
        if pressed:
            with guarded():
                _fit(state, source, pixels=pressed == "pixels")
        if state.film.model is not None:
            _results(state, source, segmentation, state.film.model)


def _bar(state: MapsState, source: Source, segmentation: Segmentation) -> str:
    """Show the choice of a model and the buttons; return which was pressed."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="fit_bar"):
        choose_model(state, source)
        st.toggle("Edit", **kept("film_edit"), help="Layers, materials, what is free.")
        with st.popover("Options", icon=":material/tune:", width="content"):
            _options(state)
        ready = state.film.model is not None
        clusters = st.button(
            "Fit", type="primary", key="fit", disabled=not ready, help="Fits all clusters at once."
        )
        pixels = st.button(
            "Fit every pixel",
            key="fit_pixels",
            icon=":material/grid_on:",
            disabled=not ready or state.task is not None,
            help="In the background, 120,000 pixels in seconds.",
        )
        if segmentation.k > 1:
            with st.container(width=220):
                cluster_slider(state, segmentation)
    return "clusters" if clusters else "pixels" if pixels else ""


# Options of a fit: label, name in FitOptions, and what it says.
_NUMBERS = (
    ("Noise of Delta (°)", "sigma_delta_deg", "Where sin 2Ψ is 1. Empty: neighbours tell it."),
    ("Noise of Psi (°)", "sigma_psi_deg", "Empty: neighbours tell it, where the maps are flat."),
    ("Lack of fit above a reduced χ² of", "max_chi2", "Such fits are not trusted."),
    ("The instrument is right to (° of Psi)", "systematic_deg", "Misfit up to this is no lack of fit."),
    ("Poor above an MSE of", "max_mse", "Such fits are not trusted."),
    ("Least share of a cluster measured", "min_share", "Wavelengths with less are left out of its fit."),
)
_WORDS = (
    ("Noise of Delta", "delta_noise", {"growing": "grows as 1 / sin 2Ψ", "constant": "the same everywhere"}),
    ("Chi squared of", "minimized", {"psi delta": "Delta and Psi", "ncs": "N, C and S"}),
)


def _options(state: MapsState) -> None:
    default = FitOptions()
    for label, key, help_text in _NUMBERS:
        value = getattr(default, key)
        given = st.number_input(
            label, value=value, **kept(f"fit_{key}"), format="%g", help=help_text, placeholder="from the map"
        )
        if given is not None and not 0.001 <= given <= 1000:
            raise SettingError(f"{label} must be from 0.001 to 1000, not {given:g}.")
    for label, key, words in _WORDS:
        st.selectbox(label, list(words), format_func=words.__getitem__, **kept(f"fit_{key}"))
    names = parameter_names(state.film.model) if state.film.model else []
    if len(names) > 1:
        st.multiselect(
            "One value for all clusters",
            names,
            **kept("fit_shared"),
            help="Such as the thickness of an oxide below everything, or the angle of incidence.",
        )


def _setup(model: ThinFilm) -> FitSetup:
    """Return what would be fitted now, as the controls stand."""
    shown = st.session_state
    given = {key: shown[f"fit_{key}"] for _, key, _ in (*_NUMBERS, *_WORDS) if f"fit_{key}" in shown}
    options = FitOptions(**given)
    names = parameter_names(model)
    shared = tuple(name for name in shown.get("fit_shared", []) if name in names and len(names) > 1)
    return FitSetup(model, shared, options)


def _fit(state: MapsState, source: Source, *, pixels: bool) -> None:
    film, settings = state.film, state.current
    assert film.model is not None
    assert settings is not None
    thickness_name(film.model)
    setup = _setup(film.model)
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


def _results(state: MapsState, source: Source, segmentation: Segmentation, model: ThinFilm) -> None:
    film, settings = state.film, state.current
    assert settings is not None
    fits = last_shots(film, source, settings)
    current = fits is not None and film.setup == _setup(model)
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
            _table(state, fits)
        else:
            _start_values(model)
    with right, guarded():
        spectra_panel(state, segmentation, fits if current else None, model, picked)
    with guarded():
        if fit is not None:
            profile_and_histogram(state, fit)
        if fits is not None:
            _certainty(state, fits)
            _details(state, fits)
            fit_downloads(fit or fits)


def _start_values(model: ThinFilm) -> None:
    st.markdown("##### What a fit may change")
    rows = [
        {"parameter": title, "start": parameter.start, "from": parameter.low, "to": parameter.high}
        for parameter, title in zip(model.parameters, parameter_titles(model), strict=True)
    ]
    if rows:
        st.dataframe(pd.DataFrame(rows), hide_index=True)
    else:
        st.warning("Nothing is free in this model: edit it and tick what is not known.")
    st.caption("The model")
    st.code(model_text(model), language="toml")


def _table(state: MapsState, fits: ShotFits) -> None:
    titles = parameter_titles(fits.model)
    table = fits.table()
    shown = {"cluster": state.look.titles}
    for name, title in zip(parameter_names(fits.model), titles, strict=True):
        pairs = zip(table[name], table[f"{name}_se"], strict=True)
        shown[title] = [f"{value:.3f} ± {error:.3f}" for value, error in pairs]
    numbers = pd.DataFrame(shown).assign(
        spread=table[f"{thickness_name(fits.model)}_spread"],
        MSE=table["mse"],
        chi2=table["chi2"],
        wavelengths=table["n_wavelengths"],
        flag=table["flag"],
        **{"left out": table["left_out"]},
    )
    cells = [f"background-color: {color}; color: {text_color(color)}" for color in state.look.palette]
    styled = numbers.style.apply(lambda _: cells, subset=["cluster"]).format(
        {"MSE": "{:.2f}", "chi2": "{:.3g}", "spread": "{:.2f}"}
    )
    st.dataframe(
        styled,
        hide_index=True,
        key="fit_table",
        column_config={
            "MSE": st.column_config.Column(help="1000 times the root mean square misfit in N, C, S."),
            "chi2": st.column_config.Column(
                "reduced χ²", help="1: the model fits as well as the noise lets it."
            ),
            "spread": st.column_config.Column(
                "spread (nm)", help="Standard deviation of the thickness over the cluster's pixels."
            ),
            "wavelengths": st.column_config.Column("wavelengths used"),
            "left out": st.column_config.Column(help="Measured, but not used, and why."),
            "flag": st.column_config.Column(help="Trust what is flagged ok; the rest is hatched in the map."),
        },
    )
    st.caption(fits.noise.text.capitalize())


def _certainty(state: MapsState, fits: ShotFits) -> None:
    """Show limits, curves and correlations of the chosen cluster, and on request what would mend its fit."""
    with st.expander("How certain it is, and which change of the model would mend the fit"):
        cluster = chosen_cluster(len(fits.clusters))
        title, certainty = state.look.titles[cluster], fits.certainty(cluster)
        if certainty is None:
            st.caption(f"Cluster {title} was not fitted by itself, so it has no limits of its own.")
            return
        names = dict(zip(parameter_names(fits.model), parameter_titles(fits.model), strict=True))
        st.caption(f"Cluster {title}: 90 % limits, and correlations of the errors")
        table = certainty.table().replace({"parameter": names})
        renamed = {f"correlation_{name}": f"with {text}" for name, text in names.items()}
        st.dataframe(table.rename(columns=renamed), hide_index=True)
        for remark in certainty.remarks:
            st.warning(remark)
        for name, curve, limits in zip(certainty.names, certainty.curves, certainty.limits, strict=True):
            show_chart(uniqueness_chart(curve, names[name], limits, state.look.palette[cluster]))
        if st.button("What would mend it?", key="fit_remedies", help="Fits again with one thing changed."):
            st.dataframe(fits.remedies(cluster).rename(columns={"chi2": "reduced χ²"}), hide_index=True)


def _details(state: MapsState, fits: ShotFits) -> None:
    with st.expander("Other minima, and how far the result moves if something held fixed is off"):
        cluster = chosen_cluster(len(fits.clusters))
        title = state.look.titles[cluster]
        others = fits.clusters[cluster].others
        if others:
            rows = [{**other.parameters, "reduced χ²": other.chi2} for other in others]
            st.caption(f"Cluster {title} fits about as well with")
            st.dataframe(pd.DataFrame(rows), hide_index=True)
        else:
            st.caption(f"Cluster {title}: no other minimum fits about as well.")
        table = fits.sensitivity(cluster)
        if len(table):
            names = dict(zip(parameter_names(fits.model), parameter_titles(fits.model), strict=True))
            st.caption("Changes of the fitted parameters, to first order")
            st.dataframe(
                table.rename(columns={"fixed": "if this is off", "change": "by"} | names), hide_index=True
            )
