"""How many clusters: an estimate in the background, kept until asked for again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any, Literal

import streamlit as st

from ellimaps.core.colors import CLUSTER_COLORS
from ellimaps.core.numbers import number_text
from ellimaps.core.progress import Progress
from ellimaps.maps.clustering.estimation import ClusterEstimate
from ellimaps.maps.comparison import match_clusters
from ellimaps.maps.pipeline import estimate_of
from ellimaps.maps.segmentation import Segmentation
from ellimaps.maps.settings import Settings
from ellimaps.ui.components.viewer import MapPanel, MapScene, map_viewer
from ellimaps.ui.pages.maps.estimate_charts import estimate_charts
from ellimaps.ui.pages.maps.loading import Source, prepared, segmented
from ellimaps.ui.pages.maps.segment import choose_features, make_segmentation
from ellimaps.ui.pages.maps.state import MapsState, matched_colors
from ellimaps.ui.shared.charts import show_chart
from ellimaps.ui.shared.controls import whole_range
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.tasks import start

_INTRO = """
Press **Estimate** for a suggestion with its reason, and to see how well each number of clusters describes the
images: the spread left within clusters (inertia), how much closer pixels are to their own cluster than to the
next (silhouette). If you know how many kinds of region the sample has, go to **Explore**
and segment.
"""


def how_many_tab(state: MapsState, source: Source) -> None:
    """Show the controls and the estimate of these settings, if it was made."""
    settings = _controls(state, source)
    estimate = state.estimates.get(estimate_key(settings))
    if estimate is not None:
        _result(state, source, estimate)
    elif state.task is None:
        st.info(
            "The estimates made so far are for other settings, and are kept: press Estimate for these."
            if state.estimates
            else _INTRO
        )


def estimate_key(settings: Settings) -> str:
    """Return what an estimate depends on, as text."""
    irrelevant = ("k", "refine", "names", "regions")
    return repr({key: value for key, value in asdict(settings).items() if key not in irrelevant})


def _controls(state: MapsState, source: Source) -> Settings:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        low, high = whole_range("k_min", "k_max", key="k_range", width=340)
        choose_features(state)
        state.settings = settings = replace(state.settings, k_min=low, k_max=high)
        if st.button("Estimate", type="primary", key="estimate", disabled=state.task is not None):
            start(
                state,
                "Estimating",
                lambda on_progress: _estimated(source, settings, on_progress),
                partial(state.keep_estimate, estimate_key(settings)),
            )
    return settings


def _estimated(source: Source, settings: Settings, on_progress: Progress) -> ClusterEstimate:
    """Estimate, and make both segmentations where two numbers can be defended."""
    estimate = estimate_of(prepared(source, settings, on_progress), settings, on_progress)
    if estimate.alternative_k is not None:
        for k in (estimate.suggested_k, estimate.alternative_k):
            segmented(source, replace(settings, k=k, refine=()), on_progress)
    return estimate


def _result(state: MapsState, source: Source, estimate: ClusterEstimate) -> None:
    k, other = estimate.suggested_k, estimate.alternative_k
    text, choice = st.columns([5, 1], vertical_alignment="center")
    reason = escaped(estimate.reason)
    if estimate.kinds > 1:
        text.success(f"**Suggested: {k} clusters.** {reason}", icon=":material/lightbulb:")
    else:
        text.warning(f"**No number is suggested.** {reason}", icon=":material/question_mark:")
    with choice:
        _take(state, k, "primary")
    if other is not None:
        text, choice = st.columns([5, 1], vertical_alignment="center")
        text.info(
            f"**Or {other} clusters.** {escaped(estimate.alternative_reason)}", icon=":material/alt_route:"
        )
        with choice:
            _take(state, other, "secondary")
        _side_by_side(state, source, k, other)
    for remark in estimate.remarks:
        st.warning(escaped(remark), icon=":material/info:")
    charts = estimate_charts(estimate)
    for column, chart in zip(st.columns(2) * 2, charts, strict=True):
        with column:
            show_chart(chart)
    with st.expander("The numbers"):
        table = estimate.table.rename(
            columns={
                "silhouette_se": "silhouette, standard error",
                "calinski_harabasz": "Calinski-Harabasz",
                "seconds": "time (s)",
            }
        )
        as_read: Any = number_text
        st.dataframe(table.style.format(as_read), hide_index=True)


def _take(state: MapsState, k: int, look: Literal["primary", "secondary"]) -> None:
    busy = state.task is not None
    if st.button(f"Segment, k = {k}", type=look, key=f"take_{k}", width="stretch", disabled=busy):
        st.session_state["k"] = k
        make_segmentation(state, k)


def _side_by_side(state: MapsState, source: Source, first_k: int, second_k: int) -> None:
    """Show the maps of two numbers of clusters; clusters of the second have colors of those they overlap."""
    first, second = (segmented(source, replace(state.settings, k=k, refine=())) for k in (first_k, second_k))
    colors = matched_colors(match_clusters(first, second), second_k)
    panels = [
        _clusters(first, f"k = {first_k}, suggested", range(first_k)),
        _clusters(second, f"k = {second_k}", colors),
    ]
    scene = MapScene(
        panels, source=f"{source.fingerprint} {state.settings.roi}", aspect=first.stack.pixel_aspect
    )
    map_viewer(scene, key="both_maps")


def _clusters(segmentation: Segmentation, title: str, colors: Sequence[int]) -> MapPanel:
    palette = tuple(CLUSTER_COLORS[color] for color in colors)
    names = tuple(map(str, range(segmentation.k)))
    return MapPanel(title, labels=segmentation.labels, palette=palette, names=names)
