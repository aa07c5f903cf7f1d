"""KMeans for images: the optimum of best-of-many restarts at the price of one.

The search for good centres runs on *micro-clusters*: the pixels, projected on their leading principal
components, are cut by a k-d tree into some thousand leaves of equal size, and the leaf means stand for
them. For any centres the inertia of the leaf means differs from that of the pixels by the scatter inside
the leaves, which hardly depends on the centres, so optima keep their order; a random sample of the same
size does not rank them reliably. Many starts and centre swaps are affordable there. The best few go
through Lloyd iterations on all projected pixels, and the winner through a last one on all features.

References
----------
S. P. Lloyd, Least squares quantization in PCM, IEEE Trans. Inf. Theory 28 (1982), doi:10.1109/TIT.1982.1056489.
D. Arthur and S. Vassilvitskii, k-means++: the advantages of careful seeding, SODA 2007.
P. Franti, Efficiency of random swap clustering, J. Big Data 5 (2018), doi:10.1186/s40537-018-0122-y.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ellimaps.errors import SettingError
from ellimaps.features import BLOCK_PIXELS, FeatureSpace

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Labels = NDArray[np.int16]

MAX_COMPONENTS = 16
EXPLAINED_VARIANCE = 0.99
LEAVES = 4096
SAMPLE_PIXELS = 1 << 18

_STARTS = 16
_FINALISTS = 3
_SWAP_FAILURES = 2
_SWAP_CANDIDATES = 12
_SWAP_TRIES = 2
_SAME_INERTIA = 1e-4
_CLOSE_INERTIA = 3e-3
_COARSE = (30, 1e-4)
_FINE = (100, 1e-5)


@dataclass(frozen=True)
class KMeansFit:
    """A clustering of the complete pixels of a stack.

    Attributes
    ----------
    labels : ndarray of int16, shape (pixel,)
        Cluster of each complete pixel.
    centers : ndarray of float64, shape (cluster, feature)
        Mean features of each cluster.
    inertia : float
        Sum of squared distances to the own centre, in feature space.
    """

    labels: Labels
    centers: F64
    inertia: float


@dataclass(frozen=True)
class _Candidate:
    centers: F32
    labels: Labels
    inertia: float


class KMeans:
    """KMeans of one feature space for any k; what does not depend on k is done once.

    Parameters
    ----------
    space : FeatureSpace
        The pixels.
    seed : int
        Seed of the random starts; the same seed gives the same clusters.
    """

    def __init__(self, space: FeatureSpace, seed: int = 0) -> None:
        self.space = space
        self.seed = seed
        rng = np.random.default_rng(seed)
        sample = _sample(space.n_pixels, rng)
        self.mean, self._basis = _principal_axes(space.take(sample))
        self._projected = self._project()
        self._middle = self._projected if sample.size == space.n_pixels else self._projected[:, sample]
        self._leaves = _leaf_means(self._middle)
        self.total = self._total_sum_of_squares()

    def fit(self, k: int) -> KMeansFit:
        """Cluster the pixels into ``k`` clusters.

        Raises
        ------
        SettingError
            If there are fewer different pixels than clusters.
        """
        if not 1 <= k <= self.space.n_pixels:
            raise SettingError(f"k = {k} clusters cannot be made of {self.space.n_pixels} pixels.")
        best = self._search(k)
        if self._middle is not self._projected:
            best = _lloyd(self._projected, best.centers, *_FINE)
        return self._finish(best.labels, k)

    def _search(self, k: int) -> _Candidate:
        rng = np.random.default_rng([self.seed, k])
        squares = np.einsum("ij,ij->j", self._leaves, self._leaves)
        starts = (
            _lloyd(self._leaves, _spread_centers(self._leaves, squares, k, rng), *_COARSE)
            for _ in range(_STARTS)
        )
        swapped = (_swap(self._leaves, squares, start, rng) for start in _distinct(starts)[:_FINALISTS])
        finalists = _distinct(swapped)
        close = [c for c in finalists if c.inertia <= finalists[0].inertia * (1 + _CLOSE_INERTIA)]
        refined = (_lloyd(self._middle, candidate.centers, *_FINE) for candidate in close)
        return min(refined, key=lambda candidate: candidate.inertia)

    def _finish(self, labels: Labels, k: int) -> KMeansFit:
        """One Lloyd step in the full feature space, then the exact means and inertia."""
        centers = self._means(labels, k)
        offset = 0.5 * np.einsum("ij,ij->i", centers, centers)[:, None]
        shifted = centers.astype(np.float32)
        final = np.empty_like(labels)
        for part, block in self.space.blocks():
            final[part] = _nearest(shifted @ (block - self.mean) - offset.astype(np.float32))[0]
        centers = self._means(final, k)
        inertia = 0.0
        for part, block in self.space.blocks():
            rest = block - self.mean - centers.T.astype(np.float32)[:, final[part]]
            inertia += float(np.vdot(rest, rest))
        return KMeansFit(final, centers + self.mean.T.astype(np.float64), inertia)

    def _means(self, labels: Labels, k: int) -> F64:
        """Mean of the centred features per cluster."""
        sums, counts = np.zeros((k, self.space.n_features)), np.zeros(k)
        for part, block in self.space.blocks():
            member = _membership(labels[part], k)
            sums += member @ (block - self.mean).T
            counts += member.sum(axis=1)
        if (counts == 0).any():
            raise SettingError(
                f"k = {k} is too many: the pixels form only {int((counts > 0).sum())} different clusters."
            )
        return np.asarray(sums / counts[:, None])

    def _project(self) -> F32:
        projected = np.empty((self._basis.shape[0], self.space.n_pixels), dtype=np.float32)
        for part, block in self.space.blocks():
            projected[:, part] = self._basis @ (block - self.mean)
        return projected

    def _total_sum_of_squares(self) -> float:
        total, shift = 0.0, np.zeros(self.space.n_features)
        for _, block in self.space.blocks():
            rest = block - self.mean
            total += float(np.vdot(rest, rest))
            shift += rest.sum(axis=1, dtype=np.float64)
        return total - float(shift @ shift) / self.space.n_pixels


def _sample(n_pixels: int, rng: np.random.Generator) -> NDArray[np.intp]:
    if n_pixels <= SAMPLE_PIXELS:
        return np.arange(n_pixels)
    return np.sort(rng.choice(n_pixels, SAMPLE_PIXELS, replace=False))


def _principal_axes(features: F32) -> tuple[F32, F32]:
    """Mean (feature, 1) and the leading orthonormal axes (component, feature)."""
    mean = features.mean(axis=1, dtype=np.float64).astype(np.float32)[:, None]
    rest = features - mean
    variances, axes = np.linalg.eigh((rest @ rest.T).astype(np.float64))
    variances, axes = variances[::-1], axes[:, ::-1]
    explained = np.cumsum(variances) / max(variances.sum(), np.finfo(float).tiny)
    count = min(MAX_COMPONENTS, int(np.searchsorted(explained, EXPLAINED_VARIANCE)) + 1, len(variances))
    return mean, np.ascontiguousarray(axes[:, :count].T, dtype=np.float32)


def _leaf_means(points: F32) -> F32:
    """Means of equally large leaves of a k-d tree that halves each node across its widest axis."""
    n_axes, n_points = min(6, points.shape[0]), points.shape[1]
    if n_points < 2 * LEAVES:
        return points
    size = n_points // LEAVES
    order = np.arange(size * LEAVES) * n_points // (size * LEAVES)
    leading = np.ascontiguousarray(points[:n_axes])
    nodes = 1
    while nodes < LEAVES:
        inside = leading[:, order].reshape(n_axes, nodes, -1)
        step = max(1, inside.shape[2] // 64)
        widest = inside[:, :, ::step].var(axis=2).argmax(axis=0)
        along = inside[widest, np.arange(nodes)]
        halves = np.argpartition(along, along.shape[1] // 2, axis=1)
        order = np.take_along_axis(order.reshape(nodes, -1), halves, axis=1).ravel()
        nodes *= 2
    return points[:, order].reshape(points.shape[0], LEAVES, size).mean(axis=2)


def _spread_centers(points: F32, squares: F32, k: int, rng: np.random.Generator) -> F32:
    """Greedy k-means++ seeding."""
    n_points = points.shape[1]
    trials = 2 + int(np.log(k))
    first = int(rng.integers(n_points))
    centers = [points[:, first]]
    distance = np.maximum(squares - 2 * centers[0] @ points + squares[first], 0)
    for _ in range(1, k):
        chosen = _draw(distance, trials, rng)
        closer = np.minimum(distance, _squared_distances(points, squares, chosen))
        best = int(closer.sum(axis=1).argmin())
        distance = closer[best]
        centers.append(points[:, chosen[best]])
    return np.array(centers, dtype=np.float32)


def _draw(weights: F32, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Draw point numbers with a probability in proportion to their weights."""
    ladder = np.cumsum(weights, dtype=np.float64)
    return np.minimum(np.searchsorted(ladder, rng.random(count) * ladder[-1]), weights.size - 1)


