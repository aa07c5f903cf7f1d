"""Training: grouped folds, honest scores, any number of classes, labels that do not fit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from support.cell_pictures import branched, compact, labelled_folder, large, padded

from ellimaps.classify import Training, load_model, read_labels, save_model, train, training_html
from ellimaps.classify.classifier_fit import fit_classifier, grouped_folds, recall_product
from ellimaps.classify.image_features import MEASUREMENTS
from ellimaps.classify.labeling_file import facts_path
from ellimaps.classify.measurement_names import measurement_name
from ellimaps.classify.model_file import model_bytes
from ellimaps.core.errors import EllimapsError, ReadError, SettingError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return labelled_folder(tmp_path_factory.mktemp("cells"))


@pytest.fixture(scope="module")
def training(folder: tuple[Path, Path]) -> Training:
    return train(folder[0], read_labels(folder[1], folder[0]), repeats=1)


def test_kinds_that_differ_are_told_apart(training: Training) -> None:
    report, model = training.report, training.model
    assert (report.classes, report.counts, report.score) == ([0, 1], [8, 8], 1.0)
    assert report.mistakes.empty
    assert report.confusion.to_numpy().tolist() == [[8, 0], [0, 8]]
    for seed in (100, 101):
        assert model.predict(branched(seed)).label == 0
        found = model.predict(compact(seed))
        assert found.label == 1
        assert 0.5 < found.probability <= 1
        assert found.probabilities[0] + found.probabilities[1] == pytest.approx(1)


def test_width_and_height_of_the_file_are_no_features(training: Training) -> None:
    for made in (branched(50), compact(51)):
        plain = training.model.predict(made)
        wide = training.model.predict(padded(made, (1.0, 1.0, 1.0, 1.0)))
        tight = training.model.predict(made[10:-10, 10:-10])
        eight_bit = training.model.predict((made >> 8).astype(np.uint8))
        for other in (wide, tight, eight_bit):
            assert other.label == plain.label
            assert other.probability == pytest.approx(plain.probability, abs=0.1)


@pytest.mark.parametrize("kinds", [2, 3])
def test_contributions_and_where_they_start_add_up_to_the_lead(tmp_path: Path, kinds: int) -> None:
    """It is never below 0 for what is answered; with two classes it is the log of the weighted odds."""
    images, labels = labelled_folder(tmp_path, count=6, kinds=kinds)
    model = train(images, read_labels(labels, images), repeats=1).model
    for make in (branched, compact, large):
        for seed in range(60, 64):
            found = model.predict(make(seed))
            assert list(found.contributions.columns) == ["measurement", "value", "typical", "contribution"]
            assert found.contributions["contribution"].abs().is_monotonic_decreasing
            together = found.lead_of_typical + found.contributions["contribution"].sum()
            weighted = np.log([*found.probabilities.values()]) + np.log(model.classifier.weights)
            answer = model.classes.index(found.label)
            others = weighted[1 - answer] if kinds == 2 else weighted.mean()
            assert together == pytest.approx(weighted[answer] - others, abs=1e-6)
            assert together >= 0


def test_no_cell_is_no_answer(training: Training) -> None:
    """A gradient of colors holds nothing that stands out."""
    across = np.linspace(10, 200, 96)
    field = np.stack([np.tile(across, (96, 1)), np.tile(across[:, None], (1, 96)), np.full((96, 96), 90)])
    for values in (field.astype(np.uint8), np.zeros((80, 80), np.uint8)):
        found = training.model.predict(values)
        assert found.label is None
        assert np.isnan(found.probability)
        assert found.probabilities == {}
        assert found.contributions.empty
        assert "No cell" in found.warnings[0]


def test_limits_are_of_cells_and_not_of_repeats(training: Training) -> None:
    report = training.report
    assert report.score == 1
    assert report.cells == [8, 8]
    for limits in report.recall_limits:
        assert limits == pytest.approx((0.025 ** (1 / 8), 1.0))
    assert report.interval[0] < report.recall_limits[0][0]
    assert report.balanced_accuracy == report.area == 1
    assert report.balanced_limits[0] < 0.8
    assert report.area_limits[0] < 0.95


def test_classes_keep_their_names(folder: tuple[Path, Path], training: Training, tmp_path: Path) -> None:
    assert training.report.class_names == ["heterogeneous", "homogeneous"]
    save_model(training.model, tmp_path / "m.ellimodel")
    assert load_model(tmp_path / "m.ellimodel").name_of(1) == "homogeneous"
    named = tmp_path / "named.csv"
    named.write_text(folder[1].read_text().replace("is_homogenous", "shape"))
    assert read_labels(named, folder[0]).class_names == {}
    facts_path(named).write_text('{"classes": {"0": "with arms", "1": "round"}}')
    assert read_labels(named, folder[0]).class_names == {"0": "with arms", "1": "round"}


def test_every_measurement_has_a_name_to_be_read() -> None:
    names = [measurement_name(name, "um") for name in MEASUREMENTS]
    assert len(set(names)) == len(names)
    assert not any("_" in name for name in names)
    assert sum("(µm)" in name for name in names) == 6


def test_strange_images_are_flagged(training: Training) -> None:
    model = training.model
    assert model.predict(compact(70)).warnings == []
    assert any("Unlike" in text for text in model.predict(np.kron(compact(70), np.ones((4, 4)))).warnings)


THREADS = """
import sys
from threadpoolctl import threadpool_info
from ellimaps.classify import read_labels, train, training

