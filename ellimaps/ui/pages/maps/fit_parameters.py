"""The numbers of a layer or a material as rows: parameter, value, whether it is free, from, to."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from ellimaps.optics.crystals import AnyMaterial
from ellimaps.optics.layers import SPREAD, THICKNESS, Layer
from ellimaps.optics.library import is_built_in
from ellimaps.optics.parameters import with_unit
from ellimaps.ui.pages.maps.fit_angles import Bounds, control_key, suggested_bounds
from ellimaps.ui.pages.maps.fit_places import Place
from ellimaps.ui.pages.maps.fitting import FilmWork

# In pixels: the longest name, a number with its buttons, a tick. Together they stand beside the n and k in a
# window of 1280.
_NAME, _VALUE, _FREE, _BOUND = 200, 112, 48, 100


def layer_rows(film: FilmWork, place: Place, given: Layer) -> Layer:
    """Show what a layer consists of in numbers, and return the layer as the rows say.

    Parameters
    ----------
    film : FilmWork
        Whose model it is.
    place : Place
        Where the layer is.
    given : Layer
        As it was.

    Raises
    ------
    SettingError
        If the layer cannot be so.
    """
    is_built = is_built_in(given.material)
    # SiO2 stays SiO2.
    locked = set(given.material.parameters) if is_built else set()
    # What is locked shows only if the model's file has made it free.
    spread = {SPREAD: given.thickness_spread_nm} if given.coherent else {}
    numbers = {THICKNESS: given.thickness_nm} | spread | given.parameters
    own = {kind: value for kind, value in numbers.items() if kind not in given.tied}
    kinds = {kind: value for kind, value in own.items() if kind not in locked or kind in given.free}
    values: dict[str, float] = {}
    free: Bounds = {}
    with st.container(key=control_key(film, *place, "rows"), gap="xxsmall"):
        _head(film, place, [kind for kind in kinds if kind != SPREAD])
        for kind, value in kinds.items():
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                values[kind] = _value(film, place, kind, value, disabled=kind in locked)
                bounds = _bounds(film, place, kind, value, given.free.get(kind))
            free |= {kind: bounds} if bounds else {}
        for kind, value in ({} if is_built else given.material.fixed).items():
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                values[kind] = _value(film, place, kind, value)
        for kind, number in given.tied.items():
            st.caption(f"{with_unit(kind)}: {given.parameters[kind]:g}, that of layer {number}")
    layer = replace(given, free={})
    for kind, value in values.items():
        if value != numbers.get(kind, given.material.fixed.get(kind)):
            layer = layer.with_value(kind, value)
    return replace(layer, free=free)


def material_rows(film: FilmWork, place: Place, given: AnyMaterial) -> AnyMaterial:
    """Show the numbers of a material that is no film, and return it as the rows say.

    Raises
    ------
    SettingError
        If the material cannot be so.
    """
    numbers = {} if is_built_in(given) else given.parameters | given.fixed
    one = given
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        for kind, value in numbers.items():
            number = _value(film, place, kind, value, labelled=True)
            one = one if number == value else one.with_parameter(kind, number)
    return one


def _head(film: FilmWork, place: Place, kinds: list[str]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for text, width in (("Parameter", _NAME), ("Value", _VALUE)):
            st.caption(text, width=width)
        key = control_key(film, *place, "all_free")
        st.button(
            "Free",
            key=key,
            type="tertiary",
            width=_FREE,
            on_click=_turn_all,
            args=([control_key(film, *place, kind, "free") for kind in kinds],),
            help="Ticks all of this layer, or none; a spread only by itself.",
        )
        for text in ("From", "To"):
            st.caption(text, width=_BOUND)


def _turn_all(keys: list[str]) -> None:
    """Tick every row, or none where all are ticked; called before the page runs again."""
    tick = not all(st.session_state.get(key, False) for key in keys)
    for key in keys:
        st.session_state[key] = tick


def _value(
    film: FilmWork, place: Place, kind: str, value: float, *, disabled: bool = False, labelled: bool = False
) -> float:
    title = with_unit(kind)
    title = title[0].upper() + title[1:]
    if not labelled:
        st.markdown(title, width=_NAME)
    return float(
        st.number_input(
            title,
            value=float(value),
            key=control_key(film, *place, kind, "value"),
            format="%g",
            width=_NAME if labelled else _VALUE,
            disabled=disabled,
            label_visibility="visible" if labelled else "collapsed",
        )
    )


def _bounds(
    film: FilmWork, place: Place, kind: str, value: float, given: tuple[float, float] | None
) -> tuple[float, float] | None:
    """Show whether a parameter is free, and its bounds if it is; return these."""
    title = with_unit(kind)
    if not st.checkbox(
        f"fit {title}",
        given is not None,
        key=control_key(film, *place, kind, "free"),
        width=_FREE,
        label_visibility="collapsed",
    ):
        return None
    low, high = (
        st.number_input(
            f"{title} {end}",
            value=float(bound),
            key=control_key(film, *place, kind, end),
            format="%g",
            width=_BOUND,
            label_visibility="collapsed",
        )
        for end, bound in zip(("from", "to"), given or suggested_bounds(kind, value), strict=True)
    )
    return float(low), float(high)
