"""Was it stable when this was measured: the temperature during an acquisition, and a verdict."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any, Literal

import numpy as np
import pandas as pd

from ellimaps.core.errors import SettingError
from ellimaps.core.stack import ImageStack
from ellimaps.sensors.movement import LIMIT, WINDOW, check_limit, movement
from ellimaps.sensors.store.logs import KEY, SensorLog
from ellimaps.sensors.store.options import flag
from ellimaps.sensors.store.sorting import offset_text
from ellimaps.sensors.store.steps import GAP_STEPS, gaps
from ellimaps.sensors.store.times import Time, end_of, length_of
from ellimaps.sensors.store.units import FAHRENHEIT, degrees, reads_temperature, unit_text

# A map of some ten wavelengths takes about that long; ellipsometric files do not say when they ended.
_ASSUMED_LENGTH = timedelta(minutes=10)
_WORST = ("unknown", "stable", "unstable")
# Readings around an acquisition that say what step is usual there, and which gap it lies in.
_AROUND = pd.Timedelta("1D")
# Of a window: means over it leave noise out, which grows with the number of readings, and keep any drift.
_SMOOTHING = 1 / 4

Verdict = Literal["stable", "unstable", "unknown"]


@dataclass(frozen=True)
class AcquisitionConditions:
    """What a sensor read during an acquisition.

    Attributes
    ----------
    start, end : Timestamp
        The acquisition on the clock of the log; NaT where it is not known.
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
    total : float
        How far it moved over the whole acquisition, noise left out.
    verdict : str
        ``stable``, ``unstable``, or ``unknown``.
    sentence : str
        All that in words, with both clocks.
    """

    start: pd.Timestamp
    end: pd.Timestamp
    sensor: str
    unit: str
    mean: float
    drift: float
    range: float
    total: float
    verdict: Verdict
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

    It was not if it moved beyond the limit within any window, or over the whole acquisition. It is not known
    if nothing was read for longer than usual, if the clocks of log and acquisition cannot be compared, or if
    the verdict hangs on a unit that the log does not state.

    Parameters
    ----------
    log : SensorLog
        The log.
    start, end : str or datetime
        The acquisition; with an offset from UTC, or in the local time of the log.
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
    first, last = _moment(start), _moment(end) if _has_zone(end) else end_of(end)
    if (first.tzinfo is None) != (last.tzinfo is None):
        raise SettingError("An acquisition has a zone at both ends or at neither.")
    if last < first:
        raise SettingError(f"The acquisition ends ({last}) before it starts ({first}).")
    check_limit(limit)
    length_of(window)
    chosen = sensors_called(log, sensor) if sensor else temperature_sensors(log.sensors)
    asked = _Asked(log, first, last, limit, window)
    found = [one for _, row in chosen.iterrows() if (one := asked.of_sensor(row)) is not None]
    if not found:
        sentence = f"Not known: no sensor was read from {_clock(first, last)}"
        return _unknown(first, last, f"{sentence} (the log has {_clock(log.start, log.end)}).")
    return max(found, key=lambda one: (_WORST.index(one.verdict), np.nan_to_num(one.range)))


def acquisition_time(stack: ImageStack) -> tuple[pd.Timestamp, pd.Timestamp, str] | None:
    """Return when a stack was acquired, and in words what of it is assumed; None where it is not known.

    Images over time state when each was taken. Otherwise only the start is known and ten minutes are assumed.
    Times have a zone where the file states one.
    """
    if stack.acquired_at is None:
        return None
    start = pd.Timestamp(stack.acquired_at)
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
    return replace(found, sentence=f"{found.sentence[:-1]} ({assumed}).") if assumed else found


def _unknown(first: Any, last: Any, sentence: str, sensor: str = "", unit: str = "") -> AcquisitionConditions:
    nan = float("nan")
    return AcquisitionConditions(first, last, sensor, unit, nan, nan, nan, nan, "unknown", sentence)


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


@dataclass(frozen=True)
class _Asked:
    """An acquisition to be looked up in a log, and the limit."""

    log: SensorLog
    first: pd.Timestamp
    last: pd.Timestamp
    limit: float
    window: str

    def of_sensor(self, row: pd.Series) -> AcquisitionConditions | None:
        """Return what one sensor read; None if nothing, near the acquisition."""
        key = (str(row["region"]), str(row["source_id"]), str(row["sensor_name"]))
        label = "/".join(part for part in key if part)
        clocks = _Clocks.of(self.log, key, str(row["clock"]), self.first)
        if clocks.question:
            return _unknown(self.first, self.last, f"Not known: {label}: {clocks.question}.", "/".join(key))
        first, last = clocks.local(self.first), clocks.local(self.last)
        length = length_of(self.window)
        around = self.log.series(*key, start=min(first, last - length) - _AROUND, end=last + _AROUND)
        held, begin = bool(row["held"]), min(first, last - length)
        silent = _silent(around, first, last, held=held, usual_s=float(row["step_s"]))
        if held and len(around) and not silent:
            around = _with_held(around, (begin, first, last))
        values = around[(around.index >= begin) & (around.index <= last)]
        if len(values) < 2:
            return None
        moved = movement(around[around.index <= last], length, held=held)
        windows = moved["range"][moved.index >= first].dropna()
        if not len(windows):
            # The last window counts even if the acquisition is shorter than the time between two readings.
            windows = moved["range"].iloc[-1:].dropna()
        during = values[values.index >= first]
        ended_known = last - values.index[-1] <= length / 2
        found = _Found(
            float(windows.max()) if len(windows) else float("nan"),
            _total(values, first, length),
            silent,
            bool(len(windows)) and ended_known,
        )
        unit = str(row["unit"])
        verdict, why = found.verdict(self.limit, unit, self.window)
        mean = float(during.mean() if len(during) else values.iloc[-1])
        drift = _drift(values)
        of = f" {unit_text(unit)}" if unit else ""
        what = f"{label} {_clock(first, last)}: {mean:.2f}{of}"
        moving = f"moved by {found.within:.2f}{of} within {_spoken(self.window)}"
        if last - first > length:
            moving += f" and by {found.total:.2f}{of} over the acquisition"
        if verdict == "unknown":
            sentence = f"Not known: {what}, {why}; {clocks.sentence}."
        else:
            limit = f"(limit {degrees(self.limit, unit):g}{of})"
            sentence = (
                f"{verdict.capitalize()}: {what}, {moving} {limit}, drift {drift:+.2f}{of} per hour; "
                f"{clocks.sentence}."
            )
        return AcquisitionConditions(
            first, last, "/".join(key), unit, mean, drift, found.within, found.total, verdict, sentence
        )


@dataclass(frozen=True)
class _Found:
    """How far a sensor moved, and when it said nothing."""

    within: float
    total: float
    silent: list[tuple[pd.Timestamp, pd.Timestamp]]
    is_covered: bool

    def verdict(self, limit: float, unit: str, window: str) -> tuple[Verdict, str]:
        """Return the verdict, and why it is not known."""
        moved = np.nanmax([self.within, self.total, -np.inf])
        # Without a unit a degree may be one of Fahrenheit: then what holds for both limits holds.
        highest = degrees(limit, unit or FAHRENHEIT)
        if moved > highest:
            return "unstable", ""
        if self.silent:
            parts = " and ".join(_clock(*part) for part in self.silent)
            return "unknown", f"but nothing was read from {parts}"
        if not self.is_covered:
            return "unknown", f"but too few readings within {_spoken(window)} to say whether it moved"
        if moved > limit and not unit:
            return "unknown", (
                f"moved by {moved:.2f}, and the log does not say of what: name the unit ({flag('unit')} "
                f"degC or degF)"
            )
        return "stable", ""


@dataclass(frozen=True)
class _Clocks:
    """The clocks of a log and of an acquisition, and whether they can be compared."""

    sentence: str
    offset_min: int | None = None
    question: str = ""

    @classmethod
    def of(cls, log: SensorLog, key: tuple[str, str, str], clock: str, moment: pd.Timestamp) -> _Clocks:
        """Compare the clock of a sensor with a moment."""
        zone = str(log.report.options.get("zone", ""))
        said = f"clock of the log {zone or clock or 'not stated'}"
        if moment.tzinfo is None:
            if clock == "UTC" and not zone:
                question = "the log is in UTC and the measurement does not state its zone"
                return cls(said, None, f"{question}: name the zone of both ({flag('zone')} Europe/Berlin)")
            return cls(f"{said}, of the measurement not stated and taken as the same")
        own = offset_text((moment.utcoffset() or timedelta(0)) / timedelta(minutes=1))
        if not clock:
            question = f"the measurement is in {own} and the log does not state its zone"
            return cls(said, None, f"{question}: name it ({flag('zone')} Europe/Berlin)")
        offset = log.offset_at(*key, moment.tz_convert("UTC").tz_localize(None))
        return cls(f"{said}, of the measurement {own}", offset)

    def local(self, moment: pd.Timestamp) -> pd.Timestamp:
        """Return a moment on the clock of the log."""
        if self.offset_min is None:
            return moment
        return moment.tz_convert("UTC").tz_localize(None) + pd.Timedelta(minutes=self.offset_min)


def _with_held(values: pd.Series, moments: tuple[pd.Timestamp, ...]) -> pd.Series:
    """Return values that hold until the next, with what they are at some moments added."""
    times = values.index.union(pd.DatetimeIndex([one for one in moments if one not in values.index]))
    return values.reindex(times).ffill().dropna()


def _silent(
    around: pd.Series, first: pd.Timestamp, last: pd.Timestamp, *, held: bool, usual_s: float
) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    """Return the parts of an acquisition in which nothing was read for longer than usual."""
    times = around.index
    if not len(times):
        return []
    is_gap = gaps(np.diff(times) / pd.Timedelta(seconds=1), held=held)
    ends = list(zip(times[:-1][is_gap], times[1:][is_gap], strict=True))
    reach = pd.Timedelta(seconds=GAP_STEPS * usual_s)
    if not held or last > times[-1] + _AROUND:
        # Before the first and behind the last reading nothing is known either.
        ends += [(pd.Timestamp.min, times[0])] if times[0] - reach > first else []
        ends += [(times[-1], pd.Timestamp.max)] if times[-1] + reach < last else []
    parts = [(max(start, first), min(end, last)) for start, end in ends]
    return [(start, end) for start, end in parts if start < end]


def _total(values: pd.Series, first: pd.Timestamp, length: pd.Timedelta) -> float:
    """Return how far means over a quarter of a window moved from the start of an acquisition to its end."""
    means = values.rolling(length * _SMOOTHING, min_periods=1).mean()[values.index >= first]
    # The first means are of few readings: as noisy as these.
    settled = means[means.index >= first + length * _SMOOTHING]
    return float(settled.max() - settled.min()) if len(settled) > 1 else float("nan")


def _moment(text: Time) -> pd.Timestamp:
    try:
        found = pd.Timestamp(text)
    except (ValueError, TypeError) as error:
        raise SettingError(
            f"{text!r:.80} is no time: write 2025-01-31T14:05 or 2025-01-31T14:05Z."
        ) from error
    if pd.isna(found):
        raise SettingError(f"{text!s:.80} is no time: write 2025-01-31T14:05 or 2025-01-31T14:05Z.")
    return found


def _has_zone(text: Time) -> bool:
    return _moment(text).tzinfo is not None


def _drift(values: pd.Series) -> float:
    if len(values) < 2:
        return float("nan")
    hours = ((values.index - values.index[0]) / pd.Timedelta(hours=1)).to_numpy(float)
    return float(np.polyfit(hours, values.to_numpy(float), 1)[0])


def _spoken(window: str) -> str:
    return "an hour" if length_of(window) == pd.Timedelta(hours=1) else window


def _clock(first: pd.Timestamp, last: pd.Timestamp) -> str:
    same_day = first.normalize() == last.normalize()
    return (
        f"{first:%Y-%m-%d %H:%M} to {last:%H:%M}"
        if same_day
        else f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}"
    )
