"""``ellimaps cells detect``: a tree of images becomes one table, whatever happens in between."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from support.killing import Killing
from typer.testing import CliRunner

from ellimaps.batch.assemble import EXPERIMENTS, EXPERIMENTS_PARQUET, FAILURES
from ellimaps.batch.cells import CellWork
from ellimaps.batch.engines import BatchTask, local_processes
from ellimaps.batch.marks import IMAGES
from ellimaps.batch.store import Store
from ellimaps.batch.tree import Item
from ellimaps.batch.work import attempt
from ellimaps.cli import cli
from ellimaps.core.errors import ExportError
from ellimaps.objects.cell_settings import CellSettings
from ellimaps.samples import sample_cells

FIRST = ["Date", "Subject", "Experiment", "FOV", "Circle", "X", "Y", "R", "Mean Intensity"]
TABLES = (EXPERIMENTS, EXPERIMENTS_PARQUET, IMAGES, FAILURES)
RADIUS = ["--radius", "8", "25"]
MAIN = [sys.executable, "-c", "from ellimaps.cli import main; main()"]


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory):
    """Sixteen small images in four experiments, with truth; not to be changed."""
    folder = tmp_path_factory.mktemp("phantoms") / "acquisitions"
    return sample_cells(
        folder, dates=1, subjects=2, experiments=2, fovs=4, size=(128, 128), count=(2, 4), radius=(8, 20)
    )


@pytest.fixture(scope="session")
def undisturbed(phantoms, tmp_path_factory):
    """The tables of a run without incidents."""
    out = tmp_path_factory.mktemp("undisturbed")
    facts = detect(phantoms, out, "--workers", "2")
    assert (facts["images"], facts["done"], facts["failed"]) == (16, 16, 0)
    return out


@pytest.fixture
def in_process(monkeypatch):
    """No worker processes, whose start takes seconds: the same tasks, one by one."""

    def serial(_workers):
        return lambda work, tasks: ((task, attempt(work, str(task.item.path), task.files)) for task in tasks)

    monkeypatch.setattr("ellimaps.batch.engines.local_processes", serial)


@pytest.fixture
def root(phantoms, tmp_path, in_process):  # noqa: ARG001 - what it does is done by then
    return Path(shutil.copytree(phantoms, tmp_path / "acquisitions"))


def command(root, out, *options):
    return ["cells", "detect", str(root), "--out", str(out), *RADIUS, "--json", *options]


def detect(root, out, *options, code=0):
    result = CliRunner().invoke(cli, command(root, out, *options))
    assert result.exit_code == code, (result.output, result.exception)
    return json.loads(result.stdout)


def tables(out):
    return {name: (out / name).read_bytes() for name in TABLES}


def images(root):
    return sorted(root.rglob("fov_*.png"))


def test_table_holds_every_object_where_the_truth_has_it(phantoms, undisturbed):
    table = pd.read_csv(undisturbed / EXPERIMENTS)
    assert list(table.columns[: len(FIRST)]) == FIRST
    truth = pd.read_csv(phantoms / "truth.csv")
    levels = truth["image"].str.removesuffix(".png").str.split("/", expand=True)
    found = 0
    for (_, true), (date, subject, experiment, fov) in zip(truth.iterrows(), levels.to_numpy(), strict=True):
        same = table[
            (table["Date"] == date) & (table["Subject"] == subject)
            & (table["Experiment"] == experiment) & (table["FOV"] == fov)
        ]  # fmt: skip
        near = same[((same["X"] - true["x"]) ** 2 + (same["Y"] - true["y"]) ** 2) < 9]
        if len(near) == 1:
            found += 1
            assert near["R"].iloc[0] == pytest.approx(true["radius"], abs=1.0)
            assert near["Mean Intensity"].iloc[0] == pytest.approx(true["intensity"], rel=0.03)
    assert found >= 0.95 * len(truth)
    assert len(table) <= 1.05 * len(truth)


def test_parquet_says_what_the_csv_says(undisturbed):
    text, binary = pd.read_csv(undisturbed / EXPERIMENTS), pd.read_parquet(undisturbed / EXPERIMENTS_PARQUET)
    text["Flags"] = text["Flags"].astype(object).fillna("")
    for table in (text, binary):
        table[["at_border", "area", "integrated_intensity"]] = table[
            ["at_border", "area", "integrated_intensity"]
        ].astype(float)
    pd.testing.assert_frame_equal(text, binary, check_dtype=False)
    assert binary["Circle"].dtype == "int64"


def test_files_of_every_image_and_experiment(phantoms, undisturbed):
    keys = [path.relative_to(phantoms).with_suffix("") for path in images(phantoms)]
    for key in keys:
        assert (undisturbed / "objects" / f"{key}.csv").is_file()
        assert (undisturbed / "qc" / f"{key}_overlay.png").is_file()
        assert (undisturbed / "qc" / key.parent / "montage.png").is_file()
    assert len(pd.read_csv(undisturbed / IMAGES)) == len(keys)
    assert json.loads((undisturbed / "batch.json").read_text())["cells"]["radius"] == [8.0, 25.0]
    assert not list((undisturbed / ".ellimaps" / "tmp").iterdir())


def test_what_is_done_is_skipped_and_what_is_new_picked_up(root, tmp_path, undisturbed):
    out = tmp_path / "out"
    new = images(root)[5]
    kept = new.rename(tmp_path / "later.png")
    assert detect(root, out, "--workers", "1")["done"] == 15
    kept.rename(new)
    again = detect(root, out, "--workers", "1")
    assert (again["done"], again["skipped"]) == (1, 15)
    assert tables(out) == tables(undisturbed)
    shutil.copy(images(root)[0], new)
    assert detect(root, out, "--workers", "1")["done"] == 1
    new.unlink()
    assert detect(root, out, "--workers", "1")["images"] == 15
    assert tables(out) != tables(undisturbed)


def test_another_recipe_or_a_lost_result_computes_anew(root, tmp_path, undisturbed):
    out = tmp_path / "out"
    shutil.copytree(undisturbed, out)
    assert detect(root, out, "--workers", "1")["skipped"] == 16
    next((out / "qc").rglob("*_overlay.png")).unlink()
    assert detect(root, out, "--workers", "1")["done"] == 1
    assert detect(root, out, "--workers", "2", "--kind", "nuclei")["done"] == 16
    assert tables(out) != tables(undisturbed)
    assert detect(root, out, "--workers", "2")["done"] == 16
    assert tables(out) == tables(undisturbed)


def test_broken_images_are_listed_and_the_rest_goes_on(root, tmp_path):
    out = tmp_path / "out"
    first, second = images(root)[2:4]
    whole = first.read_bytes()
    first.write_bytes(whole[:300])
    second.write_bytes(b"no image")
    facts = detect(root, out, "--workers", "1", code=1)
    assert (facts["done"], facts["failed"]) == (14, 2)
    failures = pd.read_csv(out / FAILURES)
    assert list(failures["FOV"]) == [first.stem, second.stem]
    assert failures["Reason"].str.len().min() > 10
    assert not failures["Reason"].str.contains("Traceback").any()
    assert len(pd.read_csv(out / IMAGES)) == 14
    first.write_bytes(whole)
    shutil.copy(next(iter(images(root))), second)
    assert detect(root, out, "--workers", "1")["done"] == 2
    assert (out / FAILURES).read_text().count("\n") == 1


def test_an_image_that_breaks_loses_its_old_results(root, tmp_path):
    out = tmp_path / "out"
    detect(root, out, "--workers", "1")
    broken = images(root)[0]
    table = out / "objects" / broken.relative_to(root).with_suffix(".csv")
    assert table.is_file()
    broken.write_bytes(b"no image")
    assert detect(root, out, "--workers", "1", code=1)["skipped"] == 15
    assert not table.exists()


def test_other_layouts_by_a_pattern(root, tmp_path):
    flat = tmp_path / "flat"
    flat.mkdir()
    for number, path in enumerate(images(root)[:3]):
        shutil.copy(path, flat / f"mouse{number}_well_A{number}.png")
    (flat / "notes.png").write_bytes(b"")
    facts = detect(flat, tmp_path / "out", "--pattern", "{subject}_well_{Well}.png", "--workers", "1")
    assert facts["images"] == 3
    table = pd.read_csv(tmp_path / "out" / IMAGES, keep_default_na=False)
    assert list(table["Subject"]) == ["mouse0", "mouse1", "mouse2"]
    assert list(table["Well"]) == ["A0", "A1", "A2"]
    assert set(table["Date"]) == {""}


def test_names_with_two_endings_keep_apart(root, tmp_path):
    path = images(root)[0]
    from PIL import Image

    Image.open(path).save(path.with_suffix(".tif"))
    facts = detect(root, tmp_path / "out", "--workers", "1")
    assert facts["images"] == 17
    fovs = pd.read_csv(tmp_path / "out" / IMAGES)["FOV"].iloc[:2]
    assert list(fovs) == ["fov_00.png", "fov_00.tif"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--pattern", "{date}/{date}"], "names Date twice"),
        (["--pattern", "{date"], "brace"),
        (["--pattern", "images"], "names no field"),
        (["--pattern", "{a}/{b}/{c}/{d}/{e}/{f}"], "holds no TIFF or PNG"),
        (["--kind", "squares"], "kind must be one of"),
        (["--radius", "9", "3"], "radius must be"),
        (["--unit", "mm"], "unit must be"),
        (["--scheduler", "tcp://127.0.0.1:9"], "No Dask scheduler answers"),
    ],
)
def test_bad_input_is_one_sentence_and_code_2(phantoms, tmp_path, options, says):
    done = main(command(phantoms, tmp_path / "out", *options))
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_roots_that_cannot_be(phantoms, tmp_path):
    (tmp_path / "empty").mkdir()
    for root, out in ((tmp_path / "empty", tmp_path / "out"), (tmp_path / "no", tmp_path / "out")):
        assert main(command(root, out)).returncode == 2
    assert main(command(phantoms, phantoms)).returncode == 2
    assert not (tmp_path / "out").exists()


def main(arguments):
    """Run the command line in this process as `ellimaps` does, errors included."""
    from ellimaps import cli as module

    def run():
        sys.argv = ["ellimaps", *arguments]
        try:
            module.main()
        except SystemExit as stop:
            return stop.code
        return 0

    import contextlib
    import io

    error, before = io.StringIO(), sys.argv
    try:
        with contextlib.redirect_stderr(error), contextlib.redirect_stdout(io.StringIO()):
            code = run()
    finally:
        sys.argv = before
    return subprocess.CompletedProcess(arguments, code or 0, "", error.getvalue())


def test_two_runs_do_not_share_an_output(phantoms, tmp_path):
    with Store(tmp_path).opened():
        done = main(command(phantoms, tmp_path))
        assert done.returncode == 3
        assert f"in use by process {os.getpid()}" in done.stderr
    with Store(tmp_path).opened():
        pass


@pytest.mark.usefixtures("in_process")
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 here")
def test_a_killed_runner_leaves_what_a_rerun_completes(phantoms, tmp_path, undisturbed):
    """Two moments here; benchmarks/bench_batch.py takes ten."""
    moments = random.Random(6)
    for _ in range(2):
        process = subprocess.Popen(
            [*MAIN, *command(phantoms, tmp_path, "--workers", "2")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(moments.uniform(1.0, 4.0))
        process.kill()
        process.wait()
    assert detect(phantoms, tmp_path, "--workers", "1")["failed"] == 0
    assert tables(tmp_path) == tables(undisturbed)


class Stop(Exception):
    """Stands for the moment of death."""


@pytest.mark.parametrize("last_step", range(10))
def test_a_run_ended_at_any_write_is_completed(root, tmp_path, monkeypatch, last_step):
    """End a run before its n-th file is put in place: over results of another recipe; then rerun that."""
    one = tmp_path / "one"
    for path in images(root)[1:]:
        path.unlink()
    expected = tmp_path / "expected"
    detect(root, expected, "--workers", "1")
    shutil.copytree(expected, one)
    steps = iter(range(100))
    publish = Store.publish

    def dying(self, path, name):
        if next(steps) == last_step:
            raise Stop
        publish(self, path, name)

    monkeypatch.setattr(Store, "publish", dying)
    CliRunner().invoke(cli, command(root, one, "--workers", "1", "--kind", "nuclei"))
    monkeypatch.setattr(Store, "publish", publish)
    detect(root, one, "--workers", "1")
    assert tables(one) == tables(expected)


def test_a_script_without_a_guard_does_not_start_itself_anew(phantoms, tmp_path):
    script = tmp_path / "script.py"
    arguments = command(phantoms, tmp_path / "out", "--workers", "2")
    script.write_text(f"import sys\nfrom ellimaps.cli import main\nsys.argv[1:] = {arguments}\nmain()\n")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / EXPERIMENTS).is_file()


def test_a_killed_worker_loses_nothing_and_a_deadly_image_only_itself(tmp_path):
    tasks = [BatchTask(Item(name, tmp_path / name, {}), "") for name in "abcdef"]
    work = Killing(str(tmp_path), {"b": 1, "d": 99})
    results = {task.item.key: outcome for task, outcome in local_processes(2)(work, iter(tasks))}
    assert set(results) == set("abcdef")
    assert [key for key, outcome in results.items() if outcome.output is None] == ["d"]
    assert "3 times" in results["d"].reason
    assert (tmp_path / "d").read_text() == "xxx"


def test_a_changed_file_is_not_taken_for_the_old_one(phantoms):
    path = images(phantoms)[0]
    work = CellWork(CellSettings(radius=(8, 25)))
    assert "changed while it was read" in attempt(work, str(path), {path.name: "other"}).reason


def test_a_full_disk_ends_the_run_with_a_sentence(tmp_path):
    with Store(tmp_path).opened() as store:
        (tmp_path / "objects").write_text("in the way")
        with pytest.raises(ExportError, match="cannot be written"):
            store.write("objects/a/b.csv", b"")
