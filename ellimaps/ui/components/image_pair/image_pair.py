"""The Python side of the side-by-side viewer: channels become what ``image_pair.js`` mixes."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

MAX_EDGE = 720


@dataclass(frozen=True)
class Channel:
    """A channel that all pictures have.

    Attributes
    ----------
    name : str
        What it shows.
    color : str
        Its colour (#rrggbb) until the user chooses another.
    """

    name: str
    color: str


@dataclass(frozen=True)
class Picture:
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


def image_pair(pictures: Sequence[Picture], channels: Sequence[Channel], *, key: str) -> None:
    """Show pictures side by side; channels, colours, contrast, gamma and zoom are the same in all of them.

    Parameters
    ----------
    pictures : sequence of Picture
        Usually two; a channel's darkest and brightest value are those of all pictures together, so that what
        looks brighter is brighter.
    channels : sequence of Channel
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
    _component()(data=data, key=key)


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
    picture.thumbnail((MAX_EDGE, MAX_EDGE))
    file = BytesIO()
    picture.save(file, "png")
    return base64.b64encode(file.getvalue()).decode("ascii")


def _component() -> Callable[..., Any]:
    """Register the component anew in every process-wide registry, which page reloads may clear."""
    folder = Path(__file__).parent
    return st.components.v2.component(
        "ellimaps_image_pair",
        html='<div class="pair" aria-label="Pictures side by side"></div>',
        css=(folder / "image_pair.css").read_text(encoding="utf-8"),
        js=(folder / "image_pair.js").read_text(encoding="utf-8"),
    )
