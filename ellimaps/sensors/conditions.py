"""Was it stable when this was measured: the temperature during an acquisition, and a verdict."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Literal

import numpy as np
import pandas as pd

from ellimaps.core.errors import SettingError
from ellimaps.core.stack import ImageStack
from ellimaps.sensors.movement import LIMIT, WINDOW, check_limit, limit_in_unit, movement_of
from ellimaps.sensors.store.logs import KEY, SensorLog
from ellimaps.sensors.store.times import Time, end_of, length_of, time_of
from ellimaps.sensors.store.units import reads_temperature, unit_text

# A map of some ten wavelengths takes about that long; ellipsometric files do not say when they ended.
_ASSUMED_LENGTH = timedelta(minutes=10)
_WORST = ("unknown", "stable", "unstable")


@dataclass(frozen=True)
class AcquisitionConditions:
    """What a sensor read during an acquisition.

    Attributes
    ----------
    start, end : Timestamp
        The acquisition, in local time; NaT where it is not known.
    sensor : str
        ``region/source_id/sensor_name`` of the sensor that moved most, of those asked for; empty where none
        read anything.
    unit : str
        Its unit as `SensorLog.sensors` has it; empty where it is not known.
    mean : float
        Its mean value during the acquisition.
    drift : float
        Slope per hour of the line fitted to the acquisition, or to the window that ends with it where that
        is longer.
    range : float
        How far the value moved within a window that ends in the acquisition, at most.
    verdict : str
        ``stable``, ``unstable``, or ``unknown`` where half a window was not read.
    sentence : str
        All that in words.
    """

    start: pd.Timestamp
    end: pd.Timestamp
    sensor: str
    unit: str
    mean: float
    drift: float
    range: float
    verdict: Literal["stable", "unstable", "unknown"]
    sentence: str

    def facts(self) -> dict[str, Any]:
        """Return the conditions as plain values, ready for JSON."""
        times = {"start": self.start, "end": self.end}
        return asdict(self) | {name: None if pd.isna(t) else t.isoformat() for name, t in times.items()}


def acquisition_conditions(
    log: SensorLog,
    start: Time,
    end: Time,
    sensor: str | None = None,
    limit: float = LIMIT,
    window: str = WINDOW,
) -> AcquisitionConditions:
    """Say whether a sensor was stable during an acquisition and the window before its end.

    Parameters
    ----------
    log : SensorLog
        The log.
    start, end : str or datetime
        The acquisition, in the local time of the log.
    sensor : str, optional
        A sensor's name, a source, ``source/sensor`` or ``region/source/sensor``; by default every sensor that
        reads a temperature. Of several, the one that moved most is told.
    limit, window
        See `ellimaps.sensors.movement.movement_of`.

    Raises
    ------
    SettingError
        If no such sensor is there, or a setting cannot be read.
    """
    first, last = time_of(start), end_of(end)
    if last < first:
        raise SettingError(f"The acquisition ends ({last}) before it starts ({first}).")
    check_limit(limit)
    length_of(window)
    chosen = sensors_called(log, sensor) if sensor else temperature_sensors(log.sensors)
    keys = [(str(row.region), str(row.source_id), str(row.sensor_name)) for row in chosen.itertuples()]
    found = [one for key in keys if (one := _of_sensor(log, key, first, last, limit, window)) is not None]
    if not found:
        sentence = f"Not known: no sensor was read from {_clock(first, last)}"
        return _unknown(first, last, f"{sentence} (the log has {_clock(log.start, log.end)}).")
    return max(found, key=lambda one: (_WORST.index(one.verdict), one.range))


def acquisition_time(stack: ImageStack) -> tuple[pd.Timestamp, pd.Timestamp, str] | None:
    """Return when a stack was acquired, and in words what of it is assumed; None where it is not known.

    Images over time state when each was taken. Otherwise only the start is known and ten minutes are assumed.
    """
    if stack.acquired_at is None:
        return None
    start = pd.Timestamp(stack.acquired_at)
    start = start.tz_localize(None) if start.tzinfo is not None else start
    times = np.unique(stack.bands["time_s"].dropna().to_numpy(float))
    # Ellipsometric maps state how long one was exposed, not when.
    if not stack.is_ellipsometric and len(times) > 1:
        seconds = float(times[-1] + np.median(np.diff(times)))
        return start, start + pd.Timedelta(seconds=seconds), ""
    minutes = _ASSUMED_LENGTH.seconds // 60
    return (
        start,
        start + _ASSUMED_LENGTH,
        f"{minutes} min assumed, as the measurement does not say when it ended",
    )


def conditions_of(
    log: SensorLog, stack: ImageStack, sensor: str | None = None, limit: float = LIMIT, window: str = WINDOW
) -> AcquisitionConditions:
    """Return the conditions under which a stack was acquired.

    Parameters
    ----------
    log : SensorLog
        The log.
    stack : ImageStack
        The stack; see `acquisition_time` for when it was acquired.
    sensor, limit, window
        See `acquisition_conditions`.
    """
    when = acquisition_time(stack)
    if when is None:
        never = pd.NaT
        return _unknown(never, never, "Not known: the measurement does not say when it was acquired.")
    start, end, assumed = when
    found = acquisition_conditions(log, start, end, sensor, limit, window)
    if not assumed:
        return found
    return AcquisitionConditions(**{**vars(found), "sentence": f"{found.sentence[:-1]} ({assumed})."})


def _unknown(first: Any, last: Any, sentence: str) -> AcquisitionConditions:
    nan = float("nan")
    return AcquisitionConditions(first, last, "", "", nan, nan, nan, "unknown", sentence)


def sensors_called(log: SensorLog, text: str) -> pd.DataFrame:
    """Return the sensors with a name, of a source, or at ``source/sensor`` or ``region/source/sensor``.

    Raises
    ------
    SettingError
        If there is none.
    """
    table = log.sensors
    full = [table[list(KEY[first:])].agg("/".join, axis=1) for first in range(len(KEY))]
    fits = table["source_id"] == text
    for names in full:
        fits |= names == text
    if not fits.any():
        there = ", ".join(full[1].head(12))
        raise SettingError(f"{log.name} has no sensor {text!r:.80}: choose of {there:.400}.")
    return temperature_sensors(table[fits]) if (table["source_id"] == text).any() else table[fits]


def temperature_sensors(table: pd.DataFrame) -> pd.DataFrame:
    """Return the sensors that read a temperature, by unit or name; all where none does."""
    chosen = table[reads_temperature(table)]
    return chosen if len(chosen) else table


def _of_sensor(
    log: SensorLog,
    key: tuple[str, str, str],
    first: pd.Timestamp,
    last: pd.Timestamp,
    limit: float,
    window: str,
) -> AcquisitionConditions | None:
    """Return what one sensor read; None if nothing."""
    length = length_of(window)
    begin = min(first, last - length)
    if len(log.head(*key, start=begin, end=last, n=2)) < 2:
        return None
    table = movement_of(log, key, start=first, end=last, limit=limit, window=window)
    values = log.series(*key, start=begin, end=last)
    during = values[values.index >= first]
    mean = float(during.mean() if len(during) else values.iloc[-1])
    unit = str(log.chosen(*key)["unit"].iloc[0])
    # The last window counts even if the acquisition is shorter than the time between two readings.
    known = table["range"].dropna()
    if not len(known):
        table = movement_of(log, key, start=begin, end=last, limit=limit, window=window).tail(1)
        known = table["range"].dropna()
    moved_by = float(known.to_numpy().max()) if len(known) else float("nan")
    drift = _drift(values)
    verdict: Literal["stable", "unstable", "unknown"] = "unknown"
    if len(known) and _covered(values, last, length):
        verdict = "unstable" if bool(table["out"].any()) else "stable"
    label = "/".join(part for part in key if part)
    what = f"{label} {_clock(first, last)}: {mean:.2f}{_unit(unit)}"
    sentence = (
        f"{verdict.capitalize()}: {what}, moved by {moved_by:.2f}{_unit(unit)} within {_spoken(window)} "
        f"(limit {limit_in_unit(log, key, limit):g}{_unit(unit)}), drift {drift:+.2f}{_unit(unit)} per hour."
    )
    if verdict == "unknown":
        sentence = (
            f"Not known: {what}, but too few readings within {_spoken(window)} to say whether it moved."
        )
    return AcquisitionConditions(first, last, "/".join(key), unit, mean, drift, moved_by, verdict, sentence)


def _covered(values: pd.Series, last: pd.Timestamp, length: pd.Timedelta) -> bool:
    """Whether the readings reach near enough to the end to speak of it."""
    return bool(last - values.index[-1] <= length / 2)


def _drift(values: pd.Series) -> float:
    if len(values) < 2:
        return float("nan")
    hours = ((values.index - values.index[0]) / pd.Timedelta(hours=1)).to_numpy(float)
    return float(np.polyfit(hours, values.to_numpy(float), 1)[0])


def _unit(unit: str) -> str:
    return f" {unit_text(unit)}" if unit else ""


def _spoken(window: str) -> str:
    return "an hour" if length_of(window) == pd.Timedelta(hours=1) else window


def _clock(first: pd.Timestamp, last: pd.Timestamp) -> str:
    same_day = first.normalize() == last.normalize()
    return (
        f"{first:%Y-%m-%d %H:%M} to {last:%H:%M}"
        if same_day
        else f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}"
    )
