"""Regions as outlines along the edges of pixels, and outlines as the pixels within them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ellimaps.core.errors import ReadError

Ring = NDArray[np.float64]
"""Corners x, y of a closed line, shape (corner, 2); the first is not repeated, pixel (0, 0) covers 0..1."""
Box = tuple[slice, slice]
FARTHEST = 1e6
"""A corner beyond so many pixels lies nowhere near an image."""
MOST_LABELS = 1 << 24
"""Of numbers beyond it a 32-bit float, and hence a stack, would not tell two apart."""
MOST_AREAS = 100_000
"""Of a file of outlines; drawing so many takes 8 s. More of them are for a label image."""
# Boxes of measured regions cover an image a few times, and their outlines cross its rows less often; a
# crafted file asks for any amount. So much takes 8 s, and an image of more than 16 MP may ask for more.
_MOST_WORK, _MOST_COVERS = 1 << 26, 4
# So many crossings at once take 100 MB.
_CROSSINGS = 1 << 20


@dataclass(frozen=True)
class Area:
    """A region: the pixels around whose centre an odd number of its rings lie.

    Attributes
    ----------
    number : int
        Its number in a label image, from 1.
    parts : tuple of tuple of Ring
        Its connected parts, the outer ring of each first and then its holes. Of regions that were read each
        ring may be a part.
    name : str
        What it is called; empty if nothing.
    color : str
        ``#rrggbb``, or empty.
    t, z : int, optional
        Time point and focal plane, from 0; without them it belongs to each.
    """

    number: int
    parts: tuple[tuple[Ring, ...], ...]
    name: str = ""
    color: str = ""
    t: int | None = None
    z: int | None = None

    @property
    def rings(self) -> list[Ring]:
        """All rings of it."""
        return [ring for part in self.parts for ring in part]

    def is_on(self, t: int, z: int) -> bool:
        """Tell whether it belongs to a plane."""
        return self.t in (None, t) and self.z in (None, z)


def areas_of(labels: NDArray[np.integer[Any]], t: int | None = None, z: int | None = None) -> list[Area]:
    """Return the regions of a label image, by number; each pixel of one lies within its rings and no other.

    Parameters
    ----------
    labels : ndarray of int, shape (y, x)
        0 is background.
    t, z : int, optional
        The plane that the regions belong to.
    """
    boxes = enumerate(ndimage.find_objects(np.asarray(labels)), 1)
    return [
        Area(number, _parts(labels[box] == number, box[1].start, box[0].start), t=t, z=z)
        for number, box in boxes
        if box is not None
    ]


def numbered(areas: Sequence[Area], numbers: Sequence[int | None]) -> list[Area]:
    """Return regions with the numbers that a file gives them, or else counted.

    Parameters
    ----------
    areas : sequence of Area
        The regions in their order.
    numbers : sequence of int or None
        Those of the file. They hold where every region has one that no other of its plane has.
    """
    given = [number for number in numbers if number is not None and 0 < number < MOST_LABELS]
    places = {(area.t, area.z, number) for area, number in zip(areas, numbers, strict=True)}
    counted = range(1, len(areas) + 1)
    chosen = given if len(given) == len(places) == len(areas) else counted
    return [replace(area, number=number) for area, number in zip(areas, chosen, strict=True)]


def drawn(
    areas: Sequence[Area], shape: tuple[int, int], name: str, t: int = 0, z: int = 0
) -> NDArray[np.int32]:
    """Return the regions of a plane as a label image; of those that overlap the last one has the pixels.

    Parameters
    ----------
    areas : sequence of Area
        The regions.
    shape : (int, int)
        Of the image (y, x).
    name : str
        Of their file, for messages.
    t, z : int
        The plane, from 0.

    Raises
    ------
    ReadError
        If a region lies outside of the image, or all together ask for more work than an image can.
    """
    labels = np.zeros(shape, np.int32)
    work, most = 0, max(_MOST_WORK, _MOST_COVERS * labels.size)
    for area in (area for area in areas if area.is_on(t, z)):
        edges = _Edges.of(area.rings)
        box = edges.box(shape)
        if box is None:
            where = f"outside of the image of {shape[0]} x {shape[1]} pixels"
            raise ReadError(
                f"{name}: the region {area.name or area.number!s:.80} lies {where}: give the regions of this "
                "image, in pixels."
            )
        part = edges.moved(box)
        height, width = (side.stop - side.start for side in box)
        work += height * width + len(part.x) + int(part.rows(height)[1].sum())
        if work > most:
            raise ReadError(
                f"{name} holds more outlines than can be drawn: save its regions as a label image."
            )
        labels[box][_inside(part, height, width)] = area.number
    return labels


@dataclass(frozen=True)
class _Edges:
    """The edges of all rings of a region: where each begins and where it ends."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    x_end: NDArray[np.float64]
    y_end: NDArray[np.float64]

    @classmethod
    def of(cls, rings: Sequence[Ring]) -> _Edges:
        """Join rings."""
        begins = np.concatenate(rings)
        lengths = np.array([len(ring) for ring in rings])
        after = np.cumsum(lengths)
        ends = np.roll(begins, -1, axis=0)
        ends[after - 1] = begins[after - lengths]
        return cls(*begins.T, *ends.T)

    def box(self, shape: tuple[int, int]) -> Box | None:
        """Return the part of an image that they may surround; None if there is none."""
        low = np.clip(np.floor([self.y.min(), self.x.min()]), 0, shape).astype(int)
        high = np.clip(np.ceil([self.y.max(), self.x.max()]), 0, shape).astype(int)
        if (low >= high).any():
            return None
        return slice(low[0], high[0]), slice(low[1], high[1])

    def moved(self, box: Box) -> _Edges:
        """Return them as seen from the centre of a box's first pixel."""
        top, left = (side.start + 0.5 for side in box)
        return _Edges(self.x - left, self.y - top, self.x_end - left, self.y_end - top)

    def rows(self, height: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return of each the first of the whole rows 0 .. height - 1 that it crosses, and how many."""
        low, high = np.minimum(self.y, self.y_end), np.maximum(self.y, self.y_end)
        first, last = (np.clip(np.ceil(end), 0, height).astype(np.intp) for end in (low, high))
        return first, last - first


def _inside(edges: _Edges, height: int, width: int) -> NDArray[np.bool_]:
    """Return the pixels whose centre an odd number of rings surround.

    Where an outline passes through a centre, the pixel belongs to what lies right of it: of two regions
    that share the outline one has it.
    """
    flips = np.zeros((height, width + 1), np.bool_)
    for row, x in _crossings(edges, height):
        column = np.clip(np.ceil(x), 0, width).astype(np.intp)
        places, counts = np.unique(row * (width + 1) + column, return_counts=True)
        # A place that is crossed twice is not changed.
        flips.ravel()[places[counts % 2 == 1]] ^= True
    inside: NDArray[np.bool_] = np.logical_xor.accumulate(flips, axis=1)[:, :-1]
    return inside


def _crossings(edges: _Edges, height: int) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float64]]]:
    """Yield where edges cross whole rows: the rows, and the x on each."""
    first, counts = edges.rows(height)
    crossing = np.flatnonzero(counts)
    ends = np.flatnonzero(np.diff(np.cumsum(counts[crossing]) // _CROSSINGS)) + 1
    for some in np.split(crossing, ends):
        edge, count = np.repeat(some, counts[some]), counts[some]
        row = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count) + first[edge]
        slope = (edges.x_end[edge] - edges.x[edge]) / (edges.y_end[edge] - edges.y[edge])
        yield row, edges.x[edge] + (row - edges.y[edge]) * slope


# Of the upper, right, lower and left side of a pixel, in x and y: the neighbor beyond, where the side begins
# and where it leads, clockwise, so that the pixel lies on the right of it.
_BEYOND = ((0, -1), (1, 0), (0, 1), (-1, 0))
_BEGINS = ((0, 0), (1, 0), (1, 1), (0, 1))
_LEADS = ((1, 0), (0, 1), (-1, 0), (0, -1))


def _parts(mask: NDArray[np.bool_], left: int, top: int) -> tuple[tuple[Ring, ...], ...]:
    """Return the rings around each part of a mask whose pixels share sides, with their corners alone.

    Where pixels of a part touch at a corner, its rings keep to the background: a hole that touches the
    outline stays a ring of its own, and no ring meets itself, which GeoJSON forbids.
    """
    padded = np.pad(mask, 1)
    components = ndimage.label(padded)[0]
    sides = [np.nonzero(padded & ~np.roll(padded, (-dy, -dx), (0, 1))) for dx, dy in _BEYOND]
    counts = [len(y) for y, _ in sides]
    direction = np.repeat(np.arange(4), counts)
    component = np.concatenate([components[side] for side in sides])
    at = np.concatenate([np.stack(side[::-1], axis=1) for side in sides]) + np.repeat(_BEGINS, counts, axis=0)
    follows = _following(at, direction, component, padded.shape[1] + 1)
    is_corner = direction[follows] != direction
    corners = at[follows] + (left - 1, top - 1)
    rings: dict[int, list[Ring]] = {}
    for ring in _cycles(follows):
        found = corners[ring[is_corner[ring]]].astype(np.float64)
        among = rings.setdefault(int(component[ring[0]]), [])
        # Clockwise goes around the part, the other way around a hole in it.
        among.insert(0 if _turns_right(found) else len(among), found)
    return tuple(tuple(rings[part]) for part in sorted(rings))


def _following(
    at: NDArray[np.intp], direction: NDArray[np.intp], component: NDArray[np.intp], width: int
) -> NDArray[np.intp]:
    """Return which side of a part goes on where each ends."""
    begins = at[:, 1] * width + at[:, 0]
    keys = begins * 4 + direction
    order = np.argsort(keys)
    ends = begins + np.array([dy * width + dx for dx, dy in _LEADS])[direction]
    follows = np.zeros_like(order)
    # To the left wins over straight on and to the right: that keeps to the background.
    for turn in (1, 0, -1):
        wanted = ends * 4 + (direction + turn) % 4
        found = order[np.minimum(np.searchsorted(keys, wanted, sorter=order), len(order) - 1)]
        fits = (keys[found] == wanted) & (component[found] == component)
        follows[fits] = found[fits]
    return follows


def _cycles(follows: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    """Yield the cycles of a permutation."""
    after, seen = follows.tolist(), bytearray(len(follows))
    for start in range(len(after)):
        cycle, at = [], start
        while not seen[at]:
            seen[at] = 1
            cycle.append(at)
            at = after[at]
        if cycle:
            yield np.array(cycle)


def _turns_right(ring: Ring) -> bool:
    """Tell whether a ring goes clockwise, with y downwards."""
    x, y = ring.T
    return bool((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() > 0)
