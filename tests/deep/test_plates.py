"""Deep profiles of plates: from a network, and from an autoencoder of the plate's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ellimaps.core.errors import ReadError, SettingError
from ellimaps.plates.measuring.autoencoder import (
    AutoencoderSettings,
    load_autoencoder,
    save_autoencoder,
    train_autoencoder,
)
from ellimaps.plates.measuring.deep_features import LazyFields, deep_profiles, plate_limits

SMALL = AutoencoderSettings(code=8, side_px=64, patch_px=32, epochs=9)
pytestmark = pytest.mark.usefixtures("torch")


def field(seed: int, radius: float = 4.0, brightness: float = 1000.0) -> Any:
    """Two channels of round spots at random places on a noisy background."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:64, :64]
    image = np.zeros((64, 64))
    for cy, cx in rng.uniform(6, 58, (8, 2)):
        image = np.maximum(image, brightness * (np.hypot(y - cy, x - cx) < radius))
    return (np.stack([image, image / 2]) + 100 + rng.normal(0, 5, (2, 64, 64))).astype(np.uint16)


def separation(values: pd.DataFrame) -> float:
    """Distance of the first half of the rows to the second over the spread within them, by best feature."""
    halves = np.split(values.to_numpy(float), 2)
    within = np.sqrt(sum(half.var(axis=0) for half in halves) / 2) + 1e-9
    return float(np.max(np.abs(halves[0].mean(axis=0) - halves[1].mean(axis=0)) / within))


def test_a_network_profiles_lazily_read_fields(tiny: Any) -> None:
    fields = [field(seed) for seed in range(3)]
    asked: list[int] = []

    def read(number: int) -> Any:
        asked.append(number)
        return fields[number]

    told: list[tuple[int, int, str]] = []
    table = deep_profiles(LazyFields(read, 3), tiny, ["dna", "actin"], lambda *step: told.append(step))
    assert asked == [0, 1, 2, 0, 1, 2]
    assert told[0] == (0, 3, "images through the network")
    assert told[-1][:2] == (3, 3)
    assert next(iter(table)) == "tiny_dna_0000"
    assert list(table)[-1] == "tiny_actin_0031"
    pd.testing.assert_frame_equal(table, deep_profiles(fields, tiny, ["dna", "actin"]))


def test_deep_profiles_see_a_dimmer_stain(tiny: Any) -> None:
    fields = [field(seed, brightness=1000 if seed < 4 else 500) for seed in range(8)]
    assert separation(deep_profiles(fields, tiny)) > 3


def test_dust_in_one_field_does_not_darken_the_plate() -> None:
    fields = [field(seed) for seed in range(40)]
    fields[7] = fields[7].copy()
    fields[7][:, :20, :20] = 60000
    limits = plate_limits(fields)
    np.testing.assert_allclose(limits, [[87, 1108], [87, 608]], atol=12)


def test_the_autoencoder_draws_held_out_fields_and_tells_sizes_apart() -> None:
    fields = [field(seed, radius=3.0 if seed < 12 else 6.0) for seed in range(24)]
    model = train_autoencoder(fields, settings=SMALL)
    assert min(model.history) < 0.25
    unseen = [field(100 + seed, radius=3.0 if seed < 6 else 6.0) for seed in range(12)]
    table = model.profiles(unseen)
    assert table.shape == (12, 16)
    assert separation(table) > 3


def test_same_seed_same_autoencoder_and_it_comes_back_from_its_file(tmp_path: Path) -> None:
    fields = [field(seed) for seed in range(6)]
    settings = AutoencoderSettings(code=4, side_px=32, patch_px=16, epochs=2, seed=3)
    first, second = (train_autoencoder(fields, ["a", "b"], settings) for _ in range(2))
    one, two = (save_autoencoder(model, tmp_path / name) for model, name in ((first, "1"), (second, "2")))
    assert one.read_bytes() == two.read_bytes()
    read = load_autoencoder(one)
    assert (read.settings, read.channels, read.history) == (settings, ("a", "b"), first.history)
    pd.testing.assert_frame_equal(read.profiles(fields), first.profiles(fields))
    other = train_autoencoder(fields, ["a", "b"], AutoencoderSettings(4, 32, 16, 2, seed=4))
    assert not other.profiles(fields).equals(first.profiles(fields))


def test_training_stops_when_nothing_is_gained() -> None:
    noise = list(np.random.default_rng(0).integers(0, 255, (4, 1, 16, 16)).astype(np.uint8))
    model = train_autoencoder(noise, settings=AutoencoderSettings(2, 16, 8, epochs=200, patience=1))
    assert len(model.history) < 200


def test_training_can_be_stopped() -> None:
    class Stop(Exception):
        pass

    def stop(done: int, total: int, what: str) -> None:
        assert (total, "training" in what) == (9, True)
        if done == 1:
            raise Stop

    with pytest.raises(Stop):
        train_autoencoder([field(0), field(1)], settings=SMALL, on_progress=stop)


@pytest.mark.parametrize("cut", [0, 10, 200, -200])
def test_a_damaged_file_is_told(tmp_path: Path, cut: int) -> None:
    model = train_autoencoder([field(0), field(1)], settings=AutoencoderSettings(2, 16, 16, 1))
    path = save_autoencoder(model, tmp_path / "plate.ae")
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ReadError, match=r"plate\.ae .*damaged.*train it again"):
        load_autoencoder(path)


def test_wrong_input_is_told() -> None:
    with pytest.raises(SettingError, match="at least two fields"):
        train_autoencoder([field(0)], settings=SMALL)
    with pytest.raises(SettingError, match="multiples of 8"):
        train_autoencoder([field(0), field(1)], settings=AutoencoderSettings(side_px=60))
    with pytest.raises(SettingError, match="Field 1 of the plate has another number of channels"):
        train_autoencoder([field(0), field(1)[:1]], settings=SMALL)
    with pytest.raises(SettingError, match="3 channel names for 2 channels"):
        train_autoencoder([field(0), field(1)], ["a", "b", "c"], SMALL)
    with pytest.raises(SettingError, match="no fields"):
        plate_limits([])
