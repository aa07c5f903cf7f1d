"""What is chosen of a plate: compounds and doses, a lasso, groups of a legend; every tab shows the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from ellimaps.core.numbers import shown_unit
from ellimaps.plates.selections import Selection, field_keys, read_selections, save_selections
from ellimaps.ui.pages.plates.data import OpenedPlate
from ellimaps.ui.pages.plates.state import PlatesState
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.widgets import guarded

Mask = NDArray[np.bool_]
_COMPOUNDS, _DOSES = "plates_compounds", "plates_doses"


def choice_bar(state: PlatesState, plate: OpenedPlate) -> None:
    """Show what can be chosen together, what is chosen, and the selections that have names."""
    fields = plate.profiles.fields
    compounds = sorted(set(_compounds(fields)), key=str.casefold)
    doses = [
        text
        for _, text in sorted(set(zip(fields["concentration"].fillna(-1.0), _doses(fields), strict=True)))
    ]
    _drop_unknown(_COMPOUNDS, compounds)
    _drop_unknown(_DOSES, doses)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.multiselect("Compounds", compounds, **kept(_COMPOUNDS, address=True), placeholder="All", width=340)
        st.multiselect("Doses", doses, **kept(_DOSES, address=True), placeholder="All", width=260)
        _named(state, plate)
    # It has its place at all times: the view below would be drawn anew, and lose the focus, if it moved.
    with st.container(horizontal=True, vertical_alignment="center"):
        mask = chosen_fields(state, plate)
        if mask.all():
            return
        wells = wells_of(plate, mask)
        st.markdown(
            f"**{mask.sum():,} of {len(mask):,} fields chosen**, in {wells.sum():,} of {len(wells):,} wells",
            width="content",
        )
        st.button("Show all", key="plates_clear", icon=":material/close:", on_click=_clear, args=[state])


def filtered_fields(plate: OpenedPlate) -> Mask:
    """Return the fields of the compounds and doses that are chosen, shape (field,)."""
    fields = plate.profiles.fields
    return _is_in(_compounds(fields), _COMPOUNDS) & _is_in(_doses(fields), _DOSES)


def chosen_fields(state: PlatesState, plate: OpenedPlate) -> Mask:
    """Return the fields that are chosen in every way, all where nothing is; shape (field,)."""
    mask = filtered_fields(plate)
    for numbers, wanted in ((state.hidden_fields, False), (state.selected, True)):
        if numbers:
            mask &= np.isin(np.arange(len(mask)), numbers) == wanted
    return mask


def wells_of(plate: OpenedPlate, fields: Mask) -> Mask:
    """Return the wells that some fields lie in, shape (well,)."""
    places = pd.MultiIndex.from_frame(plate.profiles.fields.loc[fields, ["plate", "well"]])
    return np.asarray(pd.MultiIndex.from_frame(plate.profiles.wells[["plate", "well"]]).isin(places))


def fields_of(plate: OpenedPlate, wells: Mask) -> Mask:
    """Return the fields that lie in some wells, shape (field,)."""
    places = pd.MultiIndex.from_frame(plate.profiles.wells.loc[wells, ["plate", "well"]])
    return np.asarray(pd.MultiIndex.from_frame(plate.profiles.fields[["plate", "well"]]).isin(places))


def dose_text(dose: float, unit: str) -> str:
    """Return a dose with its unit."""
    return f"{dose:g} {shown_unit(unit)}".strip() if np.isfinite(dose) else "no dose given"


def _compounds(fields: pd.DataFrame) -> list[str]:
    return fields["compound"].fillna("").astype(str).replace("", "no compound").tolist()


def _doses(fields: pd.DataFrame) -> list[str]:
    units = fields["concentration_unit"].fillna("").astype(str)
    return [dose_text(float(dose), unit) for dose, unit in zip(fields["concentration"], units, strict=True)]


def _is_in(names: Sequence[str], key: str) -> Mask:
    chosen = set(st.session_state.get(key) or [])
    return np.array([not chosen or name in chosen for name in names], dtype=bool)


def _drop_unknown(key: str, known: Sequence[str]) -> None:
    """Leave out what another plate had."""
    if key in st.session_state:
        st.session_state[key] = [name for name in st.session_state[key] if name in known]


def _clear(state: PlatesState) -> None:
    st.session_state[_COMPOUNDS] = []
    st.session_state[_DOSES] = []
    state.choose([], drawn=False)


def _named(state: PlatesState, plate: OpenedPlate) -> None:
    with guarded(), st.popover("Selections", icon=":material/bookmark:"):
        found = read_selections(plate.folder)
        name = st.text_input("Name of what is chosen now", key="plates_new_selection")
        if st.button("Save selection", key="plates_save_selection", disabled=not name.strip()):
            mask = chosen_fields(state, plate)
            keys = field_keys(plate.profiles.fields[mask])
            save_selections(plate.folder, found | {name.strip(): Selection(tuple(keys), state.is_drawn)})
            st.rerun()
        for number, (known, one) in enumerate(found.items()):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"{escaped(known)}: {len(one.fields):,} fields", width="stretch")
                st.button(
                    "Choose", key=f"plates_choose_{number}", on_click=_choose_named, args=[state, plate, one]
                )
                rest = {other: kept_one for other, kept_one in found.items() if other != known}
                st.button(
                    "Remove",
                    key=f"plates_remove_{number}",
                    on_click=save_selections,
                    args=[plate.folder, rest],
                )


def _choose_named(state: PlatesState, plate: OpenedPlate, one: Selection) -> None:
    _clear(state)
    state.choose(np.flatnonzero(one.of(plate.profiles.fields)).tolist(), drawn=one.drawn)
