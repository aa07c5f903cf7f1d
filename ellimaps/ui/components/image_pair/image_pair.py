"""The Python side of the side-by-side viewer: channels become what ``image_pair.js`` mixes."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
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
    """

    name: str
    color: str


@dataclass(frozen=True)
class PairPicture:
    """One picture.

    Attributes
    ----------
    title : str
        What is shown.
    values : ndarray, shape (channel, y, x)
        Intensities of any type; NaN is drawn black.
    """

    title: str
    values: NDArray[Any]


def image_pair(pictures: Sequence[PairPicture], channels: Sequence[PairChannel], *, key: str) -> None:
    """Show pictures side by side; channels, colors, contrast, gamma and zoom are the same in all of them.

    Parameters
    ----------
    pictures : sequence of PairPicture
        Usually two; a channel's darkest and brightest value are those of all pictures together, so that what
        looks brighter is brighter.
    channels : sequence of PairChannel
        One for each channel of the pictures.
    key : str
        Streamlit key.
    """
    limits = [_limits([picture.values[number] for picture in pictures]) for number in range(len(channels))]
    data = {
        "channels": [
            {"name": channel.name, "color": channel.color, "low": low, "high": high}
            for channel, (low, high) in zip(channels, limits, strict=True)
        ],
        "pictures": [
            {
                "title": picture.title,
                "channels": [
                    _png(values, low, high)
                    for values, (low, high) in zip(picture.values, limits, strict=True)
                ],
            }
            for picture in pictures
        ],
    }
    pair = component(
        "image_pair",
        "image_pair/image_pair.js",
        '<div class="pair" role="group" aria-label="Pictures side by side"></div>',
        "image_pair/image_pair.css",
    )
    pair(data=data, key=key)


def _limits(images: Sequence[NDArray[Any]]) -> tuple[float, float]:
    values = np.concatenate([image[np.isfinite(image)].ravel() for image in images])
    if not values.size:
        return 0.0, 1.0
    # The percentile keeps one hot pixel from making the rest black.
    low, high = float(values.min()), float(np.percentile(values, 99.9))
    return low, high if high > low else low + 1.0


def _png(values: NDArray[Any], low: float, high: float) -> str:
    share = np.nan_to_num((values.astype(np.float32) - low) / (high - low), nan=0.0)
    picture = Image.fromarray(np.round(np.clip(share, 0, 1) * 255).astype(np.uint8))
    picture.thumbnail((MAX_EDGE_PX, MAX_EDGE_PX))
    file = BytesIO()
    picture.save(file, "png")
    return base64.b64encode(file.getvalue()).decode("ascii")
