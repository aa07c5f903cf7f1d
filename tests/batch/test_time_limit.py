"""An image that hangs is ended and listed, in every engine, and the rest goes on."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from support.hanging import Hanging, SlowToLoad

from ellimaps.batch.cells import CellWork
from ellimaps.batch.engines import dask_cluster, local_processes
from ellimaps.batch.lock import holder
from ellimaps.batch.maps import MapWork
from ellimaps.batch.recipes import read_work
from ellimaps.batch.runner import run_batch, tree_of
from ellimaps.batch.time_limit import TIME_LIMIT_S, time_limit
from ellimaps.batch.work import recipe_hash
from ellimaps.core.errors import SettingError
from ellimaps.maps.recipe import read_recipe


@pytest.fixture
def root(tmp_path):
    for number in range(6):
        path = tmp_path / "in" / f"{number}.tif"
        path.parent.mkdir(exist_ok=True)
        tifffile.imwrite(path, np.full((4, 4), number, np.uint8))
    (tmp_path / "notes").mkdir()
    return tmp_path


def is_alive(process):
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def run(root, work, engine):
    tree = tree_of(root / "in", root / "out", "{fov}", folders=False)
    return run_batch(tree, work, root / "out", engine)


def test_an_image_that_hangs_is_ended_and_the_rest_is_done(root):
    start = time.monotonic()
    summary = run(root, Hanging(root / "notes", ("1", "4")), local_processes(2))
    assert time.monotonic() - start < 60
    assert (summary.done, summary.failed) == (4, 2)
    failures = pd.read_csv(root / "out" / "failures.csv", dtype=str)
    assert failures["FOV"].tolist() == ["1", "4"]
    assert failures["Reason"].str.contains("took longer than 3 s and was ended").all()
    processes = [int((root / "notes" / name).read_text()) for name in "14"]
    assert not any(map(is_alive, processes))
    assert holder(root / "out") is None
    again = run(root, Hanging(root / "notes", ()), local_processes(2))
    assert (again.done, again.skipped, again.failed) == (2, 4, 0)


def test_what_a_process_takes_to_load_is_not_the_image_s(root):
    summary = run(root, SlowToLoad(root / "notes", ()), local_processes(1))
    assert (summary.done, summary.failed) == (6, 0)


def test_more_time_does_no_image_again(root):
    run(root, Hanging(root / "notes", ()), local_processes(1))
    summary = run(root, Hanging(root / "notes", (), 30.0), local_processes(1))
    assert (summary.done, summary.skipped) == (0, 6)
    assert recipe_hash(CellWork(time_limit_s=1.0)) == recipe_hash(CellWork())


@pytest.fixture(params=["--nanny", "--no-nanny"])
def cluster(request):
    """Address of a scheduler with one worker, and whether that has a nanny."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    # They must find the work of this test.
    quiet["env"] = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])}
    common = ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"]
    command = [sys.executable, "-m", "dask"]
    started = [subprocess.Popen([*command, "scheduler", "--port", str(port), *common], **quiet)]
    worker = [*command, "worker", address, "--nthreads", "1", request.param, *common]
    started.append(subprocess.Popen(worker, **quiet))
    yield address, request.param == "--nanny"
    # A nanny that is asked to end takes its worker with it; one without has the images that hang.
    if request.param == "--nanny":
        started[1].terminate()
        started[1].wait(60)
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are looked up in /proc")
def test_on_a_cluster_the_rest_is_done_and_a_nanny_starts_its_worker_anew(root, cluster):
    address, has_nanny = cluster
    summary = run(root, Hanging(root / "notes", ("1", "4")), dask_cluster(address))
    assert (summary.done, summary.failed) == (4, 2)
    failures = pd.read_csv(root / "out" / "failures.csv", dtype=str)
    assert failures["Reason"].str.contains("took longer than 3 s").all()
    processes = [int((root / "notes" / name).read_text()) for name in "14"]
    assert [is_alive(process) for process in processes] == [not has_nanny] * 2
    again = run(root, Hanging(root / "notes", ()), dask_cluster(address))
    assert (again.done, again.failed) == (2, 0)


def test_a_recipe_says_the_limit_for_whoever_reads_it(tmp_path):
    path = tmp_path / "recipe.toml"
    for work in (MapWork(time_limit_s=7.5), CellWork(time_limit_s=7.5)):
        path.write_text(work.recipe())
        assert read_work(path) == work
        assert read_work(path, time_limit_s=9).time_limit_s == 9.0
    path.write_text("k = 3\n")
    assert read_work(path).time_limit_s == TIME_LIMIT_S
    path.write_text("k = 3\ntime_limit_s = 7.5\n")
    assert read_recipe(path).k == 3


@pytest.mark.parametrize("wrong", [0, -1, 1e9, True, "600", float("nan"), [3]])
def test_a_limit_that_is_none_is_refused(tmp_path, wrong):
    with pytest.raises(SettingError, match="time_limit_s must be a number of seconds"):
        time_limit(wrong)
    if isinstance(wrong, int | str) and not isinstance(wrong, bool):
        path = tmp_path / "recipe.toml"
        path.write_text(f"time_limit_s = {wrong!r}\n")
        with pytest.raises(SettingError, match="time_limit_s"):
            read_work(path)
