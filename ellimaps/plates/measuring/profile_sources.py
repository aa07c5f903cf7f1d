"""Where the profiles of a plate come from: measurements, a pretrained network, or an autoencoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import SettingError
from ellimaps.core.progress import Progress, no_progress
from ellimaps.deep import BACKBONES, load_backbone
from ellimaps.plates.measuring.autoencoder import AutoencoderSettings, train_autoencoder
from ellimaps.plates.measuring.deep_features import LazyFields, deep_profiles
from ellimaps.plates.measuring.field import FieldSettings, inputs_hash
from ellimaps.plates.measuring.pictures import read_field
from ellimaps.plates.measuring.plate import Field, Plate
from ellimaps.plates.measuring.profiles import Profiles, assemble, profile_plate, provenance

PLAIN, AUTOENCODER, DEEP = "plain", "autoencoder", "deep:"
SOURCES = (PLAIN, AUTOENCODER, *(f"{DEEP}{name}" for name in BACKBONES))
MOST_COMPONENTS = 128
"""Bounds the tables to the size that measurements give them; more than half of the components 288 fields have
at most is kept. Not tuned: trained weights were not at hand (docs/deep.md)."""


def profiles_from(
    plate: Plate,
    source: str = PLAIN,
    settings: FieldSettings | None = None,
    *,
    weights: str | Path | None = None,
    seeded: int | None = None,
    on_progress: Progress = no_progress,
) -> Profiles:
    """Profile a plate by one of :data:`SOURCES`.

    ``deep:NAME`` has thousands of features a field; their first 128 principal components are kept, which are
    named ``NAME_pc000`` ... No source but ``plain`` finds cells.

    Parameters
    ----------
    plate : Plate
        Of `ellimaps.plates.measuring.plate.read_plate`.
    source : str
        ``plain``, ``autoencoder``, or ``deep:`` and a backbone.
    settings : FieldSettings, optional
        How pictures are read, and for ``plain`` measured.
    weights : path, optional
        Of the backbone; see `ellimaps.deep.load_backbone`.
    seeded : int, optional
        Random weights of the backbone instead, or the seed of the autoencoder (0 by default).
    on_progress : callable
        Counts fields, then rounds of training.

    Raises
    ------
    SettingError
        If there is no such source.
    ReadError
        If a picture or the weights cannot be read.
    MissingExtraError
        If torch is not installed and the source needs it.
    """
    if source not in SOURCES:
        raise SettingError(f"There are no features {source!r}: choose one of {', '.join(SOURCES)}.")
    settings = settings or FieldSettings()
    if source == PLAIN:
        return profile_plate(plate, settings, on_progress=on_progress)
    reader = _Reader(plate, settings, list(plate.fields()))
    fields = LazyFields(reader.read, len(reader.fields))
    if source == AUTOENCODER:
        choices = AutoencoderSettings(seed=seeded or 0)
        table = train_autoencoder(fields, settings=choices, on_progress=on_progress).profiles(
            fields, on_progress
        )
        about: dict[str, Any] = {"autoencoder": vars(choices)}
    else:
        backbone = load_backbone(source.removeprefix(DEEP), weights, seeded)
        table = principal(deep_profiles(fields, backbone, on_progress=on_progress), backbone.name)
        about = {"weights": backbone.weights}
    facts = provenance(plate, settings, reader.inputs) | {"source": source} | about
    return assemble(plate.metadata(), _rows(table), facts)


def principal(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the first principal components of features, 128 of them at most, the same for the same table.

    Raises
    ------
    SettingError
        If there are fewer than two rows.
    """
    from sklearn.decomposition import PCA  # type: ignore[import-untyped]

    if len(table) < 2:
        raise SettingError("Features of a network are compared between fields: give at least two.")
    values = table.to_numpy(np.float64)
    count = min(MOST_COMPONENTS, values.shape[1], len(values) - 1)
    components = PCA(count, svd_solver="covariance_eigh" if len(values) > values.shape[1] else "full")
    points = components.fit_transform(values)
    return pd.DataFrame(points, columns=[f"{name}_pc{number:03d}" for number in range(count)])


@dataclass(frozen=True, eq=False)
class _Reader:
    """Reads fields one at a time and keeps what their files hash to."""

    plate: Plate
    settings: FieldSettings
    fields: list[Field]
    inputs: dict[str, str] = field(default_factory=dict)

    def read(self, number: int) -> NDArray[np.float32]:
        """Return the channels of a field, shape (channel, y, x)."""
        one = self.fields[number]
        names, longest = self.settings.channels, self.settings.longest_px
        pictures = read_field(self.plate.root, one.files, self.plate.channels, names, longest)
        self.inputs[one.key] = inputs_hash(pictures.inputs)
        return pictures.values


def _rows(table: pd.DataFrame) -> list[Mapping[str, float]]:
    return [dict(zip(table.columns, row, strict=True)) for row in table.to_numpy(np.float64).tolist()]
