"""Units of sensors: as the log states them, and for temperatures without a stated one, as their values show.

A temperature whose unit stands neither in a column nor behind a name is taken to be in deg C, unless its
median lies in 59..95: rooms and instruments read so in deg F (15..35 deg C), and never in deg C.
"""

from __future__ import annotations

import re

import pandas as pd

CELSIUS, FAHRENHEIT, KELVIN = "degC", "degF", "K"
_SPELLINGS = {
    **dict.fromkeys(("\N{DEGREE SIGN}c", "\N{DEGREE CELSIUS}", "c", "degc", "deg c", "celsius"), CELSIUS),
    **dict.fromkeys(
        ("\N{DEGREE SIGN}f", "\N{DEGREE FAHRENHEIT}", "f", "degf", "deg f", "fahrenheit"), FAHRENHEIT
    ),
    **dict.fromkeys(("k", "kelvin"), KELVIN),
    **dict.fromkeys(("%rh", "% rh", "rh%"), "%RH"),
}
_BRACKETED = re.compile(r"[\[(]\s*([^\])]{1,12}?)\s*[\])]\s*$")
_LAST_WORD = re.compile(r"temp.*[\s_.-](deg[ _]?[cf]|[cfk]|celsius|fahrenheit|kelvin)$", re.I)
_TOLD = {CELSIUS: "deg C", FAHRENHEIT: "deg F"}
# In deg F: 15 to 35 deg C, between an air-conditioned cellar and an incubator.
_FAHRENHEIT_MEDIANS = (59.0, 95.0)
# The sensor of a table of times and values: its file says what it reads.
NO_NAMES = ("value", "reading", "sensorvalue", "sensor_value", "wert", "messwert")


def unit_of_text(text: str) -> str:
    """Return a unit as logs of this package name it: ``degC``, ``degF``, ``K``, or as it is written."""
    return _SPELLINGS.get(text.strip().lower(), text.strip())


def stated_unit(unit: str, name: str) -> str:
    """Return the unit that a log states, in a column or at the end of a sensor's name; or nothing."""
    if unit.strip():
        return unit_of_text(unit)
    found = _BRACKETED.search(name) or _LAST_WORD.search(name)
    return unit_of_text(found[1].replace("_", " ")) if found else ""


def reads_temperature(sensors: pd.DataFrame) -> pd.Series:
    """Return which rows of a log's sensors read a temperature, by unit or name.

    Parameters
    ----------
    sensors : DataFrame
        ``source_id, sensor_name, unit``.
    """
    unnamed = sensors["sensor_name"].str.lower().isin(NO_NAMES)
    name = sensors["sensor_name"].where(~unnamed, sensors["source_id"])
    by_name = (sensors["unit"] == "") & name.str.contains("temp", case=False, regex=False)
    return sensors["unit"].isin((CELSIUS, FAHRENHEIT, KELVIN)) | by_name


def with_assumed_units(sensors: pd.DataFrame, medians: pd.Series) -> pd.DataFrame:
    """Give temperatures without a unit the one that their values show, and say so in ``unit_assumed``.

    Parameters
    ----------
    sensors : DataFrame
        ``source_id, sensor_name, unit``; one row per sensor.
    medians : Series
        Median value of each sensor, by its row.
    """
    assumed = reads_temperature(sensors) & (sensors["unit"] == "")
    fahrenheit = medians.reindex(sensors.index).between(*_FAHRENHEIT_MEDIANS)
    shown = fahrenheit.map({True: FAHRENHEIT, False: CELSIUS})
    return sensors.assign(unit=sensors["unit"].mask(assumed, shown), unit_assumed=assumed)


def unit_text(unit: str) -> str:
    """Return a unit as sentences have it: ``deg C``."""
    return _TOLD.get(unit, unit)


def degrees(limit: float, unit: str) -> float:
    """Return a limit in deg C as one in a unit; degrees Fahrenheit are smaller."""
    return limit * (1.8 if unit == FAHRENHEIT else 1.0)
