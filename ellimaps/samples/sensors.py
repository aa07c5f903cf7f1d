"""Generated logs of room and instrument sensors with known truth.

A sample folder holds

- ``log.csv``: a long table ``region, source_id, sensor_name, datetime, sensor_value, UTCOffset``; its
  ``datetime`` is UTC, and local time is ``datetime + UTCOffset`` hours (two regions with summer time);
- ``truth.json``: ``anomalies``, a list of ``region, source_id, sensor_name, start, end, kind`` in local time;
  ``lag_minutes``, how long every instrument follows its room; ``gaps`` and ``duplicates`` in the same form.

Kinds of anomalies: ``spike`` (1 to 3 readings), ``drift`` (about a degree within an hour, kept for some
hours), ``step`` (the same within one reading), ``oscillation`` (a badly tuned controller), ``stuck`` (one
value for hours) and ``unit jump`` (degrees Fahrenheit for hours). What happens to a room (drift, step,
oscillation) happens to its instrument ``lag_minutes`` later and is listed for both; faults of a sensor are
not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.checks import whole_number
from ellimaps.samples.new_folder import new_folder

ROOM, HUMIDITY, INSTRUMENT = "room_temperature", "room_humidity", "instrument_temperature"
KINDS = ("spike", "drift", "step", "oscillation", "stuck", "unit jump")
FIRST_DAY = np.datetime64("2025-01-06", "m")

_ZONES = {"Europe": "Europe/Berlin", "America": "America/Los_Angeles"}
# Noise of common loggers, and faults as seldom as a month of a real log has them: by eye, truth being known.
_NOISE = {ROOM: 0.02, HUMIDITY: 0.2, INSTRUMENT: 0.01}
_DAY_MIN, _YEAR_DAYS = 1440, 365.25
_GAPS_PER_MONTH, _DUPLICATES_PER_MONTH = 2, 5
_ROOM_KINDS = ("drift", "step", "oscillation")

Values = NDArray[np.float64]


@dataclass(frozen=True)
class SensorSample:
    """A generated log and its truth.

    Attributes
    ----------
    log : DataFrame
        ``region, source_id, sensor_name, datetime, sensor_value, UTCOffset``.
    truth : dict
        What ``truth.json`` holds; see `ellimaps.samples.sensors`.
    """

    log: pd.DataFrame
    truth: dict[str, Any]


@dataclass
class _Event:
    """An anomaly from grid step ``start`` to ``end``, ends included."""

    kind: str
    start: int
    end: int
    seed: int
    sensors: list[str] = field(default_factory=list)


def sensor_log(
    seed: int = 0,
    *,
    days: int = 60,
    every: int = 5,
    instruments: int = 2,
) -> SensorSample:
    """Compute the log of some instruments and their rooms in two regions.

    Parameters
    ----------
    seed : int
        The same seed and settings give the same log.
    days : int
        Length, 2..3660 days.
    every : int
        Minutes between two readings of a sensor, 1..60.
    instruments : int
        Instruments per region, 1..100.

    Returns
    -------
    SensorSample
        The log and its truth.

    Raises
    ------
    SettingError
        If a setting is out of its range.
    """
    whole_number("days", days, 2, 3660)
    whole_number("every", every, 1, 60)
    whole_number("instruments", instruments, 1, 100)
    whole_number("seed", seed, 0, 2**32)
    lag_steps = max(1, round(int(np.random.default_rng((seed, 1)).integers(3, 13)) * 5 / every))
    tables, truths = [], []
    for number, (region, zone) in enumerate(_ZONES.items()):
        clock = _clock(days, every, zone)
        climate = _climate(np.random.default_rng((seed, 2, number)), clock)
        for instrument in range(instruments):
            random = np.random.default_rng((seed, 3, number, instrument))
            name = f"{region[0]}{instrument + 1}"
            table, truth = _source(random, clock, climate, every, lag_steps)
            tables.append(table.assign(region=region, source_id=name))
            truths += [(what, {"region": region, "source_id": name, **row}) for what, row in truth]
    columns = ["region", "source_id", "sensor_name", "datetime", "sensor_value", "UTCOffset"]
    log = pd.concat(tables, ignore_index=True)[columns]
    parts: dict[str, Any] = {
        key: [row for what, row in truths if what == key] for key in ("anomalies", "gaps", "duplicates")
    }
    facts = {"seed": seed, "days": days, "every_minutes": every, "lag_minutes": lag_steps * every}
    return SensorSample(log, facts | parts)


def sample_sensors(
    out: str | Path, seed: int = 0, *, days: int = 60, every: int = 5, instruments: int = 2
) -> Path:
    """Write a generated log with its truth.

    Parameters
    ----------
    out : str or Path
        A new folder, or an empty one.
    seed : int
        Seed of everything random.
    days, every, instruments : int
        Length in days, minutes between readings, and number of instruments; see `sensor_log`.

    Returns
    -------
    Path
        The folder; see :mod:`ellimaps.samples.sensors` for what it holds.

    Raises
    ------
    SettingError
        If a setting is out of its range.
    ExportError
        If the folder is not empty or cannot be written.
    """
    out = Path(out)
    made = sensor_log(seed, days=days, every=every, instruments=instruments)
    text = made.log.to_csv(
        index=False, lineterminator="\n", float_format="%.3f", date_format="%Y-%m-%d %H:%M:%S"
    )
    with new_folder(out) as staged:
        (staged / "truth.json").write_text(json.dumps(made.truth, indent=1) + "\n", encoding="utf-8")
        (staged / "log.csv").write_bytes(text.encode())
    return out


def _clock(days: int, every: int, zone: str) -> pd.DataFrame:
    """Return ``utc, local, offset_h`` of every reading."""
    utc = pd.date_range(FIRST_DAY, periods=days * _DAY_MIN // every, freq=f"{every}min", tz="UTC")
    local = utc.tz_convert(zone)
    offset = (local.tz_localize(None) - utc.tz_localize(None)) / pd.Timedelta(hours=1)
    return pd.DataFrame({"utc": utc.tz_localize(None), "local": local.tz_localize(None), "offset_h": offset})


def _climate(random: np.random.Generator, clock: pd.DataFrame) -> Values:
    """Return the yearly cycle, the daily one (weaker at weekends) and slow weather of a region."""
    local = clock["local"]
    hour = (local.dt.hour + local.dt.minute / 60).to_numpy(np.float64)
    year = (local.dt.day_of_year.to_numpy(np.float64) + hour / 24) / _YEAR_DAYS
    at_work = np.where(local.dt.day_of_week < 5, 1.0, 0.6)
    daily = np.sin(2 * np.pi * (hour - 9) / 24) + 0.3 * np.sin(4 * np.pi * (hour - 7) / 24)
    weather = _red_noise(random, len(clock), _step_minutes(clock), hours=24.0)
    return np.asarray(-0.6 * np.cos(2 * np.pi * year) + 0.15 * at_work * daily + 0.05 * weather)


def _source(
    random: np.random.Generator, clock: pd.DataFrame, climate: Values, every: int, lag_steps: int
) -> tuple[pd.DataFrame, list[tuple[str, dict[str, str]]]]:
    """Return the readings of an instrument and its room, and their truth."""
    n = len(clock)
    events = list(_events(random, n, every, lag_steps))
    own = 0.06 * _red_noise(random, n, every, hours=2.0)
    room = random.uniform(20.5, 21.5) + climate + own + _disturbances(events, n, every)
    gain = random.uniform(0.8, 1.0)
    behind = np.concatenate([np.full(lag_steps, room[0]), room[:-lag_steps]])
    instrument = random.uniform(2.5, 3.5) + room.mean() + gain * (behind - room.mean())
    humidity = 45 + 6 * climate + 1.0 * _red_noise(random, n, every, hours=6.0)
    series = {ROOM: room, HUMIDITY: humidity, INSTRUMENT: instrument}
    tables, truth = [], []
    for sensor, clean in series.items():
        values = clean + random.normal(0, _NOISE[sensor], n)
        for event in events:
            if sensor in event.sensors:
                shift = lag_steps if sensor == INSTRUMENT and event.kind in _ROOM_KINDS else 0
                _apply_fault(values, event, sensor)
                truth.append(("anomalies", _truth_row(clock, sensor, event, shift)))
        table, flaws = _with_flaws(random, clock, sensor, values, events, every)
        tables.append(table)
        truth += flaws
    return pd.concat(tables, ignore_index=True), truth


def _events(random: np.random.Generator, n: int, every: int, lag_steps: int) -> Iterator[_Event]:
    """Return one anomaly of every kind a month, each with a slot of its own so that none overlap."""
    month = 30 * _DAY_MIN // every
    slot = month // len(KINDS)
    durations_min = {"spike": (0, 2 * every), "step": (180, 480), "drift": (240, 480)}
    for first in range(0, n, month):
        for slot_number, kind in enumerate(random.permutation(KINDS)):
            low, high = durations_min.get(kind, (360, 720))
            length = max(0, round(float(random.uniform(low, high)) / every))
            margin = length + lag_steps + 240 // every
            start = (
                first
                + slot_number * slot
                + int(random.integers(240 // every, max(slot - margin, 241 // every + 1)))
            )
            seed = int(random.integers(2**31))
            sensors = _sensors_of(random, str(kind))
            if start + margin < n:
                yield _Event(str(kind), start, start + length, seed, sensors)


def _sensors_of(random: np.random.Generator, kind: str) -> list[str]:
    if kind in _ROOM_KINDS:
        return [ROOM, INSTRUMENT]
    choices = [ROOM, INSTRUMENT] if kind == "unit jump" else [ROOM, HUMIDITY, INSTRUMENT]
    return [str(random.choice(choices))]


def _disturbances(events: list[_Event], n: int, every: int) -> Values:
    """Return what drifts, steps and oscillations add to a room's temperature."""
    added = np.zeros(n)
    for event in events:
        random = np.random.default_rng(event.seed)
        size = float(random.choice([-1.0, 1.0]) * random.uniform(1.0, 1.8))
        minutes = every * np.arange(event.end - event.start + 1, dtype=np.float64)
        if event.kind == "oscillation":
            wave = 0.6 * abs(size) * np.sin(2 * np.pi * minutes / random.uniform(40, 80))
            added[event.start : event.end + 1] += wave
        elif event.kind in ("drift", "step"):
            rise_min = 60.0 if event.kind == "drift" else float(every)
            shape = np.minimum(1, np.minimum(minutes + every, minutes[::-1] + every) / rise_min)
            added[event.start : event.end + 1] += size * shape
    return added


