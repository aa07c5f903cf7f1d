"""Axes of charts, and that pages show charts in one way alone."""

from __future__ import annotations

import re

import altair as alt
import pandas as pd
import pytest
import streamlit as st
from conftest import ROOT

from ellimaps.ui.shared.charts import chart_specification, log_ticks, show_chart, title_of


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (1, 100, [1, 10, 100]),
        (0.8, 20, [1, 2, 5, 10, 20]),
        (1, 250_000, [1, 10, 100, 1000, 10_000, 100_000]),
        (0.02, 2e6, [1, 100, 10_000, 1e6]),
        (1.2, 1.9, []),
    ],
)
def test_log_axes_have_round_ticks_and_few(low, high, ticks):
    assert log_ticks(low, high) == pytest.approx(ticks)


def test_every_log_axis_has_them_from_its_first_to_its_last_decade():
    for power in range(1, 9):
        ticks = log_ticks(1, 3 * 10.0**power)
        assert 3 <= len(ticks) <= 6
        assert ticks[0] == 1


def test_a_chart_is_called_by_its_title():
    chart = alt.Chart(pd.DataFrame({"x": [1]})).mark_point().properties(title="Clusters")
    assert title_of(chart_specification(chart)) == "Clusters"
    assert title_of({}) == ""


@pytest.mark.parametrize(
    ("title", "said"),
    [({"title": "thickness (nm)"}, "thickness (nm) over wavelength"), ({}, "value over wavelength")],
)
def test_a_chart_without_a_title_is_said_by_its_axes(title, said, monkeypatch):
    told = []
    monkeypatch.setattr(st, "vega_lite_chart", lambda *_, alt: told.append(alt))
    axis = alt.Y("value:Q", **title)
    line = alt.Chart(pd.DataFrame({"nm": [1], "value": [2]})).mark_line()
    show_chart(alt.layer(line.encode(x=alt.X("nm:Q", title="wavelength"), y=axis), line))
    show_chart(line, alt="A line")
    assert told == [said, "A line"]


def test_pages_show_charts_by_the_one_way_that_saves_them():
    shown = re.compile(r"\.(altair_chart|vega_lite_chart|line_chart|bar_chart|pyplot)\(")
    files = sorted((ROOT / "ellimaps" / "ui").rglob("*.py"))
    found = [path.name for path in files if shown.search(path.read_text(encoding="utf-8"))]
    assert found == ["charts.py"]
