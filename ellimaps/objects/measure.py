"""Measurements of labelled objects: position, size, intensities, shape, texture, and the ring around."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import regionprops_table
from skimage.segmentation import expand_labels

from ellimaps.core.errors import SettingError

SHAPE_COLUMNS = ("eccentricity", "solidity", "perimeter", "axis_major", "axis_minor", "orientation_deg")
_SHAPE_PROPERTIES = {
    "eccentricity": "eccentricity",
    "solidity": "solidity",
    "perimeter": "perimeter",
    "axis_major_length": "axis_major",
    "axis_minor_length": "axis_minor",
    "orientation": "orientation_deg",
}


def measure_objects(
    images: Mapping[str, NDArray[np.generic]],
    labels: NDArray[np.int32],
    *,
    shape: bool = True,
    texture: bool = True,
    ring: tuple[float, float] | None = None,
) -> pd.DataFrame:
    """Measure every object of a label image.

    Parameters
    ----------
    images : mapping of str to ndarray, shape (y, x)
        Channels by name; NaN = not measured and left out.
    labels : ndarray of int32, shape (y, x)
        0 is background, objects have numbers from 1 on.
    shape, texture : bool
        Whether to measure these.
    ring : (float, float), optional
        Gap and width in pixels of a ring around every object, such as the cytoplasm around a nucleus.

    Returns
    -------
    DataFrame
        One row per object in order of its number: ``object, y, x`` (centre of mass, in pixels), ``area``
        (pixels), ``radius`` (of the circle with that area), ``at_border``; for each channel NAME
        ``mean_NAME, median_NAME, std_NAME, integrated_NAME`` (the sum), ``texture_NAME``,
        ``ring_mean_NAME, ring_median_NAME``; and :data:`SHAPE_COLUMNS`, lengths in pixels. NaN where an
        object has no measured value. ``texture`` is half the mean squared difference of neighbouring
        pixels over the variance (von Neumann's ratio): near 0 for a smooth object, 1 for pure noise.

    Raises
    ------
    SettingError
        If a channel's size is not that of the labels, or the ring has no width.
    """
    for name, image in images.items():
        if image.shape != labels.shape:
            raise SettingError(f"Channel {name!r} has {image.shape} pixels, the labels {labels.shape}.")
    numbers = np.flatnonzero(np.bincount(labels.ravel()))
    numbers = numbers[numbers > 0]
    table = _positions(labels, numbers)
    ringed = None if ring is None else ring_labels(labels, *ring)
    for name, image in images.items():
        values = np.asarray(image, dtype=np.float64)
        table = table.assign(**_intensities(values, labels, numbers, name))
        if texture:
            table[f"texture_{name}"] = _texture(values, labels, numbers)
        if ringed is not None:
            found = _intensities(values, ringed, numbers, name)
            table[f"ring_mean_{name}"] = found[f"mean_{name}"]
            table[f"ring_median_{name}"] = found[f"median_{name}"]
    return table.join(_shapes(labels)) if shape else table


def ring_labels(labels: NDArray[np.int32], gap: float, width: float) -> NDArray[np.int32]:
    """Return a ring around every object, with the object's number.

    Parameters
    ----------
    labels : ndarray of int32, shape (y, x)
        Objects; 0 is background.
    gap, width : float
        Pixels between object and ring, and from the ring's inner to its outer edge. A pixel that lies in
        the rings of two objects goes to the nearer one; none lies in an object or its gap.

    Raises
    ------
    SettingError
        If the gap is negative or the width is not positive.
    """
    if not (gap >= 0 and width > 0):
        raise SettingError(
            f"A ring needs a gap of at least 0 and a width above 0, not {gap!r} and {width!r}."
        )
    inner = expand_labels(labels, gap) if gap else labels  # type: ignore[no-untyped-call]
    outer = expand_labels(labels, gap + width)  # type: ignore[no-untyped-call]
    return np.where(inner == 0, outer, 0).astype(np.int32)


def channel_names(names: Sequence[str]) -> list[str]:
    """Return names that can be part of a column's: not empty and all different."""
    chosen: list[str] = []
    for number, name in enumerate(names):
        base = name or ("intensity" if len(names) == 1 else f"channel_{number + 1}")
        chosen.append(f"{base}_{number + 1}" if base in chosen else base)
    return chosen


def _positions(labels: NDArray[np.int32], numbers: NDArray[np.intp]) -> pd.DataFrame:
    flat = labels.ravel()
    inside = np.flatnonzero(flat)
    y, x = np.divmod(inside, labels.shape[1])
    length = int(numbers.max(initial=0)) + 1
    area = np.bincount(flat[inside], minlength=length)[numbers]
    frame = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    return pd.DataFrame(
        {
            "object": numbers,
            "y": np.bincount(flat[inside], y, minlength=length)[numbers] / area,
            "x": np.bincount(flat[inside], x, minlength=length)[numbers] / area,
            "radius": np.sqrt(area / np.pi),
            "area": area,
            "at_border": np.isin(numbers, frame),
        }
    )


def _intensities(
    values: NDArray[np.float64], labels: NDArray[np.int32], numbers: NDArray[np.intp], name: str
) -> dict[str, NDArray[np.float64]]:
    known = np.flatnonzero((labels.ravel() > 0) & np.isfinite(values.ravel()))
    # Sorted by object, the pixels of each stand together: one pass serves every statistic.
    order = known[np.argsort(labels.ravel()[known], kind="stable")]
    owner, pixels = labels.ravel()[order], values.ravel()[order]
    starts, ends = np.searchsorted(owner, numbers), np.searchsorted(owner, numbers, side="right")
    parts = [pixels[start:end] for start, end in zip(starts, ends, strict=True)]

    def of_each(what: str) -> NDArray[np.float64]:
        function = getattr(np, what)
        return np.array([function(part) if part.size else np.nan for part in parts], dtype=np.float64)

    return {
        f"mean_{name}": of_each("mean"),
        f"median_{name}": of_each("median"),
        f"std_{name}": of_each("std"),
        f"integrated_{name}": of_each("sum"),
    }


def _texture(
    values: NDArray[np.float64], labels: NDArray[np.int32], numbers: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return half the mean squared difference of neighbours over the variance, per object."""
    length = int(numbers.max(initial=0)) + 1
    squares, pairs = np.zeros(length), np.zeros(length)
    for here, there in (
        (np.s_[:, :-1], np.s_[:, 1:]),
        (np.s_[:-1, :], np.s_[1:, :]),
    ):
        difference = values[there] - values[here]
        same = (labels[here] > 0) & (labels[here] == labels[there]) & np.isfinite(difference)
        squares += np.bincount(labels[here][same], difference[same] ** 2, minlength=length)
        pairs += np.bincount(labels[here][same], minlength=length)
    known = np.where(np.isfinite(values), labels, 0)
    filled = np.where(np.isfinite(values), values, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = np.asarray(ndimage.variance(filled, known, numbers)) if numbers.size else np.empty(0)
        ratio = squares[numbers] / (2 * pairs[numbers] * variance)
    return np.where(np.isfinite(ratio), ratio, np.nan)


def _shapes(labels: NDArray[np.int32]) -> pd.DataFrame:
    if not labels.any():
        return pd.DataFrame({column: np.empty(0) for column in SHAPE_COLUMNS})
    found = regionprops_table(labels, properties=tuple(_SHAPE_PROPERTIES))  # type: ignore[no-untyped-call]
    table = pd.DataFrame(found).rename(columns=_SHAPE_PROPERTIES)
    return table.assign(orientation_deg=np.rad2deg(table["orientation_deg"]))
