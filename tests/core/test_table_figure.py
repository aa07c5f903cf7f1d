"""Tables as figures: every word stands there, within the page and beside the others."""

from __future__ import annotations

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg

from ellimaps.core.figures import figure_png, figure_svg
from ellimaps.core.table_figure import table_figure

TABLE = pd.DataFrame(
    {
        "Compound": ["Brightener", "Inert $A$"],
        "Changes cells": [True, False],
        "How": ["brighter in ch2 (+19.8 sd), " * 5, "no change beyond chance"],
        "q": [7.5e-5, float("nan")],
    }
)


def test_every_word_lies_on_the_page_and_on_no_other():
    figure = table_figure(TABLE, "Compounds")
    canvas = FigureCanvasAgg(figure)
    figure_png(figure)
    boxes = [text.get_window_extent(canvas.get_renderer()) for text in figure.texts if text.get_text()]
    page = figure.bbox
    assert len(boxes) == 1 + 4 + 8 - 1
    for number, box in enumerate(boxes):
        assert box.x0 >= page.x0
        assert box.x1 <= page.x1
        assert box.y0 >= page.y0
        assert box.y1 <= page.y1
        assert not any(box.overlaps(other) for other in boxes[:number])


def test_the_same_table_gives_the_same_svg_with_its_words():
    svg = figure_svg(table_figure(TABLE, "Compounds"))
    assert svg == figure_svg(table_figure(TABLE, "Compounds"))
    for text in ("Compounds", "Changes cells", "Inert $A$", "yes", "7.5e-05"):
        assert text in svg
    assert "nan" not in svg


def test_what_a_page_does_not_hold_is_said():
    large = pd.DataFrame([[1.0] * 20] * 80, columns=[f"feature {number}" for number in range(20)])
    said = [text.get_text() for text in table_figure(large).texts]
    assert said[-1] == "The first 60 of 80 rows and 12 of 20 columns."
    assert "feature 11" in said
    assert "feature 12" not in said
