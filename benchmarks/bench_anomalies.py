"""Anomalies and lags against known truth and peers, on logs for choosing settings and logs for judging.

Run ``python benchmarks/bench_anomalies.py [--json FILE] [--seeds N]``. Which log is for what is decided by
kind, seed and file before anything is run, and printed: settings were chosen on the first half alone.

- Generated logs with anomalies: seeds 100.. for choosing, 0.. for judging; 60 days, six sensors. An anomaly
  is found if a period comes within an hour of it.
- Rooms of 28 kinds in which nothing happens (`tests/support/quiet_rooms.py`), ten of each: every period is
  false.
- Real logs: the labelled machine and the office for choosing, the house with 27 sensors for judging. In the
  office and the house nothing is marked, so every period counts as false.

Peers are an isolation forest on lagged values, ECOD (pyod, where it is installed) on the same, and a rolling
z, each in units of its log's own scatter. Each gets the threshold that finds most with no more false periods
than `find_anomalies` has on the same logs; that threshold knows the truth, which flatters them.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tools import ROOT, SHARED, machine, report

sys.path.insert(0, str(ROOT / "tests"))

from support.quiet_rooms import CHOOSING, JUDGING, quiet_room
from support.sensor_truth import TOLERANCE, counted, real_log, series_of, unmarked_logs, windows_of

from ellimaps.samples.sensors import INSTRUMENT, ROOM, sensor_log
from ellimaps.sensors.analysis.anomalies import find_anomalies
from ellimaps.sensors.analysis.decomposition import regular
from ellimaps.sensors.analysis.lags import lead_lag

DAYS = 60
HALVES = {
    "choosing": {"seed": 100, "kinds": CHOOSING, "real": ("machine_temperature", "occupancy")},
    "judging": {"seed": 0, "kinds": JUDGING, "real": ("house",)},
}
Windows = list[tuple[pd.Timestamp, pd.Timestamp]]
# Where nothing is marked, peers are not asked: each would have the threshold that finds nothing.
Log = tuple[str, pd.Series, Windows | None]


def logs_of(half: str, seeds: int) -> dict[str, list[Log]]:
    """Return the logs of a half by group, each with its name, readings and true windows."""
    chosen = HALVES[half]
    groups: dict[str, list[Log]] = {"generated": [], "quiet": []}
    for seed in range(chosen["seed"], chosen["seed"] + seeds):
        sample = sensor_log(seed, days=DAYS, instruments=1)
        groups["generated"] += [
            (f"{seed} {' '.join(key)}", series, windows_of(sample, key))
            for key, series in series_of(sample).items()
        ]
    groups["quiet"] = [
        (kind, quiet_room(kind, n, DAYS), None) for kind in chosen["kinds"] for n in KIND_SEEDS
    ]
    if (SHARED / "sensors").is_dir():
        groups |= {name: real_logs(name) for name in chosen["real"]}
    return groups


def real_logs(name: str) -> list[Log]:
    """Return the sensors of a real log; only the machine has marked windows."""
    if name == "machine_temperature":
        return [("machine", *real_log(SHARED))]
    return [(column, series, None) for column, series in unmarked_logs(SHARED, name).items()]


def months(series: pd.Series) -> float:
    """Return how long a log was read, in months of 30 days."""
    return float((series.index.max() - series.index.min()) / pd.Timedelta("30D"))


def lagged(series: pd.Series) -> pd.DataFrame:
    """Return the last readings of every row of the grid that `find_anomalies` uses, as peers are fed."""
    values = regular(series)
    hour = max(1, round(pd.Timedelta("1h") / (values.index[1] - values.index[0])))
    lags = {lag: values.shift(lag) for lag in (0, 1, 2, 3, hour, 2 * hour, 6 * hour, 24 * hour)}
    return pd.DataFrame(lags).dropna()


def forest_score(series: pd.Series) -> pd.Series:
    """Return an isolation forest's score of lagged values."""
    from sklearn.ensemble import IsolationForest

    table = lagged(series)
    forest = IsolationForest(n_estimators=100, random_state=0).fit(table.to_numpy())
    return pd.Series(-forest.score_samples(table.to_numpy()), table.index)


def ecod_score(series: pd.Series) -> pd.Series:
    """Return ECOD's score of lagged values."""
    from pyod.models.ecod import ECOD

    table = lagged(series)
    return pd.Series(ECOD().fit(table.to_numpy()).decision_scores_, table.index)


