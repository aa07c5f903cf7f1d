"""Corrections of intensity images, and how fast a dye bleaches: for stacks that are no Delta and Psi maps.

None of it is done unless asked for: by default a clustershot holds the intensities of the files.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import block_reduce

from ellimaps.core.errors import SettingError
from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.scratch import like, release
from ellimaps.core.stack import ImageStack

BACKGROUND_RADIUS_PX = 50.0
"""ImageJ's default for *Subtract background*."""
PERCENTILES = (1.0, 99.8)
"""Those of CSBDeep and StarDist."""


def correct_intensities(
    stack: ImageStack,
    *,
    background: float | None = BACKGROUND_RADIUS_PX,
    normalise: tuple[float, float] | None = PERCENTILES,
    log: bool = False,
    on_progress: Progress = no_progress,
) -> ImageStack:
    """Subtract the background of every band, scale it to its percentiles, take logarithms; in this order.

    Parameters
    ----------
    stack : ImageStack
        Intensities; NaN stays NaN.
    background : float, optional
        Radius in pixels of the largest object; see `background_of`. None subtracts nothing.
    normalise : (float, float), optional
        Percentiles of each band's finite values that become 0 and 1; values beyond them are kept. None
        leaves the scale.
    log : bool
        Replace x by log(1 + x), negative x by 0 first.
    on_progress : callable, optional
        Called as ``on_progress(done, total, what)`` after every band.

    Returns
    -------
    ImageStack
        ``history`` holds the settings.

    Raises
    ------
    SettingError
        If the stack holds Delta or Psi maps, or a setting is out of its range.
    """
    if stack.is_ellipsometric:
        raise SettingError(
            f"{stack.name} holds Delta and Psi maps: background, normalise and log need intensities."
        )
    _check(background, normalise)
    values = like(stack.values, np.float32)
    for band, image in enumerate(stack.values):
        result = image if background is None else image - background_of(image, background)
        if normalise is not None:
            result = _normalised(result, normalise)
        values[band] = np.log1p(np.maximum(result, 0)) if log else result
        release(values)
        on_progress(band + 1, stack.n_bands, "correcting intensities")
    settings = {"background": background, "normalise": normalise, "log": log}
    return stack.with_values(values, history=(*stack.history, settings))


