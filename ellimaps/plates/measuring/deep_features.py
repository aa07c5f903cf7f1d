"""Profiles of fields from a pretrained network (extra ``deep``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import SettingError
from ellimaps.core.progress import Progress, no_progress
from ellimaps.deep import Backbone, channel_limits, penultimate
from ellimaps.deep.penultimate import Images, Limits, as_channels


@dataclass(frozen=True)
class LazyFields:
    """Fields that are read one at a time.

    Attributes
    ----------
    read : callable
        Returns field ``number`` as (channel, y, x).
    count : int
        How many there are.
    """

    read: Callable[[int], NDArray[Any]]
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int, /) -> NDArray[Any]:
        if not 0 <= number < self.count:
            raise IndexError(number)
        return self.read(number)


def deep_profiles(
    fields: Images,
    backbone: Backbone,
    channels: Sequence[str] = (),
    on_progress: Progress = no_progress,
) -> pd.DataFrame:
    """Return what a network makes of each field.

    Black and white are the same for all fields of the plate (`plate_limits`), so that a compound that dims a
    stain is seen. Each channel has its own features.

    Parameters
    ----------
    fields : sequence of ndarray, shape (channel, y, x)
        Of one plate, a list or `LazyFields`; read once, and up to 200 of them before
        for black and white.
    backbone : Backbone
        See `ellimaps.deep.load_backbone`.
    channels : sequence of str
        Names; ``ch1, ch2`` ... by default.
    on_progress : callable
        Counts fields.

    Returns
    -------
    DataFrame
        A row per field, columns ``NETWORK_CHANNEL_0000`` ...

    Raises
    ------
    SettingError
        If there is no field, or they differ in their channels.
    """
    limits = plate_limits(fields)
    values = penultimate(backbone, fields, limits, on_progress=on_progress)
    names = names_for_channels(channels, len(limits))
    width = values.shape[1] // len(names)
    columns = [f"{backbone.name}_{name}_{i:04d}" for name in names for i in range(width)]
    return pd.DataFrame(values, columns=columns)


def plate_limits(fields: Images) -> Limits:
    """Return what is black and white in every channel of a plate, shape (channel, 2).

    Black is the median of the fields' percentile 0.1, white the percentile 95 of their percentile 99.9, so
    that dust in one field does not darken the rest. At most 200 fields, evenly spread, are looked at.

    Raises
    ------
    SettingError
        If there is no field, or they differ in their channels.
    """
    if len(fields) == 0:
        raise SettingError("The plate has no fields: give at least one.")
    numbers = np.unique(np.linspace(0, len(fields) - 1, min(len(fields), 200)).round().astype(int))
    found = [channel_limits(as_channels(fields[int(number)])) for number in numbers]
    odd = next((n for n, limits in zip(numbers, found, strict=True) if len(limits) != len(found[0])), None)
    if odd is not None:
        raise SettingError(f"Field {odd} of the plate has another number of channels: leave it out.")
    ends = np.stack(found)
    black, white = np.median(ends[:, :, 0], axis=0), np.percentile(ends[:, :, 1], 95, axis=0)
    return np.column_stack([black, white])


def names_for_channels(channels: Sequence[str], count: int) -> list[str]:
    """Return the names given, or ``ch1, ch2`` ...

    Raises
    ------
    SettingError
        If there are not as many names as channels.
    """
    names = list(channels) or [f"ch{number}" for number in range(1, count + 1)]
    if len(names) != count:
        raise SettingError(f"{len(names)} channel names for {count} channels: give one for each.")
    return names
