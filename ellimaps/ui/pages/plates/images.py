"""Images of fields with the contrast of their plate, and the colors, contrast and gamma that were chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from ellimaps.plates.measuring.thumbnails import channel_colors
from ellimaps.readers.planes import RGB_NAMES
from ellimaps.ui.components.image_sheet import Sheet, SheetChannel, SheetImage, image_sheet
from ellimaps.ui.pages.plates.data import OpenedPlate, picture, pixel_um, plate_limits, treatment_names
from ellimaps.ui.pages.plates.state import WELL, PlatesState
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.widgets import choose_one

# Fields of a well that fit in a row of a window of 900 pixels, at this width and with this longer edge.
_MOST_FIELDS, _LEAST_PX, _EDGE_PX = 4, 180, 480


def show_images(
    state: PlatesState,
    plate: OpenedPlate,
    sheet: Sheet,
    images: Sequence[SheetImage],
    *,
    key: str,
    on_open: Callable[[int], None] | None = None,
) -> None:
    """Show images of a plate beside each other, with its contrast and as channels were chosen to look.

    Parameters
    ----------
    state : PlatesState
        Keeps what is chosen of the channels.
    plate : OpenedPlate
        Where they are from.
    sheet, images, key, on_open
        As `ellimaps.ui.components.image_sheet.image_sheet`.
    """
    limits = plate_limits(state, plate)
    if limits is None or not images:
        return
    n = min(len(one.values) for one in images)
    merged = n > len(plate.channels)
    labels = RGB_NAMES[:n] if merged else [_label(name) for name in plate.channels]
    colors = channel_colors(n, merged=merged)
    channels = [
        SheetChannel(label, color, *ends) for label, color, ends in zip(labels, colors, limits, strict=False)
    ]
    image_sheet(sheet, images, channels, key=key, look=state.look, on_look=state.take_look, on_open=on_open)


def field_image(plate: OpenedPlate, files: str, title: str) -> SheetImage:
    """Return the image of a field under a title."""
    return SheetImage(title, picture(plate, files), pixel_um(plate, files))


def chosen_well(plate: OpenedPlate) -> int | None:
    """Return the well that was clicked, or is chosen by its name: a row of ``Profiles.wells``."""
    names = places(plate.profiles.wells)
    chosen = choose_one(
        "Well", names, key=WELL, index=None, placeholder="Click a well, or choose it here", width=260
    )
    return None if chosen is None else names.index(chosen)


def well_images(state: PlatesState, plate: OpenedPlate, number: int) -> None:
    """Show the fields of a well, a row of ``Profiles.wells``."""
    row = plate.profiles.wells.iloc[number]
    title = (
        f"{places(plate.profiles.wells)[number]}, {treatment_names(plate.profiles.wells.iloc[[number]])[0]}"
    )
    fields = plate.profiles.fields
    mine = fields[(fields["plate"] == row["plate"]) & (fields["well"] == row["well"])]
    st.markdown(f"**{escaped(title)}**, {_counted(len(mine), min(len(mine), _MOST_FIELDS))}")
    images = [
        field_image(plate, str(files), f"{row['well']} field {field}")
        for files, field in zip(mine["files"].iloc[:_MOST_FIELDS], mine["field"], strict=False)
    ]
    show_images(state, plate, Sheet(title, _LEAST_PX, _EDGE_PX), images, key="plates_well_images")


def places(wells: pd.DataFrame) -> list[str]:
    """Return what tells each well of all plates from the others: its name, behind that of its plate."""
    if wells["plate"].nunique() == 1 and not wells["well"].duplicated().any():
        return wells["well"].astype(str).tolist()
    return (wells["plate"].astype(str) + " " + wells["well"].astype(str)).tolist()


def _counted(n: int, shown: int) -> str:
    return f"{n} field{'s' * (n != 1)}" if n == shown else f"the first {shown} of {n} fields"


def _label(channel: str) -> str:
    return f"channel {channel}" if channel.isdigit() else channel
