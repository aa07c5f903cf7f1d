"""Quality of an image: focus, saturation, illumination, number of objects; with flags for what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ellimaps.core.errors import SettingError
from ellimaps.core.statistics import MAD_TO_SIGMA
from ellimaps.images.intensities import background_of

# Cameras of 8, 10, 12, 14 and 16 bit.
_FULL_SCALES = (255, 1023, 4095, 16383, 65535)


@dataclass(frozen=True)
class QualityLimits:
    """What an image must keep to; outside of it the image is flagged.

    Attributes
    ----------
    focus : float
        Least steepness of the sharpest edges, in 1/px; sharp optics reach 0.2 and more.
    saturation : float
        Greatest share of pixels at full scale.
    illumination : float
        Greatest relative fall of the background from its bright to its dark places.
    count : (int, int), optional
        Least and greatest number of objects.
    """

    focus: float = 0.07
    saturation: float = 0.005
    illumination: float = 0.6
    count: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if not all(value >= 0 for value in (self.focus, self.saturation, self.illumination)):
            raise SettingError("Quality limits must not be negative.")
        if self.count is not None and not 0 <= self.count[0] <= self.count[1]:
            raise SettingError(f"count must be a least and a greatest number of objects, not {self.count!r}.")


@dataclass(frozen=True)
class Quality:
    """Measures of one image, and the flags they raise.

    Attributes
    ----------
    focus : float
        The steepest edges in 1/px: slope over the contrast of the image, 0.4 / s for edges blurred by a
        Gaussian of s pixels. NaN where nothing stands out of the noise.
    saturation : float
        Share of pixels at full scale.
    illumination : float
        Relative fall of the smooth background from its 98th to its 2nd percentile, 0 for even light. The
        camera's offset counts as light.
    background : float
        Median of the smooth background.
    count : int
        Number of objects.
    flags : str
        ``out of focus``, ``saturated``, ``uneven light``, ``too few objects``, ``too many objects``,
        joined by ``; ``; empty where all is well.
    """

    focus: float
    saturation: float
    illumination: float
    background: float
    count: int
    flags: str

    def row(self) -> dict[str, Any]:
        """Return the measures as a table's row."""
        return asdict(self)


def image_quality(
    image: NDArray[np.generic], count: int, *, largest: float = 60.0, limits: QualityLimits | None = None
) -> Quality:
    """Judge an image.

    Parameters
    ----------
    image : ndarray, shape (y, x)
        Any real type; NaN = not measured.
    count : int
        How many objects were found in it.
    largest : float
        Radius of the largest object in pixels, for telling background from objects.
    limits : QualityLimits, optional
        When to flag.
    """
    values = image.astype(np.float32)
    known = np.isfinite(values)
    filled = np.where(known, values, np.median(values[known]) if known.any() else 0).astype(np.float32)
    ground = background_of(filled, 1.5 * largest)
    focus = _focus(filled)
    saturation = _saturation(values[known])
    darkest, brightest = (float(level) for level in np.percentile(ground[::8, ::8], (2, 98)))
    illumination = (brightest - darkest) / brightest if brightest > 0 else 0.0
    background = float(np.median(ground[::8, ::8]))
    return _flagged(Quality(focus, saturation, illumination, background, count, ""), limits)


def quality_of_parts(
    thinned: Quality, parts: Sequence[Quality], limits: QualityLimits | None = None
) -> Quality:
    """Judge an image by its parts, which have its edges and all of its pixels.

    Parameters
    ----------
    thinned : Quality
        Of every so many pixels of the whole image: its light and its number of objects.
    parts : sequence of Quality
        Of parts of one size, at least one.
    limits : QualityLimits, optional
        When to flag.
    """
    focus = [part.focus for part in parts if np.isfinite(part.focus)]
    whole = replace(
        thinned,
        focus=float(np.median(focus)) if focus else np.nan,
        saturation=float(np.mean([part.saturation for part in parts])),
    )
    return _flagged(whole, limits)


def _flagged(quality: Quality, limits: QualityLimits | None) -> Quality:
    limits = limits or QualityLimits()
    count = quality.count
    found = {
        "out of focus": quality.focus < limits.focus,
        "saturated": quality.saturation > limits.saturation,
        "uneven light": quality.illumination > limits.illumination,
        "too few objects": limits.count is not None and count < limits.count[0],
        "too many objects": limits.count is not None and count > limits.count[1],
    }
    return replace(quality, flags="; ".join(flag for flag, raised in found.items() if raised))


def _focus(image: NDArray[np.float32]) -> float:
    """Return the slope of the steepest edges over the image's contrast; NaN without contrast."""
    if min(image.shape) < 2:
        return np.nan
    smooth = ndimage.gaussian_filter(image, 1.0)
    slope = np.hypot(*np.gradient(smooth))
    low, middle, high = np.percentile(smooth[::2, ::2], (1, 50, 99.5))
    noise = MAD_TO_SIGMA * np.median(np.abs(image - smooth))
    contrast = float(high - low)
    # From the 1st to the 99.5th percentile pure noise spans 4.9 times its own deviation.
    if contrast <= 8 * noise or high - middle <= 0:
        return np.nan
    return float(np.percentile(slope[::2, ::2], 99.5)) / contrast


def _saturation(values: NDArray[np.float32]) -> float:
    """Return the share of values at full scale: the largest one, if it is a camera's or occurs often."""
    if values.size == 0:
        return 0.0
    top = values.max()
    share = float(np.mean(values == top))
    # The largest value of unclipped pixels occurs once or a few times, however many there are.
    is_scale = float(top) in _FULL_SCALES or share > 1e-4
    return share if is_scale and top > values.min() else 0.0
