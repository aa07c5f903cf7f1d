"""A recipe put in place: its choices into the controls, its segmentation made, its film fitted."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from ellimaps.core.errors import ReadError, SettingError
from ellimaps.core.stack import ImageStack
from ellimaps.maps.films.recipe import FitRecipe, fit_of
from ellimaps.maps.recipe import recipe_values, settings_of
from ellimaps.maps.settings import Settings
from ellimaps.ui.pages.maps.fitting import OWN_MODEL, FitSetup
from ellimaps.ui.pages.maps.loading import Source, axes, load
from ellimaps.ui.pages.maps.segment import make
from ellimaps.ui.pages.maps.state import MapsState
from ellimaps.ui.shared.controls import DEFAULT_PLANE
from ellimaps.ui.shared.data_root import data_root
from ellimaps.ui.shared.widgets import guarded


def recipe_loader(state: MapsState, source: Source) -> None:
    """Offer to load a recipe."""
    with st.popover("Load a recipe", icon=":material/receipt_long:", width="content"), guarded():
        with st.form("load_recipe", border=False, clear_on_submit=True):
            file = st.file_uploader(
                "recipe.toml of the page Maps or of a batch", type="toml", key="recipe_file"
            )
            clicked = st.form_submit_button("Load", type="primary")
        if clicked:
            if file is None:
                raise SettingError("Choose a recipe.toml first.")
            follow_recipe(state, source, file.name, file.getvalue())


def follow_recipe(state: MapsState, source: Source, name: str, content: bytes) -> None:
    """Put a recipe's choices in place and make what it describes.

    Parameters
    ----------
    state : MapsState
        Of the page.
    source : Source
        The open measurement.
    name : str
        What the file is called.
    content : bytes
        The recipe.

    Raises
    ------
    ReadError, SettingError
        If it is no recipe, or leaves k to an estimate.
    """
    settings, fit = _read(name, content)
    if not isinstance(settings.k, int):
        raise SettingError(f"{name} leaves k to an estimate: the view How many? makes it.")
    settings = replace(settings, dataset=source.dataset)
    _set_controls(load(source), source, settings)
    state.settings = replace(settings, k=Settings().k, refine=(), names=(), regions=())

    def take() -> None:
        if settings.names:
            for cluster, called in enumerate(settings.names):
                state.rename(cluster, called)
        state.regions = list(settings.regions)
        if fit is not None:
            _take_fit(state, fit)

    made = replace(settings, names=(), regions=())
    make(state, made, f"Segmenting into {settings.k} clusters by {name}", then=take)


def _read(name: str, content: bytes) -> tuple[Settings, FitRecipe | None]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recipe.toml"
        path.write_bytes(content)
        try:
            values = recipe_values(path)
        except ReadError as error:
            # Not where the server keeps it.
            raise ReadError(str(error).replace(str(path), name)) from None
        if not isinstance(values.get("fit", {}), dict) or "cells" in values:
            raise SettingError(f"{name} is no recipe for maps.")
        fit = fit_of(values.get("fit", {}), path.parent, name, within=data_root())
        return settings_of(values, name), fit


def _set_controls(stack: ImageStack, source: Source, settings: Settings) -> None:
    """Let the controls say what the settings are; each is as the view Data makes it."""
    height, width = stack.shape
    n_times, n_planes = axes(source) if not stack.is_ellipsometric else (1, 1)
    chosen: dict[str, Any] = {
        "k": settings.k,
        "seed": settings.seed,
        "gaps": settings.gaps,
        f"binning_{min(stack.shape)}": settings.binning,
        f"pixel_size_{stack.name}": settings.pixel_size_um or stack.pixel_size_um or 0.0,
        "log": settings.log,
        f"z_of_{n_planes}": DEFAULT_PLANE if settings.z is None else str(settings.z),
        f"t_of_{n_times}": DEFAULT_PLANE if settings.t is None else str(settings.t),
        "roi_on": settings.roi is not None,
        "normalise_on": settings.normalise is not None,
    }
    if settings.features is not None:
        chosen["features"] = settings.features
    for name in ("despike", "smooth", "background"):
        value = getattr(settings, name)
        chosen[f"{name}_on"] = value is not None
        if value is not None:
            chosen[name] = float(value)
    if settings.roi is not None:
        y0, y1, x0, x1 = settings.roi
        chosen |= {f"roi_y_{height}": (y0, min(y1, height)), f"roi_x_{width}": (x0, min(x1, width))}
    if settings.normalise is not None:
        chosen |= dict(zip(("normalise_low", "normalise_high"), settings.normalise, strict=True))
    for key, value in chosen.items():
        st.session_state[key] = value


def _take_fit(state: MapsState, fit: FitRecipe) -> None:
    film = state.film
    film.put(OWN_MODEL, fit.film)
    film.setup = FitSetup(fit.film, fit.shared, fit.options)
    film.mapped, film.pixels_wanted = None, fit.pixels
    for name, value in vars(fit.options).items():
        st.session_state[f"fit_{name}"] = value
    st.session_state["fit_shared"] = list(fit.shared)
