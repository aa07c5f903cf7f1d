"""``ellimaps fit``, its files, and what it refuses."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

import ellimaps
from ellimaps.cli import main
from ellimaps.maps.labels import read_clusters
from ellimaps.samples import sample_ep4

NAME = "sample_20260101120000000"


@dataclass
class Answer:
    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Answer]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command as the console does, but in this process: loading the libraries anew takes seconds."""

    def answer(*arguments: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["ellimaps", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return Answer(int(end.value.code or 0), *capsys.readouterr())

    return answer


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample_ep4(tmp_path_factory.mktemp("fit") / "sample", seed=2, size=(64, 80), kinds=3)


@pytest.fixture(scope="module")
def truth(folder: Path) -> dict[str, np.ndarray]:
    with np.load(folder / "truth.npz") as arrays:
        return dict(arrays)


def test_clusters(run: Run, folder: Path, truth: dict[str, np.ndarray], tmp_path: Path) -> None:
    out = tmp_path / "out"
    answer = run("fit", folder, "--model", folder / "model.toml", "-k", 3, "--out", out, "--json")
    assert answer.returncode == 0, answer.stderr
    facts = json.loads(answer.stdout)
    assert len(facts["clusters"]) == 3
    assert set(facts["clusters"][0]) >= {"cluster", "parameters", "standard_errors", "mse", "chi2", "flag"}
    found = sorted(row["parameters"]["thickness_nm"] for row in facts["clusters"])
    kinds = [np.median(truth["thickness_nm"][truth["labels"] == kind]) for kind in range(3)]
    np.testing.assert_allclose(found, sorted(kinds), atol=1.5)
    assert sorted(Path(file).name for file in facts["files"]) == names(out)
    ends = "_fit.csv", "_fit.json", "_fit.png", "_thickness.tif", "_thickness_se.tif", "_mse.tif"
    ends += "_fit_certainty.csv", "_fit_uniqueness.png"
    assert {NAME + end for end in ends} <= set(names(out))
    table = pd.read_csv(out / f"{NAME}_fit.csv")
    assert table["cluster"].tolist() == [0, 1, 2]
    assert table["thickness_nm"].tolist() == [row["parameters"]["thickness_nm"] for row in facts["clusters"]]
    image = tifffile.imread(out / f"{NAME}_thickness.tif")
    assert image.dtype == np.float32
    assert image.shape == (64, 80)
    trusted = [row["parameters"]["thickness_nm"] for row in facts["clusters"] if row["flag"] == "ok"]
    np.testing.assert_allclose(np.unique(image[np.isfinite(image)]), np.sort(np.float32(trusted)))
    provenance = json.loads((out / f"{NAME}_fit.json").read_text(encoding="utf-8"))
    assert provenance["inputs_sha256"]
    assert "thickness_nm" in provenance["model"]
    assert len(provenance["bands"]) == 11
    assert np.shape(provenance["noise"]["psi_deg"]) == (3, 11)
    limits = pd.read_csv(out / f"{NAME}_fit_certainty.csv")
    assert (limits["low_90"] < limits["value"]).all()
    assert (limits["value"] < limits["high_90"]).all()


def test_pixels(run: Run, folder: Path, truth: dict[str, np.ndarray], tmp_path: Path) -> None:
    answer = run("fit", folder, "--model", folder / "model.toml", "--pixels", "--out", tmp_path, "--json")
    facts = json.loads(answer.stdout)
    assert set(facts) == {"median", "trusted_fraction", "shares", "noise", "seconds", "files"}
    assert facts["noise"]["origin"] == "differences of flat neighbours"
    assert facts["shares"]["ok"] == facts["trusted_fraction"]
    assert sum(facts["shares"].values()) == pytest.approx(1)
    image = tifffile.imread(tmp_path / f"{NAME}_thickness.tif")
    error = tifffile.imread(tmp_path / f"{NAME}_thickness_se.tif")
    known = np.isfinite(image)
    assert known.mean() == pytest.approx(facts["trusted_fraction"])
    np.testing.assert_array_equal(known, np.isfinite(error))
    assert np.nanmedian(image) == pytest.approx(facts["median"], rel=1e-6)
    inside = known & ~truth["edge"]
    assert np.abs(image - truth["thickness_nm"])[inside].max() < 1
    # Pixels on an edge see two thicknesses, and no film looks like that.
    assert (~known)[truth["edge"]].mean() > 3 * (~known)[~truth["edge"]].mean()


def test_labels_are_read_back(run: Run, folder: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels"
    assert run("segment", folder, "-k", 3, "--out", labels).returncode == 0
    image = labels / f"{NAME}_labels.tif"
    outs = tmp_path / "a", tmp_path / "b"
    model = "--model", folder / "model.toml"
    assert run("fit", folder, *model, "--labels", image, "--out", outs[0]).returncode == 0
    assert run("fit", folder, *model, "-k", 3, "--out", outs[1]).returncode == 0
    assert (outs[0] / f"{NAME}_fit.csv").read_bytes() == (outs[1] / f"{NAME}_fit.csv").read_bytes()
    stack = ellimaps.open_stack(folder)
    segmentation = ellimaps.segment(ellimaps.preprocess(stack), 3)
    np.testing.assert_array_equal(read_clusters(image, stack.shape), segmentation.labels)


def test_the_same_input_gives_the_same_bytes_and_the_text_says_it(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    texts = []
    for name in ("a", "b"):
        out = tmp_path / name
        answer = run("fit", folder, "--model", folder / "model.toml", "-k", 3, "--out", out)
        texts.append(answer.stdout.replace(str(out), ""))
    assert texts[0] == texts[1]
    assert "angle of incidence" in texts[0]
    assert "noise: Delta 0." in texts[0]
    assert "differences of flat neighbours" in texts[0]
    for file in names(tmp_path / "a"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


@pytest.mark.parametrize(
    ("options", "needle"),
    [
        (("--model", "none.toml"), "cannot be read"),
        (("--model", "MODEL", "--pixels", "-k", 3), "not several"),
        (("--model", "MODEL", "--pixels", "--shared", "thickness_nm"), "share nothing"),
        (("--model", "MODEL", "-k", 3, "--shared", "oxide"), "cannot be shared"),
        (("--model", "MODEL", "-k", "three"), "neither a whole number nor auto"),
        (("--model", "MODEL", "-k", 3, "--max-mse", -1), "max_mse"),
        (("--model", "MODEL", "-k", 3, "--delta-noise", "loud"), "one of growing, constant"),
        (("--model", "MODEL", "-k", 3, "--min-share", 2), "from 0 to 1"),
        (("--model", "MODEL", "-k", 3, "--weights", "mine"), "one of noise, spread"),
        (("--model", "MODEL", "-k", 3, "--mirror-delta"), "Only Delta of spectra can be mirrored"),
        (("--model", "MODEL", "--labels", "none.tif"), "cannot be read"),
        (("--model", "MODEL", "--labels", "MODEL"), "no label image"),
        (("--model", "FIXED", "-k", 3), "No thickness is free"),
        (("--model", "WRONG", "-k", 3), "no material 'Sand'"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    run: Run, folder: Path, tmp_path: Path, options: tuple[object, ...], needle: str
) -> None:
    (tmp_path / "fixed.toml").write_text('substrate = "Si"\n')
    (tmp_path / "wrong.toml").write_text('substrate = "Sand"\n')
    files = {
        "MODEL": folder / "model.toml",
        "FIXED": tmp_path / "fixed.toml",
        "WRONG": tmp_path / "wrong.toml",
    }
    given = [files.get(option, option) if isinstance(option, str) else option for option in options]
    answer = run("fit", folder, *given, "--out", tmp_path / "out")
    assert answer.returncode == 2
    assert needle in " ".join(answer.stderr.replace("│", " ").split())
    assert "Traceback" not in answer.stderr
    assert answer.stdout == ""
    assert not (tmp_path / "out").exists()


def test_labels_of_another_size_or_kind(tmp_path: Path) -> None:
    path = tmp_path / "labels.tif"
    tifffile.imwrite(path, np.zeros((4, 5), np.uint16))
    assert (read_clusters(path, (4, 5)) == -1).all()
    with pytest.raises(ellimaps.core.errors.ReadError, match="4 x 5 pixels and its image 5 x 4"):
        read_clusters(path, (5, 4))
    tifffile.imwrite(path, np.full((4, 5), 0.5, np.float32))
    with pytest.raises(ellimaps.core.errors.ReadError, match="fractions"):
        read_clusters(path, (4, 5))
    tifffile.imwrite(path, np.full((4, 5), 99, np.uint16))
    with pytest.raises(ellimaps.core.errors.SettingError, match="up to 99"):
        read_clusters(path, (4, 5))


def test_an_output_that_cannot_be_written_is_exit_code_1(run: Run, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    answer = run("fit", folder, "--model", folder / "model.toml", "-k", 3, "--out", tmp_path / "file")
    assert answer.returncode == 1
    assert "cannot be written" in answer.stderr


def test_help_has_an_example(run: Run) -> None:
    answer = run("fit", "--help")
    assert "Example: ellimaps fit" in " ".join(answer.stdout.split())
