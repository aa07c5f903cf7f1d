"""Readings as lines are drawn of them: few points, and none across a gap."""

from __future__ import annotations

import pandas as pd

from ellimaps.sensors.store.logs import KEY, Names, SensorLog
from ellimaps.sensors.store.times import Time

# Lowest and highest reading of each stretch: about one to a pixel of a wide window.
_POINTS = 2000


def lines_of(
    log: SensorLog,
    region: Names | None = None,
    source_id: Names | None = None,
    sensor_name: Names | None = None,
    start: Time | None = None,
    end: Time | None = None,
) -> pd.DataFrame:
    """Return what `SensorLog.window` does, with a row without a value in every gap that can be seen.

    Parameters
    ----------
    log : SensorLog
        The log.
    region, source_id, sensor_name, start, end
        See `SensorLog.select`.

    Returns
    -------
    DataFrame
        ``time, region, source_id, sensor_name, value`` by sensor and time.
    """
    table = log.window(region, source_id, sensor_name, start, end, _POINTS)
    if table.empty:
        return table
    gaps = log.gaps(region, source_id, sensor_name)
    first, last = table["time"].min(), table["time"].max()
    # A gap narrower than a point is none at this zoom.
    seen = gaps[(gaps["end"] - gaps["start"] > (last - first) / _POINTS)]
    seen = seen[(seen["start"] >= first) & (seen["end"] <= last)]
    holes = seen.assign(time=seen["start"] + pd.Timedelta("1us"), value=float("nan"))[table.columns]
    if holes.empty:
        return table
    both = pd.concat([table, holes], ignore_index=True)
    ordered: pd.DataFrame = both.sort_values([*KEY, "time"], kind="stable", ignore_index=True)
    return ordered
