"""Small networks with random weights; without torch all but the test of the message is skipped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

TINY_RESNET = {"family": "resnet", "embedding_size": 8, "hidden_sizes": [16, 32], "depths": [1, 1]}


@pytest.fixture
def torch() -> Iterator[Any]:
    """The module torch, on one thread."""
    module = pytest.importorskip("torch", reason='needs the extra "deep": pip install "ellimaps[deep]"')
    pytest.importorskip("transformers", reason='needs the extra "deep": pip install "ellimaps[deep]"')
    threads = module.get_num_threads()
    module.set_num_threads(1)
    yield module
    module.set_num_threads(threads)


@pytest.fixture
def tiny(torch: Any) -> Any:  # noqa: ARG001
    """A backbone small enough to train in a test."""
    from ellimaps.deep.architectures import build_random
    from ellimaps.deep.backbones import Backbone

    return Backbone("tiny", TINY_RESNET, build_random(TINY_RESNET, 0).eval(), "seed 0", side_px=32)
