"""Measured and modelled spectra of the clusters, and sliders that move the model."""

from __future__ import annotations

import math

import streamlit as st

from ellimaps.core.stack import ANGLES
from ellimaps.maps.films.fit import shot_curves
from ellimaps.maps.films.parameters import parameter_titles
from ellimaps.maps.films.results import ShotFits
from ellimaps.maps.segmentation import Segmentation
from ellimaps.optics.model import Parameter, ThinFilm
from ellimaps.ui.pages.maps.fit_charts import residuals_chart, spectra_fit_chart
from ellimaps.ui.pages.maps.sliders import chosen_cluster
from ellimaps.ui.pages.maps.state import MapsState
from ellimaps.ui.shared.charts import show_chart
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.widgets import guarded


@st.fragment
def spectra_panel(
    state: MapsState, segmentation: Segmentation, fits: ShotFits | None, model: ThinFilm
) -> None:
    """Show sliders for the free parameters, and measured beside modelled spectra; nothing is fitted here.

    Parameters
    ----------
    state : MapsState
        Says how clusters look.
    segmentation : Segmentation
        The measured spectra.
    fits : ShotFits, optional
        Where the sliders begin.
    model : ThinFilm
        Where they begin without a fit.
    """
    with guarded():
        cluster = chosen_cluster(segmentation.k)
        fitted = fits.clusters[cluster].model if fits is not None else None
        adjusted = _sliders(state, fitted or model, cluster)
        with st.container(horizontal=True, vertical_alignment="center"):
            every = st.toggle(
                "All clusters",
                **kept("fit_all"),
                help="The chosen cluster is drawn strong; sliders move its model alone.",
            )
            st.caption("Circles: measured. Lines: model.", width="content")
        curves = {cluster: shot_curves(segmentation, cluster, adjusted)}
        if every:
            others = [number for number in range(segmentation.k) if number != cluster]
            curves |= {
                number: shot_curves(segmentation, number, fits.clusters[number].model if fits else adjusted)
                for number in others
            }
        look = state.look
        for quantity in ANGLES:
            chart = spectra_fit_chart(
                curves,
                segmentation.stack,
                quantity,
                names=look.titles,
                palette=look.palette,
                selected=cluster,
            )
            show_chart(chart)
        residuals = residuals_chart(curves[cluster], segmentation.stack, look.palette[cluster])
        show_chart(residuals)


def _sliders(state: MapsState, model: ThinFilm, cluster: int) -> ThinFilm:
    """Show a slider per free parameter and return the model they describe."""
    values = []
    for parameter, title in zip(model.parameters, parameter_titles(model), strict=True):
        # Where the model starts from is a part of the key: another fit puts the slider where it ended.
        key = f"move_{state.film.edition}_{cluster}_{parameter.name}_{parameter.start!r}_{parameter.high!r}"
        values.append(
            st.slider(
                f"{title[0].upper()}{title[1:]} of cluster {state.look.titles[cluster]}",
                parameter.low,
                parameter.high,
                min(max(parameter.start, parameter.low), parameter.high),
                step=_step(parameter),
                format=f"%.{max(0, 1 - math.floor(math.log10(_step(parameter))))}f",
                key=key,
                help="Moves the modelled line only. Nothing is fitted; press Fit to find the value.",
            )
        )
    return model.with_parameters(values) if values else model


def _step(parameter: Parameter) -> float:
    """Return the power of ten that makes 500 to 5000 steps: finer ones a mouse cannot tell apart."""
    return float(10.0 ** math.floor(math.log10((parameter.high - parameter.low) / 500)))
