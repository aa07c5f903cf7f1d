"""Limits of shares: against published figures, and how often they hold what is true."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import Generator

from ellimaps.classify.intervals import (
    area_limits,
    area_under_curve,
    mean_limits,
    product_limits,
    share_limits,
)


@pytest.mark.parametrize(
    ("right", "count", "low", "high"),
    # The last three are R's binom.test; all of n leave (0.025)^(1/n), by hand.
    [
        (18, 18, 0.025 ** (1 / 18), 1.0),
        (0, 10, 0.0, 0.3085),
        (7, 10, 0.3475, 0.9333),
        (15, 20, 0.5090, 0.9134),
    ],
)
def test_limits_of_a_share(right: int, count: int, low: float, high: float) -> None:
    assert share_limits(right / count, count) == pytest.approx((low, high), abs=1e-4)


def _held(random: Generator, shares: tuple[float, ...], counts: tuple[int, ...]) -> tuple[float, float]:
    """How often the limits hold the product and the mean of shares that are known."""
    product = mean = 0
    for _ in range(1000):
        found = [random.binomial(n, p) / n for n, p in zip(counts, shares, strict=True)]
        limits = [share_limits(share, n) for share, n in zip(found, counts, strict=True)]
        low, high = product_limits(found, limits)
        product += low <= np.prod(shares) <= high
        low, high = mean_limits(found, limits)
        mean += low <= np.mean(shares) <= high
    return product / 1000, mean / 1000


@pytest.mark.parametrize(
    ("shares", "counts"),
    [
        ((0.95, 0.9), (86, 18)),
        ((0.99, 0.97), (86, 18)),
        ((0.6, 0.7), (20, 12)),
        ((0.9, 0.8, 0.95), (15, 20, 9)),
    ],
)
def test_limits_hold_what_is_true(shares: tuple[float, ...], counts: tuple[int, ...]) -> None:
    product, mean = _held(np.random.default_rng(1), shares, counts)
    assert product >= 0.945
    assert mean >= 0.945


def test_all_of_eighteen_is_not_certain() -> None:
    limits = [share_limits(1.0, 86), share_limits(1.0, 18)]
    low, high = product_limits([1.0, 1.0], limits)
    assert low == pytest.approx(0.81, abs=0.01)
    assert high == 1


def test_a_class_never_found_leaves_a_product_of_nothing() -> None:
    assert product_limits([0.0, 0.9], [(0.0, 0.2), (0.7, 1.0)]) == (0.0, 0.2)


def test_area_under_the_curve_counts_pairs() -> None:
    scores, is_class = np.array([0.1, 0.4, 0.4, 0.9]), np.array([False, False, True, True])
    # Of the four pairs three are in order and one is even.
    assert area_under_curve(scores, is_class) == pytest.approx(3.5 / 4)


@pytest.mark.parametrize("shift", [0.5, 1.5, 3.0])
def test_limits_of_an_area_hold_the_true_one(shift: float) -> None:
    from scipy.stats import norm

    random, held = np.random.default_rng(2), 0
    is_class = np.arange(60) < 15
    for _ in range(500):
        scores = random.normal(size=60) + shift * is_class
        low, high = area_limits(area_under_curve(scores, is_class), 15, 45)
        held += low <= norm.cdf(shift / np.sqrt(2)) <= high
    assert held / 500 >= 0.93


def test_an_area_of_one_has_a_lower_limit() -> None:
    low, high = area_limits(1.0, 18, 86)
    assert 0.9 < low < 1
    assert high == 1
    assert area_limits(0.0, 18, 86)[0] == 0
