"""Where a map is flat: the pixels that show one kind of region and not a mixture at an edge.

Optics blur the border between two regions over a few pixels. KMeans gives such mixtures clusters of their
own, and every rule for the number of clusters counts them. The flat pixels alone do not have them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.util import view_as_blocks

from ellimaps.core.angles import wrap_degrees
from ellimaps.core.parallel import ordered_map
from ellimaps.core.stack import DELTA, ImageStack
from ellimaps.core.statistics import MAD_TO_SIGMA

# Halved or doubled, each of these leaves 32 to 34 of 35 generated maps with their true number of kinds, as
# `benchmarks/bench_constants.py` prints; 34 have it as they are.
MAX_POSITIONS = 16
BLOCK_PX = 9
FLATTEST_SHARE = 0.15
EVEN = 1.5
# So many differences tell the noise to half a percent.
_SIGMA_PIXELS = 1 << 16
# A step of a hundred times the noise is an edge whatever the other bands say.
_LARGEST_TERM = 1e4


def flat_pixels(stack: ImageStack) -> NDArray[np.bool_]:
    """Return True for pixels that are not at an edge.

    A pixel is flat if the values around it differ hardly more than where the map is flattest. The middle of
    a small region is, if that is so of its own neighbours and of those of one pixel beside it. The flattest
    of each block of 9 x 9 pixels are flat in any case, so that a textured region is thinned out but not lost.

    Parameters
    ----------
    stack : ImageStack
        Usually preprocessed.

    Returns
    -------
    ndarray of bool, shape (y, x)
        False also where a value is missing.
    """
    steepness = local_steepness(stack)
    around = _mean_around(steepness)
    known = np.isfinite(around)
    if not known.any():
        return known
    limit = EVEN * np.quantile(around[known], 0.2)
    quiet = steepness <= limit
    in_company = 9 * ndimage.uniform_filter(quiet.astype(np.float32), 3) > 1.5
    flat = (around <= limit) | (quiet & in_company) | (around <= _block_quantile(around))
    return np.asarray(flat & known)


def _mean_around(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return means over 3 x 3 pixels of what is known; NaN stays NaN."""
    known = np.isfinite(values)
    total = ndimage.uniform_filter(np.where(known, values, np.float32(0)), 3)
    share = ndimage.uniform_filter(known.astype(np.float32), 3)
    return np.where(known, total / np.maximum(share, np.float32(0.1)), np.float32(np.nan))


def local_steepness(stack: ImageStack) -> NDArray[np.float32]:
    """Return the mean squared difference of each pixel's neighbours, in units of the noise's.

    Parameters
    ----------
    stack : ImageStack
        Usually preprocessed. At most 16 of its wavelengths are looked at, evenly chosen.

    Returns
    -------
    ndarray of float32, shape (y, x)
        About 1 where nothing but noise differs; NaN where a value is missing.
    """
    bands = _looked_at(stack)
    total = np.zeros(stack.shape, dtype=np.float32)

    def of_band(band: int) -> NDArray[np.float32]:
        circular = stack.bands["quantity"].iloc[band] == DELTA
        down, across = (_central_difference(stack.values[band], axis, circular) for axis in (0, 1))
        stack.release()
        return _noise_units(down) + _noise_units(across)

    for steepness in ordered_map(of_band, bands):
        total += steepness
    return total / np.float32(2 * len(bands))


def _looked_at(stack: ImageStack) -> list[int]:
    if not stack.is_ellipsometric:
        return _thinned(np.arange(stack.n_bands)[:, None])
    return _thinned(stack.pairs()[["delta", "psi"]].to_numpy())


def _thinned(rows: NDArray[np.intp]) -> list[int]:
    chosen = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), MAX_POSITIONS)).astype(int))
    return [int(band) for band in rows[chosen].ravel()]


def _central_difference(image: NDArray[np.float32], axis: int, circular: bool) -> NDArray[np.float32]:
    """Difference of the neighbours on both sides; on the border that to the one neighbour there is."""
    size = image.shape[axis]
    after = np.minimum(np.arange(size) + 1, size - 1)
    before = np.maximum(np.arange(size) - 1, 0)
    difference = np.take(image, after, axis) - np.take(image, before, axis)
    return wrap_degrees(difference) if circular else difference


def _noise_units(difference: NDArray[np.float32]) -> NDArray[np.float32]:
    """Squares over the typical square, limited so that no single band decides alone."""
    step = max(1, difference.size // _SIGMA_PIXELS)
    sample = np.abs(difference.ravel()[::step])
    sample = sample[np.isfinite(sample)]
    sigma = MAD_TO_SIGMA * float(np.median(sample)) if sample.size else 0.0
    if sigma == 0:
        sigma = float(sample.mean()) if sample.size and sample.any() else 1.0
    scaled = difference * np.float32(1 / sigma)
    return np.minimum(scaled * scaled, np.float32(_LARGEST_TERM))


def _block_quantile(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the quantile of the block that each pixel lies in, for every pixel."""
    padding = [(0, -size % BLOCK_PX) for size in values.shape]
    padded = np.pad(values, padding, constant_values=np.nan)
    blocks = view_as_blocks(padded, (BLOCK_PX, BLOCK_PX))  # type: ignore[no-untyped-call]
    ordered = np.sort(blocks.reshape(*blocks.shape[:2], -1), axis=-1)
    known = np.isfinite(ordered).sum(axis=-1)
    rank = np.maximum(np.ceil(FLATTEST_SHARE * known).astype(int) - 1, 0)
    limit = np.take_along_axis(ordered, rank[..., None], axis=-1)[..., 0]
    spread = np.repeat(np.repeat(limit, BLOCK_PX, axis=0), BLOCK_PX, axis=1)
    return spread[: values.shape[0], : values.shape[1]]
