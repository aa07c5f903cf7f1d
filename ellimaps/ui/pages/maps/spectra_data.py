"""The view Data of a file of spectra: Psi and Delta with their errors, the facts, the table."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from ellimaps.core.abscissa import AXIS_TITLES, along_curve, film_abscissa_of
from ellimaps.core.angles import unwrapped
from ellimaps.core.colors import CLUSTER_COLORS
from ellimaps.core.numbers import counted
from ellimaps.core.spectra import Spectra
from ellimaps.core.stack import ANGLES
from ellimaps.spectra.errors import errors_deg
from ellimaps.ui.pages.maps.charts import ANGLE_AXIS
from ellimaps.ui.pages.maps.data import facts_html, span
from ellimaps.ui.pages.maps.loading import Source, loaded_spectra
from ellimaps.ui.pages.maps.looks import Look
from ellimaps.ui.pages.maps.sliders import cluster_slider
from ellimaps.ui.pages.maps.state import MapsState
from ellimaps.ui.shared.charts import show_chart
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.widgets import csv_download, guarded

# In pixels: two charts and the controls above them fit into a window of 720.
_HEIGHT = 205
# Beside the chosen one; more curves cannot be told apart.
_MOST_DRAWN = 40


def look_of(spectra: Spectra) -> Look:
    """Return how the spectra of a file are called and colored; one alone is called as its file."""
    names = [_text(name) for name in spectra.names] if len(spectra.names) > 1 else [spectra.name]
    return Look(tuple(names), tuple(number % len(CLUSTER_COLORS) for number in range(len(names))))


def _text(name: object) -> str:
    return f"{name:g}" if isinstance(name, float) else str(name)


@st.fragment
def spectra_data_tab(_: MapsState, source: Source) -> None:
    """Show the spectra, and what belongs to them beside."""
    with guarded():
        spectra = loaded_spectra(source)
        look = look_of(spectra)
        with st.container(key="data_split"):
            curves, beside = st.columns([8, 5], gap="medium")
        with curves:
            chosen, every = _choice(look)
            others = [number for number in range(len(look.names)) if number != chosen and every]
            # What comes last lies above.
            shown = [*others[:_MOST_DRAWN], chosen]
            table = _drawn(spectra, shown)
            for quantity in ANGLES:
                chart = _chart(spectra, table[table["quantity"] == quantity], quantity, look, chosen)
                show_chart(chart, alt=f"{quantity} of spectrum {look.titles[chosen]}")
            if every and len(look.names) > len(shown):
                st.caption(f"{len(shown)} of {len(look.names):,} spectra are drawn.")
        with beside, guarded():
            with st.expander("About these spectra", expanded=True, icon=":material/info:"):
                st.html(facts_html(_facts(spectra)))
                for warning in spectra.warnings:
                    st.warning(escaped(warning), icon=":material/warning:")
            with st.expander("Table", icon=":material/table:"):
                st.dataframe(spectra.one(spectra.names[chosen]), hide_index=True, key="spectra_table")
                csv_download(
                    "All spectra (CSV)", f"{spectra.name}.csv", spectra.table, key="download_spectra"
                )


def _choice(look: Look) -> tuple[int, bool]:
    """Show which spectrum is drawn strong and whether the others are drawn; return both."""
    if len(look.names) == 1:
        return 0, False
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = cluster_slider(look.titles, "spectrum")
        return chosen, st.toggle("All spectra", value=True, **kept("spectra_all"))


def _drawn(spectra: Spectra, shown: list[int]) -> pd.DataFrame:
    """Return a row per value: number, wavelength, angle, quantity, value without jumps, low and high."""
    parts = []
    for number in shown:
        table = spectra.one(spectra.names[number])
        errors = dict(zip(("Psi", "Delta"), errors_deg(spectra, table), strict=True))
        for quantity in ANGLES:
            for _, rows in table.groupby(along_curve(spectra), dropna=False):
                value = unwrapped(rows[quantity].to_numpy(dtype=np.float64), quantity)
                error = errors[quantity][rows.index]
                part = rows[["wavelength_nm", "aoi_deg"]].assign(quantity=quantity, number=number)
                parts.append(part.assign(value=value, low=value - error, high=value + error))
    return pd.concat(parts, ignore_index=True)


def _chart(spectra: Spectra, table: pd.DataFrame, quantity: str, look: Look, chosen: int) -> Any:
    over = film_abscissa_of(spectra)
    several = table["number"].nunique() > 1
    names = [look.titles[number] for number in table["number"]]
    angles = [f"{angle:g}°" if np.isfinite(angle) else "not known" for angle in table["aoi_deg"]]
    by_angle = over != "aoi_deg" and not several
    group = angles if by_angle else names
    table = table.assign(spectrum=names, angle=angles, group=group)
    domain = list(dict.fromkeys(group))
    colors = [CLUSTER_COLORS[number % len(CLUSTER_COLORS)] for number in range(len(domain))]
    if not by_angle:
        palette = dict(zip(look.titles, look.palette, strict=True))
        colors = [palette[name] for name in domain]
    legend = None
    if by_angle and len(domain) > 1:
        legend = alt.Legend(orient="top", title="angle:", titleOrient="left")
    x = alt.X(
        f"{over}:Q",
        title=AXIS_TITLES[over],
        scale=alt.Scale(zero=False, nice=False, padding=10),
        axis=alt.Axis(grid=False, labelAngle=0),
    )
    is_chosen = alt.datum.number == chosen
    base = alt.Chart(table).encode(
        x=x,
        color=alt.Color("group:N", scale=alt.Scale(domain=domain, range=colors), legend=legend),
        opacity=alt.condition(is_chosen, alt.value(1.0), alt.value(0.35)),
        detail=["number:N", f"{along_curve(spectra)}:N"],
        tooltip=[
            "spectrum:N",
            alt.Tooltip("wavelength_nm:Q", title="wavelength (nm)"),
            alt.Tooltip("angle:N", title="angle of incidence"),
            alt.Tooltip("value:Q", title=f"{quantity} (°)", format=".3f"),
        ],
    )
    y = alt.Y("value:Q", title=f"{quantity} (°)", scale=alt.Scale(zero=False), axis=ANGLE_AXIS)
    line = base.mark_line().encode(
        y=y, strokeWidth=alt.condition(is_chosen, alt.value(2.5 if several else 1.5), alt.value(1.2))
    )
    points = base.mark_point(filled=True, size=22).encode(y=y)
    errors = (
        base.transform_filter("isValid(datum.low)").mark_rule(strokeWidth=1).encode(y="low:Q", y2="high:Q")
    )
    return alt.layer(errors, line, points).properties(height=_HEIGHT + (25 if legend else 0))


def _facts(spectra: Spectra) -> dict[str, str]:
    table = spectra.table
    facts = {
        "Spectra": f"{len(spectra.names):,}",
        "Points": f"{len(table):,}",
        "Wavelengths": span(spectra.wavelengths_nm, "nm"),
        "Angle of incidence": span(spectra.angles_deg, "°"),
        "Errors": _errors(spectra),
    }
    if spectra.has_positions:
        places = [span(sorted(set(table[axis].dropna().round(3))), "mm") for axis in ("x_mm", "y_mm")]
        facts |= {"x": places[0], "y": places[1]}
    if "n_readings" in table:
        most = int(table["n_readings"].max())
        facts["Readings"] = f"up to {counted(most, 'reading')} a point, averaged"
    if "bandwidth_nm" in table:
        facts["Bandwidth"] = span(sorted(set(table["bandwidth_nm"].dropna())), "nm")
    for column, title in (("depolarization", "Depolarization"), ("polarization", "Degree of polarization")):
        if column in table and table[column].notna().any():
            facts[title] = f"{table[column].min():.3g} to {table[column].max():.3g}"
    return facts


def _errors(spectra: Spectra) -> str:
    psi, delta = (
        np.concatenate(parts)
        for parts in zip(
            *(errors_deg(spectra, spectra.one(name)) for name in spectra.names[:_MOST_DRAWN]), strict=True
        )
    )
    if not (np.isfinite(psi).any() and np.isfinite(delta).any()):
        return "not in the file"
    return f"Psi {np.nanmedian(psi):.2g}°, Delta {np.nanmedian(delta):.2g}° (medians)"
