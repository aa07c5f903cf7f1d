"""What stands in place of spectra where there is one wavelength: a bar for each cluster and region."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from ellimaps.core.numbers import number_text, titled, with_error
from ellimaps.core.stack import ImageStack, band_label
from ellimaps.ui.pages.maps.delta_turn import on_turn

# In pixels: as high as a spectrum.
_HEIGHT = 190


def has_one_level(stack: ImageStack) -> bool:
    """Whether every quantity was measured once, so that there is no spectrum to draw."""
    return stack.n_bands == len(stack.quantities)


def levels_chart(
    shots: pd.DataFrame,
    stack: ImageStack,
    quantity: str,
    *,
    names: Sequence[str],
    palette: Sequence[str],
    regions: pd.DataFrame | None,
    lowest_delta: float,
) -> Any:
    """Draw the mean of each cluster and region as a bar with its standard deviation.

    Parameters
    ----------
    shots : DataFrame
        As `Segmentation.clustershots`.
    stack : ImageStack
        What was segmented, with one band of each quantity.
    quantity : str
        Which to draw.
    names, palette : sequence of str
        Name and color of every cluster.
    regions : DataFrame, optional
        Spectra of regions of interest with a ``color`` each.
    lowest_delta : float
        Where the turn of the maps of Delta begins, in degrees.
    """
    band = int(np.flatnonzero(stack.bands["quantity"] == quantity)[0])
    clusters = shots[shots["band"] == band]
    parts = [
        clusters.assign(
            name=[names[cluster] for cluster in clusters["cluster"]],
            color=[palette[cluster] for cluster in clusters["cluster"]],
        )
    ]
    if regions is not None:
        parts.append(regions[regions["band"] == band].rename(columns={"region": "name"}))
    table = pd.concat(parts)[["name", "color", "mean", "std", "n_pixels"]]
    mean = on_turn(table["mean"].to_numpy(), quantity, lowest_delta)
    # The deviation of one pixel from itself is rounding.
    std = table["std"].where(table["n_pixels"] > 1, np.nan)
    table = table.assign(
        mean=mean,
        low=mean - std,
        high=mean + std,
        text=[number_text(value) for value in mean],
        known=[with_error(*pair) for pair in zip(mean, std, strict=True)],
    )
    row = stack.bands.iloc[band]
    base = alt.Chart(table).encode(
        x=alt.X("name:N", title=None, sort=None, axis=alt.Axis(labelAngle=0)),
        tooltip=["name", alt.Tooltip("known", title="mean ± deviation"), alt.Tooltip("n_pixels", format=",")],
    )
    title = titled(band_label(row), row["unit"])
    bars = base.mark_bar(size=26).encode(
        y=alt.Y("mean:Q", title=title, axis=alt.Axis(tickCount=4)), color=alt.Color("color:N", scale=None)
    )
    spread = base.mark_rule(strokeWidth=2, color="#808080").encode(y="low:Q", y2="high:Q")
    numbers = base.mark_text(dy=-9, fontSize=10, color="#808080").encode(y="mean:Q", text="text")
    return alt.layer(bars, spread, numbers).properties(height=_HEIGHT)
