"""Groups of fields or wells with like profiles, found in the profiles and not in a picture of them."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.errors import SettingError
from ellimaps.core.parallel import one_thread
from ellimaps.plates.measuring.profiles import Profiles
from ellimaps.plates.statistics.components import Floats, Level, components_of, table_of

ClusterMethod = Literal["agglomerative", "kmeans", "hdbscan"]

MOST_TRIED = 12
"""Numbers of clusters tried by themselves: what the eye tells apart on a map. Any number can be asked for."""
MOST_POINTS = 20_000
"""All pairs of so many points take 1.6 GB."""


def cluster(
    profiles: Profiles,
    method: ClusterMethod = "agglomerative",
    seed: int = 0,
    level: Level = "field",
    n_clusters: int | None = None,
) -> NDArray[np.int64]:
    """Return a cluster number for every field or well.

    Parameters
    ----------
    profiles : Profiles
        What is known of every field and well; clusters are found on the first 50 principal components of
        `ellimaps.plates.statistics.normalization.vectors`.
    method : {"agglomerative", "kmeans", "hdbscan"}
        Agglomerative with Ward's (1963) criterion, k-means, or HDBSCAN (Campello et al. 2013), which leaves
        points in thin regions without a cluster.
    seed : int
        Of k-means and of the sample of points the silhouette is computed on.
    level : {"field", "well"}
        What a point is.
    n_clusters : int, optional
        How many; by default the number from 2 to 12 with the best mean silhouette (Rousseeuw 1987).
        HDBSCAN finds it by itself.

    Returns
    -------
    ndarray of int64, shape (row,)
        Numbered by ascending mean of the first principal component; -1 = in no cluster (HDBSCAN).

    Raises
    ------
    SettingError
        If the method or level is unknown, the number of clusters does not fit the number of points, or
        there are over 20,000 of them and the method keeps all pairs in memory.
    """
    if method not in get_args(ClusterMethod):
        raise SettingError(f"Clusters by {method!r}: choose {', '.join(get_args(ClusterMethod))}.")
    _check(len(table_of(profiles, level)), method, n_clusters, level)
    with one_thread():
        points = components_of(profiles, level, seed)
        if method == "hdbscan":
            return _numbered(_dense_groups(points), points)
        if n_clusters is None:
            n_clusters = _best_number(points, method, seed)
        return _numbered(_groups(points, method, n_clusters, seed), points)


def _check(n_points: int, method: str, n_clusters: int | None, level: str) -> None:
    if n_points < 4:
        raise SettingError(f"Clusters need 4 {level}s or more, and there are {n_points}.")
    if n_points > MOST_POINTS and method == "agglomerative":
        raise SettingError(
            f"{n_points:,} points are too many for agglomerative clusters (at most {MOST_POINTS:,}): "
            "choose kmeans."
        )
    if n_clusters is not None and method == "hdbscan":
        raise SettingError("HDBSCAN finds the number of clusters by itself: leave it out.")
    if n_clusters is not None and not 1 <= n_clusters <= n_points:
        raise SettingError(f"{n_clusters} clusters of {n_points} {level}s: choose 1 to {n_points}.")


def _groups(points: Floats, method: str, n_clusters: int, seed: int) -> NDArray[np.int64]:
    from sklearn.cluster import AgglomerativeClustering, KMeans  # type: ignore[import-untyped]

    if method == "agglomerative":
        return np.asarray(AgglomerativeClustering(n_clusters).fit_predict(points))
    return np.asarray(KMeans(n_clusters, n_init=10, random_state=seed).fit_predict(points))


def _dense_groups(points: Floats) -> NDArray[np.int64]:
    from sklearn.cluster import HDBSCAN

    smallest = min(max(3, len(points) // 100), len(points))
    return np.asarray(HDBSCAN(min_cluster_size=smallest, copy=True).fit_predict(points))


def _best_number(points: Floats, method: str, seed: int) -> int:
    from sklearn.metrics import silhouette_score  # type: ignore[import-untyped]

    # All pairs of 2,000 points take 32 MB and, for eleven numbers of clusters, a few seconds.
    chosen = np.random.default_rng(seed).permutation(len(points))[:2_000]
    points = points[chosen]
    numbers_tried = range(2, min(MOST_TRIED, len(points) - 1) + 1)
    scores = []
    for k in numbers_tried:
        labels = _groups(points, method, k, seed)
        # Equal points can leave fewer groups than asked for.
        several = 2 <= len(np.unique(labels)) < len(points)
        scores.append(silhouette_score(points, labels) if several else -1.0)
    return numbers_tried[int(np.argmax(scores))]


def _numbered(labels: NDArray[np.int64], points: Floats) -> NDArray[np.int64]:
    found = [label for label in np.unique(labels) if label >= 0]
    by_position = sorted(found, key=lambda label: float(points[labels == label, 0].mean()))
    numbered = np.full(len(labels), -1, dtype=np.int64)
    for number, label in enumerate(by_position):
        numbered[labels == label] = number
    return numbered
