"""Values of fits where their spectra were measured: a map of spots, in mm."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from ellimaps.optics.flags import Flag
from ellimaps.spectra.fit import SpectraFits
from ellimaps.ui.pages.maps.fit_tables import FitsShown
from ellimaps.ui.pages.maps.sliders import chosen_cluster, move_cluster_slider
from ellimaps.ui.shared.charts import show_chart
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import kept

_SPOT = "spot"
_KEY = "fit_spots"
_NOT_TRUSTED, _CHOSEN = "#9A9A9A", "#D55E00"
# In pixels, beside the spectra in a window of 1280.
_WIDEST, _HIGHEST, _LEAST = 470.0, 330.0, 120.0


def spots_panel(shown: FitsShown, fits: SpectraFits) -> None:
    """Show the value of each spot where it lies; a click on one chooses it."""
    titles = {**shown.titles, "mse": "MSE", "flag": "verdict"}
    value = st.pills(
        "Map of spots",
        list(titles),
        default=next(iter(titles)),
        format_func=lambda name: escaped(titles[name]),
        **kept("fit_spots_of"),
        label_visibility="collapsed",
    )
    value = value if value in titles else next(iter(titles))
    chart = spots_chart(shown, fits, value, titles[value], chosen_cluster(len(fits.fits)))

    def choose() -> None:
        picked = st.session_state[_KEY]["selection"].get(_SPOT)
        if picked:
            move_cluster_slider(len(fits.fits), int(picked[0]["number"]))

    show_chart(
        chart,
        alt=f"{titles[value]} of each spot at its place in mm",
        key=_KEY,
        on_select=choose,
        width="content",
    )
    doubtful = sum(fit.flag != Flag.OK for fit in fits.fits)
    said = f" {doubtful} not trusted: gray crosses." if doubtful and value not in ("mse", "flag") else ""
    st.caption(f"A click on a spot shows its spectrum.{said}")


def spots_chart(shown: FitsShown, fits: SpectraFits, value: str, title: str, chosen: int) -> dict[str, Any]:
    """Draw a parameter, the MSE or the verdict at the place of each spectrum; as Vega-Lite.

    Parameters
    ----------
    shown : FitsShown
        What the spectra are called.
    fits : SpectraFits
        What was fitted; its spectra have places.
    value : str
        Name of a free parameter, ``mse`` or ``flag``.
    title : str
        What that is called, with its unit.
    chosen : int
        The spectrum with a ring.
    """
    table = fits.table()
    trusted = (table["flag"] == Flag.OK.text) | (value in ("mse", "flag"))
    table = pd.DataFrame(
        {
            "number": np.arange(len(table)),
            "name": shown.look.titles,
            "x": table["x_mm"],
            "y": table["y_mm"],
            "value": table[value].where(trusted) if value != "flag" else table[value],
            "verdict": table["flag"],
        }
    )
    table = table[np.isfinite(table["x"]) & np.isfinite(table["y"])]
    (width, x_domain), (height, y_domain) = _equal(table["x"].to_numpy(), table["y"].to_numpy())
    kind = "N" if value == "flag" else "Q"
    scale = {"flag": alt.Scale(), "mse": alt.Scale(scheme="viridis", type="log")}
    color = alt.Color(
        f"value:{kind}", title=title, scale=scale.get(value, alt.Scale(scheme="viridis", zero=False))
    )
    base = alt.Chart(table).encode(
        x=alt.X("x:Q", title="x (mm)", scale=alt.Scale(domain=x_domain, nice=False)),
        y=alt.Y("y:Q", title="y (mm)", scale=alt.Scale(domain=y_domain, nice=False)),
        tooltip=[
            alt.Tooltip("name:N", title="spectrum"),
            alt.Tooltip("x:Q", title="x (mm)", format=".3f"),
            alt.Tooltip("y:Q", title="y (mm)", format=".3f"),
            alt.Tooltip(f"value:{kind}", title=title, format=".4g" if kind == "Q" else alt.Undefined),
            alt.Tooltip("verdict:N"),
        ],
    )
    known = "isValid(datum.value)"
    spots = base.transform_filter(known).mark_circle(size=150, opacity=1).encode(color=color)
    crosses = base.transform_filter(f"!{known}").mark_point(
        shape="cross", angle=45, size=110, color=_NOT_TRUSTED, filled=True
    )
    ring = base.transform_filter(alt.datum.number == chosen).mark_point(
        size=330, strokeWidth=2.5, color=_CHOSEN
    )
    pick = alt.selection_point(name=_SPOT, fields=["number"], on="click", nearest=False)
    chart = alt.layer(spots.add_params(pick), crosses, ring).properties(width=width, height=height)
    # Streamlit would make legend and axes a part of the size, and a mm along x another than along y.
    return {**chart.to_dict(), "autosize": {"type": "pad"}}


def _equal(x: np.ndarray, y: np.ndarray) -> tuple[tuple[float, list[float]], tuple[float, list[float]]]:
    """Return pixels and limits of both axes so that a mm is as long on one as on the other."""
    spans = [max(float(np.ptp(values)), 1e-9) * 1.2 for values in (x, y)]
    pixel = max(spans[0] / _WIDEST, spans[1] / _HIGHEST)
    sides = []
    for values, span in zip((x, y), spans, strict=True):
        size = max(span / pixel, _LEAST)
        middle, half = float(values.min() + values.max()) / 2, size * pixel / 2
        sides.append((round(size, 1), [middle - half, middle + half]))
    return sides[0], sides[1]
