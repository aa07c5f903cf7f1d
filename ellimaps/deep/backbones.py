"""Backbones: networks with weights, from a file, a cache or a seed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ellimaps.core.errors import SettingError
from ellimaps.deep.architectures import KNOWN, Architecture, build, build_random, pooled
from ellimaps.deep.libraries import torch_library
from ellimaps.deep.weights import find_weights, put_weights, read_weights

BACKBONES = tuple(KNOWN)
_SIDE_PX = 224
"""What all these networks were published with."""


@dataclass(frozen=True)
class Backbone:
    """A network without its classifier.

    Attributes
    ----------
    name : str
        Of the published network.
    architecture : mapping
        Family and sizes, JSON-able.
    network : torch.nn.Module
        In evaluation mode.
    weights : str
        Where they are from: ``seed 0``, or ``sha256:`` and the file's hash.
    side_px : int
        Side of the square it looks at.
    """

    name: str
    architecture: Architecture
    network: Any = field(repr=False)
    weights: str
    side_px: int = _SIDE_PX

    def features(self, inputs: Any) -> Any:
        """Return the penultimate layer of normalised inputs (image, 3, y, x) as a tensor (image, feature)."""
        return pooled(self.network, self.architecture, inputs)

    @property
    def dimension(self) -> int:
        """How many features an image has."""
        torch = torch_library()
        with torch.inference_mode():
            return int(self.features(torch.zeros(1, 3, self.side_px, self.side_px)).shape[1])


def load_backbone(name: str, weights: str | Path | None = None, seeded: int | None = None) -> Backbone:
    """Return a network with weights; nothing is ever downloaded.

    Parameters
    ----------
    name : str
        One of `BACKBONES`.
    weights : path, optional
        A .safetensors file, a .pth or .bin file that holds tensors only, or the folder of one. Without it,
        the caches of the Hugging Face hub and of torch are looked into.
    seeded : int, optional
        Random weights of this seed instead of trained ones.

    Raises
    ------
    SettingError
        If the name is unknown, or both weights and a seed are given.
    ReadError
        If there are no weights, or they are damaged or another network's.
    MissingExtraError
        If torch or transformers is not installed.
    """
    if name not in KNOWN:
        raise SettingError(f"There is no backbone {name!r}: choose one of {', '.join(BACKBONES)}.")
    if weights is not None and seeded is not None:
        raise SettingError("A backbone has either weights or a seed for random ones: give one of them.")
    architecture = KNOWN[name].architecture
    torch_library()
    if seeded is not None:
        return Backbone(name, architecture, build_random(architecture, seeded).eval(), f"seed {seeded}")
    path = find_weights(name, KNOWN[name], weights)
    tensors = read_weights(path)
    network = build(architecture)
    put_weights(network, tensors, name, path)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Backbone(name, architecture, network.eval(), f"sha256:{digest}")
