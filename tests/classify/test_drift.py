"""Drift: told where new images differ, and not where only the classes have other shares."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ellimaps.classify.drift import drift, training_spread

TRUTH = np.repeat([0, 1], [30, 15])


def made(random: np.random.Generator, truth: NDArray[np.intp], shift: float = 0.0) -> NDArray[np.float64]:
    """Two classes that differ in half of their measurements; a shift moves the other half."""
    rows = random.normal(size=(len(truth), 10)) + 3 * truth[:, None] * (np.arange(10) < 5)
    return np.asarray(rows + shift * (np.arange(10) >= 5))


@pytest.mark.parametrize("classes", [[0] * 30, [1] * 30, [0, 1] * 15])
def test_other_shares_of_the_classes_are_no_drift(classes: list[int]) -> None:
    random = np.random.default_rng(0)
    told = []
    for _ in range(60):
        found = drift(training_spread(made(random, TRUTH), TRUTH), made(random, np.array(classes)))
        assert found is not None
        told.append(found.differs)
    assert np.mean(told) <= 0.05


def test_images_of_another_kind_are_told_with_what_is_off() -> None:
    random = np.random.default_rng(1)
    found = drift(training_spread(made(random, TRUTH), TRUTH), made(random, TRUTH, shift=2.0))
    assert found is not None
    assert found.differs
    assert found.share > 0.9
    assert set(found.measurements) <= set(range(5, 10))


def test_a_few_images_or_none_with_a_cell_tell_nothing() -> None:
    random = np.random.default_rng(2)
    spread = training_spread(made(random, TRUTH), TRUTH)
    assert drift(spread, made(random, TRUTH[:4])) is None
    assert drift(spread, np.full((20, 10), np.nan)) is None


def test_an_image_left_out_is_compared_with_the_others() -> None:
    """As computed by leaving it out indeed."""
    random = np.random.default_rng(3)
    rows = made(random, TRUTH)
    spread = training_spread(rows, TRUTH)
    for number in (0, 31):
        others = np.arange(len(rows)) != number
        rest = training_spread(rows[others], TRUTH[others])
        off = np.minimum(np.abs(rows[number] - rest.centers) / rest.scales, 5)
        assert spread.strangeness[number] == pytest.approx((off**2).mean(axis=1).min(), rel=0.02)
