"""What several tabs of the page Sensors let choose: which sensors, and from when to when."""

from __future__ import annotations

import re
from collections.abc import Callable

import pandas as pd
import streamlit as st

from ellimaps.core.numbers import shown_unit, spoken, titled
from ellimaps.sensors.conditions import temperature_sensors
from ellimaps.sensors.movement import LIMIT
from ellimaps.sensors.store.logs import KEY, SensorLog
from ellimaps.sensors.store.units import TEMPERATURES, degrees, unit_text
from ellimaps.ui.pages.sensors.state import SensorsState, Span
from ellimaps.ui.shared.widgets import number_field

Key = tuple[str, str, str]


def sensor_filter(state: SensorsState, log: SensorLog) -> pd.DataFrame:
    """Show the filters and return the sensors of one name; all sources of the first temperature at first."""
    names = _names(log)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Sensor",
            names,
            format_func=spoken,
            **state.steps.control("sensors_name", names[0]),
            width=260,
        )
        return _filtered(state, log.sensors[log.sensors["sensor_name"] == name])


def sensors_filter(state: SensorsState, log: SensorLog) -> pd.DataFrame:
    """Show the filters and return the sensors of several names; those of the first temperature at first."""
    names = _names(log)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.multiselect(
            "Sensors",
            names,
            names[:1],
            format_func=spoken,
            **state.steps.control("sensors_names", names[:1]),
            width=420,
            placeholder=spoken(names[0]),
        )
        return _filtered(state, log.sensors[log.sensors["sensor_name"].isin(chosen or names[:1])])


def _names(log: SensorLog) -> list[str]:
    temperatures = temperature_sensors(log.sensors)["sensor_name"].astype(str)
    return list(dict.fromkeys([*temperatures[:1], *log.sensors["sensor_name"].astype(str).unique()]))


def _filtered(state: SensorsState, table: pd.DataFrame) -> pd.DataFrame:
    for column, plural in (("region", "regions"), ("source_id", "sources")):
        table = _among(state, table, column, plural)
    return table


def _among(state: SensorsState, table: pd.DataFrame, column: str, plural: str) -> pd.DataFrame:
    options = sorted(table[column].astype(str).unique())
    if len(options) < 2:
        return table
    chosen = st.multiselect(
        plural.capitalize(),
        options,
        **state.steps.control(f"sensors_{column}", []),
        placeholder=f"All {plural}",
    )
    return table[table[column].isin(chosen)] if chosen else table


def one_sensor(
    state: SensorsState,
    log: SensorLog,
    label: str = "Sensor",
    key: str = "sensors_one",
    rank: Callable[[Key], int] = lambda _: 0,
) -> Key:
    """Show a choice of one sensor and return it.

    Parameters
    ----------
    state : SensorsState
        Of the page and user.
    log : SensorLog
        The log.
    label, key : str
        Of the control.
    rank : callable
        How early to offer a sensor, the highest first, among temperatures and among the rest after them.
    """
    temperatures = temperature_sensors(log.sensors)
    parts = (temperatures, log.sensors.drop(temperatures.index))
    keys = [
        sensor
        for part in parts
        for sensor in sorted((key_of(row) for _, row in part.iterrows()), key=lambda key: -rank(key))
    ]
    labels = {sensor_name(sensor): sensor for sensor in keys}
    control = state.steps.control(key, next(iter(labels)))
    return labels[st.selectbox(label, list(labels), format_func=spoken, **control, width=420)]


def key_of(row: pd.Series) -> Key:
    """Return region, source and name of a sensor's row."""
    region, source, name = (str(row[column]) for column in KEY)
    return region, source, name


def sensor_name(key: Key) -> str:
    """Return what a sensor is called; a log may have no regions."""
    return " / ".join(part for part in key if part)


