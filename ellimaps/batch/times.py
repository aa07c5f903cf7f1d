"""When a measurement was acquired, as records hold it."""

from __future__ import annotations

from ellimaps.core.stack import ImageStack
from ellimaps.sensors.conditions import acquisition_time

START, END = "acquired_start", "acquired_end"


def acquisition_facts(stack: ImageStack) -> dict[str, str]:
    """Return start and end of an acquisition in local time; empty where they are not known."""
    when = acquisition_time(stack)
    start, end = (when[0].isoformat(), when[1].isoformat()) if when else ("", "")
    return {START: start, END: end}
