"""Measured and modelled spectra of the clusters or of a pixel, and sliders that move the model."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from ellimaps.core.numbers import number_text, with_error, with_unit
from ellimaps.core.stack import ANGLES
from ellimaps.maps.films.fit import shot_curves
from ellimaps.maps.films.parameters import parameter_titles, what_and_unit
from ellimaps.maps.films.pixels import PixelFit
from ellimaps.maps.films.results import ShotFits
from ellimaps.maps.segmentation import Segmentation
from ellimaps.optics.model import Parameter, ThinFilm
from ellimaps.ui.pages.maps.fit_charts import residuals_chart, spectra_fit_chart
from ellimaps.ui.pages.maps.sliders import chosen_cluster
from ellimaps.ui.pages.maps.state import MapsState
from ellimaps.ui.shared.charts import show_chart
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.widgets import guarded

# So many stand above the spectra in a window of 720; in pixels, where there are more and they scroll.
_MOST_SLIDERS, _SLIDERS_HEIGHT = 3, 240
# Told from the colors of clusters, on a light page and on a dark one.
_PIXEL_COLOR = "#1F87C8"


@dataclass(frozen=True)
class _Subject:
    """Whose spectrum is drawn strong: its name, its model to begin with, and its curves beside a model."""

    title: str
    model: ThinFilm
    curves: Callable[[ThinFilm], pd.DataFrame]
    color: str
    number: int


@st.fragment
def spectra_panel(
    state: MapsState,
    segmentation: Segmentation,
    fits: ShotFits | None,
    model: ThinFilm,
    picked: PixelFit | None,
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
    picked : PixelFit, optional
        A pixel to show in place of the chosen cluster.
    """
    with guarded():
        cluster = chosen_cluster(segmentation.k)
        subject = _of_cluster(state, segmentation, fits, model, cluster)
        if picked is not None:
            st.markdown(f"**Pixel x {picked.x}, y {picked.y}**: {escaped(_said(picked))}")
            subject = _of_pixel(picked, model, segmentation.k)
        many = len(subject.model.parameters) > _MOST_SLIDERS
        with st.container(height=_SLIDERS_HEIGHT if many else "content", border=False):
            adjusted = _sliders(state, subject)
        with st.container(horizontal=True, vertical_alignment="center"):
            every = st.toggle(
                "All clusters",
                **kept("fit_all"),
                help="What was chosen is drawn strong; sliders move its model alone.",
            )
            st.caption("Circles: measured. Lines: model.", width="stretch")
            if picked is not None and st.button(
                "Show the cluster", key="fit_unpick", on_click=state.film.unpick
            ):
                # The cross on the maps goes as well, and they are beside this part.
                st.rerun()
        curves = {subject.number: subject.curves(adjusted)}
        if every:
            others = [number for number in range(segmentation.k) if number != subject.number]
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
                names=[*look.titles, subject.title],
                palette=[*look.palette, subject.color],
                selected=subject.number,
            )
            show_chart(chart, alt=f"{quantity} of {subject.title}, measured and modelled")
        residuals = residuals_chart(curves[subject.number], segmentation.stack, subject.color)
        show_chart(residuals, alt=f"Measured minus modelled angles of {subject.title}")


def _of_cluster(
    state: MapsState, segmentation: Segmentation, fits: ShotFits | None, model: ThinFilm, cluster: int
) -> _Subject:
    fitted = fits.clusters[cluster].model if fits is not None else None
    return _Subject(
        f"cluster {state.look.titles[cluster]}",
        fitted or model,
        lambda adjusted: shot_curves(segmentation, cluster, adjusted),
        state.look.palette[cluster],
        cluster,
    )


def _of_pixel(picked: PixelFit, model: ThinFilm, number: int) -> _Subject:
    title = f"pixel x {picked.x}, y {picked.y}"
    return _Subject(title, picked.model or model, picked.curves, _PIXEL_COLOR, number)


def _said(picked: PixelFit) -> str:
    if picked.model is None:
        return f"{picked.flag.text}; the line is the model as it stands"
    values = [
        f"{what} {with_unit(with_error(picked.parameters[one.name], picked.standard_errors[one.name]), unit)}"
        for one in picked.model.parameters
        for what, unit in [what_and_unit(one.kind)]
    ]
    origin = "the fit of its cluster" if picked.is_of_cluster else "fitted by itself"
    return f"{', '.join(values)}, MSE {number_text(picked.mse, 3)}, {picked.flag.text}; {origin}"


def _sliders(state: MapsState, subject: _Subject) -> ThinFilm:
    """Show a slider per free parameter and return the model they describe."""
    model, values = subject.model, []
    for parameter, title in zip(model.parameters, parameter_titles(model), strict=True):
        # Where the model starts from is a part of the key: another fit puts the slider where it ended.
        start = f"{parameter.name}_{parameter.start!r}_{parameter.high!r}"
        values.append(
            st.slider(
                escaped(f"{title[0].upper()}{title[1:]} of {subject.title}"),
                parameter.low,
                parameter.high,
                min(max(parameter.start, parameter.low), parameter.high),
                step=_step(parameter),
                format=f"%.{max(0, 1 - math.floor(math.log10(_step(parameter))))}f",
                key=f"move_{state.film.edition}_{subject.title}_{start}",
                help="Moves the modelled line only. Nothing is fitted; press Fit to find the value.",
            )
        )
    return model.with_parameters(values) if values else model


def _step(parameter: Parameter) -> float:
    """Return the power of ten that makes 500 to 5000 steps: finer ones a mouse cannot tell apart."""
    return float(10.0 ** math.floor(math.log10((parameter.high - parameter.low) / 500)))
