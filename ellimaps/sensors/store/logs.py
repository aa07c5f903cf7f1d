"""Sensor logs: opened from anywhere, asked sensor by sensor or for what a picture needs.

Times are local wall-clock times without a zone. A log that states a UTC offset gives
``datetime + UTCOffset``; one that does not is taken to be in local time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import ReadError, SettingError
from ellimaps.core.progress import Progress, no_progress
from ellimaps.sensors.store.decimation import decimated
from ellimaps.sensors.store.importing import store_of
from ellimaps.sensors.store.locations import location_of
from ellimaps.sensors.store.options import FROM_THE_LOG, ImportOptions
from ellimaps.sensors.store.report import ImportReport
from ellimaps.sensors.store.steps import gaps
from ellimaps.sensors.store.stores import (
    GAPS,
    INPUTS,
    OVERVIEW_POINTS,
    PROBLEMS,
    REPORT,
    SENSORS,
    connection,
    overview_of,
    readings_of,
)
from ellimaps.sensors.store.times import Time, end_of, length_of, time_of

Names = str | Sequence[str]
KEY = ("region", "source_id", "sensor_name")
FAULTS = ("stuck", "unit jump")
"""Kinds of problems whose readings are no measurements, and can be left out."""
# 400 MB of float64.
_MOST_GRID = 50_000_000


def open_log(
    path_or_url: str | os.PathLike[str],
    on_progress: Progress | None = None,
    options: ImportOptions = FROM_THE_LOG,
) -> SensorLog:
    """Open a sensor log; it is imported once, into a cache, and opened from there afterwards.

    Parameters
    ----------
    path_or_url : str or path
        A CSV or Parquet file, a folder of such, or a URL as ``s3://bucket/log.csv``; see `location_of`.
    on_progress : callable, optional
        Called as ``on_progress(done, total, what)`` while it is imported.
    options : ImportOptions
        Answers where the log can be read in two ways, and what is to be read otherwise than it was.

    Returns
    -------
    SensorLog
        The log.

    Raises
    ------
    ReadError
        If it cannot be read, or holds no reading.
    ImportQuestion
        If it can be read in two ways; a `ReadError` whose sentence asks.
    ExportError
        If the cache cannot be written; ``ELLIMAPS_CACHE`` names another folder for it.
    MissingExtraError
        If DuckDB or the library for the URL is not installed.
    """
    location = location_of(path_or_url)
    return SensorLog(location.name, store_of(location, options, on_progress or no_progress))


@dataclass(frozen=True, eq=False)
class SensorLog:
    """The readings of some sensors.

    Parameters
    ----------
    name : str
        Where the log was read from.
    store : Path
        Folder of its store; see `ellimaps.sensors.store.stores`.
    leaves_out : tuple of str
        Kinds of problems, of `FAULTS`, whose readings are left out; see `faultless`.

    Attributes
    ----------
    sensors : DataFrame
        One row per sensor: ``region, source_id, sensor_name, unit, n, start, end, clock, unit_assumed,
        step_s, held``. Where the log states no unit it is assumed for temperatures that can hardly be in
        another (`ellimaps.sensors.store.units`), and empty for others. The clock is what is known of the
        local times: ``UTC+01:00``, ``UTC+01:00 to UTC+02:00`` over the year, ``UTC``, or nothing. The usual
        step is in seconds, its ``resolution`` in its unit; a sensor that is held tells changes only, and its
        values hold until the next.
    report : ImportReport
        What the log was taken for.
    problems : DataFrame
        What is wrong with the readings: ``region, source_id, sensor_name, kind, start, end, detail``. Kinds
        are duplicates, gap, unit jump, stuck, out of order, error code, wrong time and unreadable (of a file,
        named as source).
    """

    name: str
    store: Path
    leaves_out: tuple[str, ...] = ()
    sensors: pd.DataFrame = field(init=False)
    problems: pd.DataFrame = field(init=False)
    report: ImportReport = field(init=False)
    _base: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "sensors", pd.read_parquet(self.store / SENSORS))
            object.__setattr__(self, "problems", pd.read_parquet(self.store / PROBLEMS))
            facts = json.loads((self.store / REPORT).read_text(encoding="utf-8"))
            object.__setattr__(self, "report", ImportReport.of_facts(facts))
        except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
            raise ReadError(f"The cache of {self.name} is damaged: remove {self.store}.") from error
        object.__setattr__(self, "_base", connection(self.store))

    @property
    def identity(self) -> tuple[str, ...]:
        """What tells its readings from those of every other log, and of every other state of it."""
        return (self.store.name, *self.leaves_out)

    @cached_property
    def faultless(self) -> SensorLog:
        """The log without the readings of stuck sensors and of changed units, as `problems` has them.

        They are gaps then; `sensors` and `problems` still tell of all readings.
        """
        return replace(self, leaves_out=FAULTS)

    @cached_property
    def faults(self) -> pd.DataFrame:
        """What is left out: ``sensor`` (its number), ``start, end`` (both included)."""
        rows = self.problems[self.problems["kind"].isin(self.leaves_out)]
        numbers = {
            tuple(map(str, key)): n
            for n, key in zip(self.sensors.index, self.sensors[list(KEY)].to_numpy(), strict=True)
        }
        sensor = [numbers[tuple(map(str, key))] for key in rows[list(KEY)].to_numpy()]
        return rows[["start", "end"]].assign(sensor=sensor)[["sensor", "start", "end"]]

    @property
    def start(self) -> pd.Timestamp:
        """Time of the first reading."""
        return pd.Timestamp(self.sensors["start"].min())

    @property
    def end(self) -> pd.Timestamp:
        """Time of the last reading."""
        return pd.Timestamp(self.sensors["end"].max())

    def chosen(
        self, region: Names | None = None, source_id: Names | None = None, sensor_name: Names | None = None
    ) -> pd.DataFrame:
        """Return the rows of `sensors` that fit; each filter is a name, or several.

        Raises
        ------
        SettingError
            If none fits.
        """
        table = self.sensors
        for column, wanted in zip(KEY, (region, source_id, sensor_name), strict=True):
            if wanted is None:
                continue
            names = [wanted] if isinstance(wanted, str) else list(wanted)
            found = table[table[column].isin(names)]
            if not len(found):
                there = ", ".join(table[column].unique()[:12])
                raise SettingError(
                    f"{self.name} has no {column} {', '.join(names)!r:.80} here: choose of {there:.400}."
                )
            table = found
        return table

    def select(
        self,
        region: Names | None = None,
        source_id: Names | None = None,
        sensor_name: Names | None = None,
        start: Time | None = None,
        end: Time | None = None,
    ) -> pd.DataFrame:
        """Return readings as they are in the log, by sensor and time.

        Parameters
        ----------
        region, source_id, sensor_name : str or sequence of str, optional
            Which sensors; all by default.
        start, end : str or datetime, optional
            Local times, both included; an end without a time of day includes its day.

        Returns
        -------
        DataFrame
            ``time, utc_offset, region, source_id, sensor_name, value``: local time, hours from UTC (NaN where
            not known), names as categories.

        Raises
        ------
        SettingError
            If no such sensor is there, or a time cannot be read.
        """
        sensors = self.chosen(region, source_id, sensor_name)
        table = self._ask(
            "SELECT sensor, time, offset_min / 60.0 AS utc_offset, value "
            f"{self._of(sensors, start, end)} ORDER BY sensor, time"
        )
        return self._named(table)[["time", "utc_offset", *KEY, "value"]]

    def series(
        self,
        region: str,
        source_id: str,
        sensor_name: str,
        start: Time | None = None,
        end: Time | None = None,
        every: str | None = None,
    ) -> pd.Series:
        """Return one sensor's values by local time; readings of the same time are averaged.

        Parameters
        ----------
        region, source_id, sensor_name : str
            The sensor.
        start, end : str or datetime, optional
            Local times, both included.
        every : str, optional
            A length as ``5min``: mean values on a regular grid, NaN where nothing was read. Values of a
            sensor that tells changes only hold until the next, and count for as long as they do.

        Returns
        -------
        Series of float64
            Indexed by time, ascending, each time once; empty if nothing was read.

        Raises
        ------
        SettingError
            If no such sensor is there, or a setting cannot be read.
        """
        chosen = self.chosen(region, source_id, sensor_name)
        step = length_of(every) if every is not None else None
        held = bool(chosen["held"].iloc[0])
        if step is not None and not held:
            found = self.averaged(region, source_id, sensor_name, start, end, step)
        else:
            of = self._of(chosen, start, end)
            table = self._ask(f"SELECT time, avg(value) AS value {of} GROUP BY time ORDER BY time")
            index = pd.DatetimeIndex(table["time"], name="time")
            found = pd.Series(table["value"].to_numpy("float64"), index, name=sensor_name)
        if step is None or not len(found):
            return found
        if (found.index[-1] - found.index[0]) / step > _MOST_GRID:
            raise SettingError(f"A grid of {every} over this log has too many steps: choose a longer one.")
        grid = pd.date_range(found.index[0].floor(step), found.index[-1], freq=step, name="time", unit="us")
        return held_means(found, grid, step) if held else found.reindex(grid)

    def resolution(self, region: str, source_id: str, sensor_name: str) -> float:
        """Return the smallest step of one sensor's readings, in its unit; 0 if it always says the same."""
        return float(self.chosen(region, source_id, sensor_name)["resolution"].iloc[0])

    def averaged(
        self,
        region: str,
        source_id: str,
        sensor_name: str,
        start: Time | None,
        end: Time | None,
        every: pd.Timedelta,
    ) -> pd.Series:
        """Return one sensor's mean values over cells of time, without the cells in which nothing was read.

        Parameters
        ----------
        region, source_id, sensor_name : str
            The sensor.
        start, end : str or datetime, optional
            Local times, both included.
        every : Timedelta
            Length of a cell; each has the time it begins at.
        """
        width = int(every / pd.Timedelta(microseconds=1))
        of = self._of(self.chosen(region, source_id, sensor_name), start, end)
        once = f"SELECT time, avg(value) AS value {of} GROUP BY time"
        binned = f"make_timestamp((epoch_us(time) // {width}) * {width})"
        table = self._ask(f"SELECT {binned} AS time, avg(value) AS value FROM ({once}) GROUP BY 1 ORDER BY 1")
        index = pd.DatetimeIndex(table["time"], name="time")
        return pd.Series(table["value"].to_numpy("float64"), index, name=sensor_name)

    def head(
        self,
        region: str,
        source_id: str,
        sensor_name: str,
        start: Time | None = None,
        end: Time | None = None,
        n: int = 1000,
    ) -> pd.DataFrame:
        """Return the first readings of one sensor in a time: ``time, value``.

        Parameters
        ----------
        region, source_id, sensor_name : str
            The sensor.
        start, end : str or datetime, optional
            Local times, both included.
        n : int
            Readings at most.
        """
        of = self._of(self.chosen(region, source_id, sensor_name), start, end)
        return self._ask(f"SELECT time, value {of} ORDER BY time LIMIT {int(n)}")

    def offset_at(self, region: str, source_id: str, sensor_name: str, utc: pd.Timestamp) -> int:
        """Return the minutes from UTC of one sensor's clock at a time in UTC, as its reading before says."""
        of = self._of(self.chosen(region, source_id, sensor_name), None, None)
        distinct = self._ask(f"SELECT DISTINCT offset_min AS it {of} AND offset_min IS NOT NULL")["it"]
        if len(distinct) == 1:
            return int(distinct.iloc[0])
        moment = "time - to_minutes(offset_min)"
        before = self._ask(
            f"SELECT arg_max(offset_min, {moment}) AS it {of} AND {moment} <= TIMESTAMP '{utc}'"
        )["it"]
        first = self._ask(f"SELECT arg_min(offset_min, {moment}) AS it {of}")["it"]
        return int(before.iloc[0] if pd.notna(before.iloc[0]) else first.iloc[0])

    def window(
        self,
        region: Names | None = None,
        source_id: Names | None = None,
        sensor_name: Names | None = None,
        start: Time | None = None,
        end: Time | None = None,
        points: int = 2000,
    ) -> pd.DataFrame:
        """Return few readings that look like all: the extremes of every bin of time, so spikes stay visible.

        Parameters
        ----------
        region, source_id, sensor_name : str or sequence of str, optional
            Which sensors; all by default.
        start, end : str or datetime, optional
            Local times, both included.
        points : int
            Readings to return per sensor at most, 4..100000; where there are fewer, all are returned.

        Returns
        -------
        DataFrame
            ``time, region, source_id, sensor_name, value`` by sensor and time.

        Raises
        ------
        SettingError
            If no such sensor is there, or a setting cannot be read.
        """
        if not 4 <= points <= 100_000:
            raise SettingError(f"points must lie in 4..100000, not {points!r}.")
        sensors = self.chosen(region, source_id, sensor_name)
        first, last = self._span(sensors, start, end)
        whole = (sensors["end"].max() - sensors["start"].min()) / pd.Timedelta(seconds=1)
        shown = (last - first) / pd.Timedelta(seconds=1)
        # A bin of the overview must be small against a bin shown.
        enough = shown / points > 2 * whole / OVERVIEW_POINTS
        readings = self._left(overview_of(self.store) if enough else readings_of(self.store))
        table = decimated(self._base.cursor(), readings, list(sensors.index), points, _between(start, end))
        return self._named(table)[["time", *KEY, "value"]]

    def coverage(self, bins: int = 200) -> pd.DataFrame:
        """Return when which sensor reported.

        Parameters
        ----------
        bins : int
            Into how many equal parts the log's time is cut, 1..10000.

        Returns
        -------
        DataFrame
            ``region, source_id, sensor_name, start, end, n, share``: readings per part, and their share of
            those expected at the sensor's usual step, at most 1 (NaN of a sensor that tells changes only);
            parts without any are left out.
        """
        if not 1 <= bins <= 10_000:
            raise SettingError(f"bins must lie in 1..10000, not {bins!r}.")
        first = self.start
        width = max((self.end - first) / pd.Timedelta(microseconds=1) + 1, 1) / bins
        origin = int(first.value // 1000)
        table = self._ask(
            f"SELECT sensor, floor((epoch_us(time) - {origin}) / {width!r})::INTEGER AS bin, count(*) AS n "
            f"{self._of(self.sensors, None, None)} GROUP BY ALL ORDER BY ALL"
        )
        for name, shift in (("start", 0), ("end", 1)):
            offsets = pd.to_timedelta((table["bin"] + shift) * width, unit="us")
            table[name] = (first + offsets).astype("datetime64[us]")
        sensor = self.sensors.loc[table["sensor"]]
        # A part holds one reading more or less than its length says, as its ends fall.
        expected = np.floor(width / 1e6 / sensor["step_s"].to_numpy(np.float64)).clip(1)
        share = np.minimum(table["n"].to_numpy() / expected, 1.0)
        table["share"] = np.where(sensor["held"].to_numpy(bool), np.nan, share)
        return self._named(table)[[*KEY, "start", "end", "n", "share"]]

    def gaps(
        self, region: Names | None = None, source_id: Names | None = None, sensor_name: Names | None = None
    ) -> pd.DataFrame:
        """Return between which readings nothing is known, for longer than is usual there.

        Returns
        -------
        DataFrame
            ``region, source_id, sensor_name, start, end``: the readings before and after each.
        """
        chosen = self.chosen(region, source_id, sensor_name)
        table = pd.read_parquet(self.store / GAPS, filters=[("sensor", "in", list(chosen.index))])
        if len(self.faults):
            left_out = self.faults[self.faults["sensor"].isin(chosen.index)]
            table = pd.concat([table, left_out]).sort_values(["sensor", "start"], ignore_index=True)
        return self._named(table)[[*KEY, "start", "end"]]

    def profile(
        self,
        by: Literal["hour", "weekday", "month"] = "hour",
        region: Names | None = None,
        source_id: Names | None = None,
        sensor_name: Names | None = None,
        start: Time | None = None,
        end: Time | None = None,
    ) -> pd.DataFrame:
        """Return how values are distributed over the hours of a day, the days of a week or the months.

        Parameters
        ----------
        by : str
            ``hour``, ``weekday`` or ``month``.
        region, source_id, sensor_name, start, end
            See `select`.

        Returns
        -------
        DataFrame
            ``region, source_id, sensor_name``, then ``hour`` (0..23), ``weekday`` (0 is Monday) or ``month``
            (1..12), ``n, mean, std, p10, p25, median, p75, p90``.
        """
        parts = {"hour": "hour(time)", "weekday": "isodow(time) - 1", "month": "month(time)"}
        if by not in parts:
            raise SettingError(f"A profile is by hour, weekday or month, not by {by!r}.")
        quantiles = {"p10": 0.1, "p25": 0.25, "median": 0.5, "p75": 0.75, "p90": 0.9}
        asked = ", ".join(f"quantile_cont(value, {q}) AS {name}" for name, q in quantiles.items())
        of = self._of(self.chosen(region, source_id, sensor_name), start, end)
        table = self._ask(
            f"SELECT sensor, {parts[by]} AS {by}, count(*) AS n, avg(value) AS mean, "
            f"stddev_pop(value) AS std, {asked} {of} GROUP BY ALL ORDER BY ALL"
        )
        return self._named(table)[[*KEY, by, "n", "mean", "std", *quantiles]]

    def statistics(
        self,
        region: Names | None = None,
        source_id: Names | None = None,
        sensor_name: Names | None = None,
        start: Time | None = None,
        end: Time | None = None,
    ) -> pd.DataFrame:
        """Return what each sensor read in a time.

        Parameters
        ----------
        region, source_id, sensor_name, start, end
            See `select`.

        Returns
        -------
        DataFrame
            ``region, source_id, sensor_name, unit, unit_assumed, n, mean, minimum, maximum, start, end``;
            sensors without a reading are left out.
        """
        table = self._ask(
            "SELECT sensor, count(*) AS n, avg(value) AS mean, min(value) AS minimum, max(value) AS maximum, "
            'min(time) AS start, max(time) AS "end" '
            f"{self._of(self.chosen(region, source_id, sensor_name), start, end)} GROUP BY ALL ORDER BY ALL"
        )
        for column in ("unit", "unit_assumed"):
            table[column] = self.sensors[column].to_numpy()[table["sensor"].to_numpy()]
        figures = ["n", "mean", "minimum", "maximum", "start", "end"]
        return self._named(table)[[*KEY, "unit", "unit_assumed", *figures]]

    def provenance(self) -> dict[str, Any]:
        """Return where the log came from, what it was taken for and its files' SHA-256, ready for JSON."""
        hashes = json.loads((self.store / INPUTS).read_text(encoding="utf-8"))
        return {"log": self.name, "taken_as": self.report.lines(), "inputs_sha256": hashes}

    def _span(
        self, sensors: pd.DataFrame, start: Time | None, end: Time | None
    ) -> tuple[pd.Timestamp, pd.Timestamp]:
        first, last = pd.Timestamp(sensors["start"].min()), pd.Timestamp(sensors["end"].max())
        return (
            max(first, time_of(start)) if start is not None else first,
            min(last, end_of(end)) if end is not None else last,
        )

    def _of(self, sensors: pd.DataFrame, start: Time | None, end: Time | None) -> str:
        numbers = ", ".join(str(int(number)) for number in sensors.index)
        readings = self._left(readings_of(self.store))
        return f"FROM {readings} WHERE sensor IN ({numbers}) AND {_between(start, end)}"

    def _left(self, readings: str) -> str:
        """Return a table of readings without those that are left out."""
        if self.faults.empty:
            return readings
        rows = ", ".join(
            f"({row.sensor}, TIMESTAMP '{row.start}', TIMESTAMP '{row.end}')"
            for row in self.faults.itertuples()
        )
        return (
            f"(SELECT r.* FROM {readings} r ANTI JOIN (VALUES {rows}) f(sensor, first, last) "
            "ON r.sensor = f.sensor AND r.time BETWEEN f.first AND f.last)"
        )

    def _ask(self, query: str) -> pd.DataFrame:
        # A cursor of its own for every question: the log may be shared by threads.
        table: pd.DataFrame = self._base.cursor().sql(query).df()
        return table.astype({"time": "datetime64[us]"}) if "time" in table else table

    def _named(self, table: pd.DataFrame) -> pd.DataFrame:
        """Put the names of the sensors in place of their numbers."""
        rows = table["sensor"].to_numpy()
        for column in KEY:
            names = pd.Categorical(self.sensors[column])
            table[column] = pd.Categorical.from_codes(names.codes[rows], names.categories)
        return table


def held_means(values: pd.Series, grid: pd.DatetimeIndex, step: pd.Timedelta) -> pd.Series:
    """Return means over the cells of a grid of values that hold until the next, NaN in gaps.

    Parameters
    ----------
    values : Series
        By ascending time, each time once.
    grid : DatetimeIndex
        Where the cells begin.
    step : Timedelta
        How long each is.
    """
    seconds = ((pd.DatetimeIndex(values.index) - grid[0]) / pd.Timedelta(seconds=1)).to_numpy(np.float64)
    steps = np.diff(seconds)
    known = ~gaps(steps, held=True)
    edges = np.arange(len(grid) + 1) * (step / pd.Timedelta(seconds=1))

    def until(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        total = np.concatenate([[0.0], np.cumsum(steps * weights)])
        return np.asarray(np.interp(edges, seconds, total))

    area = until(np.where(known, values.to_numpy(np.float64)[:-1], 0.0))
    time = until(known.astype(np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):
        means = np.diff(area) / np.diff(time)
    return pd.Series(np.where(np.diff(time) > 0, means, np.nan), grid, name=values.name)


def _between(start: Time | None, end: Time | None) -> str:
    parts = []
    if start is not None:
        parts.append(f"time >= TIMESTAMP '{time_of(start)}'")
    if end is not None:
        parts.append(f"time <= TIMESTAMP '{end_of(end)}'")
    return " AND ".join(parts) or "true"
