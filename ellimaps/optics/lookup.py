"""Where the minima of a fit may lie: a look-up on a grid of parameters, in N, C, S space."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ellimaps.optics.fresnel import Real
from ellimaps.optics.gradient import ExactCurve
from ellimaps.optics.materials import UniaxialMaterial
from ellimaps.optics.model import AOI_OFFSET, CAUCHY_B, THICKNESS, Parameter, ThinFilm

# Halving or doubling what says how fine the grid is sends none of 8,500 fits astray; finer takes longer,
# three times as long with three parameters (`benchmarks/bench_fits.py --constants`).

MOST_CANDIDATES = 6
"""Minima looked at; with half as many the fits of `bench_fits.py --constants` are the same too."""
# 60,000 nodes x 50 bands of N, C, S in single precision are 36 MB.
_MOST_NODES = 60_000
# 8 MB of scores at a time.
_BLOCK_ELEMENTS = 1 << 21
# Steps of optical thickness as a part of the shortest wavelength, by the number of free parameters; Psi and
# Delta repeat after about a half, so the coarsest has 15 steps a period.
_PART_OF_WAVELENGTH = {1: 1 / 150, 2: 1 / 50}
_PART_OF_MANY = 1 / 30

Single = NDArray[np.float32]


class GridMinima(NamedTuple):
    """Local minima on the grid, best first.

    Attributes
    ----------
    node : ndarray of int, shape (n, candidate)
        Grid node, -1 where there are no more.
    least : ndarray of float, shape (n, candidate)
        The least distance in N, C, S that a point nearest to this node can have.
    """

    node: NDArray[np.intp]
    least: Real


class LookUp:
    """A grid over the bounds of a model's free parameters, with N, C, S at its nodes.

    Attributes
    ----------
    nodes : ndarray of float, shape (node, parameter)
        Parameters of each node.
    spacing : ndarray of float, shape (parameter,)
        Distance of neighbouring nodes.
    """

    def __init__(self, model: ThinFilm, exact: ExactCurve, wavelength_nm: Real) -> None:
        self.shape = _counts(model, float(np.min(wavelength_nm)))
        axes = [
            np.linspace(p.low, p.high, count) for p, count in zip(exact.parameters, self.shape, strict=True)
        ]
        self.nodes: Real = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
        self.spacing: Real = np.array([axis[1] - axis[0] for axis in axes])
        self._ncs = ncs(exact.values(self.nodes))
        self._reach = self._half_steps()

    def scores(self, points: Single) -> Single:
        """Return the scalar product of N, C, S with every node's, shape (n, node).

        All of them are of unit length per wavelength, so half the squared distance is the number of
        wavelengths minus this, whichever wavelengths are missing (and zero in ``points``).
        """
        return points @ self._ncs.T

    def candidates(self, points: Single) -> GridMinima:
        """Return the local minima of the distance to each spectrum.

        Parameters
        ----------
        points : ndarray of float32, shape (n, 3 band)
            N, C, S of every band; zero where not measured.
        """
        rows = max(1, _BLOCK_ELEMENTS // len(self.nodes))
        parts = [self._of_block(points[start : start + rows]) for start in range(0, len(points), rows)]
        if not parts:
            return GridMinima(np.empty((0, 1), dtype=np.intp), np.empty((0, 1)))
        return GridMinima(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))

    def _of_block(self, points: Single) -> tuple[NDArray[np.intp], Real]:
        scores = self.scores(points)
        peaks = np.where(is_peak(scores.reshape(-1, *self.shape)).reshape(scores.shape), scores, -np.inf)
        everything = np.square(points).sum(axis=1)
        nodes = np.full((len(points), MOST_CANDIDATES), -1, dtype=np.intp)
        least = np.full((len(points), MOST_CANDIDATES), np.inf)
        row = np.arange(len(points))
        for rank in range(MOST_CANDIDATES):
            best = peaks.argmax(axis=1)
            found = peaks[row, best]
            exists = np.isfinite(found)
            nodes[exists, rank] = best[exists]
            distance = np.sqrt(np.maximum(2 * (everything - found)[exists], 0))
            least[exists, rank] = np.maximum(distance - self._reach[best[exists]], 0)
            peaks[row, best] = -np.inf
        return nodes, least

    def _half_steps(self) -> Real:
        """Return how far from a node, in N, C, S, the points that are nearest to it may be."""
        grid = self._ncs.astype(np.float64).reshape(*self.shape, -1)
        reach = np.zeros(self.shape)
        for axis in range(len(self.shape)):
            step = np.linalg.norm(np.diff(grid, axis=axis), axis=-1)
            pad = [(0, 0)] * step.ndim
            before, after = pad.copy(), pad.copy()
            before[axis], after[axis] = (1, 0), (0, 1)
            reach += np.maximum(np.pad(step, before), np.pad(step, after)) / 2
        # A chord is shorter than the arc between two nodes: 1.2 covers arcs up to 118 deg.
        return 1.2 * reach.ravel()


def ncs(angles: Real) -> Single:
    """Return N, C, S of Psi and Delta in degrees, shape (n, 2 band), as float32 of shape (n, 3 band)."""
    psi, delta = np.split(np.deg2rad(np.asarray(angles, dtype=np.float32)), 2, axis=-1)
    sine = np.sin(2 * psi)
    return np.concatenate([np.cos(2 * psi), sine * np.cos(delta), sine * np.sin(delta)], axis=-1)


def is_peak(scores: Single) -> NDArray[np.bool_]:
    """Return where no neighbour along any axis but the first is higher; of equal ones the last counts."""
    peak = np.ones(scores.shape, dtype=bool)
    for axis in range(1, scores.ndim):
        low = (slice(None),) * axis + (slice(None, -1),)
        high = (slice(None),) * axis + (slice(1, None),)
        rising = scores[high] >= scores[low]
        peak[low] &= ~rising
        peak[high] &= rising
    return peak


def _counts(model: ThinFilm, shortest_nm: float) -> tuple[int, ...]:
    parameters = model.parameters
    part = _PART_OF_WAVELENGTH.get(len(parameters), _PART_OF_MANY) * shortest_nm
    counts = np.array([_steps(model, parameter, part, shortest_nm) for parameter in parameters])
    while np.prod(counts + 1.0) > _MOST_NODES and counts.max() > 2:
        counts[counts.argmax()] = max(2, int(counts.max() * 0.9))
    return tuple(int(count) + 1 for count in counts)


def _steps(model: ThinFilm, parameter: Parameter, optical_nm: float, shortest_nm: float) -> int:
    width = parameter.high - parameter.low
    if parameter.kind == AOI_OFFSET or parameter.layer is None:
        return max(2, int(np.ceil(width / 0.5)))
    layer = model.layers[parameter.layer]
    if parameter.kind == THICKNESS:
        return max(4, int(np.ceil(width * _largest_index(model, parameter.layer, shortest_nm) / optical_nm)))
    thickest = layer.free.get(THICKNESS, (0.0, layer.thickness_nm))[1]
    change = width / (shortest_nm / 1000) ** 2 if parameter.kind == CAUCHY_B else width
    return max(4, int(np.ceil(change * thickest / optical_nm)))


def _largest_index(model: ThinFilm, layer: int, shortest_nm: float) -> float:
    material = model.layers[layer].material
    part = material.ordinary if isinstance(material, UniaxialMaterial) else material
    return max(1.0, float(abs(part(np.asarray(shortest_nm)))))
