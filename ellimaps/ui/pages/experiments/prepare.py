"""A tree of measurements before it is run: what is in it, the recipe, where the results go."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ellimaps.batch.asked import read_asked
from ellimaps.batch.cells import CellWork
from ellimaps.batch.maps import MapWork
from ellimaps.batch.tree import Item
from ellimaps.core.errors import ReadError
from ellimaps.core.numbers import counted
from ellimaps.ui.pages.experiments.folders import ChosenFolder, called, items, layout, show_folder
from ellimaps.ui.pages.experiments.preview import preview_panel
from ellimaps.ui.pages.experiments.recipes import choose_work
from ellimaps.ui.pages.experiments.running import result_folder, run
from ellimaps.ui.pages.experiments.state import ExperimentsState
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.widgets import guarded


def prepare(state: ExperimentsState, choice: ChosenFolder) -> None:
    """Show the choices of a run beside the picture of one acquisition."""
    if not choice.folder.is_dir():
        raise ReadError(f"{choice.name} is a file: choose the folder that holds the images or maps.")
    found = layout(choice.folder)
    if not found.folders:
        raise ReadError(
            f"{choice.name} holds no TIFF, PNG or ellipsometric maps, nor do its folders: choose another."
        )
    choices, picture = st.columns([5, 6], gap="large")
    inputs: tuple[Item, ...] = ()
    with choices, guarded():
        work = choose_work(choice.folder, has_maps=found.has_maps)
        inputs = _run_panel(state, choice, work)
    with picture, guarded():
        # There is something to see while the recipe or the levels are still wrong.
        pattern = found.pattern(folders=found.has_maps)
        shown = inputs or items(choice.folder, pattern, choice.folder / "results", folders=found.has_maps)
        preview_panel(state, shown, choice.name)


def _run_panel(state: ExperimentsState, choice: ChosenFolder, work: MapWork | CellWork) -> tuple[Item, ...]:
    """Show where the results go, and the button; return what is to be run."""
    folders = isinstance(work, MapWork)
    out = st.text_input(
        "Folder for the results",
        f"results/{choice.folder.name}",
        **kept(f"experiments_out_{choice.name}"),
        help="Below the data root; it is made if need be. Nothing is written into a measurement.",
    )
    with st.expander("How paths are read"):
        pattern = st.text_input(
            "Levels of the tree",
            layout(choice.folder).pattern(folders=folders) or "",
            **kept(f"experiments_pattern_{choice.name}_{folders}"),
            placeholder="every folder, called by its path",
            help="A name in braces for each part of a path, `*` for anything: results are grouped by date, "
            "subject, experiment, FOV and what else is named.",
        ).strip()
    folder = result_folder(out)
    inputs = _inputs(choice.folder, pattern or None, folder, folders=folders)
    left_out = sum(layout(choice.folder).images.values()) - len(inputs) if not folders else 0
    others = f"; {left_out:,} other images do not fit the levels" if left_out > 0 else ""
    st.markdown(f"**{counted(len(inputs), 'map folder' if folders else 'image')}**{others}")
    is_free = _is_free(choice.folder, folder)
    if st.button(
        "Run",
        type="primary",
        icon=":material/play_arrow:",
        key="experiments_run",
        disabled=state.task is not None or not is_free,
    ):
        run(state, choice.folder, pattern or None, work, folder)
    return inputs


def _inputs(root: Path, pattern: str | None, out: Path, *, folders: bool) -> tuple[Item, ...]:
    found = items(root, pattern, out, folders=folders)
    if not found:
        raise ReadError(
            f"Nothing in {called(root)} fits {pattern or 'the recipe'}: change the levels of the tree."
        )
    return found


def _is_free(root: Path, out: Path) -> bool:
    """Say what is in the folder for the results already; return whether those of this tree may go there."""
    asked = read_asked(out)
    if asked is None:
        return True
    if Path(asked.root) != root:
        st.error(
            escaped(
                f"{called(out)} has the results of {called(Path(asked.root))}: "
                "choose another folder for these."
            ),
            icon=":material/error:",
        )
        return False
    with st.container(horizontal=True, vertical_alignment="center"):
        state = "Its results are there" if asked.finished else "It was begun"
        st.caption(f"{state}: *Run* skips what is done with the same recipe.", width="content")
        st.button("Show the results", key="experiments_show", on_click=show_folder, args=(out,))
    return True
