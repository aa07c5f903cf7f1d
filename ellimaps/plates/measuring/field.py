"""One field of view: its channels are read, its cells found, and everything is measured."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ellimaps.core.errors import SettingError
from ellimaps.plates.measuring.cell_features import measure_cells, summarize_cells
from ellimaps.plates.measuring.field_features import field_features, tissue_mask
from ellimaps.plates.measuring.pictures import read_field

_RADIUS_SHARES = (1 / 130, 1 / 20)
"""Smallest and largest radius over the field's side: 5 and 32 µm in the 650 µm that a 20x objective shows."""


@dataclass(frozen=True)
class FieldSettings:
    """Every choice a field's profile depends on.

    Attributes
    ----------
    radius_px : (float, float), optional
        Smallest and largest radius of nuclei in pixels of the pictures; by default a 130th and a 20th of the
        shorter side.
    channels : tuple of str
        Names of the channels, nuclei first; by default those of the files.
    longest_px : int
        Pictures are binned until their longer side is about this: small nuclei are then 3 pixels in radius,
        and profiling takes half the time it takes at twice the side (`benchmarks/bench_plates.py`).
    """

    radius_px: tuple[float, float] | None = None
    channels: tuple[str, ...] = ()
    longest_px: int = 400

    def __post_init__(self) -> None:
        if self.radius_px is not None:
            low, high = self.radius_px
            if not 1 <= low <= high < float("inf"):
                raise SettingError(
                    f"radius must be a smallest and a largest one from 1, not {self.radius_px!r}."
                )
            object.__setattr__(self, "radius_px", (float(low), float(high)))
        if len(set(self.channels)) < len(self.channels):
            raise SettingError("Two channels have the same name: give each its own.")
        if self.longest_px < 64:
            raise SettingError(f"longest_px must be 64 or more, not {self.longest_px}.")

    def facts(self) -> dict[str, Any]:
        """Return the settings as a plain dict, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class FieldResult:
    """What a field gave.

    Attributes
    ----------
    features : dict of str to float
        Of the field; the same names for all fields with the same channels.
    cells : DataFrame
        One row per cell; see `ellimaps.plates.measuring.cell_features.measure_cells`.
    inputs : dict of str to str
        SHA-256 of the files.
    """

    features: dict[str, float]
    cells: pd.DataFrame
    inputs: dict[str, str]


def inputs_hash(inputs: Mapping[str, str]) -> str:
    """Return one hash of a field's files from the SHA-256 of each by name."""
    listing = "".join(f"{digest}  {name}\n" for name, digest in sorted(inputs.items()))
    return hashlib.sha256(listing.encode("utf-8", "surrogateescape")).hexdigest()


def measure_field(
    root: Path,
    files: Sequence[Sequence[str]],
    channels: Sequence[str],
    settings: FieldSettings | None = None,
) -> FieldResult:
    """Read and measure one field.

    Parameters
    ----------
    root : Path
        Folder that the files lie below.
    files : sequence of sequence of str
        By channel; see `ellimaps.plates.measuring.plate.Field`.
    channels : sequence of str
        What the files call the channels.
    settings : FieldSettings, optional
        The choices; the defaults otherwise.

    Raises
    ------
    ReadError
        If a picture is missing or damaged.
    SettingError
        If a setting does not fit the pictures.
    """
    settings = settings or FieldSettings()
    pictures = read_field(root, files, channels, settings.channels, settings.longest_px)
    shorter = min(pictures.values.shape[1:]) * pictures.binning
    low, high = settings.radius_px or (_RADIUS_SHARES[0] * shorter, _RADIUS_SHARES[1] * shorter)
    cells = measure_cells(pictures, (low, high))
    features = field_features(pictures, tissue_mask(pictures)) | summarize_cells(cells)
    return FieldResult(features, cells, pictures.inputs)
