"""File names that are no Unicode: one spelling in all results, found again at the next run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from ellimaps.batch.results import read_results
from ellimaps.batch.runner import tree_of
from ellimaps.core.errors import ReadError
from ellimaps.core.names import readable
from ellimaps.samples import sample_cells, sample_ep4

ODD = os.fsdecode(b"caf\xe9")
MAIN = [sys.executable, "-c", "from ellimaps.cli import main; main()"]

pytestmark = pytest.mark.skipif(
    sys.platform in ("darwin", "win32"), reason="file names are Unicode on this system"
)


def run(*arguments):
    command = [*MAIN, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    return done.stdout.decode()


@pytest.fixture
def images(tmp_path):
    root = tmp_path / "acquisitions"
    sample_cells(
        root, dates=1, subjects=1, experiments=1, fovs=2, size=(64, 64), count=(1, 2), radius=(8, 12)
    )
    odd = next(root.rglob("fov_01.png")).rename(
        root / "2026-01-05" / "subject_00" / "experiment_00" / f"{ODD}.png"
    )
    assert odd.is_file()
    return root


def test_bytes_that_are_no_unicode_are_spelled_as_in_a_url():
    assert readable(ODD) == "caf%E9"
    assert readable("café 100 %") == "café 100 %"
    assert readable("half \ud800") == "half ?"


def test_images_of_any_name_are_measured_once_and_shown(images, tmp_path):
    out = tmp_path / "out"
    detect = ("cells", "detect", images, "--out", out, "--radius", 8, 12, "--workers", 1, "--json")
    first, second = (json.loads(run(*detect)) for _ in range(2))
    assert (first["done"], first["failed"], second["done"], second["skipped"]) == (2, 0, 0, 2)
    table = pd.read_csv(out / "images.csv")
    assert table["FOV"].tolist() == ["caf%E9", "fov_00"]
    results = read_results(out)
    for _, image in results.images.iterrows():
        assert results.picture(image).is_file()
        assert len(results.objects_of(image)) == image["Objects"]
    assert all(str(path).isascii() for path in out.rglob("*"))


def test_names_that_would_be_spelled_alike_are_refused(images, tmp_path):
    odd = next(path for path in images.rglob("*.png") if readable(path.name) != path.name)
    shutil.copy(odd, odd.with_name("caf%E9.png"))
    with pytest.raises(ReadError, match="two files called caf%E9"):
        list(tree_of(images, tmp_path / "out", None, folders=False))


@pytest.mark.parametrize("command", ["info", "estimate", "segment"])
def test_commands_take_files_of_any_name(images, tmp_path, command):
    odd = next(path for path in images.rglob("*.png") if readable(path.name) != path.name)
    more = ("-k", 2, "--out", tmp_path / ODD) if command == "segment" else ()
    run(command, odd, *more)
    facts = json.loads(run(command, odd, *more, "--json"))
    for file in facts.get("files", ()):
        assert Path(file).is_file()


def test_map_folders_of_any_name_are_segmented(tmp_path):
    sample_ep4(tmp_path / "maps" / ODD, kinds=3, size=(32, 40), bands=3)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text("k = 3\n")
    batch = ("batch", recipe, tmp_path / "maps", "--out", tmp_path / "out", "--workers", 1, "--json")
    first, second = (json.loads(run(*batch)) for _ in range(2))
    assert (first["done"], second["skipped"]) == (1, 1)
    results = read_results(tmp_path / "out")
    assert results.files(results.images.iloc[0], "_segmentation.json")
