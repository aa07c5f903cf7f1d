"""Figures as files, all at one resolution."""

from __future__ import annotations

import io
import re
from typing import Any


def figure_png(figure: Any) -> bytes:
    """Return a figure as PNG bytes; the same figure gives the same bytes."""
    _show_names(figure)
    # 110 dots an inch: the widest figures fill a screen, below half a megabyte.
    buffer = io.BytesIO()
    figure.savefig(
        buffer, format="png", dpi=110, metadata={"Software": None}, pil_kwargs={"compress_level": 3}
    )
    return buffer.getvalue()


def figure_svg(figure: Any) -> str:
    """Return a figure as the SVG element of a page; the same figure gives the same text."""
    import matplotlib as mpl

    _show_names(figure)
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "ellimaps", "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    # The metadata name addresses, which a page that needs nothing else should not.
    return re.sub(r"\s*<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)


def _show_names(figure: Any) -> None:
    """Draw texts as they are written, names with dollars too; powers of ten on an axis are formulas."""
    from matplotlib.text import Text
    from matplotlib.ticker import LogFormatter

    axes = [axis for one in figure.axes for axis in (one.xaxis, one.yaxis)]
    powers = [axis for axis in axes if isinstance(axis.get_major_formatter(), LogFormatter)]
    ticks = [tick for axis in powers for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())]
    formulas = {id(text) for tick in ticks for text in (tick.label1, tick.label2)}
    for text in figure.findobj(Text):
        text.set_parse_math(id(text) in formulas)
