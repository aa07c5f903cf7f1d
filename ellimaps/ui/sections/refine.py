"""Changing a segmentation by hand: names, merge, split, drop, clean, undo."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from ellimaps.refinement import Clean, Drop, Merge, Refinement, Split
from ellimaps.segmentation import Segmentation
from ellimaps.ui.loading import segmented
from ellimaps.ui.state import Look, Session


def refine_controls(state: Session, segmentation: Segmentation) -> None:
    """Show the cluster table with its editable names, and the changes that can be made."""
    st.subheader("Clusters")
    table, actions = st.columns([3, 2], gap="large")
    with table:
        _names(state, segmentation)
    with actions:
        _actions(state, segmentation)


def _names(state: Session, segmentation: Segmentation) -> None:
    total = max(int(segmentation.n_pixels.sum()), 1)
    rows = pd.DataFrame(
        {
            "cluster": range(segmentation.k),
            "name": state.look.names,
            "pixels": segmentation.n_pixels,
            "share (%)": 100 * segmentation.n_pixels / total,
        }
    ).round({"share (%)": 2})
    styled = rows.style.apply(
        lambda _: [f"background-color: {c}" for c in state.look.palette], subset=["cluster"]
    )
    edited = st.data_editor(
        styled,
        hide_index=True,
        disabled=["cluster", "pixels", "share (%)"],
        column_config={"name": st.column_config.TextColumn("name (editable)", max_chars=40)},
        key=f"names_{hash(state.current)}",
    )
    names = tuple(
        str(name).strip() if isinstance(name, str) and name.strip() else str(number)
        for number, name in enumerate(edited["name"])
    )
    if names != state.look.names and state.current is not None:
        state.looks[state.current] = Look(names, state.look.colors)
        st.rerun(scope="fragment")
    missing = int((segmentation.labels < 0).sum())
    if missing:
        st.caption(f"{missing:,} pixels have no data.")


def _actions(state: Session, segmentation: Segmentation) -> None:
    names = state.look.names
    clusters = list(range(segmentation.k))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.multiselect("Merge", clusters, format_func=lambda i: names[i], key="merge_clusters")
        if st.button("Merge", disabled=len(chosen) < 2, key="merge"):
            _apply(state, Merge(tuple(sorted(chosen))))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        cluster = st.selectbox("Split or drop", clusters, format_func=lambda i: names[i], key="split_cluster")
        parts = st.number_input("parts", 2, 10, key="split_parts", width=110)
        if st.button("Split", key="split"):
            _apply(state, Split(int(cluster), int(parts)))
        if st.button("Drop", key="drop", disabled=segmentation.k < 2, help="Turns the cluster into no data."):
            _apply(state, Drop(int(cluster)))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        size = st.number_input("Majority filter (px)", 3, 31, step=2, key="clean_size", width=160)
        if st.button("Clean speckles", key="clean"):
            _apply(state, Clean(int(size)))
        steps = state.current.refine if state.current else ()
        if st.button("Undo", key="undo", disabled=not steps, icon=":material/undo:"):
            _show(state, steps[:-1])
    if steps:
        st.caption("Changes made: " + "; ".join(str(step) for step in steps))


def _apply(state: Session, step: Refinement) -> None:
    assert state.current is not None
    _show(state, (*state.current.refine, step))


def _show(state: Session, steps: tuple[Refinement, ...]) -> None:
    assert state.current is not None
    assert state.source is not None
    settings = replace(state.current, refine=steps)
    segmented(state.source, settings)
    state.keep(settings)
    st.session_state.pop("merge_clusters", None)
    st.rerun()
