"""Gap filling, despiking, smoothing, cropping and binning: ImageStack to ImageStack.

Delta is an angle: every average of it is taken on the circle. No average holds an invented value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.util import view_as_blocks

from ellimaps.core.angles import full_circle, wrap_degrees
from ellimaps.core.checks import whole_number
from ellimaps.core.errors import SettingError
from ellimaps.core.parallel import ordered_map
from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.scratch import like, release
from ellimaps.core.stack import DELTA, ImageStack
from ellimaps.core.statistics import MAD_TO_SIGMA

Gaps = Literal["fill", "exclude"]
Roi = tuple[int, int, int, int]

KERNEL_SIZE, KERNEL_SIGMA_PX = 9, 1.0
"""The window of a Gaussian of 1 px, 8 sigma + 1 as in astropy's ``Gaussian2DKernel(1)``."""
_BLOCK_PIXELS = 1 << 12
"""Gap pixels filled at once: with their 81 neighbours 2.7 MB, about a core's cache."""
_MEAN_DEVIATION_TO_SIGMA = 1.2533
"""Standard deviations per mean absolute deviation of a normal distribution, sqrt(pi / 2)."""


def preprocess(
    stack: ImageStack,
    *,
    gaps: Gaps = "fill",
    despike: float | None = None,
    smooth: float | None = None,
    roi: Roi | None = None,
    binning: int = 1,
    on_progress: Progress = no_progress,
) -> ImageStack:
    """Crop, bin, despike, fill gaps and smooth, in this order.

    Parameters
    ----------
    stack : ImageStack
        The stack as measured; values that an earlier call filled are taken out again.
    gaps : {"fill", "exclude"}
        What happens to pixels that no measured value within a 9 x 9 neighbourhood can fill: take the
        nearest measured pixel of the same map, or leave them NaN so that they belong to no cluster.
    despike : float, optional
        Take out values that differ from the median of their 3 x 3 neighbourhood by more than this many
        robust standard deviations of such differences; they are then filled like gaps.
    smooth : float, optional
        Standard deviation of a Gaussian, in pixels, at most the larger side of the image.
    roi : tuple of int, optional
        Region of interest ``(y0, y1, x0, x1)`` in pixels, upper ends excluded.
    binning : int
        Average blocks of this many by this many pixels; a rest at the right and lower edge is dropped.
    on_progress : callable, optional
        Called as ``on_progress(done, total, what)`` after every band.

    Returns
    -------
    ImageStack
        ``filled`` marks every invented value; ``history`` holds the settings.

    Raises
    ------
    SettingError
        If a setting does not fit the stack.
    """
    steps = _Steps(gaps, despike, smooth, roi, binning)
    result = _cut_and_binned(stack, steps)
    return _filled(result, like(result.values, np.float32), steps, on_progress)


def preprocess_in_place(
    stack: ImageStack, *, on_progress: Progress = no_progress, **settings: Any
) -> ImageStack:
    """As `preprocess`, with the same settings, for a stack that nobody uses any more: its memory is reused.

    Raises
    ------
    SettingError
        If a setting does not fit the stack.
    """
    steps = _Steps(**settings)
    result = _cut_and_binned(stack, steps)
    target = result.values.view()
    try:
        target.flags.writeable = True
    except ValueError:
        target = like(result.values, np.float32)
    return _filled(result, target, steps, on_progress)


@dataclass(frozen=True)
class _Steps:
    """What is done, as it goes into the history."""

    gaps: Gaps = "fill"
    despike: float | None = None
    smooth: float | None = None
    roi: Roi | None = None
    binning: int = 1

    def check(self, shape: tuple[int, int]) -> None:
        if self.gaps not in get_args(Gaps):
            raise SettingError(f"gaps must be one of {', '.join(get_args(Gaps))}, not {self.gaps!r}.")
        _check_positive("despike", self.despike, np.inf)
        _check_positive("smooth", self.smooth, max(shape))

    @property
    def facts(self) -> dict[str, Any]:
        window = None if self.roi is None else tuple(int(side) for side in self.roi)
        return {**vars(self), "roi": window, "binning": int(self.binning)}


