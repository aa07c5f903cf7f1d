"""What lies below the data root: folders of results to look at, and trees of measurements to run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import streamlit as st
from cachetools import TTLCache, cached

from ellimaps.batch.layout import TreeLayout, layout_of
from ellimaps.batch.marks import IMAGE_ENDINGS, TABLE_ENDING, batch_around, is_result
from ellimaps.batch.result_folders import result_folders
from ellimaps.batch.tree import Item, Pattern, Tree
from ellimaps.readers.ome_zarr import is_zarr
from ellimaps.ui.pages.experiments.state import ExperimentsState
from ellimaps.ui.shared.data_root import data_root, inside_root
from ellimaps.ui.shared.widgets import choose_below_root

_FOLDER = "experiments_typed"
# Pages run at every click; who has just copied a folder waits no longer than this.
_SECONDS = 15
# More are no choice; the path of any other can be typed.
_MOST_TREES = 60
# A folder of images has one at its first leaf; without, looking further would take long on a network drive.
_MOST_LISTED = 40


@dataclass(frozen=True)
class ChosenFolder:
    """The chosen folder, what it is called, and the results it is or lies within."""

    folder: Path
    name: str
    results: Path | None


def choose_folder(state: ExperimentsState) -> ChosenFolder | None:
    """Show what there is to look at and to run; None if nothing is chosen."""
    root = data_root()
    recent = [name for name in state.recent if (root / name).is_dir()]
    results = [folder.relative_to(root).as_posix() for folder in result_folders(root)]
    names = [*recent, *results, *trees_below(root)]
    text = choose_below_root(
        "Folder",
        names,
        key=_FOLDER,
        placeholder="Choose, search, or type a folder below the data root, as wafers/2026",
        first=next(iter(names), ""),
        help="What was opened last comes first, then results of earlier runs and trees of measurements.",
    )
    if not text:
        return None
    folder = inside_root(text, root)
    state.opened(text)
    return ChosenFolder(folder, called(folder), batch_around(folder))


def show_folder(folder: Path) -> None:
    """Let the page show another folder, in its next run."""
    st.session_state[_FOLDER] = called(folder) if folder != data_root() else "."


def called(folder: Path) -> str:
    """Return how a folder is called: as the user types it, never where the server keeps it."""
    root = data_root()
    if folder == root or root not in folder.parents:
        return folder.name
    return folder.relative_to(root).as_posix()


@cached(TTLCache(16, _SECONDS), lock=Lock())
def trees_below(root: Path) -> tuple[str, ...]:
    """Return folders at most two levels below a root in which there are images or maps, and the root itself.

    The nearest come first; the root is last, as it is the tree only where the server is one experiment's.
    """
    nearest = _below(root)
    folders = [*nearest, *(below for folder in nearest for below in _below(folder))][:_MOST_TREES]
    return tuple(folder.relative_to(root).as_posix() for folder in [*folders, root] if _holds_inputs(folder))


@cached(TTLCache(16, _SECONDS), lock=Lock())
def layout(root: Path) -> TreeLayout:
    """Return what a tree holds, as of some seconds ago."""
    return layout_of(root)


@cached(TTLCache(16, _SECONDS), key=lambda *given, **named: (given, *named.values()), lock=Lock())
def items(root: Path, pattern: str | None, out: Path, *, folders: bool) -> tuple[Item, ...]:
    """Return the inputs of a run, as of some seconds ago.

    Parameters
    ----------
    root, pattern, out, folders
        As `ellimaps.batch.runner.tree_of`.
    """
    chosen = Pattern(pattern) if pattern else None
    return tuple(Tree(root, chosen, folders=folders and not (chosen and chosen.has_ending), without=out))


def _holds_inputs(folder: Path) -> bool:
    for _, one in zip(range(_MOST_LISTED), _deepest_first(folder), strict=False):
        endings = (*IMAGE_ENDINGS, TABLE_ENDING)
        if is_zarr(one) or any(name.casefold().endswith(endings) for name in _names(one)):
            return True
    return False


def _deepest_first(folder: Path) -> Iterator[Path]:
    yield folder
    for below in _below(folder):
        yield from _deepest_first(below)


def _below(folder: Path) -> list[Path]:
    return [
        folder / name
        for name in _names(folder)
        if not (folder / name).is_symlink() and (folder / name).is_dir() and not _is_result(folder / name)
    ]


def _is_result(folder: Path) -> bool:
    try:
        return is_result(folder, {below.name for below in folder.iterdir()})
    except OSError:
        return False


def _names(folder: Path) -> list[str]:
    try:
        return sorted(below.name for below in folder.iterdir() if not below.name.startswith("."))
    except OSError:
        return []
