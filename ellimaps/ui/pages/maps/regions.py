"""Regions of interest: drawn on a map, read as spectra, added to the export."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from ellimaps.maps.regions import Region, next_region_name
from ellimaps.ui.pages.maps.loading import Source, region_table
from ellimaps.ui.pages.maps.state import MapsState


def shown_regions(state: MapsState) -> list[Region]:
    """Return the regions in the export and the one drawn last."""
    return [*state.regions, *([state.drawn] if state.drawn else [])]


def draw_region(state: MapsState, drawn: Mapping[str, Any]) -> None:
    """Take what was drawn on a map: a pixel, a rectangle or an outline."""
    vertices = tuple((round(float(x), 2), round(float(y), 2)) for x, y in drawn["vertices"])
    state.drawn = Region(next_region_name(state.regions), drawn["kind"], vertices)


def region_spectra(state: MapsState, source: Source, shape: tuple[int, int]) -> pd.DataFrame | None:
    """Return the spectra of all regions that cover a pixel."""
    assert state.current is not None
    if state.drawn is not None and not state.drawn.mask(shape).any():
        state.drawn = None
    regions = shown_regions(state)
    if not regions:
        return None
    return pd.concat([region_table(source, state.current, region) for region in regions])


def region_controls(state: MapsState) -> None:
    """List the regions, to add the drawn one to the export or to remove one."""
    for region in shown_regions(state):
        with st.container(horizontal=True, vertical_alignment="center", key=f"region_{region.name}"):
            in_export = region is not state.drawn
            status = "in the export" if in_export else "dashed in the spectra; the next one drawn replaces it"
            st.markdown(f"**{region.name}**: {_where(region)}, {status}", width="content")
            if not in_export:
                st.button(
                    "Add to the export",
                    key=f"keep_{region.name}",
                    icon=":material/add:",
                    on_click=_add,
                    args=(state,),
                )
            st.button("Remove", key=f"remove_{region.name}", on_click=_remove, args=(state, region))


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
