"""Search for KMeans centres on weighted points: many starts, Lloyd iterations, and swaps of centres.

All starts go through their iterations together, as rows of the same matrix products.

References
----------
S. P. Lloyd, Least squares quantization in PCM, IEEE Trans. Inf. Theory 28, 129 (1982),
doi:10.1109/TIT.1982.1056489.
D. Arthur and S. Vassilvitskii, k-means++: the advantages of careful seeding, SODA 2007.
P. Franti, Efficiency of random swap clustering, J. Big Data 5 (2018), doi:10.1186/s40537-018-0122-y.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.parallel import ordered_map
from ellimaps.maps.clustering.weighted_points import WeightedPoints

Real = NDArray[np.floating[Any]]
F64 = NDArray[np.float64]

TIGHT = 1e-5
"""Share of the total scatter below which an inertia is too small for single precision (1e-7)."""

# Halved or doubled, the numbers below change inertia or time by little: benchmarks/bench_constants.py prints
# how much. They were chosen where the inertia stops falling, beside scikit-learn's best of ten starts
# (benchmarks/bench_speed.py prints the excess over it).
_STARTS = 24
_FINALISTS = 3
# With few clusters a round is cheap, and few of its swaps are any good.
_FEWEST_FAILURES, _FAILURES_OF_ONE = 3, 32
_SWAP_CANDIDATES = 24
_SWAP_TRIES = 12
_SAME_INERTIA = 1e-4
# So many numbers fit into a core's cache.
_SCORES_AT_ONCE = 400_000
# Most Lloyd iterations, and the relative fall of the inertia that ends them.
_ROUGH = (4, 1e-2)
_COARSE = (20, 1e-4)
_FINE = (60, 1e-5)


class CenterSets(NamedTuple):
    """Several sets of centres, shape (set, center, component), and the inertia of each set."""

    centers: Real
    inertia: F64

    def take(self, chosen: list[int]) -> CenterSets:
        """Return some of the sets."""
        return CenterSets(self.centers[chosen], self.inertia[chosen])


def search(points: WeightedPoints, k: int, rng: np.random.Generator) -> CenterSets:
    """Return the best few sets of ``k`` centres that many starts and swaps lead to, best first."""
    starts = lloyd(points, spread_centers(points, k, _STARTS, rng), *_ROUGH)
    finalists = starts.take(_distinct(starts.inertia)[:_FINALISTS])
    if k > 1:
        finalists = _swapped(points, finalists, rng)
    refined = lloyd(points, finalists.centers, *_FINE)
    return refined.take(_distinct(refined.inertia))


def rough_search(points: WeightedPoints, k: int, rng: np.random.Generator) -> CenterSets:
    """Return the best of many starts after a few iterations, for clusters that need not be the best."""
    starts = lloyd(points, spread_centers(points, k, _STARTS, rng), *_ROUGH)
    return starts.take([int(starts.inertia.argmin())])


def lloyd(points: WeightedPoints, centers: Real, most: int, tolerance: float) -> CenterSets:
    """Iterate each set of centres until none is idle and the inertia falls by less than ``tolerance``.

    A point as near to two centres counts for both; which one it belongs to does not matter here.

    Parameters
    ----------
    points : WeightedPoints
        What is clustered.
    centers : ndarray, shape (set, center, component)
        Where to begin.
    most : int
        Number of iterations after which to end.
    tolerance : float
        Fall of the inertia, as a share of it, that is not worth an iteration.
    """
    together = max(1, _SCORES_AT_ONCE // (centers.shape[1] * points.weights.size))
    groups = [centers[first : first + together] for first in range(0, len(centers), together)]
    done = list(ordered_map(lambda group: _lloyd(points, group, most, tolerance), groups))
    return CenterSets(*(np.concatenate(parts) for parts in zip(*done, strict=True)))


def _lloyd(points: WeightedPoints, centers: Real, most: int, tolerance: float) -> CenterSets:
    centers = centers.astype(points.values.dtype)
    inertia = np.full(len(centers), np.inf)
    moving = np.arange(len(centers))
    for _ in range(most):
        scores = points.scores(centers[moving])
        best = scores.max(axis=1)
        member = np.equal(scores, best[:, None], out=np.empty_like(scores), casting="unsafe")
        sums = (member.reshape(-1, best.shape[1]) @ points.weighted).reshape(*scores.shape[:2], -1)
        reached = np.maximum(points.total - 2 * (best @ points.weights).astype(np.float64), 0)
        idle = sums[:, :, -1] == 0
        going = idle.any(axis=1) | (inertia[moving] - reached > tolerance * reached)
        inertia[moving] = reached
        moving = moving[going]
        if not moving.size:
            break
        sums, idle = sums[going], idle[going]
        counts = np.where(idle, 1, sums[:, :, -1])
        moved = np.where(idle[..., None], centers[moving], sums[:, :, :-1] / counts[..., None])
        for number in np.flatnonzero(idle.any(axis=1)):
            # One at a time: the worst served points may be equal.
            worst = (points.squares - 2 * best[going][number]).argmax()
            moved[number, idle[number].argmax()] = points.values[:, worst]
        centers[moving] = moved
    return CenterSets(centers, inertia)


def spread_centers(points: WeightedPoints, k: int, starts: int, rng: np.random.Generator) -> Real:
    """Choose several sets of centres by greedy k-means++ seeding.

    Parameters
    ----------
    points : WeightedPoints
        Centres are some of them.
    k : int
        Number of centres in a set.
    starts : int
        Number of sets.
    rng : Generator
        Draws them.

    Returns
    -------
    ndarray, shape (start, center, component)
        The sets.
    """
    trials = 2 + int(np.log(k))
    chosen = np.empty((starts, k), dtype=np.intp)
    chosen[:, 0] = _draw(points.weights[None], starts, rng)[0]
    distance = points.squared_distances(chosen[:, 0])
    each = np.arange(starts)
    for number in range(1, k):
        drawn = _draw(distance * points.weights, trials, rng)
        to_drawn = points.squared_distances(drawn.ravel()).reshape(starts, trials, -1)
        closer = np.minimum(distance[:, None], to_drawn)
        best = (closer @ points.weights).argmin(axis=1)
        distance = closer[each, best]
        chosen[:, number] = drawn[each, best]
    return np.asarray(points.values.T[chosen])


def _draw(weights: Real, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Draw point numbers with a probability in proportion to each row of weights, shape (row, count)."""
    ladders = np.cumsum(weights, axis=1, dtype=np.float64)
    wanted = rng.random((len(weights), count)) * ladders[:, -1:]
    drawn = [np.searchsorted(ladder, row, side="right") for ladder, row in zip(ladders, wanted, strict=True)]
    return np.asarray(np.minimum(np.stack(drawn), weights.shape[1] - 1))


