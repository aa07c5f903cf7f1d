"""Units of sensors: as the log states them, or, of temperatures, as values leave no doubt.

A room cannot be at 70 deg C nor at 294, so a room without a unit is in deg F or K there. An oven can; its
unit is then not known. From -100 to 50 a temperature without a unit is taken to be in deg C, and said to be
assumed.
"""

from __future__ import annotations

import re

import pandas as pd

CELSIUS, FAHRENHEIT, KELVIN = "degC", "degF", "K"
TEMPERATURES = (CELSIUS, FAHRENHEIT, KELVIN)
# As degree sign also the ordinal indicator of Spanish keyboards, the ring above, and what is left of the sign
# where UTF-8 was read as Latin-1, or could not be read.
_DEGREES = "\N{DEGREE SIGN}\N{MASCULINE ORDINAL INDICATOR}\N{RING ABOVE}\N{REPLACEMENT CHARACTER}"
_DEGREE = rf"(?:\u00c2?[{_DEGREES}]|deg(?:rees?|\.)?|grad)\s*[_-]?\s*"
_SPELLINGS = {
    CELSIUS: rf"(?:{_DEGREE})?(?:c|celsius)|\N{{DEGREE CELSIUS}}|\u00c2?[{_DEGREES}]",
    FAHRENHEIT: rf"(?:{_DEGREE})?(?:f|fahrenheit)|\N{{DEGREE FAHRENHEIT}}",
    KELVIN: r"k|kelvin",
    "%RH": r"%\s*r\.?h\.?|rh\s*%|%\s*r\.?f\.?|%\s*relative humidity",
}
_SPELLED = {unit: re.compile(spelling, re.I) for unit, spelling in _SPELLINGS.items()}
_OTHERS = re.compile(
    r"%|ppm|ppb|[munpk]?pa|[hm]pa|m?bar|mmhg|inhg|torr|psi|lu?x|[mkµu]?v|[mkµu]?a|[mk]?w|[mk]?wh|[mk]?hz|db[am]?"
    r"|[kmµun]?m|cm|m/s|km/h|mph|l/min|l/h|m3/h|m\N{SUPERSCRIPT THREE}/h|[mµuk]?g(?:/m[3\N{SUPERSCRIPT "
    r"THREE}])?"
    r"|[mµu]?s|min|h|rpm|cfm|kelvin|w/m[2\N{SUPERSCRIPT TWO}]|[kmg]?ohm|\N{GREEK CAPITAL LETTER OMEGA}|deg|"
    r"volts?|amps?|percent|m3|m\N{SUPERSCRIPT THREE}|[a-z\u00b5%]{1,4}/[a-z]{1,3}[23\u00b2\u00b3]?",
    re.I,
)
_BRACKETED = re.compile(r"[\[(]\s*([^\])]{1,20}?)\s*[\])]")
_BEHIND_COMMA = re.compile(r",\s*([^,(\[]{1,12}?)\s*(?:[(\[]|$)")
_LAST_WORD = re.compile(r"temp.*[\s_.-](deg[ _]?[cf]|[cfk]|celsius|fahrenheit|kelvin)$", re.I)
_DEGREE_SOMEWHERE = re.compile(rf"{_DEGREE}(c|f|celsius|fahrenheit)\b", re.I)
_TOLD = {CELSIUS: "deg C", FAHRENHEIT: "deg F"}
# Of readings that state no unit. In deg F, 59 to 95 are 15 to 35 deg C, between an air-conditioned cellar
# and an incubator; so are 288 to 308 K. Freezers reach -86 deg C, and no deg C above 50 is a room.
_CELSIUS_MEDIANS = (-100.0, 50.0)
_FAHRENHEIT_MEDIANS = (59.0, 95.0)
_KELVIN_MEDIANS = (288.0, 308.0)
_COLD = re.compile("fridge|refrigerator|freez|k\u00fchl|cold", re.I)
_ROOM = re.compile(r"room|lab|ambient|indoor|outdoor|outside|air|office|hall|raum|zimmer", re.I)
# The sensor of a table of times and values: its file says what it reads.
NO_NAMES = ("value", "reading", "sensorvalue", "sensor_value", "wert", "messwert")


