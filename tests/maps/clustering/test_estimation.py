"""How well each number of clusters does: silhouettes, elbow, Calinski-Harabasz."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import calinski_harabasz_score, silhouette_samples, silhouette_score
from support.stacks import clouds, one_sentence, row, sample

from ellimaps.core.errors import SettingError
from ellimaps.maps.clustering import estimation as module
from ellimaps.maps.clustering.estimation import SilhouetteSample, elbow, estimate_k
from ellimaps.maps.clustering.features import FeatureSpace, feature_matrix
from ellimaps.maps.clustering.kmeans import KMeans, KMeansFit

COLUMNS = ["k", "inertia", "silhouette", "silhouette_se", "calinski_harabasz", "seconds"]


def silhouettes(sample, labels, k):
    """The silhouettes of one clustering, given by its labels."""
    (scores,) = sample.scores_of([KMeansFit(labels, np.zeros((k, 1)), 0.0)])
    return scores


@pytest.fixture(scope="module")
def noisy():
    """Features of some clouds, and clusterings of them."""
    space = FeatureSpace(row(clouds(9000, 4, 1.0)), "raw")
    kmeans = KMeans(space)
    points = space.take(np.arange(space.n_pixels)).T.astype(float)
    return space, points, {k: kmeans.fit(k).labels for k in (2, 4, 7)}


@pytest.mark.parametrize("k", [2, 4, 7])
def test_silhouettes_of_a_sample_match_those_of_all_pixels(noisy, k):
    space, points, labels = noisy
    exact = silhouette_samples(points, labels[k])
    scores = silhouettes(SilhouetteSample(space, size=2000), labels[k], k)
    assert abs(scores.mean - exact.mean()) <= 3 * scores.error
    assert 0 < scores.error < 0.02


@pytest.mark.parametrize("k", [2, 4, 7])
def test_the_standard_errors_are_honest(noisy, k):
    space, points, labels = noisy
    exact = silhouette_score(points, labels[k])
    samples = [SilhouetteSample(space, seed=seed, size=600) for seed in range(60)]
    scores = [silhouettes(sample, labels[k], k) for sample in samples]
    means, errors = np.transpose([(score.mean, score.error) for score in scores])
    assert 0.7 < means.std() / errors.mean() < 1.4
    assert abs(means.mean() - exact) < 4 * errors.mean() / np.sqrt(60)


def test_a_sample_of_all_pixels_is_exact():
    space = FeatureSpace(row(clouds(800, 4, 1.0)), "raw")
    labels = KMeans(space).fit(4).labels
    points = space.take(np.arange(800)).T
    scores = silhouettes(SilhouetteSample(space), labels, 4)
    assert_allclose(scores.mean, silhouette_score(points, labels), atol=1e-5)
    assert scores.error == 0


def test_silhouettes_of_tight_clusters_far_apart_are_exact():
    # Squared distances taken in single precision are nothing but rounding errors here.
    rng = np.random.default_rng(0)
    points = rng.normal(0, 1, (600, 2)) + np.array([1e4, 0]) * (np.arange(600) % 2)[:, None]
    space = FeatureSpace(row(points), "raw")
    labels = ((np.arange(600) % 2) * 2 + (points[:, 1] > 0)).astype(np.int16)
    expected = silhouette_score(space.take(np.arange(600)).T.astype(float), labels)
    assert_allclose(silhouettes(SilhouetteSample(space), labels, 4).mean, expected, atol=1e-3)


def test_single_pixels_and_clusters_outside_the_sample_score_nothing():
    points = np.r_[np.zeros(50), np.ones(49), 9.0][:, None]
    space = FeatureSpace(row(points), "raw")
    labels = np.r_[np.zeros(50), np.ones(49), 2].astype(np.int16)
    scores = silhouettes(SilhouetteSample(space), labels, 3)
    assert_allclose(scores.mean, silhouette_score(points, labels), atol=1e-6)
    assert silhouettes(SilhouetteSample(space, size=3), labels, 3).mean <= 1
    single = silhouettes(SilhouetteSample(space), np.zeros(100, np.int16), 1)
    assert (single.mean, single.error) == (0, 0)


def test_the_table_holds_the_documented_numbers():
    space = FeatureSpace(row(clouds(3000, 4, 0.5)), "raw")
    stack = row(clouds(3000, 4, 0.5))
    estimate = estimate_k(stack, k_range=[5, 3, 2], features="raw")
    assert list(estimate.table) == COLUMNS
    assert estimate.table["k"].tolist() == [2, 3, 5]
    points = feature_matrix(stack, "raw")[0].astype(float)
    for line in estimate.table.itertuples():
        kmeans = KMeans(space)
        (fit,) = kmeans.assess([kmeans.centers(line.k)])
        means = np.array([points[fit.labels == cluster].mean(axis=0) for cluster in range(line.k)])
        assert line.inertia == pytest.approx(fit.inertia, rel=1e-12)
        assert line.inertia == pytest.approx(((points - means[fit.labels]) ** 2).sum(), rel=1e-9)
        assert line.inertia <= kmeans.fit(line.k).inertia * 1.001
        assert_allclose(line.calinski_harabasz, calinski_harabasz_score(points, fit.labels), rtol=1e-6)
        assert line.seconds > 0
    assert estimate.settings == {"features": "raw", "seed": 0, "k_min": 2, "k_max": 5}


def test_centres_that_are_no_means_are_moved_to_them():
    space = FeatureSpace(row(clouds(3000, 4, 0.5)), "raw")
    points = feature_matrix(row(clouds(3000, 4, 0.5)), "raw")[0].astype(float)
    kmeans = KMeans(space)
    (fit,) = kmeans.assess([kmeans.centers(4) + 0.3])
    means = np.array([points[fit.labels == cluster].mean(axis=0) for cluster in range(4)])
    assert_allclose(fit.centers, means, atol=1e-6)
    assert fit.inertia == pytest.approx(((points - means[fit.labels]) ** 2).sum(), rel=1e-9)


def test_an_estimate_repeats():
    stack, _ = sample(seed=1, size=(48, 64), kinds=3, bands=3)
    first, second = (estimate_k(stack, k_range=range(2, 5), seed=3) for _ in range(2))
    assert first.table.drop(columns="seconds").equals(second.table.drop(columns="seconds"))
    assert first.reason == second.reason


# The elbow


@pytest.mark.parametrize("knee", [3, 4, 6])
def test_the_elbow_of_two_straight_lines_is_where_they_meet(knee):
    ks = np.arange(2, 11)
    inertia = np.where(ks <= knee, 100 - 20.0 * (ks - 2), 100 - 20.0 * (knee - 2) - (ks - knee))
    assert elbow(ks, inertia) == knee
    assert elbow(ks, 1e6 + 1e3 * inertia) == knee


def test_the_elbow_of_a_hyperbola_is_the_geometric_mean_of_its_ends():
    ks = np.arange(1, 26)
    assert elbow(ks, 1 / ks) == 5


def test_the_elbow_of_uneven_steps_uses_the_axis():
    assert elbow(np.array([2, 4, 20]), np.array([100.0, 10, 0])) == 4


def test_no_elbow_is_the_first_k():
    assert elbow(np.array([4]), np.array([3.0])) == 4
    assert elbow(np.arange(2, 6), np.zeros(4)) == 2


# The table's ends


def test_the_table_ends_where_there_are_no_more_different_pixels():
    stack = row(np.repeat([[0.0], [1.0], [5.0]], 200, axis=0))
    estimate = estimate_k(stack, features="raw")
    assert estimate.table["k"].tolist() == [2, 3]
    assert estimate.suggested_k == 3
    with pytest.raises(SettingError, match="k = 2 is too many") as error:
        estimate_k(row(np.ones((100, 1))))
    assert one_sentence(error)


@pytest.mark.parametrize("k_range", [[], [1, 2], [2, 31], [2.5], ["2"], range(0, 5)])
def test_a_range_that_makes_no_sense_is_refused(k_range):
    with pytest.raises(SettingError) as error:
        estimate_k(row([[1.0], [2.0], [3.0]]), k_range=k_range)
    assert one_sentence(error)


def test_progress_is_told_for_every_k():
    told = []
    stack = row(clouds(200, 3, 0.5))
    estimate_k(stack, k_range=[2, 3], features="raw", on_progress=lambda *step: told.append(step[:2]))
    assert told == [(0, 2), (1, 2), (2, 2)]


def test_memory_is_bounded_by_the_sample(monkeypatch):
    monkeypatch.setattr(module, "SILHOUETTE_PIXELS", 500)
    space = FeatureSpace(row(clouds(20_000, 3, 0.5)), "raw")
    scores = SilhouetteSample(space, size=500)
    assert_array_equal(scores._distances.shape, (500, 500))
