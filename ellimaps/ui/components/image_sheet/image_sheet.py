"""The Python side of images side by side: channels become what ``image_sheet.js`` mixes."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ellimaps.ui.components.browser import component, handler

MAX_EDGE_PX = 720
"""Half of a wide page: with two images side by side more is not seen until one zooms far in."""
Look = dict[str, Any]
"""Colors, contrast and gamma as somebody chose them: what ``controls.js`` tells, ready for JSON."""


@dataclass(frozen=True)
class SheetChannel:
    """A channel that all images have.

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
class SheetImage:
    """One image.

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


@dataclass(frozen=True)
class Sheet:
    """How images are laid out.

    Attributes
    ----------
    title : str
        What they are; of the figure that is saved.
    least_px : int
        Width of an image below which fewer stand in a row.
    edge_px : int
        Larger images are sent with this longer edge, and none is shown wider.
    is_open : bool
        Whether the controls of the channels are unfolded at first.
    """

    title: str
    least_px: int = 240
    edge_px: int = MAX_EDGE_PX
    is_open: bool = False


def image_sheet(
    sheet: Sheet,
    images: Sequence[SheetImage],
    channels: Sequence[SheetChannel],
    *,
    key: str,
    look: Look | None = None,
    on_look: Callable[[Look], None] | None = None,
    on_open: Callable[[int], None] | None = None,
) -> None:
    """Show images side by side; channels, colors, contrast, gamma and zoom are the same in all of them.

    Parameters
    ----------
    sheet : Sheet
        How they are laid out.
    images : sequence of SheetImage
        What is shown.
    channels : sequence of SheetChannel
        One for each channel of the images. Their limits should be those of all images there are, so that
        what looks brighter is brighter, whatever it stands beside.
    key : str
        Streamlit key.
    look : dict, optional
        What was chosen before, when the images appear.
    on_look : callable, optional
        Called with what is chosen.
    on_open : callable, optional
        Called with the number of the image that is clicked.
    """
    data = {
        "title": sheet.title,
        "least": sheet.least_px,
        "edge": sheet.edge_px,
        "isOpen": sheet.is_open,
        "opens": on_open is not None,
        "look": look if _is_look(look, len(channels)) else None,
        "channels": [asdict(channel) for channel in channels],
        "images": [
            {
                "title": image.title,
                # Of the image as it was taken: what is sent is smaller.
                "widthPx": image.values.shape[-1],
                "pixelUm": image.pixel_um,
                "channels": [
                    _png(values, channel.low, channel.high, sheet.edge_px)
                    for values, channel in zip(image.values, channels, strict=False)
                ],
            }
            for image in images
        ],
    }
    shown = component(
        "image_sheet",
        "image_sheet/image_sheet.js",
        '<div class="sheet" role="group" aria-label="Images side by side"></div>',
        "image_sheet/image_sheet.css",
    )
    opened = None if on_open is None else lambda value: on_open(int(value["number"]))
    shown(
        data=data,
        key=key,
        on_look_change=handler(key, "look", on_look),
        on_opened_change=handler(key, "opened", opened),
    )


def _is_look(look: Any, n: int) -> bool:
    """Return whether this is what ``controls.js`` told of so many channels: it may come from a file."""
    try:
        each = look["channels"]
        good = [re.fullmatch("#[0-9a-f]{6}", one["color"]) and 0 <= one["low"] < 100 for one in each]
        good += [0 < one["high"] <= 100 and isinstance(one["on"], bool) for one in each]
        return len(each) == n and all(good) and 0.3 <= look["gamma"] <= 2
    except (TypeError, KeyError):
        return False


def _png(values: NDArray[Any], low: float, high: float, edge_px: int) -> str:
    share = np.nan_to_num((values.astype(np.float32) - low) / (high - low), nan=0.0)
    picture = Image.fromarray(np.round(np.clip(share, 0, 1) * 255).astype(np.uint8))
    picture.thumbnail((edge_px, edge_px))
    file = BytesIO()
    picture.save(file, "png")
    return base64.b64encode(file.getvalue()).decode("ascii")
