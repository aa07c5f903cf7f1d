"""Whether a sensor was another one after an event than before, with a p that noise and habit do not lower."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import SettingError
from ellimaps.sensors.analysis.whole_logs import EVERY
from ellimaps.sensors.events import Event
from ellimaps.sensors.store.logs import SensorLog
from ellimaps.sensors.store.times import length_of, length_text
from ellimaps.sensors.store.units import unit_text

SIGNIFICANCE = 0.05
"""One event in twenty that did nothing is said to have changed something."""
WINDOW = "24h"
# With fewer days to compare with, even the largest change of all would not be rarer than SIGNIFICANCE.
_FEWEST_DAYS = round(1 / SIGNIFICANCE) - 1
# Of each window: with less, its mean says little of it.
_LEAST_KNOWN = 0.5
_DAY = pd.Timedelta("1D")


@dataclass(frozen=True)
class BeforeAfter:
    """What a sensor read before and after an event.

    Attributes
    ----------
    event : Event
        The event.
    before, after : float
        Means of the windows; NaN where too little was read.
    p : float
        Share of days on which the same two windows differ at least as much, this day counted; NaN if not
        known.
    days : int
        Days it was compared with.
    verdict : str
        ``changed`` (p is at most 0.05), ``not shown``, or ``unknown``.
    sentence : str
        All that in words.
    """

    event: Event
    before: float
    after: float
    p: float
    days: int
    verdict: Literal["changed", "not shown", "unknown"]
    sentence: str

    def facts(self) -> dict[str, Any]:
        """Return it as plain values, ready for JSON."""
        known = {name: None if value != value else value for name, value in self._numbers().items()}
        at = {"start": self.event.start.isoformat(), "end": self.event.end.isoformat()}
        told = {"kind": self.event.kind, "note": self.event.note, "verdict": self.verdict}
        return at | told | known | {"days": self.days, "sentence": self.sentence}

    def _numbers(self) -> dict[str, float]:
        return {"before": self.before, "after": self.after, "change": self.after - self.before, "p": self.p}


def before_after(
    series: pd.Series,
    event: Event,
    window: str = WINDOW,
    *,
    others: Sequence[Event] = (),
    unit: str = "",
) -> BeforeAfter:
    """Compare a sensor before and after an event with what it does on other days.

    The difference of the means of the two windows is compared with that of the same windows, at the same time
    of day, on every other day of the log: a randomization test of the day [1]_. If the event did nothing and
    was not put on its day because of what the sensor did, each of the days is as likely to have the largest
    difference, however noise remembers, and whatever the room does every day; neither makes p too small.
    Days whose windows meet those of this event or of another one are left out.

    Parameters
    ----------
    series : Series
        Readings by local time.
    event : Event
        The event.
    window : str
        Length before its start and after its end, as ``24h``.
    others : sequence of Event
        Other events of the log.
    unit : str
        Unit of the readings, for the sentence.

    References
    ----------
    .. [1] E. S. Edgington and P. Onghena, "Randomization Tests", 4th edition, Chapman & Hall/CRC 2007,
       chapter 11 (single-case experiments)

    Raises
    ------
    SettingError
        If the window cannot be read, or the series has no times.
    """
    length = length_of(window)
    if not isinstance(series.index, pd.DatetimeIndex):
        raise SettingError("The log has no times as its index: read it with ellimaps.sensors.store.logs.")
    means = _Means(series)
    at = f"{event.kind} {event.start:%Y-%m-%d %H:%M}"
    [difference], [before], [after] = means.around(pd.DatetimeIndex([event.start]), event, length)
    if not np.isfinite(difference):
        sentence = f"{at}: not known, too little was read within {length_text(length)} before and after."
        return BeforeAfter(event, before, after, np.nan, 0, "unknown", sentence)
    elsewhere, _, _ = means.around(_other_days(series, event, others, length), event, length)
    elsewhere = elsewhere[np.isfinite(elsewhere)]
    days = len(elsewhere)
    of = f" {unit}" if unit else ""
    told = (
        f"{at}: {before:.2f}{of} in the {length_text(length)} before, "
        f"{after:.2f}{of} after, {difference:+.2f}{of}"
    )
    if days < _FEWEST_DAYS:
        why = (
            f"not known whether that is more than on other days: {days} of them to compare with, it takes "
            f"{_FEWEST_DAYS}"
        )
        return BeforeAfter(event, before, after, np.nan, days, "unknown", f"{told}; {why}.")
    # As much, but for what rounding makes of it.
    as_much = np.abs(elsewhere) >= abs(difference) * (1 - 1e-9)
    p = (1 + int(as_much.sum())) / (1 + days)
    verdict: Literal["changed", "not shown"] = "changed" if p <= SIGNIFICANCE else "not shown"
    told_p = f"p = {p:.3f} among {days + 1} days"
    word = "changed" if verdict == "changed" else "no change shown"
    return BeforeAfter(event, before, after, p, days, verdict, f"{told}: {word} ({told_p}).")


def effects_of(
    log: SensorLog, key: tuple[str, str, str], events: Sequence[Event], window: str = WINDOW
) -> list[BeforeAfter]:
    """Compare one sensor of a log before and after each of some events; see `before_after`.

    Parameters
    ----------
    log : SensorLog
        The log.
    key : (str, str, str)
        Location, name and quantity of the sensor.
    events : sequence of Event
        The events; each is compared without the stretches of the others.
    window : str
        Length compared on either side, such as ``"6h"``.
    """
    series = log.series(*key, every=EVERY)
    unit = unit_text(str(log.chosen(*key)["unit"].iloc[0]))
    return [
        before_after(series, event, window, others=[one for one in events if one is not event], unit=unit)
        for event in events
    ]


class _Means:
    """Means of a series over many windows at once."""

    def __init__(self, series: pd.Series) -> None:
        known = series.dropna().sort_index()
        self._times = pd.DatetimeIndex(known.index)
        values = known.to_numpy(np.float64)
        # Sums around the middle lose no digits that count.
        self._middle = float(np.median(values)) if len(values) else 0.0
        self._sums = np.concatenate([[0.0], np.cumsum(values - self._middle)])
        steps = np.diff(self._times) / pd.Timedelta("1s")
        self._step_s = float(np.median(steps)) if len(steps) else np.nan

    def around(
        self, starts: pd.DatetimeIndex, event: Event, length: pd.Timedelta
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return the differences, and the means before and after, of an event moved to some starts."""
        ends = starts + (event.end - event.start)
        before, after = self._of(starts - length, starts), self._of(ends, ends + length)
        return after - before, before, after

    def _of(self, first: pd.DatetimeIndex, last: pd.DatetimeIndex) -> NDArray[np.float64]:
        low, high = self._times.searchsorted(first), self._times.searchsorted(last)
        n = high - low
        expected = (last - first) / pd.Timedelta(seconds=self._step_s) if self._step_s > 0 else np.inf
        with np.errstate(invalid="ignore", divide="ignore"):
            means = (self._sums[high] - self._sums[low]) / n + self._middle
        return np.asarray(np.where(n >= _LEAST_KNOWN * expected, means, np.nan))


def _other_days(
    series: pd.Series, event: Event, others: Sequence[Event], length: pd.Timedelta
) -> pd.DatetimeIndex:
    """Return the event's time of day on the days whose windows meet those of no event."""
    lasts = event.end - event.start
    index = pd.DatetimeIndex(series.index)
    earlier = int((event.start - length - index.min()) // _DAY)
    later = int((index.max() - event.end - length) // _DAY)
    starts = event.start + pd.to_timedelta([n for n in range(-earlier, later + 1) if n], unit="D")
    free = np.abs((starts - event.start) / (lasts + 2 * length)) >= 1
    for other in others:
        free &= (starts + lasts + length <= other.start) | (starts - length >= other.end)
    return pd.DatetimeIndex(starts[free])
