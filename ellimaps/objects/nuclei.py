"""Nuclei and cells as labelled regions: threshold, watershed, and an outline down each one's own edge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_otsu
from skimage.segmentation import watershed

from ellimaps.core.errors import SettingError
from ellimaps.core.statistics import robust_sigma
from ellimaps.images.intensities import background_of

Threshold = Literal["otsu", "local"]

# Slices that put each pixel beside the next one of its row, or of its column.
_IN_ROW = (np.s_[:, :-1], np.s_[:, 1:])
_IN_COLUMN = (np.s_[:-1], np.s_[1:])

# These and the criteria below were chosen on the images that benchmarks/bench_nuclei.py chooses on. With
# --constants it prints half and double of each: the mean F1 of 0.947 falls by 0.04 and more for twice the
# contrast, half or twice the outline and the range of sizes, and by 0.03 at most for the others.
_LEAST_STEEPNESS = 0.2
# Nuclei of one image: a third to three times the typical radius, that is a factor of 81 in area.
_SIZE_RANGE = 3.0
# Smallest radius that is looked for before the typical one is known: below it a spot is a few pixels of
# noise.
_LEAST_RADIUS_PX = 2.5
# Side of the part of an image that a radius is suggested from: some tens of nuclei at usual magnifications.
_PART_PX = 640


@dataclass(frozen=True)
class Criteria:
    """What counts as a nucleus, and where it ends.

    Attributes
    ----------
    contrast : float
        How far it must stand out of the background, in standard deviations of the noise; fewer find dimmer
        ones.
    outline : float
        Where its outline runs on the way from the background, 0, to its own brightness, 1.
    separation : float
        By what share a maximum must stand out of the saddle to the next one to be a nucleus of its own; a
        smaller one parts more.
    """

    contrast: float = 4.0
    outline: float = 0.4
    separation: float = 0.05

    def __post_init__(self) -> None:
        for name, low, high in (("contrast", 0, np.inf), ("outline", 0, 1), ("separation", 0, 1)):
            value = getattr(self, name)
            if not isinstance(value, float | int) or not low < value < high:
                bounds = "above 0" if high == np.inf else "between 0 and 1"
                raise SettingError(f"{name} must be a number {bounds}, not {value!r:.80}.")
            # 4 and 4.0 are the same choice and must have the same hash.
            object.__setattr__(self, name, float(value))


def detect_nuclei(
    image: NDArray[np.generic],
    radius: tuple[float, float] | None = None,
    *,
    threshold: Threshold = "local",
    criteria: Criteria | None = None,
    smooth: float = 1.0,
) -> NDArray[np.int32]:
    """Find bright nuclei or cells of any shape.

    Parameters
    ----------
    image : ndarray, shape (y, x)
        Any real type; NaN = not measured. Smooth background of uneven light is subtracted first.
    radius : (float, float), optional
        Smallest and largest radius in pixels, of the circle with a region's area; by default that of
        `suggested_radius`.
    threshold : {"local", "otsu"}
        One threshold per object, on the way from the background to the object's brightness; or Otsu's for
        the whole image, which leaves out objects much dimmer than the others.
    criteria : Criteria, optional
        What counts as a nucleus; by default what was best on the images of ``benchmarks/bench_nuclei.py``.
    smooth : float
        Standard deviation in pixels of the Gaussian before the threshold.

    Returns
    -------
    ndarray of int32, shape (y, x)
        0 is background, objects are numbered from 1, top to bottom; all 0 where there is no object.

    Raises
    ------
    SettingError
        If the image is not one of rows and columns, or a setting is out of its range.

    Notes
    -----
    N. Otsu, A threshold selection method from gray-level histograms, IEEE Trans. SMC 9 (1979) 62. Touching
    objects are parted by a watershed from the maxima of distance to the outline times brightness; maxima
    that hardly stand out of the saddle between them are one (dynamics: M. Grimaud, SPIE 1769 (1992) 292).
    What is found is looked at again: outlines without the haze between nuclei say better what touches. An
    object whose edge is less than a fifth as steep as the typical one is haze, or the cytoplasm of a
    brighter one.
    """
    _check(image, radius, threshold, smooth)
    criteria = criteria or Criteria()
    radius = radius or suggested_radius(image) or _widest(image)
    flat, known, noise = _flattened(image, radius[1], smooth)
    split, floor = _thresholds(flat[known], noise, criteria.contrast)
    if threshold == "otsu":
        mask = _cleaned(known & (flat > max(split, floor)), radius[0])
        labels = _parted(mask, _brightness(flat, mask), radius[0], criteria.separation)
    else:
        mask = known & (flat > floor)
        first = _look(flat, mask, radius, _brightness(flat, mask), criteria)
        # The outlines of the first look have no haze between them any more: shape alone says what touches.
        labels = _look(flat, first > 0, radius, np.float32(1), criteria)
    return _of_size(np.where(known, labels, 0), radius)


def suggested_radius(image: NDArray[np.generic]) -> tuple[float, float] | None:
    """Return a smallest and a largest radius for the nuclei of an image, in pixels; None if it shows none.

    Parameters
    ----------
    image : ndarray, shape (y, x)
        Any real type; NaN = not measured. Of a large image the brightest part is looked at.

    Returns
    -------
    (float, float), optional
        A third and three times the typical radius: half of the area of all nuclei lies in larger ones.
    """
    _check(image, None, "local", 0)
    part = _brightest_part(image)
    flat, known, noise = _flattened(part, _widest(part)[1], 1.0)
    criteria = Criteria()
    mask = known & (flat > _thresholds(flat[known], noise, criteria.contrast)[1])
    labels = _look(flat, mask, _widest(part), _brightness(flat, mask), criteria)
    if not labels.any():
        return None
    areas = np.bincount(labels.ravel())[1:]
    typical = float(np.sqrt(_median_by_weight(areas, areas) / np.pi))
    return max(typical / _SIZE_RANGE, 1.0), typical * _SIZE_RANGE


def _brightest_part(image: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return the square of an image that has most light."""
    if max(image.shape) <= _PART_PX:
        return image
    half = _PART_PX // 2
    starts = [range(0, max(side - half, 1), half) for side in image.shape]
    boxes = [np.s_[y : y + _PART_PX, x : x + _PART_PX] for y in starts[0] for x in starts[1]]
    return image[max(boxes, key=lambda box: float(np.nansum(image[box][::4, ::4], dtype=np.float64)))]


