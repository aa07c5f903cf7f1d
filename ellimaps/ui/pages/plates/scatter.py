"""Fields or wells as points: alike lie together; choose some and look at their cells."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from ellimaps.core.numbers import spoken
from ellimaps.plates.measuring.thumbnails import make_thumbnails, save_thumbnails
from ellimaps.plates.statistics.clusters import ClusterMethod
from ellimaps.plates.statistics.components import Level
from ellimaps.plates.statistics.embedding import Method
from ellimaps.ui.components import scatter
from ellimaps.ui.pages.plates.cells import cells_view
from ellimaps.ui.pages.plates.choice import chosen_fields, fields_of, filtered_fields, wells_of
from ellimaps.ui.pages.plates.coloring import groups_of, named_groups
from ellimaps.ui.pages.plates.data import (
    OpenedPlate,
    clusters,
    coordinates,
    evaluation,
    picture_root,
    table,
    thumbnails,
    treatment_names,
)
from ellimaps.ui.pages.plates.side_by_side import side_by_side
from ellimaps.ui.pages.plates.state import PlatesState
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.tasks import start
from ellimaps.ui.shared.widgets import number_field, table_downloads

_LEVELS: dict[str, Level] = {"Fields": "field", "Wells": "well"}
_CELLS = "Cells"
_METHODS: dict[str, Method] = {"PCA": "pca", "t-SNE": "tsne", "UMAP": "umap"}
_CLUSTERINGS: dict[str, ClusterMethod] = {
    "Agglomerative": "agglomerative",
    "KMeans": "kmeans",
    "HDBSCAN": "hdbscan",
}
# A table of more rows is slow to show and nobody reads it; the CSV has all.
_MOST_ROWS = 5000


def scatter_tab(state: PlatesState, plate: OpenedPlate) -> None:
    """Show the scatter plot, the table of what is chosen, and two images."""
    _offer_thumbnails(state, plate)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        shown = _points(state)
        method, coloring = ("", "") if shown == _CELLS else _controls(state)
    if shown == _CELLS:
        cells_view(state, plate)
        return
    level = _LEVELS[shown]
    rows = table(plate, level)
    filtered = filtered_fields(plate)
    drawn = np.flatnonzero(filtered if level == "field" else wells_of(plate, filtered))
    points = coordinates(plate, _METHODS[method], level)[drawn]
    color = _color(state, plate, rows.iloc[drawn], drawn, level, coloring)
    _accuracy(plate)
    axis = "principal component" if method == "PCA" else method
    chosen = _chosen(state, plate, level)
    selected = np.flatnonzero(np.isin(drawn, chosen)) if state.selected else np.empty(0, int)

    def on_select(numbers: list[int]) -> None:
        state.select(_fields(plate, drawn[numbers], level), drawn=True)

    def on_hide(groups: list[int]) -> None:
        assert isinstance(color, scatter.Groups)
        hidden = drawn[np.isin(color.codes, groups)]
        names = [color.names[group] for group in groups]
        state.hide(names, _fields(plate, hidden, level), drawn=coloring == "Cluster")

    scatter.scatter(
        scatter.Points(
            x=points[:, 0],
            y=points[:, 1],
            titles=_titles(rows.iloc[drawn], level),
            color=color,
            axes=(f"{axis} 1", f"{axis} 2"),
            pictures=drawn,
        ),
        scatter.Chosen(selected.tolist(), _hidden(state, color), state.revision),
        key=f"plates_points_{level}",
        thumbnails=_sheets(plate, level),
        on_select=on_select,
        on_hide=on_hide,
    )
    picked = _selection_table(plate, rows, chosen, level)
    side_by_side(state, plate, rows, picked, chosen if state.selected else [])


def _chosen(state: PlatesState, plate: OpenedPlate, level: Level) -> NDArray[np.int64]:
    """Return the rows that are chosen, of fields or wells."""
    fields = chosen_fields(state, plate)
    return np.flatnonzero(fields if level == "field" else wells_of(plate, fields))


def _fields(plate: OpenedPlate, rows: NDArray[np.int64], level: Level) -> list[int]:
    """Return the fields of some points."""
    if level == "field":
        return [int(row) for row in rows]
    wells = np.isin(np.arange(len(plate.profiles.wells)), rows)
    return [int(row) for row in np.flatnonzero(fields_of(plate, wells))]


def _hidden(state: PlatesState, color: scatter.Groups | scatter.Scale) -> list[int]:
    if isinstance(color, scatter.Scale):
        return []
    return [number for number, name in enumerate(color.names) if name in state.hidden]


def _offer_thumbnails(state: PlatesState, plate: OpenedPlate) -> None:
    if thumbnails(plate) is not None or state.task is not None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("There are no small images to show beside the pointer yet.")
        if st.button("Draw them", key="plates_draw", icon=":material/photo_library:"):
            picture_root(plate)
            start(
                state,
                "Drawing thumbnails",
                lambda on_progress: make_thumbnails(plate.profiles, on_progress),
                lambda drawn: save_thumbnails(drawn, plate.folder),
            )


def _points(state: PlatesState) -> str:
    return st.segmented_control(
        "Points",
        [*_LEVELS, _CELLS],
        default="Fields",
        **kept("plates_level", address=True),
        required=True,
        on_change=state.show_all,
    )


def _controls(state: PlatesState) -> tuple[str, str]:
    method = st.segmented_control(
        "Layout",
        list(_METHODS),
        default="PCA",
        **kept("plates_method", address=True),
        required=True,
        help="Distances and clusters are taken from the profiles, not from this drawing.",
    )
    colorings = ["Compound", "Concentration", "Cluster", "Control", "Plate", "Feature"]
    coloring = st.selectbox(
        "Color", colorings, **kept("plates_color", address=True), width=170, on_change=state.show_all
    )
    return method, coloring


def _color(
    state: PlatesState,
    plate: OpenedPlate,
    rows: pd.DataFrame,
    drawn: NDArray[np.int64],
    level: Level,
    coloring: str,
) -> scatter.Groups | scatter.Scale:
    if coloring == "Feature":
        features = list(plate.profiles.features)
        feature = st.selectbox("Feature", features, **kept("plates_color_feature"), format_func=spoken)
        return scatter.Scale(rows[feature].to_numpy(float), spoken(feature))
    if coloring == "Cluster":
        names = np.asarray(_cluster_names(state, plate, level), dtype=object)[drawn].tolist()
        return named_groups(names, set())
    return groups_of(rows, coloring)


def _cluster_names(state: PlatesState, plate: OpenedPlate, level: Level) -> list[str]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        method = st.selectbox(
            "Clusters by",
            list(_CLUSTERINGS),
            **kept("plates_clustering"),
            width=200,
            on_change=state.show_all,
        )
        number = number_field(
            "Number of clusters (0: found)",
            0,
            60,
            **kept("plates_n_clusters"),
            width=230,
            on_change=state.show_all,
        )
    found = clusters(plate, _CLUSTERINGS[method], number or None, level)
    return ["no cluster" if label < 0 else f"cluster {label}" for label in found]


def _accuracy(plate: OpenedPlate) -> None:
    found = evaluation(plate)
    st.caption(
        "Nearest neighbour in another well is of the same compound: "
        f"{found.field_accuracy_1nn:.0%} of fields, {found.well_accuracy_1nn:.0%} of wells; "
        f"mean average precision {found.map:.2f}."
    )


def _titles(rows: pd.DataFrame, level: Level) -> list[str]:
    fields = rows["field"] if level == "field" else rows["n_fields"]
    what = "field" if level == "field" else "fields:"
    return [
        f"{treatment}\n{well}, {what} {number}"
        for treatment, well, number in zip(treatment_names(rows), rows["well"], fields, strict=True)
    ]


def _sheets(plate: OpenedPlate, level: Level) -> scatter.PointThumbnails | None:
    # The sheets hold fields; a well is no single picture.
    found = thumbnails(plate) if level == "field" else None
    return scatter.PointThumbnails(plate.key, found.sheets, found.tile, found.columns) if found else None


def _selection_table(
    plate: OpenedPlate, rows: pd.DataFrame, chosen: NDArray[np.int64], level: Level
) -> list[int]:
    """Show the chosen rows, sortable, and return those picked in the table."""
    noun = "fields" if level == "field" else "wells"
    facts = ["well", "field" if level == "field" else "n_fields", "compound", "concentration", "control"]
    table_rows = rows.iloc[chosen[:_MOST_ROWS]]
    left, right = st.columns([4, 1], vertical_alignment="bottom")
    more = f" (the first {_MOST_ROWS:,} are listed)" if len(chosen) > _MOST_ROWS else ""
    left.markdown(f"**{len(chosen):,} of {len(rows):,} {noun}**{more}")
    with right:
        words = table_rows.drop(columns=["plate", "row", "files"], errors="ignore").rename(columns=spoken)
        table_downloads("Save the table", noun, rows.iloc[chosen], key="plates_export", shown=words)
    event = st.dataframe(
        table_rows[[*facts, *plate.profiles.features]],
        key=f"plates_table_{level}",
        on_select="rerun",
        selection_mode="multi-row",
        hide_index=True,
        height=220,
        column_config={
            name: st.column_config.Column(spoken(name), help=f"In tables: {name}")
            for name in (*facts, *plate.profiles.features)
        },
    )
    return [int(chosen[row]) for row in event["selection"]["rows"] if row < len(chosen)]
