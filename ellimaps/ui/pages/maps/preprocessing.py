"""The choices between a measurement and what is clustered: planes, corrections, gaps, spikes, a region."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from ellimaps.core.stack import ImageStack
from ellimaps.images.preprocessing import Roi
from ellimaps.maps.settings import Settings
from ellimaps.ui.pages.maps.intensities import correction_choices, plane_choices
from ellimaps.ui.pages.maps.loading import Source, load
from ellimaps.ui.pages.maps.readings import spikes_table
from ellimaps.ui.shared.controls import number, one_of, optional_number, switched_on, whole_number
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import kept


def preprocessing_choices(source: Source, settings: Settings) -> Settings:
    """Show the choices, folded where there are no planes to choose, and return the settings with them."""
    stack = load(source)
    maps = stack.is_ellipsometric
    title = "Preprocessing" if maps else "Planes, corrections, preprocessing"
    with (
        st.expander(title, expanded=not maps, icon=":material/tune:"),
        st.container(horizontal=True, vertical_alignment="bottom", gap="medium"),
    ):
        if not maps:
            settings = correction_choices(plane_choices(source, settings))
        gaps = one_of("gaps")
        smaller = min(stack.shape)
        binning = whole_number("binning", high=max(1, smaller // 2), key=f"binning_{smaller}", width=110)
        known_size = stack.pixel_size_um or 0.0
        pixel_size = number("pixel_size_um", start=known_size, key=f"pixel_size_{stack.name}")
        despike = optional_number("despike")
        smooth = optional_number("smooth")
        roi = _roi(stack) if switched_on("roi") else None
    return replace(
        settings,
        pixel_size_um=pixel_size if pixel_size and pixel_size != stack.pixel_size_um else None,
        gaps=gaps,
        despike=despike,
        smooth=smooth,
        roi=roi,
        binning=binning,
    )


def spikes_note(source: Source, settings: Settings) -> None:
    """Say how many measured values despiking took of the map that lost most."""
    if settings.despike is None:
        return
    table = spikes_table(source, settings)
    worst = table.sort_values("share").iloc[-1]
    sentence = (
        f"**Removing spikes** took {worst['taken']:,} of {worst['measured']:,} measured pixels of "
        f"{escaped(worst['map'])} ({worst['share']:.2%})"
    )
    # Stray pixels are less than one in a hundred, as the contrast by default assumes too.
    n_many = int((table["share"] > 0.01).sum())
    if n_many:
        which = f"{n_many} of {len(table)} lose" if len(table) > 1 else "it loses"
        st.warning(
            f"{sentence}; {which} more than 1%. So many are edges rather than spikes: raise the threshold.",
            icon=":material/warning:",
        )
    else:
        st.caption(f"{sentence}, and of no map more.")


def _roi(stack: ImageStack) -> Roi | None:
    height, width = stack.shape
    (y0, y1), (x0, x1) = (
        st.slider(label, 0, size, (0, size), **kept(f"roi_{axis}_{size}"))
        for label, axis, size in zip(("Rows y (px)", "Columns x (px)"), "yx", stack.shape, strict=True)
    )
    y0, x0 = min(y0, height - 1), min(x0, width - 1)
    roi = (y0, max(y1, y0 + 1), x0, max(x1, x0 + 1))
    return None if roi == (0, height, 0, width) else roi
