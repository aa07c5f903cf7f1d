"""The cell alone, at the same scale in every image: what a network looks at instead of the file.

Nothing outside the mask is kept, so width, height and margins of the file, and what else is in it, cannot be
learned. Size is, as a cell covers the same share of the window in every image of the same pixel size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.transform import resize

# More than twice the 224 pixels that the networks see, so that nothing they could see is lost.
_MOST_PX = 512


@dataclass(frozen=True, eq=False)
class CellCut:
    """A cell cut out along its mask.

    Attributes
    ----------
    levels : ndarray of uint8, shape (y, x)
        Its bounding box between two percentiles of its own brightness; 0 outside the mask.
    extent : float
        Longer side of the bounding box, in the unit of the pixel size; 0 where there is no cell.
    """

    levels: NDArray[np.uint8]
    extent: float


def cut_cell(values: NDArray[Any], mask: NDArray[np.bool_], pixel_size: float = 1.0) -> CellCut:
    """Cut a cell out of its image.

    Parameters
    ----------
    values : ndarray, shape (y, x) or (channel, y, x)
        Of any real type and unit; channels are averaged, NaN counts as background.
    mask : ndarray of bool, shape (y, x)
        The cell; see `ellimaps.classify.image_features.measure_image`.
    pixel_size : float
        Side of a pixel.
    """
    if not mask.any():
        return CellCut(np.zeros((1, 1), np.uint8), 0.0)
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    inside = mask[box]
    cell = np.asarray(values)[(..., *box)].astype(np.float32)
    cell = cell if cell.ndim == 2 else cell.mean(axis=0)
    known = cell[inside & np.isfinite(cell)]
    low, high = np.percentile(known, (1.0, 99.5)) if known.size else (0.0, 1.0)
    shown = np.clip((cell - low) / (high - low if high > low else 1.0), 0, 1)
    shown = np.where(inside, np.nan_to_num(shown), 0)
    shrink = min(1.0, _MOST_PX / max(shown.shape))
    if shrink < 1:
        shown = _resized(shown, shrink)
    return CellCut(np.rint(shown * 255).astype(np.uint8), max(inside.shape) * pixel_size)


def window(cut: CellCut, extent: float, side_px: int) -> NDArray[np.float32]:
    """Return the cell in the middle of a square window, values 0..1.

    Parameters
    ----------
    cut : CellCut
        The cell.
    extent : float
        Side of the window, in the unit of the cut; what of the cell lies beyond is cut off.
    side_px : int
        Side of the window in pixels.

    Returns
    -------
    ndarray of float32, shape (side, side)
    """
    square = np.zeros((side_px, side_px), np.float32)
    if cut.extent == 0:
        return square
    scale = cut.extent / extent * side_px / max(cut.levels.shape)
    cell = _resized(cut.levels.astype(np.float32) / 255, scale)
    placed = [_overlap(length, side_px) for length in cell.shape]
    square[placed[0][0], placed[1][0]] = cell[placed[0][1], placed[1][1]]
    return square


def _resized(image: NDArray[np.floating[Any]], scale: float) -> NDArray[np.float32]:
    shape = tuple(max(1, round(length * scale)) for length in image.shape)
    small = resize(image, shape, order=1, anti_aliasing=True)  # type: ignore[no-untyped-call]
    return np.asarray(np.clip(small, 0, 1), dtype=np.float32)


def _overlap(length: int, side: int) -> tuple[slice, slice]:
    """Return where a centered length lies in the side, and which part of it."""
    kept = min(length, side)
    start, skipped = (side - kept) // 2, (length - kept) // 2
    return slice(start, start + kept), slice(skipped, skipped + kept)
