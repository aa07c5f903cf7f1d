"""Nuclei and cells as labelled regions: smoothing, threshold, and a watershed that parts touching ones."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_otsu
from skimage.morphology import reconstruction
from skimage.segmentation import watershed

from ellimaps.core.errors import SettingError
from ellimaps.images.intensities import background_of

Threshold = Literal["otsu", "local"]

_NOISE_FACTOR = 6.0
_MAD_TO_SIGMA = 1.4826
_SMOOTH_SHARE = 0.15
_LEAST_DEPTH = 0.06
_OTHER_BRIGHTNESS = 1.8
_TOP_PERCENTILE = 80
_HALF = 0.5
_LEAST_SCALE = 1e-30
_CORE_SHARE = 0.8


def detect_nuclei(
    image: NDArray[np.generic],
    radius: tuple[float, float] = (5.0, 60.0),
    *,
    threshold: Threshold = "local",
    smooth: float | None = None,
) -> NDArray[np.int32]:
    """Find bright nuclei or cells of any shape.

    Parameters
    ----------
    image : ndarray, shape (y, x)
        Any real type; NaN = not measured. Smooth background of uneven light is subtracted first.
    radius : (float, float)
        Smallest and largest radius in pixels, of the circle with a region's area.
    threshold : {"local", "otsu"}
        One threshold per object, half-way between the background and the object's brightness; or Otsu's for
        the whole image, which leaves out objects much dimmer than the others.
    smooth : float, optional
        Standard deviation in pixels of the Gaussian before the threshold; by default a seventh of the
        smallest radius, at least 1.

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
    that differ from their surroundings by less than 6 % are one (h-maxima: P. Soille, Morphological Image
    Analysis, 2003, section 6.3.5). A region of two brightnesses, each of a nucleus' size, becomes two.
    """
    _check(image, radius, threshold, smooth)
    values = image.astype(np.float32)
    known = np.isfinite(values)
    if not known.any():
        return np.zeros(image.shape, dtype=np.int32)
    level = float(np.median(values[known]))
    filled = np.where(known, values, np.float32(level))
    flat = filled - background_of(filled, 1.5 * radius[1])
    sigma = max(1.0, _SMOOTH_SHARE * radius[0]) if smooth is None else smooth
    flat = ndimage.gaussian_filter(flat, sigma) if sigma else flat
    flat = flat / max(float(np.abs(flat).max()), _LEAST_SCALE)
    split, lowest = _thresholds(flat[known])
    mask = known & (flat > (max(split, lowest) if threshold == "otsu" else lowest))
    labels = _parted(_cleaned(mask, radius[0]), flat, radius[0])
    labels = _parted_by_brightness(labels, flat, radius[0])
    if threshold == "local":
        labels = _above_half(labels, flat)
    return _of_size(np.where(known, labels, 0), radius)


def _check(
    image: NDArray[np.generic], radius: tuple[float, float], threshold: str, smooth: float | None
) -> None:
    if image.ndim != 2 or image.size == 0 or image.dtype.kind not in "buif":
        raise SettingError(
            f"Nuclei need one grey image of rows and columns, not {image.dtype} {image.shape}."
        )
    if not (len(radius) == 2 and 1 <= radius[0] <= radius[1] < np.inf):
        raise SettingError(
            f"radius must be a smallest and a largest one of at least 1 pixel, not {radius!r}."
        )
    if threshold not in get_args(Threshold):
        raise SettingError(f"threshold must be one of {', '.join(get_args(Threshold))}, not {threshold!r}.")
    if smooth is not None and not 0 <= smooth <= max(image.shape):
        raise SettingError(f"smooth must be a number of pixels within the image, not {smooth!r}.")


def _otsu(values: NDArray[np.float32]) -> float:
    return float(threshold_otsu(values))  # type: ignore[no-untyped-call]


def _thresholds(flat: NDArray[np.float32]) -> tuple[float, float]:
    """Return Otsu's threshold, and the lowest one that noise does not exceed; infinite where all is equal."""
    if flat.max() <= flat.min():
        return np.inf, np.inf
    split = _otsu(flat)
    dark = flat[flat <= split]
    ground = float(np.median(dark))
    noise = _MAD_TO_SIGMA * float(np.median(np.abs(dark - ground)))
    # Otsu parts pure noise in two halves as well.
    return split, ground + _NOISE_FACTOR * noise


