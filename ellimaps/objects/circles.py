"""Bright round objects as circles, to a fraction of a pixel.

Steep pixels vote for the centres their gradient points to; the outline around every centre voted for is
then looked up along rays, and a circle is fitted to it. Work grows with the number of steep pixels and of
objects and not with the number of radii, which makes it much faster than a circular Hough transform.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from ellimaps.core.errors import SettingError

CIRCLE_COLUMNS = ("y", "x", "radius", "support", "contrast")

# Chosen on phantoms. benchmarks/bench_cells.py --constants halves and doubles each: F1 stays 1.000 and the
# median error of the radius below 0.06 px for all but _OCTAVE (0.75 and 0.97).
_SMOOTH_PX = 1.5
# Variance that pixels, interpolation and differences blur in addition: with it the radii of noiseless discs
# of radius 8 to 35 are right to 0.15 px (tests/objects/test_circles.py).
_GRID_BLUR_PX2 = 1.1
# One pixel in 270,000 of pure noise is steeper: exp(-5**2 / 2), Rayleigh.
_NOISE_FACTOR = 5.0
# Where there is no noise, as in computed images: parts of the steepest edge that the slope of uneven light
# stays below, and of the brightest value that rounding stays below.
_LEAST_STEEP = 0.02
_LEAST_OF_LEVEL = 1e-5
# Percent of the pixels that vote at most: outlines of crowded circles are fewer, texture is more.
_MOST_STEEP = 35.0
# Radii of one count of votes: as many pixels apart as votes scatter, since cells are a tenth of the radius.
_OCTAVE = 1.3
# Parts of a whole outline that must vote for a center, and be found along the rays. Half of a circle that
# touches two others, or lies across the edge of the image, is open.
_LEAST_VOTES = 0.35
_LEAST_SUPPORT = 0.55
# A ray's edge lies on the circle if it is this near, in pixels and in radii: cells are not ideal circles.
_OFF_PX = 1.5
_OFF_SHARE = 0.05
# Candidates nearer to each other than this part of the radius would be fitted to the same outline.
_SAME_SHARE = 0.25
_LEAST_WINDOW_PX = 3.0
# Bounds the time where texture votes everywhere; a sharp image of 2048 x 2048 holds fewer objects of 10 px.
_MAX_CANDIDATES = 4000


class _Look(NamedTuple):
    """How far around an outline to look (share of the radius), along how many rays, at how many places."""

    share: float
    rays: int
    places: int


# Most candidates are poor or repeat another one; few rays are enough to see that.
_LOOKS = (_Look(0.3, 32, 20), _Look(0.15, 64, 25), _Look(0.08, 128, 33))


@dataclass(frozen=True)
class _Edges:
    """A smoothed image, its steep pixels, and how steep noise is."""

    smooth: NDArray[np.float32]
    y: NDArray[np.float32]
    x: NDArray[np.float32]
    dy: NDArray[np.float32]
    dx: NDArray[np.float32]
    threshold: float


def detect_circles(
    image: NDArray[np.generic],
    radius: tuple[float, float] = (10.0, 60.0),
    *,
    min_support: float = _LEAST_SUPPORT,
) -> pd.DataFrame:
    """Find bright round objects on a darker ground.

    Parameters
    ----------
    image : ndarray, shape (y, x)
        Any real type; NaN = not measured. Uneven light does no harm, as only local steepness counts.
    radius : (float, float)
        Smallest and largest radius in pixels.
    min_support : float
        Share of the outline that must be seen, 0..1. Outlines of touching objects are open where they touch.

    Returns
    -------
    DataFrame
        One row per object, top to bottom: ``y, x, radius`` in pixels, the centre of the first pixel being
        0, 0; ``support``, the share of the outline found; ``contrast``, the median step across the outline
        in units of the image. Empty where there is no object.

    Raises
    ------
    SettingError
        If the image is not one of rows and columns, or the radii are not two growing numbers from 2 on.

    Notes
    -----
    Voting along the gradient follows C. Kimme, D. Ballard and J. Sklansky, Finding circles by an array of
    accumulators, Comm. ACM 18 (1975) 120, doi:10.1145/360666.360677; the circle fit is V. Pratt's and
    I. Kasa's algebraic one, repeated without the rays that are off.
    """
    low, high = _checked(image, radius, min_support)
    edges = _edges(image)
    if edges is None:
        return _table(np.empty((0, 5)))
    candidates = _candidates(edges, low, high)
    fitted = _fit(edges, candidates, low, high)
    good = (fitted[:, 3] >= min_support) & (fitted[:, 2] >= low - 1) & (fitted[:, 2] <= high + 1)
    return _table(_without_repeats(fitted[good]))


def circle_labels(circles: pd.DataFrame, shape: tuple[int, int]) -> NDArray[np.int32]:
    """Return circles as a label image: the pixels whose centres lie in one.

    Parameters
    ----------
    circles : DataFrame
        ``y, x, radius`` in pixels.
    shape : (int, int)
        Of the image.

    Returns
    -------
    ndarray of int32, shape (y, x)
        0 is background; row i of the table has the label i + 1. Where circles overlap, a pixel belongs to
        the one whose outline it is deepest in, by its share of the radius.
    """
    labels = np.zeros(shape, dtype=np.int32)
    depth = np.full(shape, 1.0, dtype=np.float32)
    places = circles[["y", "x", "radius"]].to_numpy(float)
    for number, (y, x, r) in enumerate(places, start=1):
        rows = slice(max(int(y - r), 0), max(int(y + r) + 2, 0))
        columns = slice(max(int(x - r), 0), max(int(x + r) + 2, 0))
        ys = np.arange(shape[0])[rows, None] - y
        xs = np.arange(shape[1])[None, columns] - x
        inside = np.hypot(ys, xs) / max(r, 1e-9)
        nearer = inside <= depth[rows, columns]
        labels[rows, columns][nearer] = number
        depth[rows, columns][nearer] = inside[nearer]
    return labels


def _checked(
    image: NDArray[np.generic], radius: tuple[float, float], min_support: float
) -> tuple[float, float]:
    if image.ndim != 2 or image.size == 0 or image.dtype.kind not in "buif":
        raise SettingError(
            f"Circles need one grey image of rows and columns, not {image.dtype} {image.shape}."
        )
    if not (len(radius) == 2 and 2 <= radius[0] <= radius[1] < np.inf):
        raise SettingError(
            f"radius must be a smallest and a largest one of at least 2 pixels, not {radius!r}."
        )
    if not 0 < min_support <= 1:
        raise SettingError(f"min_support must lie in 0..1, not {min_support!r}.")
    return float(radius[0]), float(radius[1])


def _table(rows: NDArray[np.float64]) -> pd.DataFrame:
    ordered = rows[np.lexsort(rows[:, 1::-1].T)]
    return pd.DataFrame(ordered, columns=list(CIRCLE_COLUMNS))


def _edges(image: NDArray[np.generic]) -> _Edges | None:
    """Return the steep pixels of an image; None where nothing in it varies."""
    smooth = _smoothed(image)
    dy, dx = np.gradient(smooth) if min(smooth.shape) > 1 else (np.zeros_like(smooth),) * 2
    steep = np.hypot(dy, dx)
    sample = steep.ravel()[:: max(1, steep.size // (1 << 18))]
    # Most pixels are flat, and there a gradient is noise: its length is Rayleigh distributed, of median
    # 1.1774.
    sigma = float(np.median(sample)) / 1.1774
    # Without noise the slope of uneven light would count; in a textured image nearly everything.
    steepest, ceiling = np.percentile(sample, (99.9, 100 - _MOST_STEEP))
    floor = _LEAST_STEEP * steepest
    threshold = max(_NOISE_FACTOR * sigma, float(floor), float(ceiling), _LEAST_OF_LEVEL * _level(smooth))
    places = np.flatnonzero(steep > threshold)
    if places.size == 0:
        return None
    y, x = np.divmod(places, smooth.shape[1])
    length = steep.ravel()[places]
    return _Edges(
        smooth,
        y.astype(np.float32),
        x.astype(np.float32),
        (dy.ravel()[places] / length).astype(np.float32),
        (dx.ravel()[places] / length).astype(np.float32),
        threshold,
    )


def _level(smooth: NDArray[np.float32]) -> float:
    return max(float(np.abs(smooth).max()), 1e-20)


def _smoothed(image: NDArray[np.generic]) -> NDArray[np.float32]:
    """Return a Gaussian average over what was measured; its mean where nothing is near."""
    values = image.astype(np.float32)
    known = np.isfinite(values)
    if known.all():
        return np.asarray(ndimage.gaussian_filter(values, _SMOOTH_PX, mode="nearest"))
    level = np.float32(np.median(values[known])) if known.any() else np.float32(0)
    weight = ndimage.gaussian_filter(known.astype(np.float32), _SMOOTH_PX, mode="nearest")
    total = ndimage.gaussian_filter(np.where(known, values - level, 0), _SMOOTH_PX, mode="nearest")
    return np.asarray(level + total / np.maximum(weight, 1e-3), dtype=np.float32)


def _candidates(edges: _Edges, low: float, high: float) -> NDArray[np.float64]:
    """Return ``y, x, radius`` that many steep pixels point to.

    Radii are taken in groups of about 30 %. The votes of a group are counted in cells that grow with the
    radius, since so do the errors of where a gradient points.
    """
    found = []
    groups = max(1, int(np.ceil(np.log(high / low) / np.log(_OCTAVE))))
    bounds = np.geomspace(low, max(high, low * 1.05), groups + 1)
    for inner, outer in pairwise(bounds):
        found.append(_peaks(edges, float(inner), float(outer)))
    candidates = np.concatenate(found)
    return candidates[np.argsort(-candidates[:, 3])][:_MAX_CANDIDATES, :3]


def _peaks(edges: _Edges, inner: float, outer: float) -> NDArray[np.float64]:
    cell = max(1.0, inner / 10)
    height, width = (int(side // cell) + 1 for side in edges.smooth.shape)
    radii = np.arange(inner, outer, cell) + cell / 2
    votes = np.zeros(height * width)
    for r in radii:
        y = ((edges.y + r * edges.dy) / cell).astype(np.int32)
        x = ((edges.x + r * edges.dx) / cell).astype(np.int32)
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        votes += np.bincount(y[inside] * width + x[inside], minlength=height * width)
    # An outline is about four steep pixels wide; its votes spread over a few cells.
    full = 2 * np.pi * (inner + outer) / 2 * 4
    smooth = ndimage.gaussian_filter(votes.reshape(height, width), 1.0, mode="constant") * (2 * np.pi * 2)
    highest = ndimage.maximum_filter(smooth, 5, mode="constant")
    ys, xs = np.nonzero((smooth == highest) & (smooth > _LEAST_VOTES * full))
    radius = np.full(ys.size, (inner + outer) / 2)
    score = smooth[ys, xs] / full
    return np.stack([(ys + 0.5) * cell - 0.5, (xs + 0.5) * cell - 0.5, radius, score], axis=1)


def _fit(edges: _Edges, candidates: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """Return ``y, x, radius, support, contrast`` of the circles fitted around candidates."""
    circles, quality = candidates, np.empty((len(candidates), 2))
    for look in _LOOKS:
        if len(circles) == 0:
            break
        circles, quality = _fit_once(edges, circles, look)
        sensible = (circles[:, 2] > low / 2) & (circles[:, 2] < 1.5 * high)
        better = np.flatnonzero(sensible & (quality[:, 0] > _LEAST_SUPPORT / 2))
        kept = better[_different(np.concatenate([circles, quality], axis=1)[better])]
        circles, quality = circles[kept], quality[kept]
    # A blur of variance v moves the steepest place of a curved outline inwards by v / (2 r).
    shift = (_SMOOTH_PX**2 + _GRID_BLUR_PX2) / (2 * np.maximum(circles[:, 2:], 1))
    return np.concatenate([circles[:, :2], circles[:, 2:] + shift, quality], axis=1)


def _fit_once(
    edges: _Edges, circles: NDArray[np.float64], look: _Look
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the circles through the outlines that a look finds, and their support and contrast."""
    angles = 2 * np.pi * np.arange(look.rays) / look.rays
    direction = np.stack([np.sin(angles), np.cos(angles)])
    distance, step, valid = _outline(edges, circles, look, direction)
    center, radius, off = _fit_circles(distance, valid, direction)
    allowed = np.maximum(_OFF_PX, _OFF_SHARE * radius)[:, None]
    on = valid & (np.abs(off) <= allowed)
    support = on.mean(axis=1)
    contrast = _median(step, valid)
    moved = np.stack([circles[:, 0] + center[:, 0], circles[:, 1] + center[:, 1], radius], axis=1)
    return moved, np.stack([support, contrast], axis=1)


