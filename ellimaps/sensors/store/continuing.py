"""A log that grew: what was appended is read alone and put beside what was read before.

Nothing is taken on trust. The bytes that were there are compared whole, by their SHA-256. What is found from
all of a log (the order of day and month, the decimal sign, units, error codes, the usual step) holds for what
was appended as long as that fits it: every line can be read, of a sensor that is known, in its unit, on its
clock, later than all before. Otherwise, and whenever a log has grown by a tenth, all of it is read again.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ellimaps.core.errors import ReadError
from ellimaps.sensors.store.decimation import decimated
from ellimaps.sensors.store.file_queries import LogFile, continued, text_file
from ellimaps.sensors.store.locations import Location
from ellimaps.sensors.store.options import ImportOptions
from ellimaps.sensors.store.problems import gap_rows, problem_rows, problem_table, sensor_problems
from ellimaps.sensors.store.sorting import ERROR_CODES, IN_UNIT, Sorted
from ellimaps.sensors.store.sql import quoted, quoted_file
from ellimaps.sensors.store.staging import GOOD, Staged, create_raw, insert_readings
from ellimaps.sensors.store.steps import gaps
from ellimaps.sensors.store.stores import (
    ADDED,
    ADDED_OVERVIEW,
    CONTINUE,
    GAPS,
    INPUTS,
    OVERVIEW,
    OVERVIEW_POINTS,
    PROBLEMS,
    READINGS,
    REPORT,
    SENSORS,
    connection,
    readings_of,
)

LEAST_BYTES = 8 << 20
"""Of a log that is continued: one of 8 MB, 133,000 readings of 40 sensors, is read whole in a second."""
# What was found from all of a log can hardly change before; a log that grows is read 7 times to its double.
_MOST_GROWTH = 0.1
# Loggers write in pieces, and end a line within a minute; what is not ended by then is a last line.
_UNENDED_S = 60.0
# Readings of a sensor before those appended, that say what is usual there and which runs go on.
_AROUND = 20_000
# Before a run that lasts: what its neighbours were.
_FEW = 100
_BLOCK = 1 << 20
_NAMES = ["region", "source_id", "sensor_name"]
# In place of minutes from UTC where they are not known, so that they compare.
_NO_OFFSET = 9999


@dataclass(frozen=True)
class FileState:
    """How far a file of a log was read, and how.

    Attributes
    ----------
    size : int
        Bytes that were read.
    state : str
        Its state as the location tells it.
    hash_name, sha256 : str
        Its name among the hashes of the log, and that of those bytes.
    format, decimal, source : str, optional
        How its times and numbers are written, and the source of readings that name none; no format if it is
        not a text file that can be continued.
    """

    size: int
    state: str
    hash_name: str
    sha256: str
    format: str | None = None
    decimal: str = ""
    source: str | None = None


def at_rest(files: Sequence[Path], scratch: Path) -> list[Path]:
    """Return files that nobody writes to: of those of a large log that were written to just now, copies.

    A copy ends with the last line that has an end.
    """
    if sum(file.stat().st_size for file in files) < LEAST_BYTES:
        return list(files)
    return [
        _copy(file, scratch / "copies" / str(number)) if _is_being_written(file) else file
        for number, file in enumerate(files)
    ]


def file_states(
    location: Location, files: Sequence[Path], hashes: dict[str, str], staged: Staged, result: Sorted
) -> list[FileState]:
    """Return how far and how the files of a log were read; nothing of a log that is not to be continued.

    Parameters
    ----------
    location : Location
        The log.
    files : sequence of Path
        What was read, in the same order; see `at_rest`.
    hashes : dict of str to str
        Their SHA-256 by name, in the same order.
    staged, result
        How they were read.
    """
    sizes = [file.stat().st_size for file in files]
    if location.system is not None or sum(sizes) < LEAST_BYTES or result.known["clock_min"].notna().any():
        return []
    found = []
    for number, ((name, state), file, (hash_name, digest)) in enumerate(
        zip(location.files, files, hashes.items(), strict=True)
    ):
        read = FileState(sizes[number], state, hash_name, digest)
        if str(file.resolve()) == name and f"{sizes[number]} {file.stat().st_mtime_ns}" != state:
            return []
        log_file = staged.files.get(number)
        if log_file is not None and _can_grow(log_file):
            read = FileState(
                *(sizes[number], state, hash_name, digest),
                *(log_file.layout.formats[0], log_file.decimal, result.sources.get(number)),
            )
        found.append(read)
    return found


def note(folder: Path, base: Any, files: Sequence[FileState], known: pd.DataFrame) -> None:
    """Write into a store what it takes to continue it.

    Parameters
    ----------
    folder : Path
        The store.
    base : duckdb connection
        To read it with.
    files : sequence of FileState
        What was read of each file.
    known : DataFrame
        What every sensor was taken for.
    """
    if not files:
        return
    utc = "time - to_minutes(coalesce(offset_min, 0)::INTEGER)"
    last = base.sql(
        f"SELECT sensor, max({utc})::VARCHAR AS utc, arg_max(coalesce(offset_min, {_NO_OFFSET}), {utc}) AS "
        f"offset_min, count(*) AS n FROM {readings_of(folder)} GROUP BY sensor ORDER BY sensor"
    ).df()
    facts = {
        "files": [vars(file) for file in files],
        "groups": known[[*_NAMES, "unit", "sensor", "factor", "shift"]].to_dict("records"),
        "last": last.drop(columns="n").to_dict("records"),
        "whole": int(last["n"].sum()),
        "added": 0,
    }
    _write(folder / CONTINUE, facts)


def is_all(folder: Path, location: Location) -> bool:
    """Return whether a store holds all bytes of a log as its location found it."""
    if not (folder / CONTINUE).is_file():
        return True
    sizes = [int(state.split()[0]) for _, state in location.files]
    return [file.size for file in _states(_read(folder / CONTINUE))] == sizes


def continued_store(
    before: Path, location: Location, options: ImportOptions, folder: Path, scratch: Path
) -> Path | None:
    """Continue a store with what was appended to its log.

    Parameters
    ----------
    before : Path
        The store.
    location : Location
        The log, of the same files.
    options : ImportOptions
        What the user said.
    folder, scratch : Path
        An empty folder for the new store, and one for what is not kept.

    Returns
    -------
    Path or None
        ``folder``; ``before`` if no line was ended since; None if all of the log must be read.
    """
    if location.system is not None or not (before / CONTINUE).is_file():
        return None
    known = _read(before / CONTINUE)
    states = _states(known)
    number = _grown(states, location)
    if number is None:
        return None
    path = Path(location.files[number][0])
    tail, digest = scratch / "tail", sha256()
    size = _tail(path, states[number], tail, digest)
    if size is None:
        return None
    if size == states[number].size:
        return before
    base = connection(scratch)
    try:
        base.execute(f"ATTACH {quoted(str(scratch / 'staging.duckdb'))} AS staging")
        if not _stage_tail(base, path, tail, states[number], known, options, before):
            return None
        states[number] = replace(
            states[number], size=size, state=location.files[number][1], sha256=digest.hexdigest()
        )
        for name in (READINGS, OVERVIEW, REPORT):
            _share(before / name, folder / name)
        _write(folder / INPUTS, _read(before / INPUTS) | {states[number].hash_name: digest.hexdigest()})
        _write_added(base, before, folder)
        _write_sensors(base, before, folder)
        _write(folder / CONTINUE, _with_fresh(base, known) | {"files": [vars(file) for file in states]})
    finally:
        base.close()
    return folder


def _grown(states: Sequence[FileState], location: Location) -> int | None:
    """Return the one file that is longer than what was read of it; None if it is not that alone."""
    changed = [
        number
        for number, (state, (_, now)) in enumerate(zip(states, location.files, strict=True))
        if now != state.state or int(now.split()[0]) != state.size
    ]
    if len(changed) != 1 or states[changed[0]].format is None:
        return None
    return changed[0]


def _tail(path: Path, read: FileState, target: Path, digest: Any) -> int | None:
    """Write what was appended in whole lines, and return up to where; None if the bytes before are others."""
    with path.open("rb") as file:
        left = read.size
        while left and (block := file.read(min(_BLOCK, left))):
            digest.update(block)
            left -= len(block)
        if left or digest.hexdigest() != read.sha256:
            return None
        appended = file.read()
    if _is_being_written(path):
        appended = appended[: appended.rfind(b"\n") + 1]
    digest.update(appended)
    target.write_bytes(appended)
    return read.size + len(appended)


def _stage_tail(
    base: Any,
    path: Path,
    tail: Path,
    read: FileState,
    known: dict[str, Any],
    options: ImportOptions,
    before: Path,
) -> bool:
    """Read what was appended into ``fresh``; return whether it goes on as the log did."""
    assert read.format is not None
    create_raw(base)
    try:
        log_file = text_file(path, options)
        if log_file.layout.doubtful or read.format not in log_file.layout.formats:
            return False
        layout = replace(log_file.layout, formats=(read.format,))
        as_read = replace(continued(log_file, tail), layout=layout, decimal=read.decimal)
        insert_readings(base, as_read, 0, options)
    except ReadError:
        return False
    base.register("known", pd.DataFrame(known["groups"]))
    base.register("last", pd.DataFrame(known["last"]).astype({"utc": "datetime64[us]"}))
    source = "NULL" if read.source is None else quoted(read.source)
    base.execute(
        "CREATE TEMP TABLE fresh AS SELECT known.sensor::INTEGER AS sensor, raw.time, raw.offset_min, "
        f"{IN_UNIT.format('raw.value')} AS value, NULL::BIGINT AS row, raw.value AS written, "
        f"raw.time - to_minutes(coalesce(raw.offset_min, 0)::INTEGER) AS utc, {GOOD} AS good "
        "FROM staging.raw raw LEFT JOIN known ON raw.region = known.region AND "
        f"coalesce(raw.source_id, {source}, '') = known.source_id AND raw.sensor_name = known.sensor_name "
        "AND raw.unit = known.unit ORDER BY raw.rowid"
    )
    return _goes_on(base, known, before)


def _goes_on(base: Any, known: dict[str, Any], before: Path) -> bool:
    sensors, problems = pd.read_parquet(before / SENSORS), pd.read_parquet(before / PROBLEMS)
    codes = ", ".join(map(str, ERROR_CODES))
    rejected = base.sql("SELECT count(*) FROM reject_errors").fetchall()[0][0]
    unlike, n, year = base.sql(
        f"SELECT count(*) FILTER (sensor IS NULL OR NOT good OR written IN ({codes})), count(*), "
        "coalesce(max(year(time)), 0) FROM fresh"
    ).fetchall()[0]
    out_of_step = base.sql(
        f"SELECT count(*) FROM (SELECT fresh.utc, coalesce(fresh.offset_min, {_NO_OFFSET}) <> "
        "last.offset_min AS other, "
        "coalesce(lag(fresh.utc) OVER (PARTITION BY sensor ORDER BY fresh.rowid), last.utc) AS earlier "
        "FROM fresh JOIN last USING (sensor)) WHERE other OR utc <= earlier"
    ).fetchall()[0][0]
    # A clock that was set wrong, or had been.
    latest = int(sensors["end"].dt.year.max()) + (0 if (problems["kind"] == "wrong time").any() else 1)
    grown = known["added"] + n > _MOST_GROWTH * known["whole"]
    return not (rejected or unlike or out_of_step or grown or year > latest)


def _with_fresh(base: Any, known: dict[str, Any]) -> dict[str, Any]:
    """Return what it takes to continue, after what was appended."""
    table = base.sql(
        "SELECT sensor, max(utc)::VARCHAR AS utc, any_value(coalesce(offset_min, "
        f"{_NO_OFFSET})) AS offset_min, count(*) AS n FROM fresh GROUP BY sensor"
    ).df()
    fresh = {row["sensor"]: row for row in table.drop(columns="n").to_dict("records")}
    last = [fresh.get(row["sensor"], row) for row in known["last"]]
    return known | {"last": last, "added": known["added"] + int(table["n"].sum())}


def _write_added(base: Any, before: Path, folder: Path) -> None:
    columns = "sensor, time, offset_min, value, row"
    earlier = f"UNION ALL SELECT {columns} FROM read_parquet({quoted_file(before / ADDED)})"
    base.execute(
        f"COPY (SELECT {columns} FROM fresh {earlier if (before / ADDED).is_file() else ''} "
        f"ORDER BY sensor, time - to_minutes(coalesce(offset_min, 0)::INTEGER)) "
        f"TO {quoted(str(folder / ADDED))} (FORMAT parquet, COMPRESSION zstd)"
    )
    added = f"read_parquet({quoted_file(folder / ADDED)})"
    numbers = [int(row[0]) for row in base.sql(f"SELECT DISTINCT sensor FROM {added}").fetchall()]
    # Bins as narrow as those of the overview of the whole, or narrower.
    overview = decimated(base, added, numbers, round(4 * _MOST_GROWTH * OVERVIEW_POINTS))
    overview.to_parquet(folder / ADDED_OVERVIEW)


def _write_sensors(base: Any, before: Path, folder: Path) -> None:
    """Write sensors, problems and gaps with what is new of them."""
    sensors, problems = pd.read_parquet(before / SENSORS), pd.read_parquet(before / PROBLEMS)
    silences = [pd.read_parquet(before / GAPS)]
    new: list[tuple[object, ...]] = []
    for number, n, end in base.sql(
        "SELECT sensor, count(*), max(time) FROM fresh GROUP BY sensor ORDER BY sensor"
    ).fetchall():
        sensor = sensors.loc[number]
        lasting = _lasting(problems, sensor)
        since = min([sensor["end"] - _AROUND * _step(sensor), *(lasting["start"] - _FEW * _step(sensor))])
        found = base.sql(
            "SELECT time, time - to_minutes(coalesce(offset_min, 0)::INTEGER) AS utc, value FROM "
            f"{readings_of(folder)} WHERE sensor = {number} AND time >= TIMESTAMP '{since}' ORDER BY utc"
        ).fetchnumpy()
        times, utc, held = found["time"], found["utc"], bool(sensor["held"])
        first, rows = len(times) - int(n), np.arange(len(times))
        found_here = sensor_problems(utc, np.asarray(found["value"]), rows, held=held)
        new += problem_rows(sensor, times, [one for one in found_here if one.last >= first])
        silent = np.flatnonzero(gaps(np.diff(utc) / np.timedelta64(1, "s"), held=held))
        silences.append(gap_rows(int(number), times, silent[silent >= first - 1]))
        problems = problems.drop(lasting.index)
        sensors.loc[number, ["n", "end"]] = [sensor["n"] + n, pd.Timestamp(end)]
    pd.concat([problems, problem_table(new)], ignore_index=True).to_parquet(folder / PROBLEMS)
    pd.concat(silences, ignore_index=True).to_parquet(folder / GAPS)
    sensors.to_parquet(folder / SENSORS)


def _lasting(problems: pd.DataFrame, sensor: pd.Series) -> pd.DataFrame:
    """Return the problems of a sensor that lasted to the end of the log: they may go on."""
    of_sensor = (problems[_NAMES] == sensor[_NAMES]).all(axis=1)
    lasting: pd.DataFrame = problems[
        of_sensor & problems["kind"].isin(["stuck", "unit jump"]) & (problems["end"] >= sensor["end"])
    ]
    return lasting


def _step(sensor: pd.Series) -> pd.Timedelta:
    step_s = float(sensor["step_s"])
    return pd.Timedelta(seconds=step_s if step_s > 0 else 0)


def _can_grow(log_file: LogFile) -> bool:
    return log_file.is_text and not log_file.layout.doubtful and _has_lines(log_file.file)


def _has_lines(file: Path) -> bool:
    """Return whether lines end in a byte of their own, and the last one has an end."""
    with file.open("rb") as opened:
        if opened.read(4)[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return False
        opened.seek(-1, os.SEEK_END)
        return opened.read() == b"\n"


def _is_being_written(file: Path) -> bool:
    return time.time() - file.stat().st_mtime < _UNENDED_S


def is_unended(file: Path) -> bool:
    """Return whether a text file is being written and its last line has no end yet."""
    return _is_being_written(file) and file.stat().st_size > 0 and not _has_lines(file)


def _copy(file: Path, folder: Path) -> Path:
    folder.mkdir(parents=True)
    target = folder / file.name
    shutil.copyfile(file, target)
    with target.open("rb+") as copy:
        head = copy.read(4)
        if head != b"PAR1" and head[:2] not in (b"\xff\xfe", b"\xfe\xff"):
            start = max(target.stat().st_size - _BLOCK, 0)
            copy.seek(start)
            copy.truncate(start + copy.read().rfind(b"\n") + 1 or None)
    return target


def _share(file: Path, target: Path) -> None:
    """Put a file in a second place; where it cannot have two names, a copy."""
    try:
        os.link(file, target)
    except OSError:
        shutil.copyfile(file, target)


def _states(known: dict[str, Any]) -> list[FileState]:
    return [FileState(**file) for file in known["files"]]


def _read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def _write(file: Path, facts: dict[str, Any]) -> None:
    file.write_text(json.dumps(facts), encoding="utf-8")