def _swapped(points: WeightedPoints, candidates: CenterSets, rng: np.random.Generator) -> CenterSets:
    """Move a centre to a badly served point as long as that lowers the inertia, in each set."""
    centers, inertia = candidates.centers.copy(), candidates.inertia.copy()
    failures = np.zeros(len(centers), dtype=int)
    allowed = max(_FEWEST_FAILURES, _FAILURES_OF_ONE // centers.shape[1])
    # Of those that have become the same, one goes on.
    while live := [n for n in _distinct(inertia) if failures[n] < allowed]:
        tries = np.concatenate([_promising_swaps(points, centers[number], rng) for number in live])
        tried = lloyd(points, tries, *_COARSE)
        for number, group in zip(live, np.split(np.arange(len(tries)), len(live)), strict=True):
            best = group[tried.inertia[group].argmin()]
            # Where all points coincide with a centre, rounding alone would go on for ever.
            if tried.inertia[best] < inertia[number] * (1 - _SAME_INERTIA) - 1e-9 * points.total:
                centers[number], inertia[number] = tried.centers[best], tried.inertia[best]
                failures[number] = 0
            else:
                failures[number] += 1
    return CenterSets(centers, inertia)


def _promising_swaps(points: WeightedPoints, centers: Real, rng: np.random.Generator) -> Real:
    """Return sets of centres with one moved to another point, shape (try, center, component).

    The inertia after each possible swap of one centre for one drawn point follows from every point's two
    nearest centres. For each centre to leave and each cluster to go to, the best point is considered.
    """
    distances = np.maximum(points.squares - 2 * points.scores(centers[None])[0], 0)
    nearest, second = np.partition(distances, 1, axis=0)[:2]
    targets = _draw((nearest * points.weights)[None], _SWAP_CANDIDATES, rng)[0]
    to_target = points.squared_distances(targets)
    kept = np.minimum(nearest, to_target)
    lost = np.minimum(second, to_target) - kept
    member = (distances == nearest) * points.weights
    expected = (kept @ points.weights)[:, None] + lost @ member.T
    swaps = _best_targets(expected, distances[:, targets].argmin(axis=0))
    # What a centre's points lose is overrated as long as no other has moved: each gets its chance to leave.
    rank = np.argsort(np.argsort(swaps.inertia, axis=0, kind="stable"), axis=0)
    order = np.lexsort((swaps.inertia.ravel(), rank.ravel()))[:_SWAP_TRIES]
    leaving, arriving = order % len(centers), targets[swaps.target.ravel()[order]]
    swapped = np.repeat(centers[None], order.size, axis=0)
    swapped[np.arange(order.size), leaving] = points.values[:, arriving].T
    return swapped


class _Swaps(NamedTuple):
    """The best point in each cluster for each centre to move to, and the inertia expected there."""

    target: NDArray[np.intp]
    inertia: Real


def _best_targets(expected: Real, own: NDArray[np.intp]) -> _Swaps:
    """Choose among points, by the cluster they lie in; a centre that stayed in its own would come back.

    ``expected`` has the shape (point, leaving center), the result (arriving in cluster, leaving center).
    """
    k = expected.shape[1]
    inside = np.where((own == np.arange(k)[:, None])[:, :, None], expected, np.inf)
    best = inside.min(axis=1)
    np.fill_diagonal(best, np.inf)
    return _Swaps(inside.argmin(axis=1), best)


def _distinct(inertia: F64) -> list[int]:
    """Return numbers by ascending inertia, those of practically equal inertia once."""
    kept: list[int] = []
    for number in np.argsort(inertia, kind="stable"):
        if not kept or inertia[number] > inertia[kept[-1]] * (1 + _SAME_INERTIA):
            kept.append(int(number))
    return kept
