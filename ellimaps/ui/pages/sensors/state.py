"""What one user does on the page Sensors: the open log, and the time that is looked at."""

from __future__ import annotations

from collections.abc import Hashable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

import pandas as pd

from ellimaps.core.errors import EllimapsError
from ellimaps.sensors.store.logs import SensorLog
from ellimaps.sensors.store.options import FROM_THE_LOG, ImportOptions
from ellimaps.ui.shared.state import PageState
from ellimaps.ui.shared.steps import Steps


@dataclass(frozen=True)
class Span:
    """From when to when, both included."""

    start: pd.Timestamp
    end: pd.Timestamp

    @property
    def length(self) -> pd.Timedelta:
        """How long."""
        return self.end - self.start

    def shifted(self, share: float) -> Span:
        """Return the span later by a share of its length."""
        return Span(self.start + share * self.length, self.end + share * self.length)

    def scaled(self, factor: float) -> Span:
        """Return the span as many times as long around the same middle."""
        margin = (factor - 1) * self.length / 2
        return Span(self.start - margin, self.end + margin)

    def widened(self, shortest: pd.Timedelta, share: float = 1.0) -> Span:
        """Return the span with a share of its length before and after it, at least ``shortest``."""
        margin = max(share * self.length, shortest)
        return Span(self.start - margin, self.end + margin)


@dataclass
class SensorsState(PageState):
    """What the page keeps.

    Attributes
    ----------
    location : str
        Path or URL of the open log; empty if none is open.
    log : SensorLog, optional
        The open log.
    options : ImportOptions
        How it was read.
    seen : str
        The state the log's files were in when they were last read.
    said : dict
        What the user said of each log, by its location.
    zoom : Span, optional
        The time that is looked at; all of the log unless the user zoomed.
    zooms : int
        How often that has changed: a chart's selection lives as long as its key, and the next one begins
        without.
    view : str
        The tab to go to in the next run; empty to stay.
    steps : Steps
        What the page has in its address.
    report : (tuple, str), optional
        The page as HTML, and what it is of.
    """

    location: str = ""
    log: SensorLog | None = None
    options: ImportOptions = FROM_THE_LOG
    seen: str = ""
    said: dict[str, ImportOptions] = field(default_factory=dict)
    zoom: Span | None = None
    zooms: int = 0
    view: str = ""
    steps: Steps = field(default_factory=Steps)
    report: tuple[Hashable, str] | None = None

    def facts(self) -> dict[str, Any]:
        """Return what is left after a restart; the log itself and the time looked at stand in the address."""
        return super().facts() | {"said": {log: said.facts() for log, said in self.said.items()}}

    @classmethod
    def of_facts(cls, facts: dict[str, Any]) -> Self:
        """Return what was written down; what does not fit any more is left out."""
        state = super().of_facts(facts)
        for log, said in dict(facts.get("said", {})).items():
            with suppress(TypeError, EllimapsError):
                told: dict[str, Any] = {
                    name: tuple(one) if isinstance(one, list) else one for name, one in said.items()
                }
                state.said[str(log)] = ImportOptions(**told)
        return state

    def open(self, location: str, options: ImportOptions, log: SensorLog) -> None:
        """Make a log the open one; if it is the same with more in it, go on looking at the same time."""
        if (self.location, self.options) != (location, options):
            self.zoom = None
            self.steps.forget()
        self.location, self.options, self.log = location, options, log

    @property
    def interval(self) -> list[str]:
        """The time that is looked at as ISO 8601 writes an interval; none for all of the log."""
        return [f"{self.zoom.start.isoformat()}/{self.zoom.end.isoformat()}"] if self.zoom else []

    def look_at_interval(self, text: str) -> None:
        """Look at the time of an interval; at all of the log where it is none that can be read."""
        self.look_at(_span_of(text))

    @property
    def span(self) -> Span:
        """The time that is looked at."""
        return self.zoom or self._whole()

    def look_at(self, span: Span | None) -> None:
        """Look at another time, within the log; None for all of it."""
        self.zooms += 1
        self.zoom = None
        if span is not None:
            whole = self._whole()
            length = min(max(span.length, pd.Timedelta("1min")), whole.length)
            start = min(max(span.start, whole.start), whole.end - length)
            self.zoom = Span(start, start + length)

    def _whole(self) -> Span:
        assert self.log is not None
        return Span(self.log.start, self.log.end)


def _span_of(said: str) -> Span | None:
    """Return the time that an address says; None where it says none that can be read."""
    try:
        start, end = (pd.Timestamp(text).tz_localize(None) for text in said.split("/"))
    except (ValueError, TypeError):
        return None
    return Span(start, end) if start < end else None
