"""Where things are on a generated sample: flakes, their edges, and gaps in the measurement."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

SUBPIXELS = 3
"""Pixels are divided this finely along each axis, so that edge pixels see a mixture of two kinds."""

EDGE_WIDTH_PX = 2
"""The truth calls as far from a boundary edge: what a pixel's neighbors and a little blur can mix."""
WIDE_GAP_RADIUS_PX = 5.6
"""A gap of 117 px around a 9 x 9 kernel, which 4.8 would just hold: such a kernel cannot fill its center."""
# A real measurement lacks 1.6 % of its values, half of them in gaps that hold a whole 9 x 9 kernel.
_GAP_SHARE = 0.01
_WIDE_SHARE = 0.4
# Flakes weigh 1 to 2: the background stays the largest kind.
_BACKGROUND_WEIGHT = 3.0


@dataclass(frozen=True)
class SampleScene:
    """The kinds of region on a map.

    Parameters
    ----------
    labels : ndarray of int16, shape (y, x)
        Kind at the centre of each pixel; 0 is the background.
    coverage : ndarray of float, shape (kind, y, x)
        Share of each pixel's area that a kind covers; adds up to 1 over the kinds.
    edge : ndarray of bool, shape (y, x)
        True within 2 px of a boundary between kinds.
    """

    labels: NDArray[np.int16]
    coverage: NDArray[np.float64]
    edge: NDArray[np.bool_]


