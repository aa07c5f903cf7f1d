"""What is to be told of a log, as it was configured on the page: a watch without options of its own reads it.

Where it is sent is said where the watch is started and never here: a target may be a command, and whoever
may open a page must not run one.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import pandas as pd

from ellimaps.core.errors import ReadError, SettingError
from ellimaps.core.files import json_bytes
from ellimaps.core.sums import json_object
from ellimaps.sensors.movement import WINDOW, check_limit, check_rate
from ellimaps.sensors.notes import notes_file, write_notes
from ellimaps.sensors.store.times import length_of

_ENDING = "alerts.json"
# Evidence less than an hour apart is one anomaly, as in find_anomalies.
_ANOMALIES_APART = pd.Timedelta("1h")


@dataclass(frozen=True)
class WatchSettings:
    """What is to be told.

    Parameters
    ----------
    limit : float, optional
        Largest movement within the window, in deg C or the unit of a sensor that reads something else; by
        default movements are not told.
    window : str
        Length of the window.
    anomalies : bool
        Whether anomalies are told.
    false_alarms_per_month : float
        How many of these chance may raise, a sensor.
    """

    limit: float | None = None
    window: str = WINDOW
    anomalies: bool = False
    false_alarms_per_month: float = 1.0

    def __post_init__(self) -> None:
        length_of(self.window)
        if self.limit is not None:
            check_limit(self.limit)
        if self.anomalies:
            check_rate(self.false_alarms_per_month)
        if self.limit is None and not self.anomalies:
            raise SettingError(
                "There is nothing to watch for: give --limit, --anomalies, or both, or configure alerts on "
                "the page Sensors."
            )

    @property
    def kinds(self) -> list[str]:
        """Kinds of crossings: ``limit``, ``anomaly``."""
        return ["limit"] * (self.limit is not None) + ["anomaly"] * self.anomalies

    def apart(self, kind: str) -> pd.Timedelta:
        """How far apart two crossings of a kind are."""
        return length_of(self.window) if kind == "limit" else _ANOMALIES_APART


@dataclass(frozen=True)
class Alerts:
    """What is to be told.

    Attributes
    ----------
    settings : WatchSettings
        The limit, anomalies, or both.
    sensor_names : tuple of str
        Of which sensors; all that read a temperature if empty.
    """

    settings: WatchSettings
    sensor_names: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """It in words."""
        asked = self.settings
        told = []
        if asked.limit is not None:
            told.append(
                f"movements beyond {asked.limit:g} deg C (other quantities: their unit) within {asked.window}"
            )
        if asked.anomalies:
            told.append(f"anomalies at {asked.false_alarms_per_month:g} false alarms a month")
        return f"{' and '.join(told)}, of {', '.join(self.sensor_names) or 'all temperatures'}"


def noted_alerts(log: str) -> Alerts | None:
    """Return what was configured for a log, by its path or URL; None if nothing was.

    Raises
    ------
    ReadError
        If the file of it is damaged.
    """
    file = notes_file(log, _ENDING)
    if not file.is_file():
        return None
    why = "remove it, and configure the alerts anew"
    facts = json_object(file.read_bytes(), file, why)
    try:
        names = tuple(map(str, facts.pop("sensor_names")))
        return Alerts(WatchSettings(**facts), names)
    except (TypeError, LookupError, ValueError, SettingError) as error:
        raise ReadError(f"{file} is damaged: {why}.") from error


def note_alerts(log: str, alerts: Alerts | None) -> None:
    """Keep what is to be told of a log in place of what was before; None takes it away.

    Raises
    ------
    ExportError
        If it cannot be written.
    """
    file = notes_file(log, _ENDING)
    if alerts is None:
        file.unlink(missing_ok=True)
    else:
        write_notes(file, json_bytes(asdict(alerts.settings) | {"sensor_names": list(alerts.sensor_names)}))
