"""How many clusters does a stack hold: inertia with its elbow, silhouette, Calinski-Harabasz."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.errors import SettingError
from ellimaps.features import Features, FeatureSpace
from ellimaps.kmeans import KMeans, single_threaded
from ellimaps.progress import Progress, no_progress
from ellimaps.stack import ImageStack, whole_number

MAX_K = 30
SILHOUETTE_PIXELS = 4096
_DISTANCE_ROWS = 512
_GOOD_SILHOUETTE = 0.5
_SMALL_LEAD = 0.02


@dataclass(frozen=True)
class ClusterEstimate:
    """How well each number of clusters describes a stack, and the number suggested.

    Attributes
    ----------
    table : DataFrame
        One row per k: ``k, inertia, silhouette, silhouette_se, calinski_harabasz, seconds``. It ends early
        where there are fewer different pixels than clusters.
    elbow_k, silhouette_k : int
        The k at the elbow of the inertia and at the highest silhouette.
    suggested_k : int
        The k to take if in doubt: the highest silhouette when every cluster counts alike.
    reason : str
        Why, and how sure.
    settings : mapping
        Features and seed used.
    """

    table: pd.DataFrame
    elbow_k: int
    silhouette_k: int
    suggested_k: int
    reason: str
    settings: Mapping[str, Any]


def estimate_k(
    stack: ImageStack,
    *,
    k_range: Iterable[int] = range(2, 11),
    features: Features | None = None,
    seed: int = 0,
    on_progress: Progress = no_progress,
) -> ClusterEstimate:
    """Estimate how many clusters a stack holds.

    Parameters
    ----------
    stack : ImageStack
        Usually preprocessed, so that few pixels lack a value.
    k_range : iterable of int
        Numbers of clusters to try, within 2..30.
    features : {"raw", "standard", "ncs"}, optional
        See `ellimaps.features.feature_matrix`.
    seed : int
        Seed of the random starts and of the silhouette's sample.
    on_progress : callable, optional
        Called as ``on_progress(done, total, what)`` after every k.

    Returns
    -------
    ClusterEstimate
        The table and the suggestion.

    Raises
    ------
    SettingError
        If the range or the features do not fit the stack.
    """
    ks = _checked_range(k_range)
    on_progress(0, len(ks), "estimating the number of clusters")
    space = FeatureSpace(stack, features)
    kmeans = KMeans(space, seed)
    sample = SilhouetteSample(space, seed)
    rows: list[dict[str, Any]] = []
    scores: list[Silhouettes] = []
    for done, k in enumerate(ks, start=1):
        start = time.perf_counter()
        try:
            fit = kmeans.fit(k)
        except SettingError:
            if not rows:
                raise
            break  # There are not even k different pixels, and so not more.
        scores.append(sample.scores(fit.labels, k))
        rows.append(
            {
                "k": k,
                "inertia": fit.inertia,
                "silhouette": scores[-1].mean,
                "silhouette_se": scores[-1].error,
                "calinski_harabasz": _calinski_harabasz(kmeans.total, fit.inertia, space.n_pixels, k),
                "seconds": time.perf_counter() - start,
            }
        )
        on_progress(done, len(ks), "estimating the number of clusters")
    table = pd.DataFrame(rows)
    settings = {"features": space.kind, "seed": kmeans.seed, "k_min": ks[0], "k_max": ks[-1]}
    return _conclude(table, scores, settings)


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


@dataclass(frozen=True)
class Silhouettes:
    """Mean silhouettes of a clustering with their standard errors.

    Attributes
    ----------
    mean, error : float
        Over all pixels.
    balanced, balanced_error : float
        Mean over clusters of the mean over a cluster's pixels. A large background cannot hide two kinds in
        one cluster here, nor a cluster of the few pixels that an edge mixes.
    """

    mean: float
    error: float
    balanced: float
    balanced_error: float


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

    def score(self, labels: NDArray[np.int16], k: int) -> tuple[float, float]:
        """Return the mean silhouette of all pixels and its standard error.

        Parameters
        ----------
        labels : ndarray of int16, shape (pixel,)
            Cluster of each complete pixel.
        k : int
            Number of clusters.
        """
        scores = self.scores(labels, k)
        return scores.mean, scores.error

    def scores(self, labels: NDArray[np.int16], k: int) -> Silhouettes:
        """Return the mean over all pixels and the mean over all clusters, with their standard errors."""
        sizes = np.bincount(labels, minlength=k)
        own = labels[self._pixels]
        counts = np.bincount(own, minlength=k)
        shares = np.where(counts > 0, sizes, 0) / sizes[counts > 0].sum()
        with single_threaded():
            details = _silhouettes(self._distances, own, counts)
            mean = _stratified(details, self._distances, own, sizes, shares)
            balanced = _stratified(details, self._distances, own, sizes, np.full(k, 1 / k))
        return Silhouettes(*mean, *balanced)


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
    for start in range(0, squares.size, _DISTANCE_ROWS):
        rows = slice(start, start + _DISTANCE_ROWS)
        crossed = points[:, rows].T @ points
        distances[rows] = np.sqrt(np.maximum(squares[rows, None] - 2 * crossed + squares, 0))
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
    shares: NDArray[np.float64],
) -> tuple[float, float]:
    """Return the mean over clusters, weighted by their shares, and its standard error.

    A sampled pixel counts twice: by its own silhouette, and as one of those to which the others take their
    mean distances. The error is that of the sum of both (the linearised estimator).
    """
    counts = np.bincount(own, minlength=sizes.size)
    seen = np.maximum(counts, 1)
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
    return float(shares @ means), float(np.sqrt(variances.sum()))


def _checked_range(k_range: Iterable[int]) -> list[int]:
    ks = sorted({whole_number("k", k, 2, MAX_K) for k in k_range})
    if not ks:
        raise SettingError(f"The range of k is empty: choose numbers from 2 to {MAX_K}.")
    return ks


def _calinski_harabasz(total: float, inertia: float, n_pixels: int, k: int) -> float:
    if n_pixels <= k or inertia == 0:
        return float("nan")
    return (total - inertia) / (k - 1) / (inertia / (n_pixels - k))


def _conclude(table: pd.DataFrame, scores: list[Silhouettes], settings: Mapping[str, Any]) -> ClusterEstimate:
    ks = table["k"].to_numpy()
    balanced = np.array([score.balanced for score in scores])
    silhouette_k = int(ks[table["silhouette"].to_numpy().argmax()])
    best = int(balanced.argmax())
    elbow_k = elbow(ks, table["inertia"].to_numpy())
    reason = _reason(ks, scores, best, {"silhouette over all pixels": silhouette_k, "elbow": elbow_k})
    return ClusterEstimate(table, elbow_k, silhouette_k, int(ks[best]), reason, dict(settings))


def _reason(ks: NDArray[np.int64], scores: list[Silhouettes], best: int, others: Mapping[str, int]) -> str:
    k, score = ks[best], scores[best]
    mean = f"{score.balanced:.3f} +- {score.balanced_error:.3f}"
    if len(ks) == 1:
        return f"k = {k} is the only number tried; the mean silhouette of its clusters is {mean}."
    second = max((n for n in range(len(ks)) if n != best), key=lambda n: scores[n].balanced)
    lead = score.balanced - scores[second].balanced
    error = np.hypot(score.balanced_error, scores[second].balanced_error)
    clear = score.balanced > _GOOD_SILHOUETTE and lead > max(_SMALL_LEAD, 3 * error)
    agree = [name for name, other in others.items() if other == k]
    differ = [f"the {name} says {other}" for name, other in others.items() if other != k]
    text = f"k = {k} has the highest mean silhouette of its clusters ({mean}; next best "
    text += f"{scores[second].balanced:.3f} at k = {ks[second]})"
    text += "".join(f"; the {name} agrees" for name in agree) + "".join(f"; {name}" for name in differ)
    if clear:
        return f"{text}: the lead is clear."
    weak = "the clusters overlap" if score.balanced <= _GOOD_SILHOUETTE else "the lead is small"
    return f"{text}: {weak}, compare the maps of both."
