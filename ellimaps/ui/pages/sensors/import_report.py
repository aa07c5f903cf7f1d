"""What the open log was taken for, and controls that say otherwise, kept for each log."""

from __future__ import annotations

import streamlit as st

from ellimaps.core.errors import SettingError
from ellimaps.sensors.store.logs import SensorLog
from ellimaps.sensors.store.options import FROM_THE_LOG, ImportOptions
from ellimaps.ui.pages.sensors.state import SensorsState
from ellimaps.ui.shared.markdown import escaped

_FIELDS = {
    "time_column": ("Column of times", "its header"),
    "time_format": ("Times", "dmy, mdy, ymd, epoch_ms, excel"),
    "zone": ("Zone of the lab", "Europe/Berlin"),
    "sensor_columns": ("Columns that tell sensors apart", "room, or none"),
    "value_columns": ("Columns of readings", "their headers"),
    "unit": ("Unit, where none is stated", "degC"),
    "decimal": ("Decimal sign", ". or ,"),
}


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
    label = escaped(log.report.sentence) if log else "Say how the log is written"
    with st.expander(label, icon=":material/fact_check:", expanded=log is None):
        for item in log.report.items if log else ():
            st.markdown(
                f"- **{escaped(item.topic)}**: "
                + escaped(f"{item.taken} ({item.reason})" if item.reason else item.taken)
            )
        with st.form("sensors_said", border=False):
            _fields(location, said)
            # What is said is kept before the page runs again: it would read the log as before first.
            st.form_submit_button(
                "Read again", icon=":material/refresh:", on_click=_say, args=(state, location)
            )


def _fields(location: str, said: ImportOptions) -> None:
    columns = st.columns(4)
    for number, (name, (title, example)) in enumerate(_FIELDS.items()):
        value = getattr(said, name)
        text = ", ".join(value) if isinstance(value, tuple) else value
        columns[number % 4].text_input(title, text, key=_key(name, location), placeholder=example)


def _key(name: str, location: str) -> str:
    return f"sensors_said_{name}_{location}"


def _say(state: SensorsState, location: str) -> None:
    texts = {name: str(st.session_state[_key(name, location)]).strip() for name in _FIELDS}
    several = {
        name: tuple(part.strip() for part in texts.pop(name).split(",") if part.strip())
        for name in ("sensor_columns", "value_columns")
    }
    try:
        state.said[location] = ImportOptions(**texts, **several)  # type: ignore[arg-type]
    except SettingError as error:
        state.message = str(error)
