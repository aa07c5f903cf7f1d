"""Figures as files, all at one resolution."""

from __future__ import annotations

import io
from typing import Any

_FIGURE_DPI = 110


def figure_png(figure: Any) -> bytes:
    """Return a figure as PNG bytes; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    figure.savefig(
        buffer, format="png", dpi=_FIGURE_DPI, metadata={"Software": None}, pil_kwargs={"compress_level": 3}
    )
    return buffer.getvalue()
