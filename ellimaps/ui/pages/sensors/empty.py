"""What the page shows before a log is chosen."""

from __future__ import annotations

import streamlit as st

from ellimaps.ui.pages.sensors.logs import EXAMPLE
from ellimaps.ui.shared.data_root import data_root
from ellimaps.ui.shared.markdown import escaped

_ONE = """log.csv
├ time              room [°C]  instrument [°C]
│ 2025-01-31 14:05  21.3       22.8
└ 2025-01-31 14:10  21.4       22.8"""
_LONG = """log.csv
├ region  source_id  sensor_name  datetime          sensor_value
│ Europe  E1         room         2025-01-31 14:05  21.3
└ Europe  E2         room         2025-01-31 14:05  20.9"""
_SEVERAL = """lab/
├ 2025-01-30.csv
├ 2025-01-31.csv
└ 2025-02-01.csv    one log"""


def empty_page() -> None:
    """Say what the page is for, draw what it reads, and offer an example."""
    st.markdown(
        "A log of temperatures or other readings says here whether a room was stable, what was unusual, and "
        f"what comes next. Logs are looked for below `{escaped(data_root().name)}`; CSV and Parquet are read."
    )
    layouts = (
        ("A column for each sensor", _ONE),
        ("A line for each reading", _LONG),
        ("A folder of files", _SEVERAL),
    )
    with st.container(horizontal=True):
        for title, drawing in layouts:
            with st.container(width="content"):
                st.caption(title)
                st.code(drawing, language=None)
    st.button(
        "Open the generated example",
        icon=":material/science:",
        type="primary",
        key="sensors_example",
        on_click=_open_example,
    )


def _open_example() -> None:
    st.session_state["sensors_typed"] = EXAMPLE
