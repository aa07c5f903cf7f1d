"""The view Data: maps first; beside them the spectrum of a pixel, the settings and the facts, folded."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TypeVar

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from ellimaps.core.abscissa import time_axis
from ellimaps.core.numbers import counted, shown_unit, with_unit
from ellimaps.core.stack import ImageStack, band_label
from ellimaps.images.intensities import channels_of
from ellimaps.images.preprocessing import crop
from ellimaps.maps.settings import Corrections, Settings, names_of
from ellimaps.ui.components.viewer import MapLine, MapPanel, MapScene, map_viewer
from ellimaps.ui.pages.maps.conditions import conditions_panel
from ellimaps.ui.pages.maps.contrast import Contrast, contrast_control
from ellimaps.ui.pages.maps.delta_turn import on_turn
from ellimaps.ui.pages.maps.intensities import bleaching_panel, channel_editor
from ellimaps.ui.pages.maps.loading import Source, opened, prepared
from ellimaps.ui.pages.maps.pixel_spectrum import pick_pixel, pixel_spectrum
from ellimaps.ui.pages.maps.preprocessing import preprocessing_choices, spikes_note
from ellimaps.ui.pages.maps.readings import (
    lowest_delta,
    shares_table,
)
from ellimaps.ui.pages.maps.sliders import (
    band_slider,
    band_slider_label,
    follow_band_slider,
    move_band_slider,
)
from ellimaps.ui.pages.maps.state import MapsState
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.widgets import guarded, progress_bar

T = TypeVar("T", bound=np.generic)


@st.fragment
def data_tab(state: MapsState, source: Source) -> None:
    """Show the maps, and what belongs to them beside."""
    with guarded():
        with st.container(key="data_split"):
            maps, beside = st.columns([8, 5], gap="medium")
        with beside:
            spectrum = st.container()
            settings = preprocessing_choices(source, state.settings)
        with maps, progress_bar() as show:
            measured = opened(source, settings, show)
            stack = prepared(source, settings, show)
        state.settings = settings
        with beside, guarded():
            spikes_note(source, settings)
        with maps, guarded():
            lowest = lowest_delta(source, settings)
            bands = _maps(state, source, measured, stack, lowest)
        with spectrum, guarded():
            pixel_spectrum(state, stack, settings, bands, lowest)
        with beside, guarded():
            if not measured.is_ellipsometric:
                bleaching_panel(source, settings)
                channel_editor(state, measured, settings)
            with st.expander("About this measurement", expanded=True, icon=":material/info:"):
                show_facts(measured)
            with st.expander("Temperature meanwhile", icon=":material/thermostat:"):
                conditions_panel(measured)
            title = "Missing and filled values" if measured.is_ellipsometric else "Images in order"
            with st.expander(title, icon=":material/table:"):
                st.dataframe(shares_table(source, settings), hide_index=True)


def _maps(
    state: MapsState, source: Source, measured: ImageStack, stack: ImageStack, lowest: float
) -> list[int]:
    """Show the maps where the slider stands, and return their bands."""
    settings = state.settings
    with st.container(horizontal=True, vertical_alignment="bottom"):
        position, bands = band_slider(stack)
        contrast = contrast_control(source, settings, stack)
        both = st.toggle("As measured, too", **kept("both"), help="Before preprocessing, beside after it.")
    panels = []
    for band in bands:
        after = _prepared_panel(stack, settings, band, contrast, lowest)
        panels += (
            [_measured_panel(measured, settings, band, after, contrast, lowest), after] if both else [after]
        )
    scene = MapScene(
        panels,
        source=f"{source.fingerprint} {settings.roi}",
        aspect=measured.pixel_aspect,
        regions=_cross(state, settings),
        pixel_size_um=settings.pixel_size_um or measured.pixel_size_um,
        position=position,
        slider=band_slider_label(stack),
    )
    map_viewer(
        scene,
        key="before_after",
        on_step=lambda target: move_band_slider(stack, target),
        on_drag=follow_band_slider,
        on_region=lambda drawn: pick_pixel(state, drawn, settings),
        tools=["pixel"],
    )
    st.caption(_filled_sentence(stack, bands, settings))
    return bands


def _prepared_panel(
    stack: ImageStack, settings: Settings, band: int, contrast: Contrast, lowest: float
) -> MapPanel:
    row = stack.bands.iloc[band]
    image = on_turn(stack.values[band], row["quantity"], lowest)
    return MapPanel(
        f"{band_label(row)}, preprocessed",
        _enlarged(image, settings.binning),
        shown_unit(row["unit"]),
        contrast.limits(image, row["quantity"]),
        filled=_enlarged(stack.filled[band], settings.binning),
    )


def _measured_panel(
    measured: ImageStack, settings: Settings, band: int, after: MapPanel, contrast: Contrast, lowest: float
) -> MapPanel:
    """Return the map that another panel shows after preprocessing, in the same colors, as it was before."""
    assert after.image is not None
    height, width = after.image.shape
    row = measured.bands.iloc[band]
    image = on_turn(crop(measured, settings.roi).values[band][:height, :width], row["quantity"], lowest)
    # Corrected intensities are on a scale of their own.
    rescaled = any(getattr(settings, name) for name in names_of(Corrections))
    limits = contrast.limits(image) if rescaled else after.limits
    return MapPanel(f"{band_label(row)}, measured", image, after.unit, limits)


def _cross(state: MapsState, settings: Settings) -> list[MapLine]:
    """Return a mark where a pixel was picked."""
    if state.pixel is None:
        return []
    y0, _, x0, _ = settings.roi or (0, 0, 0, 0)
    return [MapLine(((state.pixel[0] - x0 + 0.5, state.pixel[1] - y0 + 0.5),))]


def _filled_sentence(stack: ImageStack, bands: list[int], settings: Settings) -> str:
    """Say how many pixels of the maps shown are filled, and how large a pixel is drawn."""
    counts = [int(np.count_nonzero(stack.filled[band])) for band in bands]
    n_pixels = stack.shape[0] * stack.shape[1]
    quantities = [f"of {stack.bands['quantity'].iloc[band]} " for band in bands] if len(bands) > 1 else [""]
    parts = [f"{n:,} {what}({n / n_pixels:.2%})" for n, what in zip(counts, quantities, strict=True)]
    sentence = f"Filled: {', '.join(parts)} of {counted(n_pixels, 'pixel')}."
    if settings.binning > 1:
        sentence += f" Binned pixels are drawn as {settings.binning} × {settings.binning} measured ones."
    return sentence


def _enlarged(image: NDArray[T], times: int) -> NDArray[T]:
    """Draw binned pixels as large as the measured ones they are made of."""
    return image if times == 1 else image.repeat(times, axis=0).repeat(times, axis=1)


def show_facts(stack: ImageStack) -> None:
    """Show what a measurement holds."""
    missing = stack.missing_fraction
    height, width = stack.shape
    if stack.is_ellipsometric:
        facts = {"Maps": f"{stack.n_bands} ({' and '.join(stack.quantities)})"}
        angle = {"Angle of incidence": span(stack.angles_deg, "°")}
    else:
        facts, angle = {"Images": _images(stack), "Files": _files(stack)}, {}
    facts |= {
        "Size": f"{height} × {width} px (y × x)",
        "Wavelengths": span(stack.wavelengths_nm, "nm"),
        **angle,
        "Acquired": f"{stack.acquired_at:%Y-%m-%d %H:%M:%S}" if stack.acquired_at else "not known",
        "Pixel aspect (y/x)": f"{stack.pixel_aspect:.3f}",
        "Pixel width": f"{stack.pixel_size_um:g} µm" if stack.pixel_size_um else "not known",
        "Missing values": f"{missing.mean():.2%} of all, {missing.max():.2%} in the worst "
        + ("map" if stack.is_ellipsometric else "image"),
        "Comment": " ".join(stack.comment.split()) or "none",
    }
    st.html(facts_html(facts))
    for warning in stack.warnings:
        st.warning(escaped(warning), icon=":material/warning:")


def facts_html(facts: Mapping[str, str]) -> str:
    """Return facts by their titles as a grid."""
    cells = "".join(
        f"<div{_width_class(value)}><dt>{escape(key)}</dt><dd>{escape(value)}</dd></div>"
        for key, value in facts.items()
    )
    return f'<dl class="facts">{cells}</dl>'


def _images(stack: ImageStack) -> str:
    n_channels = len(channels_of(stack))
    n_times = stack.n_bands // n_channels
    parts = [counted(n_channels, "channel")]
    if time_axis(stack) is not None:
        parts.append(counted(n_times, "time"))
    return f"{stack.n_bands} ({', '.join(parts)})"


def _files(stack: ImageStack) -> str:
    files = list(dict.fromkeys(stack.bands["file"]))
    return files[0] if len(files) == 1 else f"{len(files)}, {files[0]} to {files[-1]}"


def _width_class(text: str) -> str:
    return ' class="longer"' if len(text) > 50 else ' class="long"' if len(text) > 26 else ""


def span(values: list[float], unit: str) -> str:
    """Return how many values there are, from where to where; the value itself where there is one."""
    if not values:
        return "not known"
    if len(values) == 1:
        return with_unit(f"{values[0]:g}", unit)
    return with_unit(f"{len(values)}, {values[0]:g} to {values[-1]:g}", unit)
