"""Forecasts of a log with intervals, their tested accuracy, and a warning before a limit is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import SettingError
from ellimaps.core.progress import Progress, no_progress
from ellimaps.sensors.analysis.backtest import COVERAGE, Backtest, backtest
from ellimaps.sensors.analysis.decomposition import regular
from ellimaps.sensors.analysis.forecast_model import forecasts_by, prepare, seasonal_naive
from ellimaps.sensors.analysis.reasons import duration
from ellimaps.sensors.movement import LIMIT

HORIZONS = ("1h", "6h", "24h")
# Rooms change little in a quarter of an hour, and three times the rows take nine times the fit.
_STEP = pd.Timedelta("15min")
# Rooms a week ahead follow the weather, of which a log knows nothing.
_LONGEST = pd.Timedelta("7D")
# A whole year of seasons; older rows cost time and describe another room.
_REMEMBERED = pd.Timedelta("365D")
# Steps ahead whose interval is learned, evenly in their logarithm: errors grow smoothly between them.
_KNOTS = 16


@dataclass(frozen=True)
class Forecast:
    """What comes next.

    Attributes
    ----------
    table : DataFrame
        By time: ``value, low, high`` (the 80 % interval) and ``seasonal_naive``, every 15 min (or the log's
        own step) to the longest horizon.
    horizons : DataFrame
        A row per horizon: ``horizon, time, value, low, high, seasonal_naive``, and from the back-test
        ``mae, naive_mae, mase, mase_in_sample, coverage, n``, and the ``way`` that did best.
    recent : Series
        The last two days of the log.
    now : float
        Median of the last hour, from which the limit is counted.
    limit : float
        How far the log may move from there.
    warning : str
        When and by how much the limit is left; empty if it is kept.
    """

    table: pd.DataFrame
    horizons: pd.DataFrame
    recent: pd.Series
    now: float
    limit: float
    warning: str

    def facts(self) -> dict[str, Any]:
        """Return the forecast as plain values, ready for JSON."""
        rows = self.table.rename_axis("time").reset_index()
        rows["time"] = rows["time"].dt.strftime("%Y-%m-%dT%H:%M:%S")
        horizons = self.horizons.assign(time=self.horizons["time"].dt.strftime("%Y-%m-%dT%H:%M:%S"))
        return {
            "horizons": horizons.to_dict("records"),
            "now": self.now,
            "limit": self.limit,
            "warning": self.warning or None,
            "interval": COVERAGE,
            "path": rows.to_dict("records"),
        }


def forecast(
    series: pd.Series,
    horizons: Sequence[str] = HORIZONS,
    *,
    limit: float = LIMIT,
    unit: str = "deg C",
    on_progress: Progress = no_progress,
) -> Forecast:
    """Forecast a log; nothing in it is random, so the same log gives the same forecast.

    Parameters
    ----------
    series : Series
        Readings by local time; NaN or absent in gaps. The last 365 days take part.
    horizons : sequence of str
        How far ahead, as ``"6h"``; up to 7 days.
    limit : float
        How far the log may move from its last hour without a warning, in its unit.
    unit : str
        Unit of the readings, for the warning.
    on_progress : callable
        Called as ``on_progress(done, total, what)``.

    Raises
    ------
    SettingError
        If the log is too short to test a forecast on, or a setting is out of range.
    """
    if not limit > 0:
        raise SettingError(f"A limit of {limit:g} cannot be kept: choose one above 0.")
    times = [_horizon(text) for text in horizons]
    if not times:
        raise SettingError("No horizon is given: say how far ahead, as 6h.")
    measured = regular(series, _STEP)
    remembered = measured[measured.index[-1] - _REMEMBERED :]
    course = prepare(remembered[remembered.first_valid_index() :])
    steps = [max(1, round(time / course.step)) for time in times]
    ahead = max(steps)
    tested = backtest(course, ahead, on_progress)
    if tested is None:
        days = (course.measured.index[-1] - course.measured.index[0]) / pd.Timedelta("1D")
        raise SettingError(
            f"The log has {days:.1f} days in this selection, too few to test a forecast of "
            f"{duration(max(times))} on: choose a longer time."
        )
    last = np.array([len(course.filled) - 1])
    paths = forecasts_by(course, len(course.filled), last, ahead)
    value = np.array([paths[name][0, step] for step, name in enumerate(tested.ways)])
    table = _path(course.measured.index[-1], course.step, value, tested, steps)
    table["seasonal_naive"] = seasonal_naive(course, last, ahead)[0]
    now = float(np.median(course.filled[-4:]))
    return Forecast(
        table,
        _by_horizon(table, times, steps, tested),
        course.measured.iloc[-course.rows(pd.Timedelta("2D")) :],
        now,
        limit,
        limit_warning(table, now, limit, unit),
    )


@dataclass(frozen=True)
class LastDay:
    """The forecast of a day ago, and what came.

    Attributes
    ----------
    table : DataFrame
        By time: ``value, low, high, seasonal_naive`` as they were forecast, and ``came``.
    sentence : str
        How far they were apart.
    """

    table: pd.DataFrame
    sentence: str


def last_day(series: pd.Series, unit: str = "deg C", on_progress: Progress = no_progress) -> LastDay:
    """Forecast the last day of a log from what was there before it.

    Parameters
    ----------
    series, unit, on_progress
        See `forecast`.

    Raises
    ------
    SettingError
        If the log without its last day is too short to test a forecast on, or nothing was read on that day.
    """
    measured = regular(series, _STEP)
    before = measured[: measured.index[-1] - pd.Timedelta("1D")].dropna()
    if before.empty:
        raise SettingError("The log has no day before its last.")
    table = forecast(before, ("24h",), unit=unit, on_progress=on_progress).table
    table = table.assign(came=measured.reindex(table.index, method="nearest", tolerance=_STEP / 2))
    known = table.dropna(subset="came")
    if known.empty:
        raise SettingError("Nothing was read on the last day.")
    error, naive = (float((known[way] - known["came"]).abs().mean()) for way in ("value", "seasonal_naive"))
    inside = float(known["came"].between(known["low"], known["high"]).mean())
    of = f" {unit}" if unit else ""
    return LastDay(
        table,
        f"The forecast of a day ago erred by {error:.2g}{of} on average, the day before it by "
        f"{naive:.2g}{of}; {inside:.0%} of what came lay within its {COVERAGE:.0%} interval.",
    )


def limit_warning(table: pd.DataFrame, now: float, limit: float, unit: str) -> str:
    """Return a sentence on when the forecast, or its interval alone, leaves ``now +- limit``; or nothing.

    Parameters
    ----------
    table : DataFrame
        By time: ``value, low, high``.
    now, limit : float
        From where, and by how much it may differ, in the unit of the table.
    unit : str
        That unit, for the sentence.
    """
    of = f" {unit}" if unit else ""
    times = pd.DatetimeIndex(table.index)
    beyond = (table["value"] - now).abs().to_numpy() - limit
    if (beyond > 0).any():
        first, worst = times[int((beyond > 0).argmax())], times[int(beyond.argmax())]
        return (
            f"The forecast leaves {now:.2f} +- {limit:g}{of} at {_clock(first)} and is "
            f"{beyond.max():.2f}{of} beyond it at {_clock(worst)}."
        )
    reach = np.maximum((table["high"] - now).to_numpy(), (now - table["low"]).to_numpy()) - limit
    if (reach > 0).any():
        first = times[int((reach > 0).argmax())]
        return (
            f"The forecast stays within {now:.2f} +- {limit:g}{of}, but its {COVERAGE:.0%} interval "
            f"leaves it from {_clock(first)}, by up to {reach.max():.2f}{of}."
        )
    return ""


def _path(
    start: pd.Timestamp,
    step: pd.Timedelta,
    value: NDArray[np.float64],
    tested: Backtest,
    horizons: Sequence[int],
) -> pd.DataFrame:
    """Return the path with its intervals: learned at the horizons and some steps, between them linear."""
    steps = np.arange(1, len(value) + 1)
    spread = np.round(np.geomspace(1, len(value), min(_KNOTS, len(value)))).astype(int)
    knots = sorted({*spread.tolist(), *horizons})
    reach = np.array([tested.interval(knot) for knot in knots])
    low, high = (value + np.interp(steps, knots, side) for side in reach.T)
    index = pd.DatetimeIndex([start + step * int(n) for n in steps], name="time")
    return pd.DataFrame({"value": value, "low": low, "high": high}, index=index)


def _by_horizon(
    table: pd.DataFrame, times: Sequence[pd.Timedelta], steps: Sequence[int], tested: Backtest
) -> pd.DataFrame:
    rows = [
        {
            "horizon": duration(time) if time < pd.Timedelta("2h") else f"{time / pd.Timedelta('1h'):g} h",
            "time": table.index[step - 1],
            **table.iloc[step - 1].to_dict(),
            **tested.accuracy(step),
            "way": str(tested.ways[step - 1]),
        }
        for time, step in zip(times, steps, strict=True)
    ]
    return pd.DataFrame(rows)


def _horizon(text: str) -> pd.Timedelta:
    try:
        time = pd.Timedelta(text)
    except ValueError as error:
        raise SettingError(f"{text!r:.40} is no length of time: write it as 6h.") from error
    if not pd.Timedelta("5min") <= time <= _LONGEST:
        raise SettingError(f"{text!r:.40} cannot be forecast: choose from 5min to 7D.")
    return time


def _clock(time: pd.Timestamp) -> str:
    return f"{time.day} {time:%b %H:%M}"
