"""Pictures of several channels as colors, comparable because all of them share their contrast."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ellimaps.plates.measuring.thumbnails import channel_colors, contrast


def composites(
    pictures: Sequence[NDArray[np.float32]], n_channels: int, edge_px: int
) -> list[NDArray[np.uint8]]:
    """Mix the channels of pictures into colors; a channel has one contrast for all pictures.

    Parameters
    ----------
    pictures : sequence of ndarray of float32, shape (channel, y, x)
        Intensities, NaN where nothing was measured.
    n_channels : int
        Channels of the plate; pictures of more have their own colors, which share one contrast.
    edge_px : int
        Larger pictures are thinned until they have at least this many pixels along the longer edge of the
        first.

    Returns
    -------
    list of ndarray of uint8, shape (y, x, 3)
        Red, green and blue; black where nothing was measured.
    """
    merged = len(pictures[0]) > n_channels
    step = max(1, max(pictures[0].shape[1:]) // edge_px)
    small = [picture[:, ::step, ::step] for picture in pictures]
    totals = [np.zeros((*picture.shape[1:], 3), dtype=np.float32) for picture in small]
    for channel, color in enumerate(channel_colors(len(pictures[0]), merged=merged)):
        seen = [picture if merged else picture[channel] for picture in small]
        # A few specks in 500 pixels may be white, and nothing is lost in black.
        low, high = contrast(np.concatenate([values.ravel() for values in seen]), (0.5, 99.8))
        rgb = np.array([int(color[start : start + 2], 16) for start in (1, 3, 5)], dtype=np.float32)
        for total, picture in zip(totals, small, strict=True):
            total += np.nan_to_num(np.clip((picture[channel] - low) / (high - low), 0, 1))[..., None] * rgb
    return [np.clip(total, 0, 255).astype(np.uint8) for total in totals]
