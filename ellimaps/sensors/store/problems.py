"""What is wrong with the readings of a log: gaps, duplicates, unit jumps, stuck sensors, wrong order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.parallel import ordered_map
from ellimaps.sensors.store.options import ImportQuestion
from ellimaps.sensors.store.sql import readings_in
from ellimaps.sensors.store.steps import gaps, is_held, resolution_of, usual_steps
from ellimaps.sensors.store.times import length_text

COLUMNS = ("region", "source_id", "sensor_name", "kind", "start", "end", "detail")
# Of the readings of a sensor, that have the time of another one but not its value: two sensors taken for one.
# Clocks that go back in autumn double an hour, which is 2 % of two days.
_MERGED_SHARE, _FEWEST_MERGED = 0.05, 3
# Per sensor and kind, the largest: a list that a reader may still look through.
_MOST_OF_A_KIND = 200
# Of a sensor's readings, some 100 bytes each while it is looked at: four such sensors take 800 MB.
_MOST_AT_ONCE = 2_000_000
# No other unit of a temperature above -37 deg C lies nearer: 1.8 t + 32 - t > 6 holds from -32 on.
_LEAST_JUMP = 6.0


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, from reading number ``first`` to ``last``."""

    kind: str
    first: int
    last: int
    detail: str


@dataclass(frozen=True)
class Course:
    """How often a sensor was read.

    Attributes
    ----------
    step_s : float
        The usual seconds between two readings; NaN for fewer than two.
    held : bool
        Whether it tells changes only, so that a value holds until the next one.
    resolution : float
        The smallest step of its values.
    shared : float
        The share of readings that have the time of another one but not its value.
    has_clock : bool
        Whether any reading has a time of day other than midnight.
    gaps : ndarray of int, shape (gap,)
        The readings that nothing follows for longer than usual, by number.
    """

    step_s: float
    held: bool
    resolution: float
    shared: float
    has_clock: bool
    gaps: NDArray[np.intp]


def course_of(utc: NDArray[np.datetime64], values: NDArray[np.float64]) -> Course:
    """Return how often a sensor was read; times ascending, shape ``(reading,)`` as the values."""
    steps = np.diff(utc) / np.timedelta64(1, "s")
    positive = steps[steps > 0]
    differing = int(np.sum((steps == 0) & (values[1:] != values[:-1])))
    shared = differing / len(values) if differing >= _FEWEST_MERGED else 0.0
    usual = float(np.median(positive)) if len(positive) else float("nan")
    has_clock = not shared or bool(np.any(utc != utc.astype("datetime64[D]")))
    held = is_held(steps)
    silent = np.flatnonzero(gaps(steps, held=held))
    return Course(usual, held, resolution_of(values), shared, has_clock, silent)


def check_not_merged(course: Course, label: str, name: str) -> None:
    """Refuse a sensor that reads several values at once.

    Raises
    ------
    ImportQuestion
        If it does.
    """
    if course.shared > _MERGED_SHARE and not course.has_clock:
        raise ImportQuestion(
            f"{name} has dates of {label}, but no time of day beside them that can be read: which column "
            f"holds the times",
            "time_column",
        )
    if course.shared > _MERGED_SHARE:
        raise ImportQuestion(
            f"{name} has several readings of {label} at the same times ({course.shared:.0%}): which "
            f"column tells "
            "sensors apart, or is it one sensor, whose readings of a time are averaged",
            "sensor_columns",
            ("COLUMN", "none"),
        )


def found_problems(
    base: Any, readings: Path, sensors: pd.DataFrame, others: Sequence[tuple[object, ...]] = ()
) -> tuple[pd.DataFrame, pd.DataFrame, list[Course]]:
    """Return what is wrong with every sensor, and how often each was read.

    Parameters
    ----------
    base : duckdb.DuckDBPyConnection
        The connection to ask.
    readings : Path
        A Parquet file with ``sensor, time, offset_min, value, row``, by sensor and time.
    sensors : DataFrame
        ``region, source_id, sensor_name``, one row per sensor, by its number.
    others : sequence of tuple
        Rows of problems that are known already.

    Returns
    -------
    DataFrame
        See :data:`COLUMNS`.
    DataFrame
        All gaps: ``sensor, start, end``, the readings on either side.
    list of Course
        By sensor.
    """
    rows: list[tuple[object, ...]] = list(others)
    silent, courses = [], []
    each = [(base, readings, int(str(number)), sensor) for number, sensor in sensors.iterrows()]
    is_large = len(sensors) and sensors["n"].max() > _MOST_AT_ONCE
    for course, gaps_here, problems in (map if is_large else ordered_map)(_of_sensor, each):
        courses.append(course)
        silent.append(gaps_here)
        rows += problems
    return problem_table(rows), pd.concat(silent, ignore_index=True), courses


