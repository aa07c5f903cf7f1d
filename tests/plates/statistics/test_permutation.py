"""Permutation tests: exact, calibrated, and never more certain than the number of wells allows."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest

from ellimaps.plates.statistics.distance import blind_features, blind_space, largest_changes, separations
from ellimaps.plates.statistics.permutation import (
    MOST_EXACT,
    N_DRAWN,
    choices,
    combined_p_value,
    false_discovery_rates,
    p_value,
)
from ellimaps.plates.statistics.reproducibility import mean_average_precisions


def observed(n_treated, n):
    return np.arange(n) < n_treated


def one_plate(n):
    return np.zeros(n, dtype=int)


def test_few_choices_are_all_tried_and_the_observed_one_is_first():
    tried = choices(observed(4, 36), one_plate(36), 0)
    assert tried.shape == (comb(36, 4), 4)
    assert tried[0].tolist() == [0, 1, 2, 3]
    assert len({tuple(sorted(row)) for row in tried.tolist()}) == len(tried)


def test_wells_are_exchanged_within_their_plate_only():
    plates = np.repeat([0, 1], 6)
    treated = np.isin(np.arange(12), (0, 1, 6))
    tried = choices(treated, plates, 0)
    assert len(tried) == comb(6, 2) * 6
    assert ((tried < 6).sum(axis=1) == 2).all()


def test_of_many_choices_some_are_drawn():
    n = 60
    assert comb(n, 8) > MOST_EXACT
    tried = choices(observed(8, n), one_plate(n), 5)
    assert tried.shape == (N_DRAWN + 1, 8)
    assert (np.diff(np.sort(tried, axis=1), axis=1) > 0).all()
    np.testing.assert_array_equal(tried, choices(observed(8, n), one_plate(n), 5))
    assert (np.bincount(tried[1:].ravel(), minlength=n) / N_DRAWN).std() < 0.01


def test_a_p_value_is_a_share_of_choices():
    assert p_value(np.array([3.0, 1.0, 2.0, 3.0])) == 0.5
    assert p_value(np.array([5.0, 1.0, 2.0, 3.0])) == 0.25
    # The most significant of 36 choose 4 outcomes, and twice that for the better of two statistics.
    values = np.arange(comb(36, 4), 0, -1.0)
    assert p_value(values) == 1 / comb(36, 4)
    assert combined_p_value(values, values[::-1]) == 2 / comb(36, 4)


def test_four_wells_against_thirty_two_can_be_significant():
    random = np.random.default_rng(0)
    values = random.standard_normal((36, 40))
    values[:4, 7] += 6
    features = blind_features(values, one_plate(36))
    tried = choices(observed(4, 36), one_plate(36), 0)
    p = combined_p_value(separations(blind_space(features), tried), largest_changes(features, tried))
    assert p < 1e-4


def test_p_values_are_uniform_where_nothing_happens():
    random = np.random.default_rng(1)
    tried = choices(observed(3, 15), one_plate(15), 0)
    p = []
    for _ in range(150):
        features = blind_features(random.standard_normal((15, 12)), one_plate(15))
        p.append(
            combined_p_value(separations(blind_space(features), tried), largest_changes(features, tried))
        )
    # Binomial counts of 150, four standard deviations wide.
    for level in (0.05, 0.2, 0.5):
        assert abs(np.mean(np.array(p) <= level) - level) < 4 * np.sqrt(level * (1 - level) / 150)


def test_separations_are_those_of_means():
    random = np.random.default_rng(2)
    points = blind_space(blind_features(random.standard_normal((10, 4)), one_plate(10)))
    tried = choices(observed(3, 10), one_plate(10), 0)
    found = separations(points, tried)
    for choice, value in zip(tried[:20], found[:20], strict=True):
        others = np.setdiff1d(np.arange(10), choice)
        gap = points[choice].mean(axis=0) - points[others].mean(axis=0)
        assert value == pytest.approx(np.square(gap).sum() / (1 / 3 + 1 / 7) ** 2)


def test_the_blind_scale_does_not_know_units_or_plates():
    random = np.random.default_rng(3)
    values = random.standard_normal((12, 3))
    plates = np.repeat([0, 1], 6)
    other = values * [1, 1e4, 1e-3] + np.where(plates == 1, 50.0, 0.0)[:, None]
    np.testing.assert_allclose(blind_features(other, plates), blind_features(values, plates), atol=1e-8)


def test_benjamini_hochberg_as_by_hand():
    p = np.array([0.01, 0.04, 0.03, np.nan, 0.5])
    np.testing.assert_allclose(false_discovery_rates(p), [0.04, 0.04 * 4 / 3, 0.04 * 4 / 3, np.nan, 0.5])
    assert false_discovery_rates(np.array([])).size == 0


def slow_average_precision(points, chosen):
    """The definition, one well after the other."""
    found = []
    for query in chosen:
        others = [i for i in range(len(points)) if i != query]
        ranked = sorted(others, key=lambda i: np.square(points[i] - points[query]).sum())
        hits = [rank for rank, i in enumerate(ranked, start=1) if i in set(chosen)]
        found.append(np.mean([(k + 1) / rank for k, rank in enumerate(hits)]))
    return np.mean(found)


def test_mean_average_precision_is_its_definition():
    points = np.random.default_rng(4).standard_normal((9, 3))
    tried = np.array(list(combinations(range(9), 3)), dtype=np.int32)
    found = mean_average_precisions(points, tried)
    for choice, value in zip(tried[::7], found[::7], strict=True):
        assert value == pytest.approx(slow_average_precision(points, choice.tolist()))


def test_replicates_that_come_first_have_precision_one():
    points = np.array([[0.0], [0.1], [0.2], [5.0], [6.0], [9.0]])
    assert mean_average_precisions(points, np.array([[0, 1, 2]], dtype=np.int32))[0] == 1
    assert np.isnan(mean_average_precisions(points, np.array([[0]], dtype=np.int32))[0])
