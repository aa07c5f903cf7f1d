"""What is measured of an image of cells, to tell kinds of cells apart: the cell, never the file.

Width and height of the image, its margins and its bit depth do not enter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.transform import resize

from ellimaps.classify.cell_outline import CellOutline, box_of, find_outline
from ellimaps.classify.shape import LENGTHS, shape_measurements
from ellimaps.classify.texture import texture_measurements
from ellimaps.core.errors import ReadError

# Small enough for thousands of images, large enough that images of one cell and of two stand far apart; see
# ellimaps.classify.measured_folder.SAME_CELL.
_THUMBNAIL_PX = 32
# A cell below 64 pixels, about 9 across, has no rim, arms or grain to measure.
_FEWEST_PIXELS = 64
# Sums over an image of larger values overflow.
_LARGEST = 1e30


@dataclass(frozen=True, eq=False)
class CellFeatures:
    """An image of cells in numbers.

    Attributes
    ----------
    mask : ndarray of bool, shape (y, x)
        The cell, at the size of the image.
    measurements : dict of str to float
        See `measure_image`; NaN each where no cell was found.
    unit : {"px", "um"}
        Of the lengths.
    thumbnail : ndarray of float32, shape (32, 32)
        The cell within its bounding box, to recognise other images of it.
    warnings : list of str
        Why the numbers may mislead.
    """

    mask: NDArray[np.bool_]
    measurements: dict[str, float]
    unit: str
    thumbnail: NDArray[np.float32]
    warnings: list[str] = field(default_factory=list)


def measure_image(values: NDArray[Any], pixel_size_um: float | None = None) -> CellFeatures:
    """Measure the cell in an image.

    Parameters
    ----------
    values : ndarray, shape (y, x) or (channel, y, x)
        Of any real number type; channels are averaged; NaN and values beyond 1e30 count as
        background.
    pixel_size_um : float, optional
        Side of a pixel; lengths are in pixels without it.

    Returns
    -------
    CellFeatures
        With what `ellimaps.classify.shape.shape_measurements` and
        `ellimaps.classify.texture.texture_measurements` measure.

    Raises
    ------
    ReadError
        If the array has no pixels or another number of axes.
    """
    image = _gray(values)
    unit = "px" if pixel_size_um is None else "um"
    outline = find_outline(image)
    warnings = _warnings(values, outline)
    if not outline.found:
        nothing = dict.fromkeys(MEASUREMENTS, float("nan"))
        return CellFeatures(outline.full_mask(), nothing, unit, _thumbnail(outline), warnings)
    measured = _measured(outline, pixel_size_um or 1.0)
    return CellFeatures(outline.full_mask(), measured, unit, _thumbnail(outline), warnings)


def _measured(outline: CellOutline, pixel: float) -> dict[str, float]:
    return {
        **shape_measurements(outline.mask, pixel * outline.block),
        **texture_measurements(outline.values, outline.mask),
    }


def _thumbnail(outline: CellOutline) -> NDArray[np.float32]:
    if not outline.found:
        return np.zeros((_THUMBNAIL_PX, _THUMBNAIL_PX), dtype=np.float32)
    box = box_of(outline.mask)
    cell = np.where(outline.mask[box], np.clip(outline.values[box], 0, 3), 0)
    return np.asarray(resize(cell, (_THUMBNAIL_PX,) * 2, order=1, anti_aliasing=True), dtype=np.float32)  # type: ignore[no-untyped-call]


def _gray(values: NDArray[Any]) -> NDArray[np.float32]:
    array = np.asarray(values)
    if array.ndim not in (2, 3) or array.size == 0 or array.dtype.kind not in "buif":
        raise ReadError(
            f"An image is needed as numbers of (y, x) or (channel, y, x), not {array.dtype} {array.shape}."
        )
    with np.errstate(over="ignore", invalid="ignore"):
        image = array.astype(np.float32) if array.ndim == 2 else array.mean(axis=0, dtype=np.float32)
    good = np.abs(image) < _LARGEST
    if not good.all():
        image = np.where(good, image, np.min(image, where=good, initial=np.inf) if good.any() else 0)
    return image.astype(np.float32)


def _warnings(values: NDArray[Any], outline: CellOutline) -> list[str]:
    if not outline.found:
        return ["No cell was found: nothing stands out of the background."]
    found = []
    inside = np.asarray(values)[..., outline.full_mask()]
    if inside.size and float((inside == np.nanmax(inside)).mean()) > 0.02:
        found.append("The cell is saturated: more than 2 % of it has the highest value.")
    if outline.mask.sum() < _FEWEST_PIXELS:
        found.append(f"The cell has only {int(outline.mask.sum())} pixels.")
    return found


def _names() -> tuple[str, ...]:
    spot = np.ones((8, 8), dtype=bool)
    return (*shape_measurements(spot, 1.0), *texture_measurements(spot.astype(np.float32), spot))


MEASUREMENTS = _names()
"""Names of the measurements, in their order."""

SIZES = LENGTHS
"""Those of them that are lengths."""
