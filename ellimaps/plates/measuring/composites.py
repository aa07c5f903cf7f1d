"""The contrast of a plate: images are comparable because a channel has one for all of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.errors import ReadError
from ellimaps.core.parallel import ordered_map
from ellimaps.core.progress import Progress, no_progress
from ellimaps.plates.measuring.profiles import Profiles
from ellimaps.plates.measuring.thumbnails import contrast, field_picture

Limits = tuple[tuple[float, float], ...]
"""For each channel the values that are black and white."""

_MOST_FIELDS = 24
"""Spread over the plate they hold its dark and bright wells, as the thumbnails' contrast assumes too."""
_EDGE_PX = 360
"""Fields are thinned to this: 24 of them are three million values, of which percentiles are exact enough."""


def plate_contrast(profiles: Profiles, on_progress: Progress = no_progress) -> Limits:
    """Return the contrast of each channel for all images of a plate.

    A contrast of the images that are shown would show the same field strong beside a dim one and nearly
    invisible beside a bright one.

    Parameters
    ----------
    profiles : Profiles
        Their ``facts`` say where the images are; of damaged ones the others are taken.
    on_progress : callable, optional
        Called as ``on_progress(done, total, what)``.

    Raises
    ------
    ReadError
        If no image can be read.
    """
    root, n_channels = Path(profiles.facts["root"]), len(profiles.facts["channels"])
    names = list(profiles.fields["files"])[:: max(1, len(profiles.fields) // _MOST_FIELDS)]

    def small(files: str) -> NDArray[np.float32] | None:
        try:
            return _thinned(field_picture(root, files, n_channels), _EDGE_PX)
        except ReadError:
            return None

    pictures = []
    for done, picture in enumerate(ordered_map(small, names), start=1):
        pictures += [] if picture is None else [picture]
        on_progress(done, len(names), "choosing the contrast of the plate")
    if not pictures:
        raise ReadError(f"No image of {root.name} can be read: look whether they are still there.")
    n = len(pictures[0])
    alike = [picture for picture in pictures if len(picture) == n]
    # The colors of a merged image share one contrast, or its hues would change.
    seen = [[one if n > n_channels else one[channel] for one in alike] for channel in range(n)]
    # A few specks in 500 pixels may be white, and nothing is lost in black.
    return tuple(contrast(np.concatenate([one.ravel() for one in many]), (0.5, 99.8)) for many in seen)


def _thinned(picture: NDArray[np.float32], edge_px: int) -> NDArray[np.float32]:
    step = max(1, max(picture.shape[1:]) // edge_px)
    return picture[:, ::step, ::step]
