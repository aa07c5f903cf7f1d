"""Charts of film fits as Altair specifications: measured and modelled spectra, residuals, profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from ellimaps.plots import unwrapped
from ellimaps.stack import DELTA, PSI, ImageStack
from ellimaps.ui.charts import abscissa

_CURVES_HEIGHT = 122
_RESIDUALS_HEIGHT = 172
PROFILE_HEIGHT = 250
_LABELS_PX = 38
_FAINT = 0.35


def spectra_fit_chart(
    curves: Mapping[int, pd.DataFrame],
    stack: ImageStack,
    quantity: str,
    *,
    names: Sequence[str],
    palette: Sequence[str],
    selected: int,
) -> Any:
    """Draw measured points and the modelled line of clusters, the selected one emphasised.

    Parameters
    ----------
    curves : mapping of int to DataFrame
        Measured and modelled spectra of the clusters to draw, as `ShotFits.curves`.
    stack : ImageStack
        What was measured.
    quantity : {"Psi", "Delta"}
        Which of the two to draw.
    names, palette : sequence of str
        Name and colour of every cluster.
    selected : int
        The emphasised cluster.
    """
    table = pd.concat([_parted(curve, quantity).assign(cluster=number) for number, curve in curves.items()])
    table["name"] = [names[number] for number in table["cluster"]]
    shown = list(dict.fromkeys(table["name"]))
    color = alt.Color(
        "name:N",
        scale=alt.Scale(domain=shown, range=[palette[number] for number in curves]),
        legend=None,
    )
    strength = alt.condition(alt.datum.cluster == selected, alt.value(1.0), alt.value(_FAINT))
    x = _x(stack, titled=False)
    tooltip = [alt.Tooltip("name", title="cluster"), *_tooltip(stack)]
    base = alt.Chart(table).encode(x=x, color=color, opacity=strength, tooltip=tooltip)
    detail = ["aoi_deg:N", "cluster:N"]
    line = base.mark_line(strokeWidth=2).encode(
        y=alt.Y("modelled:Q", title=f"{quantity} (deg)", scale=alt.Scale(zero=False), axis=_axis()),
        detail=detail,
    )
    points = base.mark_point(size=34, filled=False, strokeWidth=1.8).encode(y="measured:Q", detail=detail)
    return alt.layer(line, points).properties(height=_CURVES_HEIGHT)


def residuals_chart(curve: pd.DataFrame, stack: ImageStack, color: str) -> Any:
    """Draw measured minus modelled Psi and Delta of one cluster."""
    parts = [_parted(curve, quantity).assign(quantity=quantity) for quantity in (PSI, DELTA)]
    dash = alt.StrokeDash(
        "quantity:N",
        title="measured - model:",
        scale=alt.Scale(domain=[PSI, DELTA], range=[[1, 0], [5, 3]]),
        legend=alt.Legend(orient="top", titleOrient="left", symbolStrokeColor=color, symbolStrokeWidth=2),
    )
    lines = (
        alt.Chart(pd.concat(parts))
        .mark_line(color=color, strokeWidth=2)
        .encode(
            x=_x(stack, titled=True),
            y=alt.Y("residual:Q", title="residual (deg)", axis=_axis()),
            strokeDash=dash,
            detail="aoi_deg:N",
            tooltip=["quantity", *_tooltip(stack)],
        )
    )
    zero = alt.Chart(pd.DataFrame({"zero": [0.0]})).mark_rule(opacity=0.5).encode(y="zero:Q")
    return alt.layer(zero, lines).properties(height=_RESIDUALS_HEIGHT)


def profile_chart(profile: pd.DataFrame, label: str, pixel_size_um: float | None, color: str) -> Any:
    """Draw the values along a line; what is not trusted is a gap.

    Parameters
    ----------
    profile : DataFrame
        As `ellimaps.optics.profile.line_profile`.
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


def _parted(curve: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """Return measured and modelled values of one quantity as curves without jumps at 0/360 deg."""
    key = quantity.lower()
    parts = []
    for _, part in curve.groupby("aoi_deg", dropna=False):
        residual = part[f"{key}_residual"].to_numpy(dtype=np.float64)
        measured = unwrapped(part[key].to_numpy(dtype=np.float64), quantity)
        parts.append(
            part[["wavelength_nm", "aoi_deg"]].assign(
                measured=measured, modelled=measured - residual, residual=residual
            )
        )
    return pd.concat(parts)


def _x(stack: ImageStack, *, titled: bool) -> Any:
    column, label, _ = abscissa(stack)
    # Over bands by number there is nothing a film model could say; a wavelength is always there.
    column, label = (column, label) if column != "band" else ("wavelength_nm", "wavelength (nm)")
    scale = alt.Scale(zero=False, nice=False, padding=10)
    axis = alt.Axis(grid=False, labelAngle=0, titlePadding=2, labels=titled)
    return alt.X(f"{column}:Q", title=label if titled else None, scale=scale, axis=axis)


def _axis() -> Any:
    return alt.Axis(minExtent=_LABELS_PX, maxExtent=_LABELS_PX, tickCount=4)


def _tooltip(stack: ImageStack) -> list[Any]:
    several = len(stack.angles_deg) > 1
    return [
        alt.Tooltip("wavelength_nm", title="wavelength (nm)"),
        *([alt.Tooltip("aoi_deg", title="angle (deg)")] if several else []),
        alt.Tooltip("measured:Q", title="measured (deg)", format=".3f"),
        alt.Tooltip("modelled:Q", title="modelled (deg)", format=".3f"),
        alt.Tooltip("residual:Q", title="residual (deg)", format="+.3f"),
    ]
