"""How well each number of clusters describes a stack: inertia, silhouette, Calinski-Harabasz."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.parallel import ordered_map, single_threaded
from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.stack import ImageStack
from ellimaps.maps.clustering.features import Features, FeatureSpace
from ellimaps.maps.clustering.kmeans import KMeans, KMeansFit
from ellimaps.maps.clustering.suggestion import Suggestion, checked_range, suggestion_for

SILHOUETTE_PIXELS = 2048
"""Their distances take 16 MB, and a mean silhouette has a standard error of 0.002 to 0.006."""

# A block of distances of 1 MB, which a core's cache holds; no result depends on it.
_DISTANCE_ROWS = 128


@dataclass(frozen=True, kw_only=True)
class ClusterEstimate(Suggestion):
    """A suggested number of clusters, and how well each number describes a stack.

    Attributes
    ----------
    table : DataFrame
        One row per k: ``k, inertia, silhouette, silhouette_se, calinski_harabasz, seconds``. It ends early
        where there are fewer different pixels than clusters.
    elbow_k, silhouette_k : int
        The k at the elbow of the inertia and at the highest silhouette.
    """

    table: pd.DataFrame
    elbow_k: int
    silhouette_k: int


def estimate_k(
    stack: ImageStack,
    *,
    k_range: Iterable[int] = range(2, 11),
    features: Features | None = None,
    seed: int = 0,
    on_progress: Progress = no_progress,
) -> ClusterEstimate:
    """Compare numbers of clusters, and suggest one.

    Parameters
    ----------
    stack : ImageStack
        Usually preprocessed, so that few pixels lack a value.
    k_range : iterable of int
        Numbers of clusters to try, within 2..30.
    features : {"raw", "standard", "ncs"}, optional
        See `ellimaps.maps.clustering.features.feature_matrix`.
    seed : int
        Seed of the random starts and of the silhouette's sample.
    on_progress : callable, optional
        Called as ``on_progress(done, total, what)`` after every k.

    Returns
    -------
    ClusterEstimate
        The suggestion, which is that of `suggest_k`, and the table.

    Raises
    ------
    SettingError
        If the range or the features do not fit the stack.
    """
    ks = checked_range(k_range)
    space = FeatureSpace(stack, features)
    with single_threaded():
        table = _compared(KMeans(space, seed), ks, on_progress)
        suggestion = suggestion_for(stack, space, ks, seed)
    tried = table["k"].to_numpy()
    return ClusterEstimate(
        **vars(suggestion),
        table=table,
        elbow_k=elbow(tried, table["inertia"].to_numpy()),
        silhouette_k=int(tried[table["silhouette"].to_numpy().argmax()]),
    )


def _compared(kmeans: KMeans, ks: list[int], on_progress: Progress) -> pd.DataFrame:
    on_progress(0, len(ks), "comparing numbers of clusters")
    seconds, centers = [], []
    for done, k in enumerate(ks, start=1):
        start = time.perf_counter()
        centers.append(kmeans.centers(k))
        seconds.append(time.perf_counter() - start)
        on_progress(done, len(ks), "comparing numbers of clusters")
    return _table(kmeans, ks, centers, seconds)


def _table(
    kmeans: KMeans, ks: list[int], centers: list[NDArray[np.float64]], seconds: list[float]
) -> pd.DataFrame:
    start = time.perf_counter()
    sample = SilhouetteSample(kmeans.space, kmeans.seed)
    n_pixels = kmeans.space.n_pixels
    rows = []
    fits = kmeans.assess(centers)
    for k, fit, score in zip(ks, fits, sample.scores_of(fits), strict=False):
        index = _calinski_harabasz(kmeans.total, fit.inertia, n_pixels, k)
        rows.append((k, fit.inertia, score.mean, score.error, index))
    columns = ["k", "inertia", "silhouette", "silhouette_se", "calinski_harabasz"]
    shared = (time.perf_counter() - start) / len(rows)
    return pd.DataFrame(rows, columns=columns).assign(seconds=np.array(seconds[: len(rows)]) + shared)


def elbow(ks: NDArray[np.integer], inertia: NDArray[np.floating]) -> int:
    """Return the k at the elbow of a falling convex curve.

    Both axes are scaled to 0..1; the elbow is where the curve lies furthest below its chord, which is
    Kneedle without smoothing.

    References
    ----------
    V. Satopaa et al., Finding a "kneedle" in a haystack, ICDCSW 2011, doi:10.1109/ICDCSW.2011.20.
    """
    if len(ks) == 1 or np.ptp(inertia) == 0:
        return int(ks[0])
    across = (ks - ks[0]) / (ks[-1] - ks[0])
    down = (inertia - inertia.min()) / np.ptp(inertia)
    return int(ks[np.argmax(1 - down - across)])


class Silhouette(NamedTuple):
    """Mean silhouette of all pixels, and its standard error."""

    mean: float
    error: float


class SilhouetteSample:
    """Silhouettes from one random sample of pixels, shared by every k.

    Distances are taken within the sample, so that memory does not grow with the image. The mean over all
    pixels is the mean over clusters weighted by their true sizes, and its standard error is that of a sample
    stratified afterwards.

    Parameters
    ----------
    space : FeatureSpace
        The pixels.
    seed : int
        Seed of the sample.
    size : int
        Number of pixels in the sample.

    References
    ----------
    P. J. Rousseeuw, Silhouettes, J. Comput. Appl. Math. 20 (1987), doi:10.1016/0377-0427(87)90125-7.
    """

    def __init__(self, space: FeatureSpace, seed: int = 0, size: int = SILHOUETTE_PIXELS) -> None:
        rng = np.random.default_rng(seed)
        self._all = space.n_pixels
        count = min(size, self._all)
        self._pixels = np.sort(rng.choice(self._all, count, replace=False))
        with single_threaded():
            self._distances = _distances(space.take(self._pixels).astype(np.float64))

    def scores_of(self, fits: Sequence[KMeansFit]) -> list[Silhouette]:
        """Return the mean silhouettes of several clusterings."""
        with single_threaded():
            return list(ordered_map(lambda fit: self._score(fit.labels, len(fit.centers)), fits))

    def _score(self, labels: NDArray[np.int16], k: int) -> Silhouette:
        sizes = np.bincount(labels, minlength=k)
        own = labels[self._pixels]
        details = _silhouettes(self._distances, own, np.bincount(own, minlength=k))
        return _stratified(details, self._distances, own, sizes)


@dataclass(frozen=True)
class _Details:
    """Silhouettes of sampled pixels, and their change with the distances to the own and the next cluster."""

    values: NDArray[np.float64]
    inside: NDArray[np.float64]
    outside: NDArray[np.float64]
    next: NDArray[np.intp]
    by_inside: NDArray[np.float64]
    by_outside: NDArray[np.float64]


def _distances(points: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the distances between all points; ``points`` has the shape (feature, point)."""
    points = points - points.mean(axis=1, keepdims=True)
    squares = np.einsum("ij,ij->j", points, points)
    distances = np.empty((squares.size, squares.size), dtype=np.float32)
    doubled = -2 * points

    def fill(first: int) -> None:
        rows = slice(first, first + _DISTANCE_ROWS)
        block = points[:, rows].T @ doubled
        block += squares[rows, None]
        block += squares
        np.maximum(block, 0, out=block)
        distances[rows] = np.sqrt(block, out=block)

    for _ in ordered_map(fill, range(0, squares.size, _DISTANCE_ROWS)):
        pass
    np.fill_diagonal(distances, 0)
    return distances


