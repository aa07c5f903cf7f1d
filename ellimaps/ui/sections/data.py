"""The facts of a measurement and its preprocessing, with a view before and after."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import streamlit as st

from ellimaps.pipeline import Settings
from ellimaps.plots import contrast_limits
from ellimaps.preprocessing import Roi, crop
from ellimaps.stack import ImageStack, band_label
from ellimaps.ui.loading import Source, load, prepared
from ellimaps.ui.state import Session, remembered
from ellimaps.ui.viewer import MapPanel, map_viewer
from ellimaps.ui.widgets import position_slider, progress_bar, step_position


def data_section(state: Session, source: Source) -> None:
    """Show the facts, the preprocessing choices and a map before and after."""
    measured = load(source)
    facts, choices = st.columns([3, 2], gap="large")
    with facts:
        show_facts(measured)
    with choices:
        st.markdown("**Preprocessing**")
        settings = _choices(measured, state.settings)
    with progress_bar() as show:
        stack = prepared(source, settings, show)
    state.settings = settings
    _before_and_after(source, measured, stack)
    _missing_table(measured, stack)


def show_facts(stack: ImageStack) -> None:
    """Show what a measurement holds."""
    missing = stack.missing_fraction
    height, width = stack.shape
    rows = {
        "Maps": f"{stack.n_bands} ({' and '.join(stack.quantities)})",
        "Size": f"{height} × {width} px (y × x)",
        "Wavelengths": _span(stack.wavelengths_nm, "nm"),
        "Angle of incidence": _span(stack.angles_deg, "deg"),
        "Acquired": f"{stack.acquired_at:%Y-%m-%d %H:%M:%S}" if stack.acquired_at else "not known",
        "Pixel aspect": f"{stack.pixel_aspect:.3f} (height over width)",
        "Missing values": f"{missing.mean():.2%} of all, {missing.max():.2%} in the worst map",
        "Comment": " ".join(stack.comment.split()) or "none",
    }
    lines = "".join(f"| {key} | {_escaped(value)} |\n" for key, value in rows.items())
    st.markdown("| Property | Value |\n|---|---|\n" + lines)
    for warning in stack.warnings:
        st.warning(warning, icon=":material/warning:")


def _span(values: list[float], unit: str) -> str:
    if not values:
        return "not known"
    if len(values) == 1:
        return f"{values[0]:g} {unit}"
    return f"{len(values)}, {values[0]:g} to {values[-1]:g} {unit}"


def _escaped(text: str) -> str:
    for character in r"\`*_{}[]<>|$":
        text = text.replace(character, f"\\{character}")
    return text


def _choices(stack: ImageStack, settings: Settings) -> Settings:
    left, right = st.columns(2)
    with left:
        gaps = remembered(
            st.segmented_control,
            "Gaps wider than 9 px",
            options=["fill", "exclude"],
            key="gaps",
            default="fill",
            required=True,
            help="Small gaps are filled from their neighbours. In wide gaps, either take the nearest "
            "measured pixel, or leave the pixels out of every cluster.",
        )
        despike = _optional("Remove spikes", "despike", 8.0, "robust σ", 1.0, 50.0)
    with right:
        binning = remembered(
            st.number_input, "Bin (px)", 1, max(1, min(stack.shape) // 2), key="binning", default=1
        )
        smooth = _optional("Smooth", "smooth", 1.0, "Gaussian σ in px", 0.2, 20.0)
    return replace(
        settings,
        gaps=gaps,
        despike=despike,
        smooth=smooth,
        roi=_roi(stack),
        binning=int(binning),
    )


def _optional(label: str, key: str, default: float, unit: str, low: float, high: float) -> float | None:
    if not remembered(st.checkbox, label, key=f"{key}_on", default=False):
        return None
    return float(remembered(st.number_input, unit, low, high, step=0.5, key=key, default=default))


def _roi(stack: ImageStack) -> Roi | None:
    height, width = stack.shape
    if not remembered(st.checkbox, "Only a region of interest", key="roi_on", default=False):
        return None
    y0, y1 = remembered(st.slider, "y (px)", 0, height, key=f"roi_y_{height}", default=(0, height))
    x0, x1 = remembered(st.slider, "x (px)", 0, width, key=f"roi_x_{width}", default=(0, width))
    return (y0, max(y1, y0 + 1), x0, max(x1, x0 + 1)) if (y0, y1, x0, x1) != (0, height, 0, width) else None


@st.fragment
def _before_and_after(source: Source, measured: ImageStack, stack: ImageStack) -> None:
    st.markdown("**Before and after preprocessing**")
    bands = position_slider(stack)
    roi = stack.history[-1]["roi"]
    before = crop(measured, roi) if stack.shape == crop(measured, roi).shape else None
    panels = []
    for band in bands:
        name, unit = band_label(stack.bands.iloc[band]), str(stack.bands["unit"].iloc[band])
        limits = contrast_limits(stack.values[band])
        if before is not None:
            panels.append(MapPanel(f"{name}, measured", before.values[band], unit, limits))
        panels.append(MapPanel(f"{name}, preprocessed", stack.values[band], unit, limits, show_filled=True))
    filled = np.any(stack.filled[bands], axis=0)
    map_viewer(
        panels,
        source=f"{source.fingerprint} {roi} {stack.shape}",
        aspect=stack.pixel_aspect,
        filled=filled,
        key="before_after",
        on_step=lambda: step_position(stack, st.session_state["before_after"]["step"]),
    )
    shown = (
        f"{int(filled.sum()):,} filled pixels ({filled.mean():.2%}) are marked in pink; grey has no value."
    )
    st.caption(shown if before is not None else shown + " The measured map is not shown beside a binned one.")


def _missing_table(measured: ImageStack, stack: ImageStack) -> None:
    with st.expander("Missing and filled values of every map"):
        table = pd.DataFrame(
            {
                "map": [band_label(band) for _, band in measured.bands.iterrows()],
                "file": measured.bands["file"],
                "missing (%)": 100 * measured.missing_fraction,
                "filled (%)": 100 * stack.filled_fraction,
            }
        )
        st.dataframe(table.round(3), hide_index=True)
