"""How many kinds of region: groups of pixels that a valley divides, whatever their spacing and size.

A mean silhouette rewards putting near neighbours together and cutting what a tilted film spreads out. Here
the flat pixels are cut into many more clusters than there are kinds, and two of them become one as long as
nothing divides them: no valley in the density of pixels between them, or a distance that the film's tilt
explains, since it continues the slopes seen inside both.

References
----------
Peaks of a density that no deep saddle divides are merged in F. Chazal et al., Persistence-based clustering in
Riemannian manifolds, J. ACM 60 (2013), doi:10.1145/2535927. Slopes common to groups, and the offset left
between these, are those of an analysis of covariance.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

F64 = NDArray[np.float64]
Labels = NDArray[np.integer[Any]]

# benchmarks/bench_choosing_k.py prints how often the number of kinds is right on the generated maps that
# chose these and on others, benchmarks/bench_constants.py the same with each of them halved and doubled: 31
# to 34 of 35, and 34 as they are.
PARTS = 24
"""Clusters to begin with, at least."""
PARTS_PER_KIND = 2.5
"""Clusters to begin with for each kind that is looked for."""
SHALLOW = 0.1
"""Share of the lower peak that a valley may hold and still divide."""
TILT_REACH = 1.2
"""A distance divides nothing if it is this share of what slopes along it add up to over both groups, ..."""
BEND_REACH = 0.22
"""... with this share of what they add up to in all directions: spectra are not linear in thickness."""

_NO_VALLEY = 2.0
"""Two equal normal distributions have no valley if they are fewer standard deviations apart."""
_FEWEST = 5
"""Pixels that a group must have: to fewer, almost any slope fits."""
_BINS = 20
"""Bins between two means; the density is smoothed over one of them."""
_SAMPLE = 1000
"""Pixels of a group that are looked at: a valley of a tenth is then known to a few hundredths."""


@dataclass(frozen=True)
class Kinds:
    """Groups of pixels that valleys divide.

    Attributes
    ----------
    count : int
        How many there are; 1 where nothing divides the pixels.
    valleys : dict of int to float
        For each number of groups on the way to one, the shallowest valley between two of them: the density
        there as a share of the lower of both peaks, 0 where nothing lies between, 1 where there is no valley.
    """

    count: int
    valleys: dict[int, float]


def count_kinds(points: F64, pixels: NDArray[np.intp], parts: NDArray[np.int16]) -> Kinds:
    """Count the kinds of region that flat pixels show.

    Parameters
    ----------
    points : ndarray of float, shape (component, pixel)
        The flat pixels in a space of few dimensions.
    pixels : ndarray of int, shape (pixel,)
        Flat indices ``y * width + x`` of these pixels.
    parts : ndarray of int16, shape (y, x)
        Cluster of every pixel of the map, flat or not, in many more clusters than there are kinds; -1 where
        there is none.
    """
    merging = _Merging(points, pixels, parts)
    valleys: dict[int, float] = {}
    count = 0
    while len(merging.alive) > 1:
        pair, valley = merging.least_divided()
        if not count and valley < SHALLOW:
            stray = merging.stray_group()
            if stray is None:
                count = len(merging.alive)
            else:
                merging.merge(*merging.nearest(stray))
                continue
        valleys[len(merging.alive)] = min(valley, 1.0)
        merging.merge(*pair)
    return Kinds(count or 1, valleys)


class _Merging:
    """Groups of flat pixels, and the valley between every two of them."""

    def __init__(self, points: F64, pixels: NDArray[np.intp], parts: NDArray[np.int16]) -> None:
        self._points = points
        self._positions = np.array(np.divmod(pixels, parts.shape[1]), dtype=np.float64)
        self._owner = parts.copy()
        self._own = parts.ravel()[pixels].copy()
        self._rng = np.random.default_rng(0)
        counts = np.bincount(self._own[self._own >= 0])
        self.alive: list[int] = np.flatnonzero(counts >= _FEWEST).tolist()
        self._groups = {number: self._group(number) for number in self.alive}
        self._valleys = np.full((parts.max() + 1,) * 2, -np.inf)
        for number in self.alive:
            self._measure(number)

    def least_divided(self) -> tuple[tuple[int, int], float]:
        """Return the two groups with the shallowest valley, and that valley."""
        among = self._valleys[np.ix_(self.alive, self.alive)]
        first, second = np.unravel_index(among.argmax(), among.shape)
        return (self.alive[first], self.alive[second]), float(among[first, second])

    def nearest(self, group: int) -> tuple[int, int]:
        """Return the group from which the least divides another one, and that one."""
        return self.alive[int(self._valleys[group, self.alive].argmax())], group

    def stray_group(self) -> int | None:
        """Return a small group that is nowhere a region: what is left of a border, one pixel wide.

        A region has pixels with no other group among the eight around them.
        """
        most, least = (
            filtered(self._owner, 3) for filtered in (ndimage.maximum_filter, ndimage.minimum_filter)
        )
        inner = np.bincount(self._owner[(most == least) & (self._owner >= 0)], minlength=len(self._valleys))
        small = [
            number
            for number in self.alive
            if inner[number] < 9 and self._groups[number].count < 0.02 * self._own.size
        ]
        return min(small, key=lambda number: int(inner[number]), default=None)

    def merge(self, kept: int, gone: int) -> None:
        """Make two groups one."""
        for labels in (self._owner, self._own):
            labels[labels == gone] = kept
        self.alive.remove(gone)
        self._groups[kept] = self._group(kept)
        self._measure(kept)

    def _measure(self, number: int) -> None:
        for other in self.alive:
            if other != number and other in self._groups:
                valley = _valley(self._groups[number], self._groups[other])
                self._valleys[number, other] = self._valleys[other, number] = valley

    def _group(self, number: int) -> _Group:
        members = np.flatnonzero(self._own == number)
        taken = members
        if members.size > _SAMPLE:
            taken = self._rng.choice(members, _SAMPLE, replace=False)
        return _Group(members.size, self._points[:, taken], self._positions[:, taken])


@dataclass(frozen=True)
class _Group:
    """Number of a group's pixels, and features and positions of a sample of them, shape (axis, pixel)."""

    count: int
    values: F64
    positions: F64

    @cached_property
    def mean(self) -> F64:
        return np.asarray(self.values.mean(axis=1))

    @cached_property
    def middle(self) -> F64:
        return np.asarray(self.positions.mean(axis=1))

    @cached_property
    def deviations(self) -> F64:
        return self.values - self.mean[:, None]

    @cached_property
    def offsets(self) -> F64:
        return self.positions - self.middle[:, None]

    @cached_property
    def weight(self) -> float:
        """Pixels that each of the sample stands for."""
        return float(self.count / self.values.shape[1])

    @cached_property
    def spread(self) -> F64:
        """Sums of squares of the positions, shape (2, 2)."""
        return self.weight * (self.offsets @ self.offsets.T)

    @cached_property
    def trend(self) -> F64:
        """Sums of products of values and positions, shape (component, 2)."""
        return self.weight * (self.deviations @ self.offsets.T)


