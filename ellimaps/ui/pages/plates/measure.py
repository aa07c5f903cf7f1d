"""Measuring a plate from the page: pictures and layout in, a folder of profiles out."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from ellimaps.batch.engines import local_processes
from ellimaps.batch.plates import FAILURES, PlateSummary, replaced, run_plate
from ellimaps.core.errors import ReadError, SettingError
from ellimaps.core.progress import Progress
from ellimaps.plates.measuring.field import FieldSettings
from ellimaps.plates.measuring.plate import check_output, read_plate
from ellimaps.plates.measuring.profile_sources import PLAIN, SOURCES, profiles_from
from ellimaps.plates.measuring.profiles import save_profiles
from ellimaps.plates.measuring.thumbnails import make_thumbnails, save_thumbnails
from ellimaps.samples.plate import sample_plate
from ellimaps.ui.pages.plates.state import PlateRun, PlatesState
from ellimaps.ui.shared.data_root import data_root, inside_root, located
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.tasks import start
from ellimaps.ui.shared.worker import in_worker

# Of fields that cannot be measured; a whole plate of them would be a page of names.
_MOST_NAMED = 6


def measure_panel(state: PlatesState) -> None:
    """Show the fields for a plate's pictures, its layout and the folder of the results."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        pictures = _path("Folder of the images", "pictures", placeholder="plates/plate_1")
        layout = _path("Layout (CSV or XLSX)", "layout", placeholder="plates/plate_1/layout.csv")
        out = _path(
            "Folder for the profiles",
            "out",
            value="results/plate",
            help="Below the data root; the folder of the images is not touched. Fields of these images that "
            "are measured there already are skipped.",
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        pattern = _path(
            "Pattern of the file names",
            "pattern",
            placeholder="{well}_s{field}_w{channel}",
            help="Left empty, the names of Harmony and ImageXpress are known. Else text with {well}, or "
            "{row} and {column}, and {field}, {channel}, {z}, {time} where there are any; * is anything.",
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
    if go:
        asked = PlateRun(
            given(pictures, "the folder of the images"),
            given(layout, "the layout, a CSV or XLSX file"),
            new_folder(out),
            source,
            pattern.strip(),
        )
        if not _replaced(asked):
            _start(state, asked)
        state.to_replace = asked
    if state.to_replace is not None:
        _ask_to_replace(state, state.to_replace)


def _start(state: PlatesState, asked: PlateRun) -> None:
    state.to_replace = None
    start(
        state, "Measuring the plate", in_worker(measured, asked), partial(take_measured, state, asked.folder)
    )


def _ask_to_replace(state: PlatesState, asked: PlateRun) -> None:
    with st.container(key="plates_new_ask"):
        st.warning(f"{escaped(_replaced(asked))}. Shall they be replaced?", icon=":material/warning:")
        with st.container(horizontal=True):
            if st.button("Replace them", key="plates_new_replace"):
                _start(state, asked)
            if st.button("Keep them", key="plates_new_keep"):
                state.to_replace = None
                st.rerun()


def _path(label: str, name: str, *, value: str = "", placeholder: str = "", help: str = "") -> str:
    return st.text_input(
        label,
        value,
        **kept(f"plates_new_{name}"),
        placeholder=placeholder,
        help=help or None,
    )


def given(text: str, what: str) -> Path:
    """Return a path below the data root.

    Raises
    ------
    SettingError
        If the field is empty.
    ReadError
        If it is not below the data root.
    """
    if not text.strip():
        raise SettingError(f"Give {what}: the field is empty.")
    return inside_root(text)


def _replaced(asked: PlateRun) -> str:
    return replaced(asked.folder, asked.root, FieldSettings(), asked.source)


def take_measured(state: PlatesState, folder: Path, note: str) -> None:
    """Open what was measured, and tell what went wrong in some fields."""
    st.session_state["plates_profiles"] = folder.relative_to(data_root()).as_posix()
    state.message = note


def new_folder(text: str) -> Path:
    """Return a folder below the data root, which need not be there; it raises as `given`."""
    if not text.strip():
        raise SettingError("Give a folder for the profiles: the field is empty.")
    root = data_root()
    folder = located(text.strip(), root)
    if root not in folder.parents:
        raise ReadError(f"{text:.200} is not below the data root: choose a folder below it.")
    return folder


def _source_name(source: str) -> str:
    return {PLAIN: "plain measurements"}.get(source, source.replace("deep:", "deep: "))


def measured(asked: PlateRun, on_progress: Progress) -> str:
    """Measure a plate, and write its profiles and thumbnails; return what went wrong in some fields.

    Parameters
    ----------
    asked : PlateRun
        What to measure, and where to write.
    on_progress : callable
        Called as ``on_progress(done, total, what)``.
    """
    plate = read_plate(asked.root, asked.layout, asked.pattern or None)
    check_output(plate, asked.folder)
    note = ""
    if asked.source == PLAIN:
        # As the page Experiments: half of the processors are left to those who look at pages.
        engine = local_processes(max(1, (os.cpu_count() or 2) // 2))
        profiles, summary = run_plate(plate, FieldSettings(), asked.folder, engine, on_progress)
        note = _note(summary, asked.folder)
    else:
        profiles = profiles_from(plate, asked.source, on_progress=on_progress)
        save_profiles(profiles, asked.folder)
    save_thumbnails(make_thumbnails(profiles, on_progress), asked.folder)
    return note


def example(folder: Path, on_progress: Progress) -> str:
    """Make a small plate with known effects beside a folder for its profiles, and measure it into that.

    Parameters
    ----------
    folder : Path
        Where to write the profiles; a plate that is there already is taken.
    on_progress : callable
        Called as ``on_progress(done, total, what)``.
    """
    root = folder.parent
    if not (root / "layout.csv").exists():
        sample_plate(root, wells=48, fields=2, size=192, on_progress=on_progress)
    return measured(PlateRun(root / "images", root / "layout.csv", folder), on_progress)


def _note(summary: PlateSummary, folder: Path) -> str:
    if not summary.failed:
        return ""
    counts = f"{summary.failed} of {summary.fields} fields"
    listed = pd.read_csv(folder / FAILURES, dtype=str, nrows=_MOST_NAMED)
    names = ", ".join(f"{row.well} field {row.field}" for row in listed.itertuples())
    more = f" and {summary.failed - len(listed)} more" if summary.failed > len(listed) else ""
    return f"{counts} cannot be measured ({names}{more}); {FAILURES} beside the profiles says why."
