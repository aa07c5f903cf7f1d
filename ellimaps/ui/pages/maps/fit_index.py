"""n and k of a layer beside the controls of the film model: as it stands, and as it was fitted."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from ellimaps.core.abscissa import Sampled
from ellimaps.core.photons import EV_NM
from ellimaps.optics.fitted import FilmFit
from ellimaps.optics.fresnel import Real
from ellimaps.optics.index_curves import AXES, fitted_curves, index_curves
from ellimaps.optics.interface import Interface
from ellimaps.ui.pages.maps.charts import ANGLE_AXIS
from ellimaps.ui.pages.maps.fit_places import SHOWN, material_at, places_of
from ellimaps.ui.pages.maps.fitting import FilmWork
from ellimaps.ui.shared.charts import chart_specification, names_legend, show_chart
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.widgets import csv_download

# In pixels, with the axis of each: n, k and their choice stand in a window of 720.
_HEIGHT, _LEGEND_HEIGHT = 160, 30
_MODEL, _FITTED = "model", "fitted"
# Okabe and Ito's blue and vermilion, as in the other charts; the first is also that of an isotropic index.
_COLORS = ("#0072B2", "#D55E00")
_DATA = "index"


def index_panel(film: FilmWork, sampled: Sampled, name: str, fit: FilmFit | None, title: str) -> None:
    """Show n and k of a layer or half space, by default of what was changed last.

    Parameters
    ----------
    film : FilmWork
        Has the film model.
    sampled : Sampled
        Whose wavelengths are drawn.
    name : str
        What that is called.
    fit : FilmFit, optional
        The chosen fit of this model.
    title : str
        What it is of.
    """
    assert film.model is not None
    places = {
        place[0]: title
        for place, title in places_of(film.model).items()
        if not isinstance(material_at(film.model, place), Interface)
    }
    if st.session_state.get(SHOWN) not in places:
        st.session_state[SHOWN] = next(iter(places))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        shown = st.selectbox("n and k of", list(places), format_func=places.__getitem__, key=SHOWN, width=175)
        table = _curves(film, sampled, fit, shown)
        csv_download(
            "CSV",
            f"{name}_{places[shown].lower().replace(' ', '_')}_nk.csv",
            _as_file(table),
            key="download_index",
            help="wavelength_nm n k, of the fit where there is one.",
        )
    if not len(table):
        st.caption("This material is not known at the measured wavelengths.")
        return
    if _FITTED in set(table["curve"]):
        st.caption(f"Dashed: the model as it stands. Line: fitted, {escaped(title)}, ± standard error.")
    material = material_at(film.model, (shown,)).name
    for quantity in ("n", "k"):
        axes, drawn = (tuple(dict.fromkeys(table[column])) for column in ("axis", "curve"))
        chart = _form(quantity, axes, drawn, _domain(table, quantity))
        data = {"datasets": {_DATA: table.to_dict("records")}}
        show_chart(chart | data, alt=f"{quantity} of {places[shown]}, {material}")


def _curves(film: FilmWork, sampled: Sampled, fit: FilmFit | None, shown: str) -> pd.DataFrame:
    """Return n and k with the bounds of their errors, of the model and of the fit if there is one."""
    assert film.model is not None
    waves = _wavelengths(sampled)
    one = material_at(film.model, (shown,))
    curves = [index_curves(one, waves).assign(curve=_MODEL, n_se=0.0, k_se=0.0)]
    if fit is not None and shown.startswith("layer"):
        fitted = fitted_curves(fit, int(shown.removeprefix("layer")), waves)
        curves.append(fitted.assign(curve=_FITTED))
    table = pd.concat(curves, ignore_index=True)
    for name in ("n", "k"):
        error = table[f"{name}_se"].where(np.isfinite(table[f"{name}_se"]), 0.0)
        table[f"{name}_low"], table[f"{name}_high"] = table[name] - error, table[name] + error
    return table.assign(energy_ev=EV_NM / table["wavelength_nm"])


def _wavelengths(sampled: Sampled) -> Real:
    waves = sampled.wavelengths_nm
    low, high = min(waves), max(waves)
    if low == high:
        low, high = 0.9 * low, 1.1 * high
    return np.linspace(low, high, 121)


def _as_file(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table of a file: a column of n and one of k, of a crystal two each."""
    if not len(table):
        return table
    best = table[table["curve"] == table["curve"].iloc[-1]]
    parts: list[pd.DataFrame] = [
        part.set_index("wavelength_nm")[["n", "k"]].add_suffix(f"_{axis}" if axis else "")
        for axis, part in best.groupby("axis", sort=False)
    ]
    together: pd.DataFrame = pd.concat(parts, axis=1).reset_index()
    return together


def _domain(table: pd.DataFrame, quantity: str) -> tuple[float, float] | None:
    """Return ends for the axis of what is the same everywhere; None lets the chart choose."""
    low, high = table[f"{quantity}_low"].min(), table[f"{quantity}_high"].max()
    return (max(0.0, low - 0.05), high + 0.05) if high - low < 1e-6 else None


@lru_cache(maxsize=64)
def _form(
    quantity: str, axes: tuple[str, ...], curves: tuple[str, ...], domain: tuple[float, float] | None
) -> dict[str, Any]:
    named = axes == AXES and quantity == "n"
    legend = names_legend(axes) if named else None
    color = alt.Color(
        "axis:N", title="", scale=alt.Scale(domain=axes, range=_COLORS[: len(axes)]), legend=legend
    )
    dashes = [[5, 3], [1, 0]] if _FITTED in curves else [[1, 0]]
    dash = alt.StrokeDash("curve:N", scale=alt.Scale(domain=curves, range=dashes), legend=None)
    data = alt.NamedData(_DATA)
    scale = alt.Scale(zero=False, domain=domain or alt.Undefined)
    value = alt.Y(f"{quantity}:Q", title=quantity, scale=scale, axis=ANGLE_AXIS)
    tooltip = [
        alt.Tooltip("wavelength_nm:Q", title="wavelength (nm)", format=".1f"),
        alt.Tooltip("energy_ev:Q", title="photon energy (eV)", format=".3f"),
        alt.Tooltip(f"{quantity}:Q", format=".4f"),
        alt.Tooltip(f"{quantity}_se:Q", title=f"standard error of {quantity}", format=".2g"),
        alt.Tooltip("curve:N"),
    ]
    line = (
        alt.Chart(data)
        .mark_line(strokeWidth=2)
        .encode(x=_x(quantity), y=value, color=color, strokeDash=dash, tooltip=tooltip)
    )
    band = (
        alt.Chart(data)
        .mark_area(opacity=0.2, line=False)
        .encode(
            x=_x(quantity),
            y=alt.Y(f"{quantity}_low:Q", title=quantity, scale=scale, axis=ANGLE_AXIS),
            y2=f"{quantity}_high:Q",
            color=color,
            detail="curve:N",
        )
    )
    return chart_specification(alt.layer(band, line).properties(height=_HEIGHT + _LEGEND_HEIGHT * named))


def _x(quantity: str) -> Any:
    """Return wavelengths below k, and above n the photon energies that they are."""
    axis = (
        alt.Axis(
            orient="top",
            title="photon energy (eV)",
            labelExpr=f"format({EV_NM} / datum.value, '.2f')",
            grid=False,
            tickCount=6,
        )
        if quantity == "n"
        else alt.Axis(title="wavelength (nm)", grid=False, tickCount=6)
    )
    return alt.X("wavelength_nm:Q", scale=alt.Scale(zero=False, nice=False), axis=axis)
