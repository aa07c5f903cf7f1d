"""A table as a figure, for slides and notebooks; a CSV has all of it."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS, MOST_COLUMNS = 60, 12
"""What a page holds in letters that are read; the figure says what is left out."""

_WIDEST = 48
"""Letters of a column; longer texts take several lines."""
_LETTER_IN, _LINE_IN, _GAP_IN, _FONT_PT = 0.075, 0.17, 0.15, 8
"""Inches of a wide letter and of a line at this size, and between columns."""


def table_figure(table: pd.DataFrame, title: str = "") -> Any:
    """Draw a table.

    Parameters
    ----------
    table : DataFrame
        Its columns are named as they are to be read; numbers are given four digits, what is missing none.
    title : str
        Above it.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    seen = table.iloc[:MOST_ROWS, :MOST_COLUMNS]
    texts = [[_wrapped(name) for name in seen.columns]]
    texts += [[_wrapped(_text(value)) for value in row] for row in seen.itertuples(index=False, name=None)]
    widths = [max(_widest(row[number]) for row in texts) for number in range(seen.shape[1])]
    lefts = _GAP_IN + np.cumsum([0.0, *(_LETTER_IN * width + _GAP_IN for width in widths)])
    heights = [_LINE_IN * max(text.count("\n") + 1 for text in row) + 0.06 for row in texts]
    note = _left_out(table)
    width = max(float(lefts[-1]), _LETTER_IN * max(len(title) + 4, len(note)) + 2 * _GAP_IN, 2.0)
    total = sum(heights) + 0.5 + (0.25 if note else 0.0)
    figure = Figure(figsize=(width, total))

    def write(text: str, left: float, top: float, weight: str = "normal") -> None:
        figure.text(left / width, 1 - top / total, text, va="top", fontsize=_FONT_PT, weight=weight)

    write(title, _GAP_IN, 0.1, "bold")
    top = 0.35
    for number, (row, height) in enumerate(zip(texts, heights, strict=True)):
        for left, text in zip(lefts, row, strict=False):
            write(text, float(left), top, "normal" if number else "bold")
        top += height
    write(note, _GAP_IN, top + 0.05)
    return figure


def _text(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float | np.floating):
        return f"{value:.4g}" if np.isfinite(value) else ""
    return "" if value is None else str(value)


def _wrapped(text: Any) -> str:
    return "\n".join(textwrap.wrap(str(text), _WIDEST)) or str(text)


def _widest(text: str) -> int:
    return max(map(len, text.split("\n")))


def _left_out(table: pd.DataFrame) -> str:
    said = [
        f"{most} of {count:,} {noun}"
        for count, most, noun in zip(table.shape, (MOST_ROWS, MOST_COLUMNS), ("rows", "columns"), strict=True)
        if count > most
    ]
    return f"The first {' and '.join(said)}." if said else ""
