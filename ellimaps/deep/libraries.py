"""The libraries of the extra ``deep``, imported where they are used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ellimaps.core.extras import optional


def torch_library() -> Any:
    """Return the module ``torch``, or raise `MissingExtraError`."""
    return optional("torch", "deep", "Deep networks")


def transformers_library() -> Any:
    """Return the module ``transformers``, or raise `MissingExtraError`."""
    return optional("transformers", "deep", "Deep networks")


@contextmanager
def seeded_torch(seed: int) -> Iterator[None]:
    """Return a context in which torch draws from a seed; what it drew from before goes on afterwards."""
    torch = torch_library()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
