"""What picture files have in common: planes by time, channel and depth, and how they become a stack."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import SettingError
from ellimaps.core.inputs import InputFile
from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.provenance import sha256
from ellimaps.core.scratch import check_unpacking, new_array, release
from ellimaps.core.stack import INTENSITY, ImageStack, band_labels

PROJECTIONS = ("max", "mean")
RGB_NAMES = ("red", "green", "blue")

Axis = int | str | None
"""A plane's number from 0, the name of a projection, or None for the default of that axis."""


@dataclass(frozen=True)
class Choice:
    """What to take of a file that has more than channels.

    Attributes
    ----------
    z : int, "max" or "mean", optional
        One focal plane, counted from 0, or a projection over all; None projects by maximum.
    t : int, "max" or "mean", optional
        One time point or a projection; None makes every time point a band.
    scene : int, optional
        Which image of a file that holds several, from 0; None takes the first.
    channels : sequence of str
        New names, one per channel, each ``NAME`` or ``NAME@NM`` with a wavelength in nanometres.
    working_set_gb : float, optional
        See `ellimaps.open_stack`.
    """

    z: Axis = None
    t: Axis = None
    channels: Sequence[str] = ()
    working_set_gb: float | None = None
    scene: int | None = None

    def __post_init__(self) -> None:
        for name in ("z", "t"):
            value = getattr(self, name)
            number = isinstance(value, int) and not isinstance(value, bool) and value >= 0
            if not (value is None or number or value in PROJECTIONS):
                raise SettingError(
                    f"{name} must be a plane's number from 0, or one of {', '.join(PROJECTIONS)}, "
                    f"not {value!r:.80}."
                )


@dataclass(frozen=True)
class PlaneChannel:
    """A channel's name, wavelength in nm (NaN: not known) and color as #RRGGBB (empty: not known)."""

    name: str
    wavelength_nm: float = np.nan
    color: str = ""


@dataclass(frozen=True)
class Planes:
    """Planes of one size, readable one at a time.

    Attributes
    ----------
    name : str
        Of the data set.
    source : Path
        The file or folder.
    shape : (int, int, int, int, int)
        Numbers of time points, channels and focal planes, then height and width.
    plane : callable
        ``plane(t, c, z)`` returns the values, shape (y, x), of any real number type.
    channels : list of PlaneChannel
        One per channel.
    file_of : callable
        ``file_of(t, c)`` returns the name of the file that a band is from.
    files : list of InputFile
        Every file the values come from.
    times_s : ndarray, shape (t, c)
        When each plane was taken, NaN where that is not known.
    n_scenes : int
        How many images the file holds, of which this is one.
    samples : int
        How many neighboring channels are the colors of one picture.
    plain_pages : int
        How many pages count as channels although the file does not call them so.
    pixel_size_um, pixel_aspect, acquired_at, comment
        What the file says, as in an `ImageStack`.
    plane_distance_um : float, optional
        From one focal plane to the next, if the file says it.
    packed_bytes : int, optional
        What all planes take in their file, if they are packed there.
    warnings : tuple of str
        What was left out or is in doubt, one sentence each.
    """

    name: str
    source: Path
    shape: tuple[int, int, int, int, int]
    plane: Callable[[int, int, int], NDArray[Any]]
    channels: list[PlaneChannel]
    file_of: Callable[[int, int], str]
    files: list[InputFile]
    times_s: NDArray[np.float64]
    n_scenes: int = 1
    samples: int = 1
    plain_pages: int = 1
    pixel_size_um: float | None = None
    pixel_aspect: float = 1.0
    plane_distance_um: float | None = None
    acquired_at: datetime | None = None
    comment: str = ""
    packed_bytes: int | None = None
    warnings: tuple[str, ...] = field(default_factory=tuple)

    def check_unpacking(self, n_planes: int, working_set_gb: float | None = None) -> None:
        """Refuse to unpack so many planes if they are more than a file of that size should hold.

        Raises
        ------
        ReadError
            See `ellimaps.core.scratch.check_unpacking`.
        """
        if self.packed_bytes is not None:
            n_bytes = n_planes * self.shape[3] * self.shape[4] * np.dtype(np.float32).itemsize
            check_unpacking(self.file_of(0, 0), self.packed_bytes, n_bytes, working_set_gb)


