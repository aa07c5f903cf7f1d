"""Where a material stands in a film model: taking it out, putting another one there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import streamlit as st

from ellimaps.core.errors import EllimapsError, SettingError
from ellimaps.optics.crystals import EXTRAORDINARY, AnyMaterial
from ellimaps.optics.graded import BOTTOM
from ellimaps.optics.layers import Layer
from ellimaps.optics.materials import Material
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.parts import parts_of, with_part
from ellimaps.ui.pages.maps.fit_angles import Bounds, control_key
from ellimaps.ui.pages.maps.fitting import OWN_MODEL, FilmWork

Place = tuple[str, ...]
"""``ambient``, ``substrate`` or ``layer0`` (from the ambient), then the part of the material within it."""
SHOWN = "index_of"
"""Key of the control that chooses of what n and k are drawn."""
_LAYER = "layer"


def layer_place(number: int) -> Place:
    """Return the place of a layer's material."""
    return (f"{_LAYER}{number}",)


def places_of(model: ThinFilm) -> dict[Place, str]:
    """Return where a model has its films and half spaces, and what the page calls these."""
    layers = {layer_place(number): f"Layer {number + 1}" for number in range(len(model.layers))}
    return {**layers, ("substrate",): "Substrate", ("ambient",): "Ambient"}


def material_at(model: ThinFilm, place: Place) -> AnyMaterial:
    """Return the material that stands at a place."""
    one = model.layers[_number(place)].material if _is_layer(place) else getattr(model, place[0])
    for name in place[1:]:
        one = parts_of(one)[name]
    return one


def with_material(
    model: ThinFilm, place: Place, one: AnyMaterial, renamed: Mapping[str, str] | None = None
) -> ThinFilm:
    """Return a model with another material at a place.

    Parameters
    ----------
    model : ThinFilm
        The model.
    place : Place
        Where.
    one : Material or UniaxialMaterial
        The material.
    renamed : mapping of str to str, optional
        New names of its parameters, by those of the material before; what is free stays free.

    Raises
    ------
    SettingError
        If the place cannot hold such a material.
    """
    for depth in range(len(place) - 1, 0, -1):
        one = with_part(material_at(model, place[:depth]), place[depth], one)
    if not _is_layer(place):
        return replace(model, **{place[0]: one})  # type: ignore[arg-type]
    prefix = EXTRAORDINARY if "extraordinary" in place else BOTTOM if "bottom" in place else ""
    names = {prefix + old: prefix + new for old, new in (renamed or {}).items()}
    layer = model.layers[_number(place)]
    bare = layer.of(one, layer.thickness_nm)
    free = {names.get(kind, kind): bounds for kind, bounds in layer.free.items()}
    return model.with_layer(_number(place), replace(bare, free=_possible(bare, free)))


def put_material(
    film: FilmWork, place: Place, one: AnyMaterial, renamed: Mapping[str, str] | None = None
) -> None:
    """Make a material that of a place and show its n and k; called before the page runs again.

    What cannot stand there is told by `refusal`.

    Parameters
    ----------
    film : FilmWork
        The session's model.
    place : tuple
        Where in the model.
    one : Material or UniaxialMaterial
        What comes there.
    renamed : mapping of str to str, optional
        New names of numbers that stay free, by old ones.
    """
    put_made(film, place, lambda: one, renamed)


def put_made(
    film: FilmWork, place: Place, make: Callable[[], AnyMaterial], renamed: Mapping[str, str] | None = None
) -> None:
    """Do as `put_material` with what a function makes, which may refuse to.

    Parameters
    ----------
    film, place, renamed
        As there.
    make : callable
        Returns the material.
    """
    assert film.model is not None
    model = film.model

    def made() -> ThinFilm:
        one = make()
        if place[0] == "ambient" and not isinstance(one, Material):
            raise SettingError(f"The ambient must be isotropic, and {one.name} is not.")
        return with_material(model, place, one, renamed)

    put_model(film, made)
    st.session_state[SHOWN] = place[0]


def put_model(film: FilmWork, make: Callable[[], ThinFilm]) -> None:
    """Put the model that a function makes in place, which may refuse to; controls begin anew."""
    name, model, references, refused = film.name, film.model, film.references, ""
    try:
        name, model = OWN_MODEL, make()
    except EllimapsError as error:
        refused = str(error)
    # Also those that show what was refused.
    film.put(name, model)
    film.references = references
    st.session_state[control_key(film, "refused")] = refused


def refusal(film: FilmWork) -> str:
    """Return why the last choice was not taken; empty if it was."""
    return str(st.session_state.get(control_key(film, "refused"), ""))


def _possible(layer: Layer, free: Bounds) -> Bounds:
    """Return what stays free: what is still there, within its bounds."""
    now = layer.parameters
    return {kind: (low, high) for kind, (low, high) in free.items() if low <= now.get(kind, np.nan) <= high}


def _is_layer(place: Place) -> bool:
    return place[0].startswith(_LAYER)


def _number(place: Place) -> int:
    return int(place[0].removeprefix(_LAYER))
