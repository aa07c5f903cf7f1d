"""Merging, splitting, dropping and cleaning clusters by hand."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from support.stacks import intensities, one_sentence, row, sample

from ellimaps.core.errors import SettingError
from ellimaps.maps.clustering.features import FeatureSpace
from ellimaps.maps.refinement import (
    MAX_FILTER_SIZE,
    Clean,
    Drop,
    Merge,
    Split,
    refine,
    refinement_facts,
    refinement_of,
)
from ellimaps.maps.segmentation import segment, segmentation_of_labels

LEVELS = np.array([10.0, 20, 30, 40, 50])


@cache
def blobs(k=5):
    """Five flat regions of 12 x 4 pixels with a little noise and a hole without data."""
    values = np.repeat(LEVELS, 48).reshape(20, 12) + np.random.default_rng(0).normal(0, 0.1, (20, 12))
    values[3, 3] = np.nan
    return segment(intensities([values, -values]), k, features="raw")


def labelled(labels):
    """A segmentation with given labels, numbered by ascending mean of a band that equals the labels."""
    labels = np.asarray(labels, np.int16)
    values = np.where(labels < 0, np.nan, labels)
    return segmentation_of_labels(intensities(values), labels, {"features": "raw", "seed": 0})


def label_maps(k=4):
    """Maps with every cluster from 0 to k - 1 and some pixels without data."""
    size = st.tuples(st.integers(4, 12), st.integers(4, 12), st.integers(0, 9999))

    def of(height, width, seed):
        labels = np.random.default_rng(seed).integers(-1, k, (height, width)).astype(np.int16)
        labels.ravel()[:k] = range(k)
        return labels

    return size.map(lambda drawn: of(*drawn))


def steps(k=8):
    cluster = st.integers(0, k - 1)
    merges = st.lists(cluster, min_size=2, max_size=4, unique=True).map(lambda c: Merge(tuple(c)))
    splits = st.builds(Split, cluster, st.integers(2, 3))
    cleans = st.integers(1, 3).map(lambda n: Clean(2 * n + 1))
    return st.lists(st.one_of(merges, splits, st.builds(Drop, cluster), cleans), max_size=5)


def assert_sound(found):
    """Numbers ascend with the first band's mean; centres and inertia are what they are defined to be."""
    assert (np.diff(found.means[:, 0]) >= 0).all()
    assert_array_equal(np.unique(found.labels[found.labels >= 0]), np.arange(found.k))
    space = FeatureSpace(found.stack, found.settings["features"]).within(found.labels >= 0)
    features, flat = space.take(np.arange(space.n_pixels)).astype(float), found.labels.ravel()[space.pixels]
    centers = np.array([features[:, flat == cluster].mean(axis=1) for cluster in range(found.k)])
    assert_allclose(found.centers, centers, rtol=1e-6, atol=1e-6)
    assert_allclose(found.inertia, ((features - centers[flat].T) ** 2).sum(), rtol=1e-5, atol=1e-5)


# Known truth


def test_merging_two_levels_leaves_the_others():
    found = refine(blobs(), [Merge((4, 1))])
    # The merged cluster's mean is 35: it comes after 30 and before 40.
    assert_array_equal(np.unique(found.labels), [-1, 0, 1, 2, 3])
    assert_array_equal(found.labels[:, 5], np.repeat([0, 2, 1, 3, 2], 4))
    assert found.settings["refine"] == [{"action": "merge", "clusters": [4, 1]}]
    assert_sound(found)


def test_dropping_a_level_makes_it_no_data_and_renumbers():
    found = refine(blobs(), [Drop(2)])
    assert_array_equal(found.labels[:, 5], np.repeat([0, 1, -1, 2, 3], 4))
    assert found.k == 4
    assert_sound(found)


def test_merging_then_splitting_gives_the_former_clusters():
    found = refine(blobs(), [Merge((0, 3)), Split(1)])
    # Levels 10 and 40 have the mean 25, so together they are cluster 1.
    assert_array_equal(found.labels, blobs().labels)
    assert_allclose(found.centers, blobs().centers, rtol=1e-6)
    assert_allclose(found.inertia, blobs().inertia, rtol=1e-5)


def test_splitting_a_sample_finds_the_kinds_inside():
    stack, truth = sample(seed=3, kinds=4)
    found = segment(stack, 4)
    again = refine(found, [Merge((1, 2)), Split(1, 2)])
    inside = ~truth["edge"]
    assert (again.labels[inside] == found.labels[inside]).mean() > 0.999


def test_split_is_reproducible_and_follows_the_seed_of_the_segmentation():
    noise = np.random.default_rng(1).random((2, 30, 30))
    found = segment(intensities(noise), 2, features="raw", seed=5)
    first, second = (refine(found, [Split(0, 4)]) for _ in range(2))
    assert_array_equal(first.labels, second.labels)
    assert first.settings["seed"] == 5


def test_a_speckle_and_a_notch_are_cleaned():
    labels = np.zeros((9, 12), int)
    labels[:, 6:] = 1
    labels[4, 2], labels[4, 9] = 1, 0
    found = refine(labelled(labels), [Clean(3)])
    expected = np.repeat([[0, 1]], 6, axis=1) + np.zeros((9, 1), int)
    assert_array_equal(found.labels, expected)


def test_a_pixel_keeps_its_own_cluster_where_another_is_as_frequent():
    # Around the middle pixel stand three of its own kind, three of each other kind.
    labels = [[0, 0, 0], [1, 1, 1], [2, 2, 2]]
    assert refine(labelled(labels), [Clean(3)]).labels[1, 1] == 1


