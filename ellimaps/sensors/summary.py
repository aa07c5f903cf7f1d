"""A log at a glance: its sensors with their values, and what is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from ellimaps.core.files import csv_bytes, with_listing
from ellimaps.core.provenance import software_facts
from ellimaps.sensors.store.filters import EVERYTHING, SensorFilters
from ellimaps.sensors.store.logs import KEY, SensorLog
from ellimaps.sensors.store.report import ImportReport
from ellimaps.sensors.store.times import end_of, time_of


@dataclass(frozen=True, eq=False)
class LogSummary:
    """What some sensors of a log read.

    Attributes
    ----------
    report : ImportReport
        What the log was taken for.
    sensors : DataFrame
        One row per sensor, as `SensorLog.statistics` has it.
    problems : DataFrame
        As `SensorLog.problems`, of these sensors and this time.
    """

    report: ImportReport
    sensors: pd.DataFrame
    problems: pd.DataFrame

    def facts(self) -> dict[str, Any]:
        """Return the summary as plain values, ready for JSON."""
        counts = self.problems.groupby("kind", sort=True).size()
        return {
            "log": self.report.log,
            "import": self.report.facts(),
            "n_sensors": len(self.sensors),
            "n_readings": int(self.sensors["n"].sum()),
            "sensors": plain_rows(self.sensors),
            "problem_counts": [{"kind": str(kind), "n": int(n)} for kind, n in counts.items()],
            "problems": plain_rows(self.problems),
        }


def summary_of(log: SensorLog, filters: SensorFilters = EVERYTHING) -> LogSummary:
    """Return what some sensors read."""
    start, end = filters.start, filters.end
    table = log.statistics(filters.region, filters.source_id, filters.sensor_name, start, end)
    problems = log.problems
    wanted = table[list(KEY)].astype(str).agg("\0".join, axis=1)
    mine = problems[list(KEY)].agg("\0".join, axis=1).isin(set(wanted))
    inside = pd.Series(True, index=problems.index)
    if start is not None:
        inside &= problems["end"] >= time_of(start)
    if end is not None:
        inside &= problems["start"] <= end_of(end)
    # A file's unreadable lines belong to no sensor and no time.
    chosen = problems[(mine & inside) | (problems["kind"] == "unreadable")]
    return LogSummary(log.report, table, chosen.reset_index(drop=True))


def summary_files(log: SensorLog, summary: LogSummary) -> dict[str, bytes]:
    """Return a summary as files: tables of sensors, problems and coverage, a figure, and the provenance."""
    from ellimaps.core.figures import figure_png
    from ellimaps.sensors.figures import coverage_figure

    coverage = log.coverage(200)
    files = {
        "sensors.csv": csv_bytes(summary.sensors),
        "problems.csv": csv_bytes(summary.problems),
        "coverage.csv": csv_bytes(coverage),
        "coverage.png": figure_png(coverage_figure(coverage)),
    }
    facts = {"software": software_facts(), **log.provenance(), **summary.facts()}
    return with_listing(files, "summary.json", facts)


def plain_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a table's rows as plain values, times as text and NaN as None."""
    texts = {
        str(name): [None if time is pd.NaT else time.isoformat() for time in column]
        if pd.api.types.is_datetime64_any_dtype(column)
        else [None if value is None or value != value else value for value in column.tolist()]
        for name, column in table.items()
    }
    return [dict(zip(texts, row, strict=True)) for row in zip(*texts.values(), strict=True)]
