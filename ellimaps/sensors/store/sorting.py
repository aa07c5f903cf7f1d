"""Staged readings by sensor and time: one source per logger, one unit and one clock per sensor."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from ellimaps.core.errors import ReadError
from ellimaps.sensors.store.file_names import sources_of
from ellimaps.sensors.store.locations import Location
from ellimaps.sensors.store.options import ImportQuestion
from ellimaps.sensors.store.sql import quoted
from ellimaps.sensors.store.staging import GOOD, Staged
from ellimaps.sensors.store.units import CELSIUS, TEMPERATURES, stated_unit, to_unit

_NAMES = ("region", "source_id", "sensor_name")
ERROR_CODES = (
    -127.0,
    85.0,
    -999.0,
    -9999.0,
    999.0,
    9999.0,
    -273.15,
    -300.0,
    327.67,
    3276.7,
    32767.0,
    65535.0,
)
"""What probes say instead of a reading: -127 and 85 of the DS18B20, the ends of 16 bits, runs of nines."""
# From the median of a sensor to an error code, in its unit: no temperature of a room jumps that far and back.
_CODE_DISTANCE = 20.0
# A clock that was not set: few readings of a year that no other one joins to the rest.
_FEW_READINGS, _FEW_SHARE = 3, 0.001
# Minutes that clocks are put forward in summer, and days a year on which a log may have two offsets.
_SUMMER_MIN, _CHANGES_A_YEAR = 60, 4

IN_UNIT = "(CASE WHEN known.factor = 1 THEN {0} ELSE {0} * known.factor END + known.shift)"
"""SQL of a value in the unit of its sensor."""


@dataclass
class Sorted:
    """What was sorted.

    Attributes
    ----------
    sensors : DataFrame
        ``region, source_id, sensor_name, unit, n, start, end, clock``, by number; the clock as in
        `ellimaps.sensors.store.logs.SensorLog.sensors`.
    problems : list of tuple
        Readings left out, as rows of problems.
    merged, clocks, units : list of str
        What was done, in words.
    known : DataFrame
        Which sensor the readings of a ``region, source_id, sensor_name, unit`` belong to, and ``factor`` and
        ``shift`` to its unit.
    sources : dict of int to str
        The source of every file whose readings name none.
    """

    sensors: pd.DataFrame = field(default_factory=pd.DataFrame)
    problems: list[tuple[object, ...]] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)
    clocks: list[str] = field(default_factory=list)
    units: list[str] = field(default_factory=list)
    known: pd.DataFrame = field(default_factory=pd.DataFrame)
    sources: dict[int, str] = field(default_factory=dict)

    def labels(self) -> list[str]:
        """Return names of the sensors for sentences."""
        rows = self.sensors[list(_NAMES)].itertuples(index=False)
        return ["/".join(part for part in row if part) for row in rows]


def sorted_readings(base: Any, location: Location, staged: Staged, target: Path) -> Sorted:
    """Write the readings of ``staging.raw`` by sensor and time.

    Parameters
    ----------
    base : duckdb.DuckDBPyConnection
        The connection with the staged readings.
    location : Location
        The log.
    staged : Staged
        How they were staged.
    target : Path
        The Parquet file to write: ``sensor, time, offset_min, value, row``.

    Raises
    ------
    ReadError
        If there is no reading.
    ImportQuestion
        If a sensor has times with and without a zone.
    """
    result = Sorted()
    base.register("by_file", _by_file(base, location, staged, result))
    base.execute(
        "CREATE TEMP VIEW named AS SELECT raw.region, coalesce(raw.source_id, by_file.source, '') AS "
        "source_id, "
        "raw.sensor_name, raw.unit, raw.time, raw.offset_min, raw.value, raw.file::BIGINT << 40 | "
        "raw.rowid AS row "
        f"FROM staging.raw raw LEFT JOIN by_file ON raw.file = by_file.file WHERE {GOOD}"
    )
    groups: pd.DataFrame = base.sql(
        "SELECT region, source_id, sensor_name, unit, count(*) AS n, min(time) AS start, "
        'max(time) AS "end", count(offset_min) AS with_offset, min(offset_min) AS low, '
        "max(offset_min) AS high FROM named GROUP BY region, source_id, sensor_name, unit ORDER BY ALL"
    ).df()
    if not len(groups):
        if staged.refused:
            raise ReadError(next(iter(staged.refused.values())))
        raise ReadError(
            f"{location.name} holds no reading with a time and a value: check its columns and date format."
        )
    known = _with_one_unit(groups, result)
    result.sensors = _sensors(known)
    stated_local = any(file.layout.offset is not None for file in staged.files.values())
    known["clock_min"] = _one_clock(base, known, result, location, stated_local=stated_local)
    result.known = known
    # Sorting by a column of a data frame takes twice the time of a table's.
    base.register("known_frame", known)
    base.execute("CREATE TEMP TABLE known AS SELECT * FROM known_frame")
    _leave_out(base, result)
    base.execute(
        "COPY (SELECT known.sensor::INTEGER AS sensor, "
        "named.time + to_minutes(coalesce(known.clock_min - named.offset_min, 0)::INTEGER) AS time, "
        "coalesce(known.clock_min, named.offset_min)::SMALLINT AS offset_min, "
        f"{IN_UNIT.format('named.value')} AS value, named.row AS row "
        f"FROM named JOIN known USING (region, source_id, sensor_name, unit) WHERE {_kept(result)} "
        "ORDER BY known.sensor, named.time - to_minutes(coalesce(named.offset_min, 0)), row) "
        f"TO {quoted(str(target))} (FORMAT parquet, COMPRESSION zstd)"
    )
    return result


def _by_file(base: Any, location: Location, staged: Staged, result: Sorted) -> pd.DataFrame:
    """Return the source of every file whose readings name none."""
    rows = base.sql(
        f"SELECT file, min(time), max(time) FROM staging.raw WHERE source_id IS NULL AND {GOOD} GROUP BY file"
    ).fetchall()
    spans = {int(number): (pd.Timestamp(first), pd.Timestamp(last)) for number, first, last in rows}
    names = [name for name, _ in location.files]
    headers = [staged.files[n].header if n in staged.files else () for n in range(len(names))]
    sources = result.sources = sources_of(names, headers, spans)
    for source in dict.fromkeys(sources.values()):
        files = [number for number, name in sources.items() if name == source]
        if len(files) > 1:
            result.merged.append(f"{len(files)} files that follow each other are {source!r}")
    return pd.DataFrame({"file": list(sources), "source": list(sources.values())}).astype(
        {"file": "int32", "source": "str"}
    )


def _with_one_unit(groups: pd.DataFrame, result: Sorted) -> pd.DataFrame:
    """Return the groups with the sensor each belongs to, and how its values become the sensor's unit."""
    groups = groups.assign(
        stated=[
            stated_unit(unit, name) for unit, name in zip(groups["unit"], groups["sensor_name"], strict=True)
        ],
        label=groups["sensor_name"],
        factor=1.0,
        shift=0.0,
    )
    groups["to"] = groups["stated"]
    for key, part in groups.groupby(list(_NAMES), sort=False):
        units = part.groupby("stated")["n"].sum()
        said = units.drop("", errors="ignore")
        if len(units) < 2:
            continue
        label = "/".join(str(one) for one in key if one)
        main = CELSIUS if CELSIUS in said and set(said.index) <= set(TEMPERATURES) else str(said.idxmax())
        for row in part.index:
            stated = str(groups.at[row, "stated"])
            way = to_unit(stated or main, main)
            if way is None:
                groups.at[row, "label"] = f"{groups.at[row, 'sensor_name']!s} [{stated}]"
            else:
                groups.at[row, "to"] = main
                groups.at[row, "factor"], groups.at[row, "shift"] = way
        if groups.loc[part.index, "label"].nunique() > 1:
            result.units.append(f"{label} states {', '.join(said.index)}: a sensor each")
        elif len(said) > 1:
            result.units.append(f"{label} states {', '.join(said.index)}: all made {main}")
        else:
            result.units.append(f"{label} states {main} for a part of its readings: taken for all")
    keys = groups[["region", "source_id", "label"]].agg("\0".join, axis=1)
    order = {key: number for number, key in enumerate(sorted(set(keys), key=lambda key: key.split("\0")))}
    return groups.assign(sensor=[order[key] for key in keys])


