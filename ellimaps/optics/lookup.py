"""Where the minima of a fit may lie: a look-up on a grid of parameters, in N, C, S space."""

from __future__ import annotations

import itertools
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ellimaps.optics.averages import SPREADS
from ellimaps.optics.fresnel import Real, Uniaxial
from ellimaps.optics.gradient import ExactCurve
from ellimaps.optics.instrument import AOI_OFFSET
from ellimaps.optics.layers import OF_LAYER, THICKNESS
from ellimaps.optics.media import Media
from ellimaps.optics.model import Parameter, ThinFilm
from ellimaps.optics.solver import Target

# Halving or doubling what says how fine the grid is sends none of 8,500 fits astray
# (`benchmarks/bench_fits.py --constants`).

MOST_CANDIDATES = 24
"""Minima that may be looked at; of bounds that are far apart for the grid, 24 find 0.99 of the films and 6
find 0.95 (`tests/optics/test_lookup.py`)."""
# With four parameters: half as many nodes send 0.0003 to 0.0005 of the fits astray, twice as many take twice
# as long and find up to 0.001 more (`benchmarks/bench_fits.py --constants`).
_MOST_NODES = 24_000
# An oscillator that goes across a band moves the index up and down again: steps that follow it.
_ALONG = 9
# 4 MB of indices or of scores at a time, what a core's cache holds; neither changes any result.
_BLOCK_NODES = 4096
_BLOCK_SCORES = 1 << 20
# What the principal components of N, C, S leave out, as a part of their sum of squares: 0.01 of a length.
_LEFT_OUT = 1e-4
# Steps of optical thickness as a part of the shortest wavelength, by the number of free parameters; Psi and
# Delta repeat after about a half, so the coarsest has 20 steps a period.
_PART_OF_WAVELENGTH = {1: 1 / 150, 2: 1 / 50}
_PART_OF_MANY = 1 / 40

Single = NDArray[np.float32]


