"""In which order day, month and year stand, where numbers alone leave it open: decided by the whole log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from ellimaps.sensors.store.file_queries import LogFile
from ellimaps.sensors.store.options import ImportQuestion
from ellimaps.sensors.store.time_formats import order_of

# How many times longer a log must be in the wrong order, or the part of its times that is no date in it.
_LONGER = 1.9
_UNREAD = 0.01


@dataclass(frozen=True)
class _Fit:
    """How a log reads in one order: its times, and the seconds from each to the next in all."""

    read: int
    seconds: float


def with_one_order(base: Any, files: Sequence[LogFile], name: str) -> tuple[list[LogFile], str]:
    """Return files with one time format each, and why it is that one (nothing where it was clear).

    In the right order a log reads without jumps; in the wrong one each day is a month.

    Raises
    ------
    ImportQuestion
        If both orders make the same sense.
    """
    open_ones = [file for file in files if len(file.layout.formats) > 1]
    if not open_ones:
        return list(files), ""
    orders = list(dict.fromkeys(order_of(fmt) for file in open_ones for fmt in file.layout.formats))
    fits = {order: _fit(base, open_ones, order) for order in orders}
    best = max(fits, key=lambda order: (fits[order].read, -fits[order].seconds))
    for order, fit in fits.items():
        unread = fit.read < (1 - _UNREAD) * fits[best].read
        if order != best and not unread and fit.seconds <= _LONGER * fits[best].seconds:
            cells = open_ones[0].rows[0][open_ones[0].layout.time[0]]
            raise ImportQuestion(
                f"{name} has dates as {cells.strip()!r:.40}, and its times make sense in either order: "
                f"say which of day, "
                "month and year stands first",
                "time_format",
                tuple(orders),
            )
    why = "only so its times follow each other without jumps"
    return [_in_order(file, best) for file in files], why


def _in_order(file: LogFile, order: str) -> LogFile:
    fitting = [fmt for fmt in file.layout.formats if order_of(fmt) == order] or file.layout.formats
    return replace(file, layout=replace(file.layout, formats=(fitting[0],)))


def _fit(base: Any, files: Sequence[LogFile], order: str) -> _Fit:
    """Return how files read in an order, each after the one before it."""
    parts = []
    for file in files:
        fmt = next((fmt for fmt in file.layout.formats if order_of(fmt) == order), None)
        if fmt is None:
            continue
        times = f"SELECT {file.wall_clock(fmt)} AS t FROM {file.source}"
        stepped = f"SELECT t, epoch(t - lag(t) OVER ()) AS step FROM ({times}) WHERE t IS NOT NULL"
        query = f"SELECT count(t), coalesce(sum(abs(step)), 0), min(epoch(t)), max(epoch(t)) FROM ({stepped})"
        parts.append(base.sql(query).fetchall()[0])
    read = sum(int(part[0]) for part in parts)
    ends = sorted((float(part[2]), float(part[3])) for part in parts if part[0])
    between = sum(abs(b[0] - a[1]) for a, b in pairwise(ends))
    return _Fit(read, sum(float(part[1]) for part in parts) + between)
