"""KMeans for images: the optimum of best-of-many restarts at the price of one.

The search for good centres runs on a few thousand *weighted points*: the pixels, projected on their leading
principal components, are cut by a k-d tree into leaves of equal size, and the leaf means stand for them,
except for the pixels that these serve worst, which stand for themselves. For any centres the inertia of the
weighted points differs from that of the pixels by the scatter inside the leaves, which hardly depends on the
centres, so optima keep their order; a random sample of the same size does not rank them reliably. Many starts
and centre swaps are affordable there. The best few go through Lloyd iterations on the projected pixels (a
sample of large images), and the winner through some more on the features of all pixels.

Sums are in double precision, for clusters may be far tighter than they are apart. BLAS runs in one thread:
the products are small, and another number of threads rounds otherwise.

References
----------
S. P. Lloyd, Least squares quantization in PCM, IEEE Trans. Inf. Theory 28, 129 (1982),
doi:10.1109/TIT.1982.1056489.
D. Arthur and S. Vassilvitskii, k-means++: the advantages of careful seeding, SODA 2007.
P. Franti, Efficiency of random swap clustering, J. Big Data 5 (2018), doi:10.1186/s40537-018-0122-y.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from ellimaps.errors import SettingError
from ellimaps.features import BLOCK_PIXELS, FeatureSpace
from ellimaps.stack import whole_number

F64 = NDArray[np.float64]
Labels = NDArray[np.int16]

MAX_SEED = 2**32 - 1
MAX_COMPONENTS = 16
LEAVES = 2048
SINGLES = 2048
SAMPLE_PIXELS = 1 << 18

_STARTS = 16
_FINALISTS = 3
_SWAP_FAILURES = 4
_SWAP_CANDIDATES = 24
_SWAP_TRIES = 2
_SAME_INERTIA = 1e-4
_CLOSE_INERTIA = 1e-2
# Most Lloyd iterations, and the relative fall of the inertia that ends them.
_ROUGH = (4, 1e-2)
_COARSE = (60, 1e-5)
_FINE = (100, 1e-5)
_LAST = (10, 1e-5)


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
    centers: F64
    labels: Labels
    inertia: float


class _Points:
    """Weighted points in memory."""

    def __init__(self, values: F64, weights: F64 | None = None) -> None:
        self.values = values
        self.weights = np.ones(values.shape[1]) if weights is None else weights
        self.squares = np.einsum("ij,ij->j", values, values)

    def blocks(self) -> Iterator[tuple[slice, F64]]:
        for start in range(0, self.weights.size, BLOCK_PIXELS):
            part = slice(start, start + BLOCK_PIXELS)
            yield part, self.values[:, part]

    def squared_distances(self, chosen: NDArray[np.intp]) -> F64:
        """Return the squared distances of chosen points to all points, shape (chosen, point)."""
        crossed = self.values[:, chosen].T @ self.values
        return np.asarray(np.maximum(self.squares - 2 * crossed + self.squares[chosen][:, None], 0))


class _Pixels:
    """The centred features of all pixels, computed where they are needed."""

    def __init__(self, space: FeatureSpace, mean: F64) -> None:
        self.space, self.mean = space, mean
        self.weights = np.broadcast_to(1.0, space.n_pixels)

    def blocks(self) -> Iterator[tuple[slice, F64]]:
        for part, block in self.space.blocks():
            yield part, block - self.mean


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
        self.seed = whole_number("seed", seed, 0, MAX_SEED)
        with single_threaded():
            self._prepare()

    def _prepare(self) -> None:
        sample = _sample(self.space.n_pixels, np.random.default_rng(self.seed))
        features = self.space.take(sample).astype(np.float64)
        self.mean = features.mean(axis=1, keepdims=True)
        features -= self.mean
        self._axes = _principal_axes(features)
        self._points = _Points(self._axes @ features)
        self._condensed = _condense(self._points.values)
        self._pixels = _Pixels(self.space, self.mean)

    def fit(self, k: int) -> KMeansFit:
        """Cluster the pixels into ``k`` clusters.

        Raises
        ------
        SettingError
            If there are fewer different pixels than clusters.
        """
        self._check(k)
        with single_threaded():
            labels = _lloyd(self._pixels, self.centers(k), *_LAST).labels
            return _fit_of_labels(self._pixels, labels, k)

    def centers(self, k: int) -> F64:
        """Return good centres, relative to `mean`, from the search alone; see `assess`."""
        self._check(k)
        with single_threaded():
            return np.asarray(self._search(k).centers @ self._axes)

    def rough_centers(self, k: int) -> F64:
        """Return the best of a few starts, at a quarter of the price of `centers`; see `assess`."""
        self._check(k)
        with single_threaded():
            best = self._starts(k, np.random.default_rng([self.seed, k]))[0]
            return np.asarray(_lloyd(self._points, best.centers, *_COARSE).centers @ self._axes)

    def assess(self, centers: Sequence[F64]) -> list[KMeansFit]:
        """Cluster all pixels around several sets of centres in one pass; see `centers`.

        Returns
        -------
        list of KMeansFit
            One for each set, up to the first set with a centre that no pixel is nearest to.

        Raises
        ------
        SettingError
            If that is so of the first set.
        """
        labels = [np.empty(self.space.n_pixels, dtype=np.int16) for _ in centers]
        sums = [np.zeros_like(one) for one in centers]
        counts = [np.zeros(len(one)) for one in centers]
        inertia = np.zeros(len(centers))
        with single_threaded():
            for part, block in self._pixels.blocks():
                squares = float(np.vdot(block, block))
                for n, one in enumerate(centers):
                    offset = (0.5 * np.einsum("ij,ij->i", one, one))[:, None]
                    labels[n][part], score = _nearest(one @ block - offset)
                    member = _membership(labels[n][part], len(one))
                    sums[n] += member @ block.T
                    counts[n] += member.sum(axis=1)
                    inertia[n] += squares - 2 * float(score.sum())
        fits: list[KMeansFit] = []
        for n, one in enumerate(centers):
            if fits and (counts[n] == 0).any():
                break
            _check_counts(counts[n])
            # Moving the centres to the means of their pixels lowers the inertia by what is known.
            means = sums[n] / counts[n][:, None]
            moved = float(counts[n] @ np.square(means - one).sum(axis=1))
            fits.append(KMeansFit(labels[n], means + self.mean.T, max(float(inertia[n]) - moved, 0.0)))
        return fits

    def _starts(self, k: int, rng: np.random.Generator) -> list[_Candidate]:
        few = self._condensed
        return _distinct(_lloyd(few, _spread_centers(few, k, rng), *_COARSE) for _ in range(_STARTS))

    @cached_property
    def total(self) -> float:
        """Sum of squared distances of all pixels to their mean."""
        total, shift = 0.0, np.zeros(self.space.n_features)
        for _, block in self._pixels.blocks():
            total += float(np.vdot(block, block))
            shift += block.sum(axis=1)
        return total - float(shift @ shift) / self.space.n_pixels

    def _check(self, k: int) -> None:
        if not 1 <= k <= self.space.n_pixels:
            raise SettingError(f"k = {k} clusters cannot be made of {self.space.n_pixels} pixels.")

    def _search(self, k: int) -> _Candidate:
        rng, few = np.random.default_rng([self.seed, k]), self._condensed
        starts = (_lloyd(few, _spread_centers(few, k, rng), *_ROUGH) for _ in range(_STARTS))
        finalists = _distinct(_swap(few, start, rng) for start in _distinct(starts)[:_FINALISTS])
        close = [c for c in finalists if c.inertia <= finalists[0].inertia * (1 + _CLOSE_INERTIA)]
        refined = (_lloyd(self._points, candidate.centers, *_FINE) for candidate in close)
        return min(refined, key=lambda candidate: candidate.inertia)


def fit_of_labels(space: FeatureSpace, labels: Labels, k: int) -> KMeansFit:
    """Return centres and inertia of given clusters.

    Parameters
    ----------
    space : FeatureSpace
        The pixels.
    labels : ndarray of int16, shape (pixel,)
        Cluster of each of them, 0..k-1.
    k : int
        Number of clusters.

    Raises
    ------
    SettingError
        If a cluster has no pixel.
    """
    with single_threaded():
        return _fit_of_labels(_Pixels(space, space.take(np.array([0])).astype(np.float64)), labels, k)


def _fit_of_labels(pixels: _Pixels, labels: Labels, k: int) -> KMeansFit:
    sums, counts = np.zeros((k, pixels.space.n_features)), np.zeros(k)
    for part, block in pixels.blocks():
        member = _membership(labels[part], k)
        sums += member @ block.T
        counts += member.sum(axis=1)
    _check_counts(counts)
    centers = sums / counts[:, None]
    inertia = 0.0
    for part, block in pixels.blocks():
        rest = block - centers.T[:, labels[part]]
        inertia += float(np.vdot(rest, rest))
    return KMeansFit(labels, centers + pixels.mean.T, inertia)


def _check_counts(counts: F64) -> None:
    if (counts == 0).any():
        values = int((counts > 0).sum())
        raise SettingError(
            f"k = {counts.size} is too many for pixels that take only {values} different values."
        )


def single_threaded() -> AbstractContextManager[object]:
    """Return a context in which BLAS uses one thread."""
    limits: AbstractContextManager[object] = _threadpools().limit(limits=1, user_api="blas")
    return limits


@cache
def _threadpools() -> ThreadpoolController:
    return ThreadpoolController()


def _sample(n_pixels: int, rng: np.random.Generator) -> NDArray[np.intp]:
    if n_pixels <= SAMPLE_PIXELS:
        return np.arange(n_pixels)
    return np.sort(rng.choice(n_pixels, SAMPLE_PIXELS, replace=False))


def _principal_axes(centred: F64) -> F64:
    """Return the leading orthonormal axes, shape (component, feature)."""
    _, axes = np.linalg.eigh(centred @ centred.T)
    return np.ascontiguousarray(axes[:, ::-1][:, :MAX_COMPONENTS].T)


def _condense(points: F64) -> _Points:
    """Stand a few thousand weighted points for many: leaf means, and the points that those serve worst.

    The leaves are those of a k-d tree that halves each node across its widest axis. The points on edges
    between regions are few and far between; in the mean of a leaf they would be lost.
    """
    n_axes, n_points = min(6, points.shape[0]), points.shape[1]
    if n_points <= LEAVES + SINGLES:
        return _Points(points)
    size = -(-n_points // LEAVES)
    # The leaves have room for more points than there are: some stand in two places, with half a weight each.
    order = np.arange(size * LEAVES) * n_points // (size * LEAVES)
    share = 1 / np.bincount(order)
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
    order = order.reshape(LEAVES, size)
    leaves, share = points[:, order], share[order]
    rest = leaves - leaves.mean(axis=2, keepdims=True)
    distance = np.einsum("ijk,ijk->jk", rest, rest)
    single = distance > np.partition(distance, -SINGLES, axis=None)[-SINGLES]
    shared = np.where(single, 0.0, share)
    weights = shared.sum(axis=1)
    kept = weights > 0
    means = np.einsum("ijk,jk->ij", leaves, shared)[:, kept] / weights[kept]
    return _Points(
        np.concatenate([means, leaves[:, single]], axis=1), np.concatenate([weights[kept], share[single]])
    )


def _spread_centers(points: _Points, k: int, rng: np.random.Generator) -> F64:
    """Choose centres by greedy k-means++ seeding."""
    trials = 2 + int(np.log(k))
    chosen = [int(_draw(points.weights, 1, rng)[0])]
    distance = points.squared_distances(np.array(chosen))[0]
    for _ in range(1, k):
        drawn = _draw(distance * points.weights, trials, rng)
        closer = np.minimum(distance, points.squared_distances(drawn))
        best = int((closer @ points.weights).argmin())
        distance = closer[best]
        chosen.append(int(drawn[best]))
    return points.values.T[chosen]


def _draw(weights: F64, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Draw point numbers with a probability in proportion to their weights."""
    ladder = np.cumsum(weights)
    drawn = np.searchsorted(ladder, rng.random(count) * ladder[-1], side="right")
    return np.asarray(np.minimum(drawn, weights.size - 1))


