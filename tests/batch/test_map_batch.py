"""``ellimaps batch``: a recipe over map folders, with a fit, or over images."""

from __future__ import annotations

import json
import shutil

import pandas as pd
import pytest
from typer.testing import CliRunner

from ellimaps.batch.cell_recipe import cells_recipe
from ellimaps.batch.cells import CellWork
from ellimaps.batch.engines import local_processes
from ellimaps.batch.recipes import read_work
from ellimaps.batch.work import attempt, recipe_hash
from ellimaps.cli import cli
from ellimaps.core.errors import EllimapsError
from ellimaps.objects.cell_settings import CellSettings
from ellimaps.objects.nuclei import Criteria
from ellimaps.objects.quality import QualityLimits
from ellimaps.samples import sample_cells, sample_ep4


@pytest.fixture(autouse=True)
def in_process(monkeypatch):
    """No worker processes, whose start takes seconds: the same tasks, one by one."""

    def serial(workers):
        if workers > 1:
            return local_processes(workers)
        return lambda work, tasks: ((task, attempt(work, str(task.item.path), task.files)) for task in tasks)

    monkeypatch.setattr("ellimaps.batch.engines.local_processes", serial)


@pytest.fixture(scope="module")
def measurements(tmp_path_factory):
    folder = tmp_path_factory.mktemp("maps") / "measurements"
    for number in range(3):
        acquisition = folder / "2026-01-05" / f"wafer_{number}"
        sample_ep4(acquisition, seed=number, size=(32, 40), kinds=3, bands=5)
    return folder


def recipe_file(folder, text):
    path = folder / "recipe.toml"
    path.write_text(text)
    return path


def batch(recipe, root, out, *options, code=0):
    result = CliRunner().invoke(cli, ["batch", str(recipe), str(root), "--out", str(out), "--json", *options])
    assert result.exit_code == code, (result.output, result.exception)
    return json.loads(result.stdout)


def test_segments_and_fits_every_folder(measurements, tmp_path):
    model = next(measurements.rglob("model.toml"))
    for path in (model, model.with_name("substrate.nk")):
        shutil.copy(path, tmp_path)
    recipe = recipe_file(tmp_path, 'k = 3\n[fit]\nmodel = "model.toml"\n')
    out = tmp_path / "out"
    facts = batch(recipe, measurements, out, "--workers", "1", "--pattern", "{date}/{subject}")
    assert (facts["images"], facts["done"], facts["objects"]) == (3, 3, 9)
    table = pd.read_csv(out / "experiments.csv")
    assert list(table.columns[:6]) == ["Date", "Subject", "Experiment", "FOV", "Cluster", "Pixels"]
    assert list(table["Subject"].unique()) == ["wafer_0", "wafer_1", "wafer_2"]
    assert table["mse"].notna().all()
    assert (out / "maps" / "2026-01-05" / "wafer_0").is_dir()
    first = {path.name: path.read_bytes() for path in out.glob("experiments.*")}
    assert batch(recipe, measurements, out, "--workers", "2", "--pattern", "{date}/{subject}")["skipped"] == 3
    rows = (tmp_path / "substrate.nk").read_text().splitlines(keepends=True)
    before = recipe_hash(read_work(recipe))
    assert before == recipe_hash(read_work(recipe))
    (tmp_path / "substrate.nk").write_text("".join(rows[:-1]))
    assert recipe_hash(read_work(recipe)) != before
    (tmp_path / "substrate.nk").write_text("".join(rows))
    fresh = tmp_path / "fresh"
    batch(recipe, measurements, fresh, "--workers", "2", "--pattern", "{date}/{subject}")
    assert {path.name: path.read_bytes() for path in fresh.glob("experiments.*")} == first
    ours = {p.relative_to(out): p.read_bytes() for p in (out / "maps").rglob("*") if p.is_file()}
    assert {p.relative_to(fresh): p.read_bytes() for p in (fresh / "maps").rglob("*") if p.is_file()} == ours


