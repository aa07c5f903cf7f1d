"""Fields or wells as points: alike lie together; choose some and look at their cells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from ellimaps.core.colors import CLUSTER_COLORS
from ellimaps.plates.measuring.thumbnails import make_thumbnails, save_thumbnails
from ellimaps.plates.statistics.clusters import ClusterMethod
from ellimaps.plates.statistics.components import Level
from ellimaps.plates.statistics.embedding import Method
from ellimaps.ui.components import scatter
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
from ellimaps.ui.pages.plates.pictures import side_by_side
from ellimaps.ui.pages.plates.state import PlatesState
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.tasks import start
from ellimaps.ui.shared.widgets import csv_download, number_field

_METHODS: dict[str, Method] = {"PCA": "pca", "t-SNE": "tsne", "UMAP": "umap"}
_CLUSTERINGS: dict[str, ClusterMethod] = {
    "Agglomerative": "agglomerative",
    "KMeans": "kmeans",
    "HDBSCAN": "hdbscan",
}
_CONTROL_COLOR = "#9a9a9a"
# A table of more rows is slow to show and nobody reads it; the CSV has all.
_MOST_ROWS = 5000


def scatter_tab(state: PlatesState, plate: OpenedPlate) -> None:
    """Show the scatter plot, the table of what is chosen, and two pictures."""
    _offer_thumbnails(state, plate)
    level, method, coloring = _controls()
    rows = table(plate, level)
    points = coordinates(plate, _METHODS[method], level)
    color, group_rows = _color(plate, rows, level, coloring)
    _accuracy(plate)
    axis = "principal component" if method == "PCA" else method
    scatter.scatter(
        scatter.Points(
            x=points[:, 0],
            y=points[:, 1],
            titles=_titles(rows, level),
            color=color,
            axes=(f"{axis} 1", f"{axis} 2"),
        ),
        key=f"plates_points_{level}",
        thumbnails=_sheets(plate, level),
        on_select=state.select,
        on_hide=state.hide,
    )
    chosen = _chosen(state, len(rows), group_rows)
    picked = _selection_table(plate, rows, chosen, level)
    side_by_side(state, plate, rows, picked)


def _offer_thumbnails(state: PlatesState, plate: OpenedPlate) -> None:
    if thumbnails(plate) is not None or state.task is not None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("There are no small pictures to show beside the pointer yet.")
        if st.button("Draw them", key="plates_draw", icon=":material/photo_library:"):
            picture_root(plate)
            start(
                state,
                "Drawing thumbnails",
                lambda on_progress: make_thumbnails(plate.profiles, on_progress),
                lambda drawn: save_thumbnails(drawn, plate.folder),
            )


def _controls() -> tuple[Level, str, str]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        each = st.segmented_control(
            "Points",
            ["Fields", "Wells"],
            default="Fields",
            **kept("plates_level"),
            required=True,
        )
        method = st.segmented_control(
            "Layout",
            list(_METHODS),
            default="PCA",
            **kept("plates_method"),
            required=True,
            help="Distances and clusters are taken from the profiles, not from this picture.",
        )
        colorings = ["Compound", "Concentration", "Cluster", "Control", "Plate", "Feature"]
        coloring = st.selectbox("Colour", colorings, **kept("plates_color"), width=170)
    return ("field" if each == "Fields" else "well"), method, coloring


def _color(
    plate: OpenedPlate, rows: pd.DataFrame, level: Level, coloring: str
) -> tuple[scatter.Groups | scatter.Scale, NDArray[np.int64] | None]:
    """Return the colors, and the group of each row where there are groups."""
    if coloring == "Feature":
        feature = st.selectbox("Feature", list(plate.profiles.features), **kept("plates_color_feature"))
        return scatter.Scale(rows[feature].to_numpy(float), feature), None
    if coloring == "Cluster":
        names = _cluster_names(plate, level)
    elif coloring == "Concentration":
        names = [f"{dose:g} {unit}".strip() if dose == dose else "none" for dose, unit in _doses(rows)]
    elif coloring == "Control":
        names = np.where(rows["control"], "control", "compound").tolist()
    else:
        names = rows[coloring.lower()].fillna("").astype(str).replace("", "no compound").tolist()
    controls = set(np.asarray(names, dtype=object)[rows["control"].to_numpy(bool)])
    order = _ordered(names)
    codes = np.array([order.index(name) for name in names])
    palette = _palette(order, controls if coloring == "Compound" else set())
    return scatter.Groups(codes, order, palette), codes


def _cluster_names(plate: OpenedPlate, level: Level) -> list[str]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        method = st.selectbox("Clusters by", list(_CLUSTERINGS), **kept("plates_clustering"), width=200)
        number = number_field(
            "Number of clusters (0: found)",
            0,
            60,
            **kept("plates_n_clusters"),
            width=230,
        )
    found = clusters(plate, _CLUSTERINGS[method], number or None, level)
    return ["no cluster" if label < 0 else f"cluster {label}" for label in found]


def _doses(rows: pd.DataFrame) -> list[tuple[float, str]]:
    units = rows["concentration_unit"].fillna("").astype(str)
    return list(zip(rows["concentration"].astype(float), units, strict=True))


def _ordered(names: Sequence[str]) -> list[str]:
    def key(name: str) -> tuple[bool, float, str]:
        number = name.removeprefix("cluster ").split(" ")[0]
        value = float(number) if number.replace(".", "", 1).replace("e-", "", 1).isdecimal() else float("inf")
        return name in ("none", "no cluster", "no compound"), value, name.casefold()

    return sorted(set(names), key=key)


def _palette(names: Sequence[str], gray: set[str]) -> list[str]:
    free = iter(range(len(names)))
    return [
        _CONTROL_COLOR if name in gray else CLUSTER_COLORS[next(free) % len(CLUSTER_COLORS)] for name in names
    ]


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


def _chosen(state: PlatesState, n: int, groups: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """Return the rows chosen in the plot; without a choice those whose group is not hidden."""
    shown = np.arange(n) if groups is None else np.flatnonzero(~np.isin(groups, state.hidden))
    selected = np.array([number for number in state.selected if number < n], dtype=int)
    return np.intersect1d(shown, selected) if selected.size else shown


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
        csv_download("Export CSV", f"{noun}.csv", rows.iloc[chosen], key="plates_export", width="stretch")
    event = st.dataframe(
        table_rows[[*facts, *plate.profiles.features]],
        key=f"plates_table_{level}",
        on_select="rerun",
        selection_mode="multi-row",
        hide_index=True,
        height=220,
    )
    return [int(chosen[row]) for row in event["selection"]["rows"] if row < len(chosen)]
