"""The batch table has the temperature during each acquisition."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from ellimaps.batch.work import attempt
from ellimaps.cli import cli
from ellimaps.samples import sample_ep4


@pytest.fixture(autouse=True)
def in_process(monkeypatch):
    """No worker processes, whose start takes seconds."""

    def serial(_):
        return lambda work, tasks: ((task, attempt(work, str(task.item.path), task.files)) for task in tasks)

    monkeypatch.setattr("ellimaps.batch.engines.local_processes", serial)


def test_the_table_says_it_and_another_log_measures_nothing_again(tmp_path):
    sample_ep4(tmp_path / "maps" / "wafer", seed=0, size=(32, 40), kinds=3, bands=5)
    (tmp_path / "recipe.toml").write_text("k = 3\n")
    times = pd.date_range("2026-01-01 09:00", periods=60, freq="5min")
    for name, step in (("still", 0.0), ("moving", 0.9)):
        value = np.where(times >= pd.Timestamp("2026-01-01 12:00"), 21 + step, 21)
        pd.DataFrame({"timestamp": times, "room temperature": value}).to_csv(
            tmp_path / f"{name}.csv", index=False
        )

    def batch(*options, code=0):
        arguments = ["batch", tmp_path / "recipe.toml", tmp_path / "maps", "--out", tmp_path / "out"]
        done = CliRunner().invoke(cli, [*map(str, arguments), "--workers", "1", "--json", *options])
        assert done.exit_code == code, done.output
        return json.loads(done.stdout) if not code else done

    def tables():
        return [pd.read_csv(tmp_path / "out" / name) for name in ("experiments.csv", "images.csv")]

    assert batch("--sensors", str(tmp_path / "still.csv"))["done"] == 1
    for table in tables():
        assert set(table["Stability"]) == {"stable"}
        assert set(table["Temperature"]) == {21}
    assert batch("--sensors", str(tmp_path / "moving.csv"))["skipped"] == 1
    for table in tables():
        assert set(table["Stability"]) == {"unstable"}
        assert set(table["Temperature range"]) == {0.9}
    parquet = pd.read_parquet(tmp_path / "out" / "experiments.parquet")
    assert parquet["Temperature"].dtype == float
    facts = json.loads((tmp_path / "out" / "batch.json").read_text())
    assert list(facts["sensors"]["inputs_sha256"]) == ["moving.csv"]
    assert batch()["skipped"] == 1
    assert "Stability" not in tables()[0]
    refused = batch("--sensors", str(tmp_path / "still.csv"), "--sensor", "nothing", code=1)
    assert "no sensor 'nothing'" in str(refused.exception)
