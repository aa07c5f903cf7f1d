"""One field of view: its channels are read, its cells found, and everything is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.errors import SettingError
from ellimaps.readers.planes import RGB_NAMES, sha256
from ellimaps.readers.tiff import opened


@dataclass(frozen=True)
class FieldSettings:
    """Every choice a field's profile depends on.

    Attributes
    ----------
    radius_px : (float, float)
        Smallest and largest radius of nuclei in pixels of the pictures.
    channels : tuple of str
        Names of the channels, in order; by default those of the files.
    """

    radius_px: tuple[float, float] = (5.0, 40.0)
    channels: tuple[str, ...] = ()

    def choices(self) -> dict[str, Any]:
        """Return them ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class FieldResult:
    """What a field gave: features by name, a table of cells, SHA-256 of its files."""

    features: dict[str, float]
    cells: pd.DataFrame
    inputs: dict[str, str]


def measure_field(
    root: Path, files: Sequence[Sequence[str]], channels: Sequence[str], settings: FieldSettings
) -> FieldResult:
    """Read and measure one field; see `ellimaps.plates.plate.Field`."""
    inputs: dict[str, str] = {}
    images: list[NDArray[np.float32]] = []
    names: list[str] = []
    for channel, group in zip(channels, files, strict=True):
        planes = []
        for name in group:
            inputs[name] = sha256(root / name)
            with opened(root / name) as picture:
                planes.append(np.stack([picture.plane(0, c, 0) for c in range(picture.shape[1])]))
        values = np.max(planes, axis=0).astype(np.float32)
        if len(values) > 1:
            names += RGB_NAMES[: len(values)]
            images += list(255 - values)
        else:
            names.append(f"ch{channel}")
            images.append(values[0])
    if settings.channels and len(settings.channels) != len(images):
        raise SettingError(f"{len(settings.channels)} channel names for {len(images)} channels.")
    features: dict[str, float] = {}
    for name, image in zip(names, images, strict=True):
        features[f"mean_{name}"] = float(image.mean())
        features[f"std_{name}"] = float(image.std())
        for q in (50, 90, 99):
            features[f"p{q}_{name}"] = float(np.percentile(image, q))
    return FieldResult(features, pd.DataFrame(), inputs)
