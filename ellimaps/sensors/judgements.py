"""What users make of anomalies: confirmed or dismissed, and what that says of the stated rate."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from ellimaps.core.errors import ReadError, SettingError
from ellimaps.sensors.notes import notes_file, table_bytes, write_notes
from ellimaps.sensors.store.logs import KEY
from ellimaps.sensors.store.times import time_of

CONFIRMED, DISMISSED = "confirmed", "dismissed"
COLUMNS = (*KEY, "start", "end", "judgement", "note")
# Evidence less than an hour apart is one anomaly, as in find_anomalies: half of it on either side.
_PAD = pd.Timedelta("30min")
# Of both periods together: one that goes on for twice as long is news.
_SHARED = 0.5
_MONTH = pd.Timedelta("30D")

Key = tuple[str, str, str]


@dataclass(frozen=True, order=True)
class Judgement:
    """What somebody made of a period.

    Attributes
    ----------
    key : (str, str, str)
        Region, source and name of the sensor.
    start, end : Timestamp
        Local times of the period.
    judgement : str
        ``confirmed`` or ``dismissed``.
    note : str
        Why.
    """

    key: Key
    start: pd.Timestamp
    end: pd.Timestamp
    judgement: str
    note: str = ""

    def __post_init__(self) -> None:
        if self.judgement not in (CONFIRMED, DISMISSED):
            raise SettingError(f"An anomaly is {CONFIRMED} or {DISMISSED}, not {self.judgement!r:.40}.")

    def is_of(self, key: Key, start: pd.Timestamp, end: pd.Timestamp) -> bool:
        """Return whether a period is the one that was judged: they share half of their time."""
        if key != self.key:
            return False
        first, last = max(start, self.start) - _PAD, min(end, self.end) + _PAD
        whole = max(end, self.end) - min(start, self.start) + 2 * _PAD
        return bool((last - first) >= _SHARED * whole)


def noted_judgements(log: str) -> list[Judgement]:
    """Return the judgements of the anomalies of a log, by its path or URL.

    Raises
    ------
    ReadError
        If the file of them is damaged.
    """
    file = notes_file(log, "anomalies.csv")
    if not file.is_file():
        return []
    try:
        rows = pd.read_csv(file, dtype=str, keep_default_na=False)[list(COLUMNS)].to_numpy()
        return [
            Judgement((region, source, name), time_of(start), time_of(end), judgement, note)
            for region, source, name, start, end, judgement, note in rows
        ]
    except (OSError, ValueError, LookupError, csv.Error, SettingError) as error:
        raise ReadError(f"{file} is damaged: remove it, and the anomalies can be judged anew.") from error


def note_judgements(log: str, judgements: Sequence[Judgement]) -> None:
    """Keep the judgements of a log in place of those before.

    Raises
    ------
    ExportError
        If they cannot be written.
    """
    write_notes(notes_file(log, "anomalies.csv"), judgements_csv(judgements))


def judgements_csv(judgements: Sequence[Judgement]) -> bytes:
    """Return judgements as a table of `COLUMNS`."""
    rows = [
        (*one.key, one.start.isoformat(), one.end.isoformat(), one.judgement, one.note)
        for one in sorted(judgements)
    ]
    return table_bytes(rows, COLUMNS)


def with_judgement(judgements: Sequence[Judgement], new: Judgement) -> list[Judgement]:
    """Return judgements with another one, which takes the place of that of the same period."""
    return [one for one in judgements if not one.is_of(new.key, new.start, new.end)] + [new]


def judged(periods: pd.DataFrame, key: Key, judgements: Sequence[Judgement]) -> pd.DataFrame:
    """Return the anomalies of a sensor with what was made of each: ``judgement`` and ``note``, or nothing.

    Parameters
    ----------
    periods : DataFrame
        As `find_anomalies` returns them.
    key : (str, str, str)
        Of the sensor.
    judgements : sequence of Judgement
        Those of the log.
    """
    found = [
        next((one for one in judgements if one.is_of(key, start, end)), None)
        for start, end in zip(periods["start"], periods["end"], strict=True)
    ]
    return periods.assign(
        judgement=[one.judgement if one else "" for one in found],
        note=[one.note if one else "" for one in found],
    )


def rate_sentence(periods: pd.DataFrame, length: pd.Timedelta, stated: float) -> str:
    """Say whether what was dismissed agrees with the false alarms stated; nothing before any was judged.

    The interval is exact for a Poisson number of false alarms (Garwood, Biometrika 28 (1936) 437-442).

    Parameters
    ----------
    periods : DataFrame
        As `judged` returns them.
    length : Timedelta
        Of the log.
    stated : float
        False alarms a month that were asked for.
    """
    from scipy.stats import chi2

    false = int((periods["judgement"] == DISMISSED).sum())
    left = int((periods["judgement"] == "").sum())
    if left == len(periods):
        return ""
    months = length / _MONTH
    low = chi2.ppf(0.025, 2 * false) / 2 / months if false else 0.0
    high = chi2.ppf(0.975, 2 * false + 2) / 2 / months
    counted = (
        f"{false} of {len(periods)} dismissed in {months:.1f} months: {false / months:.2g} false alarms a "
        f"month (95 % interval {low:.2g} to {high:.2g}), at most {stated:g} stated"
    )
    if low > stated:
        return f"{counted}. That is more than stated."
    if left:
        return f"{counted}; {left} not judged yet."
    if high <= stated:
        return f"{counted}. The stated rate is kept."
    return f"{counted}. That agrees with it; the log is too short to say more."
