"""Choosing the materials of a film model, and what they are made of: parts, oscillators, nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, get_args

import streamlit as st

from ellimaps.optics.absorbing import MAX_OSCILLATORS, OscillatorSum, SplineIndex
from ellimaps.optics.crystals import AnyMaterial, UniaxialMaterial
from ellimaps.optics.effective_medium import EffectiveMedium, Rule
from ellimaps.optics.graded import Graded
from ellimaps.optics.library import material, material_names
from ellimaps.optics.materials import LayerMaterial, Material, Sellmeier
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.model_file import materials_of
from ellimaps.optics.parts import parts_of
from ellimaps.optics.ready_materials import READY_OSCILLATORS, ready_materials
from ellimaps.ui.pages.maps.fit_angles import control_key
from ellimaps.ui.pages.maps.fit_places import Place, material_at, places_of, put_made, put_material
from ellimaps.ui.pages.maps.fitting import FilmWork

Materials = Mapping[str, AnyMaterial]
_MIXTURE = "mixture"
_RULES: dict[Rule, str] = {"bruggeman": "Bruggeman", "maxwell_garnett": "Maxwell Garnett", "linear": "linear"}
assert set(_RULES) == set(get_args(Rule))


def offered_materials(film: FilmWork, model: ThinFilm) -> dict[str, AnyMaterial]:
    """Return the materials to choose from: built in, of each dispersion, one's own, those of the model."""
    known = {name: material(name) for name in material_names()}
    ready = ready_materials()
    kinds = {type(one) for one in ready.values()}
    own = {one.name: one for one in materials_of(model) if type(one) not in kinds}
    films = {f"as {title}": material_at(model, place) for place, title in places_of(model).items()}
    films = {title: one for title, one in films.items() if type(one) in kinds and one.name not in known}
    return {**known, **ready, **film.materials, **own, **films}


def isotropic(offered: Materials) -> Materials:
    """Return those of some materials that have one index."""
    return {name: one for name, one in half_spaces(offered).items() if isinstance(one, Material)}


def half_spaces(offered: Materials) -> Materials:
    """Return those of some materials that fill a half space."""
    return {name: one for name, one in offered.items() if not isinstance(one, LayerMaterial)}


def choose_material(film: FilmWork, place: Place, label: str, offered: Materials) -> None:
    """Show which material stands at a place; another choice puts it there before the page runs again.

    Parameters
    ----------
    film : FilmWork
        The session's model.
    place : tuple
        Of the material in the model.
    label : str
        Of the choice.
    offered : mapping of str to material
        What can be chosen, by name.
    """
    assert film.model is not None
    given, names = material_at(film.model, place), list(offered)
    key, chosen = control_key(film, *place, "material"), _called(given, offered)
    at = names.index(chosen) if chosen in names else None
    st.selectbox(
        label, names, index=at, key=key, width=175, on_change=_choose, args=(film, place, key, offered)
    )


def shape_controls(film: FilmWork, place: Place) -> None:
    """Show what a material consists of besides numbers, where it can have more or fewer of that."""
    assert film.model is not None
    one = material_at(film.model, place)
    for kind, show in _SHAPES.items():
        if isinstance(one, kind) and not _is_listed(one):
            with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
                show(film, place, one)


def part_places(film: FilmWork, place: Place) -> dict[Place, str]:
    """Return where the parts of a material are, and what the page calls them; none of what is built in."""
    assert film.model is not None
    one = material_at(film.model, place)
    if _is_listed(one):
        return {}
    return {(*place, name): name.replace("_", " ").capitalize() for name in parts_of(one)}


def _is_listed(one: AnyMaterial) -> bool:
    """Whether a material is chosen by its own name, so that there is nothing of it to change."""
    return one.name in material_names() and one == material(one.name)


def _called(given: AnyMaterial, offered: Materials) -> str:
    """Return what the list calls a material: by its own name, or by its dispersion."""
    if offered.get(given.name) == given:
        return given.name
    return next((name for name, one in ready_materials().items() if type(one) is type(given)), given.name)


def _choose(film: FilmWork, place: Place, key: str, offered: Materials) -> None:
    assert film.model is not None
    name, given = st.session_state[key], material_at(film.model, place)
    put_material(
        film, place, _begun(name, offered[name], given) if name in ready_materials() else offered[name]
    )


def _begun(name: str, ready: AnyMaterial, given: AnyMaterial) -> AnyMaterial:
    """Return a material of a dispersion to begin with: with the numbers of the one before if it has such."""
    if type(ready) is type(given):
        if isinstance(given, UniaxialMaterial):
            return replace(given, name="")
        kind, value = next(iter(given.parameters.items()))
        return given.with_parameter(kind, value)
    # A mixture begins with what was there before, if that is a medium.
    if isinstance(ready, EffectiveMedium) and name in isotropic({_MIXTURE: given}):
        assert isinstance(given, Material)
        return replace(ready, materials=(given, *ready.materials[1:]), name="")
    return ready


