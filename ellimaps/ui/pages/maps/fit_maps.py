"""Maps of fitted parameters with their errors, a profile across them and a histogram."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from ellimaps.core.numbers import titled
from ellimaps.core.stack import ImageStack
from ellimaps.images.line_profile import line_profile
from ellimaps.maps.films.pixels import PixelFit, pixel_fit
from ellimaps.maps.films.results import MapFit, ShotFits, parameter_names, thickness_name
from ellimaps.maps.segmentation import Segmentation
from ellimaps.optics.flags import Flag
from ellimaps.optics.parameters import parameter_titles, what_and_unit
from ellimaps.ui.components.viewer import MapLine, MapPanel, MapScene, map_viewer
from ellimaps.ui.pages.maps.contrast import Contrast, fitted_contrast
from ellimaps.ui.pages.maps.fit_charts import PROFILE_HEIGHT, profile_chart
from ellimaps.ui.pages.maps.fitting import PickedPixel, last_map
from ellimaps.ui.pages.maps.histograms import histogram
from ellimaps.ui.pages.maps.loading import Source
from ellimaps.ui.pages.maps.sliders import chosen_cluster, move_cluster_slider
from ellimaps.ui.pages.maps.state import MapsState
from ellimaps.ui.shared.charts import show_chart
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import kept

AnyFit = ShotFits | MapFit
_COLOR = "#0072B2"


def shown_fit(state: MapsState, source: Source, fits: ShotFits) -> AnyFit:
    """Show the switch between clusters and pixels, and return which fit is shown."""
    film = state.film
    with st.container(horizontal=True, vertical_alignment="center", key="fit_switch"):
        chosen = st.segmented_control(
            "Fit of",
            ["Clusters", "Pixels"],
            default="Clusters",
            **kept("fit_of"),
            required=True,
            label_visibility="collapsed",
        )
        if chosen == "Clusters":
            trusted = sum(one.flag == Flag.OK for one in fits.clusters)
            st.markdown(f"**{trusted} of {len(fits.clusters)}** clusters are trusted", width="content")
            return fits
        assert state.current is not None
        fit = last_map(film, source, state.current)
        if fit is None:
            st.caption(
                "Of the clusters: the pixels "
                + ("are not fitted with this model yet." if state.task is None else "are being fitted.")
            )
            return fits
        median = fit.median(thickness_name(fit.model))
        st.markdown(
            f"Median **{median:.2f} nm**, **{fit.trusted_fraction:.1%}** of the pixels are trusted, "
            f"fitted in {fit.seconds:.1f} s",
            width="content",
            help="; ".join(f"{flag} {share:.1%}" for flag, share in fit.shares.items() if share),
        )
    return fit


def maps_panel(state: MapsState, source: Source, fit: AnyFit, segmentation: Segmentation) -> None:
    """Show the maps of a fit, linked; a click picks a pixel, and a line drawn is where the profile runs.

    Parameters
    ----------
    state : MapsState
        Keeps line and pixel, and how clusters look.
    source : Source
        What was measured.
    fit : ShotFits or MapFit
        The fit.
    segmentation : Segmentation
        The clusters, shown where they have the size of the maps.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        name = _shown_parameter(fit)
        titles = _titles(fit, name)
        kinds = st.pills(
            "Maps",
            list(titles),
            selection_mode="multi",
            default=["value", "error"],
            format_func=lambda kind: escaped(titles[kind][0]),
            **kept("fit_maps"),
            label_visibility="collapsed",
        )
        stack, (what, unit) = _stack(fit), titles["value"]
        contrast = fitted_contrast(what, unit, fit.painted(name), stack.name)
    panels = [_panel(fit, name, kind, contrast) for kind in kinds or ["value"]]

    def take(drawn: Mapping[str, Any]) -> None:
        if drawn["kind"] == "pixel":
            _pick(state, segmentation, stack, *drawn["vertices"][0])
        else:
            state.film.line = tuple((round(float(x), 2), round(float(y), 2)) for x, y in drawn["vertices"])

    def choose(cluster: int) -> None:
        state.film.unpick()
        move_cluster_slider(segmentation.k, cluster)

    marked = [MapLine(((pixel.x + 0.5, pixel.y + 0.5),))] if (pixel := state.film.pixel) else []
    scene = MapScene(
        panels,
        source=f"{source.fingerprint} {stack.history[-1]['roi']}",
        aspect=stack.pixel_aspect,
        labels=segmentation.labels if segmentation.labels.shape == stack.shape else None,
        palette=state.look.palette,
        names=state.look.titles,
        highlight=chosen_cluster(segmentation.k),
        regions=[MapLine(_line(state, stack)), *marked],
        pixel_size_um=stack.pixel_size_um,
    )
    map_viewer(
        scene,
        key="fit_viewer",
        on_region=take,
        on_cluster=choose,
        tools=["pixel", "line"],
    )


