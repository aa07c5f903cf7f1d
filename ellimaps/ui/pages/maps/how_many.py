"""How many clusters: an estimate in the background, kept until asked for again."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial

import streamlit as st

from ellimaps.maps.clustering.estimation import ClusterEstimate
from ellimaps.maps.pipeline import estimate_of
from ellimaps.maps.settings import Settings
from ellimaps.ui.pages.maps.charts import estimate_charts
from ellimaps.ui.pages.maps.loading import Source, prepared
from ellimaps.ui.pages.maps.segment import choose_features, make_segmentation
from ellimaps.ui.pages.maps.state import MapsState
from ellimaps.ui.shared.controls import whole_range
from ellimaps.ui.shared.tasks import start

_INTRO = """
Press **Estimate** to see how well each number of clusters describes the images: the spread left within
clusters (inertia), how much closer pixels are to their own cluster than to the next (silhouette), and one
suggestion with its reason. If you know how many kinds of region the sample has, go to **Explore**
and segment.
"""


def how_many_tab(state: MapsState, source: Source) -> None:
    """Show the controls and the estimate of these settings, if it was made."""
    settings = _controls(state, source)
    estimate = state.estimates.get(estimate_key(settings))
    if estimate is not None:
        _result(state, estimate)
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
                lambda on_progress: estimate_of(
                    prepared(source, settings, on_progress), settings, on_progress
                ),
                partial(state.keep_estimate, estimate_key(settings)),
            )
    return settings


def _result(state: MapsState, estimate: ClusterEstimate) -> None:
    k = estimate.suggested_k
    text, button = st.columns([5, 1], vertical_alignment="center")
    text.success(f"**Suggested: {k} clusters.** {estimate.reason}", icon=":material/lightbulb:")
    if button.button(
        f"Segment, k = {k}", type="primary", key="take_k", width="stretch", disabled=state.task is not None
    ):
        st.session_state["k"] = k
        make_segmentation(state, k)
    charts = estimate_charts(estimate)
    for column, chart in zip(st.columns(2) * 2, charts, strict=True):
        column.altair_chart(chart)
    with st.expander("The numbers"):
        st.dataframe(
            estimate.table.rename(
                columns={
                    "silhouette_se": "silhouette, standard error",
                    "calinski_harabasz": "Calinski-Harabasz",
                    "seconds": "time (s)",
                }
            ),
            hide_index=True,
        )