def _oscillators(film: FilmWork, place: Place, one: OscillatorSum) -> None:
    """Show an oscillator each as a button that takes it away, and a list that adds one."""
    called = {type(term): name for name, term in READY_OSCILLATORS.items()}
    kinds = [called[type(term)] for term in one.terms]
    for number, kind in enumerate(kinds):
        title = kind if kinds.count(kind) == 1 else f"{kind} {kinds[: number + 1].count(kind)}"
        st.button(
            title[0].upper() + title[1:],
            icon=":material/close:",
            key=control_key(film, *place, "without", number),
            disabled=len(kinds) == 1,
            on_click=_take_oscillator,
            args=(film, place, one, number),
            help="Takes it away.",
        )
    key = control_key(film, *place, "with")
    st.selectbox(
        "Add an oscillator",
        list(READY_OSCILLATORS),
        index=None,
        key=key,
        placeholder="Add an oscillator",
        label_visibility="collapsed",
        width=175,
        disabled=len(kinds) >= MAX_OSCILLATORS,
        on_change=lambda: _add_oscillator(film, place, one, st.session_state[key]),
    )


def _take_oscillator(film: FilmWork, place: Place, one: OscillatorSum, number: int) -> None:
    kept = [at for at in range(len(one.terms)) if at != number]
    fewer = replace(one, terms=tuple(one.terms[at] for at in kept), name="")
    gone = dict.fromkeys(one.names_of(number), "")
    put_material(film, place, fewer, gone | _renamed(one, kept, fewer))


def _add_oscillator(film: FilmWork, place: Place, one: OscillatorSum, kind: str) -> None:
    more = replace(one, terms=(*one.terms, READY_OSCILLATORS[kind]), name="")
    put_material(film, place, more, _renamed(one, list(range(len(one.terms))), more))


def _renamed(before: OscillatorSum, kept: list[int], after: OscillatorSum) -> dict[str, str]:
    """Return the new names of the parameters of the terms that stay."""
    return {
        old: new
        for number, at in enumerate(kept)
        for old, new in zip(before.names_of(at), after.names_of(number), strict=True)
    }


def _nodes(film: FilmWork, place: Place, one: SplineIndex) -> None:
    """Show where the nodes of a spline are; they are evenly spaced once that was changed."""
    first, last, count = one.energies_ev[0], one.energies_ev[-1], len(one.energies_ev)
    keys = {name: control_key(film, *place, "nodes", name) for name in ("first", "last", "count")}

    def renewed() -> AnyMaterial:
        at = {name: st.session_state[key] for name, key in keys.items()}
        return one.between(at["first"], at["last"], at["count"])

    options: dict[str, Any] = {"on_change": put_made, "args": (film, place, renewed)}
    st.number_input("Nodes from (eV)", value=first, key=keys["first"], format="%g", width=130, **options)
    st.number_input("to (eV)", value=last, key=keys["last"], format="%g", width=130, **options)
    st.number_input("Number of nodes", value=count, key=keys["count"], width=130, **options)


def _mixture(film: FilmWork, place: Place, one: EffectiveMedium) -> None:
    """Show the rule of a mixture, and whether it is of two or three."""
    key, air = control_key(film, *place, "rule"), material("air")
    assert isinstance(air, Material)
    st.selectbox(
        "Mixed by",
        list(_RULES),
        index=list(_RULES).index(one.rule),
        format_func=_RULES.__getitem__,
        key=key,
        width=175,
        on_change=lambda: put_material(film, place, replace(one, rule=st.session_state[key])),
        help="Maxwell Garnett: the others are inclusions in the first.",
    )
    third, two = replace(one, name=""), len(one.materials) == 2
    label = "Add a third material" if two else "Take the third away"
    if two:
        third = replace(third, materials=(*one.materials, air), fractions=(*one.fractions, 0.0))
    else:
        third = replace(third, materials=one.materials[:2], fractions=one.fractions[:1])
    st.button(label, key=control_key(film, *place, "third"), on_click=put_material, args=(film, place, third))


def _sellmeier(film: FilmWork, place: Place, one: Sellmeier) -> None:
    """Show buttons for one term more or less."""
    more = replace(one, terms=(*one.terms, (0.0, 0.1)), name="Sellmeier")
    fewer = replace(one, terms=one.terms[:-1], name="Sellmeier")
    for label, other, disabled in (
        ("Add a term", more, len(one.terms) >= MAX_OSCILLATORS),
        ("Take the last term away", fewer, len(one.terms) == 1),
    ):
        key = control_key(film, *place, label)
        st.button(label, key=key, disabled=disabled, on_click=put_material, args=(film, place, other))


def _slices(film: FilmWork, place: Place, one: Graded) -> None:
    """Show in how many slices a graded layer is computed."""
    key = control_key(film, *place, "slices")

    def renewed() -> AnyMaterial:
        return replace(one, slices=st.session_state[key])

    changed: dict[str, Any] = {"on_change": put_made, "args": (film, place, renewed)}
    st.number_input("Slices", value=one.slices, key=key, width=130, **changed)


_SHAPES: dict[type, Callable[[FilmWork, Place, Any], None]] = {
    OscillatorSum: _oscillators,
    SplineIndex: _nodes,
    EffectiveMedium: _mixture,
    Sellmeier: _sellmeier,
    Graded: _slices,
}