def unit_of_text(text: str) -> str:
    """Return a unit as this package names it (``degC``, ``degF``, ``K``, ``%RH``), or as it is written."""
    plain = text.strip()
    return next((unit for unit, spelled in _SPELLED.items() if spelled.fullmatch(plain)), plain)


def is_unit(text: str) -> bool:
    """Return whether a text is a unit, brackets around it or not."""
    plain = text.strip().strip("[]()").strip()
    return unit_of_text(plain) in _SPELLED or _OTHERS.fullmatch(plain) is not None


def stated_unit(unit: str, name: str) -> str:
    """Return the unit that a log states, in a column or in a sensor's name; or nothing."""
    if unit.strip():
        return unit_of_text(unit.strip().strip("[]()"))
    candidates = [*reversed(_BRACKETED.findall(name)), *_BEHIND_COMMA.findall(name)]
    found = next((one for one in candidates if is_unit(one)), "")
    if not found and (word := _LAST_WORD.search(name) or _DEGREE_SOMEWHERE.search(name)):
        found = word[1].replace("_", " ")
    return unit_of_text(found)


def reads_temperature(sensors: pd.DataFrame) -> pd.Series:
    """Return which rows of a log's sensors read a temperature, by unit or name.

    Parameters
    ----------
    sensors : DataFrame
        ``source_id, sensor_name, unit``.
    """
    by_name = (sensors["unit"] == "") & _names(sensors).str.contains("temp", case=False, regex=False)
    return sensors["unit"].isin(TEMPERATURES) | by_name


def with_assumed_units(sensors: pd.DataFrame, medians: pd.Series, unit: str = "") -> pd.DataFrame:
    """Give temperatures without a unit the one that is asked for, or that they can hardly not be in.

    Parameters
    ----------
    sensors : DataFrame
        ``source_id, sensor_name, unit``; one row per sensor.
    medians : Series
        Median value of each sensor, by its row.
    unit : str
        What the user says of readings without a unit.
    """
    none = sensors["unit"] == ""
    if unit:
        return sensors.assign(unit=sensors["unit"].mask(none, unit_of_text(unit)), unit_assumed=False)
    median = medians.reindex(sensors.index)
    is_room = _names(sensors).str.contains(_ROOM)
    shown = pd.Series("", index=sensors.index)
    shown = shown.mask(median.between(*_CELSIUS_MEDIANS), CELSIUS)
    shown = shown.mask(is_room & median.between(*_FAHRENHEIT_MEDIANS), FAHRENHEIT)
    shown = shown.mask(is_room & median.between(*_KELVIN_MEDIANS), KELVIN)
    # A refrigerator at 40 is in deg F, or broken.
    shown = shown.mask(_names(sensors).str.contains(_COLD) & (median > 15), "")
    assumed = reads_temperature(sensors) & none & (shown != "")
    return sensors.assign(unit=sensors["unit"].mask(assumed, shown), unit_assumed=assumed)


def unit_text(unit: str) -> str:
    """Return a unit as sentences have it: ``deg C``."""
    return _TOLD.get(unit, unit)


def degrees(limit: float, unit: str) -> float:
    """Return a limit in deg C as one in a unit; degrees Fahrenheit are smaller."""
    return limit * (1.8 if unit == FAHRENHEIT else 1.0)


def to_unit(unit: str, wanted: str) -> tuple[float, float] | None:
    """Return factor and offset from a unit to another; None if there is no such way."""
    celsius = {CELSIUS: (1.0, 0.0), FAHRENHEIT: (1 / 1.8, -32 / 1.8), KELVIN: (1.0, -273.15)}
    if unit not in celsius or wanted not in celsius:
        return (1.0, 0.0) if unit == wanted else None
    (a, b), (c, d) = celsius[unit], celsius[wanted]
    return a / c, (b - d) / c


def _names(sensors: pd.DataFrame) -> pd.Series:
    unnamed = sensors["sensor_name"].str.lower().isin(NO_NAMES)
    names: pd.Series = sensors["sensor_name"].where(~unnamed, sensors["source_id"])
    return names
