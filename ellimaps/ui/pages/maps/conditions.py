"""Was the temperature stable meanwhile: a sensor log beside the measurement, and the sentence it gives."""

from __future__ import annotations

import streamlit as st

from ellimaps.core.stack import ImageStack
from ellimaps.sensors.conditions import conditions_of
from ellimaps.sensors.store.logs import open_log
from ellimaps.sensors.store.options import ImportOptions
from ellimaps.ui.shared.data_root import inside_root
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.widgets import guarded, progress_bar


@st.fragment
def conditions_panel(stack: ImageStack) -> None:
    """Ask for a sensor log below the data root, and say whether it was stable during the acquisition."""
    path = st.text_input(
        "Sensor log",
        **kept("sensor_log"),
        placeholder="a file or folder below the data root",
        help="A CSV or Parquet file of temperatures, or a folder of such. Says whether the temperature was "
        "stable while this was measured.",
    )
    if not path.strip():
        return
    zone = st.text_input(
        "Zone of the lab",
        **kept("sensor_log_zone"),
        placeholder="as the log states",
        help="As Europe/Berlin: needed where the log or the measurement does not state its zone.",
    )
    with guarded():
        with progress_bar() as show:
            log = open_log(inside_root(path), show, ImportOptions(zone=zone.strip()))
            found = conditions_of(log, stack)
        st.caption(escaped(log.report.sentence))
        tell = {"stable": st.success, "unstable": st.warning}.get(found.verdict, st.info)
        tell(escaped(found.sentence), icon=":material/thermostat:")