def _apply_fault(values: Values, event: _Event, sensor: str) -> None:
    """Change the readings of a faulty sensor in place."""
    random = np.random.default_rng(event.seed)
    part = slice(event.start, event.end + 1)
    if event.kind == "spike":
        size = random.uniform(1.5, 3.0) * (5 if sensor == HUMIDITY else 1)
        values[part] += random.choice([-1.0, 1.0]) * size
    elif event.kind == "stuck":
        values[part] = values[event.start]
    elif event.kind == "unit jump":
        values[part] = values[part] * 1.8 + 32


def _with_flaws(
    random: np.random.Generator,
    clock: pd.DataFrame,
    sensor: str,
    values: Values,
    events: list[_Event],
    every: int,
) -> tuple[pd.DataFrame, list[tuple[str, dict[str, str]]]]:
    """Return a sensor's readings with gaps and duplicates, away from its anomalies, and their truth."""
    n = len(values)
    months = max(1, round(n * every / _DAY_MIN / 30))
    busy = np.zeros(n, bool)
    for event in events:
        busy[max(event.start - 720 // every, 0) : event.end + 720 // every] = True
    keep, truth = np.ones(n, bool), []
    for _ in range(_GAPS_PER_MONTH * months):
        length = int(random.integers(60, 360)) // every
        start = int(random.integers(1, max(n - length - 1, 2)))
        if not busy[start - 1 : start + length + 1].any():
            keep[start : start + length] = False
            busy[start - 1 : start + length + 1] = True
            truth.append(("gaps", _truth_row(clock, sensor, _Event("gap", start - 1, start + length, 0), 0)))
    free = np.flatnonzero(keep & ~busy)
    count = min(_DUPLICATES_PER_MONTH * months, len(free))
    twice = np.sort(random.choice(free, count, replace=False))
    truth += [("duplicates", _truth_row(clock, sensor, _Event("duplicate", i, i, 0), 0)) for i in twice]
    rows = np.sort(np.concatenate([np.flatnonzero(keep), twice]))
    table = pd.DataFrame(
        {
            "sensor_name": sensor,
            "datetime": clock["utc"].to_numpy()[rows],
            "sensor_value": np.round(values[rows], 3),
            "UTCOffset": clock["offset_h"].to_numpy()[rows],
        }
    )
    return table, truth


def _truth_row(clock: pd.DataFrame, sensor: str, event: _Event, shift: int) -> dict[str, str]:
    last = len(clock) - 1
    start, end = (clock["local"].iloc[min(int(i) + shift, last)] for i in (event.start, event.end))
    return {
        "sensor_name": sensor,
        "start": start.isoformat(),
        "end": end.isoformat(),
        "kind": event.kind,
    }


def _red_noise(random: np.random.Generator, n: int, every: float, hours: float) -> Values:
    """Return noise of unit variance that forgets within some hours (a first-order autoregression)."""
    from scipy.signal import lfilter

    keep = float(np.exp(-every / (60 * hours)))
    white = random.normal(size=n)
    white[0] /= np.sqrt(1 - keep**2)
    return np.asarray(lfilter([np.sqrt(1 - keep**2)], [1, -keep], white))


def _step_minutes(clock: pd.DataFrame) -> float:
    return float((clock["utc"].iloc[1] - clock["utc"].iloc[0]) / pd.Timedelta(minutes=1))
