"""Why an image shows no objects, or shows something else than bright objects on a dark ground."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.statistics import robust_sigma
from ellimaps.readers.planes import RGB_NAMES

_STAINED = "dark on a bright ground: bright field or a stained section"
# A contrast that noise never has, and one that any stained field has. The brightest 0.2 % of pure noise, fine
# or blurred, stand 4.6 to 5.1 times the spread of its dark half above the median; the images of
# benchmarks/bench_nuclei.py reach 20 to 610.
_NOTHING, _SOMETHING = 6.0, 12.0
# How much further the brightest pixels lie from the median than the darkest: 0.9 to 1.0 for noise, 1.6 and
# more for phantoms that nuclei fill so that no dark half is left.
_ALIKE = 1.5
# The median of a pixel's darkest color over the brightest color of all: 0.02 for nuclei in a dark picture,
# 0.5 to 0.8 for stained sections.
_BRIGHT_GROUND = 0.2


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
    values = _sample(images[channel])
    found = _of_channel(values)
    if not found and _is_stained(images, names):
        found = [_STAINED]
    found = found or _of_noise(values, count)
    if count == 0 and len(images) > 1:
        contrasts = [_contrast(_sample(image)) for image in images]
        best = int(np.argmax(contrasts))
        if contrasts[channel] < _NOTHING and contrasts[best] > _SOMETHING:
            found.append(f"nothing in {names[channel]}, but in {names[best]} (channel {best})")
    return found


def _is_stained(images: Sequence[NDArray[np.generic]], names: Sequence[str]) -> bool:
    """Return whether a picture in color is bright in all colors almost everywhere."""
    if tuple(name.rpartition(" ")[2] for name in names) != RGB_NAMES:
        return False
    colors = [_sample(image) for image in images]
    if len({color.size for color in colors}) > 1:
        return False
    darkest, brightest = np.min(colors, axis=0), np.max(colors, axis=0)
    if darkest.size == 0:
        return False
    return bool(np.median(darkest) > _BRIGHT_GROUND * np.percentile(brightest, 99.5))


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
        return [_STAINED]
    return []


def _of_noise(values: NDArray[np.float32], count: int) -> list[str]:
    """Return why nothing was found, or that what was found may be nothing."""
    stands_out = _contrast(values) > _NOTHING
    if count == 0:
        return ["nothing of this size and shape" if stands_out else "nothing stands out of the noise"]
    darkest, middle, brightest = np.percentile(values, (0.5, 50, 99.5))
    if stands_out or brightest - middle > _ALIKE * (middle - darkest):
        return []
    return ["as far dark as bright: noise, or no fluorescence"]


def _contrast(values: NDArray[np.float32]) -> float:
    """Return how far the brightest pixels stand above the median, in units of the noise."""
    if values.size == 0 or values.max() == values.min():
        return 0.0
    middle, brightest = np.percentile(values, (50, 99.8))
    dark = values[values <= middle]
    # Of a dark half without any spread, such as an empty background, a thousandth of the range is the noise.
    noise = max(robust_sigma(dark), 1e-3 * float(values.max() - values.min()))
    return float(brightest - middle) / noise
