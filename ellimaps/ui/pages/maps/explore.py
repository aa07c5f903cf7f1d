"""Exploring a segmentation: linked maps beside clustershots, and the values of its clusters."""

from __future__ import annotations

import json
from itertools import product

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from ellimaps.core.abscissa import time_axis
from ellimaps.core.angles import wrap_degrees
from ellimaps.core.numbers import shown_unit, titled
from ellimaps.core.stack import DELTA, band_label
from ellimaps.images.intensities import channels_of
from ellimaps.maps.segmentation import Segmentation
from ellimaps.maps.settings import Settings
from ellimaps.ui.components.viewer import MapPanel, MapScene, map_viewer
from ellimaps.ui.pages.maps.charts import spectra_chart
from ellimaps.ui.pages.maps.contrast import Contrast, contrast_control
from ellimaps.ui.pages.maps.delta_turn import on_turn, turn_sentence
from ellimaps.ui.pages.maps.histograms import cluster_bars, histogram
from ellimaps.ui.pages.maps.levels import has_one_level, levels_chart
from ellimaps.ui.pages.maps.loading import Source, distances
from ellimaps.ui.pages.maps.readings import labels_shown, lowest_delta
from ellimaps.ui.pages.maps.refine import refine_controls
from ellimaps.ui.pages.maps.regions import (
    draw_region,
    region_colors,
    region_controls,
    region_spectra,
    shown_regions,
)
from ellimaps.ui.pages.maps.segment import pending_changes
from ellimaps.ui.pages.maps.sliders import (
    band_slider,
    band_slider_label,
    cluster_slider,
    follow_band_slider,
    move_band_slider,
    move_cluster_slider,
)
from ellimaps.ui.pages.maps.state import MapsState
from ellimaps.ui.shared.cache import MEGABYTE, BoundedCache
from ellimaps.ui.shared.charts import chart_specification, show_chart
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.widgets import guarded

MAP_KINDS = {
    "raw": "measured",
    "labels": "clusters",
    "segmented": "segmented",
    "over_raw": "cluster over measured",
    "over_segmented": "cluster over segmented",
    "difference": "difference",
    "distance": "distance to centre",
}
# Altair takes a tenth of a second for a chart that a move of the wavelength does not change.
_CHARTS: BoundedCache[str] = BoundedCache(64 * MEGABYTE, len)


@st.fragment
def explore_tab(state: MapsState, source: Source) -> None:
    """Show the maps and spectra of the segmentation shown."""
    with guarded():
        segmentation = state.shown()
        if segmentation is None or state.current is None:
            st.info(
                "Nothing is segmented yet: choose k above and press **Segment**, "
                "or let **How many?** suggest a number."
            )
            return
        if changed := pending_changes(state):
            st.caption(f":material/info: Changed since this segmentation was made: {changed}. Press Segment.")
        _explore(state, source, state.current, segmentation)


def _explore(state: MapsState, source: Source, settings: Settings, segmentation: Segmentation) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        position, bands = band_slider(segmentation.stack)
        cluster = cluster_slider(state.look.titles)
        contrast = contrast_control(source, settings, segmentation.stack)
    kinds = st.pills(
        "Maps",
        list(MAP_KINDS),
        selection_mode="multi",
        default=["raw", "labels"],
        format_func=lambda kind: MAP_KINDS[kind],
        **kept("map_kinds"),
        label_visibility="collapsed",
        wrap=True,
        help="segmented: each pixel has its cluster's mean. cluster over ...: the chosen one is outlined. "
        "difference: measured minus segmented. distance to centre: how well each pixel fits its cluster.",
    )
    with st.container(key="explore_split"):
        maps, spectra = st.columns([7, 4], gap="medium")
    with maps, guarded():
        panels = [
            panel
            for kind in kinds or ["labels"]
            for panel in _panels(source, settings, segmentation, kind, bands, contrast)
        ]
        stack = segmentation.stack
        scene = MapScene(
            panels,
            source=f"{source.fingerprint} {stack.history[-1]['roi']}",
            aspect=stack.pixel_aspect,
            labels=labels_shown(source, settings),
            palette=state.look.palette,
            names=state.look.titles,
            highlight=cluster,
            regions=shown_regions(state),
            region_colors=region_colors(shown_regions(state)),
            pixel_size_um=stack.pixel_size_um,
            position=position,
            slider=band_slider_label(stack),
        )
        map_viewer(
            scene,
            key="maps",
            on_step=lambda target: move_band_slider(stack, target),
            on_drag=follow_band_slider,
            on_region=lambda drawn: draw_region(state, drawn),
            on_cluster=lambda number: move_cluster_slider(segmentation.k, number),
        )
    with spectra, guarded():
        _spectra(state, source, segmentation, cluster, bands)
    with guarded():
        region_controls(state, source, bands)
        refine_controls(state, source, segmentation)
        _distributions(state, source, segmentation, bands, cluster)


