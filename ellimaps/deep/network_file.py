"""A network in a file: a zip of tensors (safetensors) and facts (JSON), the same each time."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

from ellimaps.core.archives import check_members
from ellimaps.core.errors import ReadError
from ellimaps.core.inputs import Source, as_input
from ellimaps.core.sums import check_seal, sealed
from ellimaps.deep.libraries import torch_library

TENSORS, FACTS = "network.safetensors", "network.json"
_MOST_TENSOR_BYTES = 1 << 30
"""VGG19, the largest of the networks, takes 0.56 GB up to its second hidden layer."""
_MOST_FACT_BYTES = 1 << 24
"""A model's facts list its training images: 16 MB are some 100,000 of them."""
_THEN = (1980, 1, 1, 0, 0, 0)
"""The first day that a zip can name: files that hold the same are the same."""


def pack(facts: Mapping[str, Any], tensors: Mapping[str, Any]) -> bytes:
    """Return the bytes of a network file; ``facts["kind"]`` says what it is."""
    torch_library()
    from safetensors.torch import save

    whole = {key: value.detach().clone().contiguous() for key, value in sorted(tensors.items())}
    parts = {
        FACTS: json.dumps(facts, indent=2, ensure_ascii=False, sort_keys=True).encode(),
        TENSORS: save(whole),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name, _THEN), content)
    return sealed(buffer.getvalue())


def unpack(source: Source, kind: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the facts and tensors of a network file; nothing in it is executed.

    Raises
    ------
    ReadError
        If it cannot be read, is damaged, too large or of another kind.
    MissingExtraError
        If torch is not installed.
    """
    torch_library()
    from safetensors.torch import load

    file = as_input(source)
    try:
        with file.open() as stream:
            check_seal(stream, str(file), "copy it again or train anew")
        with file.open() as stream, zipfile.ZipFile(stream) as archive:
            check_members(archive)
            facts = json.loads(_member(archive, FACTS, _MOST_FACT_BYTES))
            tensors = load(_member(archive, TENSORS, _MOST_TENSOR_BYTES))
    except ReadError:
        raise
    # Zip, JSON and safetensors each have errors of their own for foreign bytes; the answer is the same.
    except Exception as error:
        raise ReadError(f"{file} is damaged or holds no network: train it again.") from error
    if not isinstance(facts, dict) or facts.get("kind") != kind:
        raise ReadError(f"{file} holds no {kind}: give the file that training one wrote.")
    return facts, tensors


def _member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    with archive.open(name) as member:
        content = member.read(most + 1)
    if len(content) > most:
        raise ValueError(f"{name} is too large")
    return content
