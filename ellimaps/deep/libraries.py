"""The libraries of the extra ``deep``, imported where they are used."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ellimaps.core.errors import MissingExtraError


def torch_library() -> Any:
    """Return the module ``torch``.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    return _library("torch")


def transformers_library() -> Any:
    """Return the module ``transformers``.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    return _library("transformers")


@contextmanager
def seeded_torch(seed: int) -> Iterator[None]:
    """Return a context in which torch draws from a seed; what it drew from before goes on afterwards."""
    torch = torch_library()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingExtraError(
            f'Deep networks need {name} of the extra "deep": pip install "ellimaps[deep]".'
        ) from error