def _outline(
    edges: _Edges, circles: NDArray[np.float64], look: _Look, direction: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return, by circle and ray, how far away the image falls most, by how much, and if that is an edge."""
    y, x, r = circles.T[:, :, None, None]
    reach = np.maximum(look.share * r, _LEAST_WINDOW_PX)
    places = r + reach * np.linspace(-1, 1, look.places)
    rows, columns = y + places * direction[0][:, None], x + places * direction[1][:, None]
    values = _sampled(edges.smooth, rows, columns, exact=look is _LOOKS[-1])
    step = (2 * reach / (look.places - 1))[:, 0]
    fall = (values[..., :-2] - values[..., 2:]) / (2 * step[..., None])
    best = np.clip(fall.argmax(axis=-1), 1, look.places - 4)
    before, here, after = (
        np.take_along_axis(fall, (best + shift)[..., None], axis=-1)[..., 0] for shift in (-1, 0, 1)
    )
    bend = before - 2 * here + after
    fraction = np.where(bend < 0, 0.5 * (before - after) / np.where(bend < 0, bend, 1), 0)
    distance = np.take_along_axis(places[:, 0], best + 1, axis=-1) + np.clip(fraction, -1, 1) * step
    height, width = edges.smooth.shape
    ry, rx = circles[:, :1] + distance * direction[0], circles[:, 1:2] + distance * direction[1]
    inside = (ry >= 0) & (ry <= height - 1) & (rx >= 0) & (rx <= width - 1)
    drop = values.max(axis=-1) - values.min(axis=-1)
    return distance, drop, inside & (here > edges.threshold)


def _sampled(
    image: NDArray[np.float32], rows: NDArray[np.float64], columns: NDArray[np.float64], *, exact: bool
) -> NDArray[np.float32]:
    """Return values at places between pixels: interpolated, or those of the nearest pixels, much faster."""
    if exact:
        return np.asarray(ndimage.map_coordinates(image, [rows, columns], order=1, mode="nearest"))
    height, width = image.shape
    y = np.clip((rows + 0.5).astype(np.int32), 0, height - 1)
    x = np.clip((columns + 0.5).astype(np.int32), 0, width - 1)
    return np.asarray(image.ravel()[y * width + x])


def _fit_circles(
    distance: NDArray[np.float64], valid: NDArray[np.bool_], direction: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Fit a circle to each row of outline points; points far off count little.

    Returns
    -------
    center : ndarray, shape (circle, 2)
        Relative to where the rays start.
    radius : ndarray, shape (circle,)
    off : ndarray, shape (circle, ray)
        How far each point lies outside its circle.
    """
    py, px = distance * direction[0], distance * direction[1]
    square = distance**2
    middle = _median(distance, valid)
    off = distance - middle[:, None]
    terms = np.stack([py, px, np.ones_like(py)], axis=-1)
    center, radius = np.zeros((len(distance), 2)), middle
    for _ in range(6):
        scale = np.maximum(1.0, 1.5 * _median(np.abs(off), valid))[:, None]
        weight = valid / (1 + (off / scale) ** 2) ** 2
        weighted = (terms * weight[..., None]).transpose(0, 2, 1)
        matrix = weighted @ terms + 1e-9 * np.eye(3)
        solved = np.linalg.solve(matrix, weighted @ square[..., None])[..., 0]
        center = solved[:, :2] / 2
        radius = np.sqrt(np.maximum(solved[:, 2] + (center**2).sum(axis=1), 0))
        off = np.hypot(py - center[:, :1], px - center[:, 1:]) - radius[:, None]
    return center, radius, off


def _median(values: NDArray[np.float64], valid: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the (lower) median of the valid values of each row, 0 where there is none."""
    ordered = np.sort(np.where(valid, values, np.inf), axis=1)
    count = valid.sum(axis=1)
    middle = np.take_along_axis(ordered, np.maximum(count - 1, 0)[:, None] // 2, axis=1)[:, 0]
    return np.asarray(np.where(count > 0, middle, 0.0))


def _different(circles: NDArray[np.float64]) -> list[int]:
    """Return the numbers of circles, best supported first, without those that nearly repeat a better one."""
    kept: list[int] = []
    for number in _best_first(circles):
        y, x, r = circles[number, :3]
        others = circles[kept]
        near = np.hypot(others[:, 0] - y, others[:, 1] - x) + np.abs(others[:, 2] - r)
        if (near > _SAME_SHARE * r).all():
            kept.append(int(number))
    return kept


def _without_repeats(circles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keep the best supported of circles that hold one another's centre."""
    kept: list[int] = []
    for number in _best_first(circles):
        y, x, r = circles[number, :3]
        others = circles[kept]
        if (np.hypot(others[:, 0] - y, others[:, 1] - x) >= np.maximum(others[:, 2], r)).all():
            kept.append(int(number))
    return circles[kept]


def _best_first(circles: NDArray[np.float64]) -> NDArray[np.intp]:
    return np.lexsort((circles[:, 4], circles[:, 3]))[::-1]
