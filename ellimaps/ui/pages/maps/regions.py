"""Regions of interest: drawn on a map, read as spectra, added to the export."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from ellimaps.core.numbers import titled
from ellimaps.core.stack import ImageStack, band_label
from ellimaps.maps.regions import Region, next_region_name
from ellimaps.ui.pages.maps.delta_turn import on_turn
from ellimaps.ui.pages.maps.loading import Source, prepared, region_table
from ellimaps.ui.pages.maps.readings import lowest_delta
from ellimaps.ui.pages.maps.refine import text_color
from ellimaps.ui.pages.maps.state import MapsState
from ellimaps.ui.shared.markdown import escaped

# Other ones than the clusters': seen on a light page, on a dark one and on every color of a map.
_COLORS = ("#FF2D55", "#00B8D9", "#AF52DE", "#8BC34A", "#FF8A65", "#8D6E63", "#5C6BC0", "#26A69A")


def shown_regions(state: MapsState) -> list[Region]:
    """Return the regions in the export and the one drawn last."""
    return [*state.regions, *([state.drawn] if state.drawn else [])]


def draw_region(state: MapsState, drawn: Mapping[str, Any]) -> None:
    """Take what was drawn on a map: a pixel, a rectangle or an outline."""
    vertices = tuple((round(float(x), 2), round(float(y), 2)) for x, y in drawn["vertices"])
    state.drawn = Region(next_region_name(state.regions), drawn["kind"], vertices)


def region_colors(regions: Sequence[Region]) -> list[str]:
    """Return a color for each region, by the number in its name: it keeps it when another one goes."""
    taken: list[str] = []
    for position, region in enumerate(regions):
        number = re.search(r"\d+$", region.name)
        first = (int(number[0]) - 1 if number else position) % len(_COLORS)
        order = [*_COLORS[first:], *_COLORS[:first]]
        taken.append(next((color for color in order if color not in taken), order[0]))
    return taken


def region_spectra(state: MapsState, source: Source, shape: tuple[int, int]) -> pd.DataFrame | None:
    """Return the spectra of all regions that cover a pixel, with the color of each."""
    assert state.current is not None
    if state.drawn is not None and not state.drawn.mask(shape).any():
        state.drawn = None
    regions = shown_regions(state)
    if not regions:
        return None
    return pd.concat(
        [
            region_table(source, state.current, region).assign(color=color)
            for region, color in zip(regions, region_colors(regions), strict=True)
        ]
    )


def region_controls(state: MapsState, source: Source, bands: Sequence[int]) -> None:
    """Show the regions and their values in the maps shown; add the drawn one to the export, or remove one."""
    regions = shown_regions(state)
    if not regions:
        return
    _table(state, source, bands)
    with st.container(horizontal=True, vertical_alignment="center"):
        if state.drawn is not None:
            st.button(
                "Add to the export",
                key=f"keep_{state.drawn.name}",
                icon=":material/add:",
                on_click=_add,
                args=(state,),
                help="Until then, the next one drawn replaces it.",
            )
        for region in regions:
            label = escaped(f"Remove {region.name}")
            st.button(label, key=f"remove_{region.name}", on_click=_remove, args=(state, region))


def _table(state: MapsState, source: Source, bands: Sequence[int]) -> None:
    assert state.current is not None
    stack, lowest = prepared(source, state.current), lowest_delta(source, state.current)
    regions = shown_regions(state)
    rows = [
        {
            "region": escaped(region.name),
            "where": _where(region),
            "pixels": int(region.mask(stack.shape).sum()),
            **_values(region_table(source, state.current, region), stack, bands, lowest),
            "status": "drawn last" if region is state.drawn else "in the export",
        }
        for region in regions
    ]
    cells = [f"background-color: {color}; color: {text_color(color)}" for color in region_colors(regions)]
    styled = pd.DataFrame(rows).style.apply(lambda _: cells, subset=["region"])
    st.table(
        styled.format(precision=2, thousands=",", na_rep="–"),
        hide_index=True,
        width="content",
        alt="Regions of interest with their values",
    )


def _values(table: pd.DataFrame, stack: ImageStack, bands: Sequence[int], lowest: float) -> dict[str, float]:
    """Return mean and spread of a region in each map shown, by the titles of their columns."""
    values = {}
    for band in bands:
        row, shown = table.iloc[band], stack.bands.iloc[band]
        mean = on_turn(np.array([row["mean"]]), row["quantity"], lowest)[0]
        values[escaped(titled(f"{band_label(shown)}, mean", shown["unit"]))] = float(mean)
        spread = "spread" if len(bands) == 1 else f"{row['quantity']}, spread"
        values[escaped(titled(spread, shown["unit"]))] = float(row["std"]) if row["n_pixels"] > 1 else np.nan
    return values


def _add(state: MapsState) -> None:
    if state.drawn is not None:
        state.regions, state.drawn = [*state.regions, state.drawn], None


def _remove(state: MapsState, region: Region) -> None:
    if region is state.drawn:
        state.drawn = None
    else:
        state.regions = [other for other in state.regions if other is not region]


def _where(region: Region) -> str:
    if region.kind == "pixel":
        x, y = region.vertices[0]
        return f"pixel x {x:.0f}, y {y:.0f}"
    xs, ys = zip(*region.vertices, strict=True)
    what = "rectangle" if region.kind == "rectangle" else "outline"
    return f"{what} within x {min(xs):.0f} to {max(xs):.0f}, y {min(ys):.0f} to {max(ys):.0f}"
