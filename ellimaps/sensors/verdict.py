"""Was the limit kept, in a sentence, and what that rests on: worst window, drift, gaps, both clocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from ellimaps.core.numbers import number_text, shown_unit, spoken, with_unit
from ellimaps.sensors.stability import Stability
from ellimaps.sensors.store.logs import KEY, SensorLog
from ellimaps.sensors.store.times import length_of, length_text

# Of the hours asked for. With less, the larger part of them is not known, as with a window of movement_of.
_LEAST_KNOWN = 0.5
# Of two daily means nothing tells a drift from the weather of the second day.
_FEWEST_DAYS = 3
_HOUR = pd.Timedelta("1h")


@dataclass(frozen=True)
class StabilityVerdict:
    """What was found, and why.

    Attributes
    ----------
    answer : str
        ``kept`` (never out of limit), ``left``, or ``not known``.
    sentence : str
        The answer in words.
    evidence : dict of str to str
        What it rests on, by a word or two: of the sensor that moved most.
    """

    answer: Literal["kept", "left", "not known"]
    sentence: str
    evidence: dict[str, str]


def verdict_of(log: SensorLog, found: Stability, start: pd.Timestamp, end: pd.Timestamp) -> StabilityVerdict:
    """Say whether sensors kept the limit from a time to another.

    Parameters
    ----------
    log : SensorLog
        The log.
    found : Stability
        Of its sensors, in that time.
    start, end : Timestamp
        Local times.
    """
    sensors = found.sensors
    asked = max(len(sensors), 1) * ((end - start) / _HOUR)
    hours, out = float(sensors["hours"].sum()), float(sensors["hours_out"].sum())
    known = f"{hours:,.0f} of {asked:,.0f} hours known"
    if not hours:
        return StabilityVerdict("not known", "Not known whether it was stable: too little was read.", {})
    worst = sensors.iloc[int(np.nanargmax(sensors["largest_range"] / sensors["limit"]))]
    evidence = _evidence(log, found, worst, start, end)
    if out:
        text = f"Out of limit in {out / hours:.1%} of the time ({_hours(out)}; {known})."
        return StabilityVerdict("left", text, evidence)
    if hours < _LEAST_KNOWN * asked:
        text = f"Not known whether it was stable: only {known}, in which the limit was kept."
        return StabilityVerdict("not known", text, evidence)
    return StabilityVerdict("kept", f"Never out of limit ({known}).", evidence)


def _evidence(
    log: SensorLog, found: Stability, worst: pd.Series, start: pd.Timestamp, end: pd.Timestamp
) -> dict[str, str]:
    region, source, name = (str(worst[column]) for column in KEY)
    unit, window = str(worst["unit"]), length_of(str(found.settings["window"]))
    at = pd.Timestamp(worst["worst_at"])
    days = found.days[(found.days[list(KEY)].astype(str) == [region, source, name]).all(axis=1)]
    return {
        "Worst window": (
            f"{_amount(worst['largest_range'], unit)} within {length_text(window)} until "
            f"{at:%Y-%m-%d %H:%M}, {spoken(name)} of {source or region} "
            f"(limit {_amount(worst['limit'], unit)})"
        ),
        "Drift": _drift(days, unit),
        "Gaps": _gaps(log, (region, source, name), start, end),
        "Clocks": _clocks(log, (region, source, name), at, str(worst["clock"])),
    }


def _drift(days: pd.DataFrame, unit: str) -> str:
    if len(days) < _FEWEST_DAYS:
        return f"not known: it takes the means of {_FEWEST_DAYS} days"
    since = ((days["day"] - days["day"].iloc[0]) / pd.Timedelta("1D")).to_numpy(np.float64)
    # Weights of least squares stand for 1 / sigma: a day of which half was read counts half.
    slope = np.polyfit(
        since, days["mean"].to_numpy(np.float64), 1, w=np.sqrt(days["hours"].fillna(0) + 1e-9)
    )[0]
    return f"{slope:+.2g} {shown_unit(unit)} per day, by the means of {len(days)} days".replace("  ", " ")


def _gaps(log: SensorLog, key: tuple[str, str, str], start: pd.Timestamp, end: pd.Timestamp) -> str:
    gaps = log.gaps(*key)
    first = np.maximum(gaps["start"].to_numpy("datetime64[us]"), start.to_datetime64())
    last = np.minimum(gaps["end"].to_numpy("datetime64[us]"), end.to_datetime64())
    hours = (last - first) / np.timedelta64(1, "h")
    if not (hours > 0).any():
        return "none"
    longest = int(hours.argmax())
    return (
        f"{int((hours > 0).sum())}, {_hours(float(hours[hours > 0].sum()))} together; the longest from "
        f"{pd.Timestamp(first[longest]):%Y-%m-%d %H:%M} to {pd.Timestamp(last[longest]):%Y-%m-%d %H:%M}"
    )


def _clocks(log: SensorLog, key: tuple[str, str, str], at: pd.Timestamp, clock: str) -> str:
    offset: Any = log.select(*key, start=at - _HOUR, end=at)["utc_offset"].dropna()
    if offset.empty:
        return "local time of the log, whose zone is not stated: UTC is not known (say the zone above)"
    utc = at - pd.Timedelta(hours=float(offset.iloc[-1]))
    return f"local time of the log ({clock}); {at:%H:%M} there was {utc:%Y-%m-%d %H:%M} UTC"


def _amount(value: float, unit: str) -> str:
    return with_unit(number_text(float(value), 3), unit)


def _hours(hours: float) -> str:
    return f"{hours:,.1f} h"
