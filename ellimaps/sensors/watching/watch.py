"""Watching a log: look, write down what crossed, send it, and wait for more."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from ellimaps.core.errors import EllimapsError, ExportError, ReadError, SettingError
from ellimaps.core.files import json_bytes, write_files
from ellimaps.core.sums import json_object
from ellimaps.sensors.conditions import temperature_sensors
from ellimaps.sensors.movement import LIMIT, limit_in_unit
from ellimaps.sensors.store.continuing import is_unended
from ellimaps.sensors.store.filters import EVERYTHING, SensorFilters
from ellimaps.sensors.store.locations import location_of, state_of
from ellimaps.sensors.store.logs import SensorLog, open_log
from ellimaps.sensors.store.options import FROM_THE_LOG, ImportOptions
from ellimaps.sensors.store.times import length_of
from ellimaps.sensors.watching.alerts import Alerts, WatchSettings, noted_alerts
from ellimaps.sensors.watching.crossings import Crossing, Key, anomalies_in, crossings_of
from ellimaps.sensors.watching.delivery import check_target, deliver
from ellimaps.sensors.watching.journal import Journal

_STATE_FILE = "state.json"
# A target that is down is asked again after twice the time, at most a minute: within which it must be told.
_LONGEST_PAUSE_S = 60.0
# Twice the longest stretch whose level is looked at: an older period was there to be found before.
_LOOK_BACK = pd.Timedelta("48h")


class Watch:
    """A watch over one log.

    Parameters
    ----------
    log : str or path
        The log; see `open_log`.
    out : Path
        Folder of the file of what was sent, and of what was looked at; one for each watch.
    target : str
        A URL that is posted to, ``mailto:ADDRESS``, or a command.
    settings : WatchSettings, optional
        What is to be told; by default what is configured for the log on the page, as it is at each look.
    filters : SensorFilters
        Which sensors; without a sensor's name those configured, or all that read a temperature.
    options : ImportOptions
        How the log is to be read.

    Raises
    ------
    SettingError
        If the target is none.
    ExportError
        If the folder cannot be written.
    """

    def __init__(
        self,
        log: str | os.PathLike[str],
        out: Path,
        target: str,
        settings: WatchSettings | None = None,
        filters: SensorFilters = EVERYTHING,
        options: ImportOptions = FROM_THE_LOG,
    ) -> None:
        check_target(target)
        self._name, self._target = os.fspath(log), target
        self._fixed = Alerts(settings) if settings else None
        self.asked = self._fixed
        self._watched: set[tuple[str, Key]] | None = None
        self._filters, self._options, self._out = filters, options, out
        try:
            self.journal = Journal(out)
        except OSError as error:
            raise ExportError(f"{out} cannot be written ({error.strerror or error}).") from error
        self._seen = ""

    def look(self) -> list[Crossing]:
        """Read what is new of the log and write down what crossed since; return that.

        Of a log that is watched for the first time, only what comes after is told; of what is configured
        meanwhile, what comes after that.

        Raises
        ------
        ReadError
            If the log cannot be read now.
        """
        log, is_writing = self._opened()
        asked = self._fixed or noted_alerts(self._name)
        if asked is None:
            self.asked, self._watched = None, set()
            return []
        if log.store.name == self._seen and asked == self.asked:
            return []
        ends = self._ends(log, asked)
        state = WatchState.read(self._state_file, max(ends.values()))
        self._follow(asked, ends, state)
        told = [_crossing(line, state) for line in self.journal.found().values()]
        new: list[Crossing] = []
        for key, end in ends.items():
            until = end - pd.Timedelta(microseconds=int(is_writing))
            for one in self._crossings(log, key, state, until, asked.settings):
                apart = asked.settings.apart(one.kind)
                same = [other for other in (*told, *new) if one.is_same(other, apart)]
                new += [] if same else [one]
                for other in same:
                    state.last(other.key, one.end)
        for one in new:
            self.journal.write("found", **one.facts())
        state.write(self._state_file)
        self._seen = "" if is_writing else log.store.name
        return new

    def send(self) -> Iterator[tuple[dict[str, Any], bool]]:
        """Send what is not sent yet, but for what failed a moment ago; with whether it was taken."""
        for line in self.journal.unsent():
            tried = [one for one in self.journal.of_key(line["key"]) if one["what"] == "failed"]
            pause = min(2.0 ** len(tried), _LONGEST_PAUSE_S) if tried else 0.0
            if tried and time.time() < datetime.fromisoformat(tried[-1]["at"]).timestamp() + pause:
                continue
            yield line, deliver(self.journal.folder, line["key"], self._target)

    def run(self, every_s: float, tell: Callable[[str], None], go_on: Callable[[], bool]) -> None:
        """Look and send until told to stop.

        Parameters
        ----------
        every_s : float
            Seconds between two looks.
        tell : callable
            Called with a sentence for whatever happens.
        go_on : callable
            Called before every further look; whether there is to be one.

        Raises
        ------
        SettingError
            If another watch uses the same folder.
        EllimapsError
            If the log cannot be read at the first look; later ones tell and try again.
        """
        with self.journal.watching() as mine:
            if not mine:
                raise SettingError(f"{self._out} is used by another watch: choose another folder (--out).")
            # Who sends for a watch that was killed is waited for: what it did is then written down.
            with self.journal.sending():
                pass
            is_first = True
            while is_first or go_on():
                began = time.monotonic()
                before = self.asked
                try:
                    self.look()
                except EllimapsError as error:
                    if is_first:
                        raise
                    tell(str(error))
                if self.asked != before:
                    tell(f"as configured on the page: {self.asked.sentence if self.asked else 'nothing'}")
                for line, is_taken in self.send():
                    tell(f"{'sent' if is_taken else 'not taken, will be tried again'}: {line['sentence']}")
                is_first = False
                time.sleep(max(0.0, min(every_s, every_s - (time.monotonic() - began))))

    @property
    def _state_file(self) -> Path:
        return self.journal.folder / _STATE_FILE

    def _opened(self) -> tuple[SensorLog, bool]:
        """Return the log, and whether its last line may not have been whole when it was read."""
        before = state_of(self._name)
        log = open_log(self._name, options=self._options)
        return log, ends_within_a_line(self._name) or state_of(self._name) != before

    def _ends(self, log: SensorLog, asked: Alerts) -> dict[Key, pd.Timestamp]:
        """Return the last reading of every sensor that is watched."""
        names = self._filters.sensor_name or asked.sensor_names or None
        chosen = replace(self._filters, sensor_name=names).sensors(log)
        chosen = chosen if names else temperature_sensors(chosen)
        return {
            (str(row.region), str(row.source_id), str(row.sensor_name)): pd.Timestamp(str(row.end))
            for row in chosen.itertuples()
        }

    def _follow(self, asked: Alerts, ends: dict[Key, pd.Timestamp], state: WatchState) -> None:
        """Watch for what is asked now; what this watch did not look for before begins with the change."""
        watched = {(kind, key) for kind in asked.settings.kinds for key in ends}
        if self._watched is not None and asked != self.asked:
            for kind, key in watched - self._watched:
                state.begin(kind, key, ends[key])
        self.asked, self._watched = asked, watched

    @staticmethod
    def _crossings(
        log: SensorLog, key: Key, state: WatchState, until: pd.Timestamp, asked: WatchSettings
    ) -> Iterator[Crossing]:
        limit = limit_in_unit(log, key, asked.limit if asked.limit is not None else LIMIT)
        if asked.limit is not None:
            window = length_of(asked.window)
            found = list(crossings_of(log, key, state.quiet(key), until, limit, window))
            yield from found
            if not found or until - pd.Timestamp(found[-1].end) > window:
                state.looked(key, "quiet", until)
        if asked.anomalies:
            # Too short to say what is usual, it grows.
            with suppress(SettingError):
                yield from anomalies_in(
                    log, key, state.anomalies_since(key), until, asked.false_alarms_per_month, limit
                )
            state.looked(key, "looked", until)


class WatchState:
    """How far a watch has looked: local times by sensor.

    Without it a watch would look from its beginning; what was found is in the journal, so none is told twice.
    """

    def __init__(self, facts: dict[str, Any]) -> None:
        self._facts = facts

    @classmethod
    def read(cls, file: Path, end: pd.Timestamp) -> WatchState:
        """Return the state in a file; a watch that begins has seen the log up to its end."""
        if file.is_file():
            facts = json_object(file.read_bytes(), file, "remove it, and the watch begins anew")
            if not isinstance(facts.get("began"), str) or not all(
                isinstance(facts.get(name), dict) for name in ("quiet", "looked", "last")
            ):
                raise ReadError(f"{file} is damaged: remove it, and the watch begins anew.")
            return cls(facts)
        return cls({"began": end.isoformat(), "quiet": {}, "looked": {}, "last": {}, "asked": {}})

    def write(self, file: Path) -> None:
        """Replace the file."""
        write_files(file.parent, {file.name: json_bytes(self._facts)})

    def quiet(self, key: Key) -> pd.Timestamp:
        """Return up to when a sensor has been looked at and no crossing is going on."""
        return max(self._began("limit", key), pd.Timestamp(self._facts["quiet"].get("/".join(key), 0)))

    def anomalies_since(self, key: Key) -> pd.Timestamp:
        """Return the moment beyond which an anomaly lasts that is to be told."""
        began = self._began("anomaly", key)
        looked = self._facts["looked"].get("/".join(key))
        return max(began, pd.Timestamp(looked) - _LOOK_BACK) if looked else began

    def begin(self, kind: str, key: Key, at: pd.Timestamp) -> None:
        """Note that a kind of crossing of a sensor is to be told from a moment on."""
        self._facts.setdefault("asked", {})["/".join((kind, *key))] = at.isoformat()

    def _began(self, kind: str, key: Key) -> pd.Timestamp:
        return pd.Timestamp(self._facts.get("asked", {}).get("/".join((kind, *key)), self._facts["began"]))

    def looked(self, key: Key, at: str, until: pd.Timestamp) -> None:
        """Note up to when a sensor has been looked at."""
        self._facts[at]["/".join(key)] = until.isoformat()

    def last(self, crossing: str, end: str) -> None:
        """Note that what was told has gone on."""
        self._facts["last"][crossing] = max(end, self._facts["last"].get(crossing, ""))

    def end_of(self, crossing: str, told: str) -> str:
        """Return up to when something told has gone on."""
        return max(told, str(self._facts["last"].get(crossing, "")))


def ends_within_a_line(name: str) -> bool:
    """Return whether one of a log's local text files is being written and its last line has no end yet."""
    location = location_of(name)
    return location.system is None and any(is_unended(Path(file)) for file, _ in location.files)


def _crossing(line: dict[str, Any], state: WatchState) -> Crossing:
    found = {field.name: line[field.name] for field in fields(Crossing)}
    return Crossing(**found | {"end": state.end_of(line["key"], line["end"])})