def _sensors(known: pd.DataFrame) -> pd.DataFrame:
    by_sensor = known.sort_values("sensor", kind="stable").groupby("sensor")
    sensors: pd.DataFrame = by_sensor.agg(
        region=("region", "first"),
        source_id=("source_id", "first"),
        sensor_name=("label", "first"),
        unit=("to", "first"),
        n=("n", "sum"),
        start=("start", "min"),
        end=("end", "max"),
    )
    return sensors.astype({"start": "datetime64[us]", "end": "datetime64[us]"})


def _one_clock(
    base: Any, known: pd.DataFrame, result: Sorted, location: Location, *, stated_local: bool
) -> pd.Series:
    """Return the minutes from UTC that a whole sensor is shown in, where its lines have several clocks.

    Offsets that change with summer time are one clock; anything else, as lines with Z among lines with
    +02:00, is not.
    """
    clocks = pd.Series(float("nan"), index=known.index)
    texts = []
    for number, part in known.groupby("sensor"):
        label = result.labels()[int(str(number))]
        with_offset, n = int(part["with_offset"].sum()), int(part["n"].sum())
        if 0 < with_offset < n:
            raise ImportQuestion(
                f"{location.name} has times of {label} with an offset from UTC and {n - with_offset} "
                f"without one: "
                "in which zone are those",
                "zone",
            )
        low, high = part["low"].min(), part["high"].max()
        if with_offset and low != high and not _is_summer_time(base, part, high - low):
            chosen = _usual_offset(base, part)
            clocks[part.index] = chosen
            low = high = chosen
            result.clocks.append(f"{label} has lines of several offsets, all shown in {offset_text(chosen)}")
        texts.append(_clock_text(low, high, stated_local) if with_offset else "")
    result.sensors["clock"] = texts
    return clocks


