"""The same tasks on a real Dask scheduler with two worker processes on loopback."""

from __future__ import annotations

import builtins
import json
import socket
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from ellimaps.batch.engines import dask_cluster
from ellimaps.cli import cli
from ellimaps.core.errors import MissingExtraError
from ellimaps.samples import sample_cells, sample_plate


@pytest.fixture(scope="module")
def cluster():
    """Address of a scheduler, and its two workers' processes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    command = [sys.executable, "-m", "dask"]
    common = ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"]
    started = [subprocess.Popen([*command, "scheduler", "--port", str(port), *common], **quiet)]
    worker = [*command, "worker", address, "--nthreads", "1", "--no-nanny", *common]
    started += [subprocess.Popen(worker, **quiet) for _ in range(2)]
    yield address, started[1:]
    for process in started:
        process.kill()
        process.wait()


def detect(root, out, *options):
    arguments = ["cells", "detect", str(root), "--out", str(out), "--radius", "8", "25", "--json", *options]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout)


def test_a_cluster_gives_the_same_table_also_with_a_worker_killed(cluster, tmp_path):
    address, workers = cluster
    root = sample_cells(
        tmp_path / "a",
        dates=1,
        subjects=2,
        experiments=2,
        fovs=8,
        size=(128, 128),
        count=(2, 4),
        radius=(8, 20),
    )
    detect(root, tmp_path / "local", "--workers", "1")
    main = [sys.executable, "-c", "from ellimaps.cli import main; main()"]
    options = ["--out", str(tmp_path / "cluster"), "--radius", "8", "25", "--scheduler", address]
    process = subprocess.Popen([*main, "cells", "detect", str(root), *options])
    records = tmp_path / "cluster" / ".ellimaps" / "records"
    for _ in range(300):
        if sum(1 for _ in records.rglob("*.json")) >= 4:
            break
        time.sleep(0.05)
    workers[0].kill()
    assert process.wait(60) == 0
    for name in ("experiments.csv", "experiments.parquet", "images.csv"):
        assert (tmp_path / "cluster" / name).read_bytes() == (tmp_path / "local" / name).read_bytes()


def test_a_cluster_profiles_a_plate_as_this_computer_does(cluster, tmp_path):
    address, _ = cluster
    sample_plate(tmp_path / "demo", fields=1, size=128, only_wells=4)
    command = ["plates", "profile", str(tmp_path / "demo" / "images")]
    command += ["--layout", str(tmp_path / "demo" / "layout.csv")]
    for out, where in (("local", ["--workers", "1"]), ("cluster", ["--scheduler", address])):
        result = CliRunner().invoke(cli, [*command, "--out", str(tmp_path / out), *where])
        assert result.exit_code == 0, (result.output, result.exception)
    names = sorted(path.name for path in (tmp_path / "local").iterdir() if path.is_file())
    assert {"fields.parquet", "wells.csv", "cells.parquet", "plate.json"} <= set(names)
    for name in names:
        assert (tmp_path / "cluster" / name).read_bytes() == (tmp_path / "local" / name).read_bytes()


def test_without_dask_the_error_names_the_extra(monkeypatch):
    real = builtins.__import__

    def no_dask(name, *args, **kwargs):
        if name.split(".")[0] in ("dask", "distributed"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_dask)
    with pytest.raises(MissingExtraError, match=r"ellimaps\[batch\]"):
        dask_cluster("tcp://127.0.0.1:1")
