"""Layers that belong together: those that are repeated, and those that have numbers of another one."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from ellimaps.optics.layers import Layer
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.parameters import with_unit
from ellimaps.optics.period import Period, runs_of
from ellimaps.ui.pages.maps.fit_angles import control_key
from ellimaps.ui.pages.maps.fit_places import put_model
from ellimaps.ui.pages.maps.fitting import FilmWork


def repeating(film: FilmWork, model: ThinFilm) -> None:
    """Show a button that opens which layers are there several times."""
    numbers = list(range(1, len(model.layers) + 1))
    if not numbers:
        return
    with st.popover("Repeat", icon=":material/repeat:", help="Layers that are there several times."):
        for times, run in runs_of(model.layers):
            if model.layers[run[0]].repeat is not None:
                st.caption(f"{_named(run)}: {times} times.")
        first = st.selectbox("From layer", numbers, key=control_key(film, "repeat", "first"))
        last = st.selectbox(
            "to layer", [n for n in numbers if n >= first], key=control_key(film, "repeat", "last")
        )
        key = control_key(film, "repeat", "times")
        times = st.number_input("times", value=10, key=key, help="Once ends a period.")
        args = (film, first - 1, last - 1, int(times))
        st.button(
            "Repeat these", key=control_key(film, "repeat"), type="primary", on_click=_repeat, args=args
        )


def repeated(layer: Layer) -> None:
    """Say how often a layer is there, if not once."""
    if layer.repeat is not None:
        st.caption(f"In period {layer.repeat.number}, {layer.repeat.times} times.", width="content")


def tying(film: FilmWork, model: ThinFilm, number: int) -> None:
    """Show a button that opens which numbers of a layer are those of another one."""
    layer = model.layers[number]
    common = {
        other: [kind for kind in layer.parameters if kind in model.layers[other].parameters]
        for other in range(len(model.layers))
        if other != number
    }
    if not any(common.values()):
        return
    with st.popover("Tie", icon=":material/link:", help="Numbers that are those of another layer."):
        key = control_key(film, number, "tie")
        other = st.selectbox(
            "To layer",
            [one for one in common if common[one]],
            format_func=lambda one: str(one + 1),
            key=f"{key}_to",
        )
        now = [kind for kind, to in layer.tied.items() if to == other + 1 and kind in common[other]]
        kinds = st.multiselect(
            "Numbers that are its", common[other], now, format_func=with_unit, key=f"{key}_kinds_{other}"
        )
        args = (film, number, other, kinds)
        st.button("Tie these", key=key, type="primary", on_click=_tie, args=args)


def _repeat(film: FilmWork, first: int, last: int, times: int) -> None:
    """Make a period of some layers, or end theirs; called before the page runs again."""
    assert film.model is not None
    model = film.model
    before, inside, after = model.layers[:first], model.layers[first : last + 1], model.layers[last + 1 :]
    single = tuple(replace(layer, repeat=None) for layer in inside)

    def made() -> ThinFilm:
        part = single if times == 1 else (Period(single, times),)
        return replace(model, layers=(*before, *part, *after))

    put_model(film, made)


def _tie(film: FilmWork, number: int, other: int, kinds: list[str]) -> None:
    """Tie numbers of a layer to those of another one; called before the page runs again."""
    assert film.model is not None
    model, layer = film.model, film.model.layers[number]

    def made() -> ThinFilm:
        tied = {kind: to for kind, to in layer.tied.items() if to != other + 1}
        tied |= dict.fromkeys(kinds, other + 1)
        free = {kind: bounds for kind, bounds in layer.free.items() if kind not in tied}
        return model.with_layer(number, replace(layer, free=free, tied=tied))

    put_model(film, made)


def _named(run: list[int]) -> str:
    if len(run) == 1:
        return f"Layer {run[0] + 1}"
    return f"Layers {run[0] + 1} to {run[-1] + 1}"
