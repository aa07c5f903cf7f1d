"""Architectures of the networks, as JSON-able settings and as modules of torch without trained weights.

References
----------
He et al. 2016, doi:10.1109/CVPR.2016.90 (ResNet); Tan and Le 2019, arXiv:1905.11946 (EfficientNet);
Oquab et al. 2024, arXiv:2304.07193 (DINOv2); Simonyan and Zisserman 2015, arXiv:1409.1556 (VGG).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ellimaps.deep.libraries import seeded_torch, torch_library, transformers_library

Architecture = Mapping[str, Any]
"""``family`` and the sizes of its layers; what a model file keeps to build the network again."""


@dataclass(frozen=True)
class Known:
    """A published network.

    Attributes
    ----------
    architecture : mapping
        Its family and sizes.
    repository : str
        Where the Hugging Face hub has its weights; empty where it has none in this layout.
    torch_files : tuple of str
        Names its weights have in the cache of torch.
    """

    architecture: Architecture
    repository: str = ""
    torch_files: tuple[str, ...] = ()


# Simonyan and Zisserman 2015, arXiv:1409.1556, table 1, column E; 0 is a pooling layer.
_VGG19_WIDTHS = (64, 64, 0, 128, 128, 0, *(256,) * 4, 0, *(512,) * 4, 0, *(512,) * 4, 0)

# Names and sizes as their publishers give them.
KNOWN: dict[str, Known] = {
    "resnet50": Known(
        {"family": "resnet"}, "microsoft/resnet-50", ("resnet50-11ad3fa6.pth", "resnet50-0676ba61.pth")
    ),
    "efficientnet-b0": Known(
        {
            "family": "efficientnet",
            "image_size": 224,
            "width_coefficient": 1.0,
            "depth_coefficient": 1.0,
            "hidden_dim": 1280,
        },
        "google/efficientnet-b0",
    ),
    "dinov2-small": Known(
        {"family": "dinov2", "hidden_size": 384, "num_attention_heads": 6, "image_size": 518},
        "facebook/dinov2-small",
    ),
    "vgg19": Known(
        {"family": "vgg", "widths": list(_VGG19_WIDTHS), "grid": 7, "hidden": 4096},
        torch_files=("vgg19-dcbb9e9d.pth",),
    ),
}

_MODULES = {
    "resnet": ("ResNetConfig", "ResNetModel"),
    "efficientnet": ("EfficientNetConfig", "EfficientNetModel"),
    "dinov2": ("Dinov2Config", "Dinov2Model"),
}
FAMILIES = (*_MODULES, "vgg")


def build(architecture: Architecture) -> Any:
    """Return the network of an architecture, its weights not yet of use."""
    sizes = dict(architecture)
    family = sizes.pop("family")
    if family == "vgg":
        return _vgg(**sizes)
    transformers = transformers_library()
    config, module = (getattr(transformers, name) for name in _MODULES[family])
    return module(config(**sizes))


def build_random(architecture: Architecture, seed: int) -> Any:
    """Return the network with random weights that keep the scale of the values from layer to layer."""
    torch = torch_library()
    with seeded_torch(seed):
        network = build(architecture)
        for module in network.modules():
            if isinstance(module, torch.nn.Conv2d):
                torch.nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
            elif isinstance(module, torch.nn.BatchNorm2d):
                module.reset_parameters()
    return network


def pooled(network: Any, architecture: Architecture, inputs: Any) -> Any:
    """Return the layer before the classifier, a tensor (image, feature).

    ResNet and EfficientNet: the mean of the last maps; DINOv2: the class token; VGG: the second hidden layer.
    """
    if architecture["family"] == "vgg":
        return network(inputs)
    output = network(pixel_values=inputs)
    if architecture["family"] == "dinov2":
        return output.pooler_output
    return output.last_hidden_state.mean(dim=(2, 3))


def _vgg(widths: list[int], grid: int, hidden: int) -> Any:
    """Return VGG up to its second hidden layer, its parts named as in torchvision; width 0 is a pool."""
    nn = torch_library().nn
    layers: list[Any] = []
    channels = 3
    for width in widths:
        if width == 0:
            layers.append(nn.MaxPool2d(2, 2))
            continue
        layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
        channels = width
    flat = channels * grid * grid
    classifier = [
        nn.Linear(flat, hidden),
        nn.ReLU(True),
        nn.Dropout(),
        nn.Linear(hidden, hidden),
        nn.ReLU(True),
    ]
    return nn.Sequential(
        OrderedDict(
            features=nn.Sequential(*layers),
            avgpool=nn.AdaptiveAvgPool2d(grid),
            flatten=nn.Flatten(),
            classifier=nn.Sequential(*classifier),
        )
    )