def test_pixels_without_data_do_not_vote():
    labels = np.full((5, 5), -1)
    labels[2, 2], labels[2, 3], labels[0, 0] = 0, 1, 2
    found = refine(labelled(labels), [Clean(3)])
    assert_array_equal(found.labels, labels)


def test_cleaning_does_not_bring_back_what_was_dropped():
    labels = np.zeros((6, 6), int)
    labels[2, 2], labels[5, 5] = 1, 2
    dropped = refine(labelled(labels), [Drop(1)])
    assert_array_equal(refine(dropped, [Clean(3)]).labels < 0, labels == 1)


def test_a_filter_larger_than_the_map_gives_the_most_frequent_cluster():
    labels = [[0, 0, 0, 1], [1, -1, 0, 2]]
    assert_array_equal(
        refine(labelled(labels), [Clean(MAX_FILTER_SIZE)]).labels, [[0, 0, 0, 0], [0, -1, 0, 0]]
    )


# Properties


@given(label_maps(), st.sampled_from([3, 5, 7]))
@settings(max_examples=40, deadline=None)
def test_cleaning_is_a_majority_vote(labels, size):
    before = labelled(labels)
    after = refine(before, [Clean(size)]).labels
    assert_array_equal(after < 0, labels < 0)
    names = np.unique(after[after >= 0])
    reach = size // 2
    voted = np.full_like(labels, -1)
    for y, x in zip(*np.nonzero(labels >= 0), strict=True):
        window = labels[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1]
        votes = np.bincount(window[window >= 0], minlength=4)
        own = labels[y, x]
        voted[y, x] = own if votes[own] == votes.max() else votes.argmax()
    # Numbers may have changed with the means, so compare what is together with what.
    pairs = {(int(a), int(b)) for a, b in zip(voted.ravel(), after.ravel(), strict=True)}
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
    assert len(names) == len(np.unique(voted[voted >= 0]))


@given(steps())
@settings(max_examples=40, deadline=None)
def test_any_steps_leave_a_sound_segmentation_and_undo_is_exact(chosen):
    history = [blobs()]
    for step in chosen:
        try:
            history.append(refine(history[-1], [step]))
        except SettingError:
            assume(False)
    for number, found in enumerate(history):
        assert_sound(found)
        at_once = refine(blobs(), chosen[:number])
        assert_array_equal(at_once.labels, found.labels)
        assert_array_equal(at_once.centers, found.centers)
        assert at_once.inertia == found.inertia
        assert at_once.settings == found.settings
        lost = {step for step in chosen[:number] if isinstance(step, Drop)}
        if not lost:
            assert_array_equal(found.labels < 0, blobs().labels < 0)


@given(label_maps(), st.integers(0, 3))
@settings(max_examples=25, deadline=None)
def test_dropping_leaves_no_data_exactly_there(labels, cluster):
    before = labelled(labels)
    found = refine(before, [Drop(cluster)])
    assert_array_equal(found.labels < 0, (labels < 0) | (labels == cluster))


@given(steps(30))
@settings(max_examples=40, deadline=None)
def test_steps_survive_as_rows(chosen):
    assert [refinement_of(refinement_facts(step)) for step in chosen] == chosen


def test_numbers_of_numpy_become_plain():
    step = Merge(tuple(np.array([1, 2])))
    assert step == Merge((1, 2))
    assert {type(cluster) for cluster in step.clusters} == {int}
    assert type(Split(np.int16(2)).cluster) is int
    assert hash(Merge([1, 2])) == hash(Merge((1, 2)))


# Errors


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (Merge((0, 5)), "no cluster 5: they are numbered 0 to 4"),
        (Drop(7), "no cluster 7"),
        (Split(5), "no cluster 5"),
        (Split(1, 27), "more than 30 clusters"),
    ],
)
def test_a_step_that_does_not_fit_is_refused(step, message):
    with pytest.raises(SettingError, match=message) as error:
        refine(blobs(), [step])
    assert one_sentence(error)


def test_the_last_cluster_cannot_be_dropped():
    with pytest.raises(SettingError, match="keep at least one") as error:
        refine(blobs(), [Drop(0)] * 5)
    assert one_sentence(error)


def test_a_cluster_of_equal_pixels_cannot_be_split():
    found = segment(row([[1.0], [1], [1], [9], [9]]), 2, features="raw")
    for parts in (2, 4):
        with pytest.raises(SettingError, match="Cluster 0 has too few different pixels") as error:
            refine(found, [Split(0, parts)])
        assert one_sentence(error)


@pytest.mark.parametrize(
    "values",
    [
        {"action": "paint"},
        {"action": ["merge"]},
        {},
        {"action": "merge"},
        {"action": "merge", "clusters": 5},
        {"action": "merge", "clusters": "01"},
        {"action": "merge", "clusters": [0]},
        {"action": "merge", "clusters": [1, 1]},
        {"action": "merge", "clusters": [0, True]},
        {"action": "merge", "clusters": [0, -1]},
        {"action": "merge", "clusters": [0, 1.5]},
        {"action": "split", "cluster": "a"},
        {"action": "split", "cluster": 0, "parts": 1},
        {"action": "split", "cluster": 0, "parts": 2, "seed": 3},
        {"action": "drop", "cluster": 30},
        {"action": "drop", "clusters": [1]},
        {"action": "clean", "size": 4},
        {"action": "clean", "size": 1},
        {"action": "clean", "size": 3.0},
        {"action": "clean", "size": 10**9 + 1},
    ],
)
def test_a_row_that_makes_no_sense_is_refused(values):
    with pytest.raises(SettingError) as error:
        refinement_of(values)
    assert one_sentence(error)
