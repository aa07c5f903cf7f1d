"""The Python side of the side-by-side viewer: channels become what ``image_pair.js`` mixes."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ellimaps.ui.components.browser import component

MAX_EDGE_PX = 720
"""Half of a wide page: with two pictures side by side more is not seen until one zooms far in."""


@dataclass(frozen=True)
class PairChannel:
    """A channel that all pictures have.

    Attributes
    ----------
    name : str
        What it shows.
    color : str
        Its color (#rrggbb) until the user chooses another.
    low, high : float
        Values that are black and white until the user chooses others.
    """

    name: str
    color: str
    low: float
    high: float


@dataclass(frozen=True)
class PairPicture:
    """One picture.

    Attributes
    ----------
    title : str
        What is shown.
    values : ndarray, shape (channel, y, x)
        Intensities of any type; NaN is drawn black.
    pixel_um : float, optional
        Size of a pixel, for the scale bar; without it the bar is in pixels.
    """

    title: str
    values: NDArray[Any]
    pixel_um: float | None = None


def image_pair(pictures: Sequence[PairPicture], channels: Sequence[PairChannel], *, key: str) -> None:
    """Show pictures side by side; channels, colors, contrast, gamma and zoom are the same in all of them.

    Parameters
    ----------
    pictures : sequence of PairPicture
        Usually two.
    channels : sequence of PairChannel
        One for each channel of the pictures. Their limits should be those of all pictures there are, so that
        what looks brighter is brighter, whatever it stands beside.
    key : str
        Streamlit key.
    """
    data = {
        "channels": [asdict(channel) for channel in channels],
        "pictures": [
            {
                "title": picture.title,
                # Of the image as it was taken: what is sent is smaller.
                "widthPx": picture.values.shape[-1],
                "pixelUm": picture.pixel_um,
                "channels": [
                    _png(values, channel.low, channel.high)
                    for values, channel in zip(picture.values, channels, strict=False)
                ],
            }
            for picture in pictures
        ],
    }
    pair = component(
        "image_pair",
        "image_pair/image_pair.js",
        '<div class="pair" role="group" aria-label="Images side by side"></div>',
        "image_pair/image_pair.css",
    )
    pair(data=data, key=key)


def _png(values: NDArray[Any], low: float, high: float) -> str:
    share = np.nan_to_num((values.astype(np.float32) - low) / (high - low), nan=0.0)
    picture = Image.fromarray(np.round(np.clip(share, 0, 1) * 255).astype(np.uint8))
    picture.thumbnail((MAX_EDGE_PX, MAX_EDGE_PX))
    file = BytesIO()
    picture.save(file, "png")
    return base64.b64encode(file.getvalue()).decode("ascii")
