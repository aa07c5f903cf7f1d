"""What the open log was taken for, and controls that say otherwise, kept for each log."""

from __future__ import annotations

import streamlit as st

from ellimaps.core.errors import SettingError
from ellimaps.sensors.store.logs import SensorLog
from ellimaps.sensors.store.options import FROM_THE_LOG, ImportOptions
from ellimaps.ui.pages.sensors.state import SensorsState


def import_panel(state: SensorsState, location: str, log: SensorLog | None) -> None:
    """Show the report of a log, and what can be said of it; without one, after a question, open.

    Parameters
    ----------
    state : SensorsState
        Of the page and user.
    location : str
        Path or URL of the log.
    log : SensorLog, optional
        The log, if it could be read.
    """
    said = state.said.get(location, FROM_THE_LOG)
    label = log.report.sentence if log else "Say how the log is written"
    with st.expander(label, icon=":material/fact_check:", expanded=log is None):
        for item in log.report.items if log else ():
            st.markdown(f"- **{item.topic}**: {item.taken}" + (f" ({item.why})" if item.why else ""))
        with st.form("sensors_said", border=False):
            answers = _answers(location, said)
            if st.form_submit_button("Read again", icon=":material/refresh:"):
                _say(state, location, answers)


def _answers(location: str, said: ImportOptions) -> dict[str, str]:
    fields = {
        "time_column": ("Column of times", said.time_column, "its header"),
        "time_format": ("Times", said.time_format, "dmy, mdy, ymd, epoch_ms, excel"),
        "zone": ("Zone of the lab", said.zone, "Europe/Berlin"),
        "sensor_columns": (
            "Columns that tell sensors apart",
            ", ".join(said.sensor_columns),
            "room, or none",
        ),
        "value_columns": ("Columns of readings", ", ".join(said.value_columns), "their headers"),
        "unit": ("Unit, where none is stated", said.unit, "degC"),
        "decimal": ("Decimal sign", said.decimal, ". or ,"),
    }
    columns = st.columns(4)
    return {
        name: columns[number % 4].text_input(
            title, value, key=f"sensors_said_{name}_{hash(location)}", placeholder=example
        )
        for number, (name, (title, value, example)) in enumerate(fields.items())
    }


def _say(state: SensorsState, location: str, answers: dict[str, str]) -> None:
    several = {
        name: tuple(part.strip() for part in answers[name].split(",") if part.strip())
        for name in ("sensor_columns", "value_columns")
    }
    single = {name: text.strip() for name, text in answers.items() if name not in several}
    try:
        state.said[location] = ImportOptions(**single, **several)  # type: ignore[arg-type]
    except SettingError as error:
        st.error(str(error), icon=":material/error:")
        return
    state.message = ""
    st.rerun()
