from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import EXAMPLE, EXAMPLE_WRAP, ROOT
from typer.testing import CliRunner

import ellimaps
from ellimaps.cli import cli
from ellimaps.maps.recipe import recipe_text
from ellimaps.maps.refinement import Clean, Merge
from ellimaps.maps.regions import Region
from ellimaps.maps.settings import Settings
from ellimaps.regions.label_file import read_label_image


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from ellimaps.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT)


def digest(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_info_of_the_real_folder(real_hbn):
    facts = json.loads(run("info", real_hbn, "--json").stdout)
    assert (facts["n_maps"], facts["n_wavelengths"], facts["shape"]) == (22, 11, [260, 344])
    assert (facts["wavelengths_nm"][0], facts["wavelengths_nm"][-1]) == (550, 800)
    assert facts["aoi_deg"] == 50
    assert round(facts["pixel_aspect"], 3) == 1.556
    assert facts["acquired_at"].startswith("2016-04-06T14:27:46")
    assert facts["quantities"] == ["Delta", "Psi"]
    assert 0.015 < facts["missing_fraction"] < 0.017
    assert facts["warnings"] == []


def test_segment_leaves_the_measurement_as_it_was(real_hbn, tmp_path):
    before = digest(real_hbn)
    answer = run("segment", real_hbn, "-k", "auto", "--out", tmp_path, "--json")
    facts = json.loads(answer.stdout)
    assert answer.returncode == 0
    assert set(facts) >= {"k", "inertia", "clusters", "files"}
    assert sum(row["n_pixels"] for row in facts["clusters"]) == 260 * 344
    assert all(Path(file).is_file() for file in facts["files"])
    assert digest(real_hbn) == before


def test_the_example_is_segmented_as_it_was_made(tmp_path, monkeypatch):
    """Twice, with the same measurement; each pixel away from edges is where the truth has it."""
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        answer = CliRunner().invoke(cli, ["segment", "--example"])
        assert answer.exit_code == 0, answer.output
    out = tmp_path / "ellimaps-example"
    truth = np.load(out / "measurement" / "truth.npz")
    found = read_label_image(next(out.glob("*_labels.tif")), truth["labels"].shape)
    inside = ~truth["edge"]
    confusion = pd.crosstab(found[inside], truth["labels"][inside]).to_numpy()
    assert confusion.shape == (4, 4)
    assert ((confusion > 0).sum(axis=0) == 1).all()
    assert ((confusion > 0).sum(axis=1) == 1).all()


@pytest.mark.parametrize(
    ("arguments", "needle"),
    [
        ((), "name a measurement, or try --example"),
        ((EXAMPLE,), "name a folder for the files"),
        ((EXAMPLE, "--example"), "leave PATH out"),
    ],
)
def test_segment_wants_a_measurement_or_its_example(arguments, needle, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(cli, ["segment", *map(str, arguments)])
    assert answer.exit_code == 2
    assert needle in " ".join(answer.output.replace("│", " ").split())
    assert not any(tmp_path.iterdir())


# Recipes

RECIPE = Settings(
    gaps="exclude",
    despike=9.0,
    roi=(2, 120, 3, 150),
    k=5,
    seed=7,
    pixel_size_um=0.5,
    refine=(Merge((0, 1)), Clean(3)),
    names=("bare Si", 'naïve "oxide"', "$x$", "_rest"),
    regions=(Region("spot", "pixel", ((5, 6),)),),
)


def contents(folder: Path) -> dict[str, object]:
    """Everything in a folder but recorded timings."""
    found: dict[str, object] = {path.name: path.read_bytes() for path in folder.iterdir()}
    for name in found:
        if name.endswith(".json"):
            facts = json.loads((folder / name).read_text(encoding="utf-8"))
            found[name] = {**facts, "timings_s": None}
    return found


def test_a_recipe_gives_the_files_of_its_settings(tmp_path):
    (tmp_path / "recipe.toml").write_text(recipe_text(RECIPE), encoding="utf-8")
    answer = run("segment", EXAMPLE, "--recipe", tmp_path / "recipe.toml", "--out", tmp_path / "a")
    assert answer.returncode == 0, answer.stderr
    assert "bare Si" in answer.stdout
    ellimaps.run(EXAMPLE, tmp_path / "b", RECIPE)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_a_recipe_and_the_same_options_give_the_same_files(tmp_path):
    (tmp_path / "recipe.toml").write_text('k = 3\ngaps = "exclude"\ndespike = 9\nroi = [2, 120, 3, 150]\n')
    options = ("-k", 3, "--gaps", "exclude", "--despike", 9, "--roi", 2, 120, 3, 150)
    assert run("segment", EXAMPLE, *options, "--out", tmp_path / "a").returncode == 0
    recipe = ("--recipe", tmp_path / "recipe.toml")
    assert run("segment", EXAMPLE, *recipe, "--out", tmp_path / "b").returncode == 0
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


class Stop(Exception):
    """Ends a command before it does anything."""


def settings_of_command(monkeypatch, *arguments: object) -> Settings:
    """The settings `ellimaps segment` would run with."""
    asked = []

    def stop(_path, _out, settings, _on_progress, **_named):
        asked.append(settings)
        raise Stop

    monkeypatch.setattr("ellimaps.maps.pipeline.run", stop)
    result = CliRunner().invoke(cli, ["segment", "somewhere", "--out", "out", *map(str, arguments)])
    assert isinstance(result.exception, Stop), result.output
    return asked[0]


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        ((), {}),
        (("-k", 3), {"k": 3}),
        (("-k", "auto"), {"k": None}),
        (("--gaps", "fill"), {"gaps": "fill"}),
        (("--seed", 0), {"seed": 0}),
        (("--binning", 1, "--k-max", 10), {"binning": 1, "k_max": 10}),
        (("--k-min", 3), {"k_min": 3}),
        (("--despike", 4, "--smooth", 1), {"despike": 4.0, "smooth": 1.0}),
        (("--roi", 0, 9, 0, 8), {"roi": (0, 9, 0, 8)}),
        (("--features", "raw", "--dataset", "a"), {"features": "raw", "dataset": "a"}),
        (("--pixel-size", 2.5), {"pixel_size_um": 2.5}),
    ],
)
def test_only_options_that_are_given_override_a_recipe(monkeypatch, tmp_path, options, changes):
    kept = replace(RECIPE, binning=2, k_max=7, features="standard", dataset="d")
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(recipe_text(kept), encoding="utf-8")
    found = settings_of_command(monkeypatch, "--recipe", recipe, *options)
    assert found == replace(kept, **changes)
    assert settings_of_command(monkeypatch, *options) == Settings(**changes)