def _swap(points: _Points, start: _Candidate, rng: np.random.Generator) -> _Candidate:
    """Move a centre to a badly served place as long as that lowers the inertia.

    The inertia after each possible swap of one centre for one candidate point is computed from every
    point's two nearest centres; the most promising swaps are tried out.
    """
    best, failures = start, 0
    while failures < _SWAP_FAILURES and len(best.centers) > 1:
        better = _best_swap(points, best, rng)
        best, failures = (best, failures + 1) if better is None else (better, 0)
    return best


def _best_swap(points: _Points, best: _Candidate, rng: np.random.Generator) -> _Candidate | None:
    norms = np.einsum("ij,ij->i", best.centers, best.centers)
    distances = np.maximum(points.squares - 2 * best.centers @ points.values + norms[:, None], 0)
    nearest, second = np.partition(distances, 1, axis=0)[:2]
    places = _draw(nearest * points.weights, _SWAP_CANDIDATES, rng)
    to_place = points.squared_distances(places)
    kept = np.minimum(nearest, to_place)
    lost = np.minimum(second, to_place) - kept
    member = _membership(distances.argmin(axis=0).astype(np.int16), len(norms)) * points.weights
    estimate = (kept @ points.weights)[:, None] + lost @ member.T
    leaving = estimate.argmin(axis=1)
    for place in np.argsort(estimate.min(axis=1), kind="stable")[:_SWAP_TRIES]:
        centers = best.centers.copy()
        centers[leaving[place]] = points.values[:, places[place]]
        tried = _lloyd(points, centers, *_COARSE)
        if tried.inertia < best.inertia * (1 - _SAME_INERTIA):
            return tried
    return None


