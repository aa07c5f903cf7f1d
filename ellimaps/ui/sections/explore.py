"""Exploring a segmentation: linked maps, clustershots, regions of interest."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from ellimaps.plots import contrast_limits
from ellimaps.regions import Region, next_region_name, region_spectrum
from ellimaps.segmentation import Segmentation
from ellimaps.stack import DELTA, band_label, wrap_degrees
from ellimaps.ui.charts import cluster_bars, histogram, spectra_chart
from ellimaps.ui.loading import Source
from ellimaps.ui.sections.refine import refine_controls
from ellimaps.ui.state import Session, remembered
from ellimaps.ui.viewer import MapPanel, map_viewer
from ellimaps.ui.widgets import contrast_percentiles, position_slider, step_position

MAP_KINDS = {
    "raw": "measured",
    "labels": "clusters",
    "segmented": "segmented",
    "over_raw": "cluster over measured",
    "over_segmented": "cluster over segmented",
    "difference": "measured minus segmented",
    "distance": "distance to centre",
}


@st.fragment
def explore_section(state: Session, source: Source) -> None:
    """Show the maps and spectra of the segmentation shown."""
    segmentation = state.shown()
    if segmentation is None:
        st.info("Nothing is segmented yet: choose k above and press Segment, or let the estimate suggest it.")
        return
    controls = st.columns([3, 2, 4], vertical_alignment="bottom")
    with controls[0]:
        bands = position_slider(segmentation.stack)
    with controls[1]:
        cluster = _cluster_slider(state, segmentation)
    with controls[2]:
        kinds = remembered(
            st.pills,
            "Maps",
            options=list(MAP_KINDS),
            selection_mode="multi",
            format_func=lambda kind: MAP_KINDS[kind],
            key="map_kinds",
            default=["raw", "labels"],
        )
    _maps(state, source, segmentation, bands, cluster, kinds or ["labels"])
    _spectra(state, segmentation, cluster)
    _distributions(state, segmentation, bands, cluster)
    refine_controls(state, segmentation)


def _cluster_slider(state: Session, segmentation: Segmentation) -> int:
    if segmentation.k == 1:
        return 0
    names = state.look.names
    chosen = remembered(
        st.select_slider,
        "Cluster",
        options=list(range(segmentation.k)),
        format_func=lambda number: names[number],
        key="cluster",
        default=0,
    )
    return int(chosen)


def _maps(
    state: Session,
    source: Source,
    segmentation: Segmentation,
    bands: list[int],
    cluster: int,
    kinds: list[str],
) -> None:
    with st.popover("View", icon=":material/tune:"):
        percentiles = contrast_percentiles()
        size = remembered(
            st.number_input,
            "Pixel size (µm, 0 = not known)",
            0.0,
            1000.0,
            step=0.1,
            key=f"pixel_size_{source.fingerprint}",
            default=segmentation.stack.pixel_size_um or 0.0,
            help="Width of a pixel; draws a scale bar.",
        )
    stack = segmentation.stack
    map_viewer(
        [panel for kind in kinds for panel in _panels(segmentation, kind, bands, percentiles)],
        source=f"{source.fingerprint} {stack.shape}",
        aspect=stack.pixel_aspect,
        labels=segmentation.labels,
        filled=np.any(stack.filled[bands], axis=0),
        palette=state.look.palette,
        names=state.look.names,
        highlight=cluster,
        regions=[{"name": region.name, "vertices": region.vertices} for region in state.regions],
        pixel_size_um=size or None,
        key="maps",
        on_step=lambda: step_position(stack, st.session_state["maps"]["step"]),
        on_region=lambda: _draw_region(state, st.session_state["maps"]["region"]),
    )


def _panels(
    segmentation: Segmentation, kind: str, bands: list[int], percentiles: tuple[float, float]
) -> list[MapPanel]:
    if kind == "labels":
        return [MapPanel("Clusters")]
    if kind == "distance":
        distance = segmentation.distances()
        return [MapPanel("Distance to centre", distance, "", contrast_limits(distance, percentiles))]
    return [_band_panel(segmentation, kind, band, percentiles) for band in bands]


def _band_panel(
    segmentation: Segmentation, kind: str, band: int, percentiles: tuple[float, float]
) -> MapPanel:
    stack = segmentation.stack
    row = stack.bands.iloc[band]
    measured = stack.values[band]
    image: NDArray[np.float32] = measured if "raw" in kind else segmentation.segmented_band(band)
    limits = contrast_limits(measured, percentiles)
    if kind == "difference":
        image = measured - image
        if row["quantity"] == DELTA:
            image = wrap_degrees(image)
        limits = contrast_limits(image, percentiles)
    return MapPanel(
        f"{band_label(row)}, {MAP_KINDS[kind]}",
        image.astype(np.float32),
        str(row["unit"]),
        limits,
        overlay=kind.startswith("over_"),
        show_filled=kind == "raw",
    )


def _draw_region(state: Session, drawn: dict[str, object] | None) -> None:
    if not drawn:
        return
    vertices = tuple((float(x), float(y)) for x, y in drawn["vertices"])  # type: ignore[attr-defined]
    kept = [region for region in state.regions if region.name in state.memory.get("kept_regions", set())]
    state.regions = [*kept, Region(next_region_name(kept), str(drawn["kind"]), vertices)]  # type: ignore[arg-type]


def _spectra(state: Session, segmentation: Segmentation, cluster: int) -> None:
    stack, shots = segmentation.stack, segmentation.clustershots()
    regions = _region_spectra(state, segmentation)
    for column, quantity in zip(st.columns(len(stack.quantities)), stack.quantities, strict=True):
        column.altair_chart(
            spectra_chart(
                shots,
                stack,
                quantity,
                names=state.look.names,
                palette=state.look.palette,
                selected=cluster,
                regions=regions,
            )
        )
    _region_controls(state)


def _region_spectra(state: Session, segmentation: Segmentation) -> pd.DataFrame | None:
    inside = [region for region in state.regions if region.mask(segmentation.stack.shape).any()]
    if not inside:
        return None
    return pd.concat([region_spectrum(segmentation.stack, region) for region in inside])


def _region_controls(state: Session) -> None:
    kept: set[str] = state.memory.setdefault("kept_regions", set())
    for region in list(state.regions):
        with st.container(horizontal=True, vertical_alignment="center"):
            where = ", ".join(f"({x:.0f}, {y:.0f})" for x, y in region.vertices[:4])
            more = " ..." if len(region.vertices) > 4 else ""
            status = (
                "in the export" if region.name in kept else "dashed above; the next one drawn replaces it"
            )
            st.markdown(f"**{region.name}**: {region.kind} at {where}{more}, {status}")
            if region.name not in kept and st.button("Add to the export", key=f"keep_{region.name}"):
                kept.add(region.name)
                st.rerun(scope="fragment")
            if st.button("Remove", key=f"remove_{region.name}"):
                kept.discard(region.name)
                state.regions = [other for other in state.regions if other != region]
                st.rerun(scope="fragment")


def _distributions(state: Session, segmentation: Segmentation, bands: list[int], cluster: int) -> None:
    with st.expander("Distributions: clusters by size, and the values inside the chosen cluster"):
        for band in bands:
            row = segmentation.stack.bands.iloc[band]
            label = f"{band_label(row)} ({row['unit']})" if row["unit"] else band_label(row)
            left, right = st.columns(2)
            left.altair_chart(
                cluster_bars(
                    segmentation.means[:, band],
                    segmentation.n_pixels,
                    label,
                    state.look.names,
                    state.look.palette,
                )
            )
            inside = (segmentation.labels == cluster) & segmentation.stack.measured_band(band)
            values = segmentation.stack.values[band][inside].astype(np.float64)
            title = f"{label} in cluster {state.look.names[cluster]}"
            right.altair_chart(histogram(values, title, state.look.palette[cluster]))
