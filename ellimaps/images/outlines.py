"""Control pictures: outlines over an image, and a montage of objects, as PNG bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from skimage.segmentation import find_boundaries

CONTRAST_PERCENTILES = (1.0, 99.8)
"""Black and white of pictures: 0.2 % of the brightest pixels are left to dirt and dust."""

# The level of the palette that stands for outlines; an image keeps the others.
_OUTLINE = 255


def overlay_png(image: NDArray[np.generic], labels: NDArray[np.int32]) -> bytes:
    """Return an image in gray with the outlines of its objects in red, as PNG; the same input, same bytes.

    Parameters
    ----------
    image : ndarray, shape (y, x)
        NaN is drawn black.
    labels : ndarray of int32, shape (y, x)
        0 is background.
    """
    shown = gray(image)
    outlines = find_boundaries(labels, mode="inner")  # type: ignore[no-untyped-call]
    shown[outlines] = _OUTLINE
    return _png(shown)


def gray(image: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Return an image (y, x) as gray levels 0..254 between two percentiles of its values."""
    values = image.astype(np.float32)
    # A quarter of a million pixels give these percentiles to a few thousandths of the range.
    sample = values.ravel()[:: max(1, values.size // (1 << 18))]
    sample = sample[np.isfinite(sample)]
    low, high = np.percentile(sample, CONTRAST_PERCENTILES) if sample.size else (0.0, 1.0)
    scaled = (values - low) * ((_OUTLINE - 1) / (high - low if high > low else 1.0))
    return np.nan_to_num(np.clip(scaled, 0, _OUTLINE - 1)).astype(np.uint8)


def crops(image: NDArray[np.generic], table: pd.DataFrame, size: int = 64) -> NDArray[np.uint8]:
    """Return each object in the middle of a small square of its image, in grey.

    Parameters
    ----------
    image : ndarray, shape (y, x)
        All crops share its contrast.
    table : DataFrame
        ``y, x`` of each object in pixels.
    size : int
        Side of the square in pixels; what lies beyond the image is black.

    Returns
    -------
    ndarray of uint8, shape (object, size, size)
    """
    padded = np.pad(gray(image), size)
    result = np.zeros((len(table), size, size), dtype=np.uint8)
    for number, (y, x) in enumerate(table[["y", "x"]].to_numpy(float)):
        top, left = round(y) + size - size // 2, round(x) + size - size // 2
        result[number] = padded[top : top + size, left : left + size]
    return result


def montage_png(squares: NDArray[np.uint8] | Sequence[NDArray[np.uint8]], columns: int = 12) -> bytes:
    """Return squares (square, y, x) side by side, row by row, as PNG; one black pixel where there is none."""
    if len(squares) == 0:
        return _png(np.zeros((1, 1), dtype=np.uint8))
    size = len(squares[0])
    columns = min(columns, len(squares))
    rows = -(-len(squares) // columns)
    pitch = size + 2
    sheet = np.zeros((rows * pitch - 2, columns * pitch - 2), dtype=np.uint8)
    for number, square in enumerate(squares):
        top, left = (pitch * place for place in divmod(number, columns))
        sheet[top : top + size, left : left + size] = square
    return _png(sheet)


def _png(levels: NDArray[np.uint8]) -> bytes:
    """Return grey levels as PNG; the highest stands for the color of outlines."""
    from PIL import Image

    picture = Image.fromarray(levels)
    picture.putpalette(
        [level for gray_level in range(_OUTLINE) for level in (gray_level,) * 3] + [255, 64, 64]
    )
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", compress_level=3)
    return buffer.getvalue()
