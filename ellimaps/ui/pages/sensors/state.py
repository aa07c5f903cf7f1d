"""What one user does on the page Sensors: the open log, and the time that is looked at."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from ellimaps.sensors.store.logs import SensorLog
from ellimaps.sensors.store.options import FROM_THE_LOG, ImportOptions
from ellimaps.ui.shared.state import PageState


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
    """

    location: str = ""
    log: SensorLog | None = None
    options: ImportOptions = FROM_THE_LOG
    seen: str = ""
    said: dict[str, ImportOptions] = field(default_factory=dict)
    zoom: Span | None = None
    zooms: int = 0
    view: str = ""

    def open(self, location: str, options: ImportOptions, log: SensorLog) -> None:
        """Make a log the open one; if it is the same with more in it, go on looking at the same time."""
        if (self.location, self.options) != (location, options):
            self.zoom = None
        self.location, self.options, self.log = location, options, log

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
