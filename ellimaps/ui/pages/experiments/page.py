"""The Experiments page: a tree is run, and what a batch found is shown by sample and group."""

from __future__ import annotations

import streamlit as st

from ellimaps.ui.pages.experiments.folders import choose_folder
from ellimaps.ui.pages.experiments.prepare import prepare
from ellimaps.ui.pages.experiments.results import show_results
from ellimaps.ui.pages.experiments.state import ExperimentsState
from ellimaps.ui.shared.data_root import data_root
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import page_state
from ellimaps.ui.shared.tasks import page_run, work_panel


def render() -> None:
    """Show the page."""
    state = page_state(ExperimentsState)
    with page_run(state):
        choice = choose_folder(state)
        work_panel(state)
        if choice is None:
            _empty()
        elif choice.results is not None:
            show_results(state, choice.results)
        else:
            prepare(state, choice)


def _empty() -> None:
    st.info(
        f"There is nothing to run below {escaped(data_root().name)} yet: put folders of maps or of "
        "fluorescence images there. `ellimaps sample ep4 DIR` and `ellimaps sample cells DIR` write some.",
        icon=":material/science:",
    )
