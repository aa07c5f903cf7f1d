"""What is said where torch is not installed."""

from __future__ import annotations

import sys

import pytest

from ellimaps.core.errors import MissingExtraError
from ellimaps.deep import load_backbone


def test_without_torch_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r'pip install "ellimaps\[deep\]"'):
        load_backbone("resnet50", seeded=0)
