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
from ellimaps.kmeans import KMeans
from ellimaps.progress import Progress, no_progress
from ellimaps.stack import ImageStack

MAX_K = 30
SILHOUETTE_PIXELS = 4096

_DISTANCE_ROWS = 512


@dataclass(frozen=True)
class ClusterEstimate:
    """How well each number of clusters describes a stack, and the number suggested.

    Attributes
    ----------
    table : DataFrame
        One row per k: ``k, inertia, silhouette, silhouette_se, calinski_harabasz, seconds``.
    elbow_k, silhouette_k : int
        The k at the elbow of the inertia and at the highest silhouette.
    suggested_k : int
        The k to take if in doubt.
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
    rows = []
    for done, k in enumerate(ks, start=1):
        start = time.perf_counter()
        fit = kmeans.fit(k)
        silhouette, error = sample.score(fit.labels, k)
        rows.append(
            {
                "k": k,
                "inertia": fit.inertia,
                "silhouette": silhouette,
                "silhouette_se": error,
                "calinski_harabasz": _calinski_harabasz(kmeans.total, fit.inertia, space.n_pixels, k),
                "seconds": time.perf_counter() - start,
            }
        )
        on_progress(done, len(ks), "estimating the number of clusters")
    table = pd.DataFrame(rows)
    return _conclude(table, {"features": space.kind, "seed": seed, "k_min": ks[0], "k_max": ks[-1]})


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


class SilhouetteSample:
    """Silhouettes from one random sample of pixels, shared by every k.

    Distances are taken within the sample, in blocks of rows, so that memory does not grow with the image.
    The mean over all pixels is the mean over clusters weighted by their true sizes, and its standard error
    is that of a stratified sample.

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
        points = space.take(self._pixels)
        self._points = points - points.mean(axis=1, keepdims=True)

    def score(self, labels: NDArray[np.int16], k: int) -> tuple[float, float]:
        """Return the mean silhouette of all pixels and its standard error.

        Parameters
        ----------
        labels : ndarray of int16, shape (pixel,)
            Cluster of each complete pixel.
        k : int
            Number of clusters.
        """
        sizes = np.bincount(labels, minlength=k)
        own = labels[self._pixels]
        return _stratified(self._silhouettes(own, k), own, sizes)

    def _silhouettes(self, own: NDArray[np.int16], k: int) -> NDArray[np.float64]:
        member = (own[:, None] == np.arange(k)).astype(np.float32)
        counts = member.sum(axis=0)
        squares = np.einsum("ij,ij->j", self._points, self._points)
        result = np.empty(own.size)
        for start in range(0, own.size, _DISTANCE_ROWS):
            rows = np.arange(start, min(start + _DISTANCE_ROWS, own.size))
            crossed = self._points[:, rows].T @ self._points
            distances = np.sqrt(np.maximum(squares[rows][:, None] - 2 * crossed + squares, 0))
            distances[np.arange(rows.size), rows] = 0
            result[rows] = _row_silhouettes(distances @ member, counts, own[rows])
        return result


def _row_silhouettes(
    sums: NDArray[np.float32], counts: NDArray[np.float32], own: NDArray[np.int16]
) -> NDArray[np.float64]:
    """Silhouettes from each pixel's summed distance to every cluster."""
    rows = np.arange(own.size)
    others = np.maximum(counts[own] - 1, 1)
    inside = sums[rows, own] / others
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.where(counts > 0, sums / counts, np.inf)
    means[rows, own] = np.inf
    outside = means.min(axis=1)
    larger = np.maximum(np.maximum(inside, outside), np.finfo(np.float32).tiny)
    with np.errstate(invalid="ignore"):
        result = (outside - inside) / larger
    return np.where((counts[own] > 1) & np.isfinite(outside), result, 0.0)


def _stratified(
    silhouettes: NDArray[np.float64], own: NDArray[np.int16], sizes: NDArray[np.int64]
) -> tuple[float, float]:
    mean = variance = weight = 0.0
    for cluster, size in enumerate(sizes):
        values = silhouettes[own == cluster]
        if values.size:
            share = size / sizes.sum()
            unseen = 1 - values.size / size
            mean += share * values.mean()
            weight += share
            variance += share**2 * unseen * values.var(ddof=1) / values.size if values.size > 1 else 0.0
    return mean / weight, float(np.sqrt(variance)) / weight


def _checked_range(k_range: Iterable[int]) -> list[int]:
    ks = sorted({int(k) for k in k_range})
    if not ks or ks[0] < 2 or ks[-1] > MAX_K:
        raise SettingError(f"The range of k must lie within 2..{MAX_K} and not be empty.")
    return ks


def _calinski_harabasz(total: float, inertia: float, n_pixels: int, k: int) -> float:
    if n_pixels <= k or inertia == 0:
        return float("nan")
    return (total - inertia) / (k - 1) / (inertia / (n_pixels - k))


def _conclude(table: pd.DataFrame, settings: Mapping[str, Any]) -> ClusterEstimate:
    ks = table["k"].to_numpy()
    elbow_k = elbow(ks, table["inertia"].to_numpy())
    best = int(table["silhouette"].to_numpy().argmax())
    silhouette_k = int(ks[best])
    return ClusterEstimate(
        table, elbow_k, silhouette_k, silhouette_k, _reason(table, best, elbow_k), dict(settings)
    )


def _reason(table: pd.DataFrame, best: int, elbow_k: int) -> str:
    row = table.iloc[best]
    k = int(row["k"])
    text = f"k = {k}: the silhouette is highest there ({row['silhouette']:.3f} +- {row['silhouette_se']:.3f}"
    others = table.drop(index=table.index[best])
    if others.empty:
        return text + "; only one k was tried)."
    next_best = others.loc[others["silhouette"].idxmax()]
    text += f"; next best {next_best['silhouette']:.3f} at k = {int(next_best['k'])}), "
    agrees = "agrees" if elbow_k == k else f"is at {elbow_k}"
    text += f"and the elbow of the inertia {agrees}. "
    margin = row["silhouette"] - next_best["silhouette"]
    clear = margin > 3 * np.hypot(row["silhouette_se"], next_best["silhouette_se"])
    if clear and elbow_k == k:
        return text + "Both rules agree and the lead is clear."
    if clear:
        return text + "The lead is clear, but compare the maps of both."
    return text + "The lead is small: compare the maps of both."
