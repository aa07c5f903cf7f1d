"""A compound over its doses, controls beside it: a field of each, or some of its cells."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from ellimaps.plates.measuring.crops import cell_mosaic, some_cells
from ellimaps.ui.components.image_sheet import Sheet, SheetImage
from ellimaps.ui.pages.plates.cells import Cells, plate_cells
from ellimaps.ui.pages.plates.choice import Mask, dose_text
from ellimaps.ui.pages.plates.data import OpenedPlate, picture, pixel_um
from ellimaps.ui.pages.plates.images import chosen_well, field_image, places, show_images, well_images
from ellimaps.ui.pages.plates.state import WELL, PlatesState
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.widgets import number_field

_FIELDS, _CELLS = "Fields", "Cells"
# Images in a row of a window of 1280 pixels, their width in one of 900, and their edge on a sharp screen.
_MOST_DOSES, _LEAST_PX, _EDGE_PX = 8, 130, 400
_PER_ROW = 3
# Nuclei are measured; half a cell of the generated plates is two to three of their radii.
_RADII = 3.0


def contact_sheet(state: PlatesState, plate: OpenedPlate, chosen: Mask, compound: str) -> None:
    """Show the controls and the doses of a compound; a click shows the images of the well.

    Parameters
    ----------
    state, plate
        What is shown, and how channels were chosen to look.
    chosen : ndarray of bool, shape (field,)
        The fields that are chosen; controls are shown though they are not among them.
    compound : str
        Its name.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        what = st.segmented_control(
            "Images of",
            [_FIELDS, _CELLS],
            default=_FIELDS,
            **kept("plates_sheet_of", address=True),
            required=True,
            help=f"The first field of a well, or {_PER_ROW**2} of its cells, drawn at random.",
        )
        replicate = number_field(
            "Replicate", 1, 99, **kept("plates_replicate"), width=110, help="Which well of each dose to show."
        )
    shown = _shown(plate, chosen, compound, replicate)
    if len(shown) > _MOST_DOSES:
        st.caption(f"The controls and the {_MOST_DOSES - 1} highest of {len(shown) - 1} doses.")
        shown = [*shown[:1], *shown[1 - _MOST_DOSES :]]
    if what == _CELLS:
        cells = plate_cells(state, plate)
        images = [] if cells is None else [_mosaic(plate, cells, number, title) for title, number in shown]
    else:
        files = plate.profiles.fields["files"].astype(str)
        images = [field_image(plate, files.iloc[number], title) for title, number in shown]
    wells = [_well_of(plate, number) for _, number in shown]
    show_images(
        state,
        plate,
        Sheet(f"{compound} by dose", _LEAST_PX, _EDGE_PX),
        images,
        key="plates_sheet",
        on_open=partial(_open, plate, wells),
    )
    number = chosen_well(plate)
    if number is not None:
        well_images(state, plate, number)


def _shown(plate: OpenedPlate, chosen: Mask, compound: str, replicate: int) -> list[tuple[str, int]]:
    """Return a title and a field, a row of ``Profiles.fields``, of the controls and of each dose."""
    fields = plate.profiles.fields.reset_index(drop=True)
    control = fields["control"].astype(bool)
    is_mine = chosen & (fields["compound"].astype(str) == compound) & ~control
    groups = [("Controls", _one_a_well(fields[control]))] if control.any() else []
    for _, rows in fields[is_mine].groupby("concentration", dropna=False):
        unit = str(rows["concentration_unit"].iloc[0] or "")
        groups.append((dose_text(float(rows["concentration"].iloc[0]), unit), _one_a_well(rows)))
    found = [(title, numbers[(replicate - 1) % len(numbers)]) for title, numbers in groups]
    return [(f"{title}, {fields['well'].iloc[number]}", number) for title, number in found]


def _one_a_well(fields: pd.DataFrame) -> list[int]:
    return [int(number) for number in fields.drop_duplicates(["plate", "well"]).index.to_numpy()]


def _mosaic(plate: OpenedPlate, cells: Cells, number: int, title: str) -> SheetImage:
    """Cut some cells out of a field."""
    mine = cells.table[cells.owners == number]
    if "at_border" in mine:
        mine = mine[~mine["at_border"].astype(bool)]
    mine = mine.iloc[some_cells(len(mine), _PER_ROW**2)]
    half_px = max(2, round(_RADII * float(np.nanmedian(cells.table["radius"]))))
    files = str(plate.profiles.fields["files"].iloc[number])
    values = cell_mosaic(picture(plate, files), mine[["y", "x"]].to_numpy(float), half_px, _PER_ROW)
    return SheetImage(title, values, pixel_um(plate, files))


def _well_of(plate: OpenedPlate, number: int) -> int:
    """Return the well a field lies in, a row of ``Profiles.wells``."""
    place = plate.profiles.fields.iloc[number][["plate", "well"]]
    wells = pd.MultiIndex.from_frame(plate.profiles.wells[["plate", "well"]])
    return int(np.flatnonzero(wells == tuple(place))[0])


def _open(plate: OpenedPlate, wells: list[int], number: int) -> None:
    if number < len(wells):
        st.session_state[WELL] = places(plate.profiles.wells)[wells[number]]
