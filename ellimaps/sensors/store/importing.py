"""A log's files into a store, sorted by sensor and time with bounded memory; only once.

What a store holds is said in `ellimaps.sensors.store.stores`.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import file_digest
from pathlib import Path

from ellimaps.core.errors import ExportError
from ellimaps.core.locks import own_folder, sweep
from ellimaps.core.progress import Progress
from ellimaps.sensors.store.continuing import at_rest, continued_store, file_states, is_all, note
from ellimaps.sensors.store.decimation import decimated
from ellimaps.sensors.store.locations import Location
from ellimaps.sensors.store.options import ImportOptions
from ellimaps.sensors.store.problems import check_not_merged, found_problems
from ellimaps.sensors.store.report import ImportReport
from ellimaps.sensors.store.reporting import items_of_files, items_of_sensors
from ellimaps.sensors.store.sorting import sorted_readings
from ellimaps.sensors.store.sql import quoted
from ellimaps.sensors.store.staging import stage
from ellimaps.sensors.store.stores import (
    GAPS,
    INPUTS,
    OVERVIEW,
    OVERVIEW_POINTS,
    PROBLEMS,
    READINGS,
    REPORT,
    SENSORS,
    cache_folder,
    connection,
    duckdb_errors,
    forget_followed,
    forget_old,
    is_whole,
    note_sums,
    put,
    readings_of,
    store_path,
    stores_before,
)
from ellimaps.sensors.store.units import with_assumed_units

# Of the folders in which stores are made.
_NEXT = ".next-"


def store_of(location: Location, options: ImportOptions, on_progress: Progress) -> Path:
    """Return the folder of a log's store; what is not yet in one is imported.

    Raises
    ------
    ReadError
        If the log cannot be read.
    ExportError
        If the cache cannot be written.
    """
    cache = cache_folder()
    sweep(cache, _NEXT)
    store = store_path(cache, location, options)
    if (store / SENSORS).is_file():
        if is_whole(store):
            os.utime(store)
            return store
        # The log itself is what counts.
        shutil.rmtree(store)
    forget_old(cache)
    before = [one for one in stores_before(store) if is_whole(one)]
    try:
        with own_folder(cache, _NEXT) as scratch:
            folder = scratch / "store"
            folder.mkdir()
            with duckdb_errors(location.name):
                found = continued_store(before[0], location, options, folder, scratch) if before else None
            if before and found == before[0]:
                os.utime(found)
                return found
            if found is None:
                folder = scratch / "whole"
                folder.mkdir()
                with location.local_files(on_progress) as files, duckdb_errors(location.name):
                    _import(location, files, options, folder, scratch, on_progress)
            # In a state of which the last line had no end, the log is looked at again.
            store = store if is_all(folder, location) else store.with_name(f"{store.name}t")
            note_sums(folder, before[0] if before and folder.name == "store" else None)
            put(folder, store)
    except OSError as error:
        raise ExportError(
            f"The cache {cache} cannot be written ({error.strerror or error}): make room, or set "
            "ELLIMAPS_CACHE to another folder."
        ) from error
    forget_followed(before)
    return store


def _import(
    location: Location,
    files: Sequence[Path],
    options: ImportOptions,
    folder: Path,
    scratch: Path,
    on_progress: Progress,
) -> None:
    total = len(files) + 3
    files = at_rest(files, scratch)
    base = connection(scratch)
    try:
        base.execute(f"ATTACH {quoted(str(scratch / 'whole.duckdb'))} AS staging")
        with ThreadPoolExecutor(1) as meanwhile:
            hashing = meanwhile.submit(_hashes, files)
            staged = stage(base, location, files, options, on_progress)
        hashes = hashing.result()
        (folder / INPUTS).write_text(json.dumps(hashes), encoding="utf-8")
        on_progress(len(files), total, "sorting readings")
        result = sorted_readings(base, location, staged, folder / READINGS)
        # The memory of the sort is given back only so.
        base.close()
        base = connection(scratch)
        on_progress(len(files) + 1, total, "looking for gaps and faults")
        others = [*staged.problems(), *result.problems]
        problems, silent, courses = found_problems(base, folder / READINGS, result.sensors, others)
        problems.to_parquet(folder / PROBLEMS)
        silent.to_parquet(folder / GAPS)
        if not options.sensor_columns:
            for course, label in zip(courses, result.labels(), strict=True):
                check_not_merged(course, label, location.name)
        on_progress(len(files) + 2, total, "preparing the overview")
        overview = decimated(base, readings_of(folder), list(result.sensors.index), OVERVIEW_POINTS)
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
        note(folder, base, file_states(location, files, hashes, staged, result), result.known)
        sensors.to_parquet(folder / SENSORS)
        on_progress(total, total, "preparing the overview")
    finally:
        base.close()


def _hashes(files: Sequence[Path]) -> dict[str, str]:
    hashes: dict[str, str] = {}
    for number, file in enumerate(files):
        with file.open("rb") as opened:
            name = f"{number} {file.name}" if file.name in hashes else file.name
            hashes[name] = file_digest(opened, "sha256").hexdigest()
    return hashes
