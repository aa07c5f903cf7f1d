"""Few readings that look like many: the minimum and the maximum of every bin of time, at their own times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd


def decimated(
    base: Any, readings: str, sensors: Sequence[int], points: int, where: str = "true"
) -> pd.DataFrame:
    """Return at most about ``points`` readings per sensor; every bin keeps its extremes.

    Parameters
    ----------
    base : duckdb.DuckDBPyConnection
        The connection to ask.
    readings : str
        A table or table function with ``sensor, time, value``; see `ellimaps.sensors.store.sql.readings_in`.
    sensors : sequence of int
        The numbers of the sensors wanted.
    points : int
        Readings to return per sensor, at least 4; a sensor with fewer keeps all.
    where : str
        A condition on ``time``.

    Returns
    -------
    DataFrame
        ``sensor, time, value`` by sensor and time.
    """
    wanted = ", ".join(str(int(number)) for number in sensors) or "NULL"
    chosen = f"SELECT sensor, time, value FROM {readings} WHERE sensor IN ({wanted}) AND {where}"
    bins = max(points // 2, 2)
    table: pd.DataFrame = base.sql(
        f"""
        WITH chosen AS ({chosen}),
        spans AS (
            SELECT sensor, count(*) AS n, min(epoch_us(time)) AS first,
                   greatest(max(epoch_us(time)) - min(epoch_us(time)) + 1, 1) AS span
            FROM chosen GROUP BY sensor
        ),
        binned AS (
            SELECT sensor, arg_min(time, value) AS low_time, min(value) AS low,
                   arg_max(time, value) AS high_time, max(value) AS high
            FROM chosen JOIN spans USING (sensor) WHERE n > {2 * bins}
            GROUP BY sensor, ((epoch_us(time) - first)::DOUBLE / span * {bins})::INTEGER
        )
        SELECT sensor, time, value FROM chosen JOIN spans USING (sensor) WHERE n <= {2 * bins}
        UNION ALL SELECT sensor, low_time, low FROM binned
        UNION ALL SELECT sensor, high_time, high FROM binned WHERE high_time <> low_time
        ORDER BY sensor, time
        """
    ).df()
    return table.astype({"sensor": "int32", "time": "datetime64[us]"})
