"""How the score grows with the labels, and what further ones would bring."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from ellimaps.classify import Labels
from ellimaps.classify.further_labels import learning_curve
from ellimaps.ui.pages.classify.charts import curve_chart
from ellimaps.ui.pages.classify.state import ClassifyState
from ellimaps.ui.shared.charts import show_chart
from ellimaps.ui.shared.tasks import start
from ellimaps.ui.shared.widgets import csv_download, guarded
from ellimaps.ui.shared.worker import in_worker

_LINE = (
    " Line: an inverse power law through them (Cortes et al. 1993, Figueroa et al. 2012); at its end what "
    "the further labels would bring, with 95 % limits."
)


def curve_panel(state: ClassifyState, folder: Path, labels: Callable[[], Labels]) -> None:
    """Show the button for the learning curve, and the curve; labels are read when it is pressed."""
    title = "Learning curve: what would further labels bring?"
    with st.expander(title, icon=":material/trending_up:"), guarded():
        if st.button(
            "Draw the learning curve",
            key="train_curve",
            disabled=state.task is not None,
            help="Trains on growing shares of the labels and asks about images held out: some ten seconds.",
        ):
            work = in_worker(learning_curve, folder, labels(), 0)
            start(state, "Learning curve", work, lambda found: state.take_curve(folder, found))
        if state.curve is None or state.curve[0] != folder:
            return
        curve = state.curve[1]
        (st.info if curve.unknown else st.success)(curve.words)
        if curve.points.empty:
            return
        show_chart(curve_chart(curve))
        st.caption(
            "Points: product of the recalls of images held out, with its 95 % limits for new images."
            + ("" if curve.unknown else _LINE)
        )
        csv_download("Learning curve (CSV)", "learning_curve.csv", curve.points, key="train_curve_csv")
