"""Single cells as points: those chosen are counted by what was in their wells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from ellimaps.core.errors import EllimapsError, ReadError
from ellimaps.core.numbers import spoken
from ellimaps.core.progress import Progress
from ellimaps.plates.measuring.profiles import CELL_METADATA, read_profiles
from ellimaps.plates.statistics.cell_map import cell_features, cell_positions
from ellimaps.ui.components import scatter
from ellimaps.ui.pages.plates.choice import chosen_fields
from ellimaps.ui.pages.plates.coloring import groups_of
from ellimaps.ui.pages.plates.data import OpenedPlate, thumbnails, treatment_names
from ellimaps.ui.pages.plates.state import PlatesState
from ellimaps.ui.shared.cache import MEGABYTE, BoundedCache
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.tasks import computed
from ellimaps.ui.shared.widgets import table_downloads

_COLORINGS = ["Compound", "Concentration", "Control", "Plate", "Feature"]


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of a plate.

    Attributes
    ----------
    table : DataFrame
        As ``Profiles.cells``, only cells of fields that are there.
    positions : ndarray of float32, shape (cell, 2)
        In the plane.
    owners : ndarray of int, shape (cell,)
        The row of ``Profiles.fields`` each lies in.
    """

    table: pd.DataFrame
    positions: NDArray[np.float32]
    owners: NDArray[np.intp]


# A million cells of 60 measurements are half of it.
_CELLS: BoundedCache[Cells | EllimapsError] = BoundedCache(
    1024 * MEGABYTE, lambda found: int(found.table.memory_usage().sum()) if isinstance(found, Cells) else 1
)


def cells_view(state: PlatesState, plate: OpenedPlate) -> None:
    """Show the cells of the chosen fields, and where those chosen among them lie."""
    found = plate_cells(state, plate)
    if found is None:
        return
    fields = plate.profiles.fields
    coloring = st.selectbox("Colour of cells", _COLORINGS, **kept("plates_cell_color"), width=170)
    drawn = np.flatnonzero(chosen_fields(state, plate)[found.owners])
    owners = found.owners[drawn]
    selected = np.flatnonzero(np.isin(drawn, state.cells)) if state.cells else np.empty(0, int)

    def on_select(numbers: list[int]) -> None:
        state.cells = [int(row) for row in drawn[numbers]]

    scatter.scatter(
        scatter.Points(
            x=found.positions[drawn, 0],
            y=found.positions[drawn, 1],
            titles=[
                f"{treatment}\n{well}, field {number}"
                for treatment, well, number in zip(
                    treatment_names(fields), fields["well"], fields["field"], strict=True
                )
            ],
            color=_color(found, fields, drawn, coloring),
            axes=("principal component 1 of cells", "principal component 2 of cells"),
            pictures=np.arange(len(fields)),
            owners=owners,
        ),
        scatter.Chosen(selected.tolist(), [], state.revision),
        key="plates_points_cell",
        thumbnails=_sheets(plate),
        on_select=on_select,
    )
    _counts(fields, owners, selected)


def plate_cells(state: PlatesState, plate: OpenedPlate) -> Cells | None:
    """Return the cells of a plate, None while they are read, or where there are none, which is said."""
    measured = plate.before or plate
    return computed(state, _CELLS, measured.key, "Laying out cells", lambda tell: _opened(measured, tell))


def _opened(plate: OpenedPlate, on_progress: Progress) -> Cells:
    on_progress(0, 2, "reading cells")
    table = read_profiles(plate.folder, cells=True).cells
    if table.empty:
        raise ReadError(f"{plate.folder.name} holds no cells: measure the plate with plain measurements.")
    fields = plate.profiles.fields
    places = pd.MultiIndex.from_frame(fields[list(CELL_METADATA)])
    owners = places.get_indexer(pd.MultiIndex.from_frame(table[list(CELL_METADATA)]))
    table, owners = table[owners >= 0].reset_index(drop=True), owners[owners >= 0]
    on_progress(1, 2, "laying out cells")
    positions = cell_positions(table, fields["control"].to_numpy(bool)[owners])
    return Cells(table, positions.astype(np.float32), owners)


def _color(
    found: Cells, fields: pd.DataFrame, drawn: NDArray[np.intp], coloring: str
) -> scatter.Groups | scatter.Scale:
    if coloring != "Feature":
        groups = groups_of(fields, coloring)
        return scatter.Groups(np.asarray(groups.codes)[found.owners[drawn]], groups.names, groups.palette)
    feature = st.selectbox(
        "Feature of cells", cell_features(found.table), **kept("plates_cell_feature"), format_func=spoken
    )
    return scatter.Scale(found.table[feature].to_numpy(float)[drawn], spoken(feature))


def _sheets(plate: OpenedPlate) -> scatter.PointThumbnails | None:
    found = thumbnails(plate)
    return scatter.PointThumbnails(plate.key, found.sheets, found.tile, found.columns) if found else None


def _counts(fields: pd.DataFrame, owners: NDArray[np.intp], selected: NDArray[np.intp]) -> None:
    """Show how many of the cells of each treatment are chosen, a well being the least that counts."""
    table = pd.DataFrame(
        {
            "treatment": np.asarray(treatment_names(fields), dtype=object)[owners],
            "place": (fields["plate"].astype(str) + " " + fields["well"].astype(str)).to_numpy()[owners],
            "chosen": np.isin(np.arange(len(owners)), selected),
        }
    )
    wells = table.groupby(["treatment", "place"], as_index=False)["chosen"].agg(["sum", "size"])
    wells["share"] = wells["sum"] / wells["size"]
    by = wells.groupby("treatment")
    shown = pd.DataFrame(
        {
            "wells": by.size(),
            "cells": by["size"].sum(),
            "chosen": by["sum"].sum(),
            "share": by["share"].mean(),
            "spread": by["share"].std(),
        }
    ).reset_index()
    shown = shown.sort_values("share", ascending=False, kind="stable")
    st.markdown(f"**{len(selected):,} of {len(owners):,} cells chosen**")
    percent = {
        "share": st.column_config.NumberColumn("Share, mean of wells", format="percent"),
        "spread": st.column_config.NumberColumn("Standard deviation of wells", format="percent"),
    }
    names = {
        name: st.column_config.Column(name.capitalize()) for name in ("treatment", "wells", "cells", "chosen")
    }
    st.dataframe(shown, key="plates_cell_counts", hide_index=True, column_config=names | percent, height=260)
    table_downloads("Save the table", "cells_chosen", shown, key="plates_cell_export")
