"""One compound by dose: its images in a row, and how a feature answers."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from ellimaps.core.numbers import shown_unit, spoken, titled
from ellimaps.plates.statistics.answers import DISTANCE, dose_responses, responses
from ellimaps.plates.statistics.dose_response import DoseResponse, confidence_band
from ellimaps.ui.pages.plates.choice import chosen_fields, wells_of
from ellimaps.ui.pages.plates.contact_sheet import contact_sheet
from ellimaps.ui.pages.plates.data import OpenedPlate
from ellimaps.ui.pages.plates.state import PlatesState
from ellimaps.ui.shared.charts import log_ticks, show_chart
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.widgets import choose_one

# In pixels: a wider curve of a few doses is stretched on a screen of 1920.
_WIDEST = 1000
# Beyond the lowest and the highest dose, as a factor; doses the curve is drawn through.
_ROOM, _STEPS = 1.6, 120
_CURVE = "#D55E00"


def by_compound_tab(state: PlatesState, plate: OpenedPlate) -> None:
    """Show a compound's images ordered by dose, controls first, and its dose-response curve."""
    wells = plate.profiles.wells
    is_treated = _is_treated(wells)
    if not is_treated.any():
        st.info("No well has a compound: give the layout of the plate.", icon=":material/science:")
        return
    chosen = chosen_fields(state, plate)
    mine = wells.loc[is_treated & wells_of(plate, chosen), "compound"]
    names = sorted(mine.astype(str).unique(), key=str.casefold)
    if not names:
        st.info("None of the chosen wells has a compound: choose others.", icon=":material/science:")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        compound = choose_one("Compound", names, key="plates_compound", width=280)
        measure = st.selectbox(
            "Measure",
            [DISTANCE, *plate.profiles.features],
            **kept("plates_measure", address=True),
            format_func=lambda name: "distance from controls" if name == DISTANCE else spoken(name),
            width=320,
        )
    assert compound is not None
    contact_sheet(state, plate, chosen, compound)
    _curve(plate, compound, measure)


def _is_treated(wells: pd.DataFrame) -> NDArray[np.bool_]:
    return np.asarray(~wells["control"].astype(bool) & (wells["compound"].fillna("") != ""))


def _curve(plate: OpenedPlate, compound: str, measure: str) -> None:
    row = dose_responses(plate.profiles, {compound: [measure]}).iloc[0]
    title = "distance from controls" if measure == DISTANCE else spoken(measure)
    unit = shown_unit(str(row["concentration_unit"]))
    said = escaped(unit)
    if row["reason"]:
        st.caption(f"No EC50: {escaped(row['reason'])}.")
    else:
        st.success(
            f"**EC50 {row['ec50']:.3g} {said}** (95 % interval {_end(row['ec50_low'])} to "
            f"{_end(row['ec50_high'])} {said}), hill {row['hill']:.2g}, R² {row['r2']:.2f}, "
            f"p {row['p']:.2g} against no effect of the dose",
            icon=":material/show_chart:",
        )
    points = responses(plate.profiles, compound, measure)
    if not (points["dose"] > 0).any():
        st.caption("Its wells have no dose.")
        return
    fit = DoseResponse(**{name: row[name] for name in DoseResponse.__dataclass_fields__})
    with st.container(width=_WIDEST):
        show_chart(_curve_chart(points, title, unit, fit))


def _end(value: float) -> str:
    return f"{value:.3g}" if np.isfinite(value) else "not determined"


def _curve_chart(points: pd.DataFrame, title: str, unit: str, fit: DoseResponse) -> Any:
    doses = points["dose"].to_numpy(float)
    low, high = doses[doses > 0].min(), doses.max()
    x = alt.X(
        "dose:Q", title=titled("concentration", unit),
        scale=alt.Scale(type="log", domain=[low / _ROOM, high * _ROOM], nice=False),
        axis=alt.Axis(values=log_ticks(low / _ROOM, high * _ROOM) or alt.Undefined, format="~r"),
    )  # fmt: skip
    y = alt.Y("value:Q", title=title, scale=alt.Scale(zero=False))
    layers = [
        alt.Chart(points[points["dose"] > 0])
        .mark_point(filled=True, size=55)
        .encode(x=x, y=y, tooltip=["well", "dose", alt.Tooltip("value:Q", format=".4g")])
    ]
    said = title
    controls = points.loc[points["dose"] == 0, "value"].to_numpy(float)
    if np.isfinite(controls).any():
        said += "; gray: controls (median, quartiles)"
        quartiles = np.nanpercentile(controls, [25, 50, 75])
        spread = pd.DataFrame({"low": [quartiles[0]], "value": [quartiles[1]], "high": [quartiles[2]]})
        layers += [
            alt.Chart(spread).mark_rect(opacity=0.18, color="gray").encode(y="low:Q", y2="high:Q"),
            alt.Chart(spread).mark_rule(color="gray", strokeDash=[4, 3]).encode(y="value:Q"),
        ]
    if not fit.reason:
        layers += _fitted_layers(points, fit, x, y, (low / _ROOM, high * _ROOM))
        said += "; orange: curve and EC50 with 95 % limits"
    return alt.layer(*layers).properties(height=300, title=alt.TitleParams(said, limit=0))


def _fitted_layers(
    points: pd.DataFrame, fit: DoseResponse, x: alt.X, y: alt.Y, ends: tuple[float, float]
) -> list[alt.Chart]:
    """Return the curve with its band, and the EC50 with its interval."""
    grid = np.geomspace(*ends, _STEPS)
    doses, values = points["dose"].to_numpy(float), points["value"].to_numpy(float)
    low, high = confidence_band(fit, doses, values, grid)
    curve = alt.Chart(pd.DataFrame({"dose": grid, "value": fit.at(grid), "low": low, "high": high}))
    interval = alt.Chart(
        pd.DataFrame(
            {
                "low": [max(fit.ec50_low, ends[0])],
                "dose": [fit.ec50],
                "high": [min(fit.ec50_high, ends[1])],
            }
        )
    )
    return [
        interval.mark_rect(opacity=0.15, color=_CURVE).encode(x=alt.X("low:Q"), x2="high:Q"),
        interval.mark_rule(color=_CURVE, strokeDash=[4, 3]).encode(x=x),
        curve.mark_area(opacity=0.25, color=_CURVE).encode(x=x, y=alt.Y("low:Q"), y2="high:Q"),
        curve.mark_line(color=_CURVE).encode(x=x, y=y),
    ]
