"""The choices of a segmentation, and making one."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import streamlit as st

from ellimaps.features import Features, default_features
from ellimaps.ui.loading import load, segmented
from ellimaps.ui.state import Session, go_to, remembered
from ellimaps.ui.widgets import progress_bar


def segment_controls(state: Session) -> None:
    """Show k, features and seed, and segment on request."""
    suggested = [estimate.suggested_k for estimate in state.estimates.values()]
    k = remembered(
        st.number_input, "Clusters k", 2, 30, key="k", default=suggested[-1] if suggested else 5, width=130
    )
    choose_features(state)
    seed = remembered(
        st.number_input,
        "Seed",
        0,
        2**31 - 1,
        key="seed",
        default=0,
        width=110,
        help="The same seed gives the same clusters.",
    )
    state.settings = replace(state.settings, seed=int(seed))
    if st.button("Segment", type="primary", key="segment"):
        make_segmentation(state, int(k))


def choose_features(state: Session) -> None:
    """Show the choice of features."""
    assert state.source is not None
    stack = load(state.source)
    options = list(get_args(Features)) if stack.is_ellipsometric else ["raw", "standard"]
    chosen = remembered(
        st.selectbox,
        "Features",
        options=options,
        key="features",
        default=default_features(stack),
        width=150,
        help="ncs: N, C, S of each wavelength, which do not jump where Delta passes 360 deg. "
        "standard: each map over its standard deviation. raw: degrees as they are.",
    )
    state.settings = replace(state.settings, features=chosen)


def make_segmentation(state: Session, k: int) -> None:
    """Segment with the settings as they stand and show the result."""
    assert state.source is not None
    settings = replace(state.settings, k=k, refine=())
    with progress_bar() as show:
        segmented(state.source, settings, show)
    state.keep(settings)
    go_to("Explore")
    st.rerun()
