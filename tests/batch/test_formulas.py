"""Folders that are called like formulas, in the tables of a batch."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from ellimaps.batch.cells import CellWork
from ellimaps.batch.results import Results, read_results
from ellimaps.batch.runner import run_batch, tree_of
from ellimaps.batch.work import attempt
from ellimaps.core.spreadsheets import VARIABLE, choose_csv
from ellimaps.objects.analysis import CellSettings
from ellimaps.samples import sample_cells

NAMES = ("=1+1", "'@b", "-0.5")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images in folders that are called like formulas, and one that is none."""
    root = tmp_path_factory.mktemp("tree")
    images = sample_cells(
        root / "plain",
        dates=1,
        subjects=1,
        experiments=3,
        fovs=1,
        size=(96, 96),
        count=(2, 3),
        radius=(8, 20),
    )
    for image, name in zip(sorted(images.rglob("fov_*.png")), NAMES, strict=True):
        (root / "tree" / name).mkdir(parents=True)
        image.rename(root / "tree" / name / "fov.png")
    (root / "tree" / "=broken").mkdir()
    (root / "tree" / "=broken" / "fov.png").write_bytes(b"none")
    return root / "tree"


def run(tree: Path, out: Path) -> Results:
    run_batch(
        tree_of(tree, out, "{subject}/{fov}", folders=False),
        CellWork(CellSettings(radius=(8, 25))),
        out,
        lambda work, tasks: ((task, attempt(work, str(task.item.path), task.files)) for task in tasks),
    )
    return read_results(out)


@pytest.mark.parametrize(
    ("opener", "written"),
    [("spreadsheets", {"'=1+1", "''@b", "-0.5"}), ("programs", {"=1+1", "''@b", "-0.5"})],
)
def test_tables_are_written_for_who_opens_them_and_read_as_they_were_meant(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opener: str, written: set[str]
) -> None:
    monkeypatch.setenv(VARIABLE, "")
    choose_csv(opener)  # type: ignore[arg-type]
    results = run(tree, tmp_path / "out")
    for name in ("images.csv", "experiments.csv"):
        assert set(pd.read_csv(tmp_path / "out" / name, dtype=str)["Subject"]) == written
    assert set(results.images["Subject"]) == set(results.objects["Subject"]) == set(NAMES)
    assert list(results.failures["File"]) == ["=broken/fov.png"]
    assert len(results.objects_of(results.images.iloc[0])) > 0