def _widest(image: NDArray[np.generic]) -> tuple[float, float]:
    return _LEAST_RADIUS_PX, max(min(image.shape) / 4, _LEAST_RADIUS_PX)


def _look(
    flat: NDArray[np.float32],
    mask: NDArray[np.bool_],
    radius: tuple[float, float],
    weight: NDArray[np.float32] | np.float32,
    criteria: Criteria,
) -> NDArray[np.int32]:
    """Part a mask into objects, outline each by its own brightness, and keep those with steep edges."""
    labels = _parted(_cleaned(mask, radius[0]), weight, radius[0], criteria.separation)
    labels = np.where(flat > criteria.outline * _tops(labels, flat)[labels], labels, 0)
    return _steep(_of_size(labels, radius), flat)


def _check(
    image: NDArray[np.generic], radius: tuple[float, float] | None, threshold: str, smooth: float
) -> None:
    if image.ndim != 2 or image.size == 0 or image.dtype.kind not in "buif":
        raise SettingError(
            f"Nuclei need one gray image of rows and columns, not {image.dtype} {image.shape}."
        )
    if radius is not None and not (len(radius) == 2 and 1 <= radius[0] <= radius[1] < np.inf):
        raise SettingError(
            f"radius must be a smallest and a largest one of at least 1 pixel, not {radius!r}."
        )
    if threshold not in get_args(Threshold):
        raise SettingError(f"threshold must be one of {', '.join(get_args(Threshold))}, not {threshold!r}.")
    if not 0 <= smooth <= max(image.shape):
        raise SettingError(f"smooth must be a number of pixels within the image, not {smooth!r}.")


