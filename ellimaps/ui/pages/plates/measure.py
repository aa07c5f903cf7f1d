"""Measuring a plate from the page: pictures and layout in, a folder of profiles out."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ellimaps.core.errors import ReadError
from ellimaps.core.progress import Progress
from ellimaps.plates.measuring.plate import check_output, read_plate
from ellimaps.plates.measuring.profile_sources import PLAIN, SOURCES, profiles_from
from ellimaps.plates.measuring.profiles import save_profiles
from ellimaps.plates.measuring.thumbnails import make_thumbnails, save_thumbnails
from ellimaps.ui.pages.plates.state import PlatesState
from ellimaps.ui.shared.data_root import data_root, inside_root, located
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.tasks import start
from ellimaps.ui.shared.worker import in_worker


def measure_panel(state: PlatesState) -> None:
    """Show the fields for a plate's pictures, its layout and the folder of the results."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        pictures = _path("Folder of the pictures", "pictures", placeholder="plates/plate_1")
        layout = _path("Layout (CSV or XLSX)", "layout", placeholder="plates/plate_1/layout.csv")
        out = _path(
            "Folder for the profiles",
            "out",
            value="results/plate",
            help="Below the data root; the pictures' folder is not touched.",
        )
        source = st.selectbox(
            "Features",
            list(SOURCES),
            list(SOURCES).index(PLAIN),
            **kept("plates_new_source"),
            format_func=_source_name,
            width=230,
            help="Measurements of cells and pixels; an autoencoder trained on this plate; or a pretrained "
            "network (extra deep), whose weights must be in the library's cache.",
        )
        go = st.button(
            "Measure",
            type="primary",
            icon=":material/play_arrow:",
            key="plates_new_start",
            disabled=state.task is not None,
        )
    if not go:
        return
    root, table, folder = inside_root(pictures), inside_root(layout), _new_folder(out)
    start(state, "Measuring the plate", in_worker(measured, root, table, folder, source), _choose)


def _path(label: str, name: str, *, value: str = "", placeholder: str = "", help: str = "") -> str:
    return st.text_input(
        label,
        value,
        **kept(f"plates_new_{name}"),
        placeholder=placeholder,
        help=help or None,
    )


def _choose(folder: Path) -> None:
    st.session_state["plates_typed"] = folder.relative_to(data_root()).as_posix()


def _new_folder(text: str) -> Path:
    root = data_root()
    folder = located(text.strip(), root)
    if root not in folder.parents:
        raise ReadError(f"{text:.200} is not below the data root: choose a folder below it.")
    return folder


def _source_name(source: str) -> str:
    return {PLAIN: "plain measurements"}.get(source, source.replace("deep:", "deep: "))


def measured(root: Path, layout: Path, folder: Path, source: str, on_progress: Progress) -> Path:
    """Measure a plate, write its profiles and thumbnails, and return their folder.

    Parameters
    ----------
    root, layout : Path
        Pictures and layout.
    folder : Path
        Where to write.
    source : str
        One of `SOURCES`.
    on_progress : callable
        Called as ``on_progress(done, total, what)``.
    """
    plate = read_plate(root, layout)
    check_output(plate, folder)
    profiles = profiles_from(plate, source, on_progress=on_progress)
    save_profiles(profiles, folder)
    save_thumbnails(make_thumbnails(profiles, on_progress), folder)
    return folder