def _squared_distances(points: F32, squares: F32, chosen: NDArray[np.intp]) -> F32:
    """Squared distances of chosen points to all points, shape (chosen, point)."""
    crossed = points[:, chosen].T @ points
    return np.maximum(squares - 2 * crossed + squares[chosen][:, None], 0)


def _swap(points: F32, squares: F32, start: _Candidate, rng: np.random.Generator) -> _Candidate:
    """Move a centre to a badly served place as long as that lowers the inertia.

    The inertia after each possible swap of one centre for one candidate point is computed from every
    point's two nearest centres; the most promising swaps are tried out.
    """
    best, failures = start, 0
    while failures < _SWAP_FAILURES:
        better = _best_swap(points, squares, best, rng)
        best, failures = (best, failures + 1) if better is None else (better, 0)
    return best


def _best_swap(points: F32, squares: F32, best: _Candidate, rng: np.random.Generator) -> _Candidate | None:
    k = len(best.centers)
    if k < 2:
        return None
    norms = np.einsum("ij,ij->i", best.centers, best.centers)
    distances = np.maximum(squares - 2 * best.centers @ points + norms[:, None], 0)
    nearest, second = np.partition(distances, 1, axis=0)[:2]
    places = _draw(nearest, _SWAP_CANDIDATES, rng)
    to_place = _squared_distances(points, squares, places)
    kept = np.minimum(nearest, to_place)
    lost = np.minimum(second, to_place) - kept
    member = _membership(distances.argmin(axis=0).astype(np.int16), k)
    estimate = kept.sum(axis=1)[:, None] + lost @ member.T
    leaving = estimate.argmin(axis=1)
    for place in np.argsort(estimate.min(axis=1), kind="stable")[:_SWAP_TRIES]:
        centers = best.centers.copy()
        centers[leaving[place]] = points[:, places[place]]
        tried = _lloyd(points, centers, *_COARSE)
        if tried.inertia < best.inertia * (1 - _SAME_INERTIA):
            return tried
    return None


