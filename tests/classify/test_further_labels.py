"""What further labels are said to bring: the law against its own numbers, and limits against what came."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.cell_pictures import labelled_folder

from ellimaps.classify import further_labels as module, read_labels
from ellimaps.classify.classifier_fit import fit_classifier, recall_product
from ellimaps.classify.further_labels import learning_curve, learning_curve_of
from ellimaps.core.parallel import one_thread


def kinds(n: int, seed: int, apart: float) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Two kinds in twenty measurements, some of which tell a little each."""
    random = np.random.default_rng(seed)
    truth = np.arange(n) % 2
    rows = random.normal(size=(n, 20))
    rows[:, :8] += truth[:, None] * apart
    return rows, truth


@pytest.mark.parametrize(("a", "b", "exponent"), [(0.05, 1.2, 0.5), (0.0, 2.0, 0.7), (0.2, 0.0, 0.5)])
def test_the_law_is_found_again_and_led_on(a: float, b: float, exponent: float) -> None:
    counts = np.geomspace(25, 100, 6)
    at = np.array([100.0, 200.0])
    said = module._law(counts, (a + b * counts**-exponent)[None], at)[0]
    assert said == pytest.approx(a + b * at**-exponent, abs=1e-6)


def test_an_error_that_grows_is_not_led_on() -> None:
    counts = np.geomspace(25, 100, 6)
    said = module._law(counts, np.linspace(0.1, 0.3, 6)[None], np.array([100.0, 200.0]))[0]
    assert said[0] == said[1] == pytest.approx(np.linspace(0.1, 0.3, 6) @ np.arange(1, 7) / 21)


def test_shares_are_nested_and_keep_groups_and_classes_together() -> None:
    truth, groups = np.repeat([0, 1], [60, 30]), np.repeat(np.arange(45), 2)
    train = np.arange(0, 90)
    parts = module._nested(train, truth, groups, np.random.default_rng(0))
    assert len(parts) == 6
    for smaller, larger in pairwise(parts):
        assert set(smaller) < set(larger)
    for part in parts:
        assert all(np.isin(np.flatnonzero(np.isin(groups, groups[part])), part))
        assert np.sum(truth[part] == 0) == pytest.approx(2 * np.sum(truth[part] == 1), abs=2)


def test_what_further_labels_bring_lies_within_the_limits() -> None:
    """Of two sets of a kind; benchmarks/bench_learning_curve.py has more of both."""
    others, their_truth = kinds(6000, 999, 0.55)
    for seed in range(2):
        rows, truth = kinds(130, seed, 0.55)
        curve = learning_curve_of(rows[:80], truth[:80], np.arange(80), seed)
        assert curve.unknown == ""
        assert (curve.labels, curve.further) == (80, 50)
        assert curve.now <= curve.then
        with one_thread():
            taught = fit_classifier(rows, truth, np.arange(130), 0)
        came = recall_product(their_truth, taught.answers(others), 2)
        assert curve.limits[0] <= came <= curve.limits[1]
        assert curve.fitted["labels"].iloc[-1] == pytest.approx(130)
        assert "Another 50 labels would bring the score from about" in curve.words


def test_few_labels_say_that_they_do_not_tell() -> None:
    rows, truth = kinds(14, 0, 0.5)
    curve = learning_curve_of(rows, truth, np.arange(14))
    assert "each class needs 9 different cells or more" in curve.words
    assert curve.fitted.empty
    assert np.isnan(curve.then)
    rows, truth = kinds(24, 0, 0.3)
    assert "not known: so few leave open whether" in learning_curve_of(rows, truth, np.arange(24)).words


def test_a_score_without_a_mistake_is_not_certain() -> None:
    rows, truth = kinds(60, 0, 4.0)
    curve = learning_curve_of(rows, truth, np.arange(60))
    assert curve.points["score"].iloc[-1] == 1
    assert curve.limits[0] < 0.95
    assert curve.limits[1] == 1


def test_a_folder_has_a_curve_with_progress(tmp_path: Path) -> None:
    images, labels = labelled_folder(tmp_path, count=12)
    told: list[tuple[int, int, str]] = []
    curve = learning_curve(images, read_labels(labels, images), on_progress=lambda *one: told.append(one))
    assert curve.labels == 24
    assert curve.points["labels"].is_monotonic_increasing
    last = [one for one in told if one[2].startswith("learning")]
    assert last[-1][0] == last[-1][1]
    assert [done for done, _, _ in last] == list(range(1, len(last) + 1))