def _is_summer_time(base: Any, part: pd.DataFrame, difference: float) -> bool:
    if difference > _SUMMER_MIN:
        return False
    mixed = base.sql(
        "SELECT count(*) FROM (SELECT time::DATE FROM named "
        f"WHERE {_is_one_of(part)} GROUP BY time::DATE HAVING min(offset_min) <> max(offset_min))"
    ).fetchall()[0][0]
    years = (part["end"].max() - part["start"].min()) / pd.Timedelta("365D")
    return bool(mixed <= _CHANGES_A_YEAR * (years + 1))


def _usual_offset(base: Any, part: pd.DataFrame) -> int:
    """Return the offset that most lines have; of equally many, the one that is not UTC."""
    query = f"SELECT offset_min, count(*) FROM named WHERE {_is_one_of(part)} GROUP BY offset_min"
    counts = {int(offset): int(n) for offset, n in base.sql(query).fetchall()}
    return max(counts, key=lambda offset: (counts[offset], abs(offset)))


def _is_one_of(part: pd.DataFrame) -> str:
    row = part.iloc[0]
    return " AND ".join(f"{column} = {quoted(str(row[column]))}" for column in _NAMES)


def offset_text(minutes: float) -> str:
    """Return minutes from UTC as ``UTC+01:00``; ``UTC`` for none."""
    whole = int(minutes)
    return f"UTC{'-' if whole < 0 else '+'}{abs(whole) // 60:02}:{abs(whole) % 60:02}" if whole else "UTC"


def _clock_text(low: float, high: float, stated_local: bool) -> str:
    """Return the clock of a sensor; one that a column puts into local time is not in UTC."""
    if low == high == 0 and stated_local:
        return "UTC+00:00"
    return offset_text(low) if low == high else f"{offset_text(low)} to {offset_text(high)}"


