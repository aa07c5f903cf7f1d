"""Two people's labels: kappa against published and worked figures, and what they disagree on."""

from __future__ import annotations

import numpy as np
import pytest

from ellimaps.classify.agreement import Agreement, agreement
from ellimaps.core.errors import SettingError


def of_counts(counts: dict[tuple[str, str], int]) -> Agreement:
    pairs = [pair for pair, count in counts.items() for _ in range(count)]
    first = {f"{i}.tif": pair[0] for i, pair in enumerate(pairs)}
    second = {f"{i}.tif": pair[1] for i, pair in enumerate(pairs)}
    return agreement(first, second)


def test_kappa_of_a_worked_example() -> None:
    """Fifty proposals read by two: 0.7 agree, 0.5 would by chance, kappa 0.4."""
    found = of_counts({("y", "y"): 20, ("y", "n"): 5, ("n", "y"): 10, ("n", "n"): 15})
    assert found.images == 50
    assert found.share == pytest.approx(0.7)
    assert found.kappa == pytest.approx(0.4)
    assert len(found.disagreements) == 15
    assert set(zip(found.disagreements["first"], found.disagreements["second"], strict=True)) == {
        ("y", "n"),
        ("n", "y"),
    }


def test_limits_hold_the_true_kappa() -> None:
    """Two who see the truth alike in 8 of 10 images and guess else: kappa is 0.64 for even classes."""
    random, held = np.random.default_rng(0), 0
    for _ in range(300):
        truth = random.integers(0, 2, 150)
        seen = [np.where(random.random(150) < 0.8, truth, random.integers(0, 2, 150)) for _ in range(2)]
        lists = [{str(i): str(value) for i, value in enumerate(one)} for one in seen]
        low, high = agreement(*lists).limits
        held += low <= 0.64 <= high
    assert held / 300 >= 0.92


def test_all_alike_or_one_label_alone() -> None:
    assert of_counts({("y", "y"): 3, ("n", "n"): 4}).kappa == 1
    assert np.isnan(of_counts({("y", "y"): 5}).kappa)
    assert of_counts({("y", "y"): 5}).share == 1


def test_only_images_in_both_count() -> None:
    found = agreement({"a": "0", "b": "1"}, {"b": "1", "c": "0"})
    assert (found.images, found.share) == (1, 1.0)
    with pytest.raises(SettingError, match="no labelled image in common"):
        agreement({"a": "0"}, {"b": "0"})
