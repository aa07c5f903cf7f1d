"""The controls of a film model: ambient, layers, substrate, angle of incidence, and what of them is free."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from ellimaps.core.errors import SettingError
from ellimaps.core.stack import ImageStack
from ellimaps.maps.films.parameters import with_unit
from ellimaps.optics.library import material, material_names
from ellimaps.optics.materials import AnyMaterial, Cauchy, Constant, Material
from ellimaps.optics.model import (
    AOI_OFFSET,
    CAUCHY_A,
    DELTA_OFFSET,
    LAYER_PARAMETERS,
    MAX_LAYERS,
    MAX_THICKNESS_NM,
    OFFSETS,
    THICKNESS,
    Layer,
    ThinFilm,
)
from ellimaps.optics.model_file import materials_of
from ellimaps.ui.pages.maps.fitting import OWN_MODEL, FilmWork
from ellimaps.ui.shared.widgets import number_field

Materials = Mapping[str, AnyMaterial]
Bounds = dict[str, tuple[float, float]]
# To begin with: fused silica is near the first, and many a polymer near the second.
_NEW = {
    "Cauchy": Cauchy(1.45, 0.0035, 0.0, name="Cauchy"),
    "constant index": Constant(1.5, 0.0, "constant index"),
}


def edited_model(film: FilmWork, stack: ImageStack) -> ThinFilm:
    """Show the controls and return the model they describe.

    Raises
    ------
    SettingError
        If they describe none; the session's model is then left as it is.
    """
    model = film.model
    assert model is not None
    materials = _materials(film, model)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        isotropic = {name: one for name, one in materials.items() if isinstance(one, Material)}
        ambient = _material(film, "ambient", "Ambient", model.ambient, isotropic)
        angle, offset, free = _angle(film, model, stack)
        delta_offset, free_delta = _delta_offset(film, model)
    layers = [_layer(film, model, number, materials) for number in range(len(model.layers))]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        substrate = _material(film, "substrate", "Substrate", model.substrate, materials)
        key, full = _key(film, "add"), len(model.layers) >= MAX_LAYERS
        icon = ":material/add:"
        st.button("Add a layer on top", icon=icon, key=key, disabled=full, on_click=_add, args=(film,))
    if not isinstance(ambient, Material):
        raise SettingError(f"The ambient must be isotropic, and {ambient.name} is not.")
    return replace(
        model,
        substrate=substrate,
        layers=tuple(layers),
        ambient=ambient,
        aoi_deg=angle,
        aoi_offset_deg=offset,
        delta_offset_deg=delta_offset,
        wavelengths_nm=_wavelengths(film, model, stack),
        free=free | free_delta,
    )


def _materials(film: FilmWork, model: ThinFilm) -> dict[str, AnyMaterial]:
    """Return the materials to choose from; those of the model under the names they had when it was put in."""
    known = {name: material(name) for name in material_names()}
    key = _key(film, "materials")
    # Streamlit forgets controls that are not shown: those shown again begin from the model as it is now.
    if _key(film, "ambient", "material") not in st.session_state:
        st.session_state[key] = {one.name: one for one in materials_of(model)}
    return {**known, **_NEW, **film.materials, **st.session_state[key]}


def _key(film: FilmWork, *parts: object) -> str:
    return "_".join(["film", str(film.edition), *map(str, parts)])


def _material(film: FilmWork, part: str, label: str, given: AnyMaterial, offered: Materials) -> AnyMaterial:
    """Show the choice of a material, and the numbers of one that is a formula."""
    # The name a material has changes with its numbers; the one it was chosen by does not.
    key, first = _key(film, part, "material"), _key(film, part, "first")
    if key not in st.session_state:
        st.session_state[first] = given.name
    name = st.session_state[first]
    chosen = st.selectbox(label, list(offered), index=list(offered).index(name), key=key, width=155)
    one = given if chosen == name and type(given) is type(offered[name]) else offered[chosen]

    def number(what: str, value: float, lowest: float | None = None) -> float:
        key = _key(film, part, chosen, what)
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


def _layer(film: FilmWork, model: ThinFilm, number: int, materials: Materials) -> Layer:
    given = model.layers[number]
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            chosen = _material(film, f"layer{number}", f"Layer {number + 1}", given.material, materials)
            thickness = number_field(
                "Thickness (nm)",
                0.0,
                MAX_THICKNESS_NM,
                float(given.thickness_nm),
                key=_key(film, number, "thickness"),
                format="%g",
                width=108,
            )
            _moves(film, model, number)
        layer = Layer(chosen, float(thickness))
        with st.container(horizontal=True, vertical_alignment="bottom"):
            free = _free(film, layer, given, number)
    return replace(layer, free=free)


def _free(film: FilmWork, layer: Layer, given: Layer, number: int) -> Bounds:
    free: Bounds = {}
    for kind in LAYER_PARAMETERS:
        if layer.has(kind):
            suggested = given.free.get(kind) or _suggested(kind, layer.value(kind))
            bounds = _bounds(film, f"{number}_{kind}", with_unit(kind), kind in given.free, suggested)
            free |= {kind: bounds} if bounds else {}
    return free


def _suggested(kind: str, value: float) -> tuple[float, float]:
    """Return bounds to begin with, around a value."""
    if kind == THICKNESS:
        return 0.0, float(max(100.0, 2 * round(value)))
    if kind == CAUCHY_A or kind.endswith("_a"):
        return round(value - 0.2, 4), round(value + 0.2, 4)
    if kind in OFFSETS:
        return value - 0.5, value + 0.5
    return 0.0, round(2 * abs(value) + 0.01, 4)


def _bounds(
    film: FilmWork, part: str, label: str, free: bool, suggested: tuple[float, float]
) -> tuple[float, float] | None:
    """Show whether a parameter is free, and its bounds if it is."""
    if not st.checkbox(f"fit {label}", free, key=_key(film, part, "free"), width="content"):
        return None
    low, high = (
        st.number_input(end, value=float(value), key=_key(film, part, end), format="%g", width=95)
        for end, value in zip(("from", "to"), suggested, strict=True)
    )
    return float(low), float(high)


def _angle(film: FilmWork, model: ThinFilm, stack: ImageStack) -> tuple[float | None, float, Bounds]:
    """Show the angle of incidence, its offset and the bounds of that; return the three."""
    measured = stack.angles_deg
    from_data = f"data ({', '.join(f'{angle:g}' for angle in measured)}°)" if measured else "data"
    given = st.selectbox(
        "Angle of incidence",
        [from_data, "given"],
        index=int(model.aoi_deg is not None),
        key=_key(film, "aoi_of"),
        width=155,
    )
    angle = None
    if given == "given":
        start, key = float(model.aoi_deg or [*measured, 60.0][0]), _key(film, "aoi")
        angle = number_field("Angle (°)", 0.0, 90.0, start, key=key, format="%g", width=100)
    offset = st.number_input(
        "Offset (°)",
        value=float(model.aoi_offset_deg),
        key=_key(film, "offset"),
        step=0.05,
        format="%g",
        width=110,
        help="Added to the angle of incidence. An error of 0.1° moves thicknesses.",
    )
    suggested = model.free.get(AOI_OFFSET) or _suggested(AOI_OFFSET, 0.0)
    bounds = _bounds(film, AOI_OFFSET, "offset", AOI_OFFSET in model.free, suggested)
    return angle, float(offset), {AOI_OFFSET: bounds} if bounds else {}


def _delta_offset(film: FilmWork, model: ThinFilm) -> tuple[float, Bounds]:
    """Show what is added to Delta and the bounds of that; return both."""
    offset = st.number_input(
        "Delta offset (°)",
        value=float(model.delta_offset_deg),
        key=_key(film, "delta_offset"),
        step=0.1,
        format="%g",
        width=120,
        help="Added to Delta, for a window or an azimuth that is off.",
    )
    suggested = model.free.get(DELTA_OFFSET) or _suggested(DELTA_OFFSET, float(offset))
    bounds = _bounds(film, DELTA_OFFSET, "Delta offset", DELTA_OFFSET in model.free, suggested)
    return float(offset), {DELTA_OFFSET: bounds} if bounds else {}


def _wavelengths(film: FilmWork, model: ThinFilm, stack: ImageStack) -> tuple[float, float] | None:
    """Show the range of wavelengths that a fit uses; return it, None for all."""
    waves = stack.wavelengths_nm
    if len(waves) < 2:
        return model.wavelengths_nm
    first, last = model.wavelengths_nm or (waves[0], waves[-1])
    start = _nearest(waves, first), _nearest(waves, last)
    low, high = st.select_slider("Wavelengths (nm)", waves, start, key=_key(film, "wavelengths"), width=320)
    return None if (low, high) == (waves[0], waves[-1]) else (low, high)


def _nearest(values: list[float], wanted: float) -> float:
    return min(values, key=lambda value: abs(value - wanted))


def _moves(film: FilmWork, model: ThinFilm, number: int) -> None:
    """Show the buttons that move a layer or take it away."""
    last = len(model.layers) - 1
    for name, icon, disabled, target, text in (
        ("up", "arrow_upward", number == 0, number - 1, "Towards the ambient"),
        ("down", "arrow_downward", number == last, number + 1, "Towards the substrate"),
        ("remove", "delete", False, None, "Take this layer away"),
    ):
        key, icon, args = _key(film, number, name), f":material/{icon}:", (film, number, target)
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
