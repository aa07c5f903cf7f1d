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
from ellimaps.classify.measured_folder import measure_folder
from ellimaps.classify.picture_measures import PictureMeasures, picture_measures, telling_measures
from ellimaps.core.errors import SettingError
from ellimaps.samples import sample_populations


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
    alike = [measures_of(random.normal(100, 5, (random.integers(60, 90), 80))) for _ in truth]
    assert telling_measures(alike, truth, ["even", "odd"]) == []
    sides = [(60 + 20 * c + number % 9, 80) for number, c in enumerate(truth)]
    larger = [measures_of(random.normal(100, 5, shape)) for shape in sides]
    [told] = telling_measures(larger, truth, ["even", "odd"])
    assert told.startswith("The height of the image alone tells odd from the rest in 100%")


def measures_of(values: np.ndarray, side: int = 20) -> PictureMeasures:
    """Of an image with a square cell in its corner."""
    mask = np.zeros(values.shape, dtype=bool)
    mask[:side, :side] = True
    return picture_measures(values, mask)


@pytest.mark.parametrize("cut_out", [False, True])
def test_a_larger_and_brighter_cell_is_no_difference_of_the_files(cut_out: bool) -> None:
    """It makes a brighter mean, and a larger file where the files are cut out round their cells."""
    random, truth, rows = np.random.default_rng(2), np.arange(40) % 2, []
    for c in truth:
        side = int(20 + 20 * c + random.integers(0, 6))
        values = random.normal(100, 5, (side + random.integers(5, 20),) * 2 if cut_out else (80, 80))
        values[:side, :side] += 1000
        values[: side // 2, : side // 2] *= 1 + random.random()
        rows.append(measures_of(values, side))
    assert telling_measures(rows, truth, ["small", "large"]) == []
    longer = [measures_of(random.normal(100 + 50 * c, 5, (80, 80))) for c in truth]
    assert "The background of the image" in telling_measures(longer, truth, ["a", "b"])[0]


def test_measures_of_alike_files_are_seldom_told() -> None:
    """Of 200 folders of 40 files alike none is told but by chance."""
    random, truth = np.random.default_rng(1), np.arange(40) % 2
    folders = [[PictureMeasures(*row) for row in random.lognormal(size=(40, 7))] for _ in range(200)]
    assert sum(bool(telling_measures(rows, truth, ["a", "b"])) for rows in folders) <= 4


def test_the_generated_example_is_not_warned_of(tmp_path: Path) -> None:
    images = sample_populations(tmp_path / "example")
    measured = measure_folder(images, read_labels(tmp_path / "example" / "labels.csv", images))
    assert telling_measures(measured.pictures, np.array(measured.labels), ["0", "1"]) == []


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
