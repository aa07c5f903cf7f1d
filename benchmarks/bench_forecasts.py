"""Forecasts of logs beside AutoTheta and MSTL of statsforecast and beside the day before.

Run ``python benchmarks/bench_forecasts.py [--json FILE] [--seeds N]``. Rooms of 42 days, hourly means; ten
origins a day and a half apart in the last two weeks; everything is given the log up to the origin and
nothing else. Errors are mean absolute ones over that of the day before. Short logs of one and two weeks,
of all kinds of rooms, are back-tested by `forecast` itself and compared with the day that came. Peers are
left out where statsforecast, which needs an older pandas, is not installed.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tools import ROOT, SHARED, machine, report

sys.path.insert(0, str(ROOT / "tests"))

from support.quiet_rooms import CHOOSING, JUDGING, quiet_room
from support.sensor_truth import real_log

from ellimaps.sensors.analysis.forecast import forecast

HORIZONS_H = (1, 6, 24)
KINDS = {
    "choosing": [kind for kind in CHOOSING if kind in ("usual", "drifting", "seasons", "work days", "doors")],
    "judging": [
        kind for kind in JUDGING if kind in ("wandering", "strong days", "work weeks", "humidity", "losses")
    ],
}


def origins_of(hourly: pd.Series) -> list[int]:
    """Return the rows to forecast from."""
    last = len(hourly) - max(HORIZONS_H) - 1
    return [last - 36 * n for n in range(10)][::-1]


def peers_errors(hourly: pd.Series, origin: int) -> dict[str, list[float]]:
    """Return the errors of the peers from one origin, by horizon."""
    try:
        from statsforecast.models import MSTL, AutoTheta
    except ImportError:
        return {}
    past = hourly.iloc[: origin + 1].interpolate().to_numpy(np.float64)
    models = {"AutoTheta": AutoTheta(season_length=24), "MSTL": MSTL(season_length=[24, 168])}
    errors = {}
    for name, model in models.items():
        path = model.forecast(y=past, h=max(HORIZONS_H))["mean"]
        errors[name] = [float(hourly.iloc[origin + h] - path[h - 1]) for h in HORIZONS_H]
    return errors


def of_log(asked: tuple[str, int]) -> dict[str, list[list[float]]]:
    """Return absolute errors by method, origin and horizon."""
    warnings.simplefilter("ignore")
    kind, seed = asked
    hourly = series_of(kind, seed).resample("1h").mean()
    errors: dict[str, list[list[float]]] = {}
    for origin in origins_of(hourly):
        found = forecast(hourly.iloc[: origin + 1], [f"{h}h" for h in HORIZONS_H]).horizons
        mine = {
            "ellimaps": [
                float(hourly.iloc[origin + h]) - v for h, v in zip(HORIZONS_H, found["value"], strict=True)
            ],
            "the day before": [
                float(hourly.iloc[origin + h] - hourly.iloc[origin + h - 24]) for h in HORIZONS_H
            ],
        }
        for name, row in (mine | peers_errors(hourly, origin)).items():
            errors.setdefault(name, []).append([abs(one) for one in row])
    return errors


def series_of(kind: str, seed: int) -> pd.Series:
    """Return a generated room, or the real machine."""
    return real_log(SHARED)[0].iloc[-42 * 288 :] if kind == "machine" else quiet_room(kind, seed, 42)


def short_log(asked: tuple[str, int, int]) -> dict[str, float]:
    """Return what a log of some days says of its forecast at worst, and how the day after it was met."""
    kind, seed, days = asked
    log = quiet_room(kind, seed, days + 1)
    end = log.index[0] + pd.Timedelta(days=days)
    found = forecast(log[log.index < end]).horizons
    came = np.array([log[time : time + pd.Timedelta("14min")].mean() for time in found["time"]])
    return {
        "mase": float(found["mase"].max()),
        "coverage": float(found["coverage"].min()),
        "error": float(np.nanmean(np.abs(came - found["value"]) / found["naive_mae"].clip(lower=1e-9))),
        "naive": float(
            np.nanmean(np.abs(came - found["seasonal_naive"]) / found["naive_mae"].clip(lower=1e-9))
        ),
        "held": float(np.mean((came >= found["low"]) & (came <= found["high"]) | np.isnan(came))),
    }


def main() -> None:
    """Measure, print, and write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--seeds", type=int, default=2, help="rooms of each kind")
    options = parser.parse_args()
    figures: dict[str, dict[str, Any]] = {"machine": machine()}
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        for half, kinds in KINDS.items():
            # The machine chose a setting of the anomalies, so it is with the logs for choosing.
            real = ["machine"] if half == "choosing" and (SHARED / "sensors").is_dir() else []
            asked = [(kind, n) for kind in kinds for n in range(options.seeds)] + [(name, 0) for name in real]
            for (kind, _), errors in zip(asked, pool.map(of_log, asked), strict=True):
                naive = np.nanmean(errors["the day before"], axis=0)
                for name, rows in errors.items():
                    ratio = np.nanmean(rows, axis=0) / naive
                    said = {f"{h} h": float(value) for h, value in zip(HORIZONS_H, ratio, strict=True)}
                    figures.setdefault(f"{name}, {half}", {})[kind] = " ".join(
                        f"{v:.2f}" for v in said.values()
                    )
            rooms = CHOOSING if half == "choosing" else JUDGING
            short = [(kind, n, days) for kind in rooms for n in range(options.seeds) for days in (7, 10, 14)]
            table = pd.DataFrame(list(pool.map(short_log, short)))
            figures[f"logs of one to two weeks, {half}"] = {
                "logs": len(table),
                "largest MASE": float(table["mase"].max()),
                "lowest coverage": float(table["coverage"].min()),
                "the day after, error over that of the day before": float(
                    table["error"].sum() / table["naive"].sum()
                ),
                "the day after, share within the interval": float(table["held"].mean()),
            }
    report(figures, options.json)


if __name__ == "__main__":
    main()