def _distinct(candidates: object) -> list[_Candidate]:
    """Candidates by ascending inertia, those of practically equal inertia once."""
    kept: list[_Candidate] = []
    for candidate in sorted(candidates, key=lambda c: c.inertia):  # type: ignore[call-overload]
        if not kept or candidate.inertia > kept[-1].inertia * (1 + _SAME_INERTIA):
            kept.append(candidate)
    return kept


def _lloyd(points: F32, centers: F32, max_iterations: int, tolerance: float) -> _Candidate:
    """Lloyd iterations until the inertia falls by less than ``tolerance`` of itself."""
    k, n_points = len(centers), points.shape[1]
    labels = np.empty(n_points, dtype=np.int16)
    total = float(np.vdot(points, points))
    previous = np.inf
    for _ in range(max_iterations):
        sums, counts, score = np.zeros((k, points.shape[0])), np.zeros(k), 0.0
        offset = (0.5 * np.einsum("ij,ij->i", centers, centers))[:, None]
        for start in range(0, n_points, BLOCK_PIXELS):
            block = points[:, start : start + BLOCK_PIXELS]
            found, best = _nearest(centers @ block - offset)
            labels[start : start + BLOCK_PIXELS] = found
            member = _membership(found, k)
            sums += member @ block.T
            counts += member.sum(axis=1)
            score += float(best.sum(dtype=np.float64))
        inertia = max(total - 2 * score, 0.0)
        if previous - inertia <= tolerance * inertia:
            break
        previous = inertia
        known = counts > 0
        centers = centers.copy()
        centers[known] = sums[known] / counts[known, None]
    return _Candidate(centers, labels, inertia)


def _nearest(scores: F32) -> tuple[Labels, F32]:
    """Row number and value of the largest score in each column; much faster than ``argmax`` for few rows."""
    best = scores[0].copy()
    labels = np.zeros(scores.shape[1], dtype=np.int16)
    for row in range(1, len(scores)):
        labels[scores[row] > best] = row
        np.maximum(best, scores[row], out=best)
    return labels, best


def _membership(labels: Labels, k: int) -> F32:
    """One row per cluster: 1 where a pixel belongs to it, else 0."""
    return (labels == np.arange(k, dtype=np.int16)[:, None]).astype(np.float32)
