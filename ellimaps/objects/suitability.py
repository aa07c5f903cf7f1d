"""Why an image shows no objects, or shows something else than bright objects on a dark ground."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.statistics import robust_sigma

# A contrast that noise never has, and one that any stained field has: the brightest 0.2 % of pure noise
# stand 2.9 standard deviations above the median.
_NOTHING, _SOMETHING = 6.0, 12.0


def unsuitable(
    images: Sequence[NDArray[np.generic]], names: Sequence[str], channel: int, count: int
) -> list[str]:
    """Return flags that say why few or strange objects were found.

    Parameters
    ----------
    images : sequence of ndarray, shape (y, x)
        All channels; NaN = not measured.
    names : sequence of str
        What the channels are called.
    channel : int
        Where objects were looked for, from 0.
    count : int
        How many were found.
    """
    found = _of_channel(_sample(images[channel]))
    if count == 0 and len(images) > 1:
        contrasts = [_contrast(_sample(image)) for image in images]
        best = int(np.argmax(contrasts))
        if contrasts[channel] < _NOTHING and contrasts[best] > _SOMETHING:
            found.append(f"nothing in {names[channel]}, but in {names[best]} (channel {best})")
    return found


def _sample(image: NDArray[np.generic]) -> NDArray[np.float32]:
    step = max(1, round(np.sqrt(image.size / (1 << 20))))
    values = np.asarray(image[::step, ::step], dtype=np.float32).ravel()
    return values[np.isfinite(values)]


def _of_channel(values: NDArray[np.float32]) -> list[str]:
    if values.size == 0:
        return ["nothing measured"]
    top = values.max()
    if top == values.min():
        return ["all one value"]
    if np.mean(values == top) > 0.5:
        return ["saturated without structure"]
    darkest, middle, brightest = np.percentile(values, (0.5, 50, 99.5))
    # Noise reaches as far up as down, and nuclei reach up; what reaches twice as far down is a bright field.
    if middle - darkest > 2 * (brightest - middle) and _contrast(-values) > _NOTHING:
        return ["dark on a bright ground: bright field or a stained section"]
    return []


def _contrast(values: NDArray[np.float32]) -> float:
    """Return how far the brightest pixels stand above the median, in units of the noise."""
    if values.size == 0 or values.max() == values.min():
        return 0.0
    middle, brightest = np.percentile(values, (50, 99.8))
    dark = values[values <= middle]
    # Of a dark half without any spread, such as an empty background, a thousandth of the range is the noise.
    noise = max(robust_sigma(dark), 1e-3 * float(values.max() - values.min()))
    return float(brightest - middle) / noise
