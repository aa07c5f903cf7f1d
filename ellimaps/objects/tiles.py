"""Large images in parts: square tiles with a margin, each object belonging to the tile its center lies in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Box = tuple[slice, slice]


class Tile(NamedTuple):
    """A part of an image.

    Attributes
    ----------
    core : (slice, slice)
        Rows and columns that are its own.
    window : (slice, slice)
        These and a margin, as far as the image reaches.
    """

    core: Box
    window: Box

    def owns(self, table: pd.DataFrame) -> NDArray[np.bool_]:
        """Return which objects are its own, by their ``y, x`` within the window, shape (object,)."""
        own = np.ones(len(table), dtype=bool)
        for name, core, window in zip(("y", "x"), self.core, self.window, strict=True):
            place = table[name].to_numpy(float) + window.start
            # Centers lie from half a pixel before the first row to half a pixel behind the last one.
            own &= (place >= core.start - 0.5) & (place < core.stop - 0.5)
        return own


def tiles_of(shape: tuple[int, int], side: int, margin: int) -> Iterator[Tile]:
    """Return the tiles of an image, row by row.

    Parameters
    ----------
    shape : (int, int)
        Of the image.
    side, margin : int
        Pixels of a core, and around it.
    """
    for y in range(0, shape[0], side):
        for x in range(0, shape[1], side):
            core = tuple(
                slice(start, min(start + side, end)) for start, end in zip((y, x), shape, strict=True)
            )
            window = tuple(
                slice(max(one.start - margin, 0), min(one.stop + margin, end))
                for one, end in zip(core, shape, strict=True)
            )
            yield Tile((core[0], core[1]), (window[0], window[1]))
