"""Every test of sensor logs has a cache of its own."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """The folder of the stores."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("ELLIMAPS_CACHE", str(folder))
    return folder
