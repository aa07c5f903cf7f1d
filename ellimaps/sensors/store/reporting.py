"""The items of an import report, from what was found in the files and made of their readings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from ellimaps.sensors.store.file_queries import LogFile
from ellimaps.sensors.store.report import ImportItem
from ellimaps.sensors.store.sorting import Sorted
from ellimaps.sensors.store.staging import Staged
from ellimaps.sensors.store.time_formats import EPOCHS, EXCEL, ISO, order_of
from ellimaps.sensors.store.times import length_text

_SPELLED = {"dmy": "day, month, year", "mdy": "month, day, year", "ymd": "year, month, day"}
# Names in a sentence; more are counted.
_MOST_NAMES = 4


def items_of_files(staged: Staged) -> Iterator[ImportItem]:
    """Return what the columns of the files were taken for; files alike are told once."""
    files = list(staged.files.values())
    for item, n in Counter(item for file in files for item in _items_of_file(file, staged)).items():
        yield (item if n == 1 or item.count else replace(item, count=n))
    for number, (count, lines) in staged.unread.items():
        name = staged.files[number].file.name
        yield ImportItem("skipped", f"{count} lines or cells of {name}", "not readable", "", count, lines)
    if staged.refused:
        name, why = next(iter(staged.refused.items()))
        taken = f"{len(staged.refused)} files that are no log"
        yield ImportItem("refused", taken, f"first {name}: {why}", "", len(staged.refused))


def items_of_sensors(sensors: pd.DataFrame, problems: pd.DataFrame, result: Sorted) -> Iterator[ImportItem]:
    """Return what was made of the readings of all files."""
    clocks = sensors["clock"].unique()
    told = {"": "local time, zone not stated"}
    yield ImportItem(
        "zone", " or ".join(told.get(clock, clock) for clock in clocks), "; ".join(result.clocks), "zone"
    )
    yield ImportItem(
        "sensors",
        f"{len(sensors)} sensors" if len(sensors) > 1 else "1 sensor",
        "",
        "sensor_columns",
        len(sensors),
    )
    yield _units(sensors, result)
    yield ImportItem("step", _steps(sensors))
    for text in result.merged:
        yield ImportItem("merged", text, "their names differ in digits only")
    for kind, told_as in (("error code", "error codes"), ("wrong time", "times of a clock not set")):
        rows = problems[problems["kind"] == kind]
        if len(rows):
            counts = rows["detail"].str.extract(r"^(\d+)")[0].astype(int)
            yield ImportItem(
                "skipped", f"{counts.sum()} {told_as}", str(rows["detail"].iloc[0]), "", int(counts.sum())
            )


def _items_of_file(file: LogFile, staged: Staged) -> Iterator[ImportItem]:
    layout, header = file.layout, file.header
    columns = " and ".join(repr(header[number]) for number in layout.time)
    yield ImportItem("time", f"{columns} as {_format_text(file)}", staged.why_order, "time_format")
    keys = [
        header[n]
        for n in (*((layout.region,) if layout.region is not None else ()), *layout.sources, *layout.names)
    ]
    told_by = (
        f"told apart by {_listed(keys)}"
        if keys
        else "one per file and column"
        if layout.is_wide
        else "one per file"
    )
    yield ImportItem("sensors", told_by, "", "sensor_columns")
    decimal = {"": "", ",": ", decimal comma", ".": ", decimal point"}[file.decimal]
    yield ImportItem(
        "values",
        f"{_listed([header[n] for n in layout.values])}{decimal}",
        staged.why_decimal if decimal else "",
        "value_columns",
    )
    unused = [name or "(no name)" for number, name in enumerate(header) if number not in layout.used()]
    if unused:
        yield ImportItem(
            "skipped",
            f"columns {_listed(unused)}",
            "neither readings nor names",
            "value_columns",
            len(unused),
        )


def _format_text(file: LogFile) -> str:
    fmt = file.layout.formats[0]
    if file.typed_time or fmt == ISO:
        return "ISO 8601"
    if fmt in EPOCHS:
        return {
            "epoch_s": "seconds",
            "epoch_ms": "milliseconds",
            "epoch_us": "microseconds",
            "epoch_ns": "nanoseconds",
        }[fmt] + " since 1970"
    if fmt == EXCEL:
        return "days since 1900, as spreadsheets count"
    return _SPELLED.get(order_of(fmt), fmt)


def _units(sensors: pd.DataFrame, result: Sorted) -> ImportItem:
    counts = sensors["unit"].replace("", "no unit").value_counts(sort=False)
    taken = (
        ", ".join(f"{unit} ({n})" for unit, n in counts.items()) if len(counts) > 1 else str(counts.index[0])
    )
    assumed = int(sensors["unit_assumed"].sum())
    taken += f", assumed for {assumed}" if assumed else ""
    return ImportItem("units", taken, "; ".join(result.units), "unit", assumed)


def _steps(sensors: pd.DataFrame) -> str:
    steps = sensors["step_s"].dropna()
    if steps.empty:
        return "single readings"
    low, high = (length_text(pd.Timedelta(seconds=float(step))) for step in (steps.min(), steps.max()))
    every = f"a reading every {low}" if low == high else f"a reading every {low} to {high}"
    held = int(sensors["held"].sum())
    return f"{every}; {held} written on change, whose values are held" if held else every


def _listed(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:_MOST_NAMES])
    return f"{shown} and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else shown