def test_estimate_json(tmp_path):
    answer = run("estimate", EXAMPLE, "--k-min", 2, "--k-max", 6, "--out", tmp_path, "--json")
    facts = json.loads(answer.stdout)
    assert facts["suggested_k"] == 4
    assert [row["k"] for row in facts["table"]] == [2, 3, 4, 5, 6]
    assert {"inertia", "silhouette", "silhouette_se", "calinski_harabasz", "seconds"} < set(facts["table"][0])
    assert {"elbow_k", "silhouette_k", "reason"} < set(facts)
    assert len(list(tmp_path.iterdir())) == 3


def test_segment_prints_what_it_did(tmp_path):
    text = run("segment", EXAMPLE, "-k", "auto", "--out", tmp_path).stdout
    assert "suggested k: 4" in text
    assert "4 clusters" in text
    assert "_clustershot.dat" in text


def test_sample_is_reproducible(tmp_path):
    for name in ("a", "b"):
        options = ("--seed", 3, "--size", 40, 48, "--kinds", 3, "--bands", 4, "--noise", 2, "--wrap")
        assert run("sample", "ep4", tmp_path / name, *options).returncode == 0
    assert digest(tmp_path / "a") == digest(tmp_path / "b")


@pytest.mark.parametrize(
    ("arguments", "needle"),
    [
        (("info", "nowhere"), "does not exist"),
        (("segment", EXAMPLE, "-k", 99, "--out", "x"), "k must be a whole number from 1 to 30"),
        (("segment", EXAMPLE, "-k", "many", "--out", "x"), "neither a whole number nor auto"),
        (("segment", EXAMPLE, "-k", 3, "--features", "cubes", "--out", "x"), "features must be one of"),
        (("segment", EXAMPLE, "-k", 3, "--roi", 0, 999, 0, 5, "--out", "x"), "does not lie inside"),
        (("estimate", EXAMPLE, "--k-min", 1), "k_min must be a whole number from 2 to 30"),
        (("info", ROOT / "README.md"), "not a measurement"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(arguments, needle):
    answer = run(*arguments)
    assert answer.returncode == 2
    assert needle in " ".join(answer.stderr.replace("│", " ").split())
    assert "Traceback" not in answer.stderr
    assert answer.stdout == ""
    assert not (ROOT / "x").exists()


@pytest.mark.parametrize(
    ("text", "needle"),
    [
        (None, "cannot be read"),
        ("k = ", "not valid TOML"),
        ("clusters = 4", "unknown setting"),
        ("k = true", "k cannot be True"),
        ("k = 2\n[[refine]]\naction = 'drop'\ncluster = 7", "There is no cluster 7"),
        ("k = 2\nnames = ['a', 'b', 'c']", "3 names are given for 2 clusters"),
    ],
)
def test_a_bad_recipe_is_one_sentence_and_exit_code_2(tmp_path, text, needle):
    recipe = tmp_path / "recipe.toml"
    if text is not None:
        recipe.write_text(text)
    answer = run("segment", EXAMPLE, "--recipe", recipe, "--out", tmp_path / "out")
    assert answer.returncode == 2
    assert needle in answer.stderr
    assert answer.stderr.rstrip().count("\n") == answer.stderr.count("...\n")
    assert answer.stdout == ""
    assert not (tmp_path / "out").exists()


def test_an_output_that_cannot_be_written_is_exit_code_1(tmp_path):
    (tmp_path / "file").write_text("")
    answer = run("segment", EXAMPLE, "-k", 3, "--out", tmp_path / "file")
    assert answer.returncode == 1
    assert "cannot be written" in answer.stderr


def test_raw_features_on_a_wrapping_stack_warn(tmp_path):
    answer = run("segment", EXAMPLE_WRAP, "-k", 3, "--features", "raw", "--out", tmp_path)
    assert answer.returncode == 0
    assert "crosses 0/360" in answer.stderr


@pytest.mark.parametrize("command", ["info", "estimate", "segment", "app", "sample ep4"])
def test_help_has_an_example(command):
    answer = run(*command.split(), "--help")
    assert f"Example: ellimaps {command}" in " ".join(answer.stdout.split())


def test_help_and_info_load_no_heavy_library():
    heavy = "sklearn", "matplotlib", "streamlit", "skimage"
    code = "import sys, ellimaps.cli; from ellimaps.readers import open_stack;"
    code += f"open_stack({str(EXAMPLE)!r});"
    code += f"sys.exit(', '.join(m for m in {heavy!r} if m in sys.modules) or 0)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0, answer.stderr


def test_help_loads_no_numpy():
    code = "import sys, ellimaps.cli; sys.exit('numpy' in sys.modules or 'pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_the_six_lines_of_the_readme_run(tmp_path):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = next(b for b in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "open_stack" in b)
    names = {"path": EXAMPLE, "out": tmp_path}
    exec(block, names)
    assert names["estimate"].suggested_k == 4
    assert len(list(tmp_path.iterdir())) == 10


def test_public_names_resolve():
    for name in ellimaps.__all__:
        assert getattr(ellimaps, name) is not None
    with pytest.raises(AttributeError):
        _ = ellimaps.nothing
