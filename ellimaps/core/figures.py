"""Figures as files, all at one resolution."""

from __future__ import annotations

import io
import re
from typing import Any


def figure_png(figure: Any) -> bytes:
    """Return a figure as PNG bytes; the same figure gives the same bytes."""
    # 110 dots an inch: the widest figures fill a screen, below half a megabyte.
    buffer = io.BytesIO()
    figure.savefig(
        buffer, format="png", dpi=110, metadata={"Software": None}, pil_kwargs={"compress_level": 3}
    )
    return buffer.getvalue()


def figure_svg(figure: Any) -> str:
    """Return a figure as the SVG element of a page; the same figure gives the same text."""
    import matplotlib as mpl

    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "ellimaps", "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    # The metadata name addresses, which a page that needs nothing else should not.
    return re.sub(r"\s*<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
