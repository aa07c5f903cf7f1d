"""KMeans: as good as scikit-learn's best of ten, deterministic, and sound on odd input."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.cluster import KMeans as Peer
from support.stacks import delta_psi, intensities, one_sentence, real, row, sample
from threadpoolctl import threadpool_limits

from ellimaps.core.errors import SettingError
from ellimaps.maps.clustering import features as features_module, kmeans as module
from ellimaps.maps.clustering.center_search import lloyd
from ellimaps.maps.clustering.features import FeatureSpace, feature_matrix
from ellimaps.maps.clustering.kmeans import KMeans
from ellimaps.maps.clustering.weighted_points import LEAVES, SINGLES, WeightedPoints, condense


def best_of_ten(points, k):
    # Its threads wait for each other in busy loops, which takes minutes on a loaded machine.
    with threadpool_limits(1):
        return Peer(k, n_init=10, random_state=0).fit(points.astype(np.float64)).inertia_


def fit(points, k, seed=0):
    return KMeans(FeatureSpace(row(points), "raw"), seed).fit(k)


def squared_distances(points, centers):
    return ((points[:, None, :].astype(np.float64) - centers) ** 2).sum(axis=2)


def blobs(seed, n, k, features=3, noise=0.3):
    rng = np.random.default_rng(seed)
    kinds = rng.integers(k, size=n)
    return (rng.uniform(-10, 10, (k, features))[kinds] + rng.normal(0, noise, (n, features))).astype(
        np.float32
    )


@pytest.mark.parametrize("kind", ["raw", "ncs"])
def test_as_good_as_the_best_of_ten_on_the_real_folder(real_hbn, kind):
    space = FeatureSpace(real(real_hbn), kind)
    kmeans, points = KMeans(space), feature_matrix(real(real_hbn), kind)[0]
    for k in (3, 6, 10):
        assert kmeans.fit(k).inertia <= 1.001 * best_of_ten(points, k), k


@pytest.mark.parametrize(("kind", "wrap"), [("raw", False), ("ncs", False), ("ncs", True)])
def test_as_good_as_the_best_of_ten_on_samples(kind, wrap):
    stack, _ = sample(seed=2, kinds=5, wrap=wrap)
    kmeans, points = KMeans(FeatureSpace(stack, kind)), feature_matrix(stack, kind)[0]
    for k in range(2, 11):
        assert kmeans.fit(k).inertia <= 1.001 * best_of_ten(points, k), k


@pytest.mark.parametrize("n", [LEAVES + SINGLES, LEAVES + SINGLES + 1, 2 * LEAVES, 2 * LEAVES + 1, 20_011])
def test_as_good_as_the_best_of_ten_around_the_leaf_sizes(n):
    points = blobs(n, n, 6, noise=2.0)
    assert fit(points, 6).inertia <= 1.001 * best_of_ten(points, 6)


@pytest.mark.parametrize("k", [1, 2, 5, 30])
def test_inertia_centres_and_labels_belong_together(k):
    points = blobs(k, 9000, 7, features=5, noise=1.0)
    found = fit(points, k)
    distances = squared_distances(points, found.centers)
    own = distances[np.arange(len(points)), found.labels]
    assert_allclose(found.inertia, own.sum(), rtol=1e-9)
    assert_array_equal(np.unique(found.labels), np.arange(k))
    means = [points[found.labels == c].mean(axis=0, dtype=np.float64) for c in range(k)]
    assert_allclose(found.centers, means, atol=1e-6)
    # The iteration ends before the last few pixels on a border have found their side.
    assert np.mean(found.labels != distances.argmin(axis=1)) < 5e-3
    assert own.sum() <= (1 + 1e-4) * distances.min(axis=1).sum()


def test_each_pixel_of_the_real_folder_has_its_nearest_centre(real_hbn):
    points = feature_matrix(real(real_hbn), "raw")[0]
    found = KMeans(FeatureSpace(real(real_hbn), "raw")).fit(5)
    distances = squared_distances(points, found.centers)
    own = distances[np.arange(len(points)), found.labels]
    assert_allclose(found.inertia, own.sum(), rtol=1e-9)
    assert np.mean(found.labels != distances.argmin(axis=1)) < 1e-3
    assert own.sum() <= (1 + 1e-5) * distances.min(axis=1).sum()


@given(st.integers(0, 999), st.integers(1, 8), st.integers(1, 4), st.integers(8, 60))
@settings(max_examples=40, deadline=None)
def test_small_random_sets(seed, k, features, n):
    points = np.random.default_rng(seed).normal(size=(n, features)).astype(np.float32)
    found = fit(points, k, seed)
    assert_array_equal(np.unique(found.labels), np.arange(k))
    own = squared_distances(points, found.centers)[np.arange(n), found.labels]
    assert_allclose(found.inertia, own.sum(), atol=1e-12)
    assert found.inertia <= 1.1 * best_of_ten(points, k) + 1e-9


@pytest.mark.parametrize("n", [LEAVES + SINGLES, LEAVES + SINGLES + 1, 2 * LEAVES + 1, 20_011])
def test_the_weighted_points_stand_for_every_pixel_once(n):
    points = blobs(n, n, 5).T.astype(np.float64)
    few = condense(points)
    assert few.values.shape[1] == few.weights.size <= max(n, LEAVES + SINGLES)
    assert_allclose(few.weights.sum(), n)
    assert_allclose(few.values @ few.weights, points.sum(axis=1), atol=1e-6)
    assert (few.weights > 0).all()


def test_the_total_is_the_inertia_of_one_cluster():
    points = 500 + blobs(0, 3000, 4)
    kmeans = KMeans(FeatureSpace(row(points), "raw"))
    assert_allclose(kmeans.total, kmeans.fit(1).inertia)
    assert_allclose(kmeans.total, ((points - points.mean(0, dtype=float)) ** 2).sum())


# Odd input


def test_one_and_two_pixels():
    assert fit([[3.0, 4.0]], 1).inertia == 0
    found = fit([[1.0], [5.0]], 2)
    assert set(found.labels) == {0, 1}
    assert found.inertia == 0
    assert fit([[1.0], [5.0]], 1).inertia == 8
    with pytest.raises(SettingError, match="k = 3 clusters cannot be made of 2 pixels") as error:
        fit([[1.0], [5.0]], 3)
    assert one_sentence(error)


@pytest.mark.parametrize("n", [5, 3 * LEAVES + 7])
@pytest.mark.parametrize("values", [1, 3, 7])
def test_as_many_clusters_as_different_values_and_not_more(n, values):
    points = np.repeat((np.arange(values) ** 2 + 0.1)[:, None], 2, axis=1)[np.arange(n + values) % values]
    found = fit(points, values)
    assert found.inertia < 1e-9
    assert_array_equal(np.unique(found.labels), np.arange(values))
    with pytest.raises(SettingError, match=f"take only {values} different values") as error:
        fit(points, values + 1)
    assert one_sentence(error)


def test_rare_values_among_heavy_duplicates_are_found():
    # Leaf means mix the few odd pixels with others: clusters must not be lost on the way back to pixels.
    points = np.zeros((50_000, 2), np.float32)
    points[::1000] = [1, 0]
    points[7::10_000] = [0, 1]
    points[9::20_000] = [1, 1]
    assert fit(points, 4).inertia < 1e-9
    assert fit(points, 3).inertia <= 1.001 * best_of_ten(points, 3)


def test_one_hot_pixel_is_a_cluster_of_its_own():
    points = np.random.default_rng(0).normal(0, 1, (30_000, 1)).astype(np.float32)
    points[1234] = 1e5
    found = fit(points, 2)
    assert sorted(np.bincount(found.labels)) == [1, 29_999]


@pytest.mark.parametrize("seed", range(4))
def test_no_cluster_is_lost_where_k_exceeds_the_kinds(seed):
    # Small maps of few kinds once ended in "too many clusters" though all pixels differed.
    stack, _ = sample(seed=seed, size=(64, 80), kinds=3)
    assert KMeans(FeatureSpace(stack)).fit(10).labels.max() == 9


def test_centres_that_serve_no_point_move_to_the_worst_served():
    values = np.repeat([[0.0, 1, 10, 11, 50]], 4, axis=1)
    found = lloyd(WeightedPoints(values), np.arange(5.0)[None, :, None] * 1e3, 60, 1e-5)
    assert found.inertia[0] < 1e-20
    assert_allclose(np.sort(found.centers[0, :, 0]), [0, 1, 10, 11, 50])


def test_thirty_clusters():
    points = blobs(3, 20_000, 30, features=4)
    found = fit(points, 30)
    assert_array_equal(np.unique(found.labels), np.arange(30))
    assert found.inertia <= 1.001 * best_of_ten(points, 30)


@pytest.mark.parametrize("offset", [1e4, -1e4])
def test_a_big_offset_costs_no_accuracy(offset):
    points = (offset + blobs(1, 10_000, 5, noise=1.0)).astype(np.float32)
    found = fit(points, 5)
    assert found.inertia <= 1.001 * best_of_ten(points, 5)
    own = squared_distances(points, found.centers)[np.arange(len(points)), found.labels]
    assert_allclose(found.inertia, own.sum(), rtol=1e-9)


@pytest.mark.parametrize("apart", [1e3, 1e4])
def test_tight_clusters_far_apart_and_beside_each_other(apart):
    # The second axis holds 1e-6 and less of the variance, and yet two kinds each.
    rng = np.random.default_rng(0)
    kinds = np.arange(12_000) % 4
    truth = np.array([[0, 0], [0, 5], [apart, 0], [apart, 5]])
    points = (truth[kinds] + rng.normal(0, 0.3, (12_000, 2))).astype(np.float32)
    labels = fit(points, 4).labels
    assert len({(a, b) for a, b in zip(kinds, labels, strict=True)}) == 4


def test_one_band():
    points = blobs(2, 15_000, 4, features=1)
    assert fit(points, 4).inertia <= 1.001 * best_of_ten(points, 4)
    image = KMeans(FeatureSpace(intensities(points.reshape(100, 150)))).fit(4)
    assert image.centers.shape == (4, 1)


@pytest.mark.parametrize("seed", [-1, 2.5, None, 2**32])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(SettingError, match="seed") as error:
        fit([[1.0], [2.0]], 1, seed)
    assert one_sentence(error)


def test_large_images_are_searched_on_a_sample_but_clustered_whole(monkeypatch):
    points = blobs(4, 30_000, 5, noise=2.0)
    whole = fit(points, 5)
    monkeypatch.setattr(module, "SAMPLE_PIXELS", 10_000)
    monkeypatch.setattr(features_module, "CACHE_BYTES", 0)
    sampled = fit(points, 5)
    assert len(sampled.labels) == 30_000
    assert_allclose(sampled.inertia, whole.inertia, rtol=1e-3)


# Determinism


def test_the_same_seed_gives_the_same_clusters():
    points = blobs(5, 12_000, 6, noise=3.0)
    kmeans = KMeans(FeatureSpace(row(points), "raw"))
    kmeans.fit(3)
    first, second, fresh = kmeans.fit(6), kmeans.fit(6), fit(points, 6)
    for other in (second, fresh):
        assert_array_equal(first.labels, other.labels)
        assert_array_equal(first.centers, other.centers)
        assert first.inertia == other.inertia


PROGRAM = """
import hashlib
import numpy as np
from ellimaps.maps.clustering.features import FeatureSpace
from ellimaps.maps.clustering.kmeans import KMeans
from support.stacks import delta_psi
rng = np.random.default_rng(0)
stack = delta_psi(rng.uniform(0, 360, (9, 100, 120)), rng.uniform(0, 90, (9, 100, 120)))
found = KMeans(FeatureSpace(stack)).fit(7)
print(hashlib.sha256(found.labels.tobytes() + found.centers.tobytes()).hexdigest(), repr(found.inertia))
"""


def test_other_processes_and_thread_counts_give_the_same_bytes():
    printed = set()
    for threads in ("1", "2"):
        path = os.pathsep.join(p for p in sys.path if p)
        env = {**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": threads, "PYTHONHASHSEED": threads}
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM], env=env, capture_output=True, text=True, check=True
        )
        printed.add(run.stdout)
    assert len(printed) == 1
    assert delta_psi  # what the program builds its stack with
