"""Single cells cut out of the image of their field."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_GAP_PX = 2
"""Between cells, black as what was not measured; fewer pixels are not seen where images are shown smaller."""


def some_cells(n_cells: int, n: int) -> NDArray[np.intp]:
    """Return which cells of a field to show: at random, always the same, and not the beautiful ones."""
    return np.sort(np.random.default_rng(0).permutation(n_cells)[:n])


def cell_mosaic(
    image: NDArray[np.float32], centers: NDArray[np.float64], half_px: int, columns: int
) -> NDArray[np.float32]:
    """Cut cells out of an image and lay them in rows.

    Parameters
    ----------
    image : ndarray of float32, shape (channel, y, x)
        A field.
    centers : ndarray, shape (cell, 2)
        y and x of each cell, in pixels of the image.
    half_px : int
        Half of the edge of a cut, the same for all images that are compared.
    columns : int
        Cells in a row, and at least as many rows.

    Returns
    -------
    ndarray of float32, shape (channel, y, x)
        NaN between cells, beyond the image, and where there is no cell.
    """
    edge = 2 * half_px
    rows = max(columns, -(-len(centers) // columns))
    sizes = (rows * (edge + _GAP_PX) - _GAP_PX, columns * (edge + _GAP_PX) - _GAP_PX)
    mosaic = np.full((len(image), *sizes), np.nan, dtype=np.float32)
    around = np.pad(image, ((0, 0), (half_px, half_px), (half_px, half_px)), constant_values=np.nan)
    for number, (y, x) in enumerate(np.round(centers).astype(int)):
        top, left = (place * (edge + _GAP_PX) for place in divmod(number, columns))
        mosaic[:, top : top + edge, left : left + edge] = around[:, y : y + edge, x : x + edge]
    return mosaic
