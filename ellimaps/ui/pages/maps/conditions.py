"""Was the temperature stable meanwhile: a sensor log beside the measurement, and the sentence it gives."""

from __future__ import annotations

import streamlit as st

from ellimaps.core.stack import ImageStack
from ellimaps.sensors.conditions import conditions_of
from ellimaps.sensors.store.logs import open_log
from ellimaps.ui.shared.data_root import inside_root
from ellimaps.ui.shared.widgets import guarded, progress_bar


@st.fragment
def conditions_panel(stack: ImageStack) -> None:
    """Ask for a sensor log below the data root, and say whether it was stable during the acquisition."""
    path = st.text_input(
        "Sensor log",
        key="sensor_log",
        placeholder="a file or folder below the data root",
        persist_state="session",
        help="A CSV or Parquet file of temperatures, or a folder of such. Says whether the temperature was "
        "stable while this was measured.",
    )
    if not path.strip():
        return
    with guarded():
        with progress_bar() as show:
            found = conditions_of(open_log(inside_root(path), show), stack)
        tell = {"stable": st.success, "unstable": st.warning}.get(found.verdict, st.info)
        tell(found.sentence, icon=":material/thermostat:")