def test_the_flags_say_what_the_suggested_number_does_not_tell(measurements, tmp_path):
    recipe = recipe_file(tmp_path, "k_max = 3\n")
    batch(recipe, measurements, tmp_path / "out", "--workers", "1")
    table = pd.read_csv(tmp_path / "out" / "images.csv")
    ended = table["Flags"].str.contains("k = 3 is the upper bound of the range", na=False)
    assert table.loc[ended, "Objects"].tolist() == [3] * int(ended.sum())
    assert ended.any()
    assert table["alternative_k"].dropna().isin([2, 3]).all()


def test_clusters_are_those_of_the_segment_command(measurements, tmp_path):
    recipe = recipe_file(tmp_path, "k_max = 4\n")
    batch(recipe, measurements, tmp_path / "out", "--workers", "1")
    folder = measurements / "2026-01-05" / "wafer_1"
    single = tmp_path / "single"
    arguments = ["segment", str(folder), "--recipe", str(recipe), "--out", str(single)]
    assert CliRunner().invoke(cli, arguments).exit_code == 0
    many = tmp_path / "out" / "maps" / "2026-01-05" / "wafer_1"
    [shots] = single.glob("*_clustershot.dat")
    assert (many / shots.name).read_bytes() == shots.read_bytes()
    table = pd.read_csv(tmp_path / "out" / "experiments.csv")
    assert list(table["FOV"].unique()) == [f"2026-01-05/wafer_{number}" for number in range(3)]


def test_a_recipe_of_cells_is_what_cells_detect_does(tmp_path):
    root = sample_cells(
        tmp_path / "a",
        dates=1,
        subjects=1,
        experiments=1,
        fovs=2,
        size=(96, 96),
        count=(1, 2),
        radius=(8, 15),
    )
    recipe = recipe_file(tmp_path, "[cells]\nradius = [8, 20]\n")
    facts = batch(recipe, root, tmp_path / "out", "--workers", "1")
    arguments = [
        "cells",
        "detect",
        str(root),
        "--out",
        str(tmp_path / "out"),
        "--radius",
        "8",
        "20",
        "--json",
    ]
    again = json.loads(CliRunner().invoke(cli, arguments).stdout)
    assert (facts["done"], again["skipped"]) == (2, 2)


@pytest.mark.parametrize(
    "text",
    [
        "kk = 3\n",
        "[cells]\nradiuss = 3\n",
        "[cells]\nradius = 'wide'\n",
        "[cells]\nchannel = 'DNA'\n",
        "[cells]\nnames = 'mine'\n",
        "[cells]\ncriteria = { separation = 2 }\n",
        "[cells]\ncriteria = { colour = 2 }\n",
        "[cells]\ncriteria = 2\n",
        "k = 3\n[cells]\n",
        "[fit]\npixels = true\n",
        "[fit]\nmodel = 'missing.toml'\n",
        "cells = 3\n",
        "k = ",
    ],
)
def test_wrong_recipes_are_refused(tmp_path, text):
    with pytest.raises(EllimapsError):
        read_work(recipe_file(tmp_path, text))


def test_settings_of_objects_come_back_from_their_recipe(tmp_path):
    chosen = CellSettings(
        kind="nuclei",
        radius=(3, 20),
        unit="um",
        pixel_size_um=0.4,
        z="max",
        t=2,
        threshold="otsu",
        criteria=Criteria(contrast=7, outline=0.5, separation=0.2),
        ring=(1, 3),
        limits=QualityLimits(focus=0.1, count=(2, 50)),
    )
    for work in (CellWork(), CellWork(chosen, "cellprofiler")):
        assert read_work(recipe_file(tmp_path, cells_recipe(work))) == work


def test_options_go_before_the_recipe(tmp_path):
    work = read_work(recipe_file(tmp_path, "[cells]\nradius = [8, 20]\n"), radius=(3, 4))
    assert isinstance(work, CellWork)
    assert work.settings.radius == (3.0, 4.0)
    with pytest.raises(EllimapsError, match="kind and radius"):
        read_work(recipe_file(tmp_path, "k = 3\n"), kind="nuclei")
