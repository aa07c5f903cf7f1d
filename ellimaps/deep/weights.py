"""Weights of networks from files: where they may be, and their names in the layouts they are published in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ellimaps.core.errors import ReadError
from ellimaps.core.reach import refuse_outside
from ellimaps.deep.architectures import Known
from ellimaps.deep.libraries import torch_library

_FILE_NAMES = ("model.safetensors", "pytorch_model.bin")
_SUFFIXES = (".safetensors", ".bin", ".pth", ".pt")
_MAY_BE_ABSENT = ("num_batches_tracked", "mask_token")
_HEADS = re.compile(r"(classifier\.(\d+\.)?|fc\.)(weight|bias)")
_PREFIXES = re.compile(r"^(module\.)?(resnet\.|efficientnet\.|dinov2\.)?")

_RESNET_NAMES = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"^conv1\.", "embedder.embedder.convolution."),
        (r"^bn1\.", "embedder.embedder.normalization."),
        (r"\.downsample\.0\.", ".shortcut.convolution."),
        (r"\.downsample\.1\.", ".shortcut.normalization."),
    )
]
_RESNET_STAGE = re.compile(r"^layer(\d)\.(\d+)\.")
_RESNET_LAYER = re.compile(r"\.(conv|bn)(\d)\.")


def find_weights(name: str, known: Known, weights: str | Path | None) -> Path:
    """Return the file that holds a network's weights: the one given, or one in a cache of the libraries.

    Raises
    ------
    ReadError
        If there is none; the message says what to do.
    """
    if weights is None:
        return _cached(name, known)
    path = Path(weights)
    if path.is_file():
        return path
    if not path.is_dir():
        raise ReadError(f"The weights {path} do not exist: give a .safetensors or .pth file, or its folder.")
    named = [path / file for file in _FILE_NAMES if (path / file).is_file()]
    found = named[:1] or sorted(file for file in path.iterdir() if file.suffix in _SUFFIXES)
    if len(found) != 1:
        raise ReadError(
            f"The folder {path} holds {len(found)} files of weights: give the one of {name} itself."
        )
    return found[0]


def read_weights(path: Path) -> dict[str, Any]:
    """Return the tensors of a file by name; nothing in the file is executed.

    Raises
    ------
    ReadError
        If it is damaged or holds other things than tensors.
    """
    from safetensors.torch import load_file

    # Its library opens it, and Python does not see it.
    refuse_outside(path)
    try:
        if path.suffix == ".safetensors":
            tensors = load_file(path)
        else:
            tensors = torch_library().load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ReadError(f"The weights {path} cannot be read: {error.strerror or error}.") from error
    # Whatever the libraries trip over in foreign bytes, the answer is the same.
    except Exception as error:
        raise ReadError(
            f"{path} is no file of weights or is damaged: give .safetensors, or .pth that holds tensors only."
        ) from error
    if not isinstance(tensors, Mapping):
        raise ReadError(f"{path} holds no table of tensors: save the network's state dictionary.")
    return {str(key): value for key, value in tensors.items() if hasattr(value, "shape")}


def put_weights(network: Any, tensors: Mapping[str, Any], name: str, path: Path) -> None:
    """Put tensors into a network, whatever published layout their names follow.

    Parameters
    ----------
    network : torch.nn.Module
        To be changed.
    tensors : mapping of str to tensor
        Of `read_weights`.
    name, path : str, Path
        The network's name and the tensors' file, for the message.

    Raises
    ------
    ReadError
        If they are another network's.
    """
    wanted = network.state_dict()
    renamed = {_own_name(key, wanted): value for key, value in tensors.items()}
    given = {key: value for key, value in renamed.items() if key in wanted}
    missing = [key for key in wanted if key not in given and not key.endswith(_MAY_BE_ABSENT)]
    foreign = [key for key in renamed if key not in wanted and not _HEADS.fullmatch(key)]
    misshapen = [key for key, value in given.items() if value.shape != wanted[key].shape]
    wrong = [*missing, *misshapen, *foreign]
    if wrong:
        raise ReadError(
            f"{path} does not hold the weights of {name} ({len(wrong)} of its tensors do not fit, first "
            f"{wrong[0]:.80}): give those of {name} in the layout of transformers or torchvision."
        )
    network.load_state_dict(given, strict=False)


def _cached(name: str, known: Known) -> Path:
    from huggingface_hub import try_to_load_from_cache

    if known.repository:
        for file in _FILE_NAMES:
            path = try_to_load_from_cache(known.repository, file)
            if isinstance(path, str):
                return Path(path)
    folder = Path(torch_library().hub.get_dir()) / "checkpoints"
    for file in known.torch_files:
        if (folder / file).is_file():
            return folder / file
    source = (
        f"{_FILE_NAMES[0]} of {known.repository}"
        if known.repository
        else f"{known.torch_files[0]} of torchvision"
    )
    raise ReadError(
        f"There are no weights of {name} here, and none are downloaded: fetch {source} where there is a "
        "network, and give its path as the weights."
    )


def _own_name(key: str, wanted: Mapping[str, Any]) -> str:
    """Return a tensor's name in our network."""
    if key in wanted:
        return key
    key = _PREFIXES.sub("", key)
    if "embedder.embedder.convolution.weight" in wanted:
        return _from_torchvision_resnet(key)
    return key


def _from_torchvision_resnet(key: str) -> str:
    key = _RESNET_STAGE.sub(lambda m: f"encoder.stages.{int(m[1]) - 1}.layers.{m[2]}.", key)
    for pattern, replacement in _RESNET_NAMES:
        key = pattern.sub(replacement, key)
    parts = {"conv": "convolution", "bn": "normalization"}
    return _RESNET_LAYER.sub(lambda m: f".layer.{int(m[2]) - 1}.{parts[m[1]]}.", key)
