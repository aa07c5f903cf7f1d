"""The controls of a film model: ambient, layers, substrate, angle of incidence, and what of them is free."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from ellimaps.core.abscissa import Sampled
from ellimaps.core.errors import SettingError
from ellimaps.maps.segmentation import Segmentation
from ellimaps.optics.crystals import AnyMaterial
from ellimaps.optics.layers import MAX_THICKNESS_NM, THICKNESS, Layer
from ellimaps.optics.library import material, material_names
from ellimaps.optics.materials import Cauchy, Constant, Material
from ellimaps.optics.model import MAX_LAYERS, ThinFilm
from ellimaps.optics.model_file import materials_of
from ellimaps.optics.parameters import with_unit
from ellimaps.ui.pages.maps.fit_angles import (
    Bounds,
    angle_of_incidence,
    bounds_of,
    control_key,
    delta_offset,
    suggested_bounds,
    wavelength_range,
)
from ellimaps.ui.pages.maps.fit_published import published_search
from ellimaps.ui.pages.maps.fit_reference import reference_control
from ellimaps.ui.pages.maps.fitting import OWN_MODEL, FilmWork
from ellimaps.ui.pages.maps.state import MapsState
from ellimaps.ui.shared.widgets import number_field

Materials = Mapping[str, AnyMaterial]
# To begin with: fused silica is near the first, and many a polymer near the second.
_NEW = {
    "Cauchy": Cauchy(1.45, 0.0035, 0.0, name="Cauchy"),
    "constant index": Constant(1.5, 0.0, "constant index"),
}


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
    materials = _materials(film, model)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        isotropic = {name: one for name, one in materials.items() if isinstance(one, Material)}
        ambient = _material(film, "ambient", "Ambient", model.ambient, isotropic)
        angle, offset, free = angle_of_incidence(film, model, sampled)
        offset_of_delta, free_delta = delta_offset(film, model)
    layers = [_layer(state, segmentation, model, number, materials) for number in range(len(model.layers))]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        substrate = _material(film, "substrate", "Substrate", model.substrate, materials)
        key, full = control_key(film, "add"), len(model.layers) >= MAX_LAYERS
        icon = ":material/add:"
        st.button("Add a layer on top", icon=icon, key=key, disabled=full, on_click=_add, args=(film,))
        parts = {f"layer{number}": f"Layer {number + 1}" for number in range(len(layers))}
        published_search(film, {**parts, "substrate": "Substrate", "ambient": "Ambient"}, sampled)
    if not isinstance(ambient, Material):
        raise SettingError(f"The ambient must be isotropic, and {ambient.name} is not.")
    return replace(
        model,
        substrate=substrate,
        layers=tuple(layers),
        ambient=ambient,
        aoi_deg=angle,
        aoi_offset_deg=offset,
        delta_offset_deg=offset_of_delta,
        wavelengths_nm=wavelength_range(film, model, sampled),
        free=free | free_delta,
    )


def _materials(film: FilmWork, model: ThinFilm) -> dict[str, AnyMaterial]:
    """Return the materials to choose from; those of the model under the names they had when it was put in."""
    known = {name: material(name) for name in material_names()}
    key = control_key(film, "materials")
    # Streamlit forgets controls that are not shown: those shown again begin from the model as it is now.
    if control_key(film, "ambient", "material") not in st.session_state:
        st.session_state[key] = {one.name: one for one in materials_of(model)}
    return {**known, **_NEW, **film.materials, **st.session_state[key]}


def _material(film: FilmWork, part: str, label: str, given: AnyMaterial, offered: Materials) -> AnyMaterial:
    """Show the choice of a material, and the numbers of one that is a formula."""
    # The name a material has changes with its numbers; the one it was chosen by does not.
    key, first = control_key(film, part, "material"), control_key(film, part, "first")
    if key not in st.session_state:
        st.session_state[first] = given.name
    name = st.session_state[first]
    chosen = st.selectbox(label, list(offered), index=list(offered).index(name), key=key, width=155)
    one = given if chosen == name and type(given) is type(offered[name]) else offered[chosen]

    def number(what: str, value: float, lowest: float | None = None) -> float:
        key = control_key(film, part, chosen, what)
        low = -math.inf if lowest is None else lowest
        return number_field(what, low, None, value, key=key, format="%g", width=86)

    # Only what is not built in is changed here: SiO2 stays SiO2.
    if isinstance(one, Cauchy) and chosen not in material_names():
        values = number("A", one.a), number("B (µm²)", one.b), number("C (µm⁴)", one.c)
        return one if values == (one.a, one.b, one.c) else Cauchy(*values, one.limits_nm)
    if isinstance(one, Constant) and chosen not in material_names():
        n, k = number("n", one.n, 0.01), number("k", one.k, 0.0)
        return one if (n, k) == (one.n, one.k) else Constant(n, k)
    return one


def _layer(
    state: MapsState, segmentation: Segmentation | None, model: ThinFilm, number: int, materials: Materials
) -> Layer:
    film, given = state.film, model.layers[number]
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            chosen = _material(film, f"layer{number}", f"Layer {number + 1}", given.material, materials)
            thickness = number_field(
                "Thickness (nm)",
                0.0,
                MAX_THICKNESS_NM,
                float(given.thickness_nm),
                key=control_key(film, number, "thickness"),
                format="%g",
                width=108,
            )
            _moves(film, model, number)
        layer = Layer(chosen, float(thickness))
        with st.container(horizontal=True, vertical_alignment="bottom"):
            free = _free(film, layer, given, number)
            if THICKNESS not in free and segmentation is not None:
                now = (*model.layers[:number], replace(layer, free=free), *model.layers[number + 1 :])
                reference_control(state, segmentation, replace(model, layers=now), number)
    return replace(layer, free=free)


def _free(film: FilmWork, layer: Layer, given: Layer, number: int) -> Bounds:
    free: Bounds = {}
    for kind, value in layer.parameters.items():
        suggested = given.free.get(kind) or suggested_bounds(kind, value)
        bounds = bounds_of(film, f"{number}_{kind}", with_unit(kind), kind in given.free, suggested)
        free |= {kind: bounds} if bounds else {}
    return free


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
    layers = list(film.model.layers)
    if target is None:
        del layers[number]
    else:
        layers[number], layers[target] = layers[target], layers[number]
    film.put(OWN_MODEL, replace(film.model, layers=tuple(layers)))


def _add(film: FilmWork) -> None:
    assert film.model is not None
    new = Layer(material("SiO2"), 10.0, {THICKNESS: (0.0, 100.0)})
    film.put(OWN_MODEL, replace(film.model, layers=(new, *film.model.layers)))