def _flattened(
    image: NDArray[np.generic], largest: float, smooth: float
) -> tuple[NDArray[np.float32], NDArray[np.bool_], float]:
    """Return an image without its background, smoothed, at most 1; which pixels were measured; its noise."""
    values = image.astype(np.float32)
    known = np.isfinite(values)
    level = np.median(values[known]) if known.any() else np.float32(0)
    filled = np.where(known, values, level).astype(np.float32)
    rough = filled - background_of(filled, 1.5 * largest)
    flat: NDArray[np.float32] = ndimage.gaussian_filter(rough, smooth) if smooth else rough
    top = max(float(np.abs(flat).max()), 1e-30)
    return flat / top, known, _noise(rough, flat, smooth) / top


def _noise(rough: NDArray[np.float32], flat: NDArray[np.float32], smooth: float) -> float:
    """Return the noise that smoothing leaves, as what it took away tells; 0 without smoothing."""
    if smooth < 1:
        return 0.0
    # Of white noise of variance 1, for a Gaussian whose largest weight is w: w / 2 is left, and what is
    # taken away has 1 - 2 w + w / 2.
    largest = 1 / (2 * np.pi * smooth**2)
    share = np.sqrt(largest / 2 / (1 - 1.5 * largest))
    return float(share * robust_sigma((rough - flat)[::2, ::2].ravel()))


def _thresholds(flat: NDArray[np.float32], noise: float, contrast: float) -> tuple[float, float]:
    """Return Otsu's threshold, and the lowest one that noise does not exceed; infinite where all is equal."""
    if flat.size == 0 or flat.max() <= flat.min():
        return np.inf, np.inf
    split = float(threshold_otsu(flat))  # type: ignore[no-untyped-call]
    dark = flat[flat <= split]
    # Otsu parts pure noise in two halves as well, and one of them has less.
    return split, float(np.median(dark)) + contrast * max(robust_sigma(dark), noise)


def _cleaned(mask: NDArray[np.bool_], smallest: float) -> NDArray[np.bool_]:
    """Fill holes up to the smallest object's size, and drop specks and thin bridges."""
    opened = ndimage.binary_opening(mask, _disc(max(1, int(smallest / 4))))
    holes, count = ndimage.label(~opened)
    sizes = np.bincount(holes.ravel(), minlength=count + 1)
    small = sizes <= np.pi * smallest**2
    small[0] = False
    return np.asarray(opened | small[holes])


def _disc(radius: int) -> NDArray[np.bool_]:
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    return np.asarray(y**2 + x**2 <= radius**2)


