"""Where the cell is: a mask that does not depend on bit depth, offset, gain, padding or crop margin.

The cell is what is brighter than a fixed fraction of the way from the background to the cell's own typical
brightness. Both are found by iteration to a fixed point [1]_, so how much background there is around the
cell matters little.

References
----------
.. [1] Ridler and Calvard, "Picture thresholding using an iterative selection method", IEEE Trans. Syst. Man
   Cybern. 8 (1978) 630. doi:10.1109/TSMC.1978.4310039
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ellimaps.core.statistics import robust_sigma

# Sides of what is worked on: a coarse image to find the cell in, then the cell at the resolution of its
# measurements. Half of each, or double, moves the score of bench_classify.py --constants by SCORES.
_COARSE_PX = 400
_WORKING_PX = 500
_FRACTION = 0.2
_SMOOTHING_PX = 1.5
_CLOSING_PX = 3
_CONTRAST = 10.0
_MARGIN = 0.06


@dataclass(frozen=True, eq=False)
class CellOutline:
    """The cell cut out of its image, at the resolution it is measured at.

    Attributes
    ----------
    values : ndarray of float32, shape (y, x)
        Brightness: 0 in the background, 1 at the cell's median; averaged over blocks of pixels.
    mask : ndarray of bool, shape (y, x)
        The cell, without holes.
    block : int
        Side of a block in pixels of the image.
    top, left : int
        Where the cut begins, in pixels of the image.
    shape : (int, int)
        Of the whole image.
    """

    values: NDArray[np.float32]
    mask: NDArray[np.bool_]
    block: int
    top: int
    left: int
    shape: tuple[int, int]

    @property
    def found(self) -> bool:
        """Whether there is a cell at all."""
        return bool(self.mask.any())

    def full_mask(self) -> NDArray[np.bool_]:
        """Return the mask at the size of the image."""
        full = np.zeros(self.shape, dtype=bool)
        large = np.repeat(np.repeat(self.mask, self.block, axis=0), self.block, axis=1)
        rows, columns = self.shape[0] - self.top, self.shape[1] - self.left
        part = large[:rows, :columns]
        full[self.top : self.top + part.shape[0], self.left : self.left + part.shape[1]] = part
        return full


def find_outline(image: NDArray[np.float32]) -> CellOutline:
    """Separate the cell from its background.

    Parameters
    ----------
    image : ndarray of float32, shape (y, x)
        Without NaN.

    Returns
    -------
    CellOutline
        With an empty mask where nothing stands out of the noise.
    """
    block = max(1, -(-max(image.shape) // _COARSE_PX))
    coarse = _smoothed(block_means(image, block))
    levels = _levels(coarse)
    if levels is None:
        return _nothing(image)
    mask = _cell(coarse, levels)
    if not mask.any():
        return _nothing(image)
    rows = _span(np.asarray(mask.any(axis=1)), block, image.shape[0])
    columns = _span(np.asarray(mask.any(axis=0)), block, image.shape[1])
    cut = image[rows, columns]
    fine = max(1, round(max(cut.shape) / _WORKING_PX))
    values = block_means(cut, fine)
    smooth = _smoothed(values)
    mask = _cell(smooth, levels)
    # Levels of the cell's own box do not depend on what lies around it.
    for _ in range(2):
        if mask.any():
            levels = _levels(smooth[box_of(mask)]) or levels
            mask = _cell(smooth, levels)
    background, signal = levels
    return CellOutline(
        values=((values - background) / (signal - background)).astype(np.float32),
        mask=mask,
        block=fine,
        top=rows.start,
        left=columns.start,
        shape=(image.shape[0], image.shape[1]),
    )


def box_of(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Return the rows and columns that hold a mask of shape (y, x); it may not be empty."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def block_means(image: NDArray[Any], block: int) -> NDArray[np.float32]:
    """Return means of an image (y, x) over square blocks; blocks beyond the edge repeat its pixels."""
    if block == 1:
        return image.astype(np.float32, copy=False)
    height, width = image.shape
    padded = np.pad(image, ((0, -height % block), (0, -width % block)), mode="edge")
    rows, columns = padded.shape[0] // block, padded.shape[1] // block
    return np.asarray(padded.reshape(rows, block, columns, block).mean(axis=(1, 3)), dtype=np.float32)


def _smoothed(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(ndimage.gaussian_filter(values, _SMOOTHING_PX), dtype=np.float32)


def _levels(coarse: NDArray[np.float32]) -> tuple[float, float] | None:
    """Return the brightness of the background and of the cell; None where they do not differ."""
    background = float(np.percentile(coarse, 5))
    signal = float(np.percentile(coarse, 99))
    # Medians of pixels come to rest after a few steps; noise alone might go to and fro.
    for _ in range(30):
        threshold = background + _FRACTION * (signal - background)
        above = coarse > threshold
        if not above.any() or above.all():
            return None
        dark = coarse[~above]
        new = float(np.median(dark)), float(np.median(coarse[above]))
        if new == (background, signal):
            break
        background, signal = new
    # Halves of noise alone are five times the darker one's spread apart; cells were found at fifty and more.
    spread = robust_sigma(dark)
    if not signal - background > max(_CONTRAST * spread, 1e-6 * abs(signal)):
        return None
    return background, signal


def _cell(smooth: NDArray[np.float32], levels: tuple[float, float]) -> NDArray[np.bool_]:
    """Return the largest bright region, with what lies close to it, without holes."""
    background, signal = levels
    bright = smooth > background + _FRACTION * (signal - background)
    near = ndimage.binary_dilation(bright, iterations=_CLOSING_PX)
    labels, count = ndimage.label(near)
    if count == 0:
        return bright
    sizes = np.bincount(labels.ravel(), weights=bright.ravel())
    sizes[0] = 0
    kept = labels == int(sizes.argmax())
    return np.asarray(ndimage.binary_fill_holes(bright & kept), dtype=bool)


def _span(filled: NDArray[np.bool_], block: int, side: int) -> slice:
    """Return the rows or columns of the image that hold the cell, and a margin."""
    places = np.flatnonzero(filled)
    first, last = int(places[0]), int(places[-1]) + 1
    margin = max(4, round(_MARGIN * (last - first)))
    return slice(max(0, (first - margin) * block), min(side, (last + margin) * block))


def _nothing(image: NDArray[np.float32]) -> CellOutline:
    empty = np.zeros((1, 1), dtype=bool)
    return CellOutline(np.zeros((1, 1), np.float32), empty, 1, 0, 0, (image.shape[0], image.shape[1]))