def _of_sensor(
    asked: tuple[Any, Path, int, pd.Series],
) -> tuple[Course, pd.DataFrame, list[tuple[object, ...]]]:
    """Return how often a sensor was read, its gaps, and what is wrong with it."""
    base, readings, number, sensor = asked

    def column(expression: str) -> NDArray[Any]:
        query = f"SELECT {expression} AS it FROM {readings_in([readings])} WHERE sensor = {number}"
        return np.asarray(base.cursor().sql(query).fetchnumpy()["it"])

    # Column by column: one sensor may have all of the readings.
    utc, values = column("time - to_minutes(coalesce(offset_min, 0))"), column("value")
    course = course_of(utc, values)
    problems = list(sensor_problems(utc, values, column("row"), held=course.held))
    time = column("time") if problems or len(course.gaps) else np.array([], "datetime64[us]")
    return course, gap_rows(number, time, course.gaps), problem_rows(sensor, time, problems)


def problem_rows(
    sensor: pd.Series, time: NDArray[np.datetime64], problems: Sequence[Problem]
) -> list[tuple[object, ...]]:
    """Return problems of one sensor as rows; times of its readings, shape ``(reading,)``."""
    label = (sensor["region"], sensor["source_id"], sensor["sensor_name"])
    return [(*label, one.kind, time[one.first], time[one.last], one.detail) for one in problems]


def problem_table(rows: Sequence[tuple[object, ...]]) -> pd.DataFrame:
    """Return rows of problems as a table; see :data:`COLUMNS`."""
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.astype({"start": "datetime64[us]", "end": "datetime64[us]"})


def gap_rows(sensor: int, time: NDArray[np.datetime64], before: NDArray[np.intp]) -> pd.DataFrame:
    """Return gaps of one sensor, ``sensor, start, end``, by the readings before them."""
    table = pd.DataFrame({"sensor": sensor, "start": time[before], "end": time[before + 1]})
    return table.astype({"sensor": "int32", "start": "datetime64[us]", "end": "datetime64[us]"})


def sensor_problems(
    utc: NDArray[np.datetime64], values: NDArray[np.float64], row: NDArray[np.int64], *, held: bool = False
) -> Iterator[Problem]:
    """Find what is wrong with one sensor.

    Parameters
    ----------
    utc : ndarray of datetime64, shape (reading,)
        Times, ascending.
    values : ndarray of float64, shape (reading,)
        Values.
    row : ndarray of int64, shape (reading,)
        Positions of the readings in the log.
    held : bool
        Whether the sensor tells changes only: it is never stuck.
    """
    if len(utc) < 2:
        return
    steps = np.diff(utc) / np.timedelta64(1, "m")
    late = list(_out_of_order(row))
    # Nobody else holds them, and they may be large.
    del utc, row
    yield from late
    yield from _duplicates(steps)
    positive = steps[steps > 0]
    if not len(positive):
        return
    usual = float(np.median(positive))
    yield from _gaps(steps, held=held)
    if not held:
        yield from _stuck(values, steps, usual)
    yield from _unit_jumps(values)


def _out_of_order(row: NDArray[np.int64]) -> Iterator[Problem]:
    late = np.flatnonzero(row[1:] < row[:-1])
    if len(late):
        detail = f"The log goes back in time at {len(late)} readings; they have been sorted."
        yield Problem("out of order", int(late[0]), int(late[-1]) + 1, detail)


