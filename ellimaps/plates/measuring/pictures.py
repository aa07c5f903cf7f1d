"""The pictures of one field as arrays: channels by name, binned to a size that measurements need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.errors import ReadError, SettingError
from ellimaps.core.provenance import sha256
from ellimaps.readers.ome_zarr import is_zarr
from ellimaps.readers.pictures import read_values
from ellimaps.readers.planes import RGB_NAMES

_WHITE_SHARE = 0.7
"""Of full scale: the median of merged pictures on white is 0.99 (HepG2 plate), that on black near 0."""


@dataclass(frozen=True, eq=False)
class FieldPictures:
    """The channels of a field.

    Attributes
    ----------
    values : ndarray of float32, shape (channel, y, x)
        Bright is much, whatever the file shows; blocks of ``binning`` by ``binning`` pixels are averaged.
    names : tuple of str
        Of the channels.
    is_merged : bool
        Whether the channels are the colours of merged pictures, of which none holds nuclei alone.
    binning : int
        Pixels of the file per pixel of ``values``.
    quantum : float
        The step between neighbouring values of the file; 0 for real numbers.
    inputs : dict of str to str
        SHA-256 of the files.
    """

    values: NDArray[np.float32]
    names: tuple[str, ...]
    is_merged: bool
    binning: int
    quantum: float
    inputs: dict[str, str]


def read_field(
    root: Path,
    files: Sequence[Sequence[str]],
    channels: Sequence[str],
    names: Sequence[str] = (),
    longest_px: int = 400,
) -> FieldPictures:
    """Read the pictures of a field.

    Of several focal planes the maximum is taken. A merged picture on white is inverted, so that colour counts
    as signal.

    Parameters
    ----------
    root : Path
        Folder that the files lie below.
    files : sequence of sequence of str
        By channel; see `ellimaps.plates.measuring.plate.Field`.
    channels : sequence of str
        What the files call the channels.
    names : sequence of str
        Other names for the channels, one each.
    longest_px : int
        Longest side after binning, about.

    Raises
    ------
    ReadError
        If a picture is missing or damaged, or the channels differ in size.
    SettingError
        If there are not as many names as channels.
    """
    planes: list[NDArray[np.float32]] = []
    quantum = 0.0
    for channel, group in zip(channels, files, strict=True):
        if not group:
            raise ReadError(
                f"The field of {_first(files)} has no picture of channel {channel}: copy it again."
            )
        pictures = [picture_values(root, file) for file in group]
        quantum = 1.0 if pictures[0].dtype.kind in "ui" else 0.0
        planes += list(_signal(_projected(pictures, group)))
    if len({plane.shape for plane in planes}) > 1:
        raise ReadError(f"The channels of {_first(files)} differ in size: keep pictures of one size.")
    is_merged = len(planes) > len(files)
    found = tuple(RGB_NAMES[: len(planes)]) if is_merged else tuple(f"ch{name}" for name in channels)
    if names and len(names) != len(planes):
        raise SettingError(f"{len(names)} names are given for {len(planes)} channels: give one for each.")
    factor = max(1, round(max(planes[0].shape) / longest_px))
    values = np.stack([_binned(plane, factor) for plane in planes])
    return FieldPictures(values, tuple(names) or found, is_merged, factor, quantum, field_inputs(root, files))


def picture_file(root: Path, file: str) -> tuple[Path, int | None]:
    """Return where a picture of a plate lies, and which channel of an OME-Zarr image it is."""
    path, _, channel = file.rpartition(":")
    if path and channel.isdecimal() and is_zarr(root / path):
        return root / path, int(channel)
    return root / file, None


def picture_values(root: Path, file: str) -> NDArray[Any]:
    """Read a picture of a plate, shape (sample, y, x); see `ellimaps.readers.pictures.read_values`."""
    path, channel = picture_file(root, file)
    return read_values(path, channel=channel)


def field_inputs(root: Path, files: Sequence[Sequence[str]]) -> dict[str, str]:
    """Return the SHA-256 of a field's files by their paths below the root.

    Raises
    ------
    ReadError
        If one cannot be read.
    """
    paths = dict.fromkeys(picture_file(root, file)[0] for group in files for file in group)
    return {path.relative_to(root).as_posix(): sha256(path) for path in paths}


def _first(files: Sequence[Sequence[str]]) -> str:
    return next(name for group in files for name in group)


def _projected(pictures: list[NDArray[Any]], files: Sequence[str]) -> NDArray[np.float32]:
    """Return the maximum over focal planes, shape (sample, y, x)."""
    if len({picture.shape for picture in pictures}) > 1:
        raise ReadError(f"The focal planes of {files[0]} differ in size: keep pictures of one size.")
    first = pictures[0]
    top = float(np.iinfo(first.dtype).max) if first.dtype.kind in "ui" else 1.0
    joined = np.max(pictures, axis=0) if len(pictures) > 1 else first
    values = joined.astype(np.float32)
    # Colours on white: what is measured is what the dyes take away.
    if len(values) >= len(RGB_NAMES) and min(float(np.median(v)) for v in values[:3]) > _WHITE_SHARE * top:
        return np.float32(top) - values
    return values


def _signal(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Leave transparency out, and equal colours but one."""
    colors = values[: len(RGB_NAMES)]
    same = len(colors) > 1 and all(np.array_equal(colors[0], other) for other in colors[1:])
    return colors[:1] if same else colors


def _binned(plane: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    if factor == 1:
        return plane
    height, width = (side // factor * factor for side in plane.shape)
    total = np.zeros((height // factor, width // factor), dtype=np.float32)
    for y in range(factor):
        for x in range(factor):
            total += plane[y:height:factor, x:width:factor]
    total /= factor * factor
    return total
