"""Profiles of a plate on disk from each source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile

from ellimaps.core.errors import SettingError
from ellimaps.plates.measuring import profile_sources
from ellimaps.plates.measuring.plate import METADATA, Plate, read_plate
from ellimaps.plates.measuring.profile_sources import principal, profiles_from
from ellimaps.plates.statistics.normalization import vectors

pytestmark = pytest.mark.usefixtures("torch")


@pytest.fixture
def plate(tmp_path: Path) -> Plate:
    rng = np.random.default_rng(0)
    for well, field, channel in np.ndindex(4, 2, 2):
        image = rng.integers(100, 200 + 400 * (well % 2), (64, 64)).astype(np.uint16)
        tifffile.imwrite(
            tmp_path / f"r01c{well + 1:02d}f{field + 1:02d}p01-ch{channel + 1}sk1fk1fl1.tiff", image
        )
    layout = tmp_path / "layout.csv"
    layout.write_text(
        "well,compound,concentration_um,control\nA01,DMSO,,1\nA02,X,1,0\nA03,DMSO,,1\nA04,X,1,0\n"
    )
    return read_plate(tmp_path, layout)


def test_a_network_profiles_a_plate(plate: Plate, tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []

    def load(*given: Any) -> Any:
        asked.append(given)
        return tiny

    monkeypatch.setattr(profile_sources, "load_backbone", load)
    profiles = profiles_from(plate, "deep:resnet50", weights="here.pth")
    assert asked == [("resnet50", "here.pth", None)]
    assert profiles.features == tuple(f"tiny_pc{i:03d}" for i in range(7))
    assert list(profiles.fields) == [*METADATA, *profiles.features]
    assert profiles.wells["well"].tolist() == ["A01", "A02", "A03", "A04"]
    first = profiles.wells["tiny_pc000"].to_numpy()
    assert abs(first[0] - first[1]) > 5 * abs(first[0] - first[2])
    assert (profiles.facts["source"], profiles.facts["weights"]) == ("deep:resnet50", "seed 0")
    assert len(profiles.facts["inputs_sha256"]) == 8
    assert vectors(profiles).wells.shape[0] == 4


def test_an_autoencoder_profiles_a_plate(plate: Plate, monkeypatch: pytest.MonkeyPatch) -> None:
    real = profile_sources.AutoencoderSettings
    monkeypatch.setattr(profile_sources, "AutoencoderSettings", lambda seed: real(4, 32, 16, 1, seed=seed))
    profiles = profiles_from(plate, "autoencoder", seeded=5)
    assert len(profiles.features) == 8
    assert np.isfinite(profiles.fields[list(profiles.features)].to_numpy()).all()
    assert profiles.facts["autoencoder"]["seed"] == 5


def test_plain_is_the_measurements(plate: Plate) -> None:
    from ellimaps.plates.measuring.profiles import profile_plate

    pd.testing.assert_frame_equal(profiles_from(plate).fields, profile_plate(plate).fields)


def test_unknown_sources_are_told(plate: Plate) -> None:
    with pytest.raises(SettingError, match="choose one of plain, autoencoder, deep:resnet50"):
        profiles_from(plate, "deep:alexnet")


@pytest.mark.parametrize("shape", [(6, 20), (30, 4), (300, 200)])
def test_components_keep_the_distances(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(shape[0], min(shape[1], 100))) @ rng.normal(size=(min(shape[1], 100), shape[1]))
    table = principal(pd.DataFrame(values), "net")
    assert table.shape == (shape[0], min(128, shape[1], shape[0] - 1))
    points = table.to_numpy()
    np.testing.assert_allclose(
        np.linalg.norm(points - points[0], axis=1),
        np.linalg.norm(values - values[0], axis=1),
        rtol=1e-6,
        atol=1e-6,
    )


def test_one_field_cannot_be_compared() -> None:
    with pytest.raises(SettingError, match="at least two"):
        principal(pd.DataFrame(np.ones((1, 3))), "net")