def rolling_z(series: pd.Series) -> pd.Series:
    """Return the distance from the mean of the day before, in its standard deviations."""
    values = regular(series)
    day = max(2, round(pd.Timedelta("1D") / (values.index[1] - values.index[0])))
    before = values.rolling(day, min_periods=day // 4)
    z = (values - before.mean().shift(1)).abs() / before.std().shift(1).clip(lower=1e-9)
    return z.dropna()


PEERS: dict[str, Callable[[pd.Series], pd.Series]] = {
    "isolation forest, lagged": forest_score,
    "ECOD, lagged": ecod_score,
    "rolling z": rolling_z,
}


def periods_above(score: pd.Series, level: float) -> pd.DataFrame:
    """Return runs of a score above a level, merged over an hour."""
    times = score.index[score.to_numpy() > level].to_series()
    group = (times.diff() > TOLERANCE).cumsum()
    return times.groupby(group).agg(start="min", end="max").reset_index(drop=True)


def scaled(score: pd.Series) -> pd.Series:
    """Return a score in median deviations from its median, so that logs can have one threshold."""
    off = score - score.median()
    return off / max(float(off.abs().median()), float(np.finfo(float).tiny))


def of_log(log: Log) -> dict[str, Any]:
    """Return what every method finds in a log: the true windows hit, and false periods by threshold."""
    name, series, marked = log
    windows = marked or []
    tolerance = TOLERANCE if name != "machine" else pd.Timedelta(0)
    start = time.process_time()
    found = find_anomalies(series)
    seconds = time.process_time() - start
    peers: dict[str, list[tuple[int, int]]] = {}
    for peer, score_of in PEERS.items() if marked is not None else ():
        try:
            score = scaled(score_of(series))
        except ImportError:
            continue
        peers[peer] = [counted(periods_above(score, level), windows, tolerance) for level in LEVELS]
    own = counted(found, windows, tolerance)
    return {
        "name": name,
        "n": len(windows),
        "own": own,
        "peers": peers,
        "months": months(series),
        "cpu_s": seconds,
    }


LEVELS = np.geomspace(2, 2000, 100)
"""Thresholds that peers are tried with, in median deviations."""
KIND_SEEDS = range(10)
"""Rooms of a kind: 20 months, in which one false period a month would give 20."""


def figures_of(group: list[dict[str, Any]]) -> dict[str, Any]:
    """Return counts over logs; of peers at the same false rate, and at one a month."""
    total = sum(one["n"] for one in group)
    hits, false = (sum(one["own"][at] for one in group) for at in (0, 1))
    length = sum(one["months"] for one in group)
    rates = rates_of(group)
    worst = max(rates, key=lambda name: rates[name])
    figures: dict[str, Any] = {
        "logs": len(group),
        "months": length,
        "false periods a month": false / length,
        "most false a month": f"{rates[worst]:.2f} ({worst})",
    }
    if not total:
        return figures
    figures |= {"true": total, "found": hits, "F1": f1(hits, false, total)}
    for peer in group[0]["peers"]:
        sums = np.sum([one["peers"][peer] for one in group], axis=0)
        for rate, most in (("at that rate", false), ("at one a month", round(length))):
            figures[f"found by {peer} {rate}"] = int(max(sums[sums[:, 1] <= most, 0], default=0))
        figures[f"best F1 of {peer}"] = max(f1(int(a), int(b), total) for a, b in sums)
    return figures


def rates_of(group: list[dict[str, Any]]) -> dict[str, float]:
    """Return the false periods a month of every kind of room, or sensor."""
    false, length = Counter[str](), Counter[str]()
    for one in group:
        false[one["name"]] += one["own"][1]
        length[one["name"]] += one["months"]
    return {name: false[name] / length[name] for name in length}


def f1(hits: int, false: int, true: int) -> float:
    """Return the harmonic mean of the share found and the share of what is found that is true."""
    return 2 * hits / (hits + false + true) if hits else 0.0


def lag_errors(seed: int) -> list[float]:
    """Return by how many minutes each instrument's lag is off."""
    sample = sensor_log(seed, days=DAYS, instruments=1)
    series = series_of(sample)
    return [
        abs(lead_lag(series[*one, ROOM], series[*one, INSTRUMENT]).lag_min - sample.truth["lag_minutes"])
        for one in sorted({key[:2] for key in series})
    ]


def main() -> None:
    """Measure, print, and write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--seeds", type=int, default=20, help="generated logs with anomalies in each half")
    options = parser.parse_args()
    figures: dict[str, dict[str, Any]] = {"machine": machine()}
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        for half in HALVES:
            for group, logs in logs_of(half, options.seeds).items():
                done = list(pool.map(of_log, logs))
                figures[f"{group}, {half}"] = figures_of(done)
                print(f"{group} for {half} done", file=sys.stderr, flush=True)
                if group != "generated":
                    figures[f"false periods a month: {group}, {half}"] = rates_of(done)
        errors = [error for one in pool.map(lag_errors, range(options.seeds)) for error in one]
    figures["lag of the instruments"] = {"largest error in min": max(errors), "instruments": len(errors)}
    report(figures, options.json)


if __name__ == "__main__":
    main()
