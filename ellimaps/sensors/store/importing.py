"""A log's files into one sorted Parquet store: readings by sensor and time, with bounded memory.

A store is a folder with ``readings.parquet`` (``sensor, time, offset_min, value, row``: local time, and the
position in the log), ``sensors.parquet``, ``overview.parquet`` (minima and maxima that stand for the readings
when much is drawn small), ``problems.parquet`` and ``inputs.json`` (hashes of the files). It is written
beside the others of its cache and moved, so it is there whole or not at all.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from hashlib import file_digest
from pathlib import Path
from typing import Any

import pandas as pd

from ellimaps.core.errors import ExportError, ReadError
from ellimaps.core.extras import optional
from ellimaps.core.progress import Progress
from ellimaps.sensors.store.decimation import decimated
from ellimaps.sensors.store.file_queries import parquet_query, text_query
from ellimaps.sensors.store.locations import Location
from ellimaps.sensors.store.problems import found_problems
from ellimaps.sensors.store.sql import quoted
from ellimaps.sensors.store.units import stated_unit, with_assumed_units

# To be raised whenever a store holds something else; stores of other formats are not opened.
FORMAT = 3
INPUTS = "inputs.json"
READINGS, SENSORS, OVERVIEW, PROBLEMS = (
    f"{name}.parquet" for name in ("readings", "sensors", "overview", "problems")
)
# 8,192 pairs per sensor: four for each pixel of a wide screen.
OVERVIEW_POINTS = 1 << 14
# DuckDB takes about half as much again: 20 million readings stay below 1.4 GB (benchmarks/bench_sensors.py).
_MEMORY = "800MB"
# Also what damaged bytes say is no time of a log.
_GOOD = (
    "coalesce(time BETWEEN TIMESTAMP '1900-01-01' AND TIMESTAMP '2200-01-01' AND abs(value) < 1e100, false)"
)
# A week: over a weekend and a holiday a log need not be imported again.
_KEPT_S = 7 * 86400


def connection(folder: Path, threads: int | None = None) -> Any:
    """Return a DuckDB connection that spills into a folder instead of taking much memory."""
    settings = {"memory_limit": _MEMORY, "threads": threads or min(os.cpu_count() or 1, 4)}
    settings |= {"temp_directory": str(folder), "autoinstall_known_extensions": False}
    return optional("duckdb", "sensors", "Sensor logs").connect(config=settings)


def cache_folder() -> Path:
    """Return the folder of the stores: ``ELLIMAPS_CACHE``, or one of this user in the temporary folder."""
    given = os.environ.get("ELLIMAPS_CACHE")
    user = str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    folder = Path(given) if given else Path(tempfile.gettempdir()) / f"ellimaps-{user}"
    folder = folder / "sensors"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if hasattr(os, "getuid") and not given:
            # The temporary folder is everybody's: another user may have put a folder of this name there.
            for part in (folder.parent, folder):
                if part.stat().st_uid != os.getuid() or part.is_symlink():
                    raise PermissionError(f"{part} belongs to another user")
                part.chmod(0o700)
    except OSError as error:
        raise ExportError(
            f"The cache {folder} cannot be used ({error.strerror or error}): set ELLIMAPS_CACHE to a folder."
        ) from error
    return folder


def store_of(location: Location, on_progress: Progress) -> Path:
    """Return the folder of a log's store; the log is imported if it is not yet there.

    Raises
    ------
    ReadError
        If the log cannot be read.
    ExportError
        If the cache cannot be written.
    """
    cache = cache_folder()
    store = cache / f"{location.fingerprint[:32]}-{FORMAT}"
    if (store / SENSORS).is_file():
        os.utime(store)
        return store
    _forget_old(cache)
    try:
        with tempfile.TemporaryDirectory(prefix=".next-", dir=cache) as name:
            folder = Path(name) / "store"
            folder.mkdir()
            with location.local_files(on_progress) as files:
                _import(location, files, folder, Path(name), on_progress)
            _put(folder, store)
    except OSError as error:
        raise ExportError(
            f"The cache {cache} cannot be written ({error.strerror or error}): make room, or set "
            "ELLIMAPS_CACHE to another folder."
        ) from error
    return store


def _put(folder: Path, store: Path) -> None:
    try:
        folder.rename(store)
    except OSError:
        # Another process was faster; its store holds the same.
        if not (store / SENSORS).is_file():
            raise


def _forget_old(cache: Path) -> None:
    """Remove stores that nobody opened for a week."""
    for store in cache.iterdir():
        # Another process may remove it at the same moment.
        with suppress(OSError):
            if time.time() - store.stat().st_mtime > _KEPT_S:
                shutil.rmtree(store, ignore_errors=True)


def _import(
    location: Location, files: Sequence[Path], folder: Path, scratch: Path, on_progress: Progress
) -> None:
    duckdb = optional("duckdb", "sensors", "Sensor logs")
    total = len(files) + 3
    base = connection(scratch)
    try:
        base.execute(f"ATTACH {quoted(str(scratch / 'staging.duckdb'))} AS staging")
        base.execute(
            "CREATE TABLE staging.raw (region VARCHAR, source_id VARCHAR, sensor_name VARCHAR, unit VARCHAR, "
            "time TIMESTAMP, offset_min SMALLINT, value DOUBLE, file INTEGER)"
        )
        hashes: dict[str, str] = {}
        refused: dict[str, ReadError] = {}
        for number, file in enumerate(files):
            on_progress(number, total, f"reading {file.name}")
            try:
                _stage(base, file, number)
            except ReadError as error:
                # One file that is no log must not hide the others of its folder.
                refused[file.name] = error
            with file.open("rb") as opened:
                hashes[f"{number} {file.name}" if file.name in hashes else file.name] = file_digest(
                    opened, "sha256"
                ).hexdigest()
        if len(files) == 1 and refused:
            raise refused[files[0].name]
        (folder / INPUTS).write_text(json.dumps(hashes), encoding="utf-8")
        on_progress(len(files), total, "sorting readings")
        unreadable = _unreadable(base, files)
        sensors = _sorted(base, folder)
        if not len(sensors) and refused:
            raise next(iter(refused.values()))
        if not len(sensors):
            raise ReadError(
                f"{location.name} holds no reading with a time and a value: check its columns and "
                "date format."
            )
        # The memory of the sort is given back only so.
        base.close()
        base = connection(scratch)
        on_progress(len(files) + 1, total, "looking for gaps and faults")
        unreadable |= {name: str(error) for name, error in refused.items()}
        found_problems(base, folder / READINGS, sensors, unreadable).to_parquet(folder / PROBLEMS)
        on_progress(len(files) + 2, total, "preparing the overview")
        overview = decimated(base, folder / READINGS, list(sensors.index), OVERVIEW_POINTS)
        overview.to_parquet(folder / OVERVIEW, row_group_size=1 << 17)
        medians = overview.groupby("sensor")["value"].median()
        with_assumed_units(sensors, medians).to_parquet(folder / SENSORS)
        on_progress(total, total, "preparing the overview")
    except duckdb.OutOfMemoryException as error:
        raise ReadError(f"{location.name} needs more memory to import than {_MEMORY}: split it.") from error
    except duckdb.IOException as error:
        raise ExportError(f"The cache cannot be written ({' '.join(str(error).split()):.200}).") from error
    finally:
        base.close()


def _stage(base: Any, file: Path, number: int) -> None:
    """Append the readings of one file; what cannot be read gets a NULL as time or value."""
    duckdb = optional("duckdb", "sensors", "Sensor logs")
    base.execute("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")
    try:
        with file.open("rb") as opened:
            is_parquet = opened.read(4) == b"PAR1"
        query = parquet_query(base, file) if is_parquet else text_query(base, file)
        base.execute(f"INSERT INTO staging.raw SELECT *, {number} FROM ({query})")
        if not is_parquet:
            rejected = "SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, "
            base.execute(
                f"INSERT INTO staging.raw {rejected} {number} FROM (SELECT DISTINCT line FROM reject_errors)"
            )
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        raise ReadError(
            f"{file.name} cannot be read as a log ({' '.join(str(error).split()):.200}): check the file."
        ) from error


def _unreadable(base: Any, files: Sequence[Path]) -> dict[str, str]:
    """Return what of which file could not be read."""
    rows = base.sql(
        f"SELECT file, count(*) FROM staging.raw WHERE NOT ({_GOOD}) GROUP BY file ORDER BY file"
    ).fetchall()
    told = "{} lines or cells could not be read and are left out."
    return {files[file].name: told.format(count) for file, count in rows}


def _sorted(base: Any, folder: Path) -> pd.DataFrame:
    """Write the readings by sensor and time, and return the table of sensors."""
    sensors: pd.DataFrame = base.sql(
        "SELECT region, source_id, sensor_name, max(unit) AS unit, count(*) AS n, min(time) AS start, "
        f'max(time) AS "end" FROM staging.raw WHERE {_GOOD} GROUP BY ALL ORDER BY ALL'
    ).df()
    sensors["unit"] = [
        stated_unit(unit, name) for unit, name in zip(sensors["unit"], sensors["sensor_name"], strict=True)
    ]
    for column in ("start", "end"):
        sensors[column] = sensors[column].astype("datetime64[us]")
    known = sensors.reset_index(names="sensor")
    base.register("known", known[["sensor", "region", "source_id", "sensor_name"]])
    base.execute(
        "COPY (SELECT sensor::INTEGER AS sensor, time, offset_min, value, raw.rowid AS row "
        f"FROM staging.raw raw JOIN known USING (region, source_id, sensor_name) WHERE {_GOOD} "
        "ORDER BY sensor, time - to_minutes(coalesce(offset_min, 0)), row) "
        f"TO {quoted(str(folder / READINGS))} (FORMAT parquet, COMPRESSION zstd)"
    )
    base.unregister("known")
    return sensors
