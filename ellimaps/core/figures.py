"""Figures as files, all at one resolution."""

from __future__ import annotations

import io
from typing import Any


def figure_png(figure: Any) -> bytes:
    """Return a figure as PNG bytes; the same figure gives the same bytes."""
    # 110 dots an inch: the widest figures fill a screen, below half a megabyte.
    buffer = io.BytesIO()
    figure.savefig(
        buffer, format="png", dpi=110, metadata={"Software": None}, pil_kwargs={"compress_level": 3}
    )
    return buffer.getvalue()
