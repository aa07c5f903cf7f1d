"""What tests of the readers share: a small measurement."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.ep4_tools import write_small


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A wavelength series of 3 x 2 maps of 6 x 8 pixels."""
    return write_small(tmp_path / "film")
