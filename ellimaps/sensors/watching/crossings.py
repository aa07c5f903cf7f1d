"""What there is to tell of a log: the moments in which a sensor crossed the limit, and its anomalies.

Both are told by the readings alone, so whoever looks again finds the same: a crossing is known by its sensor
and its first moment, whether the watch was there or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256

import pandas as pd

from ellimaps.sensors.movement import movement
from ellimaps.sensors.store.logs import SensorLog
from ellimaps.sensors.store.times import length_text
from ellimaps.sensors.store.units import unit_text

Key = tuple[str, str, str]
# Of readings denser than that, means: noise of single ones is no movement. Half of the minute within which a
# crossing is told.
_CELL = pd.Timedelta("30s")
# A season: what is usual in a room is not what was so in another one.
_HISTORY = pd.Timedelta("90D")
# Sensors that tell changes only say that they live every few hours.
_TOLD_BEFORE = pd.Timedelta("1D")


@dataclass(frozen=True)
class Crossing:
    """One thing to tell.

    Attributes
    ----------
    kind : str
        ``limit`` or ``anomaly``.
    region, source_id, sensor_name : str
        The sensor.
    start, end : str
        Its first moment, and the last that was known of it when it was found; ISO 8601, local.
    sentence : str
        What happened.
    """

    kind: str
    region: str
    source_id: str
    sensor_name: str
    start: str
    end: str
    sentence: str

    @property
    def key(self) -> str:
        """What tells it from all others, the same whoever finds it."""
        told = (self.kind, self.region, self.source_id, self.sensor_name, self.start)
        return sha256("\0".join(told).encode()).hexdigest()[:24]

    def facts(self) -> dict[str, str]:
        """Return it as plain values, ready for JSON."""
        return {"key": self.key} | asdict(self)

    def is_same(self, other: Crossing, apart: pd.Timedelta) -> bool:
        """Return whether another one is this one, found from other readings: less than a time apart."""
        mine, theirs = ((one.kind, one.region, one.source_id, one.sensor_name) for one in (self, other))
        if mine != theirs:
            return False
        first, last = pd.Timestamp(self.start) - apart, pd.Timestamp(self.end) + apart
        return bool(first <= pd.Timestamp(other.end) and pd.Timestamp(other.start) <= last)


def crossings_of(
    log: SensorLog,
    key: Key,
    since: pd.Timestamp,
    until: pd.Timestamp,
    limit: float,
    window: pd.Timedelta,
) -> Iterator[Crossing]:
    """Return how often a sensor moved beyond the limit within a window, after a moment.

    It is out of limit at a reading if the largest and the smallest value of the window that ends there differ
    by more than the limit. Readings out of limit that follow each other within a window are one crossing.

    Parameters
    ----------
    log : SensorLog
        The log.
    key : (str, str, str)
        Region, source and name of the sensor.
    since, until : Timestamp
        Local times; crossings begin after the first.
    limit : float
        In the sensor's unit.
    window : Timedelta
        Length of the window.
    """
    moved = _movement(log, key, since, until, window)
    # A difference of the same numbers may be larger than the limit by what rounding makes of it.
    out = moved["range"][(moved.index > since) & (moved["range"] > limit * (1 + 1e-9))]
    begins = ~(out.index.to_series().diff() <= window)
    unit = unit_text(str(log.chosen(*key)["unit"].iloc[0]))
    of = f" {unit}" if unit else ""
    for number in range(1, int(begins.sum()) + 1):
        part = out[(begins.cumsum() == number).to_numpy()]
        start = part.index[0]
        sentence = (
            f"{_label(key)} {start:%Y-%m-%d %H:%M:%S}: {moved['value'][start]:.2f}{of}, "
            f"moved by {part.iloc[0]:.2f}{of} within {length_text(window)} (limit {limit:g}{of})."
        )
        yield Crossing("limit", *key, start.isoformat(), part.index[-1].isoformat(), sentence)


def anomalies_in(
    log: SensorLog, key: Key, since: pd.Timestamp, until: pd.Timestamp, false_alarms: float, limit: float
) -> Iterator[Crossing]:
    """Return the anomalies of a sensor that last beyond a moment; see `find_anomalies`.

    Parameters
    ----------
    log, key, since, until
        See `crossings_of`.
    false_alarms : float
        Periods that chance may raise in 30 days.
    limit : float
        Range within an hour below which the limit rule is silent, in the sensor's unit.

    Raises
    ------
    SettingError
        If the log is too short to say what is usual.
    """
    from ellimaps.sensors.analysis.anomalies import find_anomalies
    from ellimaps.sensors.analysis.reasons import spoken_name
    from ellimaps.sensors.analysis.whole_logs import EVERY

    series = log.series(*key, start=until - _HISTORY, end=until, every=EVERY)
    unit = unit_text(str(log.chosen(*key)["unit"].iloc[0]))
    found = find_anomalies(
        series,
        false_alarms,
        limit=limit,
        what=spoken_name(key),
        unit=unit,
        resolution=log.resolution(*key),
    )
    for start, end, reason in found.loc[found["end"] > since, ["start", "end", "reason"]].to_numpy():
        span = (pd.Timestamp(start).isoformat(), pd.Timestamp(end).isoformat())
        yield Crossing("anomaly", *key, *span, f"{_label(key)}: {reason}.")


def _movement(
    log: SensorLog, key: Key, since: pd.Timestamp, until: pd.Timestamp, window: pd.Timedelta
) -> pd.DataFrame:
    """Return ``value, range`` of readings by time; a range says how far it moved, whatever was not read."""
    row = log.chosen(*key).iloc[0]
    if bool(row["held"]):
        # What a window began with was told before it.
        values = log.series(*key, start=since - window - _TOLD_BEFORE, end=until)
        return movement(values, window, held=True)
    values = log.series(*key, start=since - window, end=until)
    if float(row["step_s"]) < _CELL / pd.Timedelta("1s"):
        cells = log.averaged(*key, start=(since - window).floor(_CELL), end=until, every=_CELL)
        # The last one is not over yet, and its mean may still change.
        values = cells[cells.index <= until - _CELL]
    rolled = values.rolling(window, closed="both")
    return pd.DataFrame({"value": values, "range": rolled.max() - rolled.min()})


def _label(key: Key) -> str:
    return "/".join(part for part in key if part)