def _cut_and_binned(stack: ImageStack, steps: _Steps) -> ImageStack:
    result = crop(stack, steps.roi)
    return _bin(_measured_only(result), whole_number("binning", steps.binning, 1, min(result.shape)))


def _filled(
    stack: ImageStack, values: NDArray[np.float32], steps: _Steps, on_progress: Progress
) -> ImageStack:
    """Despike, fill and smooth each map into ``values``."""
    steps.check(stack.shape)
    filled = like(stack.values, np.bool_)

    def of_band(band: int) -> None:
        circular = stack.bands["quantity"].iloc[band] == DELTA
        values[band], filled[band] = _preprocess_map(stack.values[band], steps, circular)
        for array in (stack.values, values, filled):
            release(array)

    for band, _ in enumerate(ordered_map(of_band, range(stack.n_bands)), start=1):
        on_progress(band, stack.n_bands, "filling gaps")
    return stack.with_values(values, filled=filled, history=(*stack.history, steps.facts))


def _preprocess_map(
    image: NDArray[np.float32], steps: _Steps, circular: bool
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return one map after despiking, filling and smoothing, and where its values are invented."""
    if steps.despike is not None:
        image = _without_spikes(image, steps.despike, circular)
    measured = np.isfinite(image)
    image = fill_gaps(image, gaps=steps.gaps, circular=circular)
    filled = np.isfinite(image) & ~measured
    return image if steps.smooth is None else _smooth(image, measured, steps.smooth, circular), filled


def crop(stack: ImageStack, roi: Roi | None) -> ImageStack:
    """Return the part of a stack inside a region of interest ``(y0, y1, x0, x1)``, or all of it."""
    if roi is None:
        return stack
    height, width = stack.shape
    if len(roi) != 4 or not all(isinstance(side, int | np.integer) for side in roi):
        raise SettingError(f"roi must be four whole numbers y0 y1 x0 x1, not {roi!r}.")
    y0, y1, x0, x1 = roi
    if not (0 <= y0 < y1 <= height and 0 <= x0 < x1 <= width):
        raise SettingError(
            f"roi {y0} {y1} {x0} {x1} does not lie inside the image: "
            f"0 <= y0 < y1 <= {height} and 0 <= x0 < x1 <= {width} are needed."
        )
    window = np.s_[:, y0:y1, x0:x1]
    return stack.with_values(stack.values[window], filled=stack.filled[window])


def fill_gaps(image: NDArray[np.float32], *, gaps: Gaps, circular: bool) -> NDArray[np.float32]:
    """Fill the NaN pixels of one map from their measured neighbours.

    A gap pixel becomes the average of the measured pixels in the 9 x 9 pixels around it, weighted by a
    Gaussian of 1 px standard deviation (normalised convolution). Pixels beyond the image count as not
    measured. Where the whole neighbourhood is empty, ``gaps="fill"`` takes the nearest measured pixel.

    Parameters
    ----------
    image : ndarray of float32, shape (y, x)
        One map, NaN = not measured.
    gaps : {"fill", "exclude"}
        What to do with pixels beyond the kernel's reach.
    circular : bool
        Whether the values are angles modulo 360 deg.

    Returns
    -------
    ndarray of float32, shape (y, x)
        A copy with its gaps filled; measured values are unchanged.

    References
    ----------
    H. Knutsson and C.-F. Westin, Normalized and differential convolution, CVPR 1993,
    doi:10.1109/CVPR.1993.341081.
    """
    result = image.copy()
    missing = np.isnan(image)
    count = np.count_nonzero(missing)
    if count in (0, image.size):
        return result
    if count > 0.02 * image.size:
        # Most of the many are out of reach; for few, looking would take longer than trying.
        missing &= ndimage.maximum_filter(~missing, KERNEL_SIZE, mode="constant")
    ys, xs = np.nonzero(missing)
    average = _circular_average if circular else _average
    weights = gaussian_kernel().ravel()
    for start in range(0, ys.size, _BLOCK_PIXELS):
        part = ys[start : start + _BLOCK_PIXELS], xs[start : start + _BLOCK_PIXELS]
        result[part] = average(_neighbours(image, *part), weights)
    if circular:
        result[ys, xs] = full_circle(result[ys, xs])
    if gaps == "fill" and np.isnan(result).any():
        _fill_from_nearest(result, image)
    return result


def _neighbours(
    image: NDArray[np.float32], ys: NDArray[np.intp], xs: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return the values around pixels, NaN beyond the image, shape (pixel, pixel of the kernel)."""
    reach = KERNEL_SIZE // 2
    rows = slice(int(ys.min()), int(ys.max()) + 1)
    strip = image[max(rows.start - reach, 0) : rows.stop + reach]
    above, below = max(reach - rows.start, 0), max(rows.stop + reach - image.shape[0], 0)
    padded = np.pad(strip, ((above, below), (reach, reach)), constant_values=np.nan)
    width = padded.shape[1]
    dy, dx = np.indices((KERNEL_SIZE, KERNEL_SIZE))
    first = (ys - rows.start) * width + xs
    return np.asarray(padded.ravel()[first[:, None] + (dy * width + dx).ravel()], dtype=np.float64)


def gaussian_kernel(size: int = KERNEL_SIZE, sigma: float = KERNEL_SIGMA_PX) -> NDArray[np.float64]:
    """Return a ``size`` x ``size`` Gaussian that sums to 1; ``sigma`` in pixels."""
    offset = np.arange(size) - size // 2
    line = np.exp(-0.5 * (offset / sigma) ** 2)
    kernel = np.outer(line, line)
    return np.asarray(kernel / kernel.sum())


def _check_positive(name: str, value: float | None, highest: float) -> None:
    if value is None:
        return
    if not isinstance(value, float | int | np.number) or not 0 < value <= highest or value == np.inf:
        limit = f" of at most {highest:g}" if np.isfinite(highest) else ""
        raise SettingError(f"{name} must be a positive number{limit}, not {value!r}.")


def _average(neighbours: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weighted mean over the last axis, ignoring NaN; NaN where there is nothing to average."""
    known = np.isfinite(neighbours)
    weight = known @ weights
    total = np.where(known, neighbours, 0.0) @ weights
    with np.errstate(invalid="ignore"):
        return np.asarray(total / weight)


def _circular_average(angles: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weighted mean of angles in degrees over the last axis.

    The circle is cut at its widest empty arc, so that this is the plain mean of angles that do not lie on
    both sides of 0/360.
    """
    span = np.fmax.reduce(angles, axis=-1) - np.fmin.reduce(angles, axis=-1)
    return _average(_unwrapped(angles, np.flatnonzero(span > 180)), weights)


def _unwrapped(angles: NDArray[np.float64], rows: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return angles with 360 deg added below the widest empty arc, in rows that span over 180 deg."""
    if rows.size == 0:
        return angles
    wide = angles[rows] % 360
    ordered = np.sort(wide, axis=-1)
    arcs = np.diff(ordered, axis=-1, append=np.nan)
    last = np.isfinite(ordered).sum(axis=-1) - 1
    arcs[np.arange(rows.size), last] = 360 - (ordered[np.arange(rows.size), last] - ordered[:, 0])
    before = np.nanargmax(arcs, axis=-1)
    end = ordered[np.arange(rows.size), before][:, None]
    result = angles.copy()
    result[rows] = np.where(wide > end, wide, wide + 360)
    result[rows[before == last]] = wide[before == last]
    return result


def _fill_from_nearest(result: NDArray[np.float32], measured: NDArray[np.float32]) -> None:
    """Give what is still empty the value of its nearest measured pixel, gap by gap, in place.

    The nearest measured pixel of a gap touches that gap, so a window with one pixel of rim holds it.
    """
    gaps, _ = ndimage.label(np.isnan(measured), structure=np.ones((3, 3)))
    empty = np.isnan(result)
    wide = set(np.unique(gaps[empty]))
    for number, box in enumerate(ndimage.find_objects(gaps), start=1):
        if number not in wide:
            continue
        window = tuple(slice(max(side.start - 1, 0), side.stop + 1) for side in box)
        nearest = ndimage.distance_transform_edt(
            np.isnan(measured[window]), return_distances=False, return_indices=True
        )
        hole = empty[window] & (gaps[window] == number)
        result[window][hole] = measured[window][tuple(nearest)][hole]


def _without_spikes(image: NDArray[np.float32], threshold: float, circular: bool) -> NDArray[np.float32]:
    difference = image - _median_of_neighbours(image, circular)
    if circular:
        difference = wrap_degrees(difference)
    deviation = np.abs(difference)
    known = deviation[np.isfinite(deviation)]
    if known.size == 0:
        return image
    # Where most pixels equal their neighbours' median, as in counts, the median deviation is 0.
    scale = MAD_TO_SIGMA * np.median(known) or _MEAN_DEVIATION_TO_SIGMA * known.mean(dtype=np.float64)
    result = image.copy()
    result[deviation > threshold * scale] = np.nan
    return result


def _median_of_neighbours(image: NDArray[np.float32], circular: bool) -> NDArray[np.float32]:
    """Return the median of the 3 x 3 pixels around each pixel, the pixel itself included; NaN is ignored."""
    padded = np.pad(image, 1, constant_values=np.nan)
    height, width = image.shape
    around = np.stack([padded[y : y + height, x : x + width] for y in range(3) for x in range(3)])
    reference = image if circular else np.float32(0)
    if circular:
        around = reference + wrap_degrees(around - reference)
    # np.nanmedian sorts pixel by pixel here and takes a hundred times as long.
    ordered = np.sort(around, axis=0)
    count = np.isfinite(ordered).sum(axis=0)
    low = np.take_along_axis(ordered, np.maximum(count - 1, 0)[None] // 2, axis=0)[0]
    high = np.take_along_axis(ordered, np.minimum(count // 2, 8)[None], axis=0)[0]
    return np.asarray((low + high) / 2, dtype=np.float32)


def _smooth(
    image: NDArray[np.float32], measured: NDArray[np.bool_], sigma: float, circular: bool
) -> NDArray[np.float32]:
    """Return the Gaussian average of the measured values around each pixel; far from any, the pixel stays."""

    def blur(values: NDArray[Any]) -> NDArray[np.float64]:
        kept = np.where(measured, values, 0.0).astype(np.float64)
        return np.asarray(ndimage.gaussian_filter(kept, sigma, mode="constant"))

    weight = blur(np.ones_like(image))
    # A weight that small is what rounding leaves of none: the Gaussian ends at four standard deviations.
    use = np.isfinite(image) & (weight > 1e-6)
    result = image.copy()
    if circular:
        radians = np.deg2rad(image.astype(np.float64))
        degrees = np.rad2deg(np.arctan2(blur(np.sin(radians))[use], blur(np.cos(radians))[use]))
        result[use] = full_circle(degrees.astype(np.float32))
    else:
        result[use] = blur(image)[use] / weight[use]
    return result


def _measured_only(stack: ImageStack) -> ImageStack:
    if not stack.filled.any():
        return stack
    return stack.with_values(np.where(stack.filled, np.float32(np.nan), stack.values), filled=None)


def _bin(stack: ImageStack, factor: int) -> ImageStack:
    if factor == 1:
        return stack
    values = np.stack(
        [
            _bin_image(image, factor, quantity == DELTA)
            for image, quantity in zip(stack.values, stack.bands["quantity"], strict=True)
        ]
    )
    pixel_size = None if stack.pixel_size_um is None else stack.pixel_size_um * factor
    return stack.with_values(values, filled=None, pixel_size_um=pixel_size)


def _bin_image(image: NDArray[np.float32], factor: int, circular: bool) -> NDArray[np.float32]:
    height, width = (size // factor for size in image.shape)
    # Not skimage.measure.block_reduce: it completes the blocks at the edges, and these are dropped.
    blocks = view_as_blocks(image[: height * factor, : width * factor], (factor, factor))  # type: ignore[no-untyped-call]
    pixels = blocks.reshape(height * width, -1).astype(np.float64)
    average: Callable[..., NDArray[np.float64]] = _circular_average if circular else _average
    binned = average(pixels, np.ones(factor * factor)).reshape(height, width).astype(np.float32)
    return np.asarray(full_circle(binned) if circular else binned)
