"""Fine-tuned classifiers of cells: they learn, come back from their file, and do not see the file's size."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ellimaps.classify import deep_training
from ellimaps.classify.cell_window import cut_cell, window
from ellimaps.classify.deep_model import DeepModel, load_classifier, load_deep_model, save_deep_model
from ellimaps.classify.deep_training import fine_tune, fine_tune_folder
from ellimaps.classify.image_features import measure_image
from ellimaps.classify.training_labels import Labels
from ellimaps.core.errors import ReadError, SettingError
from ellimaps.deep.libraries import seeded_torch

pytestmark = pytest.mark.usefixtures("torch")
N = 18
LABELS = [int(i % 3 == 0) for i in range(N)]


def cell(seed: int, is_hollow: bool, margin: int = 12) -> Any:
    """A round cell on a dim background, full or hollow."""
    rng = np.random.default_rng(seed)
    side = 60 + 2 * margin
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    angle = rng.uniform(0, 2 * np.pi)
    shape = np.hypot(y, x) < 22 + 3 * np.cos(rng.integers(2, 5) * np.arctan2(y, x) + angle)
    hollow = is_hollow & (np.hypot(y, x) < 12)
    bright = 2000.0 * shape * (1 - 0.7 * hollow)
    return (bright + 300 + rng.normal(0, 10, shape.shape)).astype(np.uint16)


@pytest.fixture(scope="module")
def images() -> list[Any]:
    return [cell(i, bool(label)) for i, label in enumerate(LABELS)]


@pytest.fixture
def model(images: list[Any], tiny: Any) -> DeepModel:
    return fine_tune(images, LABELS, tiny, epochs=1, label_name="is_hollow")


def test_the_loss_goes_down_and_held_out_cells_are_recognised(images: list[Any], tiny: Any) -> None:
    before = {key: value.clone() for key, value in tiny.network.state_dict().items()}
    told: list[tuple[int, int, str]] = []
    model = fine_tune(
        images, LABELS, tiny, 15, on_progress=lambda *step: told.append(step), learning_rate=1e-3
    )
    losses = model.provenance["losses"]
    assert len(losses) == 15
    assert np.mean(losses[-3:]) < 0.4 * np.mean(losses[:3])
    assert model.provenance["score"] > 0.8
    assert [model.predict(cell(100 + i, bool(i % 2))).label for i in range(6)] == [0, 1] * 3
    assert told[-1] == (6 * 15, 6 * 15, "fine-tuning the network")
    after = tiny.network.state_dict()
    assert all(np.array_equal(before[key], after[key]) for key in before)
    changed = model.network["backbone"].state_dict()
    assert any(not np.array_equal(before[key], changed[key]) for key in before)


def test_same_seed_same_bytes_and_prediction(
    images: list[Any], model: DeepModel, tiny: Any, tmp_path: Path
) -> None:
    again = fine_tune(images, LABELS, tiny, epochs=1, label_name="is_hollow")
    saved = save_deep_model(model, tmp_path / "a.ellimodel")
    save_deep_model(again, tmp_path / "b.ellimodel")
    assert (tmp_path / "a.ellimodel").read_bytes() == (tmp_path / "b.ellimodel").read_bytes()
    read = load_classifier(tmp_path / "a.ellimodel")
    assert isinstance(read, DeepModel)
    assert (read.version, read.classes, read.label_name) == (saved.version, [0, 1], "is_hollow")
    assert read.provenance == model.provenance
    for image in images[:3]:
        one, two = model.predict(image), read.predict(image)
        assert one.probabilities == two.probabilities
        assert one.probability == one.probabilities[1]
        assert sum(one.probabilities.values()) == pytest.approx(1)
    other = fine_tune(images, LABELS, tiny, epochs=1, seed=1)
    assert other.predict(images[0]).probabilities != model.predict(images[0]).probabilities


def test_the_file_around_the_cell_does_not_matter(model: DeepModel) -> None:
    image = cell(50, True)
    expected = model.predict(image).probability
    padded = np.pad(image, ((30, 9), (4, 41)), constant_values=300)
    variants = {"padded": padded, "8 bit": (image / 16).astype(np.uint8), "gain": image * np.uint16(7) + 900}
    shown = window(cut_cell(image, measure_image(image).mask), 80.0, 32)
    for name, values in variants.items():
        other = window(cut_cell(values, measure_image(values).mask), 80.0, 32)
        assert np.abs(other - shown).mean() < 0.01 * shown.mean(), name
        assert model.predict(values).probability == pytest.approx(expected, abs=0.02), name


def test_a_cell_keeps_its_size_in_micrometres_and_its_place_does_not_matter() -> None:
    image = cell(3, True)
    mask = image > 700
    shown = window(cut_cell(image, mask, 0.5), 50.0, 64)
    moved = np.roll(image, (5, -7), (0, 1))
    np.testing.assert_array_equal(shown, window(cut_cell(moved, moved > 700, 0.5), 50.0, 64))
    finer = np.kron(image, np.ones((2, 2), np.uint16))
    as_fine = window(cut_cell(finer, finer > 700, 0.25), 50.0, 64)
    assert as_fine.mean() == pytest.approx(shown.mean(), rel=0.03)
    larger = window(cut_cell(image, mask, 1.0), 50.0, 64)
    assert larger.mean() > 3 * shown.mean()
    assert window(cut_cell(image, np.zeros_like(mask)), 50.0, 8).max() == 0


def test_pixel_sizes_are_used_and_doubted(images: list[Any], tiny: Any) -> None:
    model = fine_tune(images, LABELS, tiny, epochs=1, pixel_sizes_um=[0.5] * N)
    assert (model.unit, model.pixel_size_um) == ("um", 0.5)
    assert model.predict(images[0], 0.5).warnings == []
    assert "no pixel size" in model.predict(images[0]).warnings[0]
    assert any("A pixel is 2 µm here" in text for text in model.predict(images[0], 2.0).warnings)
    assert any("larger than those" in text for text in model.predict(images[0], 2.0).warnings)


def test_no_cell_is_a_warning(model: DeepModel) -> None:
    assert "No cell was found" in model.predict(np.full((40, 40), 7, np.uint16)).warnings[0]


def test_a_folder_is_trained_on_image_by_image(images: list[Any], tiny: Any, tmp_path: Path) -> None:
    import tifffile

    files = [f"{i:03d}.tif" for i in range(N)]
    for file, image in zip(files, images, strict=True):
        tifffile.imwrite(tmp_path / file, image)
    table = pd.DataFrame({"file": files, "label": LABELS, "group": [""] * N})
    model = fine_tune_folder(tmp_path, Labels("is_hollow", table), tiny, epochs=1)
    same = fine_tune(images, LABELS, tiny, epochs=1)
    assert model.predict(images[0]).probabilities == same.predict(images[0]).probabilities
    assert len(model.provenance["inputs_sha256"]) == N


def test_groups_stay_together(images: list[Any], tiny: Any) -> None:
    with pytest.raises(SettingError, match="at least two different images"):
        fine_tune(images, LABELS, tiny, epochs=1, groups=["one" if label else "" for label in LABELS])
    copies = [images[0] if label else image for image, label in zip(images, LABELS, strict=True)]
    with pytest.raises(SettingError, match="at least two different images"):
        fine_tune(copies, LABELS, tiny, epochs=1)


def test_training_can_be_stopped_and_wrong_input_is_told(images: list[Any], tiny: Any) -> None:
    class Stop(Exception):
        pass

    def stop(*step: Any) -> None:
        if step[2].startswith("fine-tuning"):
            raise Stop

    with pytest.raises(Stop):
        fine_tune(images, LABELS, tiny, on_progress=stop)
    with pytest.raises(SettingError, match="equally many"):
        fine_tune(images, LABELS[1:], tiny)
    with pytest.raises(SettingError, match="1 epoch or more"):
        fine_tune(images, LABELS, tiny, epochs=0)
    with pytest.raises(SettingError, match="label two or more classes"):
        fine_tune(images, [1] * N, tiny)


def test_damaged_files_are_told(model: DeepModel, tmp_path: Path) -> None:
    path = tmp_path / "cells.ellimodel"
    save_deep_model(model, path)
    whole = path.read_bytes()
    for cut in (0, 100, len(whole) // 2, len(whole) - 40):
        path.write_bytes(whole[:cut])
        with pytest.raises(ReadError, match=r"cells\.ellimodel .*(damaged|no network|was changed).*train"):
            load_deep_model(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("network.json", '{"kind": "something"}')
    with pytest.raises(ReadError, match="train"):
        load_classifier(path)


def test_facts_that_do_not_fit_the_tensors_are_told(model: DeepModel, tmp_path: Path) -> None:
    path = tmp_path / "cells.ellimodel"
    for change in ({"classes": [0, 1, 2]}, {"architecture": {"family": "os"}}, {"side_px": 10**9}):
        save_deep_model(model, path)
        _change(path, change)
        with pytest.raises(ReadError, match=r"The model .*cells\.ellimodel is damaged"):
            load_deep_model(path)


def _change(path: Path, change: dict[str, Any]) -> None:
    import json

    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["network.json"] = json.dumps({**json.loads(parts["network.json"]), **change}).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def test_varied_windows_are_turned_and_dimmed_only(torch: Any) -> None:
    y, x = np.mgrid[:32, :32] - 15.5
    disc = np.clip(12 - np.hypot(y, x), 0, 1).astype(np.float32) * 0.5
    with seeded_torch(0):
        varied = deep_training.varied(torch.from_numpy(np.stack([disc] * 6))).numpy()
    gains = varied[:, 16, 16] / 0.5
    assert ((gains >= 0.8) & (gains <= 1.25)).all()
    assert np.ptp(gains) > 0.01
    assert np.abs(varied / gains[:, None, None] - disc).mean() < 0.01
    half = torch.from_numpy(np.stack([disc * (x > 0)] * 6).astype(np.float32))
    with seeded_torch(0):
        turned = deep_training.varied(half).numpy()
    assert np.abs(turned[0] / turned[0].max() - turned[1] / turned[1].max()).max() > 0.5
