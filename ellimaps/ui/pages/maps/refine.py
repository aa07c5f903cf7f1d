"""Changing a segmentation by hand: names, merge, split, drop, clean, undo."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from ellimaps.core.numbers import counted
from ellimaps.maps.refinement import Clean, Drop, Merge, Refinement, Split, step_title
from ellimaps.maps.segmentation import Segmentation
from ellimaps.ui.pages.maps.loading import Source
from ellimaps.ui.pages.maps.readings import dropped_pixels
from ellimaps.ui.pages.maps.segment import make
from ellimaps.ui.pages.maps.state import MapsState
from ellimaps.ui.shared.widgets import number_field

_SHARE = "share of the map (%)"


def refine_controls(state: MapsState, source: Source, segmentation: Segmentation) -> None:
    """Show the cluster table with its editable names, and the changes that can be made."""
    table, actions = st.columns([7, 5], gap="medium")
    with table:
        _names(state, segmentation)
        _left_out(state, source, segmentation)
    with actions:
        _actions(state, segmentation)


def _names(state: MapsState, segmentation: Segmentation) -> None:
    look = state.look
    rows = pd.DataFrame(
        {
            "cluster": range(segmentation.k),
            "name": look.names,
            "pixels": segmentation.n_pixels,
            _SHARE: 100 * segmentation.n_pixels / segmentation.labels.size,
        }
    )
    cells = [f"background-color: {color}; color: {text_color(color)}" for color in look.palette]
    styled = rows.style.apply(lambda _: cells, subset=["cluster"]).format(
        {_SHARE: "{:.2f}", "pixels": "{:,}"}
    )
    key = f"names_{hash((state.current, look.names))}"
    st.data_editor(
        styled,
        hide_index=True,
        disabled=["cluster", "pixels", _SHARE],
        column_config={
            "name": st.column_config.TextColumn(
                "name (click to edit)", max_chars=40, help="Goes into the exported table and the report."
            )
        },
        key=key,
        on_change=lambda: take_names(state, st.session_state[key]["edited_rows"]),
    )


def _left_out(state: MapsState, source: Source, segmentation: Segmentation) -> None:
    """Say how many pixels belong to no cluster, and why."""
    assert state.current is not None
    dropped = int(dropped_pixels(source, state.current).sum())
    missing = int((segmentation.labels < 0).sum()) - dropped
    size = segmentation.labels.size
    parts = [
        f"{counted(count, 'pixel')} {'was' if count == 1 else 'were'} {why} ({count / size:.2%})"
        for count, why in ((dropped, "dropped"), (missing, "without data"))
        if count
    ]
    if parts:
        st.caption(f"In no cluster: {' and '.join(parts)} of {size:,} pixels of the map.")


def take_names(state: MapsState, edited_rows: dict[int, dict[str, str | None]]) -> None:
    """Rename the clusters whose rows were edited."""
    for row, cells in edited_rows.items():
        if "name" in cells:
            state.rename(int(row), cells["name"] or "")


def text_color(background: str) -> str:
    """Return black or white, whichever is readable on a colour (#rrggbb)."""
    red, green, blue = (int(background[start : start + 2], 16) for start in (1, 3, 5))
    # Luma by ITU-R BT.601; a little above the middle, as white on a medium color reads better than black.
    return "#000000" if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "#FFFFFF"


def _actions(state: MapsState, segmentation: Segmentation) -> None:
    titles = state.look.titles
    clusters = list(range(segmentation.k))
    busy = state.task is not None
    # Cluster numbers change with every segmentation, and so must the widgets that name them.
    shown = hash(state.current)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.multiselect(
            "Merge clusters",
            clusters,
            format_func=lambda number: titles[number],
            key=f"merge_clusters_{shown}",
            placeholder="Choose two or more",
        )
        if st.button("Merge", disabled=busy or len(chosen) < 2, key="merge"):
            _apply(state, Merge(tuple(sorted(chosen))))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        cluster = st.selectbox(
            "Split or drop",
            clusters,
            format_func=lambda number: titles[number],
            key=f"split_cluster_{shown}",
            width=120,
        )
        parts = number_field("Parts", 2, 10, key="split_parts", width=100)
        if st.button("Split", key="split", disabled=busy, help="KMeans among the pixels of this cluster."):
            _apply(state, Split(int(cluster), int(parts)))
        if st.button(
            "Drop",
            key="drop",
            disabled=busy or segmentation.k < 2,
            help="Takes the cluster out: its pixels then belong to none.",
        ):
            _apply(state, Drop(int(cluster)))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        size = number_field(
            "Clean, square of (px)",
            3,
            31,
            3,
            2,
            key="clean_size",
            width=150,
            help="Majority filter: each pixel takes the most frequent cluster in a square of this size "
            "around it, so that speckles vanish. Odd numbers only.",
        )
        if st.button("Clean", key="clean", disabled=busy):
            _apply(state, Clean(int(size)))
        steps = state.current.refine if state.current else ()
        if st.button("Undo", key="undo", disabled=busy or not steps, icon=":material/undo:"):
            _show(state, steps[:-1])
    if steps:
        st.caption("Changes by hand: " + "; ".join(map(step_title, steps)))


def _apply(state: MapsState, step: Refinement) -> None:
    assert state.current is not None
    _show(state, (*state.current.refine, step))


def _show(state: MapsState, steps: tuple[Refinement, ...]) -> None:
    assert state.current is not None
    what = step_title(steps[-1]).capitalize() if steps else "Undoing"
    make(state, replace(state.current, refine=steps), what)
