"""How many clusters: an estimate in the background, kept until asked for again."""

from __future__ import annotations

from dataclasses import asdict, replace

import streamlit as st

from ellimaps.pipeline import Settings, estimate_of
from ellimaps.ui.charts import estimate_charts
from ellimaps.ui.jobs import Job
from ellimaps.ui.loading import Source, prepared
from ellimaps.ui.sections.segment import choose_features, make_segmentation
from ellimaps.ui.state import Session, remembered

_POLL_S = 0.3


def estimate_section(state: Session, _source: Source) -> None:
    """Show the controls, the running estimate and the last result."""
    settings = _controls(state)
    if state.job is not None:
        _running(state)
        return
    estimate = state.estimates.get(estimate_key(settings))
    if estimate is None:
        _nothing_yet(state)
        return
    k = estimate.suggested_k
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"**Suggested: {k} clusters.** {estimate.reason}")
        if st.button(f"Segment with k = {k}", type="primary", key="take_k"):
            state.memory["k"] = k
            st.session_state.pop("k", None)
            make_segmentation(state, k)
    charts = estimate_charts(estimate)
    for column, chart in zip(st.columns(2) * 2, charts, strict=True):
        column.altair_chart(chart)
    with st.expander("Table"):
        st.dataframe(estimate.table, hide_index=True)


def estimate_key(settings: Settings) -> str:
    """Return what an estimate depends on, as text."""
    irrelevant = ("k", "refine", "names", "regions")
    return repr({key: value for key, value in asdict(settings).items() if key not in irrelevant})


def _controls(state: Session) -> Settings:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        low, high = remembered(st.slider, "Range of k", 2, 30, key="k_range", default=(2, 10), width=340)
        choose_features(state)
        state.settings = settings = replace(state.settings, k_min=int(low), k_max=int(high))
        if state.job is None and st.button("Estimate", type="primary", key="estimate"):
            _start(state, settings)
    return settings


def _start(state: Session, settings: Settings) -> None:
    assert state.source is not None
    stack = prepared(state.source, settings)
    state.job_key = estimate_key(settings)
    state.memory.pop("job_message", None)
    state.job = Job(lambda on_progress: estimate_of(stack, settings, on_progress))
    state.job.wait(_POLL_S)
    st.rerun()


@st.fragment(run_every=_POLL_S)
def _running(state: Session) -> None:
    job = state.job
    if job is None:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(job.fraction, f"{job.what}: {job.done} of {job.total}")
        if st.button("Stop", key="stop", icon=":material/stop_circle:"):
            job.stop()
    if not job.running:
        if job.result is not None:
            state.estimates[state.job_key] = job.result
        state.memory["job_message"] = job.error
        state.job = None
        st.rerun()


def _nothing_yet(state: Session) -> None:
    if message := state.memory.get("job_message"):
        st.warning(message)
    elif state.estimates:
        st.info("The last estimate was made with other settings. Press Estimate to make it with these.")
    else:
        st.info("Press Estimate to see how well each number of clusters describes the maps.")
