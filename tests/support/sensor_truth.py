"""Generated series with their truth, the real log, and how periods are counted against a truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ellimaps.samples.sensors import SensorSample

KEY = ("region", "source_id", "sensor_name")
TOLERANCE = pd.Timedelta("1h")
NONE = pd.Timedelta(0)


def quiet(seed: int = 0, days: int = 20) -> pd.Series:
    """A daily course with noise that forgets within two hours, and nothing else."""
    from scipy.signal import lfilter

    random, rows = np.random.default_rng(seed), days * 288
    keep = np.exp(-5 / 120)
    red = lfilter([np.sqrt(1 - keep**2)], [1, -keep], random.normal(size=rows))
    values = 21 + 0.2 * np.sin(2 * np.pi * np.arange(rows) / 288) + 0.06 * red
    times = pd.date_range("2025-01-06", periods=rows, freq="5min")
    return pd.Series((values + 0.02 * random.normal(size=rows)).round(3), times, name="room temperature")


def series_of(sample: SensorSample) -> dict[tuple[str, str, str], pd.Series]:
    """Every sensor of a generated log, by local time."""
    log = sample.log.assign(time=sample.log["datetime"] + pd.to_timedelta(sample.log["UTCOffset"], unit="h"))
    return {
        key: pd.Series(part["sensor_value"].to_numpy(), pd.DatetimeIndex(part["time"]), name=key[2])
        for key, part in log.groupby(list(KEY))
    }


def windows_of(sample: SensorSample, key: tuple[str, str, str]) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    """The true anomalies of a sensor."""
    rows: list[dict[str, Any]] = sample.truth["anomalies"]
    mine = [row for row in rows if tuple(row[name] for name in KEY) == key]
    return [(pd.Timestamp(row["start"]), pd.Timestamp(row["end"])) for row in mine]


def real_log(shared_data: Path) -> tuple[pd.Series, list[tuple[pd.Timestamp, pd.Timestamp]]]:
    """The real machine temperature and its labelled windows."""
    table = pd.read_csv(shared_data / "sensors" / "machine_temperature.csv", parse_dates=["timestamp"])
    windows = json.loads((shared_data / "sensors" / "machine_temperature_windows.json").read_text("utf-8"))
    series = pd.Series(table["value"].to_numpy(), pd.DatetimeIndex(table["timestamp"]), name="machine")
    return series, [(pd.Timestamp(start), pd.Timestamp(end)) for start, end in windows]


def unmarked_logs(shared_data: Path, name: str) -> dict[str, pd.Series]:
    """The sensors of a real log in which nothing is marked: the office ("occupancy") or the house."""
    table = pd.read_csv(next((shared_data / "sensors").glob(f"{name}.*")))
    times = pd.DatetimeIndex(
        pd.to_datetime(table.pop("date"), dayfirst=name == "house", format="mixed"), name=None
    )
    return {column: pd.Series(table[column].to_numpy(float), times) for column in table}


def counted(
    periods: pd.DataFrame,
    windows: list[tuple[pd.Timestamp, pd.Timestamp]],
    tolerance: pd.Timedelta = NONE,
) -> tuple[int, int]:
    """How many windows are hit, and how many periods lie outside all of them."""
    hits = [
        ((periods["start"] <= end + tolerance) & (periods["end"] >= start - tolerance)).to_numpy()
        for start, end in windows
    ]
    if not hits:
        return 0, len(periods)
    return int(sum(hit.any() for hit in hits)), int((~np.any(hits, axis=0)).sum())


def plain_forest(series: pd.Series) -> pd.DataFrame:
    """What an isolation forest on the values alone flags (contamination 0.05), merged over an hour."""
    from sklearn.ensemble import IsolationForest

    values = series.groupby(level=0).mean().sort_index()
    flagged = IsolationForest(contamination=0.05, random_state=0).fit_predict(values.to_numpy()[:, None]) < 0
    times = values.index[flagged].to_series()
    group = (times.diff() > TOLERANCE).cumsum()
    return times.groupby(group).agg(start="min", end="max").reset_index(drop=True)
