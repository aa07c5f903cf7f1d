"""A log's files into one sorted Parquet store: readings by sensor and time, with bounded memory.

A store is a folder with ``readings.parquet`` (``sensor, time, offset_min, value, row``: local time, and the
position in the log), ``sensors.parquet``, ``overview.parquet`` (minima and maxima that stand for the readings
when much is drawn small), ``problems.parquet``, ``report.json`` (what the log was taken for) and
``inputs.json`` (hashes of the files). It is written
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
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from ellimaps.core.errors import ExportError, ReadError
from ellimaps.core.extras import optional
from ellimaps.core.progress import Progress
from ellimaps.sensors.store.decimation import decimated
from ellimaps.sensors.store.locations import Location
from ellimaps.sensors.store.options import ImportOptions
from ellimaps.sensors.store.problems import check_not_merged, found_problems
from ellimaps.sensors.store.report import ImportReport
from ellimaps.sensors.store.reporting import items_of_files, items_of_sensors
from ellimaps.sensors.store.sorting import sorted_readings
from ellimaps.sensors.store.sql import quoted
from ellimaps.sensors.store.staging import stage
from ellimaps.sensors.store.units import with_assumed_units

# To be raised whenever a store holds something else; stores of other formats are not opened.
FORMAT = 4
INPUTS, REPORT = "inputs.json", "report.json"
READINGS, SENSORS, OVERVIEW, PROBLEMS = (
    f"{name}.parquet" for name in ("readings", "sensors", "overview", "problems")
)
# 8,192 pairs per sensor: four for each pixel of a wide screen.
OVERVIEW_POINTS = 1 << 14
# DuckDB takes about half as much again: 20 million readings stay below 1.4 GB (benchmarks/bench_sensors.py).
_MEMORY = "800MB"
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


def store_of(location: Location, options: ImportOptions, on_progress: Progress) -> Path:
    """Return the folder of a log's store; the log is imported if it is not yet there.

    Raises
    ------
    ReadError
        If the log cannot be read.
    ExportError
        If the cache cannot be written.
    """
    cache = cache_folder()
    said = sha256(repr(sorted(options.facts().items())).encode()).hexdigest()[:8] if options.facts() else "0"
    store = cache / f"{location.fingerprint[:32]}-{said}-{FORMAT}"
    if (store / SENSORS).is_file():
        os.utime(store)
        return store
    _forget_old(cache)
    try:
        with tempfile.TemporaryDirectory(prefix=".next-", dir=cache) as name:
            folder = Path(name) / "store"
            folder.mkdir()
            with location.local_files(on_progress) as files:
                _import(location, files, options, folder, Path(name), on_progress)
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
    location: Location,
    files: Sequence[Path],
    options: ImportOptions,
    folder: Path,
    scratch: Path,
    on_progress: Progress,
) -> None:
    duckdb = optional("duckdb", "sensors", "Sensor logs")
    total = len(files) + 3
    base = connection(scratch)
    try:
        base.execute(f"ATTACH {quoted(str(scratch / 'staging.duckdb'))} AS staging")
        staged = stage(base, location, files, options, on_progress)
        (folder / INPUTS).write_text(json.dumps(_hashes(files)), encoding="utf-8")
        on_progress(len(files), total, "sorting readings")
        result = sorted_readings(base, location, staged, folder / READINGS)
        # The memory of the sort is given back only so.
        base.close()
        base = connection(scratch)
        on_progress(len(files) + 1, total, "looking for gaps and faults")
        others = [*staged.problems(), *result.problems]
        problems, courses = found_problems(base, folder / READINGS, result.sensors, others)
        problems.to_parquet(folder / PROBLEMS)
        if not options.sensor_columns:
            for course, label in zip(courses, result.labels(), strict=True):
                check_not_merged(course, label, location.name)
        on_progress(len(files) + 2, total, "preparing the overview")
        overview = decimated(base, folder / READINGS, list(result.sensors.index), OVERVIEW_POINTS)
        overview.to_parquet(folder / OVERVIEW, row_group_size=1 << 17)
        medians = overview.groupby("sensor")["value"].median()
        sensors = with_assumed_units(result.sensors, medians, options.unit).assign(
            step_s=[course.step_s for course in courses],
            held=[course.held for course in courses],
            resolution=[course.resolution for course in courses],
        )
        items = (*items_of_files(staged), *items_of_sensors(sensors, problems, result))
        report = ImportReport(location.name, items, options.facts())
        (folder / REPORT).write_text(json.dumps(report.facts()), encoding="utf-8")
        sensors.to_parquet(folder / SENSORS)
        on_progress(total, total, "preparing the overview")
    except duckdb.OutOfMemoryException as error:
        raise ReadError(f"{location.name} needs more memory to import than {_MEMORY}: split it.") from error
    except duckdb.IOException as error:
        raise ExportError(f"The cache cannot be written ({' '.join(str(error).split()):.200}).") from error
    except duckdb.Error as error:
        # Files are read again for their dates and numbers, further than what made them out as logs.
        raise ReadError(
            f"{location.name} cannot be read as a log ({' '.join(str(error).split()):.200}): check the file."
        ) from error
    finally:
        base.close()


def _hashes(files: Sequence[Path]) -> dict[str, str]:
    hashes: dict[str, str] = {}
    for number, file in enumerate(files):
        with file.open("rb") as opened:
            name = f"{number} {file.name}" if file.name in hashes else file.name
            hashes[name] = file_digest(opened, "sha256").hexdigest()
    return hashes
