"""Anomalies, forecasts and lags against known truth: 20 generated logs, and the real one where it is there.

Run ``python benchmarks/bench_anomalies.py [--json FILE] [--first-seed N]``. Every seed is a log of 60 days
with two rooms, their humidity and their instruments. An anomaly is found if a period comes within an hour of
it, on the real log if a period overlaps the labelled window.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
from tools import ROOT, SHARED, machine, report

sys.path.insert(0, str(ROOT / "tests"))

from support.sensor_truth import TOLERANCE, counted, plain_forest, quiet, real_log, series_of, windows_of

from ellimaps.samples.sensors import INSTRUMENT, ROOM, SensorSample, sensor_log
from ellimaps.sensors.analysis.anomalies import find_anomalies
from ellimaps.sensors.analysis.forecast import forecast
from ellimaps.sensors.analysis.lags import lead_lag

SEEDS = 20
DAYS = 60


def anomalies_of(sample: SensorSample) -> dict[str, tuple[int, int, int]]:
    """Return true, found and false anomalies, and the same of a plain isolation forest."""
    totals = {"find_anomalies": [0, 0, 0], "plain forest": [0, 0, 0]}
    for key, series in series_of(sample).items():
        windows = windows_of(sample, key)
        for name, periods in (
            ("find_anomalies", find_anomalies(series)),
            ("plain forest", plain_forest(series)),
        ):
            hits, false = counted(periods, windows, TOLERANCE)
            totals[name] = [a + b for a, b in zip(totals[name], (len(windows), hits, false), strict=True)]
    return {name: (true, hits, false) for name, (true, hits, false) in totals.items()}


def lag_errors(sample: SensorSample) -> list[float]:
    """Return by how many minutes each instrument's lag is off."""
    series = series_of(sample)
    sources = sorted({key[:2] for key in series})
    return [
        abs(lead_lag(series[*one, ROOM], series[*one, INSTRUMENT]).lag_min - sample.truth["lag_minutes"])
        for one in sources
    ]


def figures_of(seed: int) -> dict[str, Any]:
    """Return what one generated log gives: counts, errors of lags, and accuracy of forecasts."""
    sample = sensor_log(seed, days=DAYS, instruments=1)
    logs = series_of(sample)
    horizons = pd.concat([forecast(series).horizons for series in logs.values()])
    print(f"seed {seed} done", file=sys.stderr, flush=True)
    return {
        "counts": anomalies_of(sample),
        "lags": lag_errors(sample),
        "horizons": horizons,
        "months": len(logs) * DAYS / 30,
    }


def generated(first_seed: int) -> dict[str, dict[str, Any]]:
    """Return the figures of the generated logs."""
    seeds = range(first_seed, first_seed + SEEDS)
    with ProcessPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        found = list(pool.map(figures_of, seeds))
    months = sum(one["months"] for one in found)
    figures: dict[str, dict[str, Any]] = {}
    for name in found[0]["counts"]:
        true, hits, false = (sum(one["counts"][name][place] for one in found) for place in range(3))
        figures[f"{name}, seeds {seeds[0]}..{seeds[-1]}"] = {
            "true anomalies": true,
            "recall": hits / true,
            "false periods per month and sensor": false / months,
        }
    lags = [error for one in found for error in one["lags"]]
    figures["lag of the instruments"] = {"largest error in min": max(lags), "instruments": len(lags)}
    return figures | accuracy(pd.concat([one["horizons"] for one in found]), "generated")


def accuracy(horizons: pd.DataFrame, what: str) -> dict[str, dict[str, Any]]:
    """Return error and coverage by horizon, over all logs."""
    return {
        f"forecast of {horizon}, {what}": {
            "MASE, mean": float(part["mase"].mean()),
            "MASE, worst log": float(part["mase"].max()),
            "coverage, mean": float(part["coverage"].mean()),
            "coverage, lowest log": float(part["coverage"].min()),
            "coverage, highest log": float(part["coverage"].max()),
        }
        for horizon, part in horizons.groupby("horizon", sort=False)
    }


def real() -> dict[str, dict[str, Any]]:
    """Return the figures of the real log."""
    series, windows = real_log(SHARED)
    start = time.process_time()
    found = find_anomalies(series)
    seconds = time.process_time() - start
    figures: dict[str, dict[str, Any]] = {}
    for name, periods in (("find_anomalies", found), ("plain forest", plain_forest(series))):
        hits, outside = counted(periods, windows)
        figures[f"{name}, real log"] = {
            "windows hit": f"{hits} of {len(windows)}",
            "periods outside": outside,
        }
    figures["find_anomalies, real log"]["cpu_s"] = seconds
    start = time.process_time()
    horizons = forecast(series).horizons
    return (
        figures
        | accuracy(horizons, "real log")
        | {"forecast, real log": {"cpu_s": time.process_time() - start}}
    )


def calibration() -> dict[str, dict[str, Any]]:
    """Return how many false alarms logs without any anomaly give, against what was asked for."""
    logs = [quiet(seed, days=60) for seed in range(10)]
    return {
        "false alarms per month on logs without anomalies": {
            f"{asked:g} asked for": sum(len(find_anomalies(log, asked)) for log in logs) / (2 * len(logs))
            for asked in (1.0, 10.0)
        }
    }


def main() -> None:
    """Measure, print, and write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--first-seed", type=int, default=0, help="first of the 20 seeds (default: 0)")
    options = parser.parse_args()
    figures: dict[str, dict[str, Any]] = {"machine": machine()}
    if (SHARED / "sensors").is_dir():
        figures |= real()
    report(figures | calibration() | generated(options.first_seed), options.json)


if __name__ == "__main__":
    main()
