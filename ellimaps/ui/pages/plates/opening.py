"""Opening profiles of other software, or of several plates, from the page."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import streamlit as st

from ellimaps.core.errors import SettingError
from ellimaps.core.progress import Progress
from ellimaps.plates.exchange.opening import is_source, open_profiles, refuse_measured
from ellimaps.plates.measuring.profiles import FACTS, save_profiles
from ellimaps.plates.measuring.thumbnails import make_thumbnails, save_thumbnails
from ellimaps.ui.pages.plates.measure import given, new_folder, take_measured
from ellimaps.ui.pages.plates.state import PlatesState
from ellimaps.ui.shared.data_root import data_root, files_in, folders_from, inside_root
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.tasks import start
from ellimaps.ui.shared.worker import in_worker


def opening_panel(state: PlatesState) -> None:
    """Show the fields for the sources, their layout and the folder of the results."""
    root = data_root()
    names = [path.relative_to(root).as_posix() for path in sources_below(root)]
    chosen = st.multiselect(
        "Profiles to open",
        names,
        **kept("plates_open_sources"),
        accept_new_options=True,
        placeholder="Choose, search, or type a path below the data root",
        help="CellProfiler: a folder with Image.csv and its tables of objects, or a SQLite database. "
        "pycytominer: CSV, CSV.gz or Parquet. Profiles measured here: several plates become one table.",
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        layout = st.text_input(
            "Layout, where the profiles do not say what is in the wells",
            **kept("plates_open_layout"),
            placeholder="plates/layout.csv",
        )
        out = st.text_input("Folder for what is opened", "results/opened", **kept("plates_open_out"))
        go = st.button(
            "Open",
            type="primary",
            icon=":material/folder_open:",
            key="plates_open_start",
            disabled=state.task is not None,
        )
    if go:
        if not chosen:
            raise SettingError("Choose the profiles to open: none is chosen.")
        table = given(layout, "the layout") if layout.strip() else None
        folder = new_folder(out)
        work = in_worker(opened, ([inside_root(name, root) for name in chosen], table, folder))
        start(state, "Opening the profiles", work, partial(take_measured, state, folder))


def sources_below(root: Path) -> list[Path]:
    """Return what below a folder can be opened, nearest first; the search is bounded."""
    found: list[Path] = []
    for folder in folders_from(root, 2000):
        if (folder / FACTS).is_file() or is_source(folder):
            found.append(folder)
        else:
            found += [path for path in files_in(folder) if is_source(path)]
    return found


def opened(asked: tuple[list[Path], Path | None, Path], on_progress: Progress) -> str:
    """Open profiles and write them as one folder.

    Parameters
    ----------
    asked : (list of Path, Path or None, Path)
        Sources, layout, and the folder to write into.
    on_progress : callable
        Called as ``on_progress(done, total, what)``.
    """
    sources, layout, folder = asked
    refuse_measured(folder)
    profiles = open_profiles(sources, layout, on_progress=on_progress)
    save_profiles(profiles, folder)
    if profiles.facts.get("root"):
        save_thumbnails(make_thumbnails(profiles, on_progress), folder)
    return ""
