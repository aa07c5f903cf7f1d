"""Images of any depth, size and number of channels as the penultimate layer of a network."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.errors import SettingError
from ellimaps.core.progress import Progress, no_progress
from ellimaps.deep.backbones import Backbone
from ellimaps.deep.libraries import torch_library

PERCENTILES = (0.1, 99.9)
"""Black and white: a hot pixel or speck of dust in a thousand does not darken the rest."""
_SAMPLE = 1 << 18
"""Pixels that percentiles are taken of: 262 lie beyond either."""

# What all four networks were trained on: the mean and standard deviation of ImageNet's colors.
_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)

Limits = NDArray[np.float64]
"""Shape (channel, 2): the values shown as black and as white."""


class Images(Protocol):
    """Images as arrays (y, x) or (channel, y, x): a list, or what reads each when it is asked for."""

    def __len__(self) -> int: ...
    def __getitem__(self, number: int, /) -> NDArray[Any]: ...


def penultimate(
    backbone: Backbone,
    images: Images,
    limits: Limits | None = None,
    batch_size: int = 16,
    on_progress: Progress = no_progress,
) -> NDArray[np.float32]:
    """Return the penultimate layer of a network for each image.

    Each channel goes through the network by itself, as grey in all three of its colours; the features of the
    channels stand one after the other. Values are scaled between two limits and cut off there; not measured
    is black. The longer side of the image fills the network's square, the rest of it is black.

    Parameters
    ----------
    backbone : Backbone
        See `load_backbone`.
    images : sequence of ndarray, shape (y, x) or (channel, y, x)
        Of any type and size, all with the same number of channels; taken one at a time.
    limits : ndarray, shape (channel, 2), optional
        The same black and white for all images, so that brightness counts; see `channel_limits`. By default
        each channel of each image has its own.
    batch_size : int
        Channels that go through the network together.
    on_progress : callable
        Counts images.

    Returns
    -------
    ndarray of float32, shape (image, channel x feature)

    Raises
    ------
    SettingError
        If an image is empty or has another number of channels than the first, or than the limits.
    """
    torch = torch_library()
    rows: list[NDArray[np.float32]] = []
    n_channels = None if limits is None else len(limits)
    for number in range(len(images)):
        on_progress(number, len(images), "images through the network")
        values = as_channels(images[number])
        n_channels = n_channels or len(values)
        if len(values) != n_channels:
            raise SettingError(
                f"Image {number} has {len(values)} channels and not {n_channels}: leave it out."
            )
        own = channel_limits(values) if limits is None else limits
        inputs = network_input(torch.from_numpy(scaled_square(values, own, backbone.side_px)))
        with torch.inference_mode():
            parts = [backbone.features(part).numpy() for part in inputs.split(batch_size)]
        rows.append(np.concatenate(parts).astype(np.float32).ravel())
    on_progress(len(images), len(images), "images through the network")
    return np.stack(rows) if rows else np.empty((0, backbone.dimension), np.float32)


def channel_limits(values: NDArray[np.generic]) -> Limits:
    """Return the percentiles 0.1 and 99.9 of each channel, shape (channel, 2), of values (channel, y, x)."""
    sample = values.reshape(len(values), -1)
    sample = sample[:, :: max(1, sample.shape[1] // _SAMPLE)].astype(np.float64)
    found = [channel[np.isfinite(channel)] for channel in sample]
    return np.array([np.percentile(c, PERCENTILES) if c.size else (0.0, 1.0) for c in found])


def as_channels(image: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return an image of the shape (y, x) or (channel, y, x) as (channel, y, x).

    Raises
    ------
    SettingError
        If it has no pixels or other axes.
    """
    values = image[None] if image.ndim == 2 else image
    if values.ndim != 3 or values.size == 0:
        raise SettingError(f"An image of the shape {image.shape} has no (channel, y, x): choose another.")
    return values


def scaled_square(values: NDArray[np.generic], limits: Limits, side_px: int) -> NDArray[np.float32]:
    """Return channels as squares of values 0..1, shape (channel, side, side), their aspect kept."""
    functional = torch_library().nn.functional
    low, high = limits[:, 0, None, None], limits[:, 1, None, None]
    scale = 1.0 / np.where(high > low, high - low, 1.0)
    levels = np.clip((values.astype(np.float32) - low) * scale, 0.0, 1.0).astype(np.float32)
    levels = np.nan_to_num(levels, copy=False)
    longer = max(values.shape[1:])
    size = [max(1, round(length * side_px / longer)) for length in values.shape[1:]]
    tensor = torch_library().from_numpy(levels)[None]
    shrunk = functional.interpolate(tensor, size=size, mode="bilinear", antialias=True, align_corners=False)
    square = np.zeros((len(values), side_px, side_px), np.float32)
    top, left = ((side_px - length) // 2 for length in size)
    square[:, top : top + size[0], left : left + size[1]] = shrunk[0].numpy()
    return square


def network_input(squares: Any) -> Any:
    """Return a tensor (image, y, x) of greys 0..1 as the input (image, 3, y, x) of networks."""
    mean, std = (torch_library().tensor(numbers)[None, :, None, None] for numbers in (_MEAN, _STD))
    return (squares[:, None] - mean) / std
