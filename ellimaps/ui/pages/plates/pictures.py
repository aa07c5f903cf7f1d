"""Two fields side by side: what was chosen beside a control."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from ellimaps.plates.measuring.thumbnails import channel_colors
from ellimaps.readers.planes import RGB_NAMES
from ellimaps.ui.components.image_pair import PairChannel, PairPicture, image_pair
from ellimaps.ui.pages.plates.data import Opened, picture, treatment_names
from ellimaps.ui.shared.state import remembered, session, set_value


def side_by_side(one: Opened, rows: pd.DataFrame, picked: Sequence[int]) -> None:
    """Show two fields; rows picked in the table come first, then what the pointer chose, then a control."""
    fields = one.profiles.fields
    names = _names(fields)
    left, right = _suggested(fields, rows, picked)
    state = session()
    if state.memory.get("plates_pair") != (left, right):
        state.memory["plates_pair"] = (left, right)
        set_value(state, "plates_left", names[left])
        set_value(state, "plates_right", names[right])
    for column, (key, number) in zip(
        st.columns(2), (("plates_left", left), ("plates_right", right)), strict=True
    ):
        with column:
            remembered(
                st.selectbox, "Left picture" if key == "plates_left" else "Right picture", options=names,
                key=key, default=names[number],
            )  # fmt: skip
    shown = [names.index(state.memory[key]) for key in ("plates_left", "plates_right")]
    _pair(one, fields, names, shown)


def _pair(one: Opened, fields: pd.DataFrame, names: Sequence[str], shown: Sequence[int]) -> None:
    pictures = [
        PairPicture(names[number], picture(one, str(fields["files"].iloc[number]))) for number in shown
    ]
    n = min(len(one_picture.values) for one_picture in pictures)
    merged = n > len(one.channels)
    labels = RGB_NAMES[:n] if merged else [_label(name) for name in one.channels]
    colors = channel_colors(n, merged=merged)
    channels = [PairChannel(label, color) for label, color in zip(labels, colors, strict=True)]
    image_pair(pictures, channels, key="plates_pictures")


def _label(channel: str) -> str:
    return f"channel {channel}" if channel.isdigit() else channel


def _names(fields: pd.DataFrame) -> list[str]:
    several = fields["plate"].nunique() > 1
    return [
        (f"{plate} " if several else "") + f"{well} field {number}, {treatment}"
        for plate, well, number, treatment in zip(
            fields["plate"], fields["well"], fields["field"], treatment_names(fields), strict=True
        )
    ]


def _suggested(fields: pd.DataFrame, rows: pd.DataFrame, picked: Sequence[int]) -> tuple[int, int]:
    """Return the fields to compare: those picked, or the first chosen point and a control of its plate."""
    chosen = list(picked) or session().memory.get("plates_selected", [])[:2]
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
