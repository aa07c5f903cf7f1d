"""A run of the batch runner in a process of its own, begun, continued and stopped on the page."""

from __future__ import annotations

import os
from pathlib import Path

from ellimaps.batch.asked import Asked
from ellimaps.batch.cells import CellWork
from ellimaps.batch.engines import local_processes
from ellimaps.batch.maps import MapWork
from ellimaps.batch.runner import BatchSummary, run_batch, tree_of
from ellimaps.core.errors import SettingError
from ellimaps.core.progress import Progress
from ellimaps.ui.pages.experiments.folders import called, show_folder
from ellimaps.ui.pages.experiments.recipes import work_of
from ellimaps.ui.pages.experiments.state import ExperimentsState
from ellimaps.ui.shared.data_root import data_root, inside_root, located
from ellimaps.ui.shared.tasks import start
from ellimaps.ui.shared.worker import in_worker


def run(
    state: ExperimentsState, root: Path, pattern: str | None, work: MapWork | CellWork, out: Path
) -> None:
    """Start a run; what is done of it is skipped. Its results are shown when it has ended.

    Parameters
    ----------
    state : ExperimentsState
        Of the page.
    root, pattern, work, out
        As `run_tree`.
    """
    start(
        state,
        f"Running {called(root)}",
        in_worker(run_tree, root, pattern, work, out),
        lambda _: show_folder(out),
    )


def run_again(state: ExperimentsState, asked: Asked, out: Path) -> None:
    """Go on with what an earlier run was asked: what is missing and what failed.

    Raises
    ------
    ReadError, SettingError
        If its folder is not below the data root any more, or its recipe cannot be read.
    """
    run(state, inside_root(asked.root, data_root()), asked.pattern, work_of(asked.recipe), out)


def result_folder(text: str) -> Path:
    """Return the folder for results that a user typed.

    Raises
    ------
    SettingError
        If it is none below the data root.
    """
    root = data_root()
    name = text.strip()
    try:
        folder = located(name, root)
    except (OSError, ValueError, RuntimeError) as error:
        raise SettingError(f"{name!r:.200} cannot be a folder: {error}.") from error
    if not name or "\0" in name or root not in folder.parents:
        raise SettingError(
            f"The results go into a folder below the data root, such as results, not {name!r:.200}."
        )
    if folder.exists() and not folder.is_dir():
        raise SettingError(f"{name:.200} is a file: choose another folder for the results.")
    return folder


def run_tree(
    root: Path, pattern: str | None, work: MapWork | CellWork, out: Path, on_progress: Progress
) -> BatchSummary:
    """Do the work with what is below a root, in half of the processors: pages are to stay quick.

    Parameters
    ----------
    root : Path
        The tree.
    pattern : str, optional
        How paths below it are read.
    work : MapWork or CellWork
        What to do.
    out : Path
        Folder for the results.
    on_progress : callable
        Called as ``on_progress(done, total, what)``.

    Raises
    ------
    SettingError
        If the results would lie in a measurement.
    """
    tree = tree_of(root, out, pattern, folders=isinstance(work, MapWork))
    around = {out, *out.parents}
    for item in tree:
        if (item.path if item.path.is_dir() else item.path.parent) in around:
            raise SettingError(
                f"{out} lies in the measurement {item.key}: choose another folder for the results."
            )

    def tell(done: int, total: int, what: str) -> None:
        # The page says itself how long it takes; until the first is done, it is what was done before.
        on_progress(done, total, {"working": "starting"}.get(what, what if what == "tables" else "working"))

    return run_batch(tree, work, out, local_processes(max(1, (os.cpu_count() or 2) // 2)), tell)
