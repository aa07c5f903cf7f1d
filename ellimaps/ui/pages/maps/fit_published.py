"""Searching the published materials for a layer, the substrate or the ambient of a film model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from ellimaps.core.abscissa import Sampled
from ellimaps.core.errors import SettingError
from ellimaps.optics.database.catalogue import (
    MaterialPage,
    close_names,
    page_material,
    search_materials,
)
from ellimaps.optics.database.page import Published
from ellimaps.ui.pages.maps.fit_angles import control_key
from ellimaps.ui.pages.maps.fitting import FilmWork
from ellimaps.ui.shared.charts import chart_specification, show_chart
from ellimaps.ui.shared.markdown import escaped

# What is looked through before one writes another word; a list of them is three heights of the popover.
_MOST = 20
# In pixels: search, some hits and both curves stand in a window of 720.
_LIST_HEIGHT, _CURVE_HEIGHT = 190, 70
_CURVE_POINTS = 120


def published_search(film: FilmWork, parts: Mapping[str, str], sampled: Sampled) -> None:
    """Show a button that opens a search of the published materials.

    Parameters
    ----------
    film : FilmWork
        Gets the chosen material among those it offers.
    parts : mapping of str to str
        What of the model it can be used for, by the name of its controls: what the page calls it.
    sampled : Sampled
        Whose wavelengths a material should cover.
    """
    waves = sampled.wavelengths_nm
    measured = (min(waves), max(waves)) if waves else (0.0, 0.0)
    with st.popover("Find a material", icon=":material/search:"):
        key = control_key(film, "published")
        text = st.text_input(
            "Search published materials", key=key, placeholder="Ta2O5, sapphire, N-BK7, gold Johnson"
        )
        if re.search(r"[^\W_]", text):
            _hits(film, parts, text, measured)
        else:
            st.caption(
                "A formula, a name, a glass or an author; several find fewer. The database is that of "
                "refractiveindex.info; it is on this server, and nothing is fetched."
            )


def _hits(film: FilmWork, parts: Mapping[str, str], text: str, measured: tuple[float, float]) -> None:
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
    pages = {page.name: page for page in shown}
    with st.container(height=_LIST_HEIGHT if len(shown) > 2 else "content", border=False):
        name = st.radio(
            "Pages",
            list(pages),
            key=control_key(film, "published", text),
            format_func=lambda name: escaped(pages[name].title),
            captions=[_caption(page, measured) for page in shown],
            label_visibility="collapsed",
        )
    if len(found) > _MOST:
        st.caption(f"{len(found) - _MOST} more: add a word, such as an author.")
    one = page_material(name)
    _use_for(film, parts, one)
    _shown(one, measured)


def _use_for(film: FilmWork, parts: Mapping[str, str], one: Published) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        part = st.selectbox(
            "Use it for",
            list(parts),
            format_func=parts.__getitem__,
            key=control_key(film, "use_for"),
            width=155,
        )
        args = (film, part, one)
        st.button("Use it", key=control_key(film, "use"), type="primary", on_click=_use, args=args)


def _shown(one: Published, measured: tuple[float, float]) -> None:
    low, high = max(one.range_nm[0], measured[0]), min(one.range_nm[1], measured[1])
    if low >= high:
        low, high = one.range_nm
    _curves(one, low, high)
    for remark in one.remarks:
        st.caption(f":material/info: {escaped(remark)}.")
    st.caption(escaped(f"{one.name}. {one.reference}"))


def _use(film: FilmWork, part: str, one: Published) -> None:
    """Offer the material and choose it; called before the page runs again."""
    film.materials[one.name] = one
    st.session_state[control_key(film, part, "material")] = one.name
    st.session_state[control_key(film, "published")] = ""


def _caption(page: MaterialPage, measured: tuple[float, float]) -> str:
    low, high = page.range_nm
    known = f"{_nm(low)} to {_nm(high)}, {'n and k' if page.has_k else 'n'}"
    missing = "" if page.covers(*measured) else " (not all wavelengths of the maps)"
    return escaped(f"{page.book}: {known}{missing}")


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
