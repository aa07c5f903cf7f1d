"""Searching the published materials for a layer, the substrate or the ambient of a film model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from ellimaps.core.abscissa import Sampled
from ellimaps.core.errors import SettingError
from ellimaps.optics.crystals import AnyMaterial, UniaxialMaterial
from ellimaps.optics.database.catalogue import (
    MaterialPage,
    close_names,
    extraordinary_of,
    page_material,
    search_materials,
)
from ellimaps.optics.database.page import Published
from ellimaps.optics.library import material_names
from ellimaps.ui.pages.maps.fit_angles import control_key
from ellimaps.ui.pages.maps.fit_places import Place, material_at, places_of, put_material
from ellimaps.ui.pages.maps.fitting import FilmWork
from ellimaps.ui.shared.charts import chart_specification, show_chart
from ellimaps.ui.shared.markdown import escaped

# What is looked through before one writes another word; a list of them is three heights of the popover.
_MOST = 20
# In pixels: search, some hits and both curves stand in a window of 720.
_HEIGHT, _LIST_HEIGHT, _CURVE_HEIGHT = 345, 200, 100
_CURVE_POINTS = 120


def published_search(film: FilmWork, place: Place, sampled: Sampled) -> None:
    """Show a button that opens a search of the published materials, and at first those of the one there.

    Parameters
    ----------
    film : FilmWork
        Gets the chosen material among those it offers.
    place : Place
        What of the model it is for.
    sampled : Sampled
        Whose wavelengths a material should cover.
    """
    assert film.model is not None
    waves = sampled.wavelengths_nm
    measured = (min(waves), max(waves)) if waves else (0.0, 0.0)
    title = places_of(film.model)[place[:1]]
    # A model of ten layers has ten of them: what is not looked at is not searched for.
    key, find = control_key(film, *place, "published"), control_key(film, *place, "find")
    shown = st.popover(
        "Find",
        icon=":material/search:",
        key=find,
        on_change="rerun",
        help=f"Published materials for {' '.join((title, *place[1:])).lower()}",
    )
    # The room is there before what fills it: so the list opens where there is room for it.
    with shown, st.container(height=_HEIGHT, border=False):
        if not shown.open:
            return
        text = st.text_input(
            "Search published materials",
            _about(material_at(film.model, place)),
            key=key,
            placeholder="Ta2O5, sapphire, N-BK7, gold Johnson",
        )
        if re.search(r"[^\W_]", text):
            _hits(film, place, text, measured)
        else:
            st.caption(
                "A formula, a name, a glass or an author; several find fewer. The database is that of "
                "refractiveindex.info; it is on this server, and nothing is fetched."
            )


def _about(one: AnyMaterial) -> str:
    """Return what to search for to begin with: pages of what is there by name."""
    words = one.name.split("/")
    named = words[1] if len(words) == 3 else one.name if one.name in material_names() else ""
    return "" if named == "air" else named.removesuffix("-o").removesuffix("-e")


def _hits(film: FilmWork, place: Place, text: str, measured: tuple[float, float]) -> None:
    found = [page for page in search_materials(text) if not page.refused]
    if not found:
        near = close_names(text)
        like = f" Or is it **{'**, **'.join(map(escaped, near))}**?" if near else ""
        st.info(
            f"No page is called so. Try a formula (Ta2O5), a name (sapphire), an author, fewer words.{like}"
        )
        return
    # Stable: among those that cover the maps, and among the others, the likeliest stay first.
    shown = sorted(found, key=lambda page: not page.covers(*measured))[:_MOST]
    takes_crystals = len(place) == 1 and place != ("ambient",)
    crystals = {name: pages for page in shown for name, pages in _crystal(page).items() if takes_crystals}
    choices = crystals | {page.name: (page,) for page in shown}
    left, right = st.columns(2, gap="medium")
    with left, st.container(height=_LIST_HEIGHT if len(choices) > 2 else "content", border=False):
        name = st.radio(
            "Pages",
            list(choices),
            key=control_key(film, *place, "published", text),
            format_func=lambda name: _title(choices[name]),
            captions=[_caption(pages, measured) for pages in choices.values()],
            label_visibility="collapsed",
        )
    indices = [page_material(page.name) for page in choices[name]]
    with left:
        if len(found) > _MOST:
            st.caption(f"{len(found) - _MOST} more: add a word, such as an author.")
        key = control_key(film, *place, "use")
        st.button("Use it", key=key, type="primary", on_click=_use, args=(film, place, indices))
    with right:
        for one in indices:
            _shown(one, measured)


def _crystal(page: MaterialPage) -> dict[str, tuple[MaterialPage, ...]]:
    """Return a page of an ordinary index with that of the other one, under both names."""
    other = extraordinary_of(page)
    return {} if other is None else {f"{page.name} {other.name}": (page, other)}


def _shown(one: Published, measured: tuple[float, float]) -> None:
    low, high = max(one.range_nm[0], measured[0]), min(one.range_nm[1], measured[1])
    if low >= high:
        low, high = one.range_nm
    _curves(one, low, high)
    for remark in one.remarks:
        st.caption(f":material/info: {escaped(remark)}.")
    st.caption(escaped(f"{one.name}. {one.reference}"))


def _use(film: FilmWork, place: Place, indices: Sequence[Published]) -> None:
    """Offer what was chosen and put it in place; called before the page runs again."""
    film.materials |= {one.name: one for one in indices}
    put_material(film, place, UniaxialMaterial(indices[0], indices[1]) if len(indices) == 2 else indices[0])


def _title(pages: Sequence[MaterialPage]) -> str:
    title = escaped(pages[0].title)
    return f"**Crystal**: {title.replace('(o)', '(o, e)')}" if len(pages) == 2 else title


def _caption(pages: Sequence[MaterialPage], measured: tuple[float, float]) -> str:
    low, high = max(page.range_nm[0] for page in pages), min(page.range_nm[1] for page in pages)
    known = f"{_nm(low)} to {_nm(high)}, {'n and k' if any(page.has_k for page in pages) else 'n'}"
    is_whole = all(page.covers(*measured) for page in pages)
    missing = "" if is_whole else " (not all wavelengths of the maps)"
    return escaped(f"{pages[0].book}: {known}{missing}")


def _nm(value: float) -> str:
    return f"{value:.4g} nm" if value < 10_000 else f"{value / 1000:.4g} µm"


def _curves(one: Published, low: float, high: float) -> None:
    """Draw n, and k if there is any, over wavelengths in nm."""
    waves = np.linspace(low, high, _CURVE_POINTS).clip(low, high)
    try:
        index = one(waves)
    except SettingError as error:
        st.caption(escaped(error))
        return
    for name, values in {"n": index.real, "k": index.imag}.items():
        if name == "n" or values.any():
            chart = _curve(name, pd.DataFrame({"wavelength": waves, name: values}))
            show_chart(chart, alt=f"{name} of {one.name} over wavelength")


def _curve(name: str, table: pd.DataFrame) -> dict[str, Any]:
    import altair as alt

    wave = alt.X("wavelength:Q", title="wavelength (nm)", scale=alt.Scale(zero=False, nice=False))
    value = alt.Y(f"{name}:Q", title=name, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=3))
    drawn = alt.Chart(table).mark_line(strokeWidth=2).encode(x=wave, y=value)
    return chart_specification(drawn.properties(height=_CURVE_HEIGHT))
