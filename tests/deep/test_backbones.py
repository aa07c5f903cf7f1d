"""Networks from files, caches and seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ellimaps.core.errors import ReadError, SettingError
from ellimaps.deep import BACKBONES, channel_limits, load_backbone, penultimate
from ellimaps.deep.architectures import KNOWN, Architecture, build, build_random
from ellimaps.deep.weights import put_weights, read_weights

WIDTH = {"resnet50": 2048, "efficientnet-b0": 1280, "dinov2-small": 384, "vgg19": 4096}
pytestmark = pytest.mark.usefixtures("torch")

DEEPER_RESNET = {"family": "resnet", "embedding_size": 8, "hidden_sizes": [16, 32], "depths": [1, 3]}
TINY_VGG = {"family": "vgg", "widths": [4, 0, 8, 0], "grid": 2, "hidden": 12}


def empty(architecture: Architecture) -> Any:
    """Return a network without memory for its weights: for their names and shapes."""
    import torch

    with torch.device("meta"):
        return build(architecture)


def image(seed: int = 0, shape: tuple[int, ...] = (40, 40)) -> Any:
    return np.random.default_rng(seed).integers(100, 4000, shape).astype(np.uint16)


@pytest.mark.parametrize("name", ["efficientnet-b0", "dinov2-small", "resnet50"])
def test_seeded_features_have_the_published_width_and_tell_images_apart(name: str) -> None:
    backbone = load_backbone(name, seeded=1)
    features = penultimate(backbone, [image(0), image(1)[:20], np.zeros((8, 8), np.uint8)])
    assert features.shape == (3, WIDTH[name])
    assert features.dtype == np.float32
    assert np.isfinite(features).all()
    assert np.abs(features[0] - features[1]).max() > 1e-3
    assert not backbone.network.training


def test_vgg19_has_the_tensors_torchvision_publishes() -> None:
    shapes = {
        key: tuple(value.shape) for key, value in empty(KNOWN["vgg19"].architecture).state_dict().items()
    }
    convolutions = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]
    assert [key for key in shapes if key.endswith("weight")] == [
        *(f"features.{i}.weight" for i in convolutions),
        "classifier.0.weight",
        "classifier.3.weight",
    ]
    assert shapes["features.34.weight"] == (512, 512, 3, 3)
    assert shapes["classifier.0.weight"] == (4096, 25088)
    # 143,667,240 are published, of them 4,097,000 of the last layer.
    assert sum(int(np.prod(shape)) for shape in shapes.values()) == 143_667_240 - 4_097_000


@pytest.mark.parametrize(
    ("name", "millions"), [("resnet50", 23.508), ("efficientnet-b0", 4.008), ("dinov2-small", 22.057)]
)
def test_networks_have_as_many_weights_as_published(name: str, millions: float) -> None:
    n = sum(parameter.numel() for parameter in empty(KNOWN[name].architecture).parameters())
    assert n / 1e6 == pytest.approx(millions, abs=5e-4)


def test_same_seed_same_weights_and_the_global_seed_is_left_alone(torch: Any) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    first, second, other = (build_random(TINY_VGG, seed).state_dict() for seed in (3, 3, 4))
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not torch.equal(first["features.0.weight"], other["features.0.weight"])


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_weights_come_back_from_a_file_or_its_folder(
    torch: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, suffix: str
) -> None:
    from safetensors.torch import save_file

    known = KNOWN["vgg19"]
    monkeypatch.setitem(KNOWN, "vgg19", type(known)(TINY_VGG))
    tensors = {**build_random(TINY_VGG, 5).state_dict(), "classifier.6.weight": torch.zeros(2, 12)}
    path = tmp_path / f"mine{suffix}"
    save_file(tensors, path) if suffix == ".safetensors" else torch.save(tensors, path)
    seeded = penultimate(load_backbone("vgg19", seeded=5), [image()])
    for given in (path, tmp_path):
        backbone = load_backbone("vgg19", given)
        assert backbone.weights.startswith("sha256:")
        np.testing.assert_array_equal(penultimate(backbone, [image()]), seeded)


def test_names_of_torchvision_and_of_a_classifier_of_transformers_fit(torch: Any) -> None:
    own = build_random(DEEPER_RESNET, 0)
    tensors = own.state_dict()
    for rename in (_as_torchvision, lambda key: f"resnet.{key}"):
        other = build_random(DEEPER_RESNET, 1)
        named = {rename(key): value for key, value in tensors.items()}
        put_weights(other, {**named, "fc.weight": torch.zeros(5, 32)}, "resnet50", Path("file"))
        assert all(torch.equal(value, tensors[key]) for key, value in other.state_dict().items())
    assert _as_torchvision("encoder.stages.2.layers.5.layer.1.normalization.bias") == "layer3.5.bn2.bias"


def _as_torchvision(key: str) -> str:
    """torchvision's name of a tensor of transformers' ResNet, word by word."""
    words = key.split(".")
    if words[0] == "embedder":
        return f"{'conv1' if words[2] == 'convolution' else 'bn1'}.{words[-1]}"
    stage, block = int(words[2]) + 1, words[4]
    if words[5] == "shortcut":
        return f"layer{stage}.{block}.downsample.{int(words[6] == 'normalization')}.{words[-1]}"
    part = "conv" if words[7] == "convolution" else "bn"
    return f"layer{stage}.{block}.{part}{int(words[6]) + 1}.{words[-1]}"


def test_another_networks_weights_are_refused(torch: Any, tmp_path: Path) -> None:
    path = tmp_path / "vgg.pth"
    torch.save(build_random(TINY_VGG, 0).state_dict(), path)
    with pytest.raises(
        ReadError, match=r"vgg\.pth does not hold the weights of efficientnet-b0 .*give those"
    ):
        load_backbone("efficientnet-b0", path)


def test_a_file_that_would_run_code_or_is_damaged_is_refused(torch: Any, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"a": Trap()}, tmp_path / "trap.pth")
    (tmp_path / "cut.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{")
    (tmp_path / "text.pth").write_text("no weights")
    for name in ("trap.pth", "cut.safetensors", "text.pth"):
        with pytest.raises(ReadError, match=rf"{name} is no file of weights"):
            read_weights(tmp_path / name)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", BACKBONES)
def test_no_weights_says_what_to_fetch(
    torch: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(ReadError, match=rf"no weights of {name} here.*fetch .* give its path"):
        load_backbone(name)


def test_unknown_names_and_contradictions_are_settings_errors(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="choose one of resnet50"):
        load_backbone("alexnet", seeded=0)
    with pytest.raises(SettingError, match="give one of them"):
        load_backbone("resnet50", tmp_path, seeded=0)
    with pytest.raises(ReadError, match="holds 0 files of weights"):
        load_backbone("resnet50", tmp_path)


def test_features_do_not_depend_on_depth_offset_or_gain(tiny: Any) -> None:
    values = image(2, (3, 48, 40))
    features = penultimate(tiny, [values, values * 3 + 50, values.astype(np.float32) / 7 - 20])
    np.testing.assert_allclose(features[1:], features[[0, 0]], atol=1e-4)


def test_channels_stand_one_after_the_other(tiny: Any) -> None:
    values = image(3, (3, 32, 32))
    features = penultimate(tiny, [values], batch_size=2)
    alone = [penultimate(tiny, [channel])[0] for channel in values]
    np.testing.assert_allclose(features[0], np.concatenate(alone), atol=1e-5)


def test_shared_limits_keep_brightness(tiny: Any) -> None:
    values = image(4)[None]
    bright, dim = penultimate(tiny, [values, values // 2], channel_limits(values))
    assert np.abs(bright - dim).max() > 1e-2


def test_not_measured_is_black(tiny: Any) -> None:
    values = image(5).astype(np.float32)
    limits = channel_limits(values[None])
    values[:, :10] = np.nan
    black = np.where(np.isnan(values), limits[0, 0], values)
    np.testing.assert_allclose(*penultimate(tiny, [values, black], limits), atol=1e-6)
    assert np.isfinite(penultimate(tiny, [np.full((9, 9), np.nan)])).all()


def test_another_number_of_channels_is_told(tiny: Any) -> None:
    with pytest.raises(SettingError, match="Image 1 has 2 channels and not 3"):
        penultimate(tiny, [image(0, (3, 8, 8)), image(0, (2, 8, 8))])
    with pytest.raises(SettingError, match="no \\(channel, y, x\\)"):
        penultimate(tiny, [np.zeros((0, 4))])


def test_weights_are_found_in_the_caches(torch: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    known = KNOWN["vgg19"]
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setitem(KNOWN, "vgg19", type(known)(TINY_VGG, "some/vgg", known.torch_files))
    checkpoint = tmp_path / "checkpoints" / "vgg19-dcbb9e9d.pth"
    snapshot = tmp_path / "models--some--vgg" / "snapshots" / "abc"
    for folder in (checkpoint.parent, snapshot, tmp_path / "models--some--vgg" / "refs"):
        folder.mkdir(parents=True)
    torch.save(build_random(TINY_VGG, 1).state_dict(), checkpoint)
    expected = penultimate(load_backbone("vgg19", seeded=1), [image()])
    np.testing.assert_array_equal(penultimate(load_backbone("vgg19"), [image()]), expected)
    (tmp_path / "models--some--vgg" / "refs" / "main").write_text("abc")
    torch.save(build_random(TINY_VGG, 2).state_dict(), snapshot / "pytorch_model.bin")
    expected = penultimate(load_backbone("vgg19", seeded=2), [image()])
    np.testing.assert_array_equal(penultimate(load_backbone("vgg19"), [image()]), expected)