def _distinct(candidates: Iterable[_Candidate]) -> list[_Candidate]:
    """Sort candidates by ascending inertia and keep those of practically equal inertia once."""
    kept: list[_Candidate] = []
    for candidate in sorted(candidates, key=lambda c: c.inertia):
        if not kept or candidate.inertia > kept[-1].inertia * (1 + _SAME_INERTIA):
            kept.append(candidate)
    return kept


def _lloyd(points: _Points | _Pixels, centers: F64, max_iterations: int, tolerance: float) -> _Candidate:
    """Iterate until no cluster is empty and the inertia falls by less than ``tolerance`` of itself."""
    k = len(centers)
    labels = np.empty(points.weights.size, dtype=np.int16)
    total, previous = 0.0, np.inf
    for iteration in range(max_iterations):
        sums, counts, gain = np.zeros_like(centers), np.zeros(k), 0.0
        offset = (0.5 * np.einsum("ij,ij->i", centers, centers))[:, None]
        for part, block in points.blocks():
            weights = points.weights[part]
            labels[part], score = _nearest(centers @ block - offset)
            member = _membership(labels[part], k) * weights
            sums += member @ block.T
            counts += member.sum(axis=1)
            gain += 2 * float(score @ weights)
            if iteration == 0:
                total += float(np.einsum("ij,ij->j", block, block) @ weights)
        inertia = max(total - gain, 0.0)
        known = counts > 0
        if known.all() and previous - inertia <= tolerance * inertia:
            break
        previous = inertia
        centers = centers.copy()
        centers[known] = sums[known] / counts[known, None]
        if not known.all():
            centers[~known] = _worst_served(points, centers, labels, int((~known).sum()))
    return _Candidate(centers, labels, inertia)


def _worst_served(points: _Points | _Pixels, centers: F64, labels: Labels, count: int) -> F64:
    """Return the points farthest from their own centres: a better use of centres that serve none."""
    distances, places = np.empty(0), np.empty((0, centers.shape[1]))
    for part, block in points.blocks():
        rest = block - centers.T[:, labels[part]]
        distances = np.append(distances, np.einsum("ij,ij->j", rest, rest))
        places = np.concatenate([places, block.T])
        worst = np.argsort(-distances, kind="stable")[:count]
        distances, places = distances[worst], places[worst]
    return places


def _nearest(scores: F64) -> tuple[Labels, F64]:
    """Return row and value of each column's largest score; much faster than ``argmax`` for few rows."""
    best = scores[0].copy()
    labels = np.zeros(scores.shape[1], dtype=np.int16)
    for row in range(1, len(scores)):
        labels[scores[row] > best] = row
        np.maximum(best, scores[row], out=best)
    return labels, best


def _membership(labels: Labels, k: int) -> F64:
    """Return one row per cluster: 1 where a pixel belongs to it, else 0."""
    return np.asarray(labels == np.arange(k, dtype=np.int16)[:, None], dtype=np.float64)