def sensor_names(table: pd.DataFrame) -> pd.Series:
    """Return what the sensor of each row of a table is called."""
    keys = zip(*(table[column].astype(str) for column in KEY), strict=True)
    return pd.Series([sensor_name(key) for key in keys], table.index, dtype=str)


def on_screen(sentence: str) -> str:
    """Return a sentence of the library, whose terminals know no other letters, with the signs of the page."""
    return sentence.replace("deg C", "°C").replace("deg F", "°F").replace("+-", "±")


def query_of(sensors: pd.DataFrame) -> tuple[list[str], list[str], list[str]]:
    """Return regions, sources and names of sensors, as a log is asked for them."""
    regions, sources, names = (sorted(sensors[column].astype(str).unique()) for column in KEY)
    return regions, sources, names


def unit_of(log: SensorLog, key: Key) -> str:
    """Return the unit of a sensor as sentences have it, or nothing."""
    return unit_text(str(log.chosen(*key)["unit"].iloc[0]))


def limit_field(state: SensorsState, log: SensorLog, sensor: Key, label: str, key: str, help: str) -> float:
    """Show a field for how far a sensor may move, in its unit, and return that in deg C as analyses take it.

    Parameters
    ----------
    state : SensorsState
        Of the page and user.
    log, sensor
        The log and one of its sensors, whose unit the field has.
    label : str
        Of the field, without the unit.
    key : str
        Of the control; each kind of unit has a value of its own.
    help : str
        What the limit is compared with.
    """
    unit = str(log.chosen(*sensor)["unit"].iloc[0])
    one = degrees(1.0, unit)
    name = f"{key}_{re.sub(r'[^A-Za-z]', '', unit) or 'none'}"
    usual = LIMIT * one if unit in TEMPERATURES else 1.0
    typed = number_field(
        titled(label, unit),
        0.01,
        100_000.0,
        usual,
        0.1 * one,
        **state.steps.control(name, usual),
        width=170,
        help=help,
    )
    return typed / one


COLUMNS = {
    "region": "region",
    "source_id": "source",
    "sensor_name": "sensor",
    "unit_assumed": "unit assumed",
    "n": "readings",
    "hours": "hours known",
    "hours_out": "hours out",
    "share_out": "share out",
    "largest_range": "largest range",
    "hours_steep": "hours steep",
    "steepest_slope": "steepest slope (per h)",
    "worst_at": "worst window until",
    "slope": "slope (per h)",
}
"""The library's name of a column on the left, which files keep."""


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of the library with headings and names as they are read; files keep the others.

    Regions and units that no sensor has are left out.
    """
    empty = [name for name in ("region", "unit") if name in table and (table[name].astype(str) == "").all()]
    shown = table.drop(columns=empty)
    if "sensor_name" in shown:
        shown["sensor_name"] = shown["sensor_name"].astype(str).map(spoken)
    if "unit" in shown:
        shown["unit"] = shown["unit"].map(shown_unit)
    return shown.rename(columns=COLUMNS)


def span_controls(state: SensorsState, log: SensorLog) -> Span:
    """Show buttons that move and zoom, and return the time that is looked at."""
    span = state.span
    with st.container(horizontal=True, vertical_alignment="center", key="sensors_span_bar"):
        for label, icon, target in (
            ("Earlier", "chevron_left", span.shifted(-0.5)),
            ("Later", "chevron_right", span.shifted(0.5)),
            ("Zoom in", "zoom_in", span.scaled(0.5)),
            ("Zoom out", "zoom_out", span.scaled(2.0)),
            ("Last day", "today", Span(log.end - pd.Timedelta("1D"), log.end)),
            ("Whole log", "fit_width", None),
        ):
            key = f"sensors_{label.lower().replace(' ', '_')}"
            st.button(label, icon=f":material/{icon}:", key=key, on_click=state.look_at, args=(target,))
        st.caption(f"{span.start:%Y-%m-%d %H:%M} to {span.end:%Y-%m-%d %H:%M}")
    return span
