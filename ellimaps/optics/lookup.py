"""Where the minima of a fit may lie: a look-up on a grid of parameters, in N, C, S space."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ellimaps.optics.averages import SPREADS
from ellimaps.optics.fresnel import Real, Uniaxial
from ellimaps.optics.gradient import ExactCurve
from ellimaps.optics.instrument import AOI_OFFSET
from ellimaps.optics.layers import OF_LAYER, THICKNESS
from ellimaps.optics.media import Media
from ellimaps.optics.model import Parameter, ThinFilm
from ellimaps.optics.ncs_curve import NcsCurve
from ellimaps.optics.solver import Target

# Halving or doubling what says how fine the grid is sends none of 8,500 fits astray; finer takes longer,
# three times as long with three parameters (`benchmarks/bench_fits.py --constants`).

MOST_CANDIDATES = 6
"""Minima looked at; with half as many the fits of `bench_fits.py --constants` are the same too."""
# 60,000 nodes x 50 bands of N, C, S in single precision are 36 MB.
_MOST_NODES = 60_000
# An oscillator that goes across a band moves the index up and down again: steps that follow it.
_ALONG = 9
# 8 MB of scores at a time.
_BLOCK_ELEMENTS = 1 << 21
# Steps of optical thickness as a part of the shortest wavelength, by the number of free parameters; Psi and
# Delta repeat after about a half, so the coarsest has 20 steps a period.
_PART_OF_WAVELENGTH = {1: 1 / 150, 2: 1 / 50}
_PART_OF_MANY = 1 / 40

Single = NDArray[np.float32]


class GridMinima(NamedTuple):
    """Local minima on the grid, best first.

    Attributes
    ----------
    node : ndarray of int, shape (n, candidate)
        Grid node, -1 where there are no more.
    least : ndarray of float, shape (n, candidate)
        The least distance in N, C, S that a point nearest to this node can have.
    start : ndarray of float, shape (n, candidate, parameter)
        Where a fit begins: the least distance if N, C, S were linear around the node, at most a step from it.
    """

    node: NDArray[np.intp]
    least: Real
    start: Real


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
        self.shape = _counts(model, wavelength_nm)
        axes = [
            np.linspace(low, high, count)
            for low, high, count in zip(exact.low, exact.high, self.shape, strict=True)
        ]
        self.nodes: Real = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
        self.spacing: Real = np.array([axis[1] - axis[0] for axis in axes])
        # Where spreads have a slope that leads a fit somewhere.
        self._least_start = np.array([p.high / 50 if p.kind in SPREADS else p.low for p in exact.parameters])
        self._angles = exact.values(self.nodes)
        self._ncs = ncs(self._angles)
        _, slopes = NcsCurve(exact)(self.nodes)
        # Per step of the grid, shape (node, parameter, 3 band).
        self._tangents: Single = np.moveaxis(slopes * self.spacing[:, None, None], 0, 1).astype(np.float32)
        self._curvature = self._half_steps()

    def scores(self, points: Single) -> Single:
        """Return the scalar product of N, C, S with every node's, shape (n, node).

        All of them are of unit length per wavelength, so half the squared distance is the number of
        wavelengths minus this, whichever wavelengths are missing (and zero in ``points``).
        """
        return points @ self._ncs.T

    def candidates(self, points: Single, target: Target) -> GridMinima:
        """Return the local minima of the distance to each spectrum.

        Parameters
        ----------
        points : ndarray of float32, shape (n, 3 band)
            N, C, S of every band, of length 1 or, with more noise, less; zero where not both are measured.
        target : Target
            The same spectra; those that lack Psi or Delta nearly everywhere are compared value by value.
        """
        found = self._nearest(points)
        n_bands = points.shape[1] // 3
        complete = np.count_nonzero(np.square(points).reshape(-1, 3, n_bands).sum(axis=1), axis=1)
        for row in np.flatnonzero((complete < 3) & (complete < target.n_wavelengths)):
            found.node[row], found.least[row] = self._nearest_by_values(target.part(np.array([row])))
            found.start[row] = self.nodes[found.node[row]]
        return found

    def _nearest(self, points: Single) -> GridMinima:
        rows = max(1, _BLOCK_ELEMENTS // len(self.nodes))
        parts = [self._of_block(points[start : start + rows]) for start in range(0, len(points), rows)]
        if not parts:
            return GridMinima(np.empty((0, 1), np.intp), np.empty((0, 1)), np.empty((0, 1, len(self.shape))))
        return GridMinima(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))

    def _of_block(self, points: Single) -> GridMinima:
        scores = self.scores(points)
        peaks = np.where(is_peak(scores.reshape(-1, *self.shape)).reshape(scores.shape), scores, -np.inf)
        # A point's length is its band's weight, and so is half the squared distance of opposite unit vectors.
        lengths = np.sqrt(np.square(points).reshape(len(points), 3, -1).sum(axis=1))
        everything = lengths.sum(axis=1)
        nodes = np.full((len(points), MOST_CANDIDATES), -1, dtype=np.intp)
        least = np.full((len(points), MOST_CANDIDATES), np.inf)
        start = np.zeros((len(points), MOST_CANDIDATES, len(self.shape)))
        row = np.arange(len(points))
        for rank in range(MOST_CANDIDATES):
            best = peaks.argmax(axis=1)
            found = peaks[row, best]
            exists = np.isfinite(found)
            at = best[exists]
            step, gain = self._linear_step(at, points[exists], lengths[exists])
            rest = np.sqrt(np.maximum(2 * (everything - found)[exists] - gain, 0))
            nodes[exists, rank] = at
            start[exists, rank] = np.maximum(self.nodes[at] + step * self.spacing, self._least_start)
            least[exists, rank] = np.maximum(rest - self._curvature[at], 0)
            peaks[row, best] = -np.inf
        return GridMinima(nodes, least, start)

    def _linear_step(self, nodes: NDArray[np.intp], points: Single, lengths: Single) -> tuple[Real, Real]:
        """Return the step in units of the grid that linear N, C, S would take, and what it saves.

        That is squared distance. A step beyond the next node is cut; what it saves is not, so that the rest
        is the least there can be.
        """
        tangents = self._tangents[nodes]
        weighted = tangents * np.tile(lengths, (1, 3))[:, None, :]
        normal = (weighted @ np.swapaxes(tangents, 1, 2)).astype(np.float64)
        # A node's points have unit length, so tangents are at right angles to them: the spectrum is enough.
        slope = np.einsum("pik,pk->pi", tangents, points).astype(np.float64)
        size = normal.shape[1]
        normal[:, range(size), range(size)] += 1e-6 * np.einsum("pii->p", normal)[:, None] + 1e-12
        step = np.linalg.solve(normal, slope[:, :, None])[:, :, 0]
        return np.clip(step, -1, 1), np.einsum("pi,pi->p", step, slope)

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
        rest = target.residuals(self._angles) * target.weights
        chi2 = np.einsum("nb,nb->n", rest, rest)
        slices = np.moveaxis(chi2.reshape(self.shape), number, 0).reshape(self.shape[number], -1)
        nodes = np.moveaxis(self.nodes.reshape(*self.shape, -1), number, 0).reshape(*slices.shape, -1)
        best = nodes[np.arange(len(slices)), slices.argmin(axis=1)]
        nearest = np.abs(best[None, :, number] - values[:, None]).argmin(axis=1)
        chosen: Real = best[nearest].copy()
        chosen[:, number] = values
        return chosen

    def _nearest_by_values(self, target: Target) -> tuple[NDArray[np.intp], Real]:
        """Return the local minima of chi squared on the grid for one spectrum; any may lead to the best."""
        rest = target.residuals(self._angles) * target.weights
        scores = -np.einsum("nb,nb->n", rest, rest).reshape(1, *self.shape)
        peaks = np.where(is_peak(scores), scores, -np.inf).ravel()
        best = np.argsort(-peaks, kind="stable")[:MOST_CANDIDATES]
        nodes = np.full(MOST_CANDIDATES, -1, dtype=np.intp)
        nodes[: len(best)] = np.where(np.isfinite(peaks[best]), best, -1)
        return nodes, np.where(nodes >= 0, 0.0, np.inf)

    def _half_steps(self) -> Real:
        """Return how far from linear, in N, C, S, points half a step from a node may be, shape (node,)."""
        grid = self._ncs.reshape(*self.shape, -1)
        tangents = np.moveaxis(self._tangents, 1, 0).reshape(len(self.shape), *grid.shape)
        farthest = np.zeros(self.shape)
        for signs in itertools.product((1, -1), repeat=len(self.shape)):
            here = tuple(slice(None, -1) if sign > 0 else slice(1, None) for sign in signs)
            corner = tuple(slice(1, None) if sign > 0 else slice(None, -1) for sign in signs)
            linear = sum(sign * tangent[here] for sign, tangent in zip(signs, tangents, strict=True))
            rest = np.linalg.norm(grid[corner] - grid[here] - linear, axis=-1)
            farthest[here] = np.maximum(farthest[here], rest)
        # Half a step leaves a quarter of what a whole one does; up to a half where the third order helps it.
        return farthest.ravel() / 2


def ncs(angles: Real) -> Single:
    """Return N, C, S of Psi and Delta in degrees, shape (n, 2 band), as float32 of shape (n, 3 band)."""
    psi, delta = np.split(np.deg2rad(np.asarray(angles, dtype=np.float32)), 2, axis=-1)
    sine = np.sin(2 * psi)
    return np.concatenate([np.cos(2 * psi), sine * np.cos(delta), sine * np.sin(delta)], axis=-1)


def is_peak(scores: Single) -> NDArray[np.bool_]:
    """Return where no neighbor along the axes but the first, diagonal ones too, is higher.

    Of equal neighbors along an axis the last counts. Without the diagonals the narrow ridge on which
    thickness and index trade would have a peak at every other node, all of which lead to one minimum.
    """
    shape = scores.shape[1:]
    flat = scores.reshape(len(scores), -1)
    peak = np.ones(flat.shape, dtype=bool)
    places = np.indices(shape).reshape(len(shape), -1)
    for place, count in zip(places, shape, strict=True):
        # All spectra and nodes at once, as short axes are slow one by one; what wraps round is let through.
        step = int(np.argmax(place)) // max(1, count - 1)
        if count < 2:
            continue
        rising = flat[:, step:] >= flat[:, :-step]
        peak[:, step:] &= rising | (place[step:] == 0)
        peak[:, :-step] &= ~rising | (place[:-step] == count - 1)
    spectrum, node = np.nonzero(peak)
    highest = flat[spectrum, node]
    is_highest = np.ones(len(node), dtype=bool)
    at = places[:, node]
    for offset in itertools.product((-1, 0, 1), repeat=len(shape)):
        # Beyond the edge of the grid lies, cut back to it, a neighbor that was compared before.
        around = np.ravel_multi_index(tuple(at + np.array(offset)[:, None]), shape, mode="clip")
        is_highest &= flat[spectrum, around] <= highest
    peak[spectrum, node] = is_highest
    return peak.reshape(scores.shape)


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
    if parameter.kind in OF_LAYER and parameter.kind != THICKNESS:
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
