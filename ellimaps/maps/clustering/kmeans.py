"""KMeans for images: the optimum of best-of-many restarts at the price of one.

Good centres are searched on a few thousand weighted points in a space of few dimensions (`weighted_points`,
`center_search`), refined on the projected pixels (a sample of large images), and end in Lloyd iterations on
the features of all pixels, read block by block.

Which centre is nearest is found in single precision unless clusters are far tighter than they are apart;
sums are in double precision always. BLAS runs in one thread: the products are small, another number of
threads rounds otherwise, and the blocks have threads of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.checks import whole_number
from ellimaps.core.colors import CLUSTER_COLORS
from ellimaps.core.errors import SettingError
from ellimaps.core.parallel import ordered_map, single_threaded
from ellimaps.maps.clustering.center_search import TIGHT, CenterSets, lloyd, rough_search, search
from ellimaps.maps.clustering.features import FeatureSpace, blocks_of
from ellimaps.maps.clustering.weighted_points import WeightedPoints, condense

F64 = NDArray[np.float64]
Real = NDArray[np.floating[Any]]
Labels = NDArray[np.int16]

MAX_CLUSTERS = len(CLUSTER_COLORS)
"""More could not be told apart in a figure."""
MAX_SEED = 2**32 - 1
"""What NumPy's older generators and scikit-learn take as a seed."""

# Halved or doubled, these change inertia or time by little: benchmarks/bench_constants.py prints how much.
MAX_COMPONENTS = 16
SAMPLE_PIXELS = 1 << 17
_CLOSE_INERTIA = 1e-2
# Most Lloyd iterations, and the relative fall of the inertia that ends them.
_FINE = (12, 1e-5)
_LAST = (5, 1e-4)


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
            sample = space.take(_sample(space.n_pixels, np.random.default_rng(self.seed)))
            self.mean = sample.mean(axis=1, keepdims=True, dtype=np.float64)
            sample -= self.mean.astype(np.float32)
            self._axes = _principal_axes(sample)
            self._points = WeightedPoints(self._axes.astype(np.float32) @ sample)
            self._condensed = condense(self._points.values)
            self._tight = TIGHT * self._points.total

    def fit(self, k: int) -> KMeansFit:
        """Cluster the pixels into ``k`` clusters.

        Raises
        ------
        SettingError
            If there are fewer different pixels than clusters.
        """
        centers = self.centers(k)
        most, tolerance = _LAST
        for iteration in range(most):
            assigned = self._assigned([centers])[0]
            if iteration == 0:
                _check_counts(assigned.counts)
            elif assigned.has_idle_center:
                break
            found = assigned
            # What the inertia falls by when the centres move to the means of their pixels.
            fall = float(found.counts @ np.square(found.means - centers).sum(axis=1))
            if fall <= tolerance * found.inertia:
                break
            centers = found.means
        return found.fit(self.mean)

    def centers(self, k: int) -> F64:
        """Return good centres, relative to `mean`, from the search alone; see `assess`."""
        return self._searched(search, k)

    def rough_centers(self, k: int) -> F64:
        """Return centres of clusters that need not be the best, cheaply; see `assess`."""
        return self._searched(rough_search, k)

    @property
    def projected(self) -> F64:
        """The pixels (a sample of large images) on their leading principal axes, shape (component, pixel)."""
        return self._points.values.astype(np.float64)

    def assess(self, centers: Sequence[F64]) -> list[KMeansFit]:
        """Cluster all pixels around several sets of centres in one pass; see `centers`.

        Returns
        -------
        list of KMeansFit
            One for each set, up to the first set with a centre that no pixel is nearest to. Centres are
            moved to the means of their pixels.

        Raises
        ------
        SettingError
            If that is so of the first set.
        """
        assigned = self._assigned(centers)
        _check_counts(assigned[0].counts)
        return [one.fit(self.mean) for one in takewhile(lambda one: not one.has_idle_center, assigned)]

    @cached_property
    def total(self) -> float:
        """Sum of squared distances of all pixels to their mean."""
        return _assign_pixels(self.space, self.mean, [np.zeros((1, self.space.n_features))])[0].inertia

    def _searched(self, method: _Search, k: int) -> F64:
        """Return centres found on few points, refined on the projected pixels, in the space of features."""
        if not 1 <= k <= self.space.n_pixels:
            raise SettingError(f"k = {k} clusters cannot be made of {self.space.n_pixels} pixels.")
        few, points = self._condensed, self._points
        with single_threaded():
            found = method(few, k, np.random.default_rng([self.seed, k]))
            if found.inertia[0] < self._tight:
                few, points = few.in_double(), points.in_double()
                found = method(few, k, np.random.default_rng([self.seed, k]))
            close = found.inertia <= found.inertia[0] * (1 + _CLOSE_INERTIA)
            refined = lloyd(points, found.centers[close], *_FINE)
            best = refined.centers[refined.inertia.argmin()].astype(np.float64)
            return np.asarray(best @ self._axes)

    def _assigned(self, centers: Sequence[F64]) -> list[_Assigned]:
        assigned = _assign_pixels(self.space, self.mean, [one.astype(np.float32) for one in centers])
        if min(one.inertia for one in assigned) < self._tight:
            return _assign_pixels(self.space, self.mean, centers)
        return assigned


