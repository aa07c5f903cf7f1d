"""A few thousand weighted points that stand for all pixels while good KMeans centres are searched.

The pixels, projected on their leading principal components, are cut by a k-d tree into leaves of equal size,
and the leaf means stand for them, except for the pixels that these serve worst, which stand for themselves.
For any centres the inertia of the weighted points differs from that of the pixels by the scatter inside the
leaves, which hardly depends on the centres, so optima keep their order; a random sample of the same size
does not rank them reliably.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.floating[Any]]

# Halved or doubled, these change inertia or time by little: benchmarks/bench_constants.py prints how much.
LEAVES = 2048
SINGLES = 2048
_LEADING_AXES = 6
_VARIANCE_PIXELS = 64


class WeightedPoints:
    """Points with weights, laid out so that an iteration over many sets of centres is two products.

    Parameters
    ----------
    values : ndarray, shape (component, point)
        Coordinates; their type, float32 or float64, is that of all work on them.
    weights : ndarray, shape (point,), optional
        How many pixels a point stands for; 1 by default.
    """

    def __init__(self, values: Real, weights: Real | None = None) -> None:
        self.values = np.ascontiguousarray(values)
        ones = np.ones(values.shape[1], dtype=values.dtype)
        self.weights: Real = ones if weights is None else weights.astype(values.dtype)
        self.squares: Real = np.einsum("ij,ij->j", self.values, self.values)
        # With a row of ones, the products hold the centres' own squares and the counts as well.
        self.extended: Real = np.concatenate([self.values, ones[None]])
        self.weighted: Real = np.ascontiguousarray((self.extended * self.weights).T)
        self.total = float(self.squares.astype(np.float64) @ self.weights.astype(np.float64))

    def scores(self, centers: Real) -> Real:
        """Return half the squared norm minus half the squared distance, shape (set, center, point).

        Parameters
        ----------
        centers : ndarray, shape (set, center, component)
            Several sets of centres.
        """
        sets, k, axes = centers.shape
        rows = np.empty((sets * k, axes + 1), dtype=self.values.dtype)
        rows[:, :-1] = centers.reshape(sets * k, axes)
        rows[:, -1] = -0.5 * np.einsum("ij,ij->i", rows[:, :-1], rows[:, :-1])
        return np.asarray((rows @ self.extended).reshape(sets, k, -1))

    def squared_distances(self, chosen: NDArray[np.intp]) -> Real:
        """Return the squared distances of chosen points to all points, shape (chosen, point)."""
        result: Real = self.values[:, chosen].T @ (-2 * self.values)
        result += self.squares
        result += self.squares[chosen][:, None]
        return np.maximum(result, 0, out=result)

    def in_double(self) -> WeightedPoints:
        """Return the same points for work in double precision."""
        return WeightedPoints(self.values.astype(np.float64), self.weights.astype(np.float64))


def condense(points: Real) -> WeightedPoints:
    """Stand a few thousand weighted points for many: leaf means, and the points that those serve worst.

    The leaves are those of a k-d tree that halves each node across its widest axis. The points on edges
    between regions are few and far between; in the mean of a leaf they would be lost.
    """
    n_points = points.shape[1]
    if n_points <= LEAVES + SINGLES:
        return WeightedPoints(points)
    order, share = _leaves(points[: min(_LEADING_AXES, points.shape[0])])
    leaves = points[:, order]
    rest = leaves - leaves.mean(axis=2, keepdims=True)
    distance = np.einsum("ijk,ijk->jk", rest, rest)
    single = distance > np.partition(distance, -SINGLES, axis=None)[-SINGLES]
    shared = np.where(single, np.float32(0), share)
    weights = shared.sum(axis=1)
    kept = weights > 0
    means = np.einsum("ijk,jk->ij", leaves, shared)[:, kept] / weights[kept]
    return WeightedPoints(
        np.concatenate([means, leaves[:, single]], axis=1), np.concatenate([weights[kept], share[single]])
    )


def _leaves(leading: Real) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return the points of each leaf and how much of each point is in it, both of shape (leaf, point)."""
    n_axes, n_points = leading.shape
    size = -(-n_points // LEAVES)
    # The leaves have room for more points than there are: some stand in two leaves, with half a weight each.
    order = np.arange(size * LEAVES) * n_points // (size * LEAVES)
    share = (1 / np.bincount(order)).astype(np.float32)
    nodes = 1
    while nodes < LEAVES:
        inside = leading[:, order].reshape(n_axes, nodes, -1)
        step = max(1, inside.shape[2] // _VARIANCE_PIXELS)
        widest = inside[:, :, ::step].var(axis=2).argmax(axis=0)
        along = inside[widest, np.arange(nodes)]
        halves = np.argpartition(along, along.shape[1] // 2, axis=1)
        order = np.take_along_axis(order.reshape(nodes, -1), halves, axis=1).ravel()
        nodes *= 2
    order = order.reshape(LEAVES, size)
    return order, share[order]
