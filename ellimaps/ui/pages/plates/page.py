"""The Plates page: a map of every well, what its compounds do, and the cells behind each point."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import streamlit as st

from ellimaps.plates.report import plate_report
from ellimaps.plates.statistics.positional_effect import Correction
from ellimaps.ui.pages.plates.answers import answers_tab
from ellimaps.ui.pages.plates.by_compound import by_compound_tab
from ellimaps.ui.pages.plates.choice import choice_bar
from ellimaps.ui.pages.plates.data import REPORTS, OpenedPlate, corrected_plate, opened_plate, profile_folders
from ellimaps.ui.pages.plates.measure import example, measure_panel, take_measured
from ellimaps.ui.pages.plates.opening import opening_panel
from ellimaps.ui.pages.plates.plate_map import plate_map_tab
from ellimaps.ui.pages.plates.quality import quality_tab
from ellimaps.ui.pages.plates.scatter import scatter_tab
from ellimaps.ui.pages.plates.state import PlatesState
from ellimaps.ui.shared.data_root import data_root, inside_root
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import kept, page_state
from ellimaps.ui.shared.tasks import page_run, start, work_panel
from ellimaps.ui.shared.widgets import choose_below_root, choose_tab, download, guarded
from ellimaps.ui.shared.worker import in_worker

# In pixels: on a screen of 1920 points would be drawn far apart, and words of a row as well.
_WIDEST = 1400
_EXAMPLE = "example_plate/profiles"
_EXPECTED = """\
plate_1/
├── layout.csv                  well, compound, concentration_um, control
└── images/
    ├── plate_1_A01_s1_w1.tif   well A01, field 1, channel 1
    ├── plate_1_A01_s1_w2.tif   well A01, field 1, channel 2
    └── ...                     or the names of Harmony, or of a pattern you give\
"""
TABS = {
    "Scatter": scatter_tab,
    "Plate map": plate_map_tab,
    "Quality": quality_tab,
    "By compound": by_compound_tab,
    "Answers": answers_tab,
}


def render() -> None:
    """Show the page."""
    state = page_state(PlatesState)
    with page_run(state):
        folder = _chosen_folder(state)
        work_panel(state)
        if folder is None:
            _empty(state)
            return
        plate = opened_plate(folder)
        state.show(plate.key)
        _header(plate)
        choice_bar(state, plate)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            tab = choose_tab(list(TABS), key="plates_view")
            correction = _correction()
            with guarded():
                plate = corrected_plate(plate, correction)
                _report(state, plate)
        with guarded(), st.container(width=_WIDEST):
            TABS[tab](state, plate)


def _chosen_folder(state: PlatesState) -> Path | None:
    root = data_root()
    found = [folder.relative_to(root).as_posix() for folder in profile_folders(root)]
    recent = [name for name in state.recent if (root / name).is_dir()]
    names = [*recent, *found]
    text = choose_below_root(
        "Profiles",
        names,
        key="plates_profiles",
        placeholder="Choose, search, or type a folder below the data root, as results/plate",
        first=next(iter(names), ""),
    )
    with st.expander("Measure a plate", icon=":material/add:", expanded=not found):
        measure_panel(state)
    with st.expander(
        "Open profiles of CellProfiler, pycytominer, or several plates", icon=":material/merge:"
    ):
        opening_panel(state)
    if not text:
        return None
    folder = inside_root(text, root)
    state.opened(text)
    return folder


def _correction() -> Correction:
    names: dict[Correction, str] = {"none": "as measured", "plates": "plates", "polish": "rows and columns"}
    return st.selectbox(
        "Correct positional effects",
        list(names),
        **kept("plates_correct", address=True),
        format_func=names.__getitem__,
        width=260,
        help="Plates: the same median of the controls on every plate. Rows and columns: Tukey's median "
        "polish; a compound that fills a row or column is taken off as well.",
    )


def _report(state: PlatesState, plate: OpenedPlate) -> None:
    """Offer the plate as one page of HTML, made when it is first asked for."""
    found = REPORTS.kept(plate.key)
    if isinstance(found, str):
        name = f"{plate.profiles.facts.get('name') or 'plate'}.html"
        download("Save the report (HTML)", name, found.encode, key="plates_get_report")
    elif st.button(
        "Make a report (HTML)",
        key="plates_report",
        icon=":material/summarize:",
        disabled=state.task is not None,
        help="What was found, where on the plate, and every table, in one page that needs no other file.",
    ):
        start(
            state,
            "Writing the report",
            lambda tell: REPORTS.get(plate.key, lambda: plate_report(plate.profiles, on_progress=tell)),
        )


def _empty(state: PlatesState) -> None:
    st.info(
        f"A plate is a folder of images and a table that says what is in each well; none is measured below "
        f"{escaped(data_root().name)} yet. Measure one above, or with `ellimaps plates profile`.",
        icon=":material/grid_on:",
    )
    st.code(_EXPECTED, language=None)
    if st.button(
        "Open the generated example",
        key="plates_example",
        icon=":material/science:",
        disabled=state.task is not None,
        help="A plate of 48 wells with known effects is made and measured; it takes about a minute.",
    ):
        folder = data_root() / _EXAMPLE
        start(state, "Making the example", in_worker(example, folder), partial(take_measured, state, folder))


def _header(plate: OpenedPlate) -> None:
    profiles = plate.profiles
    wells = profiles.wells
    compounds = wells.loc[~wells["control"].astype(bool), "compound"].nunique()
    st.markdown(
        f"**{len(wells):,} wells**, {len(profiles.fields):,} fields, {compounds:,} compounds, "
        f"{int(wells['control'].sum()):,} control wells, {len(plate.channels)} channels, "
        f"{len(profiles.features)} features"
    )
    for note in profiles.facts.get("mismatches", []):
        st.warning(escaped(note), icon=":material/rule:")
