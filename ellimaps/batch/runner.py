"""Many images or map folders: what is done is skipped, what breaks is listed, the rest goes on."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ellimaps.batch.asked import Asked
from ellimaps.batch.assemble import EXPERIMENTS, TABLES, TableCounts, write_tables
from ellimaps.batch.conditions import ConditionColumns
from ellimaps.batch.engines import BatchTask, Engine
from ellimaps.batch.marks import PROVENANCE
from ellimaps.batch.montages import write_montages
from ellimaps.batch.store import Store, told
from ellimaps.batch.time_limit import NAME
from ellimaps.batch.tree import Item, Pattern, Tree
from ellimaps.batch.work import RecipeWork, Work, recipe_hash
from ellimaps.core.errors import ReadError, SettingError, unreadable
from ellimaps.core.files import write_listing
from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.provenance import software_facts
from ellimaps.core.swap import swapped


@dataclass(frozen=True)
class BatchSummary:
    """What a run did.

    Attributes
    ----------
    images : int
        Files or folders found.
    done, skipped, failed : int
        Of these: worked on now, already done, and those listed in ``failures.csv``.
    objects : int
        Rows of the table.
    planes : int
        Images in these files: a file may hold several.
    warned : int
        Images that a reader warned of; ``images.csv`` says what.
    ignored : dict of str to int
        Files below the root that are no input, by what they are.
    seconds : float
        Time taken.
    table : Path
        The table.
    """

    images: int
    done: int
    skipped: int
    failed: int
    objects: int
    planes: int
    warned: int
    ignored: dict[str, int]
    seconds: float
    table: Path


def tree_of(root: Path, out: Path, pattern: str | None, *, folders: bool) -> Tree:
    """Return the inputs of a run.

    Parameters
    ----------
    root, out : Path
        Where the images are, and where the results go.
    pattern : str, optional
        See `ellimaps.batch.tree.Pattern`.
    folders : bool
        Whether the inputs are folders; a pattern with the ending of an image file overrules that.
    """
    root, out = root.resolve(), out.resolve()
    if root == out:
        raise SettingError(f"{out} holds the images: choose another folder for the results.")
    chosen = Pattern(pattern) if pattern is not None else None
    if chosen is not None and chosen.has_ending:
        folders = False
    return Tree(root, chosen, folders=folders, without=out)


def run_batch(
    tree: Tree,
    work: RecipeWork,
    out: Path,
    engine: Engine,
    on_progress: Progress = no_progress,
    conditions: ConditionColumns | None = None,
) -> BatchSummary:
    """Do the work with every image that is not done yet, and write the tables of all.

    Parameters
    ----------
    tree : Tree
        The images or folders.
    work : RecipeWork
        What to do with each.
    out : Path
        Folder for the results.
    engine : callable
        Where to do it: `ellimaps.batch.engines.local_processes` or `dask_cluster`.
    on_progress : callable, optional
        Called as ``on_progress(done, total, what)``.
    conditions : ConditionColumns, optional
        Says the temperature during an acquisition.

    Raises
    ------
    ReadError
        If there is nothing to work on.
    ExportError
        If the folder is in use or cannot be written.
    """
    start = time.monotonic()
    # Before the folder for the results is made: a wrong root leaves nothing behind.
    total = sum(1 for _ in tree)
    if not total:
        raise ReadError(_nothing(tree))
    pattern = tree.pattern.text if tree.pattern else None
    asked = Asked(str(tree.root), pattern, work.recipe(), total)
    with Store(out).opened() as store:
        asked.write(store)
        run = Run(store, tree, recipe_hash(work), total, on_progress)
        ignored = tree.ignored()
        facts = {"software": software_facts(), "recipe_sha256": run.recipe, **work.facts()}
        facts[NAME] = work.time_limit_s
        facts |= {"ignored_files": ignored} if ignored else {}
        if conditions is not None:
            facts["sensors"] = conditions.facts()

        def write() -> TableCounts:
            with told(out), swapped(out) as folder:
                write_montages(store, tree, run.recipe, folder)
                rows = write_tables(store, tree, run.recipe, work.lead, folder, conditions)
                write_listing(folder, TABLES, PROVENANCE, facts)
            return rows

        try:
            run.work(work, engine)
        except (KeyboardInterrupt, SystemExit):
            # Who stops it wants to see what is done.
            write()
            raise
        on_progress(total, total, "tables")
        rows = write()
        replace(asked, finished=True).write(store)
    seconds = time.monotonic() - start
    done = (total, run.done, run.skipped, run.failed)
    return BatchSummary(*done, rows.objects, rows.images, rows.warned, ignored, seconds, out / EXPERIMENTS)


def _nothing(tree: Tree) -> str:
    what = "folder with maps or images" if tree.folders else "TIFF or PNG image"
    text = tree.pattern.text if tree.pattern else None if tree.folders else Pattern().text
    where = f" that fits the pattern {text}" if text else ""
    others = ", ".join(f"{count} {name}" for name, count in tree.ignored().items())
    found = f" (but {others})" if others else ""
    return f"{tree.root} holds no {what}{where}{found}: check the folder, or give another pattern."


class Run:
    """What has been done so far, and how fast.

    Parameters
    ----------
    store : Store
        Where results are kept.
    items : iterable of Item
        What is to be done, in order.
    recipe : str
        Hash of the choices.
    total : int
        Number of items.
    on_progress : callable
        Called as ``on_progress(done, total, what)``.
    """

    def __init__(
        self, store: Store, items: Iterable[Item], recipe: str, total: int, on_progress: Progress
    ) -> None:
        self.done = self.skipped = self.failed = 0
        self.recipe = recipe
        self._store, self._items, self._total, self._on_progress = store, items, total, on_progress
        self._start = time.monotonic()
        self._told, self._text = 0.0, "working"

    def work(self, work: Work, engine: Engine) -> None:
        """Do what is not done, and keep every result."""
        for task, outcome in engine(work, self.tasks()):
            if outcome.output is None:
                self.fail(task.item.key, task.input_hash, outcome.reason)
            else:
                self._store.keep(task.item.key, task.input_hash, self.recipe, outcome.output)
                self.done += 1
            self.tell()

    def tasks(self) -> Iterator[BatchTask]:
        """Yield the images that are not done."""
        for item in self._items:
            try:
                digest, files = item.content()
            except (OSError, ReadError) as error:
                failure = error if isinstance(error, ReadError) else unreadable(item.path, error)
                self.fail(item.key, "", str(failure))
                self.tell()
                continue
            if self._store.is_done(item.key, digest, self.recipe):
                self.skipped += 1
                self.tell()
                continue
            yield BatchTask(item, digest, files)

    def fail(self, key: str, input_hash: str, reason: str) -> None:
        """Note an image that gave no result."""
        self._store.keep_failure(key, input_hash, self.recipe, reason)
        self.failed += 1

    def tell(self) -> None:
        """Say how far the run is, its rate and the time left; the words change ever less often."""
        so_far = self.done + self.skipped + self.failed
        elapsed = time.monotonic() - self._start
        worked = self.done + self.failed
        # Words that change more often cannot be read, and the time left is not known better than to 5 %.
        if worked and elapsed - self._told > max(2.0, 0.05 * elapsed):
            rate = worked / elapsed
            left = _duration((self._total - so_far) / rate)
            self._told = elapsed
            self._text = f"{so_far / self._total:.0%}, {rate:.3g} images/s, {left} left"
        self._on_progress(min(so_far, self._total), self._total, self._text)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
