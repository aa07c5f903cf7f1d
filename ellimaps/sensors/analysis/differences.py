"""Two sensors beside each other: on one axis, their difference, and both by hour of day."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ellimaps.core.errors import SettingError
from ellimaps.core.numbers import spoken
from ellimaps.sensors.store.logs import SensorLog
from ellimaps.sensors.store.times import Time, end_of, time_of
from ellimaps.sensors.store.units import to_unit, unit_text

# Both are drawn, at one point to a pixel of a wide window.
_POINTS = 2000
_FINEST = pd.Timedelta("1min")

Key = tuple[str, str, str]


@dataclass(frozen=True, eq=False)
class Difference:
    """How two sensors differ.

    Attributes
    ----------
    table : DataFrame
        By time: ``a, b, difference`` (a - b), means over ``step``; NaN where one of them was not read.
    by_hour : DataFrame
        ``hour`` (0..23, local), ``a, b`` (medians), ``difference, p10, p90`` (median of the difference, and
        its middle 80 %), ``n``.
    unit : str
        Of sensor A, in which B is given as well.
    step : Timedelta
        What is averaged.
    """

    table: pd.DataFrame
    by_hour: pd.DataFrame
    unit: str
    step: pd.Timedelta


def difference_of(
    log: SensorLog, a: Key, b: Key, start: Time | None = None, end: Time | None = None
) -> Difference:
    """Compare two sensors of the same quantity.

    Parameters
    ----------
    log : SensorLog
        The log.
    a, b : (str, str, str)
        Region, source and name of each; the second is given in the unit of the first.
    start, end : str or datetime, optional
        Local times, both included.

    Raises
    ------
    SettingError
        If their units cannot be compared, or they were not read in a common time.
    """
    units = [str(log.chosen(*key)["unit"].iloc[0]) for key in (a, b)]
    way = to_unit(units[1], units[0])
    if way is None:
        told = " and ".join(unit_text(unit) or "no unit" for unit in units)
        raise SettingError(f"{told} have no difference: choose two sensors of the same quantity.")
    first = log.start if start is None else time_of(start)
    last = log.end if end is None else end_of(end)
    usual = pd.Timedelta(seconds=float(log.sensors["step_s"].max()))
    step = max((last - first) / _POINTS, usual, _FINEST).ceil("1min")
    one, other = (log.series(*key, first, last, f"{step / _FINEST:g}min") for key in (a, b))
    table = pd.DataFrame({"a": one, "b": way[0] * other + way[1]})
    table = table.assign(difference=table["a"] - table["b"]).rename_axis("time")
    if table["difference"].isna().all():
        raise SettingError(f"{spoken(a[2])} and {spoken(b[2])} were not read in a common time: zoom out.")
    return Difference(table, _by_hour(table), units[0], step)


def _by_hour(table: pd.DataFrame) -> pd.DataFrame:
    hours = pd.DatetimeIndex(table.index).hour
    both = table.dropna()
    groups = both.groupby(hours[table.notna().all(axis=1)])
    found = groups.median()
    found["p10"], found["p90"] = (groups["difference"].quantile(q) for q in (0.1, 0.9))
    found["n"] = groups.size()
    return found.rename_axis("hour").reset_index()
