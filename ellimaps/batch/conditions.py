"""Columns of the batch table that say whether the temperature was stable during each acquisition.

They are computed when the tables are written, from the times that the records hold: another log does not mean
that anything is measured again, and workers need not reach the log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from ellimaps.batch.store import Record
from ellimaps.batch.times import END, START
from ellimaps.sensors.conditions import acquisition_conditions, sensors_called
from ellimaps.sensors.store.logs import SensorLog

COLUMNS = {
    "Temperature": "number",
    "Temperature drift": "number",
    "Temperature range": "number",
    "Stability": "text",
    "Sensor": "text",
}


@dataclass(frozen=True)
class ConditionColumns:
    """Says the columns of a record: mean, drift per hour, range within an hour, and the verdict.

    Parameters
    ----------
    log : SensorLog
        The log.
    sensor : str, optional
        See `ellimaps.sensors.conditions.acquisition_conditions`.

    Raises
    ------
    SettingError
        If the log has no such sensor.
    """

    log: SensorLog
    sensor: str | None = None

    def __post_init__(self) -> None:
        # A wrong name is told before hours of work.
        if self.sensor is not None:
            sensors_called(self.log, self.sensor)

    def facts(self) -> dict[str, Any]:
        """Return what the columns depend on, ready for JSON."""
        return {**self.log.provenance(), "sensor": self.sensor}

    def __call__(self, record: Record) -> dict[str, str]:
        """Return the columns of a record as text."""
        start, end = (str(record.facts.get(name, "")) for name in (START, END))
        if not start:
            return dict.fromkeys(COLUMNS, "") | {"Stability": "unknown"}
        found = acquisition_conditions(self.log, pd.Timestamp(start), pd.Timestamp(end), self.sensor)
        numbers = (found.mean, found.drift, found.range)
        texts = ("" if number != number else f"{number:.4f}" for number in numbers)
        return dict(zip(COLUMNS, (*texts, found.verdict, found.sensor), strict=True))
