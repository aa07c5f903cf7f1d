from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.stacks import one_sentence
from typer.testing import CliRunner

from ellimaps.cli import cli
from ellimaps.core.errors import ExportError, SettingError
from ellimaps.readers import open_stack
from ellimaps.samples import phantom, sample_cells

SMALL = {"dates": 1, "subjects": 2, "experiments": 1, "fovs": 2, "size": (96, 128), "radius": (6, 14)}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    first, second, other = (
        sample_cells(tmp_path / n, seed=s, **SMALL) for n, s in (("a", 1), ("b", 1), ("c", 2))
    )
    assert contents(first) == contents(second)
    assert contents(first) != contents(other)
    assert sorted(contents(first)) == [
        "2026-01-05/subject_00/experiment_00/fov_00.png",
        "2026-01-05/subject_00/experiment_00/fov_01.png",
        "2026-01-05/subject_01/experiment_00/fov_00.png",
        "2026-01-05/subject_01/experiment_00/fov_01.png",
        "images.csv",
        "truth.csv",
    ]


def test_the_truth_lies_in_the_pictures(tmp_path):
    folder = sample_cells(tmp_path / "a", noise=0, empty=0, **SMALL)
    truth = pd.read_csv(folder / "truth.csv")
    assert len(truth) == pd.read_csv(folder / "images.csv")["n_objects"].sum() > 0
    for row in truth.itertuples():
        image = open_stack(folder / row.image).values[0]
        y, x = np.indices(image.shape)
        inside = np.hypot(y - row.y, x - row.x) <= row.radius
        assert image[inside].mean() == pytest.approx(row.intensity, abs=1)
        assert image[inside].mean() > 1.3 * np.median(image)


def test_touching_objects_touch_and_others_do_not():
    truth = phantom(3, count=30, pairs=5).truth
    gaps = np.array(
        [
            [
                np.hypot(a.y - b.y, a.x - b.x) - a.radius - b.radius if i != j else np.inf
                for j, b in truth.iterrows()
            ]
            for i, a in truth.iterrows()
        ]
    )
    assert truth["touching"].sum() == 10
    np.testing.assert_allclose(gaps.min(axis=1)[truth["touching"]], 0, atol=1e-9)
    assert (gaps.min(axis=1)[~truth["touching"]] >= 4).all()


def test_light_and_noise_are_as_asked():
    even, uneven = (phantom(1, count=0, noise=0, unevenness=u).image.astype(float) for u in (0, 0.5))
    assert np.ptp(even) == 0
    assert (uneven.min() - 400) / (uneven.max() - 400) == pytest.approx(0.5, abs=0.01)
    noisy = phantom(1, count=0, noise=1, unevenness=0).image
    assert noisy.std() == pytest.approx(np.hypot(30, np.sqrt(20 * even.mean())), rel=0.02)


def test_empty_images(tmp_path):
    folder = sample_cells(tmp_path / "a", empty=1, **SMALL)
    assert set(pd.read_csv(folder / "images.csv")["n_objects"]) == {0}
    assert pd.read_csv(folder / "truth.csv").empty


@pytest.mark.parametrize(
    "wrong",
    [{"radius": (1, 5)}, {"radius": (5, 90)}, {"count": (5, 2)}, {"empty": 2}, {"dates": 0}, {"noise": -1}],
)
def test_settings_out_of_range(tmp_path, wrong):
    with pytest.raises(SettingError) as caught:
        sample_cells(tmp_path / "a", **(SMALL | wrong))
    assert one_sentence(caught)
    assert not (tmp_path / "a").exists()


def test_a_folder_that_is_not_empty(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ExportError):
        sample_cells(tmp_path)


def test_the_command(tmp_path):
    options = ["--dates", "1", "--subjects", "1", "--experiments", "1", "--fovs", "2", "--size", "96", "96"]
    answer = CliRunner().invoke(cli, ["sample", "cells", str(tmp_path / "a"), *options, "--radius", "5", "9"])
    assert answer.exit_code == 0, answer.output
    assert "2 images written" in answer.output