def draw_scene(
    shape: tuple[int, int], kinds: int, smallest: float, rng: np.random.Generator, order: NDArray[np.intp]
) -> SampleScene:
    """Draw flakes on a background.

    Parameters
    ----------
    shape : (int, int)
        Map size (y, x) in pixels.
    kinds : int
        Number of kinds, the background included.
    smallest : float
        Share of the map that the smallest kind covers; the others cover more.
    rng : numpy.random.Generator
        Source of the random shapes.
    order : ndarray of int, shape (kinds - 1,)
        The order in which the flakes' kinds are drawn; the last one drawn is the smallest.

    Returns
    -------
    SampleScene
        Labels, coverage and edges.
    """
    fine = np.zeros((shape[0] * SUBPIXELS, shape[1] * SUBPIXELS), dtype=np.int16)
    for kind, share in zip(order, _flake_shares(kinds, smallest, rng), strict=True):
        _grow(fine, int(kind), share, rng)
    reach = SUBPIXELS * (2 * EDGE_WIDTH_PX + 1)
    mixed = ndimage.maximum_filter(fine, reach) != ndimage.minimum_filter(fine, reach)
    center = (slice(SUBPIXELS // 2, None, SUBPIXELS),) * 2
    return SampleScene(fine[center].copy(), _coverage(fine, kinds), mixed[center].copy())


def draw_gaps(edge: NDArray[np.bool_], bands: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw the pixels that a measurement lost, about 1 % of all.

    Parameters
    ----------
    edge : ndarray of bool, shape (y, x)
        Where flakes end; half of the gaps are there.
    bands : int
        Number of wavelengths.
    rng : numpy.random.Generator
        Source of the random shapes.

    Returns
    -------
    gaps : ndarray of bool, shape (band, y, x)
        True where a value is missing: specks of 1 to 5 px, and gaps wider than a 9 x 9 kernel where
        the map and the number of bands leave room for them. Some bands have several times as many as
        others.
    """
    gaps = np.zeros((bands, *edge.shape), dtype=np.bool_)
    budget = round(_GAP_SHARE * gaps.size)
    weights = rng.dirichlet(np.full(bands, 1.5))
    wide = _wide_gap()
    for number in range(round(_WIDE_SHARE * budget / wide.sum())):
        _stamp(gaps[rng.choice(bands, p=weights)], wide, edge == bool(number % 2), rng)
    for band, quota in enumerate(rng.multinomial(max(budget - gaps.sum(), 1), weights)):
        _sprinkle(gaps[band], int(quota), edge, rng)
    return gaps


def _flake_shares(kinds: int, smallest: float, rng: np.random.Generator) -> NDArray[np.float64]:
    weights = np.append(rng.uniform(1.0, 2.0, kinds - 2), 0.0)
    spread = 1.0 - kinds * smallest
    shares: NDArray[np.float64] = smallest + spread * weights / (weights.sum() + _BACKGROUND_WEIGHT)
    return shares


def _grow(fine: NDArray[np.int16], kind: int, share: float, rng: np.random.Generator) -> None:
    """Turn the share of the map that lies deepest inside new flakes from background into ``kind``."""
    field = _flake(fine, rng)
    if share > 0.1:
        field = np.minimum(field, _flake(fine, rng) * rng.uniform(1.0, 1.6))
    free = fine == 0
    count = min(max(round(share * fine.size), 1), int(free.sum()) - 1)
    limit = np.partition(field[free], count - 1)[count - 1]
    fine[free & (field <= limit)] = kind


def _flake(fine: NDArray[np.int16], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a field that grows outwards from a roomy pixel; its level lines are flake outlines."""
    cy, cx = _roomy_pixel(fine, rng)
    outline = _polygon if rng.random() < 0.5 else _blob
    y = np.arange(fine.shape[0], dtype=np.float64)[:, None] - cy
    x = np.arange(fine.shape[1], dtype=np.float64)[None, :] - cx
    return outline(y, x, rng)


def _roomy_pixel(fine: NDArray[np.int16], rng: np.random.Generator) -> tuple[float, float]:
    free = np.pad(fine[::SUBPIXELS, ::SUBPIXELS] == 0, 1)
    room = ndimage.distance_transform_edt(free)[1:-1, 1:-1]
    pixels = np.argwhere(room >= 0.75 * room.max())
    y, x = pixels[rng.integers(len(pixels))] * SUBPIXELS
    return float(y), float(x)


def _blob(y: NDArray[np.float64], x: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    angle = np.arctan2(y, x)
    radius = np.ones_like(angle)
    for wave in range(2, 6):
        amplitude, phase = rng.uniform(0, 0.35 / wave), rng.uniform(0, 2 * np.pi)
        radius += amplitude * np.cos(wave * angle + phase)
    distance: NDArray[np.float64] = np.hypot(y, x) / radius
    return distance


def _polygon(y: NDArray[np.float64], x: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    sides = int(rng.integers(3, 7))
    start = rng.uniform(0, 2 * np.pi)
    turns = start + 2 * np.pi * (np.arange(sides) + rng.uniform(-0.2, 0.2, sides)) / sides
    stretches = rng.uniform(0.8, 1.2, sides)
    heights = [s * (np.sin(t) * y + np.cos(t) * x) for t, s in zip(turns, stretches, strict=True)]
    field: NDArray[np.float64] = np.max(heights, axis=0)
    return field


def _coverage(fine: NDArray[np.int16], kinds: int) -> NDArray[np.float64]:
    rows, columns = fine.shape[0] // SUBPIXELS, fine.shape[1] // SUBPIXELS
    blocks = fine.reshape(rows, SUBPIXELS, columns, SUBPIXELS)
    return np.stack([(blocks == kind).mean(axis=(1, 3)) for kind in range(kinds)])


def _wide_gap() -> NDArray[np.bool_]:
    # Between a disc and a square: it contains a whole 9 x 9 kernel with little area beyond it.
    reach = np.arange(-6, 7)
    inside: NDArray[np.bool_] = reach[:, None] ** 4 + reach**4 <= WIDE_GAP_RADIUS_PX**4
    return inside


def _stamp(
    gaps: NDArray[np.bool_], shape: NDArray[np.bool_], where: NDArray[np.bool_], rng: np.random.Generator
) -> None:
    half_y, half_x = shape.shape[0] // 2, shape.shape[1] // 2
    pixels = np.argwhere(where[half_y:-half_y, half_x:-half_x])
    if len(pixels):
        y, x = pixels[rng.integers(len(pixels))]
        gaps[y : y + shape.shape[0], x : x + shape.shape[1]] |= shape


def _sprinkle(gaps: NDArray[np.bool_], quota: int, edge: NDArray[np.bool_], rng: np.random.Generator) -> None:
    """Add specks of 1 to 5 px, ``quota`` pixels together, half of them at edges."""
    at_edge = np.argwhere(edge)
    limits = np.array(gaps.shape) - 1
    while quota > 0:
        size = min(int(rng.integers(1, 6)), quota)
        quota -= size
        anywhere = rng.random() < 0.5 or not len(at_edge)
        pixel = rng.integers(0, limits + 1) if anywhere else at_edge[rng.integers(len(at_edge))]
        for _ in range(size):
            gaps[tuple(pixel)] = True
            pixel = np.clip(pixel + rng.integers(-1, 2, 2), 0, limits)
