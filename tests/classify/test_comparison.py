"""Two models on the same images, what of the files could stand for a class, and what decides in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from scipy.stats import binom
from support.cell_pictures import branched, compact, labelled_folder

from ellimaps.classify import Training, read_labels, train
from ellimaps.classify.comparison import compare_models
from ellimaps.classify.deciding import deciding_words
from ellimaps.classify.picture_measures import picture_measures, telling_measures
from ellimaps.core.errors import SettingError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return labelled_folder(tmp_path_factory.mktemp("cells"))


@pytest.fixture(scope="module")
def training(folder: tuple[Path, Path]) -> Training:
    return train(folder[0], read_labels(folder[1], folder[0]), repeats=1)


def test_a_model_that_answers_the_other_way_loses(training: Training, tmp_path: Path) -> None:
    model = training.model
    line = replace(model.classifier.line, slopes=-model.classifier.line.slopes)
    turned = replace(model, classifier=replace(model.classifier, line=line))
    for number in range(12):
        tifffile.imwrite(tmp_path / f"{number}.tif", (branched, compact)[number % 2](300 + number))
    rows = "".join(f"{number},{number % 2}\n" for number in range(12))
    (tmp_path / "labels.csv").write_text("image_id,is_homogenous\n" + rows)
    found = compare_models(model, turned, tmp_path, read_labels(tmp_path / "labels.csv", tmp_path))
    assert (found.images, found.left_out) == (12, 0)
    assert found.first >= 10
    assert found.first + found.second + found.both + found.neither == 12
    assert len(found.differing) == found.first + found.second
    # Heads or tails, by hand.
    assert found.p == pytest.approx(min(1, 2 * binom.cdf(found.second, found.first + found.second, 0.5)))


def test_images_that_taught_a_model_do_not_judge_it(training: Training, folder: tuple[Path, Path]) -> None:
    with pytest.raises(SettingError, match="trained on"):
        compare_models(training.model, training.model, folder[0], read_labels(folder[1], folder[0]))


def test_models_of_other_questions_are_not_compared(training: Training, folder: tuple[Path, Path]) -> None:
    other = replace(training.model, classes=["a", "b"])
    with pytest.raises(SettingError, match="other classes"):
        compare_models(training.model, other, folder[0], read_labels(folder[1], folder[0]))


def test_files_larger_for_one_class_are_told_and_equal_ones_not() -> None:
    random = np.random.default_rng(0)
    truth = np.arange(60) % 2
    alike = [picture_measures(random.normal(100, 5, (random.integers(60, 90), 80))) for _ in truth]
    assert telling_measures(alike, truth, ["even", "odd"]) == []
    sides = [(60 + 20 * c + number % 9, 80) for number, c in enumerate(truth)]
    larger = [picture_measures(random.normal(100, 5, shape)) for shape in sides]
    [told] = telling_measures(larger, truth, ["even", "odd"])
    assert told.startswith("The height of the image alone tells odd from the rest in 100%")


def test_measures_of_alike_files_are_seldom_told() -> None:
    """Of 200 folders of 40 files alike none is told but by chance."""
    random, truth = np.random.default_rng(1), np.arange(40) % 2
    told = sum(bool(telling_measures(random.normal(size=(40, 5)), truth, ["a", "b"])) for _ in range(200))
    assert told <= 4


def test_what_decides_is_said_with_its_direction(training: Training) -> None:
    """Cells with arms reach further than compact ones do."""
    words = deciding_words(training.model, training.report)
    assert words.startswith("What decides most: ")
    assert "_" not in words
    assert "more speaks for h" in words
    first = training.report.importance["measurement"].iloc[0]
    values = [
        [training.model.predict(make(seed)).features.measurements[first] for seed in range(400, 406)]
        for make in (branched, compact)
    ]
    larger = "heterogeneous" if np.mean(values[0]) > np.mean(values[1]) else "homogeneous"
    assert f"(more speaks for {larger})" in words.split(";")[0]