def background_of(image: NDArray[np.floating], radius: float) -> NDArray[np.float32]:
    """Return the smooth background of an image.

    The image is reduced to means over small cells. A second-order surface is fitted to the dark ones; what
    is left is opened with a square wider than the largest object, so that objects vanish, and smoothed.
    Surface and rest together are enlarged again.

    Parameters
    ----------
    image : ndarray of float, shape (y, x)
        NaN = not measured; such pixels do not take part.
    radius : float
        Radius of the largest object in pixels.

    Returns
    -------
    ndarray of float32, shape (y, x)
        Finite everywhere.

    References
    ----------
    The opening is the top-hat of mathematical morphology (P. Soille, Morphological Image Analysis, 2003,
    section 4.5); reducing the image first is what ImageJ's rolling ball does.
    """
    # At most 256 cells along a side: the opening's time then does not grow with the image.
    cell = max(1, int(radius // 4), -(-max(image.shape) // 256))
    small = _cell_means(image, cell)
    width = 2 * int(np.ceil(radius / cell)) + 1
    # An opening cuts off the upper end of a slope, so slopes are taken out before and put back after.
    pixels = [np.arange(size, dtype=np.float64) for size in image.shape]
    cells = [
        np.add.reduceat(p, range(0, p.size, cell)) / np.diff([*range(0, p.size, cell), p.size])
        for p in pixels
    ]
    surface = _fit_surface(small, cells)
    # Means over cells still scatter; the darkest of many would lie below the background.
    rest = ndimage.gaussian_filter(small - _surface(surface, cells), 1.0, mode="nearest")
    rest = ndimage.grey_opening(rest, size=(width, width), mode="nearest")
    rest = ndimage.gaussian_filter(rest, width / 4, mode="nearest")
    rows, columns = ((p + 0.5) / cell - 0.5 for p in pixels)
    enlarged = _resampled(_resampled(rest.T, rows).T, columns)
    return np.asarray(enlarged + _surface(surface, pixels), dtype=np.float32)


def channels_of(stack: ImageStack) -> pd.DataFrame:
    """Return ``channel`` and ``wavelength_nm`` of each channel once, in the stack's order.

    Every time point has the same channels; without time points each band is a channel.
    """
    columns = stack.bands[["channel", "wavelength_nm"]]
    if "frame" in stack.bands:
        columns = columns[stack.bands["frame"] == stack.bands["frame"].iloc[0]]
    return columns.reset_index(drop=True)


@dataclass(frozen=True)
class Bleaching:
    """How a time stack's mean intensity falls, per channel.

    Attributes
    ----------
    table : DataFrame
        One row per band: ``channel, frame, time_s, mean, fitted``; ``time_s`` is NaN where the files do not
        tell, and the frame number takes its place in the fit.
    rates : DataFrame
        One row per channel: ``channel, amplitude, rate, offset, half_life, unit``, of
        ``mean = amplitude * exp(-rate * time) + offset``. NaN where there are fewer than four frames or
        the fit does not converge.
    """

    table: pd.DataFrame
    rates: pd.DataFrame


def bleaching_curve(stack: ImageStack) -> Bleaching:
    """Fit an exponential decay to the mean intensity over time.

    Parameters
    ----------
    stack : ImageStack
        Bands of the same channel are its time points, in order. Where every channel occurs once, all bands
        are the time points of one channel (a folder of frames).

    Returns
    -------
    Bleaching
        Means over measured values, with the fit.
    """
    table = pd.DataFrame(
        {
            "channel": list(stack.bands["channel"]),
            "time_s": stack.bands["time_s"].astype(float),
            "mean": [_mean(image, stack.measured_band(i)) for i, image in enumerate(stack.values)],
        }
    )
    if not table["channel"].duplicated().any():
        table["channel"] = ""
    table.insert(1, "frame", table.groupby("channel").cumcount())
    fitted, rates = [], []
    for channel, part in table.groupby("channel", sort=False):
        timed = part["time_s"].notna().all() and part["time_s"].is_unique
        time = (part["time_s"] - part["time_s"].iloc[0] if timed else part["frame"]).to_numpy(float)
        amplitude, rate, offset = _decay(time, part["mean"].to_numpy(float))
        fitted.append(pd.Series(amplitude * np.exp(-rate * time) + offset, index=part.index))
        half = np.log(2) / rate if rate > 0 else np.nan
        rates.append((channel, amplitude, rate, offset, half, "s" if timed else "frame"))
    columns = ["channel", "amplitude", "rate", "offset", "half_life", "unit"]
    return Bleaching(table.assign(fitted=pd.concat(fitted)), pd.DataFrame(rates, columns=columns))


def _check(background: float | None, normalise: tuple[float, float] | None) -> None:
    if background is not None and not 1 <= background < np.inf:
        raise SettingError(f"background must be a radius of at least 1 pixel, not {background!r}.")
    if normalise is not None and not (len(normalise) == 2 and 0 <= normalise[0] < normalise[1] <= 100):
        raise SettingError(f"normalise must be two percentiles, low and high, of 0..100, not {normalise!r}.")


def _cell_means(image: NDArray[np.floating], cell: int) -> NDArray[np.float64]:
    """Return means over squares of pixels; a cell without a value takes the nearest one that has."""
    known = np.isfinite(image)
    count = block_reduce(known, cell)  # type: ignore[no-untyped-call]
    if not count.any():
        return np.zeros(count.shape)
    total = block_reduce(np.where(known, image, 0).astype(np.float64), cell)  # type: ignore[no-untyped-call]
    nearest = ndimage.distance_transform_edt(count == 0, return_distances=False, return_indices=True)
    return np.asarray((total / np.maximum(count, 1))[tuple(nearest)])


def _fit_surface(image: NDArray[np.float64], axes: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Fit a second-order surface to the darker part of an image: coefficients of 1, y, x, yx, y^2, x^2."""
    y, x = (axis.reshape(shape) for axis, shape in zip(axes, ((-1, 1), (1, -1)), strict=True))
    terms = np.stack([np.broadcast_to(term, image.shape) for term in (1, y, x, y * x, y**2, x**2)], axis=-1)
    matrix = terms.reshape(-1, 6).astype(np.float64)
    matrix /= (scales := np.maximum(np.abs(matrix).max(axis=0), 1))
    values = image.ravel()
    height = max(float(np.abs(values).max()), 1e-300)
    used = np.ones(values.size, dtype=np.bool_)
    found: NDArray[np.float64] = np.zeros(6)
    for _ in range(4):
        solved = np.linalg.lstsq(matrix[used], values[used] / height, rcond=None)[0]
        found = np.asarray(height * solved, dtype=np.float64)
        rest = values - matrix @ found
        # Objects are bright: what lies far above the surface is none of it.
        middle = np.median(rest)
        used = rest <= middle + 2 * np.median(np.abs(rest - middle))
    return np.asarray(found / scales)


def _surface(found: NDArray[np.float64], axes: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    y, x = axes[0][:, None], axes[1][None]
    column = found[0] + found[1] * y + found[4] * y**2
    return np.asarray(column + (found[3] * y) * x + (found[2] * x + found[5] * x**2))


def _resampled(image: NDArray[np.float64], positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Interpolate linearly along the last axis, at positions in pixels."""
    last = image.shape[-1] - 1
    inside = np.clip(positions, 0, last)
    low = np.minimum(inside.astype(int), max(last - 1, 0))
    weight = inside - low
    return np.asarray(image[..., low] * (1 - weight) + image[..., np.minimum(low + 1, last)] * weight)


def _normalised(image: NDArray[np.float32], percentiles: tuple[float, float]) -> NDArray[np.float32]:
    finite = image[np.isfinite(image)]
    if finite.size == 0:
        return image
    low, high = np.percentile(finite, percentiles)
    return np.asarray((image - low) / (high - low if high > low else 1), dtype=np.float32)


def _mean(image: NDArray[np.float32], measured: NDArray[np.bool_]) -> float:
    return float(image[measured].mean(dtype=np.float64)) if measured.any() else np.nan


def _decay(time: NDArray[np.float64], mean: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return amplitude, rate and offset of an exponential decay; the offset is at least 0."""
    # Late: it takes a tenth of a second to import, and few stacks bleach.
    from scipy.optimize import least_squares

    known = np.isfinite(mean)
    time, mean = time[known], mean[known]
    if time.size < 4 or time[-1] <= time[0]:
        return np.nan, np.nan, np.nan
    span, drop = time[-1] - time[0], max(mean[0] - mean[-1], 1e-9 * abs(mean[0]) + 1e-12)
    scale = max(abs(mean).max(), 1e-12)

    def residuals(p: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(p[0] * np.exp(-p[1] * time / span) + p[2] - mean / scale)

    start = [2 * drop / scale, 1.0, max(mean[-1] / scale - drop / scale, 0.0)]
    fit = least_squares(residuals, start, bounds=([0, 0, 0], [np.inf, 100, np.inf]))
    amplitude, rate, offset = fit.x
    return float(amplitude * scale), float(rate / span), float(offset * scale)