class _Search(Protocol):
    def __call__(self, points: WeightedPoints, k: int, rng: np.random.Generator) -> CenterSets: ...


class _Block(NamedTuple):
    """What a block of pixels adds: labels of each set of centres, and sums over the pixels of each centre."""

    part: slice
    labels: list[Labels]
    sums: F64
    counts: F64
    squares: float


@dataclass(frozen=True)
class _Assigned:
    """Pixels with the centres nearest to them: sums and number of the pixels of each, squares of all."""

    labels: Labels
    sums: F64
    counts: F64
    squares: float

    @property
    def has_idle_center(self) -> bool:
        return bool((self.counts == 0).any())

    @property
    def means(self) -> F64:
        return np.asarray(self.sums / np.maximum(self.counts, 1)[:, None])

    @property
    def inertia(self) -> float:
        """Sum of squared distances to the means of the clusters."""
        return max(self.squares - float(np.vdot(self.sums, self.means)), 0.0)

    def fit(self, mean: F64) -> KMeansFit:
        return KMeansFit(self.labels, self.means + mean.T, self.inertia)


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
    mean = space.take(np.array([0])).astype(np.float64)

    def of_block(part: slice) -> _Block:
        return _summed(part, space.block(part) - mean, [labels[part]], [k])

    with single_threaded():
        fit = _collected(ordered_map(of_block, space.parts()), [k], space.n_pixels)[0]
    _check_counts(fit.counts)
    return fit.fit(mean)


def nearest_centers(space: FeatureSpace, mean: F64, centers: F64) -> Labels:
    """Return the nearest of some centres, relative to ``mean``, for every pixel; some may have no pixel."""
    return _assign_pixels(space, mean, [centers.astype(np.float32)])[0].labels


def _assign_pixels(space: FeatureSpace, mean: F64, centers: Sequence[Real]) -> list[_Assigned]:
    """Find the nearest of each set of centres for all pixels, in the precision of the centres."""
    ks = [len(one) for one in centers]
    rows = np.concatenate(centers)
    offset = (0.5 * np.einsum("ij,ij->i", rows, rows))[:, None]
    starts = np.cumsum([0, *ks])

    def of_block(part: slice) -> _Block:
        precise = space.block(part) - mean
        scores = rows @ precise.astype(rows.dtype, copy=False)
        scores -= offset
        labels = [_largest(scores[start : start + k]) for start, k in zip(starts, ks, strict=False)]
        return _summed(part, precise, labels, ks)

    with single_threaded():
        return _collected(ordered_map(of_block, space.parts()), ks, space.n_pixels)


def _largest(scores: Real) -> Labels:
    """Return the row of each column's largest score; much faster than ``argmax`` for few rows."""
    best = scores[0].copy()
    labels = np.zeros(scores.shape[1], dtype=np.int16)
    for row in range(1, len(scores)):
        np.copyto(labels, np.int16(row), where=scores[row] > best)
        np.maximum(best, scores[row], out=best)
    return labels


def _summed(part: slice, centred: F64, labels: list[Labels], ks: list[int]) -> _Block:
    member = np.zeros((sum(ks), centred.shape[1]))
    columns = np.arange(centred.shape[1])
    for start, one in zip(np.cumsum([0, *ks]), labels, strict=False):
        member[start + one, columns] = 1.0
    return _Block(part, labels, member @ centred.T, member.sum(axis=1), float(np.vdot(centred, centred)))


def _collected(blocks: Iterable[_Block], ks: list[int], n_pixels: int) -> list[_Assigned]:
    labels = [np.empty(n_pixels, dtype=np.int16) for _ in ks]
    sums: Any = 0.0
    counts: Any = 0.0
    squares = 0.0
    for block in blocks:
        for whole, part in zip(labels, block.labels, strict=True):
            whole[block.part] = part
        sums, counts, squares = sums + block.sums, counts + block.counts, squares + block.squares
    ends = np.cumsum(ks)[:-1]
    each = zip(labels, np.split(sums, ends), np.split(counts, ends), strict=True)
    return [_Assigned(*one, squares) for one in each]


def _check_counts(counts: F64) -> None:
    if (counts == 0).any():
        values = int((counts > 0).sum())
        raise SettingError(
            f"k = {counts.size} is too many for pixels that take only {values} different values."
        )


def _sample(n_pixels: int, rng: np.random.Generator) -> NDArray[np.intp]:
    if n_pixels <= SAMPLE_PIXELS:
        return np.arange(n_pixels)
    return np.sort(rng.choice(n_pixels, SAMPLE_PIXELS, replace=False))


def _principal_axes(centred: NDArray[np.float32]) -> F64:
    """Return the leading orthonormal axes, shape (component, feature)."""
    scatter = np.zeros((len(centred), len(centred)))
    for part in blocks_of(centred.shape[1], len(centred)):
        block = centred[:, part].astype(np.float64)
        scatter += block @ block.T
    _, axes = np.linalg.eigh(scatter)
    return np.ascontiguousarray(axes[:, ::-1][:, :MAX_COMPONENTS].T)
