"""The controls of a film model: ambient, layers, substrate, angle of incidence, and what of them is free."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from ellimaps.core.abscissa import Sampled
from ellimaps.core.errors import SettingError
from ellimaps.maps.segmentation import Segmentation
from ellimaps.optics.crystals import UniaxialMaterial
from ellimaps.optics.graded import Graded
from ellimaps.optics.layers import SHARE, SPREAD, THICKNESS, Layer
from ellimaps.optics.library import material
from ellimaps.optics.model import MAX_LAYERS, ThinFilm
from ellimaps.ui.pages.maps.fit_angles import angle_of_incidence, control_key, delta_offset, wavelength_range
from ellimaps.ui.pages.maps.fit_groups import repeated, repeating, tying
from ellimaps.ui.pages.maps.fit_instrument import angular_spread, bandwidth
from ellimaps.ui.pages.maps.fit_materials import (
    Materials,
    choose_material,
    half_spaces,
    isotropic,
    offered_materials,
    part_places,
    shape_controls,
)
from ellimaps.ui.pages.maps.fit_parameters import layer_rows, material_rows
from ellimaps.ui.pages.maps.fit_places import Place, layer_place, material_at, refusal, with_material
from ellimaps.ui.pages.maps.fit_published import published_search
from ellimaps.ui.pages.maps.fit_reference import reference_control
from ellimaps.ui.pages.maps.fitting import OWN_MODEL, FilmWork
from ellimaps.ui.pages.maps.state import MapsState


def edited_model(state: MapsState, sampled: Sampled, segmentation: Segmentation | None) -> ThinFilm:
    """Show the controls and return the model they describe.

    Raises
    ------
    SettingError
        If they describe none; the session's model is then left as it is.
    """
    film = state.film
    model = film.model
    assert model is not None
    offered = offered_materials(film, model)
    now = _half_space(film, model, ("ambient",), "Ambient", isotropic(offered), sampled)
    for number in range(len(model.layers)):
        now = _layer(state, sampled, segmentation, now, number, offered)
    now = _half_space(film, now, ("substrate",), "Substrate", half_spaces(offered), sampled)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        angle, offset, free = angle_of_incidence(film, model, sampled)
        offset_of_delta, free_delta = delta_offset(film, model)
        wavelengths = wavelength_range(film, model, sampled)
        width = bandwidth(film, model)
        spread, free_spread = angular_spread(film, model)
    if refused := refusal(film):
        raise SettingError(refused)
    return replace(
        now,
        aoi_deg=angle,
        aoi_offset_deg=offset,
        delta_offset_deg=offset_of_delta,
        bandwidth_nm=width,
        angular_spread_deg=spread,
        wavelengths_nm=wavelengths,
        free=free | free_delta | free_spread,
    )


def _half_space(
    film: FilmWork, now: ThinFilm, place: Place, label: str, offered: Materials, sampled: Sampled
) -> ThinFilm:
    """Show what is above or below all layers, and return the model with it."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        choose_material(film, place, label, offered)
        published_search(film, place, sampled)
        if place == ("ambient",):
            key, full = control_key(film, "add"), len(now.layers) >= MAX_LAYERS
            icon = ":material/add:"
            st.button("Add a layer on top", icon=icon, key=key, disabled=full, on_click=_add, args=(film,))
            repeating(film, now)
        shape_controls(film, place)
    return _parts(film, _numbers(film, now, place), place, offered, sampled)


def _layer(
    state: MapsState,
    sampled: Sampled,
    segmentation: Segmentation | None,
    now: ThinFilm,
    number: int,
    offered: Materials,
) -> ThinFilm:
    film, place = state.film, layer_place(number)
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            choose_material(film, place, f"Layer {number + 1}", offered)
            published_search(film, place, sampled)
            _moves(film, now, number)
            tying(film, now, number)
            given = _interfering(film, place, now.layers[number])
            repeated(given)
        shape_controls(film, place)
        now = _parts(film, now, place, offered, sampled)
        layer = layer_rows(film, place, replace(given, material=now.layers[number].material))
        now = now.with_layer(number, layer)
        held = THICKNESS not in layer.free and THICKNESS not in layer.tied
        if held and segmentation is not None:
            with st.container(horizontal=True, vertical_alignment="center"):
                reference_control(state, segmentation, now, number)
    return now


def _interfering(film: FilmWork, place: Place, given: Layer) -> Layer:
    """Show whether light interferes across a layer, and return it so."""
    coherent = st.checkbox(
        "Interferes",
        given.coherent,
        key=control_key(film, *place, "coherent"),
        width="content",
        help="Not across a plate of glass: what its backside reflects is added as intensity, by its share.",
    )
    if coherent == given.coherent:
        return given
    free = {kind: bounds for kind, bounds in given.free.items() if kind not in (SHARE, SPREAD)}
    return replace(given, coherent=coherent, share=1.0, thickness_spread_nm=0.0, free=free)


def _parts(film: FilmWork, now: ThinFilm, place: Place, offered: Materials, sampled: Sampled) -> ThinFilm:
    """Show what a material is made of, if of anything, and return the model with that."""
    for part, title in part_places(film, place).items():
        with st.container(horizontal=True, vertical_alignment="bottom"):
            choose_material(film, part, title, isotropic(offered))
            published_search(film, part, sampled)
            shape_controls(film, part)
        # A crystal has the numbers of both of its indices, a graded layer those of both ends.
        if not isinstance(material_at(now, place), UniaxialMaterial | Graded):
            now = _numbers(film, now, part)
        now = _parts(film, now, part, offered, sampled)
    return now


def _numbers(film: FilmWork, now: ThinFilm, place: Place) -> ThinFilm:
    """Show the numbers of a material that is no film, and return the model with them."""
    given = material_at(now, place)
    changed = material_rows(film, place, given)
    return now if changed is given else with_material(now, place, changed)


def _moves(film: FilmWork, model: ThinFilm, number: int) -> None:
    """Show the buttons that move a layer or take it away."""
    last = len(model.layers) - 1
    for name, icon, disabled, target, text in (
        ("up", "arrow_upward", number == 0, number - 1, "Towards the ambient"),
        ("down", "arrow_downward", number == last, number + 1, "Towards the substrate"),
        ("remove", "delete", False, None, "Take this layer away"),
    ):
        key, icon, args = control_key(film, number, name), f":material/{icon}:", (film, number, target)
        st.button("", icon=icon, key=key, disabled=disabled, on_click=_move, args=args, help=text)


def _move(film: FilmWork, number: int, target: int | None) -> None:
    """Swap two layers, or take one away; called before the page runs again."""
    assert film.model is not None
    order = list(range(len(film.model.layers)))
    if target is None:
        del order[number]
    else:
        order[number], order[target] = order[target], order[number]
    film.put(OWN_MODEL, film.model.arranged(order))


def _add(film: FilmWork) -> None:
    assert film.model is not None
    new = Layer(material("SiO2"), 10.0, {THICKNESS: (0.0, 100.0)})
    film.put(OWN_MODEL, film.model.arranged([new, *range(len(film.model.layers))]))