def _parted_by_brightness(
    labels: NDArray[np.int32], flat: NDArray[np.float32], smallest: float
) -> NDArray[np.int32]:
    """Part regions in which a bright object overlaps a dim one, whatever their common outline."""
    result = labels.copy()
    count = int(labels.max())
    core = _disc(max(1, round(_CORE_SHARE * smallest)))
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        inside = labels[box] == number
        values = flat[box][inside]
        if values.size < 2 * np.pi * smallest**2 or values.max() <= values.min():
            continue
        bright = inside & (flat[box] > _otsu(values))
        # The blur around a bright object is as dim as another object, but thinner than one.
        seeds = [ndimage.binary_opening(part, core) for part in (bright, inside & ~bright)]
        if min(seed.sum() for seed in seeds) < np.pi * (_CORE_SHARE * smallest) ** 2:
            continue
        if np.median(flat[box][seeds[0]]) < _OTHER_BRIGHTNESS * np.median(flat[box][seeds[1]]):
            continue
        dim, n_dim = ndimage.label(seeds[1])
        marks = np.where(seeds[0], n_dim + 1, dim)
        slope = ndimage.gaussian_gradient_magnitude(flat[box], 1.0)
        parted = watershed(slope, marks, mask=inside)  # type: ignore[no-untyped-call]
        result[box][inside & (parted <= n_dim)] = count + parted[inside & (parted <= n_dim)]
        count += n_dim
    return result


def _above_half(labels: NDArray[np.int32], flat: NDArray[np.float32]) -> NDArray[np.int32]:
    """Keep of each region what is brighter than half of its own bright pixels."""
    tops = np.zeros(int(labels.max()) + 1, dtype=np.float32)
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        tops[number] = np.percentile(flat[box][labels[box] == number], _TOP_PERCENTILE)
    return np.where(flat > _HALF * tops[labels], labels, 0)


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


def _parted(mask: NDArray[np.bool_], flat: NDArray[np.float32], smallest: float) -> NDArray[np.int32]:
    """Label the mask, touching objects apart."""
    distance = ndimage.distance_transform_edt(mask).astype(np.float32)
    if not mask.any():
        return np.zeros(mask.shape, dtype=np.int32)
    # Brightness parts what shape does not, such as an overlap; objects brighter than most count as these.
    bright = np.clip(flat / max(float(np.median(flat[mask])), 1e-30), 0, 1)
    height = ndimage.gaussian_filter(distance * np.sqrt(bright), max(1.0, smallest / 5)) * mask
    # A maximum counts if it stands out by a share of its own height.
    log = np.log1p(height)
    lower = reconstruction(log - np.log1p(_LEAST_DEPTH), log)  # type: ignore[no-untyped-call]
    tops = log - lower > 0
    seeds, _ = ndimage.label(tops & mask, np.ones((3, 3)))
    labels = watershed(-height, seeds, mask=mask)  # type: ignore[no-untyped-call]
    return np.asarray(labels, dtype=np.int32)


def _of_size(labels: NDArray[np.int32], radius: tuple[float, float]) -> NDArray[np.int32]:
    """Keep regions within the range of sizes, numbered by where they begin."""
    sizes = np.bincount(labels.ravel())
    equivalent = np.sqrt(sizes / np.pi)
    keep = (equivalent >= radius[0]) & (equivalent <= radius[1])
    keep[0] = False
    kept = np.where(keep[labels], labels, 0)
    present, first = np.unique(kept, return_index=True)
    order = present[np.argsort(first)]
    number = np.zeros(len(sizes), dtype=np.int32)
    number[order[order > 0]] = np.arange(1, np.count_nonzero(order) + 1)
    return np.asarray(number[kept])