def _silhouettes(
    distances: NDArray[np.float32], own: NDArray[np.int16], counts: NDArray[np.int64]
) -> _Details:
    rows = np.arange(own.size)
    member = (own[:, None] == np.arange(counts.size)).astype(np.float32)
    sums = (distances @ member).astype(np.float64)
    inside = sums[rows, own] / np.maximum(counts[own] - 1, 1)
    means = np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)
    means[rows, own] = np.inf
    nearest = means.argmin(axis=1)
    outside = means[rows, nearest]
    larger = np.maximum(inside, outside)
    # A pixel alone in its cluster, or without another cluster, has the silhouette 0 by definition.
    fine = (counts[own] > 1) & np.isfinite(outside) & (larger > 0)
    inside, outside, larger = np.where(fine, [inside, outside, larger], [[0.0], [0.0], [1.0]])
    tight = inside < outside
    slope = fine / larger
    return _Details(
        (outside - inside) / larger,
        inside,
        outside,
        nearest,
        np.where(tight, -slope, -slope * outside / larger),
        np.where(tight, slope * inside / larger, slope),
    )


def _stratified(
    details: _Details,
    distances: NDArray[np.float32],
    own: NDArray[np.int16],
    sizes: NDArray[np.int64],
) -> Silhouette:
    """Return the mean over clusters, weighted by their sizes, and its standard error.

    A sampled pixel counts twice: by its own silhouette, and as one of those to which the others take their
    mean distances. The error is that of the sum of both (the linearised estimator).
    """
    counts = np.bincount(own, minlength=sizes.size)
    seen = np.maximum(counts, 1)
    shares = np.where(counts > 0, sizes, 0) / sizes[counts > 0].sum()
    rows = np.arange(own.size)
    means = np.bincount(own, details.values, minlength=sizes.size) / seen
    pull = np.zeros((own.size, sizes.size))
    pull[rows, own] = details.by_inside
    pull[rows, details.next] += details.by_outside
    pull *= (shares / seen)[own, None]
    expected = np.bincount(own, pull[rows, own] * details.inside, minlength=sizes.size)
    expected += np.bincount(details.next, pull[rows, details.next] * details.outside, minlength=sizes.size)
    pulled = (distances @ pull.astype(np.float32))[rows, own] - expected[own]
    influence = (shares[own] * (details.values - means[own]) + pulled) / seen[own]
    variances = np.bincount(own, influence**2, minlength=sizes.size) * seen / np.maximum(counts - 1, 1)
    variances *= 1 - counts / np.maximum(sizes, 1)
    return Silhouette(float(shares @ means), float(np.sqrt(variances.sum())))


def _calinski_harabasz(total: float, inertia: float, n_pixels: int, k: int) -> float:
    if n_pixels <= k or inertia == 0:
        return float("nan")
    return (total - inertia) / (k - 1) / (inertia / (n_pixels - k))