def _leave_out(base: Any, result: Sorted) -> None:
    """Register which readings are none: error codes of probes, and times of a clock that was not set."""
    codes = ", ".join(map(str, ERROR_CODES))
    seen: pd.DataFrame = base.sql(
        "SELECT sensor, value, count(*) AS n, min(named.time) AS first, max(named.time) AS last FROM named "
        f"JOIN known USING (region, source_id, sensor_name, unit) WHERE value IN ({codes}) GROUP BY ALL "
        f"ORDER BY ALL"
    ).df()
    years: pd.DataFrame = base.sql(
        "SELECT sensor, year(named.time) AS year, count(*) AS n, min(named.time) AS first, "
        "max(named.time) AS last "
        "FROM named JOIN known USING (region, source_id, sensor_name, unit) GROUP BY ALL ORDER BY ALL"
    ).df()
    wrong = [row for _, part in years.groupby("sensor") for row in _lonely_years(part)]
    faults = _false_codes(base, seen)
    for kind, rows, told in (
        (
            "wrong time",
            wrong,
            "{n} readings of {year}, years from all others: the clock was not set; left out.",
        ),
        (
            "error code",
            faults,
            "{n} readings are {value:g}, which probes say instead of a reading; left out.",
        ),
    ):
        for row in rows:
            sensor = result.sensors.loc[row["sensor"]]
            label = tuple(sensor[name] for name in _NAMES)
            result.problems.append((*label, kind, row["first"], row["last"], told.format(**row)))
            result.sensors.loc[row["sensor"], "n"] -= row["n"]
    base.register("wrong_years", pd.DataFrame(wrong, columns=["sensor", "year"]).astype("int64"))
    base.register(
        "wrong_values",
        pd.DataFrame(faults, columns=["sensor", "value"]).astype({"sensor": "int64", "value": "float64"}),
    )
    if wrong:
        spans = years.merge(pd.DataFrame(wrong)[["sensor", "year"]], how="left", indicator=True)
        kept = spans[spans["_merge"] == "left_only"].groupby("sensor")
        result.sensors["start"] = kept["first"].min().astype("datetime64[us]")
        result.sensors["end"] = kept["last"].max().astype("datetime64[us]")


def _kept(result: Sorted) -> str:
    conditions = []
    kinds = {problem[3] for problem in result.problems}
    if "wrong time" in kinds:
        conditions.append("(known.sensor, year(named.time)) NOT IN (SELECT sensor, year FROM wrong_years)")
    if "error code" in kinds:
        conditions.append("(known.sensor, named.value) NOT IN (SELECT sensor, value FROM wrong_values)")
    return " AND ".join(conditions) or "true"


def _lonely_years(part: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the years of one sensor with few readings and none in the years beside them."""
    years, total = set(part["year"]), int(part["n"].sum())
    return [
        {str(name): value for name, value in row.items()}
        for row in part.to_dict("records")
        if row["n"] <= max(_FEW_READINGS, _FEW_SHARE * total)
        and row["n"] < total / 2
        and not {row["year"] - 1, row["year"] + 1} & years
    ]


def _false_codes(base: Any, seen: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the error codes that are far from all a sensor reads otherwise."""
    if not len(seen):
        return []
    numbers = ", ".join(str(int(number)) for number in seen["sensor"].unique())
    codes = ", ".join(map(str, ERROR_CODES))
    usual = base.sql(
        "SELECT sensor, median(value) AS median, quantile_cont(value, 0.01) AS low, quantile_cont(value, "
        "0.99) AS high, count(*) AS n FROM named JOIN known USING (region, source_id, sensor_name, unit) "
        f"WHERE sensor IN ({numbers}) AND value NOT IN ({codes}) GROUP BY sensor"
    ).df()
    joined = seen.merge(usual.rename(columns={"n": "others"}), on="sensor")
    far = ((joined["value"] - joined["median"]).abs() > _CODE_DISTANCE) & (
        (joined["value"] < joined["low"] - _CODE_DISTANCE / 2)
        | (joined["value"] > joined["high"] + _CODE_DISTANCE / 2)
    )
    false = joined[far & (joined["n"] < joined["others"])]
    return [{str(name): value for name, value in row.items()} for row in false.to_dict("records")]
