"""The figures that leave as files."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.testing import assert_allclose

from ellimaps.core.stack import ImageStack
from ellimaps.maps.figures import segmentation_figure
from ellimaps.maps.segmentation import segment
from ellimaps.ui.pages.maps.charts import spectra_chart


def bleaching():
    """Two channels at three times, unevenly apart."""
    times = [0.0, 2.0, 10.0]
    bands = pd.DataFrame(
        {
            "quantity": "intensity",
            "channel": ["dna", "actin"] * 3,
            "frame": np.repeat([0, 1, 2], 2),
            "time_s": np.repeat(times, 2),
        }
    )
    left = np.where(np.arange(8) < 4, 10.0, 100.0) * np.ones((6, 5, 1))
    fading = np.array([1, 2, 0.8, 1.8, 0.5, 1.5])[:, None, None]
    return ImageStack(left * fading, bands, "bleaching"), times


def spectra_panels(segmentation):
    """The panels of the clustershots by their titles."""
    titled = {axes.get_title(): axes for axes in segmentation_figure(segmentation).axes}
    return {title: axes for title, axes in titled.items() if title.startswith("clustershots")}


def test_a_stack_over_time_is_drawn_over_time_in_a_panel_per_channel():
    stack, times = bleaching()
    segmentation = segment(stack, 2)
    panels = spectra_panels(segmentation)
    assert [title.split(",")[1].split("(")[0].strip() for title in panels] == [
        "dna intensity",
        "actin intensity",
    ]
    for axes, factors in zip(panels.values(), ([1, 0.8, 0.5], [2, 1.8, 1.5]), strict=True):
        assert axes.get_xlabel() == "time (s)"
        for line, level in zip(axes.lines, (10, 100), strict=True):
            assert_allclose(line.get_xdata(), times)
            assert_allclose(line.get_ydata(), level * np.array(factors), rtol=1e-6)


def test_figure_and_page_have_the_same_axis():
    stack, _ = bleaching()
    segmentation = segment(stack, 2)
    chart = spectra_chart(
        segmentation.clustershots(), stack, "intensity", names=["0", "1"], palette=["#000"] * 2, selected=0
    )
    page = chart.to_dict()["layer"][0]["encoding"]["x"]
    assert [axes.get_xlabel() for axes in spectra_panels(segmentation).values()] == [page["title"]] * 2
    assert page["field"] == "time_s"
