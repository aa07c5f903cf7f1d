"""Two fields side by side: what was chosen beside a control."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from ellimaps.ui.components.image_sheet import Sheet
from ellimaps.ui.pages.plates.data import OpenedPlate, treatment_names
from ellimaps.ui.pages.plates.images import field_image, show_images
from ellimaps.ui.pages.plates.state import PlatesState
from ellimaps.ui.shared.state import kept


def side_by_side(
    state: PlatesState,
    plate: OpenedPlate,
    rows: pd.DataFrame,
    picked: Sequence[int],
    chosen: Sequence[int] | NDArray[np.int64],
) -> None:
    """Show two fields.

    Parameters
    ----------
    state : PlatesState
        Keeps what was suggested last.
    plate : OpenedPlate
        The profiles.
    rows : DataFrame
        Fields or wells, whichever are points.
    picked : sequence of int
        Those picked in the table; they come first.
    chosen : sequence of int
        Those chosen in the plot; they come second, and then a control.
    """
    fields = plate.profiles.fields
    names = _names(fields)
    pair = _suggested(fields, rows, list(picked) or list(chosen))
    sides = ("left", "right")
    if state.pair != pair:
        state.pair = pair
        for side, number in zip(sides, pair, strict=True):
            st.session_state[f"plates_{side}"] = names[number]
    shown = []
    for column, side in zip(st.columns(2), sides, strict=True):
        name = column.selectbox(f"{side.capitalize()} image", names, **kept(f"plates_{side}"))
        shown.append(field_image(plate, str(fields["files"].iloc[names.index(name)]), name))
    sheet = Sheet(" and ".join(one.title for one in shown), is_open=True)
    show_images(state, plate, sheet, shown, key="plates_pictures")


def _names(fields: pd.DataFrame) -> list[str]:
    several = fields["plate"].nunique() > 1
    return [
        (f"{plate} " if several else "") + f"{well} field {number}, {treatment}"
        for plate, well, number, treatment in zip(
            fields["plate"], fields["well"], fields["field"], treatment_names(fields), strict=True
        )
    ]


def _suggested(fields: pd.DataFrame, rows: pd.DataFrame, chosen: Sequence[int]) -> tuple[int, int]:
    """Return the fields to compare: the first two chosen, or one and a control."""
    found = [_field_of(fields, rows.iloc[number]) for number in chosen[:2] if number < len(rows)]
    if len(found) == 2:
        return found[0], found[1]
    treated = np.flatnonzero(~fields["control"].to_numpy(bool))
    controls = np.flatnonzero(fields["control"].to_numpy(bool))
    first = found[0] if found else int(treated[0] if treated.size else 0)
    return first, int(controls[0] if controls.size else min(len(fields) - 1, first + 1))


def _field_of(fields: pd.DataFrame, row: pd.Series) -> int:
    same = (fields["plate"] == row["plate"]) & (fields["well"] == row["well"])
    if "field" in row:
        same &= fields["field"] == row["field"]
    return int(np.flatnonzero(same.to_numpy())[0])
