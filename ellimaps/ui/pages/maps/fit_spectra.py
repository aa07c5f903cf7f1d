"""Measured and modelled spectra of clusters, of a pixel or of a file, and sliders that move the model."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import pandas as pd
import streamlit as st

from ellimaps.core.abscissa import Sampled
from ellimaps.core.numbers import number_text, with_error, with_unit
from ellimaps.core.stack import ANGLES
from ellimaps.maps.films.fit import shot_curves
from ellimaps.maps.films.pixels import PixelFit
from ellimaps.maps.films.results import ShotFits
from ellimaps.maps.segmentation import Segmentation
from ellimaps.optics.model import Parameter, ThinFilm
from ellimaps.optics.parameters import parameter_titles, what_and_unit
from ellimaps.ui.pages.maps.fit_charts import residuals_chart, spectra_fit_chart
from ellimaps.ui.pages.maps.fitting import FilmWork
from ellimaps.ui.pages.maps.looks import Look
from ellimaps.ui.pages.maps.sliders import chosen_cluster
from ellimaps.ui.shared.charts import show_chart
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.widgets import guarded

# So many stand above the spectra in a window of 720; in pixels, where there are more and they scroll.
_MOST_SLIDERS, _SLIDERS_HEIGHT = 3, 240
# Told from the colors of clusters, on a light page and on a dark one.
_PIXEL_COLOR = "#1F87C8"
# Beside the chosen one; more lines cannot be told apart.
_MOST_DRAWN = 40


class SpectraShown(NamedTuple):
    """Spectra that can be drawn beside a model: of clusters, or of a file."""

    noun: str
    """What has a spectrum: cluster, or spectrum."""
    look: Look
    """What they are called and how they are colored."""
    sampled: Sampled
    """Where they were measured."""
    models: Sequence[ThinFilm | None]
    """What was fitted to each; None where nothing was."""
    curves: Callable[[int, ThinFilm | None], pd.DataFrame]
    """Gives a spectrum beside a model, as `ShotFits.curves`."""


@dataclass(frozen=True)
class _Subject:
    """Whose spectrum is drawn strong: its name, its model to begin with, and its curves beside a model."""

    title: str
    model: ThinFilm
    curves: Callable[[ThinFilm], pd.DataFrame]
    color: str
    number: int


def cluster_spectra(look: Look, segmentation: Segmentation, fits: ShotFits | None) -> SpectraShown:
    """Return the spectra of clusters; without a fit they have no models of their own."""
    models = [fit.model for fit in fits.clusters] if fits else [None] * segmentation.k
    return SpectraShown("cluster", look, segmentation.stack, models, partial(shot_curves, segmentation))


@st.fragment
def spectra_panel(
    film: FilmWork, shown: SpectraShown, model: ThinFilm, picked: PixelFit | None = None
) -> None:
    """Show sliders for the free parameters, and measured beside modelled spectra; nothing is fitted here.

    Parameters
    ----------
    film : FilmWork
        Has the pixel that was picked.
    shown : SpectraShown
        The spectra; the sliders begin where a fit of the chosen one ended.
    model : ThinFilm
        Where they begin without a fit.
    picked : PixelFit, optional
        A pixel to show in place of the chosen cluster.
    """
    with guarded():
        look, k = shown.look, len(shown.models)
        subject = _of_chosen(shown, model, chosen_cluster(k))
        if picked is not None:
            st.markdown(f"**Pixel x {picked.x}, y {picked.y}**: {escaped(_said(picked))}")
            subject = _of_pixel(picked, model, k)
        many, every = len(subject.model.parameters) > _MOST_SLIDERS, False
        with st.container(height=_SLIDERS_HEIGHT if many else "content", border=False):
            adjusted = _sliders(film, subject)
        with st.container(horizontal=True, vertical_alignment="center"):
            if k > 1:
                every = st.toggle(
                    f"All {_plural(shown.noun)}",
                    **kept("fit_all"),
                    help="What was chosen is drawn strong; sliders move its model alone.",
                )
            st.caption("Circles: measured. Lines: model.", width="stretch")
            if picked is not None and st.button("Show the cluster", key="fit_unpick", on_click=film.unpick):
                # The cross on the maps goes as well, and they are beside this part.
                st.rerun()
        curves = {subject.number: subject.curves(adjusted)}
        if every:
            others = [number for number in range(k) if number != subject.number][:_MOST_DRAWN]
            curves |= {number: shown.curves(number, shown.models[number] or adjusted) for number in others}
        for quantity in ANGLES:
            chart = spectra_fit_chart(
                curves,
                shown.sampled,
                quantity,
                noun=shown.noun,
                names=[*look.titles, subject.title],
                palette=[*look.palette, subject.color],
                selected=subject.number,
            )
            show_chart(chart, alt=f"{quantity} of {subject.title}, measured and modelled")
        residuals = residuals_chart(curves[subject.number], shown.sampled, subject.color)
        show_chart(residuals, alt=f"Measured minus modelled angles of {subject.title}")


def _plural(noun: str) -> str:
    return "spectra" if noun == "spectrum" else f"{noun}s"


def _of_chosen(shown: SpectraShown, model: ThinFilm, number: int) -> _Subject:
    return _Subject(
        f"{shown.noun} {shown.look.titles[number]}",
        shown.models[number] or model,
        partial(shown.curves, number),
        shown.look.palette[number],
        number,
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


def _sliders(film: FilmWork, subject: _Subject) -> ThinFilm:
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
                key=f"move_{film.edition}_{subject.title}_{start}",
                help="Moves the modelled line only. Nothing is fitted; press Fit to find the value.",
            )
        )
    return model.with_parameters(values) if values else model


def _step(parameter: Parameter) -> float:
    """Return the power of ten that makes 500 to 5000 steps: finer ones a mouse cannot tell apart."""
    return float(10.0 ** math.floor(math.log10((parameter.high - parameter.low) / 500)))
