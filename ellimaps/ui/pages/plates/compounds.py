"""One compound by dose: its pictures in a row, and how a feature answers."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from ellimaps.plates.measuring.thumbnails import channel_colors, contrast
from ellimaps.plates.statistics.answers import DISTANCE, dose_responses
from ellimaps.plates.statistics.dose_response import DoseResponse
from ellimaps.ui.pages.plates.data import Opened, picture
from ellimaps.ui.shared.state import remembered

_CONTROLS = "Controls"
_MOST_DOSES = 8
_EDGE = 360
_PERCENTILES = (0.5, 99.8)


def compounds_view(one: Opened) -> None:
    """Show a compound's pictures ordered by dose, controls first, and its dose-response curve."""
    wells = one.profiles.wells
    treated = wells[~wells["control"].astype(bool) & (wells["compound"].fillna("") != "")]
    if treated.empty:
        st.info("No well has a compound: give the layout of the plate.", icon=":material/science:")
        return
    names = sorted(treated["compound"].astype(str).unique(), key=str.casefold)
    measures = [DISTANCE, *one.profiles.features]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        compound = remembered(
            st.selectbox, "Compound", options=names, key="plates_compound", default=names[0], width=280
        )
        measure = remembered(
            st.selectbox, "Measure", options=measures, key="plates_measure", default=DISTANCE, width=320,
            format_func=lambda name: "distance from controls" if name == DISTANCE else name,
        )  # fmt: skip
        replicate = remembered(
            st.number_input, "Replicate", 1, 99, key="plates_replicate", default=1, width=110,
            help="Which well of each dose to show.",
        )  # fmt: skip
    _gallery(one, str(compound), int(replicate))
    _curve(one, str(compound), str(measure))


def _gallery(one: Opened, compound: str, replicate: int) -> None:
    fields = one.profiles.fields
    first = fields.drop_duplicates(["plate", "well"])
    shown: list[tuple[str, pd.Series]] = []
    controls = first[first["control"].astype(bool)]
    if len(controls):
        shown.append((_CONTROLS, controls.iloc[(replicate - 1) % len(controls)]))
    doses = first[(first["compound"].astype(str) == compound) & ~first["control"].astype(bool)]
    by_dose = doses.sort_values("concentration").groupby("concentration", dropna=False, sort=False)
    for _, rows in by_dose:
        row = rows.iloc[(replicate - 1) % len(rows)]
        shown.append((_dose_text(row), row))
    if len(shown) > _MOST_DOSES:
        st.caption(f"The controls and the {_MOST_DOSES - 1} highest of {len(shown) - 1} doses.")
        shown = [*shown[:1], *shown[1 - _MOST_DOSES :]]
    pictures = [picture(one, str(row["files"])) for _, row in shown]
    colors = channel_colors(len(pictures[0]), merged=len(pictures[0]) > len(one.channels))
    drawn = mixed(pictures, colors, merged=len(pictures[0]) > len(one.channels))
    for column, (title, row), image in zip(st.columns(len(shown)), shown, drawn, strict=True):
        column.image(image, caption=f"{title}, {row['well']}", width="stretch")


def _dose_text(row: pd.Series) -> str:
    dose, unit = float(row["concentration"]), str(row["concentration_unit"] or "")
    return f"{dose:g} {unit}".strip() if np.isfinite(dose) else "no dose given"


def mixed(
    pictures: list[NDArray[np.float32]], colors: tuple[str, ...], *, merged: bool
) -> list[NDArray[np.uint8]]:
    """Return pictures as colours; each channel has one contrast for all of them, merged ones one for all."""
    step = max(1, max(pictures[0].shape[1:]) // _EDGE)
    small = [one[:, ::step, ::step] for one in pictures]
    totals = [np.zeros((*one.shape[1:], 3), dtype=np.float32) for one in small]
    for channel, color in enumerate(colors):
        seen = [one if merged else one[channel] for one in small]
        low, high = contrast(np.concatenate([values.ravel() for values in seen]), _PERCENTILES)
        rgb = np.array([int(color[start : start + 2], 16) for start in (1, 3, 5)], dtype=np.float32)
        for total, one in zip(totals, small, strict=True):
            total += np.nan_to_num(np.clip((one[channel] - low) / (high - low), 0, 1))[..., None] * rgb
    return [np.clip(total, 0, 255).astype(np.uint8) for total in totals]


def _curve(one: Opened, compound: str, measure: str) -> None:
    wells = one.profiles.wells
    row = dose_responses(one.profiles, {compound: [measure]}).iloc[0]
    title = "distance from controls" if measure == DISTANCE else measure
    unit = str(row["concentration_unit"])
    if row["reason"]:
        st.caption(f"No EC50: {row['reason']}.")
    else:
        st.success(
            f"**EC50 {row['ec50']:.3g} {unit}** (95 % interval {_end(row['ec50_low'])} to "
            f"{_end(row['ec50_high'])} {unit}), hill {row['hill']:.2g}, R² {row['r2']:.2f}, "
            f"p {row['p']:.2g} against no effect of the dose",
            icon=":material/show_chart:",
        )
    if measure == DISTANCE:
        st.caption("Choose a feature to see its values well by well.")
        return
    mine = wells[(wells["compound"].astype(str) == compound) & ~wells["control"].astype(bool)]
    if not (mine["concentration"] > 0).any():
        st.caption("Its wells have no dose.")
        return
    fit = DoseResponse(**{name: row[name] for name in DoseResponse.__dataclass_fields__})
    st.altair_chart(_curve_chart(mine, wells[wells["control"].astype(bool)], measure, title, unit, fit))


def _end(value: float) -> str:
    return f"{value:.3g}" if np.isfinite(value) else "not determined"


def _curve_chart(
    mine: pd.DataFrame, controls: pd.DataFrame, measure: str, title: str, unit: str, fit: DoseResponse
) -> Any:
    doses = mine["concentration"].to_numpy(float)
    low, high = doses[doses > 0].min(), doses.max()
    x = alt.X(
        "dose:Q", title=f"concentration ({unit})" if unit else "concentration",
        scale=alt.Scale(type="log", domain=[low / 1.6, high * 1.6], nice=False),
    )  # fmt: skip
    y = alt.Y("value:Q", title=title, scale=alt.Scale(zero=False))
    points = pd.DataFrame({"dose": doses, "value": mine[measure].to_numpy(float), "well": mine["well"]})
    layers = [
        alt.Chart(points[points["dose"] > 0])
        .mark_point(filled=True, size=55)
        .encode(x=x, y=y, tooltip=["well", "dose", alt.Tooltip("value:Q", format=".4g")])
    ]
    if len(controls):
        quartiles = np.nanpercentile(controls[measure].to_numpy(float), [25, 50, 75])
        band = pd.DataFrame({"low": [quartiles[0]], "value": [quartiles[1]], "high": [quartiles[2]]})
        layers += [
            alt.Chart(band).mark_rect(opacity=0.18, color="gray").encode(y="low:Q", y2="high:Q"),
            alt.Chart(band).mark_rule(color="gray", strokeDash=[4, 3]).encode(y="value:Q"),
        ]
    if np.isfinite(fit.ec50):
        grid = np.geomspace(low / 1.5, high * 1.5, 120)
        curve = pd.DataFrame({"dose": grid, "value": fit.at(grid)})
        layers.append(alt.Chart(curve).mark_line(color="#D55E00").encode(x=x, y=y))
    return alt.layer(*layers).properties(height=300, title=f"{title}; gray: controls (median, quartiles)")