def picked_pixel(state: MapsState, fit: AnyFit, k: int) -> PixelFit | None:
    """Return the pixel that was clicked, until another cluster is chosen."""
    pixel = state.film.pixel
    if pixel is None or pixel.cluster != chosen_cluster(k):
        state.film.unpick()
        return None
    height, width = _stack(fit).shape
    return pixel_fit(fit, pixel.x, pixel.y) if pixel.x < width and pixel.y < height else None


def _pick(state: MapsState, segmentation: Segmentation, stack: ImageStack, x: float, y: float) -> None:
    """Pick a pixel and choose its cluster."""
    column, row = int(x), int(y)
    if segmentation.labels.shape == stack.shape:
        move_cluster_slider(segmentation.k, int(segmentation.labels[row, column]))
    state.film.pixel = PickedPixel(column, row, chosen_cluster(segmentation.k))


def profile_and_histogram(state: MapsState, fit: AnyFit) -> None:
    """Show the profile of the shown parameter along the line, and how its trusted values are distributed."""
    stack, name = _stack(fit), _chosen_parameter(fit)
    title = _label(fit, name)
    image = fit.painted(name)
    if not np.isfinite(image).any():
        st.caption("Nothing is trusted, so there is no profile and no distribution of values.")
        return
    start, end = _line(state, stack)
    left, right = st.columns(2, gap="medium")
    with left:
        profile = line_profile(image, start, end, aspect=stack.pixel_aspect)
        show_chart(profile_chart(profile, title, stack.pixel_size_um, _COLOR))
        st.caption("The dashed line across the map; draw another one with the tool **Line**.")
    with right:
        values = image[np.isfinite(image)].astype(np.float64)
        show_chart(histogram(values, title, "Trusted pixels by value", _COLOR, height=PROFILE_HEIGHT))


def _shown_parameter(fit: AnyFit) -> str:
    """Let the user choose whose maps are shown, where several parameters are free."""
    names = parameter_names(fit.model)
    if len(names) == 1:
        return names[0]
    titles = dict(zip(names, parameter_titles(fit.model), strict=True))
    return st.selectbox(
        "Parameter",
        names,
        names.index(thickness_name(fit.model)),
        format_func=lambda name: titles[name],
        **kept("fit_parameter"),
        width=220,
    )


def _chosen_parameter(fit: AnyFit) -> str:
    chosen = st.session_state.get("fit_parameter")
    return str(chosen) if chosen in parameter_names(fit.model) else thickness_name(fit.model)


def _titles(fit: AnyFit, name: str) -> dict[str, tuple[str, str]]:
    """Return title and unit of each kind of map."""
    what, unit = what_and_unit(_kind(fit, name))
    return {
        "value": (what, unit),
        "error": ("standard error", unit),
        "mse": ("MSE", ""),
        "labels": ("clusters", ""),
    }


def _panel(fit: AnyFit, name: str, kind: str, contrast: Contrast) -> MapPanel:
    if kind == "labels":
        return MapPanel("Clusters")
    title, unit = _titles(fit, name)[kind]
    images = {"value": fit.painted, "error": fit.painted_errors}
    image = images[kind](name) if kind in images else fit.painted_mse()
    low, high = contrast.limits(image, title)
    if kind != "value":
        # Limits around a single value would go below what errors can be.
        low = max(low, 0.0)
    return MapPanel(
        titled(title[0].upper() + title[1:], unit),
        image,
        unit,
        (low, high),
        doubtful=fit.doubtful if kind in images else None,
    )


def _label(fit: AnyFit, name: str) -> str:
    return dict(zip(parameter_names(fit.model), parameter_titles(fit.model), strict=True))[name]


def _kind(fit: AnyFit, name: str) -> str:
    return next(parameter.kind for parameter in fit.model.parameters if parameter.name == name)


def _stack(fit: AnyFit) -> ImageStack:
    return fit.segmentation.stack if isinstance(fit, ShotFits) else fit.stack


def _line(state: MapsState, stack: ImageStack) -> tuple[tuple[float, float], ...]:
    """Return the ends of the profile line; the middle row unless one was drawn."""
    height, width = stack.shape
    middle = height // 2 + 0.5
    return state.film.line or ((0.0, middle), (float(width), middle))
