"""What is clustered: an ImageStack becomes a matrix of features."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from copy import copy
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.angles import full_circle
from ellimaps.core.errors import SettingError
from ellimaps.core.parallel import ordered_map
from ellimaps.core.scratch import lies_in_file, release
from ellimaps.core.stack import DELTA, ImageStack

Features = Literal["raw", "standard", "ncs"]

BLOCK_NUMBERS = 1 << 18
"""Numbers in a block: 1 MB, about a core's cache; ``benchmarks/bench_constants.py`` varies it."""
MIN_BLOCK_PIXELS = 512
"""Below this many pixels, calling NumPy takes longer than its work."""
CACHE_BYTES = 256 * 1024 * 1024
"""Features that are kept and not computed anew in every pass; a sixteenth of the default working set."""


class WrappedDeltaWarning(UserWarning):
    """Delta crosses 0/360 deg but is clustered as a plain number."""


def default_features(stack: ImageStack) -> Features:
    """Return ``ncs`` for Delta and Psi maps and ``standard`` for intensities."""
    return "ncs" if stack.is_ellipsometric else "standard"


def feature_matrix(
    stack: ImageStack, features: Features | None = None
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Return the features of every pixel that has a value in all bands.

    Parameters
    ----------
    stack : ImageStack
        Usually preprocessed, so that few pixels lack a value.
    features : {"raw", "standard", "ncs"}, optional
        ``raw``: the values themselves. ``standard``: each band minus its mean, over its standard
        deviation. ``ncs``: N = cos 2Psi, C = sin 2Psi cos Delta and S = sin 2Psi sin Delta of each
        wavelength and angle, which do not jump where Delta passes 360 deg. Default: `default_features`.

    Returns
    -------
    matrix : ndarray of float32, shape (pixel, feature)
        The features.
    pixels : ndarray of int, shape (pixel,)
        Flat indices ``y * width + x`` of the pixels.

    Raises
    ------
    SettingError
        If the features do not fit the stack, or no pixel has a value in all bands.
    """
    space = FeatureSpace(stack, features)
    return np.ascontiguousarray(space.take(np.arange(space.n_pixels)).T), space.pixels


class FeatureSpace:
    """The features of a stack's complete pixels, computed block by block.

    Parameters
    ----------
    stack : ImageStack
        The pixels.
    features : {"raw", "standard", "ncs"}, optional
        See `feature_matrix`.

    Attributes
    ----------
    kind : str
        Name of the features.
    pixels : ndarray of int, shape (n_pixels,)
        Flat indices of the pixels with a value in all bands.
    """

    def __init__(self, stack: ImageStack, features: Features | None = None) -> None:
        self.kind: Features = features or default_features(stack)
        _check_kind(stack, self.kind)
        self._values = stack.values.reshape(stack.n_bands, -1)
        self.pixels = _complete_pixels(self._values)
        if self.pixels.size == 0:
            raise SettingError(
                f"{stack.name}: no pixel has a value in all {stack.n_bands} bands; "
                "fill the gaps (gaps=fill) or choose a region of interest."
            )
        self._all_complete = self.pixels.size == self._values.shape[1]
        self._compute = self._transform(stack)
        self.n_features = self._compute(self._values[:, self.pixels[:1]]).shape[0]
        self._cache: NDArray[np.float32] | None = None
        self._cache = self._matrix_if_small()

    def within(self, inside: NDArray[np.bool_]) -> FeatureSpace:
        """Return the space of fewer pixels; the scale of ``standard`` features remains that of all.

        Parameters
        ----------
        inside : ndarray of bool, shape (y, x)
            The pixels that may stay.
        """
        part = copy(self)
        part.pixels = self.pixels[inside.ravel()[self.pixels]]
        part._all_complete = False
        part._cache = None
        part._cache = part._matrix_if_small()
        return part

    @property
    def n_pixels(self) -> int:
        """Number of complete pixels."""
        return int(self.pixels.size)

    def parts(self) -> list[slice]:
        """Blocks of complete pixels to work on one after the other, or in several threads."""
        return blocks_of(self.n_pixels, self.n_features)

    def block(self, part: slice) -> NDArray[np.float32]:
        """Features of a block of complete pixels, shape (feature, pixel)."""
        if self._cache is not None:
            return self._cache[:, part]
        if self._all_complete:
            result = self._compute(self._values[:, part])
            if ends_stretch(part):
                release(self._values)
            return result
        return self._compute(self._gathered(self.pixels[part]))

    def take(self, numbers: NDArray[np.integer]) -> NDArray[np.float32]:
        """Features of some complete pixels, by their number; shape (feature, pixel)."""
        if self._cache is not None:
            return self._cache[:, numbers]
        return self._compute(self._gathered(self.pixels[numbers]))

    def _gathered(self, pixels: NDArray[np.intp]) -> NDArray[np.float32]:
        values = np.empty((len(self._values), pixels.size), dtype=np.float32)
        for row, band in zip(values, self._values, strict=True):
            band.take(pixels, out=row)
            release(band)
        return values

    def _matrix_if_small(self) -> NDArray[np.float32] | None:
        if 4 * self.n_features * self.n_pixels > CACHE_BYTES or lies_in_file(self._values):
            return None
        matrix = np.empty((self.n_features, self.n_pixels), dtype=np.float32)

        def compute(part: slice) -> None:
            matrix[:, part] = self.block(part)

        for _ in ordered_map(compute, self.parts()):
            pass
        return matrix

    def _transform(self, stack: ImageStack) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        if self.kind == "ncs":
            pairs = stack.pairs()
            delta, psi = pairs["delta"].to_numpy(), pairs["psi"].to_numpy()
            return lambda values: _ncs(values[delta], values[psi])
        if self.kind == "standard":
            mean, scale = self._mean_and_scale()
            return lambda values: (values - mean) / scale
        return lambda values: values

    def _mean_and_scale(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        means, scales = [], []
        for band in self._values:
            known = band if self._all_complete else band[self.pixels]
            means.append(known.mean(dtype=np.float64))
            scales.append(known.std(dtype=np.float64))
            release(band)
        scale = np.array(scales)
        scale[scale == 0] = 1.0
        return np.array(means, np.float32)[:, None], scale.astype(np.float32)[:, None]


def blocks_of(n_pixels: int, n_numbers: int) -> list[slice]:
    """Cut a row of pixels into blocks whose numbers fit into a core's cache.

    Parameters
    ----------
    n_pixels : int
        How many there are.
    n_numbers : int
        How many numbers each pixel has.
    """
    size = max(MIN_BLOCK_PIXELS, BLOCK_NUMBERS // n_numbers)
    return [slice(start, min(start + size, n_pixels)) for start in range(0, n_pixels, size)]


def ends_stretch(part: slice) -> bool:
    """Return whether a stack in a file should let go of what was read: so after every 64th block."""
    # 64 blocks are 64 MB; letting go after each would read pages that two blocks share twice.
    return bool(part.start // (part.stop - part.start) % 64 == 0)


def _complete_pixels(values: NDArray[np.float32]) -> NDArray[np.intp]:
    complete = np.ones(values.shape[1], dtype=np.bool_)
    for band in values:
        complete &= np.isfinite(band)
        release(band)
    return np.flatnonzero(complete)


def _ncs(delta: NDArray[np.float32], psi: NDArray[np.float32]) -> NDArray[np.float32]:
    count = len(psi)
    result = np.empty((3 * count, psi.shape[1]), dtype=np.float32)
    n, c, s = result[:count], result[count : 2 * count], result[2 * count :]
    np.multiply(psi, np.float32(np.pi / 90), out=c)
    np.cos(c, out=n)
    sine = np.sin(c)
    angle = delta * np.float32(np.pi / 180)
    np.multiply(np.cos(angle, out=c), sine, out=c)
    np.multiply(np.sin(angle, out=s), sine, out=s)
    return result


def _check_kind(stack: ImageStack, kind: str) -> None:
    if kind not in get_args(Features):
        raise SettingError(f"features must be one of {', '.join(get_args(Features))}, not {kind!r}.")
    if kind == "ncs" and not stack.is_ellipsometric:
        held = ", ".join(stack.quantities)
        raise SettingError(f"{stack.name} holds {held}: ncs features need Delta and Psi, choose standard.")
    if kind == "ncs" and 2 * len(stack.pairs()) != stack.n_bands:
        raise SettingError(
            f"{stack.name} has a Delta or Psi band without its partner: choose standard features."
        )
    if kind != "ncs" and crosses_zero(stack):
        warnings.warn(
            f"Delta of {stack.name} crosses 0/360 deg, which {kind} features see as a jump: use ncs.",
            WrappedDeltaWarning,
            stacklevel=4,
        )


def crosses_zero(stack: ImageStack) -> bool:
    """Whether any Delta map has values on both sides of 0/360 deg, up to a quarter turn away."""
    for band in np.flatnonzero(stack.bands["quantity"] == DELTA):
        angle = full_circle(stack.values[band])
        # Fewer pixels than that on one side are outliers.
        if min(np.mean(angle < 90), np.mean(angle > 270)) > 1e-4:
            return True
    return False