def _valley(first: _Group, second: _Group) -> float:
    """Return the density between two groups over the lower peak; 1 or more where nothing divides them."""
    count = first.count + second.count
    spread = first.spread + second.spread
    way = second.middle - first.middle
    # A pixel's worth of spread keeps groups on a line from slopes without end.
    slopes = (first.trend + second.trend) @ np.linalg.inv(spread + np.eye(2))
    apart = second.mean - first.mean - slopes @ way
    distance = float(np.linalg.norm(apart))
    if distance == 0:
        return 2.0
    along = apart / distance
    slope = along @ slopes
    rests = [along @ group.deviations - slope @ group.offsets for group in (first, second)]
    squares = sum(
        group.weight * float(rest @ rest) for group, rest in zip((first, second), rests, strict=True)
    )
    noise = np.sqrt(squares / count)
    variance = (np.diag(spread) + first.count * second.count / count * way**2) / count
    # The sides of an evenly filled rectangle of that variance.
    sides = np.sqrt(12 * variance)
    tilt, bend = (float(np.linalg.norm(one * sides)) for one in (slope, slopes))
    explained = _NO_VALLEY * noise + TILT_REACH * tilt + BEND_REACH * bend
    if distance < explained:
        return float(2 - distance / explained)
    density = _density(rests[0] / distance, first.weight) + _density(rests[1] / distance + 1, second.weight)
    return _lowest_share(ndimage.gaussian_filter1d(density, 1.0, mode="constant"))


def _density(positions: F64, weight: float) -> F64:
    """Return the pixels in bins from half a distance before the first mean to half one after the second."""
    bins = np.floor((positions + 0.5) * _BINS).astype(int)
    inside = (bins >= 0) & (bins < 2 * _BINS)
    return np.asarray(weight * np.bincount(bins[inside], minlength=2 * _BINS), dtype=np.float64)


def _lowest_share(density: F64) -> float:
    """Return what the deepest bin between two means holds at most, over the lower of the peaks beside it."""
    between = slice(_BINS // 2 + 2, 3 * _BINS // 2 - 2)
    lowest = between.start + int(density[between].argmin())
    peak = min(density[:lowest].max(), density[lowest + 1 :].max())
    if peak == 0:
        return 1.0
    # One standard deviation more than was counted: few pixels prove no valley.
    seen = _KERNEL_BINS * density[lowest]
    return float(min((seen + np.sqrt(seen + 1)) / (_KERNEL_BINS * peak), 1.0))


_KERNEL_BINS = 2 * np.sqrt(np.pi)
"""Bins that a Gaussian of one bin averages over."""
