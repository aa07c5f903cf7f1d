"""The facts of a measurement and its preprocessing, with a view before and after."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import TypeVar

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from ellimaps.core.abscissa import time_axis
from ellimaps.core.stack import ImageStack, band_label
from ellimaps.images.intensities import channels_of
from ellimaps.images.preprocessing import Roi, crop
from ellimaps.maps.figures import contrast_limits
from ellimaps.maps.settings import Corrections, Settings, names_of
from ellimaps.ui.components.viewer import MapPanel, MapScene, map_viewer
from ellimaps.ui.pages.maps.conditions import conditions_panel
from ellimaps.ui.pages.maps.intensities import (
    bleaching_panel,
    channel_editor,
    correction_choices,
    plane_choices,
)
from ellimaps.ui.pages.maps.loading import Source, load, opened, prepared
from ellimaps.ui.pages.maps.sliders import band_slider, move_band_slider
from ellimaps.ui.pages.maps.state import MapsState
from ellimaps.ui.shared.controls import number, one_of, optional_number, switched_on, whole_number
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.widgets import guarded, progress_bar

T = TypeVar("T", bound=np.generic)


def data_tab(state: MapsState, source: Source) -> None:
    """Show the facts, the preprocessing choices and a map before and after."""
    facts = st.container()
    settings = _choices(source, state.settings)
    with progress_bar() as show:
        measured = opened(source, settings, show)
        with facts:
            show_facts(measured)
            conditions_panel(measured)
        stack = prepared(source, settings, show)
    state.settings = settings
    if measured.is_ellipsometric:
        _before_and_after(source, measured, stack, settings)
    else:
        images, channels = st.columns([7, 5], gap="medium")
        with images:
            _before_and_after(source, measured, stack, settings)
        with channels, guarded():
            bleaching_panel(source, settings)
            channel_editor(state, measured, settings)
    _missing_table(measured, stack)


def show_facts(stack: ImageStack) -> None:
    """Show what a measurement holds."""
    missing = stack.missing_fraction
    height, width = stack.shape
    if stack.is_ellipsometric:
        facts = {"Maps": f"{stack.n_bands} ({' and '.join(stack.quantities)})"}
        angle = {"Angle of incidence": _span(stack.angles_deg, "deg")}
    else:
        facts, angle = {"Images": _images(stack), "Files": _files(stack)}, {}
    facts |= {
        "Size": f"{height} × {width} px (y × x)",
        "Wavelengths": _span(stack.wavelengths_nm, "nm"),
        **angle,
        "Acquired": f"{stack.acquired_at:%Y-%m-%d %H:%M:%S}" if stack.acquired_at else "not known",
        "Pixel aspect (y/x)": f"{stack.pixel_aspect:.3f}",
        "Pixel width": f"{stack.pixel_size_um:g} µm" if stack.pixel_size_um else "not known",
        "Missing values": f"{missing.mean():.2%} of all, {missing.max():.2%} in the worst "
        + ("map" if stack.is_ellipsometric else "image"),
        "Comment": " ".join(stack.comment.split()) or "none",
    }
    cells = "".join(
        f"<div{_width_class(value)}><dt>{escape(key)}</dt><dd>{escape(value)}</dd></div>"
        for key, value in facts.items()
    )
    st.html(f'<dl class="facts">{cells}</dl>')
    for warning in stack.warnings:
        st.warning(warning, icon=":material/warning:")


def _images(stack: ImageStack) -> str:
    n_channels = len(channels_of(stack))
    n_times = stack.n_bands // n_channels
    parts = [f"{n_channels} channel{'s' if n_channels > 1 else ''}"]
    if time_axis(stack) is not None:
        parts.append(f"{n_times} times")
    return f"{stack.n_bands} ({', '.join(parts)})"


def _files(stack: ImageStack) -> str:
    files = list(dict.fromkeys(stack.bands["file"]))
    return files[0] if len(files) == 1 else f"{len(files)}, {files[0]} to {files[-1]}"


def _width_class(text: str) -> str:
    return ' class="longer"' if len(text) > 50 else ' class="long"' if len(text) > 26 else ""


def _span(values: list[float], unit: str) -> str:
    if not values:
        return "not known"
    if len(values) == 1:
        return f"{values[0]:g} {unit}"
    return f"{len(values)}, {values[0]:g} to {values[-1]:g} {unit}"


def _choices(source: Source, settings: Settings) -> Settings:
    stack = load(source)
    st.markdown("**Preprocessing**" if stack.is_ellipsometric else "**Planes, corrections, preprocessing**")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        if not stack.is_ellipsometric:
            settings = correction_choices(plane_choices(source, settings))
        gaps = one_of("gaps")
        smaller = min(stack.shape)
        binning = whole_number("binning", high=max(1, smaller // 2), key=f"binning_{smaller}", width=110)
        known_size = stack.pixel_size_um or 0.0
        pixel_size = number("pixel_size_um", start=known_size, key=f"pixel_size_{stack.name}")
        despike = optional_number("despike")
        smooth = optional_number("smooth")
        roi_on = switched_on("roi")
    return replace(
        settings,
        pixel_size_um=pixel_size if pixel_size and pixel_size != stack.pixel_size_um else None,
        gaps=gaps,
        despike=despike,
        smooth=smooth,
        roi=_roi(stack) if roi_on else None,
        binning=binning,
    )


def _roi(stack: ImageStack) -> Roi | None:
    height, width = stack.shape
    (y0, y1), (x0, x1) = (
        column.slider(label, 0, size, (0, size), **kept(f"roi_{axis}_{size}"))
        for column, label, axis, size in zip(
            st.columns(2, gap="medium"), ("Rows y (px)", "Columns x (px)"), "yx", stack.shape, strict=True
        )
    )
    y0, x0 = min(y0, height - 1), min(x0, width - 1)
    roi = (y0, max(y1, y0 + 1), x0, max(x1, x0 + 1))
    return None if roi == (0, height, 0, width) else roi


@st.fragment
def _before_and_after(source: Source, measured: ImageStack, stack: ImageStack, settings: Settings) -> None:
    with guarded():
        position, bands = band_slider(stack)
        before = crop(measured, settings.roi)
        # Corrected intensities are on a scale of their own.
        rescaled = any(getattr(settings, name) for name in names_of(Corrections))
        panels = []
        for band in bands:
            name, unit = band_label(stack.bands.iloc[band]), str(stack.bands["unit"].iloc[band])
            limits = contrast_limits(stack.values[band])
            after = _enlarged(stack.values[band], settings.binning)
            raw = before.values[band][: after.shape[0], : after.shape[1]]
            raw_limits = contrast_limits(raw) if rescaled else limits
            panels.append(MapPanel(f"{name}, measured", raw, unit, raw_limits))
            panels.append(MapPanel(f"{name}, preprocessed", after, unit, limits, show_filled=True))
        filled = np.any(stack.filled[bands], axis=0)
        scene = MapScene(
            panels,
            source=f"{source.fingerprint} {settings.roi}",
            aspect=before.pixel_aspect,
            filled=_enlarged(filled, settings.binning),
            pixel_size_um=settings.pixel_size_um or measured.pixel_size_um,
            position=position,
        )
        map_viewer(scene, key="before_after", on_step=lambda target: move_band_slider(stack, target))
        st.caption(
            f"Pink: {int(filled.sum()):,} filled pixels ({filled.mean():.2%}). Grey: no value."
            + (
                f" Binned pixels are drawn as {settings.binning} × {settings.binning} measured ones."
                if settings.binning > 1
                else ""
            )
        )


def _enlarged(image: NDArray[T], times: int) -> NDArray[T]:
    """Draw binned pixels as large as the measured ones they are made of."""
    return image if times == 1 else image.repeat(times, axis=0).repeat(times, axis=1)


def _missing_table(measured: ImageStack, stack: ImageStack) -> None:
    maps = measured.is_ellipsometric
    title = "Missing and filled values of every map" if maps else "Images in order, their files and values"
    with st.expander(title):
        labels = [band_label(band) for _, band in measured.bands.iterrows()]
        times = {} if maps else {"time (s)": measured.bands["time_s"]}
        table = pd.DataFrame(
            {
                "map" if maps else "image": labels,
                "file": measured.bands["file"],
                **times,
                "missing (%)": 100 * measured.missing_fraction,
                "filled (%)": 100 * stack.filled_fraction,
            }
        )
        st.dataframe(table.round(3), hide_index=True)
