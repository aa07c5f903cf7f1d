"""Stores of imported logs: what lies in one, and the cache they are kept in.

A store is a folder with ``readings.parquet`` (``sensor, time, offset_min, value, row``: local time, and the
position in the log), ``sensors.parquet``, ``overview.parquet`` (minima and maxima that stand for the readings
when much is drawn small), ``problems.parquet``, ``gaps.parquet`` (``sensor, start, end``: between which
readings nothing is known), ``report.json`` (what the log was taken for), ``inputs.json`` (hashes of the
files) and ``sums.json`` (those of the store's own). It is written beside the others of its cache and moved,
so it is there whole or not at all. That of a log that was appended to shares the large files of the one
before and has ``added.parquet`` and ``added_overview.parquet`` beside them; see
`ellimaps.sensors.store.continuing`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from ellimaps.core.errors import ExportError, ReadError, SettingError
from ellimaps.core.extras import optional
from ellimaps.core.sums import check, json_object, sum_of
from ellimaps.sensors.store.locations import Location
from ellimaps.sensors.store.options import ImportOptions
from ellimaps.sensors.store.sql import readings_in

FORMAT = 6
"""To be raised whenever a store holds something else; stores of other formats are not opened."""
INPUTS, REPORT, CONTINUE, SUMS = "inputs.json", "report.json", "continue.json", "sums.json"
# What DuckDB says where the system, not a log, is at fault.
_SYSTEM = re.compile(
    r"No space left on device|File too large|Disk quota exceeded|Read-only file system|Permission denied"
    r"|Too many open files|max_temp_directory_size"
)
_CALLED = {"max_temp_directory_size": "No space left on device"}
READINGS, SENSORS, OVERVIEW, PROBLEMS, GAPS, ADDED, ADDED_OVERVIEW = (
    f"{name}.parquet"
    for name in ("readings", "sensors", "overview", "problems", "gaps", "added", "added_overview")
)
# 8,192 pairs per sensor: four for each pixel of a wide screen.
OVERVIEW_POINTS = 1 << 14
MEMORY = "800MB"
"""DuckDB takes about half as much again: 20 million readings stay below 1.4 GB
(``benchmarks/bench_sensors.py``)."""
# A week: over a weekend and a holiday a log need not be imported again.
_KEPT_S = 7 * 86400
# An hour: who has a log open asks its store, even if it has been followed by that of a longer log.
_FOLLOWED_S = 3600


def connection(folder: Path, threads: int | None = None) -> Any:
    """Return a DuckDB connection that spills into a folder instead of taking much memory."""
    settings = {"memory_limit": MEMORY, "threads": threads or min(os.cpu_count() or 1, 4)}
    settings |= {"temp_directory": str(folder), "autoinstall_known_extensions": False}
    return optional("duckdb", "sensors", "Sensor logs").connect(config=settings)


@contextmanager
def duckdb_errors(name: str) -> Iterator[None]:
    """Tell what DuckDB says of a log or one of its files in a sentence.

    Raises
    ------
    ReadError
        If the file is at fault.
    ExportError
        If the system is, such as by a full disk.
    SettingError
        If there is not enough memory.
    """
    duckdb = optional("duckdb", "sensors", "Sensor logs")
    try:
        yield
    except duckdb.Error as error:
        text = " ".join(str(error).split())
        if reason := _SYSTEM.search(text):
            raise ExportError(
                f"The cache of {name} cannot be written ({_CALLED.get(reason[0], reason[0])}): make room, or "
                "set ELLIMAPS_CACHE to another folder."
            ) from error
        if isinstance(error, duckdb.OutOfMemoryException):
            # Not the file's fault: others of its log need not be read without it.
            raise SettingError(f"{name} needs more memory to import than {MEMORY}: split it.") from error
        # Files are read again for their dates and numbers, further than what made them out as logs.
        raise ReadError(f"{name} cannot be read as a log ({text:.200}): check the file.") from error


def note_sums(folder: Path, before: Path | None) -> None:
    """Write the SHA-256 of a store's files; those it shares with the one before have theirs."""
    known = _sums(before) if before else {}
    sums = {
        file.name: known[file.name]
        if before and _is_shared(file, before) and file.name in known
        else sum_of(file)
        for file in sorted(folder.iterdir())
    }
    (folder / SUMS).write_text(json.dumps(sums), encoding="utf-8")


def is_whole(store: Path) -> bool:
    """Whether the files of a store are as they were written; one of an earlier version has no sums."""
    try:
        for name, digest in _sums(store).items():
            with (store / name).open("rb") as file:
                check(file, digest, store / name, SUMS)
    except (OSError, ReadError):
        return False
    return True


def _is_shared(file: Path, before: Path) -> bool:
    return (before / file.name).is_file() and file.samefile(before / file.name)


def _sums(store: Path) -> dict[str, str]:
    if not (store / SUMS).is_file():
        return {}
    found = json_object((store / SUMS).read_bytes(), store / SUMS)
    if not all(isinstance(digest, str) for digest in found.values()):
        raise ReadError(f"{store / SUMS} is damaged: remove {store}.")
    return found


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


def store_path(cache: Path, location: Location, options: ImportOptions) -> Path:
    """Return where the store of a log lies: named by its files, their state, and what was said of them."""
    said = sha256(repr(sorted(options.facts().items())).encode()).hexdigest()[:8] if options.facts() else "0"
    return cache / f"{location.identity[:16]}-{said}-{FORMAT}-{location.state[:16]}"


def stores_before(store: Path) -> list[Path]:
    """Return the stores of the same files in other states, the last used first."""
    beginning = store.name.rpartition("-")[0]
    found = [other for other in store.parent.glob(f"{beginning}-*") if other.name != store.name]
    return sorted(found, key=_used, reverse=True)


def readings_of(store: Path) -> str:
    """Return the table function of a store's readings."""
    return _parts(store, READINGS, ADDED)


def overview_of(store: Path) -> str:
    """Return the table function of a store's overview."""
    return _parts(store, OVERVIEW, ADDED_OVERVIEW)


def _parts(store: Path, *names: str) -> str:
    return readings_in([store / name for name in names if (store / name).is_file()])


def put(folder: Path, store: Path) -> None:
    """Move a store that is whole to its place."""
    try:
        folder.rename(store)
    except OSError:
        # Another process was faster; its store holds the same.
        if not (store / SENSORS).is_file():
            raise


def forget_old(cache: Path) -> None:
    """Remove stores that nobody opened for a week."""
    for store in cache.iterdir():
        _forget(store, _KEPT_S)


def forget_followed(stores: list[Path]) -> None:
    """Remove those stores, which others follow, that nobody opened for an hour."""
    for store in stores:
        _forget(store, _FOLLOWED_S)


def _forget(store: Path, after_s: float) -> None:
    if time.time() - _used(store) > after_s:
        shutil.rmtree(store, ignore_errors=True)


def _used(store: Path) -> float:
    # Another process may remove it at the same moment.
    with suppress(OSError):
        return store.stat().st_mtime
    return time.time()