def _duplicates(steps: NDArray[np.float64]) -> Iterator[Problem]:
    twice = np.flatnonzero(steps == 0)
    if len(twice):
        detail = f"{len(twice)} readings have the time of another one; such are averaged."
        yield Problem("duplicates", int(twice[0]), int(twice[-1]) + 1, detail)


def _gaps(steps: NDArray[np.float64], *, held: bool) -> Iterator[Problem]:
    usual = usual_steps(steps)
    for i in _largest(np.flatnonzero(gaps(steps, held=held)), steps):
        detail = f"No reading for {_minutes(steps[i])}, where one is usual every {_minutes(usual[i])}."
        yield Problem("gap", i, i + 1, detail)


def _stuck(values: NDArray[np.float64], steps: NDArray[np.float64], usual: float) -> Iterator[Problem]:
    """Find runs of one value far longer than this sensor's runs are.

    A sensor of coarse resolution repeats itself often, so a run counts only against the sensor's own.
    """
    ends = np.append(np.flatnonzero(values[1:] != values[:-1]), len(values) - 1)
    lengths = np.diff(ends, prepend=-1)
    # Runs as a reading sees them: the one it lies in.
    shares = np.cumsum(np.bincount(lengths) * np.arange(lengths.max() + 1)) / len(values)
    usual_run = int(np.searchsorted(shares, 0.5))
    runs = np.flatnonzero(lengths >= max(24.0, 60.0 / usual, 4.0 * usual_run))
    for i in _largest(runs, lengths):
        first, last = int(ends[i] - lengths[i] + 1), int(ends[i])
        minutes = float(steps[first:last].sum())
        detail = f"The value is {values[first]:g} for {_minutes(minutes)}, {lengths[i]} readings in a row."
        yield Problem("stuck", first, last, detail)


# Name, factor, offset.
_CONVERSIONS = (
    ("deg C to deg F", 1.8, 32.0),
    ("deg F to deg C", 1 / 1.8, -32 / 1.8),
    ("deg C to K", 1.0, 273.15),
    ("K to deg C", 1.0, -273.15),
    ("a thousandfold", 1000.0, 0.0),
    ("a thousandth", 0.001, 0.0),
)


def _unit_jumps(values: NDArray[np.float64]) -> Iterator[Problem]:
    """Jumps after which the values are the former ones in another unit, until the jump back or the end."""
    steps = np.abs(np.diff(values))
    # A sensor that jumps often does not change its unit each time.
    usual = float(np.percentile(steps[:: max(1, len(steps) // 100_000)], 95))
    jumps = np.flatnonzero(steps > max(_LEAST_JUMP, 8 * usual))
    del steps
    end = -1
    for nth, i in enumerate(jumps[: 10 * _MOST_OF_A_KIND]):
        if i <= end:
            continue
        before, after = _levels(values, int(i))
        for name, factor, offset in _CONVERSIONS:
            expected = factor * before + offset
            if abs(expected - after) < 0.1 * abs(after - before) and abs(expected - after) < 0.05 * abs(
                after
            ):
                back = [j for j in jumps[nth + 1 : nth + 50] if _is_back(values, int(j), before, after)]
                end = int(back[0]) if back else len(values) - 1
                detail = f"The values change from {before:.4g} to {after:.4g}, as from {name}."
                yield Problem("unit jump", int(i) + 1, end, detail)
                break


def _levels(values: NDArray[np.float64], i: int) -> tuple[float, float]:
    return float(np.median(values[max(i - 4, 0) : i + 1])), float(np.median(values[i + 1 : i + 6]))


def _is_back(values: NDArray[np.float64], i: int, before: float, after: float) -> bool:
    there, here = _levels(values, i)
    return abs(here - before) < abs(here - after) and abs(there - after) < abs(there - before)


def _largest(rows: NDArray[np.intp], sizes: NDArray[Any]) -> list[int]:
    """Return the rows of the largest sizes in order; there may be very many."""
    if len(rows) > _MOST_OF_A_KIND:
        rows = np.sort(rows[np.argsort(-sizes[rows], kind="stable")[:_MOST_OF_A_KIND]])
    return [int(row) for row in rows]


def _minutes(minutes: float) -> str:
    return length_text(pd.Timedelta(minutes=float(minutes)))
