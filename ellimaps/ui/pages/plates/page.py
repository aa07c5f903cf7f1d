"""The Plates page: a map of every well, what its compounds do, and the cells behind each point."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ellimaps.plates.measuring.thumbnails import make_thumbnails, save_thumbnails
from ellimaps.plates.statistics.positional_effect import Correction
from ellimaps.ui.pages.plates.answers import answers_view
from ellimaps.ui.pages.plates.compounds import compounds_view
from ellimaps.ui.pages.plates.data import (
    Opened,
    opened,
    picture_root,
    profile_folders,
    thumbnails,
    without_place,
)
from ellimaps.ui.pages.plates.heat_map import heat_map_view
from ellimaps.ui.pages.plates.measure import measure_panel
from ellimaps.ui.pages.plates.points import points_view
from ellimaps.ui.shared.data_root import data_root, inside_root
from ellimaps.ui.shared.state import Session, remembered, session
from ellimaps.ui.shared.tasks import settle, start, task_panel
from ellimaps.ui.shared.widgets import guarded

_CORRECTIONS: dict[Correction, str] = {
    "none": "as measured",
    "plates": "plates",
    "polish": "rows and columns",
}
_VIEWS = ("Scatter", "Plate map", "By compound", "Answers")


def render() -> None:
    """Show the page."""
    state = session()
    settle(state)
    with guarded():
        folder = _chosen_folder(state)
        if state.task is not None:
            task_panel(state)
        if state.message:
            st.warning(state.message, icon=":material/warning:")
            state.message = ""
        if folder is None:
            _empty()
            return
        one = opened(folder)
        _forget_choices(state, one)
        _header(one)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            view = remembered(
                st.segmented_control, "View", options=list(_VIEWS), key="plates_view", default=_VIEWS[0],
                required=True, label_visibility="collapsed",
            )  # fmt: skip
            correction = remembered(
                st.selectbox, "Correct effects of place", options=list(_CORRECTIONS), key="plates_correct",
                default="none", format_func=_CORRECTIONS.__getitem__, width=260,
                help="Plates: the same median of the controls on every plate. Rows and columns: Tukey's "
                "median polish; a compound that fills a row or column is taken off as well.",
            )  # fmt: skip
        with guarded():
            _show(state, without_place(one, correction), str(view))


def _forget_choices(state: Session, one: Opened) -> None:
    """Give up what was chosen of other profiles: it names points by number."""
    if state.memory.get("plates_shown") != one.key:
        state.memory |= {"plates_shown": one.key, "plates_selected": [], "plates_hidden": []}


def _show(state: Session, one: Opened, view: str) -> None:
    if view == "Plate map":
        heat_map_view(one)
    elif view == "By compound":
        compounds_view(one)
    elif view == "Answers":
        answers_view(state, one)
    else:
        _offer_thumbnails(state, one)
        points_view(one)


def _chosen_folder(state: Session) -> Path | None:
    root = data_root()
    found = [folder.relative_to(root).as_posix() for folder in profile_folders(root)]
    with st.container(horizontal=True, vertical_alignment="bottom", key="plates_open"):
        chosen = ""
        if found:
            chosen = remembered(
                st.selectbox, "Profiles", options=found, key="plates_found", default=found[0],
                format_func=lambda name: root.name if name == "." else name,
            )  # fmt: skip
        typed = remembered(
            st.text_input, "Or a folder below the data root", key="plates_typed", default="",
            placeholder="results/plate",
        )  # fmt: skip
    with st.expander("Measure a plate", icon=":material/add:", expanded=not found):
        measure_panel(state)
    text = str(typed).strip() or str(chosen)
    return inside_root(text, root) if text else None


def _empty() -> None:
    st.info(
        f"There are no profiles below {data_root()} yet. Measure a plate above, or with "
        "`ellimaps plates profile ROOT --layout layout.csv --out DIR` with DIR below the data root; "
        "`ellimaps sample plate DIR` makes a plate to try.",
        icon=":material/grid_on:",
    )


def _header(one: Opened) -> None:
    profiles = one.profiles
    wells = profiles.wells
    compounds = wells.loc[~wells["control"].astype(bool), "compound"].nunique()
    st.markdown(
        f"**{len(wells):,} wells**, {len(profiles.fields):,} fields, {compounds:,} compounds, "
        f"{int(wells['control'].sum()):,} control wells, {len(one.channels)} channels, "
        f"{len(profiles.features)} features"
    )
    for note in profiles.facts.get("mismatches", []):
        st.warning(str(note), icon=":material/rule:")


def _offer_thumbnails(state: Session, one: Opened) -> None:
    if thumbnails(one) is not None or state.task is not None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("There are no small pictures to show beside the pointer yet.")
        if st.button("Draw them", key="plates_draw", icon=":material/photo_library:"):
            picture_root(one)
            start(
                state,
                "Drawing thumbnails",
                lambda on_progress: make_thumbnails(one.profiles, on_progress),
                lambda drawn: save_thumbnails(drawn, one.folder),
            )
