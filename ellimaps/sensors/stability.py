"""Is it stable: time out of limit, worst periods and a calendar, per instrument and day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ellimaps.core.figures import figure_png
from ellimaps.core.files import csv_bytes, with_listing
from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.provenance import software_facts
from ellimaps.sensors.conditions import temperature_sensors
from ellimaps.sensors.movement import LIMIT, WINDOW, check_limit, limit_in_unit, movement_of
from ellimaps.sensors.store.filters import EVERYTHING, SensorFilters
from ellimaps.sensors.store.logs import KEY, SensorLog
from ellimaps.sensors.store.times import length_of
from ellimaps.sensors.summary import plain_rows

_HOUR = pd.Timedelta(hours=1)  # a cell of the calendar
GRADES = ("not known", "within limit", "out below 5 %", "out 5 to 25 %", "out above 25 %")
"""What a day was like. 5 % of it are one crossing of the default window, 25 % a quarter of the day."""
# As the grades are called.
_GRADE_ENDS = (0.0, 0.05, 0.25)
# Of a day with less, the larger part is not known.
_HALF_A_DAY_H = 12.0


@dataclass(frozen=True, eq=False)
class Stability:
    """How stable some sensors were.

    Attributes
    ----------
    sensors : DataFrame
        One row per sensor: ``region, source_id, sensor_name, unit, clock, limit, worst_at`` (end of the
        window of the largest range), ``hours`` (in which it can be said), ``hours_out, share_out,
        largest_range`` (by the range within a window), ``hours_steep, steepest_slope`` (by the slope per
        hour).
    days : DataFrame
        The same by sensor and ``day``, with its ``mean``.
    periods : DataFrame
        Times out of limit, the worst first: ``region, source_id, sensor_name, start, end, hours, range,
        slope``. A moment is out of limit if the value moved too far within the window that ends there.
    settings : dict
        Limit and window.
    """

    sensors: pd.DataFrame
    days: pd.DataFrame
    periods: pd.DataFrame
    settings: dict[str, Any]

    def graded_days(self) -> pd.DataFrame:
        """Return how good every day was of the sensor that was worst on it, as `GRADES` has it.

        Returns
        -------
        DataFrame
            ``day, week`` (its Monday), ``weekday`` (0 is Monday), ``region, source_id, sensor_name,
            share_out, hours, grade``.
        """
        days = self.days.assign(share_out=self.days["share_out"].fillna(-1.0))
        worst = days.sort_values("share_out", ascending=False, kind="stable").groupby("day").head(1)
        worst = worst.sort_values("day", ignore_index=True)
        is_known = (worst["hours"] >= _HALF_A_DAY_H) | (worst["share_out"] > 0)
        grade = pd.cut(worst["share_out"], [-np.inf, *_GRADE_ENDS, np.inf], labels=list(GRADES[1:])).astype(
            str
        )
        weekday = worst["day"].dt.day_of_week
        return worst[["day", *KEY, "share_out", "hours"]].assign(
            grade=grade.where(is_known, GRADES[0]),
            week=worst["day"] - pd.to_timedelta(weekday, unit="D"),
            weekday=weekday,
        )

    def calendar(self, value: str = "hours_out") -> pd.DataFrame:
        """Return a column of `days` as a calendar has it, ready for a heat map.

        Returns
        -------
        DataFrame
            ``region, source_id, sensor_name, day, week`` (its Monday), ``weekday`` (0 is Monday), ``value``.
        """
        day = self.days["day"]
        weekday = day.dt.day_of_week
        table = self.days[[*KEY, "day"]].assign(
            week=day - pd.to_timedelta(weekday, unit="D"), weekday=weekday
        )
        return table.assign(value=self.days[value])


def stability_of(
    log: SensorLog,
    filters: SensorFilters = EVERYTHING,
    *,
    limit: float = LIMIT,
    window: str = WINDOW,
    on_progress: Progress = no_progress,
) -> Stability:
    """Compare how sensors move with a limit.

    Parameters
    ----------
    log : SensorLog
        The log.
    filters : SensorFilters
        Which sensors and time; without a sensor's name all that read a temperature.
    limit, window
        See `ellimaps.sensors.movement.movement_of`.
    on_progress : callable
        Called as ``on_progress(done, total, what)`` for every sensor.

    Raises
    ------
    SettingError
        If no such sensor is there, or a setting cannot be read.
    """
    check_limit(limit)
    length_of(window)
    chosen = filters.sensors(log)
    if filters.sensor_name is None:
        chosen = temperature_sensors(chosen)
    sensors, days, periods = [], [], []
    for number, row in enumerate(chosen.itertuples()):
        key = (str(row.region), str(row.source_id), str(row.sensor_name))
        on_progress(number, len(chosen), f"{key[2]} of {key[1]}")
        found = log.head(*key, start=filters.start, end=filters.end, n=2)
        if len(found) < 2:
            continue
        table = movement_of(log, key, filters.start, filters.end, limit=limit, window=window)
        label: dict[str, Any] = dict(zip(KEY, key, strict=True))
        allowed = limit_in_unit(log, key, limit)
        facts = {"unit": row.unit, "clock": row.clock, "limit": allowed, "worst_at": _worst_at(table)}
        sensors.append(label | facts | _figures(table))
        days += [
            label
            | {"day": day, "mean": float(np.average(part["value"], weights=part["hours"]))}
            | _figures(part)
            for day, part in table.groupby(pd.DatetimeIndex(table.index).normalize())
        ]
        periods += [label | period for period in _periods(table)]
    on_progress(len(chosen), len(chosen), "done")
    return Stability(
        _table(sensors, _SENSORS),
        _table(days, _DAYS),
        _table(periods, _PERIODS).sort_values(["range", "start"], ascending=[False, True], ignore_index=True),
        {"limit": limit, "window": window},
    )


_FIGURES = ("hours", "hours_out", "share_out", "largest_range", "hours_steep", "steepest_slope")
_SENSORS = (*KEY, "unit", "clock", "limit", "worst_at", *_FIGURES)
_DAYS = (*KEY, "day", "mean", *_FIGURES)
_PERIODS = (*KEY, "start", "end", "hours", "range", "slope")


def stability_files(log: SensorLog, stability: Stability) -> dict[str, bytes]:
    """Return what was found as files: tables, a calendar as PNG and HTML, and the provenance."""
    from ellimaps.sensors.calendar_page import calendar_page
    from ellimaps.sensors.figures import calendar_figure

    calendar = stability.calendar()
    facts = {"software": software_facts(), **log.provenance(), **stability.settings}
    files = {
        "stability_sensors.csv": csv_bytes(stability.sensors),
        "stability_days.csv": csv_bytes(stability.days),
        "stability_periods.csv": csv_bytes(stability.periods),
        "stability_calendar.csv": csv_bytes(calendar),
        "stability_calendar.png": figure_png(calendar_figure(calendar)),
        "stability_calendar.html": calendar_page(calendar),
    }
    return with_listing(files, "stability.json", facts | {"sensors": plain_rows(stability.sensors)})


def _table(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(columns))


def _worst_at(table: pd.DataFrame) -> Any:
    known = table["range"].notna().any()
    return table.index[int(np.nanargmax(table["range"]))] if known else pd.NaT


def _figures(table: pd.DataFrame) -> dict[str, float]:
    hours = float(table["hours"][table["range"].notna()].sum())
    hours_out = float(table["hours"][table["out"]].sum())
    slope = table["slope"].to_numpy()
    steepest = slope[np.nanargmax(np.abs(slope))] if np.isfinite(slope).any() else np.nan
    return {
        "hours": hours,
        "hours_out": hours_out,
        "share_out": hours_out / hours if hours else np.nan,
        "largest_range": float(table["range"].max()),
        "hours_steep": float(table["hours"][table["steep"]].sum()),
        "steepest_slope": float(steepest),
    }


def _periods(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Return runs of moments out of limit; a gap ends one."""
    hours = table["hours"].to_numpy(np.float64)
    since = np.diff(table.index, prepend=table.index[:1]) / _HOUR
    out = table["out"].to_numpy(bool)
    begins = out & ~(np.concatenate([[False], out[:-1]]) & (since <= 1.001 * hours))
    numbers = np.cumsum(begins)
    for number in range(1, int(numbers[-1]) + 1 if len(numbers) else 1):
        part = table[out & (numbers == number)]
        slope = part["slope"].to_numpy()
        steepest = slope[np.nanargmax(np.abs(slope))] if np.isfinite(slope).any() else np.nan
        yield {
            "start": part.index[0],
            "end": part.index[-1],
            "hours": (part.index[-1] - part.index[0]) / _HOUR + float(part["hours"].iloc[0]),
            "range": float(part["range"].max()),
            "slope": float(steepest),
        }
