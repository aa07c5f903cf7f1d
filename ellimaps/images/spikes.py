"""What despiking took: how many measured values of each band it called spikes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from skimage.util import view_as_blocks

from ellimaps.core.stack import ImageStack, band_label
from ellimaps.images.preprocessing import crop


def spikes_taken(measured: ImageStack, prepared: ImageStack) -> pd.DataFrame:
    """Return how many measured values despiking took out of each band.

    Parameters
    ----------
    measured : ImageStack
        As it was measured.
    prepared : ImageStack
        What `preprocess` made of it.

    Returns
    -------
    DataFrame
        One row per band: ``map``, its label; ``taken``; ``measured``, the values there were after cutting and
        binning; ``share``, the quotient of the two.
    """
    steps = prepared.history[-1]
    cut = crop(measured, steps["roi"])
    rows = []
    for band in range(prepared.n_bands):
        known = _binned(cut, band, steps["binning"])
        taken = int((known & ~prepared.measured_band(band)).sum())
        rows.append((band_label(prepared.bands.iloc[band]), taken, int(known.sum())))
    table = pd.DataFrame(rows, columns=["map", "taken", "measured"])
    return table.assign(share=table["taken"] / table["measured"].clip(lower=1))


def _binned(stack: ImageStack, band: int, factor: int) -> NDArray[np.bool_]:
    known = stack.measured_band(band)
    if factor == 1:
        return known
    height, width = (side // factor * factor for side in known.shape)
    blocks = view_as_blocks(known[:height, :width], (factor, factor))  # type: ignore[no-untyped-call]
    return np.asarray(blocks.any(axis=(2, 3)))
