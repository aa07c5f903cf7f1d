"""Charts of film fits as Altair specifications: measured and modelled spectra, residuals, profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.abscissa import AXIS_TITLES, Sampled, along_curve, film_abscissa_of
from ellimaps.core.angles import unwrapped
from ellimaps.core.stack import ANGLES
from ellimaps.ui.pages.maps.charts import ANGLE_AXIS
from ellimaps.ui.shared.charts import chart_specification, log_ticks

# In pixels: Delta, Psi and residuals stand below each other in a window of 800, with one title for the axis
# of all three.
_CURVES_HEIGHT = 122
_RESIDUALS_HEIGHT = 172
PROFILE_HEIGHT = 250
# Middle gray: seen on a light page and on a dark one.
_ZERO = "#8A8A8A"
_DATA = "curves"


class _Abscissa(NamedTuple):
    """What the spectra are drawn over."""

    column: str
    label: str
    along: str
    several_angles: bool


def spectra_fit_chart(
    curves: Mapping[int, pd.DataFrame],
    sampled: Sampled,
    quantity: str,
    *,
    noun: str,
    names: Sequence[str],
    palette: Sequence[str],
    selected: int,
) -> dict[str, Any]:
    """Draw measured points and the modelled line of spectra, the selected one emphasised; as Vega-Lite.

    Parameters
    ----------
    curves : mapping of int to DataFrame
        Measured and modelled spectra to draw by number, as `ShotFits.curves`.
    sampled : Sampled
        What was measured.
    quantity : {"Delta", "Psi"}
        Which of the two to draw.
    noun : str
        What has the spectra: cluster, or spectrum.
    names, palette : sequence of str
        Name and color of every one.
    selected : int
        The emphasised one.
    """
    over = _over(sampled)
    table = pd.concat(
        [_parted(curve, quantity, over.along).assign(cluster=number) for number, curve in curves.items()]
    )
    table["name"] = [names[number] for number in table["cluster"]]
    shown = tuple(dict.fromkeys(table["name"]))
    colors = tuple(palette[number] for number in curves)
    return _filled(_spectra_form(quantity, over, noun, shown, colors, selected), table)


def residuals_chart(curve: pd.DataFrame, sampled: Sampled, color: str) -> dict[str, Any]:
    """Draw measured minus modelled Delta and Psi of one spectrum; as Vega-Lite."""
    over = _over(sampled)
    parts = [_parted(curve, quantity, over.along).assign(quantity=quantity) for quantity in ANGLES]
    return _filled(_residuals_form(over, color), pd.concat(parts))


def _filled(form: dict[str, Any], table: pd.DataFrame) -> dict[str, Any]:
    """Return a chart with its data. A slider moves only these, and Altair takes long for the rest."""
    known = table.astype(object).where(table.notna(), None)
    return {**form, "datasets": {_DATA: known.to_dict("records")}}


@lru_cache(maxsize=256)
def _spectra_form(
    quantity: str, over: _Abscissa, noun: str, names: tuple[str, ...], colors: tuple[str, ...], selected: int
) -> dict[str, Any]:
    color = alt.Color("name:N", scale=alt.Scale(domain=names, range=colors), legend=None)
    strength = alt.condition(alt.datum.cluster == selected, alt.value(1.0), alt.value(0.35))
    tooltip = [alt.Tooltip("name:N", title=noun), *_tooltip(over)]
    detail = [f"{over.along}:N", "cluster:N"]
    base = alt.Chart(alt.NamedData(_DATA)).encode(
        x=_x(over, titled=False), color=color, opacity=strength, tooltip=tooltip
    )
    line = base.mark_line(strokeWidth=2).encode(
        y=alt.Y("modelled:Q", title=f"{quantity} (°)", scale=alt.Scale(zero=False), axis=ANGLE_AXIS),
        detail=detail,
    )
    points = base.mark_point(size=34, filled=False, strokeWidth=1.8).encode(y="measured:Q", detail=detail)
    return chart_specification(alt.layer(line, points).properties(height=_CURVES_HEIGHT))


@lru_cache(maxsize=256)
def _residuals_form(over: _Abscissa, color: str) -> dict[str, Any]:
    dash = alt.StrokeDash(
        "quantity:N",
        title="measured − model:",
        scale=alt.Scale(domain=ANGLES, range=[[1, 0], [5, 3]]),
        legend=alt.Legend(orient="top", titleOrient="left", symbolStrokeColor=color, symbolStrokeWidth=2),
    )
    data = alt.NamedData(_DATA)
    lines = (
        alt.Chart(data)
        .mark_line(color=color, strokeWidth=2)
        .encode(
            x=_x(over, titled=True),
            y=alt.Y("residual:Q", title="residual (°)", axis=ANGLE_AXIS),
            strokeDash=dash,
            detail=f"{over.along}:N",
            tooltip=["quantity:N", *_tooltip(over)],
        )
    )
    zero = alt.Chart(data).mark_rule(color=_ZERO, aria=False).encode(y=alt.datum(0))
    return chart_specification(alt.layer(zero, lines).properties(height=_RESIDUALS_HEIGHT))


def uniqueness_chart(
    curve: pd.DataFrame, title: str, limits: NDArray[np.float64], color: str
) -> dict[str, Any]:
    """Draw reduced chi squared over a parameter, the others free, with its 90 % limits; as Vega-Lite.

    Parameters
    ----------
    curve : DataFrame
        ``value, chi2``, as in `ellimaps.optics.certainty.Certainty`.
    title : str
        What the parameter is called, with its unit.
    limits : ndarray of float, shape (2,)
        Its 90 % limits.
    color : str
        Color of the line.
    """
    ticks = log_ticks(curve["chi2"].min(), curve["chi2"].max()) or alt.Undefined
    line = (
        alt.Chart(curve)
        .mark_line(color=color, strokeWidth=2)
        .encode(
            x=alt.X("value:Q", title=title, scale=alt.Scale(zero=False, nice=False)),
            y=alt.Y("chi2:Q", title="reduced χ²", scale=alt.Scale(type="log"), axis=alt.Axis(values=ticks)),
            tooltip=[alt.Tooltip("value:Q", format=".4g"), alt.Tooltip("chi2:Q", format=".3g")],
        )
    )
    band = alt.Chart(pd.DataFrame({"low": [limits[0]], "high": [limits[1]]}))
    shade = band.mark_rect(color=color, opacity=0.15).encode(x="low:Q", x2="high:Q")
    return chart_specification(alt.layer(shade, line).properties(height=_RESIDUALS_HEIGHT))


def profile_chart(profile: pd.DataFrame, label: str, pixel_size_um: float | None, color: str) -> Any:
    """Draw the values along a line; what is not trusted is a gap.

    Parameters
    ----------
    profile : DataFrame
        As `ellimaps.images.line_profile.line_profile`.
    label : str
        What the values are, with their unit.
    pixel_size_um : float, optional
        Width of a pixel; without it distances are in pixels.
    color : str
        Colour of the line.
    """
    unit = "µm" if pixel_size_um else "px"
    table = profile.assign(distance=profile["distance"] * (pixel_size_um or 1.0))
    return (
        alt.Chart(table)
        .mark_line(color=color, strokeWidth=2, point=alt.OverlayMarkDef(size=8, color=color))
        .encode(
            x=alt.X("distance:Q", title=f"distance along the line ({unit})", axis=alt.Axis(grid=False)),
            y=alt.Y("value:Q", title=label, scale=alt.Scale(zero=False)),
            tooltip=["x", "y", alt.Tooltip("value:Q", title=label, format=".3f")],
        )
        .properties(height=PROFILE_HEIGHT, title="Profile along the line")
    )


def _parted(curve: pd.DataFrame, quantity: str, along: str) -> pd.DataFrame:
    """Return measured and modelled values of one quantity as curves without jumps at 0/360 deg."""
    key = quantity.lower()
    parts = []
    for _, part in curve.groupby(along, dropna=False):
        residual = part[f"{key}_residual"].to_numpy(dtype=np.float64)
        measured = unwrapped(part[key].to_numpy(dtype=np.float64), quantity)
        parts.append(
            part[["wavelength_nm", "aoi_deg"]].assign(
                measured=measured, modelled=measured - residual, residual=residual
            )
        )
    return pd.concat(parts)


def _over(sampled: Sampled) -> _Abscissa:
    column = film_abscissa_of(sampled)
    return _Abscissa(column, AXIS_TITLES[column], along_curve(sampled), len(sampled.angles_deg) > 1)


def _x(over: _Abscissa, *, titled: bool) -> Any:
    scale = alt.Scale(zero=False, nice=False, padding=10)
    axis = alt.Axis(grid=False, labelAngle=0, titlePadding=2, labels=titled)
    return alt.X(f"{over.column}:Q", title=over.label if titled else None, scale=scale, axis=axis)


def _tooltip(over: _Abscissa) -> list[Any]:
    return [
        alt.Tooltip("wavelength_nm:Q", title="wavelength (nm)"),
        *([alt.Tooltip("aoi_deg:Q", title="angle (°)")] if over.several_angles else []),
        alt.Tooltip("measured:Q", title="measured (°)", format=".3f"),
        alt.Tooltip("modelled:Q", title="modelled (°)", format=".3f"),
        alt.Tooltip("residual:Q", title="residual (°)", format="+.3f"),
    ]