def _panels(
    source: Source,
    settings: Settings,
    segmentation: Segmentation,
    kind: str,
    bands: list[int],
    contrast: Contrast,
) -> list[MapPanel]:
    if kind == "labels":
        return [MapPanel("Clusters")]
    if kind == "distance":
        distance = distances(source, settings)
        limits = contrast.limits(distance)
        return [MapPanel("Distance to centre (in features)", distance, "", limits)]
    lowest = lowest_delta(source, settings)
    return [_band_panel(segmentation, kind, band, contrast, lowest) for band in bands]


def _band_panel(
    segmentation: Segmentation, kind: str, band: int, contrast: Contrast, lowest: float
) -> MapPanel:
    stack = segmentation.stack
    row = stack.bands.iloc[band]
    measured = on_turn(stack.values[band], row["quantity"], lowest)
    image: NDArray[np.float32] = measured if "raw" in kind else segmentation.segmented_band(band)
    image = on_turn(image, row["quantity"], lowest)
    limits = contrast.limits(measured, row["quantity"])
    if kind == "difference":
        image = measured - image
        if row["quantity"] == DELTA:
            image = wrap_degrees(image)
        farthest = max(map(abs, contrast.limits(image)))
        limits = -farthest, farthest
    return MapPanel(
        f"{band_label(row)}, {MAP_KINDS[kind]}",
        image.astype(np.float32, copy=False),
        shown_unit(row["unit"]),
        limits,
        overlay=kind.startswith("over_"),
        diverging=kind == "difference",
        filled=stack.filled[band] if kind == "raw" else None,
    )


def _spectra(
    state: MapsState, source: Source, segmentation: Segmentation, cluster: int, bands: list[int]
) -> None:
    stack = segmentation.stack
    regions = region_spectra(state, source, stack.shape)
    assert state.current is not None
    lowest = lowest_delta(source, state.current)
    if has_one_level(stack):
        for quantity in stack.quantities:
            show_chart(
                levels_chart(
                    segmentation.clustershots(),
                    stack,
                    quantity,
                    names=state.look.titles,
                    palette=state.look.palette,
                    regions=regions,
                    lowest_delta=lowest,
                )
            )
        return
    # Over time every channel has a chart of its own, as every quantity has over wavelength.
    over_time = time_axis(stack) is not None
    channels: list[str | None] = [*channels_of(stack)["channel"]] if over_time else [None]
    for quantity, channel in product(stack.quantities, channels):

        def draw(quantity: str = quantity, channel: str | None = channel) -> str:
            chart = spectra_chart(
                segmentation.clustershots(),
                stack,
                quantity,
                names=state.look.titles,
                palette=state.look.palette,
                selected=cluster,
                regions=regions,
                channel=channel,
                shown=bands,
                lowest_delta=lowest,
            )
            return json.dumps(chart_specification(chart))

        look = (state.current, state.look, cluster, tuple(bands), tuple(shown_regions(state)))
        drawn = (source, quantity, channel, *look)
        show_chart(json.loads(_CHARTS.get(drawn, draw)))
    if DELTA in stack.quantities:
        st.caption(turn_sentence(lowest))


def _distributions(
    state: MapsState, source: Source, segmentation: Segmentation, bands: list[int], cluster: int
) -> None:
    # A toggle and not an expander: what an expander hides is drawn at every slider move all the same.
    if not st.toggle(
        "Distributions",
        **kept("distributions"),
        help="Clusters by value and size, and the measured values inside the chosen cluster.",
    ):
        return
    assert state.current is not None
    lowest = lowest_delta(source, state.current)
    for band in bands:
        row = segmentation.stack.bands.iloc[band]
        label = titled(band_label(row), row["unit"])
        left, right = st.columns(2)
        means = on_turn(segmentation.means[:, band], row["quantity"], lowest)
        with left:
            show_chart(
                cluster_bars(means, segmentation.n_pixels, label, state.look.titles, state.look.palette)
            )
        inside = (segmentation.labels == cluster) & segmentation.stack.measured_band(band)
        measured = segmentation.stack.values[band][inside].astype(np.float64)
        values = on_turn(measured, row["quantity"], lowest)
        title = f"Measured values in cluster {state.look.titles[cluster]}"
        with right:
            show_chart(histogram(values, label, title, state.look.palette[cluster]))
