"""A sensor log of 20 million readings: its import, first view and zooms, each in a process of its own.

Run ``python benchmarks/bench_sensors.py [--json FILE] [--rows 20000000]``. The generated log (about 1.3 GB of
CSV, and as Parquet) is kept in the temporary folder; memory is the process's largest resident size (VmHWM).
The sort beside an import is that of DuckDB, of the same file, by sensor and time into Parquet, with the same
memory and threads; an append is one line behind the log as CSV. "First view" is opening the imported log, its
coverage and all sensors of one type over all time; a zoom is one sensor over a month, a day and all time.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tools import in_process, machine, report

CASES = ((40, 300), (1, 10))
"""Numbers of sensors, and seconds between two readings of one."""

IMPORT = """
import sys, time
from ellimaps.sensors.store.logs import open_log
start, cpu = time.perf_counter(), time.process_time()
log = open_log(sys.argv[1])
figures = {"import_s": time.perf_counter() - start, "import_cpu_s": time.process_time() - cpu}
figures |= {"readings": int(log.sensors["n"].sum()), "problems": len(log.problems)}
figures["store_mb"] = sum(file.stat().st_size for file in log.store.iterdir()) / 1e6
"""

SORT = """
import os, sys, tempfile, time
import duckdb
from pathlib import Path
with tempfile.TemporaryDirectory() as folder:
    settings = {"memory_limit": "800MB", "threads": min(os.cpu_count(), 4), "temp_directory": folder}
    base = duckdb.connect(config=settings)
    file = sys.argv[1]
    table = f"read_{'csv' if file.endswith('csv') else 'parquet'}('{file}')"
    start, cpu = time.perf_counter(), time.process_time()
    base.execute(
        f"COPY (SELECT * FROM {table} ORDER BY region, source_id, sensor_name, datetime) "
        f"TO '{folder}/sorted.parquet' (FORMAT parquet, COMPRESSION zstd)"
    )
    figures = {"sort_s": time.perf_counter() - start, "sort_cpu_s": time.process_time() - cpu}
"""

APPEND = """
import os, shutil, sys, tempfile, time
import pandas as pd
from ellimaps.sensors.store.logs import open_log
from ellimaps.sensors.store.stores import ADDED
with tempfile.TemporaryDirectory() as folder:
    path = shutil.copy(sys.argv[1], folder)
    os.utime(path, (time.time() - 3600,) * 2)
    sensors = open_log(path).sensors
    row = sensors.iloc[-1]
    utc = row["end"] - pd.Timedelta("1h") + pd.Timedelta(seconds=row["step_s"])
    seconds = []
    for n in range(3):
        with open(path, "a") as file:
            file.write(f"{row['region']},{row['source_id']},{row['sensor_name']},{utc},21.0,1.0\\n")
        utc += pd.Timedelta(seconds=row["step_s"])
        start = time.perf_counter()
        log = open_log(path)
        seconds.append(time.perf_counter() - start)
    assert (log.store / ADDED).is_file() and log.sensors["n"].sum() == sensors["n"].sum() + 3
    figures = {"append_s": max(seconds)}
"""

VIEW = """
import sys, time
from ellimaps.sensors.store.logs import open_log
figures = {}
def note(name, call):
    start, cpu = time.perf_counter(), time.process_time()
    found = call()
    figures[name + "_s"] = time.perf_counter() - start
    figures[name + "_cpu_s"] = time.process_time() - cpu
    return found
def first_view():
    log = open_log(sys.argv[1])
    return log, log.coverage(200), log.window(sensor_name=log.sensors["sensor_name"].iloc[0])
log, _, _ = note("first_view", first_view)
one = log.sensors.iloc[len(log.sensors) // 2]
key = (one["region"], one["source_id"], one["sensor_name"])
middle = one["start"] + (one["end"] - one["start"]) / 2
import pandas as pd
month, day = pd.Timedelta(days=30), pd.Timedelta(days=1)
note("zoom_month", lambda: log.window(*key, middle, middle + month))
note("zoom_day", lambda: log.window(*key, middle, middle + day))
note("zoom_all_time", lambda: log.window(*key))
note("zoom_group_year", lambda: log.window(sensor_name=key[2], start=middle, end=middle + 365 * day))
"""


def write_log(rows: int, sensors: int, every_s: int, folder: Path) -> dict[str, Path]:
    """Write a long table of readings as Parquet and CSV; it is made once."""
    import duckdb

    files = {kind: folder / f"log-{rows}-{sensors}.{kind}" for kind in ("parquet", "csv")}
    if all(file.is_file() for file in files.values()):
        return files
    folder.mkdir(parents=True, exist_ok=True)
    print(f"generating {rows:,} readings in {folder}", file=sys.stderr)
    each = rows // sensors
    base = duckdb.connect(config={"memory_limit": "1GB"})
    base.execute(
        "CREATE TABLE log (region VARCHAR, source_id VARCHAR, sensor_name VARCHAR, datetime TIMESTAMP, "
        "sensor_value DOUBLE, UTCOffset DOUBLE)"
    )
    for sensor in range(sensors):
        rng = np.random.default_rng(sensor)
        seconds = every_s * np.arange(each)
        day = 2 * np.pi * seconds / 86400
        part = pd.DataFrame(
            {
                "region": f"region {sensor % 2}",
                "source_id": f"M{sensor // 4}",
                "sensor_name": ("room temperature", "instrument temperature")[sensor // 2 % 2],
                "datetime": np.datetime64("2021-01-01", "us") + seconds.astype("timedelta64[s]"),
                "sensor_value": np.round(21 + 0.3 * np.sin(day) + rng.normal(0, 0.05, each), 3),
                "UTCOffset": 1.0,
            }
        )
        base.register("part", part)
        base.execute("INSERT INTO log SELECT * FROM part")
    # Loggers write reading by reading, all sensors mixed.
    for kind, options in (("parquet", "FORMAT parquet"), ("csv", "FORMAT csv, HEADER")):
        base.execute(f"COPY (SELECT * FROM log ORDER BY datetime) TO '{files[kind]}.part' ({options})")
        Path(f"{files[kind]}.part").replace(files[kind])
    base.close()
    return files


def measure(rows: int, sensors: int, every_s: int) -> dict[str, dict[str, Any]]:
    """Import the log from Parquet and from CSV, and look at it."""
    kept = Path(tempfile.gettempdir()) / "ellimaps-benchmarks" / "sensors"
    files = write_log(rows, sensors, every_s, kept)
    figures = {}
    for kind, file in files.items():
        with tempfile.TemporaryDirectory() as cache:
            os.environ["ELLIMAPS_CACHE"] = cache
            # In turn, as other work on the machine comes and goes.
            sort = in_process(SORT, file)
            figures[f"import of {kind}, {sensors} sensors"] = in_process(IMPORT, file) | {
                name: sort[name] for name in ("sort_s", "sort_cpu_s")
            }
            if kind == "csv":
                figures[f"append, {sensors} sensors"] = in_process(APPEND, file)
                figures[f"views, {sensors} sensors"] = in_process(VIEW, file)
    return figures


def main() -> None:
    """Measure, print, and write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--rows", type=int, default=20_000_000, help="readings in all")
    options = parser.parse_args()
    figures = {"machine": machine()}
    for sensors, every_s in CASES:
        figures |= measure(options.rows, sensors, every_s)
    report(figures, options.json)


if __name__ == "__main__":
    main()
