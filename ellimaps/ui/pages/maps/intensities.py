"""What only intensity stacks have: planes and time points, channel names, corrections, bleaching."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import isfinite
from typing import Any

import pandas as pd
import streamlit as st

from ellimaps.core.abscissa import time_axis
from ellimaps.core.stack import ImageStack
from ellimaps.images.intensities import BACKGROUND_RADIUS_PX, PERCENTILES, Bleaching, channels_of
from ellimaps.maps.settings import Settings
from ellimaps.ui.pages.maps.charts import bleaching_chart
from ellimaps.ui.pages.maps.loading import Source, axes, bleaching, opened
from ellimaps.ui.pages.maps.state import MapsState
from ellimaps.ui.shared.charts import show_chart
from ellimaps.ui.shared.controls import DEFAULT_PLANE, optional_number, percentiles, plane, switch
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import kept


def plane_choices(source: Source, settings: Settings) -> Settings:
    """Show which focal planes and time points to take, where the file has several."""
    n_times, n_planes = axes(source)
    if n_planes > 1:
        names = {DEFAULT_PLANE: f"brightest of {n_planes} (max)", "mean": f"mean of {n_planes}"}
        settings = replace(settings, z=plane("z", n_planes, names))
    if n_times > 1:
        names = {
            DEFAULT_PLANE: f"all {n_times}, one image each",
            "max": f"brightest of {n_times} (max)",
            "mean": f"mean of {n_times}",
        }
        settings = replace(settings, t=plane("t", n_times, names))
    return settings


def correction_choices(settings: Settings) -> Settings:
    """Show the corrections of intensities, all of them off by default."""
    background = optional_number("background", start=BACKGROUND_RADIUS_PX, width=190)
    normalise = percentiles("normalise", start=PERCENTILES)
    log = switch("log")
    return replace(settings, background=background, normalise=normalise, log=log)


def channel_editor(state: MapsState, stack: ImageStack, settings: Settings) -> None:
    """Show the channels with names and wavelengths to edit."""
    table = channels_of(stack)
    rows = pd.DataFrame({"name": table["channel"], "wavelength (nm)": table["wavelength_nm"].astype(float)})
    rows.insert(0, "channel", range(1, len(rows) + 1))
    key = f"channels_{hash((state.source, settings.z, settings.t, settings.channels))}"
    st.data_editor(
        rows,
        hide_index=True,
        # In pixels: five rows and the header, each as high as Streamlit draws it.
        height=36 * (min(len(rows), 5) + 1),
        disabled=["channel"],
        column_config={
            "channel": st.column_config.NumberColumn("channel", width="small"),
            "name": st.column_config.TextColumn("name (click to edit)", max_chars=40),
            "wavelength (nm)": st.column_config.NumberColumn(
                "wavelength (nm)", min_value=1.0, max_value=1e5, format="%g", help="Of the emission."
            ),
        },
        key=key,
        on_change=lambda: take_channels(state, rows, st.session_state[key]["edited_rows"]),
    )


def take_channels(state: MapsState, rows: pd.DataFrame, edited_rows: Mapping[int, Mapping[str, Any]]) -> None:
    """Call the channels whose rows were edited something else."""
    changed = rows.copy()
    for row, cells in edited_rows.items():
        for column, value in cells.items():
            if value is not None:
                changed.loc[int(row), column] = value
    pairs = list(zip(changed["name"].str.strip(), changed["wavelength (nm)"], strict=True))
    names = [name for name, _ in pairs]
    if len(names) > 1 and ("" in names or len(set(names)) < len(names)):
        state.message = "Every channel needs a name of its own: the last change was not taken."
    elif any("@" in name and not isfinite(wavelength) for name, wavelength in pairs):
        state.message = "A name with @ needs a wavelength too: the last change was not taken."
    else:
        texts = tuple(f"{name}@{nm:g}" if isfinite(nm) else name for name, nm in pairs)
        state.settings = replace(state.settings, channels=texts)


def bleaching_panel(source: Source, settings: Settings) -> None:
    """Show how the mean intensity falls over time, where there is time."""
    stack = opened(source, settings)
    if time_axis(stack) is None:
        # Whether the single images of a folder are channels or time points, only the user knows. A decay is
        # fitted to four points at least.
        if stack.n_bands < 4 or axes(source)[0] > 1:
            return
        text = "Shows how the dye bleaches over them."
        label = "Images are time points"
        if not st.checkbox(label, **kept("as_frames"), help=text, width="content"):
            return
    curve = bleaching(source, settings)
    show_chart(bleaching_chart(curve))
    st.caption(escaped(half_lives(curve)))


def half_lives(curve: Bleaching) -> str:
    """Return how far and how fast each channel bleaches, as a sentence; a small fall is a doubtful one."""
    units = {"s": "s", "frame": "time points"}
    parts = []
    for row in curve.rates.to_dict("records"):
        name = f"{row['channel']} " if row["channel"] else ""
        fitted = curve.table.loc[curve.table["channel"] == row["channel"], "fitted"]
        if isfinite(row["half_life"]):
            span = f"{fitted.iloc[0]:.3g} to {fitted.iloc[-1]:.3g}"
            parts.append(f"{name}{span}, half-life {row['half_life']:.3g} {units[row['unit']]}")
        else:
            parts.append(f"{name}no decay found")
    return f"Fitted, before any correction: {'; '.join(parts)}."
