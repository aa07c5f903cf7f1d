"""Two segmentations of the same maps."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from support.stacks import intensities, one_sentence

from ellimaps.core.errors import SettingError
from ellimaps.maps.comparison import compare, match_clusters, shared_pixels
from ellimaps.maps.refinement import Drop, Merge, Split, refine
from ellimaps.maps.segmentation import Segmentation, segment


def labelled(labels, k=None):
    labels = np.asarray(labels, np.int16).reshape(1, -1)
    k = k or int(labels.max()) + 1
    stack = intensities(np.zeros((1, labels.size)))
    return Segmentation(labels, np.zeros((max(k, 1), 1)), 0.0, {}, stack)


pairs = st.integers(2, 60).flatmap(
    lambda size: st.tuples(*[st.lists(st.integers(-1, 4), min_size=size, max_size=size)] * 2)
)


@given(pairs)
@settings(max_examples=200, deadline=None)
def test_the_adjusted_rand_index_counts_pairs_of_pixels(drawn):
    first, second = map(np.array, drawn)
    both = (first >= 0) & (second >= 0)
    found = compare(labelled(first, 5), labelled(second, 5))
    assert found.overlap.sum() == both.sum()
    pairs_of_pixels = list(combinations(np.flatnonzero(both), 2))
    in_first = {pair for pair in pairs_of_pixels if first[pair[0]] == first[pair[1]]}
    in_second = {pair for pair in pairs_of_pixels if second[pair[0]] == second[pair[1]]}
    expected = len(in_first) * len(in_second) / max(len(pairs_of_pixels), 1)
    largest = (len(in_first) + len(in_second)) / 2
    # Two clusterings of single pixels, or of everything in one, are the same.
    truth = 1.0 if largest == expected else (len(in_first & in_second) - expected) / (largest - expected)
    assert found.adjusted_rand == pytest.approx(truth, abs=1e-12)


@given(pairs)
@settings(max_examples=200, deadline=None)
def test_matches_are_one_to_one_and_share_most_pixels(drawn):
    old, new = (labelled(labels, 5) for labels in drawn)
    matches = match_clusters(old, new)
    assert len(set(matches.values())) == len(matches)
    overlap = shared_pixels(old, new)
    assert all(overlap[was, now] > 0 for now, was in matches.items())
    # No better pairing by exchanging two partners.
    for now, was in matches.items():
        for also_now, also_was in matches.items():
            kept = overlap[was, now] + overlap[also_was, also_now]
            assert now == also_now or kept >= overlap[was, also_now] + overlap[also_was, now]


def test_matches_after_renumbering():
    old = labelled([0] * 5 + [1] * 5 + [2] * 5)
    new = labelled([2] * 5 + [0] * 5 + [1] * 5)
    assert match_clusters(old, new) == {2: 0, 0: 1, 1: 2}
    assert compare(old, new).adjusted_rand == 1


def test_sentences_say_what_became_of_each_cluster():
    first = labelled([0] * 100 + [1] * 50 + [2] * 50 + [3] * 100 + [4] * 10)
    second = labelled([0] * 99 + [1] + [0] + [1] * 49 + [1] * 50 + [2] * 60 + [3] * 40 + [-1] * 10)
    assert compare(first, second).sentences() == [
        "Cluster 0 is cluster 0 of the second (99.0% of its pixels).",
        "Cluster 1 is part of cluster 1 of the second (98.0% of its pixels).",
        "Cluster 2 is part of cluster 1 of the second (100.0% of its pixels).",
        "Cluster 3 is split into clusters 2 (60.0%) and 3 (40.0%) of the second.",
        "Cluster 4 has no pixel in the second segmentation.",
    ]


def test_refinements_are_told_as_what_they_are():
    values = np.repeat([10.0, 20, 30, 40], 30) + np.random.default_rng(0).normal(0, 0.1, 120)
    before = segment(intensities(values.reshape(10, 12)), 4, features="raw")
    merged = compare(before, refine(before, [Merge((1, 2))])).sentences()
    assert [sentence.split(" of the")[0] for sentence in merged] == [
        "Cluster 0 is cluster 0",
        "Cluster 1 is part of cluster 1",
        "Cluster 2 is part of cluster 1",
        "Cluster 3 is cluster 2",
    ]
    assert "is split into clusters" in compare(before, refine(before, [Split(0)])).sentences()[0]
    assert "no pixel" in compare(before, refine(before, [Drop(3)])).sentences()[3]


def test_three_parts_are_listed_from_the_largest():
    (sentence,) = compare(labelled([0] * 10), labelled([0] * 2 + [1] * 5 + [2] * 3)).sentences()
    assert sentence == "Cluster 0 is split into clusters 1 (50.0%), 2 (30.0%) and 0 (20.0%) of the second."


def test_maps_of_different_size_are_refused():
    with pytest.raises(SettingError, match="cannot be compared") as error:
        compare(labelled([0, 1]), labelled([0, 1, 1]))
    assert one_sentence(error)