def _brightness(flat: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return what parts objects that shape does not, such as a bright one over a dim one: 0..1.

    Objects brighter than most count as these.
    """
    typical = float(np.median(flat[mask])) if mask.any() else 1.0
    return np.asarray(np.sqrt(np.clip(flat / max(typical, 1e-30), 0, 1)))


def _parted(
    mask: NDArray[np.bool_], weight: NDArray[np.float32] | np.float32, smallest: float, separation: float
) -> NDArray[np.int32]:
    """Label the mask, touching objects apart: distance to the outline times a weight has a top in each."""
    if not mask.any():
        return np.zeros(mask.shape, dtype=np.int32)
    height = ndimage.gaussian_filter(_distance(mask) * weight, max(1.0, smallest / 4)) * mask
    basins = watershed(-height, mask=mask)  # type: ignore[no-untyped-call]
    return _joined(np.asarray(basins, dtype=np.int32), np.log1p(height), separation)


def _distance(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return how far each pixel of a mask is from its outline, without scipy's work on those outside."""
    y, x = ndimage.distance_transform_edt(mask, return_distances=False, return_indices=True)
    inside = np.nonzero(mask)
    distance = np.zeros(mask.shape, dtype=np.float32)
    distance[inside] = np.hypot(y[inside] - inside[0], x[inside] - inside[1])
    return distance


def _joined(basins: NDArray[np.int32], height: NDArray[np.float32], separation: float) -> NDArray[np.int32]:
    """Join basins whose lower top hardly stands out of the saddle between them, the highest saddle first."""
    # What ndimage does by sorting all pixels.
    tops = np.zeros(int(basins.max()) + 1, dtype=np.float32)
    np.maximum.at(tops, basins.ravel(), height.ravel())
    owner = list(range(len(tops)))

    def root(number: int) -> int:
        while owner[number] != number:
            number = owner[number]
        return number

    for one, other, saddle in _saddles(basins, height):
        low, high = sorted((root(one), root(other)), key=lambda number: tops[number])
        if low != high and tops[low] - saddle < np.log1p(separation):
            owner[low] = high
    return np.array([root(number) for number in owner], dtype=np.int32)[basins]


def _saddles(basins: NDArray[np.int32], height: NDArray[np.float32]) -> Iterator[tuple[int, int, float]]:
    """Yield each pair of touching basins and the greatest height where they touch, the highest first."""
    pairs, heights = [], []
    for here, there in (_IN_ROW, _IN_COLUMN):
        touch = (basins[here] != basins[there]) & (basins[here] > 0) & (basins[there] > 0)
        pairs.append(np.sort([basins[here][touch], basins[there][touch]], axis=0))
        heights.append(np.minimum(height[here][touch], height[there][touch]))
    saddles = np.concatenate(heights)
    order = np.argsort(-saddles, kind="stable")
    (ones, others), saddles = np.concatenate(pairs, axis=1)[:, order], saddles[order]
    first = np.unique(ones.astype(np.int64) << 32 | others, return_index=True)[1]
    for number in np.sort(first):
        yield int(ones[number]), int(others[number]), float(saddles[number])


def _tops(labels: NDArray[np.int32], flat: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how bright each object is: its 80th percentile, which dark nucleoli and its rim leave alone."""
    tops = np.zeros(int(labels.max()) + 1, dtype=np.float32)
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is not None:
            values = flat[box][labels[box] == number]
            rank = values.size * 4 // 5
            tops[number] = np.partition(values, rank)[rank]
    return tops


def _steep(labels: NDArray[np.int32], flat: NDArray[np.float32]) -> NDArray[np.int32]:
    """Keep objects whose brightness falls steeply at the edge, as far as the typical object's does."""
    if not labels.any():
        return labels
    count = int(labels.max()) + 1
    falls, edges = np.zeros(count), np.zeros(count)
    for here, there in (_IN_ROW, _IN_COLUMN):
        edge = labels[here] != labels[there]
        inner, outer, fall = labels[here][edge], labels[there][edge], (flat[here] - flat[there])[edge]
        falls += np.bincount(inner, fall, count) - np.bincount(outer, fall, count)
        edges += np.bincount(inner, minlength=count) + np.bincount(outer, minlength=count)
    steepness = falls / np.maximum(edges, 1)
    areas = np.bincount(labels.ravel(), minlength=count)
    keep = steepness >= _LEAST_STEEPNESS * _median_by_weight(steepness[1:], areas[1:])
    keep[0] = False
    return np.where(keep[labels], labels, 0)


def _median_by_weight(values: NDArray[Any], weights: NDArray[Any]) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def _of_size(labels: NDArray[np.int32], radius: tuple[float, float]) -> NDArray[np.int32]:
    """Keep regions within the range of sizes, numbered by where they begin."""
    sizes = np.bincount(labels.ravel())
    equivalent = np.sqrt(sizes / np.pi)
    keep = (equivalent >= radius[0]) & (equivalent <= radius[1])
    keep[0] = False
    # Of values assigned to one place the last one stays: the first pixel of each label.
    inside = np.flatnonzero(labels)[::-1]
    first = np.zeros(len(sizes), dtype=np.intp)
    first[labels.ravel()[inside]] = inside
    order = np.flatnonzero(keep)[np.argsort(first[keep])]
    number = np.zeros(len(sizes), dtype=np.int32)
    number[order] = np.arange(1, len(order) + 1)
    return np.asarray(number[labels])