class LookUp:
    """A grid over the bounds of a model's free parameters, with N, C, S at its nodes.

    Attributes
    ----------
    shape : tuple of int
        How many nodes there are along each parameter.
    spacing : ndarray of float, shape (parameter,)
        Distance of neighbouring nodes.

    Notes
    -----
    N, C, S of the nodes are kept as coordinates along their principal components, as they are smooth over
    wavelength. Along each parameter follows one more node, whose score is lower than all: every node then has
    its neighbors at the same distances in memory, and none beyond the edge.
    """

    def __init__(self, model: ThinFilm, exact: ExactCurve, wavelength_nm: Real) -> None:
        self.shape = _counts(model, wavelength_nm)
        self._axes = [
            np.linspace(low, high, count)
            for low, high, count in zip(exact.low, exact.high, self.shape, strict=True)
        ]
        self.spacing: Real = np.array([axis[1] - axis[0] for axis in self._axes])
        # Where spreads have a slope that leads a fit somewhere.
        self._least_start = np.array([p.high / 50 if p.kind in SPREADS else p.low for p in exact.parameters])
        self._exact = exact
        nodes = np.indices(self.shape).reshape(len(self.shape), -1).T
        blocks = np.array_split(nodes, -(-len(nodes) // _BLOCK_NODES))
        evenly = nodes[:: len(blocks)]
        self._basis = _principal_components(ncs(exact.values(self.parameters(evenly))))
        padded = tuple(count + 1 for count in self.shape)
        self._ncs = np.zeros((*padded, self._basis.shape[1]), dtype=np.float32)
        for block in blocks:
            self._ncs[tuple(block.T)] = ncs(exact.values(self.parameters(block))) @ self._basis

    def parameters(self, nodes: NDArray[np.intp]) -> Real:
        """Return the parameters of nodes given by their numbers along the axes, both (..., parameter)."""
        return np.stack([axis[nodes[..., i]] for i, axis in enumerate(self._axes)], axis=-1)

    def scores(self, points: Single) -> Single:
        """Return the scalar product of N, C, S with every node's, shape (n, *shape).

        All of them are of unit length per wavelength, so half the squared distance is the number of
        wavelengths minus this, whichever wavelengths are missing (and zero in ``points``).
        """
        inside = (slice(None), *(slice(count) for count in self.shape))
        return self._padded_scores(points)[inside]

    def candidates(self, points: Single, target: Target) -> tuple[Real, NDArray[np.bool_]]:
        """Return the local minima of the distance to each spectrum, best first.

        Parameters
        ----------
        points : ndarray of float32, shape (n, 3 band)
            N, C, S of every band, of length 1 or, with more noise, less; zero where not both are measured.
        target : Target
            The same spectra; those that lack Psi or Delta nearly everywhere are compared value by value.

        Returns
        -------
        start : ndarray of float, shape (n, MOST_CANDIDATES, parameter)
            Parameters of the nodes.
        exists : ndarray of bool, shape (n, MOST_CANDIDATES)
            False where there are no more.
        """
        rows = max(1, _BLOCK_SCORES // (self._ncs.size // self._ncs.shape[-1]))
        start = np.empty((len(points), MOST_CANDIDATES, len(self.shape)))
        exists = np.empty((len(points), MOST_CANDIDATES), dtype=bool)
        for first in range(0, len(points), rows):
            part = slice(first, first + rows)
            start[part], exists[part] = self._best_peaks(self._padded_scores(points[part]))
        n_bands = points.shape[1] // 3
        complete = np.count_nonzero(np.square(points).reshape(-1, 3, n_bands).sum(axis=1), axis=1)
        for row in np.flatnonzero((complete < 3) & (complete < target.n_wavelengths)):
            scores = np.full(self._ncs.shape[:-1], -np.inf, dtype=np.float32)
            scores[tuple(slice(count) for count in self.shape)] = -self._chi2(target.part(np.array([row])))
            start[row], exists[row] = self._best_peaks(scores[None])
        return start, exists

    def best_with(self, target: Target, number: int, values: Real) -> Real:
        """Return, for values of one parameter, the nodes nearest to one spectrum, with these values put in.

        Parameters
        ----------
        target : Target
            The spectrum, alone.
        number : int
            Which parameter.
        values : ndarray of float, shape (n,)
            Its values.

        Returns
        -------
        ndarray of float, shape (n, parameter)
            Where to begin with the parameter held.
        """
        slices = np.moveaxis(self._chi2(target), number, 0).reshape(self.shape[number], -1)
        nodes = np.moveaxis(np.indices(self.shape), number + 1, 1).reshape(len(self.shape), *slices.shape)
        best = self.parameters(nodes[:, np.arange(len(slices)), slices.argmin(axis=1)].T)
        nearest = np.abs(best[None, :, number] - values[:, None]).argmin(axis=1)
        chosen: Real = best[nearest].copy()
        chosen[:, number] = values
        return chosen

    def _padded_scores(self, points: Single) -> Single:
        flat = self._ncs.reshape(-1, self._ncs.shape[-1])
        scores: Single = ((points @ self._basis) @ flat.T).reshape(-1, *self._ncs.shape[:-1])
        for axis in range(1, scores.ndim):
            np.moveaxis(scores, axis, 0)[-1] = -np.inf
        return scores

    def _best_peaks(self, scores: Single) -> tuple[Real, NDArray[np.bool_]]:
        row, node = peaks(scores)
        heights = scores.reshape(len(scores), -1)[row, node]
        order = np.lexsort((-heights, row))
        row, node = row[order], node[order]
        rank = np.arange(len(row)) - np.searchsorted(row, row)
        chosen = rank < MOST_CANDIDATES
        exists = np.zeros((len(scores), MOST_CANDIDATES), dtype=bool)
        exists[row[chosen], rank[chosen]] = True
        start = np.zeros((*exists.shape, len(self.shape)))
        at = np.unravel_index(node[chosen], scores.shape[1:])
        places = self.parameters(np.stack(at, axis=-1))
        start[row[chosen], rank[chosen]] = np.maximum(places, self._least_start)
        return start, exists

    def _chi2(self, target: Target) -> Real:
        """Return chi squared of one spectrum at every node, of the grid's shape."""
        rest = target.residuals(self._angles) * target.weights
        chi2: Real = np.einsum("nb,nb->n", rest, rest).reshape(self.shape)
        return chi2

    @cached_property
    def _angles(self) -> Real:
        """Psi and Delta of the nodes, shape (node, 2 band); only what looks at a single spectrum asks."""
        nodes = np.indices(self.shape).reshape(len(self.shape), -1).T
        blocks = np.array_split(nodes, -(-len(nodes) // _BLOCK_NODES))
        return np.concatenate([self._exact.values(self.parameters(block)) for block in blocks])


def ncs(angles: Real) -> Single:
    """Return N, C, S of Psi and Delta in degrees, shape (n, 2 band), as float32 of shape (n, 3 band)."""
    psi, delta = np.split(np.deg2rad(np.asarray(angles, dtype=np.float32)), 2, axis=-1)
    sine = np.sin(2 * psi)
    return np.concatenate([np.cos(2 * psi), sine * np.cos(delta), sine * np.sin(delta)], axis=-1)


def peaks(scores: Single) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return where scores have no higher neighbor, the number of the grid and of the node in it.

    Parameters
    ----------
    scores : ndarray of float, shape (n, ...)
        On n grids whose last nodes along each axis are there to be lower than all others.

    Notes
    -----
    Neighbors are diagonal ones too: without them the narrow ridge on which thickness and index trade would
    have a peak at every other node, all of which lead to one minimum. Of equal neighbors the last counts.
    """
    steps = np.array(scores.strides[1:]) // scores.itemsize
    flat = scores.ravel()
    peak = np.ones(flat.shape, dtype=bool)
    for step in steps:
        rising = flat[step:] >= flat[:-step]
        peak[step:] &= rising
        peak[:-step] &= ~rising
    at = np.flatnonzero(peak)
    diagonals = np.array(list(itertools.product((-1, 0, 1), repeat=len(steps)))) @ steps
    for step in diagonals:
        # From the first node back is the last grid's edge.
        beside = flat.take(at + step, mode="wrap")
        at = at[(beside < flat[at]) | ((beside == flat[at]) & (step <= 0))]
    return np.divmod(at, steps[0] * scores.shape[1])


def _principal_components(points: Single) -> Single:
    """Return the directions, shape (number, component), that hold nearly all of the points' squares."""
    double = points.astype(np.float64)
    squares, directions = np.linalg.eigh(double.T @ double)
    left_out = np.count_nonzero(np.cumsum(squares) < _LEFT_OUT * squares.sum())
    return np.ascontiguousarray(directions[:, left_out:], dtype=np.float32)


def _counts(model: ThinFilm, wavelength_nm: Real) -> tuple[int, ...]:
    parameters, shortest_nm = model.parameters, float(wavelength_nm.min())
    part = _PART_OF_WAVELENGTH.get(len(parameters), _PART_OF_MANY) * shortest_nm
    counts = np.array([_steps(model, parameter, part, wavelength_nm) for parameter in parameters])
    while np.prod(counts + 1.0) > _MOST_NODES and counts.max() > 2:
        counts[counts.argmax()] = max(2, int(counts.max() * 0.9))
    return tuple(int(count) + 1 for count in counts)


def _steps(model: ThinFilm, parameter: Parameter, optical_nm: float, wavelength_nm: Real) -> int:
    if parameter.layer is None:
        # Psi and Delta change smoothly with an angle that is off, and Delta with its own offset evenly.
        step = 0.5 if parameter.kind == AOI_OFFSET else 10.0
        return max(2, int(np.ceil((parameter.high - parameter.low) / step)))
    if parameter.kind in OF_LAYER - {THICKNESS}:
        # How much is mixed changes Psi and Delta smoothly.
        return 4
    waves = wavelength_nm.min(keepdims=True) if parameter.kind == THICKNESS else wavelength_nm
    return max(4, int(np.ceil(_optical_path(model, parameter, waves) / optical_nm)))


def _optical_path(model: ThinFilm, parameter: Parameter, wavelength_nm: Real) -> float:
    """Return how far all optical paths move while a parameter goes from bound to bound, where they move most.

    Other indices are those of the model, and films that have a free thickness as thick as can be. Nothing
    interferes across a plate.
    """
    through = np.linspace(parameter.low, parameter.high, _ALONG)[:, None]
    columns = [
        through if one == parameter else one.high if one.kind == THICKNESS else one.start
        for one in model.parameters
    ]
    stack = Media(model, wavelength_nm[None, :]).at(model.by_place(columns))
    path = np.zeros(len(wavelength_nm))
    for place, (index, thickness) in enumerate(zip(stack.indices, stack.thicknesses_nm, strict=True)):
        if place in stack.shares:
            continue
        moved = max((_way(part) for part in _axes(index)), key=np.max)
        path = path + moved * np.max(thickness) + _way(thickness) * np.maximum(1, np.abs(_axes(index)[0][0]))
    # Rounding must not add a node to what is linear.
    return round(float(path.max()), 9)


def _axes(index: Any) -> tuple[Any, ...]:
    return tuple(index) if isinstance(index, Uniaxial) else (index,)


def _way(values: Any) -> Any:
    """Return how far values move along their first axis, those that have none not at all."""
    return np.abs(np.diff(np.atleast_2d(values), axis=0)).sum(axis=0)