def stack_of(picture: Planes, choice: Choice, on_progress: Progress = no_progress) -> ImageStack:
    """Read a picture's planes as a stack: for each time point one band per channel.

    Values become float32, which holds whole numbers up to 2^24 exactly.

    Raises
    ------
    ReadError
        If a plane is damaged.
    SettingError
        If the choice does not fit the picture, or there is no room for the values.
    """
    n_times, n_channels, n_planes = picture.shape[:3]
    times = _chosen("t", choice.t, n_times, picture.name)
    planes = _chosen("z", choice.z, n_planes, picture.name)
    groups = [times] if choice.t in PROJECTIONS else [[t] for t in times]
    bands = [(group, c) for group in groups for c in range(n_channels)]
    picture.check_unpacking(len(bands), choice.working_set_gb)
    values = new_array((len(bands), *picture.shape[3:]), np.float32, choice.working_set_gb)
    for number, (group, c) in enumerate(bands):
        values[number] = _projected(picture, [(t, c, z) for t in group for z in planes], choice)
        release(values)
        on_progress(number + 1, len(bands), "reading images")
    channels = picture.channels
    # Three equal channels are how grey pictures are often stored; three times the same band says no more.
    if picture.samples == 3 and _all_equal(values):
        values, bands = values[::3].copy(), [(group, c // 3) for group, c in bands[::3]]
        channels = [PlaneChannel(channel.name.rpartition(" ")[0]) for channel in channels[::3]]
    return ImageStack(
        values=values,
        bands=_band_table(picture, _named(picture.name, channels, choice.channels), bands),
        name=picture.name,
        source=picture.source,
        pixel_size_um=picture.pixel_size_um,
        pixel_aspect=picture.pixel_aspect,
        acquired_at=picture.acquired_at,
        comment=picture.comment,
        warnings=(*picture.warnings, *_warnings(picture, choice, values)),
        inputs={file.name: file.seen(sha256) for file in picture.files},
    )


def planes_of(stack: ImageStack) -> Planes:
    """Return the bands of a stack as channels of one time point and plane."""
    files = [str(file) for file in stack.bands["file"]]
    waves = stack.bands["wavelength_nm"]
    return Planes(
        name=stack.name,
        source=stack.source or Path(stack.name),
        shape=(1, stack.n_bands, 1, *stack.shape),
        plane=lambda _t, c, _z: stack.values[c],
        channels=[PlaneChannel(*one) for one in zip(band_labels(stack), waves, strict=True)],
        file_of=lambda _t, c: files[c],
        files=[],
        times_s=np.full((1, stack.n_bands), np.nan),
        pixel_size_um=stack.pixel_size_um,
        pixel_aspect=stack.pixel_aspect,
        acquired_at=stack.acquired_at,
        comment=stack.comment,
        warnings=stack.warnings,
    )


def _named(where: str, channels: list[PlaneChannel], names: Sequence[str]) -> list[PlaneChannel]:
    if not names:
        return channels
    if len(names) != len(channels):
        raise SettingError(
            f"{len(names)} channel names are given but {where} has {len(channels)} channels: "
            "give one for each."
        )
    return [_channel(str(name), old) for name, old in zip(names, channels, strict=True)]


def _channel(text: str, old: PlaneChannel) -> PlaneChannel:
    name, at, wavelength = text.rpartition("@")
    if not at:
        return replace(old, name=text)
    try:
        number = float(wavelength)
    except ValueError:
        number = np.nan
    if not 0 < number < np.inf:
        raise SettingError(f"{text!r:.80} is no channel: write NAME, or NAME@NM with a wavelength in nm.")
    return replace(old, name=name, wavelength_nm=number)


def _chosen(name: str, value: Axis, count: int, where: str) -> list[int]:
    if not isinstance(value, int):
        return list(range(count))
    if value >= count:
        raise SettingError(f"{where} has no {name} = {value}: it has {count}, counted from 0.")
    return [value]


def _projected(picture: Planes, planes: Sequence[tuple[int, int, int]], choice: Choice) -> NDArray[Any]:
    """Return one band of planes (t, c, z): over time the named projection, over depth that or the maximum."""
    if len(planes) == 1:
        # As it is stored: another copy of a large plane would be most of the memory.
        return picture.plane(*planes[0])
    times = dict.fromkeys(t for t, _, _ in planes)
    result = [_over([one for one in planes if one[0] == t], picture, choice.z or "max") for t in times]
    total = result[0] if len(result) == 1 else _join(result, str(choice.t))
    return np.asarray(total, dtype=np.float32)


def _over(planes: Sequence[tuple[int, int, int]], picture: Planes, how: Axis) -> NDArray[np.float64]:
    total = picture.plane(*planes[0]).astype(np.float64)
    for one in planes[1:]:
        plane = picture.plane(*one)
        total = total + plane if how == "mean" else np.fmax(total, plane)
    return total / len(planes) if how == "mean" else total


def _join(images: list[NDArray[np.float64]], how: str) -> NDArray[np.float64]:
    return np.mean(images, axis=0) if how == "mean" else np.asarray(np.fmax.reduce(images))


def _band_table(
    picture: Planes, channels: list[PlaneChannel], bands: list[tuple[list[int], int]]
) -> pd.DataFrame:
    each = len(picture.channels) // len(channels)
    return pd.DataFrame(
        {
            "quantity": INTENSITY,
            "wavelength_nm": [channels[c].wavelength_nm for _, c in bands],
            "channel": [channels[c].name for _, c in bands],
            "time_s": [float(picture.times_s[group, c * each].mean()) for group, c in bands],
            "frame": [group[0] if picture.shape[0] > 1 and len(group) == 1 else -1 for group, _ in bands],
            "file": [picture.file_of(group[0], c * each) for group, c in bands],
        }
    )


def _all_equal(values: NDArray[np.float32]) -> bool:
    return all(
        np.array_equal(values[i], values[i + j], equal_nan=True)
        for i in range(0, len(values), 3)
        for j in (1, 2)
    )


def _warnings(picture: Planes, choice: Choice, values: NDArray[np.float32]) -> list[str]:
    found = []
    if choice.z is None and picture.shape[2] > 1:
        found.append(
            f"The brightest of {picture.shape[2]} focal planes was taken at each pixel; "
            "choose one plane or another projection with z."
        )
    if max(np.fmax.reduce(values[0], axis=None), -np.fmin.reduce(values[0], axis=None)) >= 1 << 24:
        found.append("Values of 2^24 and above are rounded, as values are kept as 32-bit floats.")
    return found