def counted(*given):
    print(max(one["num_threads"] for one in threadpool_info() if one["user_api"] == "openmp"))
    sys.exit()

training.cross_validate = counted
train(sys.argv[1], read_labels(sys.argv[2], sys.argv[1]), repeats=1)
"""


def test_the_first_training_of_a_process_has_one_thread(folder: tuple[Path, Path]) -> None:
    """As all later ones: scikit-learn brings threads of its own, which are there before they are limited."""
    command = [sys.executable, "-c", THREADS, *map(str, folder)]
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert ran.stdout.split() == ["1"]


def test_the_same_seed_gives_the_same_model(folder: tuple[Path, Path], training: Training) -> None:
    again = train(folder[0], read_labels(folder[1], folder[0]), repeats=1)
    assert model_bytes(again.model) == model_bytes(training.model)


def test_three_classes(tmp_path: Path) -> None:
    images, labels = labelled_folder(tmp_path, count=6, kinds=3)
    result = train(images, read_labels(labels, images), repeats=1)
    assert result.report.classes == [0, 1, 2]
    assert result.report.score > 0.6
    for kind, make in enumerate((branched, compact, large)):
        found = result.model.predict(make(90 + kind))
        assert found.label == kind
        assert found.probability == pytest.approx(found.probabilities[kind])


def test_images_of_the_same_cell_are_kept_together(tmp_path: Path) -> None:
    images, labels = labelled_folder(tmp_path, count=5)
    again = padded(tifffile.imread(images / "001.tif"), (0.2, 0.1, 0.0, 0.3)) // 2
    tifffile.imwrite(images / "900.tif", again)
    tifffile.imwrite(images / "901.tif", branched(77))
    text = labels.read_text().splitlines()
    rows = [text[0] + ",group", *(line + "," for line in text[1:]), "900,0,", "901,0,a"]
    rows[4] += "a"
    labels.write_text("\n".join(rows))
    report = train(images, read_labels(labels, images), repeats=1).report
    assert ["001.tif", "900.tif"] in report.same_cell
    assert any({"004.tif", "901.tif"} <= set(files) for files in report.same_cell)


def test_folds_keep_groups_on_one_side() -> None:
    truth = np.repeat([0, 1], 20)
    groups = np.arange(40) // 2
    for rows, held in grouped_folds(truth, groups, 0):
        assert not set(groups[rows]) & set(groups[held])


def test_the_score_is_the_product_of_the_recalls() -> None:
    truth, answers = np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 0, 1, 1, 0])
    assert recall_product(truth, answers, 2) == pytest.approx(3 * 1 / (4 * 2))


def test_a_rare_class_is_not_given_up() -> None:
    random = np.random.default_rng(0)
    truth = np.repeat([0, 1], [200, 12])
    rows = random.normal(size=(212, 6)) + truth[:, None] * [2.5, 0, 0, 0, 0, 0]
    classifier = fit_classifier(rows, truth, np.arange(212), 0)
    fresh = np.repeat([0, 1], 500)
    new = random.normal(size=(1000, 6)) + fresh[:, None] * [2.5, 0, 0, 0, 0, 0]
    assert recall_product(fresh, classifier.answers(new), 2) > 0.6
    # Calibrated: the mean probability is the share in the training.
    assert classifier.probabilities(rows)[:, 1].mean() == pytest.approx(12 / 212, abs=0.03)


def test_random_labels_score_like_a_coin(tmp_path: Path) -> None:
    images, labels = labelled_folder(tmp_path, count=10)
    lines = labels.read_text().splitlines()
    coin = np.random.default_rng(3).permutation([0, 1] * 10)
    labels.write_text("\n".join([lines[0], *(f"{i + 1},{kind}" for i, kind in enumerate(coin))]))
    report = train(images, read_labels(labels, images), repeats=2).report
    assert report.score < 0.6
    assert len(report.mistakes) > 3
    assert set(report.pictures) == set(report.mistakes["file"][:24])


def test_the_page_is_whole_and_safe(training: Training) -> None:
    page = training_html(training.model, training.report)
    assert "is_homogenous" in page
    assert "1.000" in page
    assert "http:" not in page
    assert "https:" not in page


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("image_id,kind\n1,0\n999,1\nabc,0\n", "not in .*: 999, abc"),
        ("image_id,kind\n1,0\n001,1\n", "twice"),
        ("image_id,kind\n1,0\n2,\n", "no label for 2"),
        ("image_id\n1\n", "columns|CSV"),
        ("", "CSV|columns"),
        ("image_id,kind\n", "row per image"),
        ("image_id,probability\n1,0\n2,1\n", "cannot be called probability"),
        ("image_id,group,kind\n1,a,0\n2,b,1\n", "cannot be called group"),
        ("image_id,kind\n1,0,3,4\n1,0,3,4,5\n", "CSV"),
    ],
)
def test_labels_that_do_not_fit_are_a_sentence(
    folder: tuple[Path, Path], tmp_path: Path, text: str, reason: str
) -> None:
    file = tmp_path / "labels.csv"
    file.write_text(text)
    with pytest.raises(ReadError, match=reason):
        read_labels(file, folder[0])


def test_labels_are_matched_by_name_stem_and_number(folder: tuple[Path, Path], tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("\ufeffimage,kind\n1,a\n002,b\n003.tif,a\n04.png,b\n", encoding="utf-8")
    labels = read_labels(file, folder[0])
    assert labels.name == "kind"
    assert labels.table["file"].tolist() == ["001.tif", "002.tif", "003.tif", "004.tif"]
    assert labels.classes == ["a", "b"]


@pytest.mark.parametrize("text", ["image_id,kind\n1,0\n2,0\n", "image_id,kind\n1,0\n3,0\n2,1\n"])
def test_too_few_labels_cannot_be_learnt(folder: tuple[Path, Path], tmp_path: Path, text: str) -> None:
    file = tmp_path / "labels.csv"
    file.write_text(text)
    with pytest.raises(SettingError):
        train(folder[0], read_labels(file, folder[0]), repeats=1)


def test_missing_files_are_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(EllimapsError):
        read_labels(tmp_path / "none.csv", tmp_path)
    with pytest.raises(EllimapsError):
        read_labels(Path(__file__), tmp_path / "none")


def test_real_cells_are_told_apart(shared_data: Path) -> None:
    """A part of the real images, few of the common class, in one cross-validation."""
    folder = shared_data / "cells_homogeneity"
    labels = read_labels(folder / "labels.csv", folder / "images")
    table = labels.table
    kept = table[(table["label"] == 1) | (np.arange(len(table)) % 3 == 0)].reset_index(drop=True)
    report = train(folder / "images", type(labels)(labels.name, kept), repeats=1).report
    assert report.score > 0.9


def rare_class(counts: list[int], seed: int) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    truth = np.repeat([0, 1], counts)
    return np.random.default_rng(seed).normal(size=(len(truth), 3)) + 4 * truth[:, None] * [1, 0, 0], truth


def test_few_images_do_not_move_the_threshold() -> None:
    """What the best threshold of 14 images is, is chance: answers are those of even odds."""
    fresh, _ = rare_class([2000, 2000], 99)
    for seed in (4, 5, 7):
        rows, truth = rare_class([80, 14], seed)
        classifier = fit_classifier(rows, truth, np.arange(94), 0)
        np.testing.assert_array_equal(classifier.answers(fresh), classifier.line.log_odds(fresh)[:, 0] > 0)


def outliers(count: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """A sixth of one class lies far beyond the other."""
    truth = np.repeat([0, 1], count)
    rows = np.random.default_rng(seed).normal(size=(2 * count, 3)) * (1 - 0.5 * truth[:, None])
    rows[:, 0] += 3 * truth
    rows[: count // 6, 0] += 14
    return rows, truth


def test_many_images_move_the_threshold() -> None:
    classifier = fit_classifier(*outliers(200, 2), np.arange(400), 0)
    fresh, truth = outliers(2000, 102)
    even = (classifier.line.log_odds(fresh)[:, 0] > 0).astype(np.intp)
    assert recall_product(truth, classifier.answers(fresh), 2) > recall_product(truth, even, 2) + 0.03
