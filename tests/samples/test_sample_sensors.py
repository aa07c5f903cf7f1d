"""Generated logs are what their truth says."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from ellimaps.core.errors import ExportError, SettingError
from ellimaps.samples import sample_sensors, sensor_log
from ellimaps.sensors.store.logs import open_log


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(tmp_path):
    folders = [sample_sensors(tmp_path / name, seed, days=4) for name, seed in (("a", 1), ("b", 1), ("c", 2))]
    first, second, third = ((folder / "log.csv").read_bytes() for folder in folders)
    assert first == second != third
    with pytest.raises(ExportError, match="not empty"):
        sample_sensors(tmp_path / "a", 1)
    with pytest.raises(SettingError, match="days"):
        sensor_log(0, days=1)


def test_every_kind_of_anomaly_is_there_and_instruments_follow(tmp_path):
    sample_sensors(tmp_path / "s", 0, days=32, instruments=1)
    truth = json.loads((tmp_path / "s" / "truth.json").read_text())
    kinds = {row["kind"] for row in truth["anomalies"]}
    assert kinds == {"spike", "drift", "step", "oscillation", "stuck", "unit jump"}
    lag = pd.Timedelta(minutes=truth["lag_minutes"])
    assert pd.Timedelta(minutes=15) <= lag <= pd.Timedelta(minutes=60)
    rows = pd.DataFrame(truth["anomalies"]).astype({"start": "datetime64[us]", "end": "datetime64[us]"})
    steps = rows[rows["kind"] == "step"].pivot_table("start", ["source_id", "end"], "sensor_name", "first")
    assert steps.notna().any().all()
    log = open_log(tmp_path / "s")
    for row in rows[rows["kind"].isin(["step", "drift"])].itertuples():
        around = log.series(row.region, row.source_id, row.sensor_name, row.start - lag, row.end)
        before = around[: row.start - pd.Timedelta(minutes=5)].median()
        during = around[row.start + (row.end - row.start) / 3 : row.end].median()
        assert abs(during - before) > 0.5, row
    for instrument in ("E1", "A1"):
        series = log.select(source_id=instrument).pivot_table("value", "time", "sensor_name", observed=True)
        slow = series.diff().clip(-0.2, 0.2)
        lags = range(20)
        match = [slow["instrument_temperature"].corr(slow["room_temperature"].shift(step)) for step in lags]
        assert 5 * int(np.argmax(match)) == truth["lag_minutes"]
