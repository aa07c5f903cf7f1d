"""Fields or wells as points: alike lie together; choose some and look at their cells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from ellimaps.core.colors import CLUSTER_COLORS
from ellimaps.core.files import csv_bytes
from ellimaps.plates.statistics.components import Level
from ellimaps.plates.statistics.embedding import Method
from ellimaps.ui.components import scatter
from ellimaps.ui.pages.plates.data import (
    Opened,
    clusters,
    figures,
    positions,
    table,
    thumbnails,
    treatment_names,
)
from ellimaps.ui.pages.plates.pictures import side_by_side
from ellimaps.ui.shared.state import remembered, session

_METHODS: dict[str, Method] = {"PCA": "pca", "t-SNE": "tsne", "UMAP": "umap"}
_AXES = {"PCA": "principal component", "t-SNE": "t-SNE", "UMAP": "UMAP"}
_COLORINGS = ("Compound", "Concentration", "Cluster", "Control", "Plate", "Feature")
_CLUSTERINGS = {"Agglomerative": "agglomerative", "KMeans": "kmeans", "HDBSCAN": "hdbscan"}
_CONTROL_COLOR = "#9a9a9a"
_MOST_ROWS = 5000


def points_view(one: Opened) -> None:
    """Show the scatter plot, the table of what is chosen, and two pictures."""
    level, method = _controls()
    rows = table(one, level)
    place = positions(one, _METHODS[method], level)
    color, group_rows = _color(one, rows, level)
    _accuracy(one)
    scatter.scatter(
        scatter.Points(
            x=place[:, 0],
            y=place[:, 1],
            titles=_titles(rows, level),
            color=color,
            axes=(f"{_AXES[method]} 1", f"{_AXES[method]} 2"),
        ),
        key=f"plates_points_{level}",
        thumbnails=_sheets(one, level),
        on_select=_keep("plates_selected"),
        on_hide=_keep("plates_hidden"),
    )
    chosen = _chosen(len(rows), group_rows)
    picked = _selection_table(one, rows, chosen, level)
    side_by_side(one, rows, picked)


def _controls() -> tuple[Level, str]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        each = remembered(
            st.segmented_control, "Points", options=["Fields", "Wells"], key="plates_level",
            default="Fields", required=True,
        )  # fmt: skip
        method = remembered(
            st.segmented_control, "Layout", options=list(_METHODS), key="plates_method", default="PCA",
            required=True, help="Distances and clusters are taken from the profiles, not from this picture.",
        )  # fmt: skip
        remembered(
            st.selectbox,
            "Colour",
            options=list(_COLORINGS),
            key="plates_color",
            default="Compound",
            width=170,
        )
    return ("field" if each == "Fields" else "well"), str(method)


def _color(
    one: Opened, rows: pd.DataFrame, level: Level
) -> tuple[scatter.Groups | scatter.Scale, NDArray[np.int64] | None]:
    """Return the colours, and the group of each row where there are groups."""
    coloring = session().memory.get("plates_color", "Compound")
    if coloring == "Feature":
        feature = remembered(
            st.selectbox, "Feature", options=list(one.profiles.features), key="plates_color_feature",
            default=one.profiles.features[0],
        )  # fmt: skip
        return scatter.Scale(rows[feature].to_numpy(float), str(feature)), None
    if coloring == "Cluster":
        names = _cluster_names(one, level)
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


def _cluster_names(one: Opened, level: Level) -> list[str]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        method = remembered(
            st.selectbox, "Clusters by", options=list(_CLUSTERINGS), key="plates_clustering",
            default="Agglomerative", width=200,
        )  # fmt: skip
        number = remembered(
            st.number_input,
            "Number of clusters (0: found)",
            0,
            60,
            key="plates_n_clusters",
            default=0,
            width=230,
        )
    found = clusters(one, _CLUSTERINGS[method], int(number) or None, level)  # type: ignore[arg-type]
    return ["no cluster" if label < 0 else f"cluster {label}" for label in found]


def _doses(rows: pd.DataFrame) -> list[tuple[float, str]]:
    units = rows["concentration_unit"].fillna("").astype(str)
    return list(zip(rows["concentration"].astype(float), units, strict=True))


def _ordered(names: Sequence[str]) -> list[str]:
    def key(name: str) -> tuple[bool, float, str]:
        number = name.removeprefix("cluster ").split(" ")[0]
        value = float(number) if number.replace(".", "", 1).replace("e-", "", 1).isdigit() else float("inf")
        return name in ("none", "no cluster", "no compound"), value, name.casefold()

    return sorted(set(names), key=key)


def _palette(names: Sequence[str], gray: set[str]) -> list[str]:
    free = iter(range(len(names)))
    return [
        _CONTROL_COLOR if name in gray else CLUSTER_COLORS[next(free) % len(CLUSTER_COLORS)] for name in names
    ]


def _accuracy(one: Opened) -> None:
    found = figures(one)
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


def _sheets(one: Opened, level: Level) -> scatter.Thumbnails | None:
    # The sheets hold fields; a well is no single picture.
    found = thumbnails(one) if level == "field" else None
    return scatter.Thumbnails(one.key, found.sheets, found.tile, found.columns) if found else None


def _keep(name: str):  # type: ignore[no-untyped-def]
    def keep(numbers: list[int]) -> None:
        session().memory[name] = numbers

    return keep


def _chosen(n: int, groups: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """Return the rows chosen in the plot; without a choice those whose group is not hidden."""
    memory = session().memory
    hidden = memory.get("plates_hidden", []) if groups is not None else []
    shown = np.arange(n) if groups is None else np.flatnonzero(~np.isin(groups, hidden))
    selected = np.array([number for number in memory.get("plates_selected", []) if number < n], dtype=int)
    return np.intersect1d(shown, selected) if selected.size else shown


def _selection_table(one: Opened, rows: pd.DataFrame, chosen: NDArray[np.int64], level: Level) -> list[int]:
    """Show the chosen rows, sortable, and return those picked in the table."""
    noun = "fields" if level == "field" else "wells"
    facts = ["well", "field" if level == "field" else "n_fields", "compound", "concentration", "control"]
    table_rows = rows.iloc[chosen[:_MOST_ROWS]]
    left, right = st.columns([4, 1], vertical_alignment="bottom")
    more = f" (the first {_MOST_ROWS:,} are listed)" if len(chosen) > _MOST_ROWS else ""
    left.markdown(f"**{len(chosen):,} of {len(rows):,} {noun}**{more}")
    right.download_button(
        "Export CSV", csv_bytes(rows.iloc[chosen]), file_name=f"{noun}.csv", mime="text/csv",
        icon=":material/download:", key="plates_export", width="stretch",
    )  # fmt: skip
    event = st.dataframe(
        table_rows[[*facts, *one.profiles.features]],
        key=f"plates_table_{level}",
        on_select="rerun",
        selection_mode="multi-row",
        hide_index=True,
        height=220,
    )
    return [int(chosen[row]) for row in event["selection"]["rows"] if row < len(chosen)]
