"""Two segmentations side by side."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from ellimaps.maps.comparison import Comparison, compare
from ellimaps.maps.settings import Settings
from ellimaps.ui.components.viewer import MapPanel, MapScene, map_viewer
from ellimaps.ui.pages.maps.loading import Source, segmented
from ellimaps.ui.pages.maps.readings import labels_shown
from ellimaps.ui.pages.maps.segment import segmentation_title
from ellimaps.ui.pages.maps.state import MapsState
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import kept


def compare_tab(state: MapsState, source: Source) -> None:
    """Show two of the segmentations made, their agreement, and what was split."""
    if len(state.kept) < 2:
        st.info("Segment at least twice, for instance with k = 4 and with k = 5, to compare the two.")
        return
    first, second = _choose(state)
    if first == second:
        st.info("These are the same segmentation: choose two that differ.")
        return
    both = [segmented(source, settings) for settings in (first, second)]
    if both[0].labels.shape != both[1].labels.shape:
        st.warning("Their images differ in size (region of interest or binning): they cannot be compared.")
        return
    comparison = compare(*both)
    looks = [state.looks[settings] for settings in (first, second)]
    maps, facts = st.columns([7, 4], gap="medium")
    with maps:
        scene = MapScene(
            [
                MapPanel(
                    segmentation_title(settings),
                    labels=labels_shown(source, settings),
                    palette=tuple(look.palette),
                    names=tuple(look.titles),
                )
                for settings, look in zip((first, second), looks, strict=True)
            ],
            source=f"{source.fingerprint} {first.roi}",
            aspect=both[0].stack.pixel_aspect,
        )
        map_viewer(scene, key="compare_maps")
    with facts:
        _facts(comparison)
    st.caption("Pixels shared: rows are clusters of the first, columns of the second")
    overlap = pd.DataFrame(comparison.overlap, index=looks[0].titles, columns=looks[1].titles)
    st.dataframe(overlap.style.format("{:,}"))


def _choose(state: MapsState) -> tuple[Settings, Settings]:
    """Let the user choose two, at first the last two made."""
    first, second = (
        column.selectbox(
            label,
            state.kept,
            len(state.kept) - from_the_end,
            format_func=segmentation_title,
            **kept(f"compare_{label.lower()}"),
        )
        for column, label, from_the_end in zip(st.columns(2), ("First", "Second"), (2, 1), strict=True)
    )
    return first, second


def _facts(comparison: Comparison) -> None:
    st.metric(
        "Agreement (adjusted Rand index)",
        f"{comparison.adjusted_rand:.4f}",
        help="1: the same clusters; about 0: unrelated. Over pixels that have a cluster in both.",
    )
    st.markdown("\n".join(f"- {escaped(sentence)}" for sentence in comparison.sentences()))
