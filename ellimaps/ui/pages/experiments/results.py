"""Results of a run: how far it came, its samples by the tree's own levels, and what failed."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ellimaps.batch.asked import read_asked
from ellimaps.batch.lock import holder
from ellimaps.batch.marks import IMAGES
from ellimaps.batch.results import Results, read_results
from ellimaps.ui.pages.experiments.by_group import maps_by_group, objects_by_group
from ellimaps.ui.pages.experiments.folders import called, show_folder
from ellimaps.ui.pages.experiments.running import run_again
from ellimaps.ui.pages.experiments.samples import MOST_ROWS, samples
from ellimaps.ui.pages.experiments.state import ExperimentsState
from ellimaps.ui.pages.experiments.words import columns_of, readable
from ellimaps.ui.shared.cache import MEGABYTE, BoundedCache
from ellimaps.ui.shared.data_root import file_marks, told
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.widgets import csv_download, guarded

# A million objects are about 200 MB: a large batch beside some small ones.
_RESULTS: BoundedCache[Results] = BoundedCache(
    512 * MEGABYTE, lambda results: int(results.objects.memory_usage(deep=True).sum())
)


def show_results(state: ExperimentsState, folder: Path) -> None:
    """Show a result folder."""
    results = _read(folder) if (folder / IMAGES).is_file() else None
    with guarded():
        _run_panel(state, folder, _done(results))
    asked = read_asked(folder)
    if state.task is None and asked is not None and not asked.finished:
        _follow(folder, _seen(folder))
    if results is None:
        st.info("There are no tables yet.", icon=":material/hourglass_empty:")
        return
    _header(results)
    if not results.images.empty:
        _sections(results)
    _failures(state, results)


# Somebody else's run shows in its lock and its files; looking takes a millisecond.
@st.fragment(run_every=3)
def _follow(folder: Path, seen: object) -> None:
    """Show the page again when a run has begun, gone on or ended in another session or process."""
    if _seen(folder) != seen:
        st.rerun()


def _seen(folder: Path) -> object:
    return holder(folder) is None, file_marks(_tables(folder))


def _done(results: Results | None) -> int:
    return 0 if results is None else results.images["File"].nunique() + len(results.failures)


def _run_panel(state: ExperimentsState, folder: Path, done: int) -> None:
    """Say how far the run came, and offer to go on with it."""
    asked = read_asked(folder)
    if asked is None:
        return
    busy = state.task is not None
    with st.container(horizontal=True, vertical_alignment="center", key="experiments_status"):
        if not busy and (by := holder(folder)) is not None:
            st.info(
                escaped(f"A run is at work on {called(folder)} ({by}); this is what was there before."),
                width="stretch",
            )
            return
        if not asked.finished and not busy:
            name = escaped(called(Path(asked.root)))
            text = f"The run of {name} was stopped: {done:,} of {asked.total:,} are done."
            st.warning(text, icon=":material/pause_circle:", width="stretch")
        if asked.recipe:
            label = "Run again" if asked.finished else "Continue"
            help = "What is done is skipped; what is new, missing or has failed is done."
            if st.button(
                label, icon=":material/play_arrow:", key="experiments_again", disabled=busy, help=help
            ):
                run_again(state, asked, folder)
            with st.popover("Recipe", icon=":material/receipt_long:"):
                st.code(asked.recipe, "toml", wrap_lines=True, height=300)
        root = Path(asked.root)
        st.button("Choose another recipe", key="experiments_tree", on_click=show_folder, args=(root,))


def _read(folder: Path) -> Results:
    """Return a folder's results, read again only after another run."""
    return _RESULTS.get((str(folder), file_marks(_tables(folder))), lambda: read_results(folder))


def _tables(folder: Path) -> list[Path]:
    return sorted([*folder.glob("*.csv"), *folder.glob("*.parquet")])


def _header(results: Results) -> None:
    flagged = int((results.images["Flags"] != "").sum())
    numbers = {
        "Images" if results.has_circles else "Samples": len(results.images),
        "Objects" if results.has_circles else "Clusters": len(results.objects),
        "Flagged": flagged,
        "Failed": len(results.failures),
    }
    levels = [level for level in results.levels[:-1] if results.groups(results.images, level).nunique() > 1]
    numbers |= {f"{level}s": results.groups(results.images, level).nunique() for level in levels}
    for column, (label, number) in zip(st.columns(len(numbers)), numbers.items(), strict=True):
        column.metric(escaped(label), f"{number:,}")


def _sections(results: Results) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        level = _level(results)
        groups = results.groups(results.images, level)
        chosen = st.multiselect(
            f"{escaped(level)}s shown",
            list(groups.unique()),
            **kept(f"experiments_shown_{level}"),
            placeholder="All",
        )
    shown = results.only(results.images[groups.isin(chosen)]) if chosen else results
    by_group = objects_by_group if results.has_circles else maps_by_group
    with guarded():
        by_group(shown, level)
    with guarded():
        samples(shown)


def _level(results: Results) -> str:
    """Let the user choose by which level of the tree to group: the experiments, or what tells most apart."""
    levels = [name for name in results.levels if results.groups(results.images, name).nunique() > 1]
    levels = levels or results.levels[-1:]
    first = levels[-2] if len(levels) > 1 else levels[0]
    key = f"experiments_level_{'_'.join(levels)}"
    return str(
        st.segmented_control(
            "Group by", levels, default=first, required=True, format_func=escaped, **kept(key)
        )
    )


def _failures(state: ExperimentsState, results: Results) -> None:
    if results.failures.empty:
        return
    with st.expander(f"{len(results.failures):,} failed", icon=":material/error:", expanded=True):
        for _, failure in results.failures.head(5).iterrows():
            st.error(escaped(told(f"{failure['File']}: {failure['Reason']}")))
        table = results.failures[["File", "Reason"]].head(MOST_ROWS)
        shown = readable(table)
        if len(results.failures) > 5:
            st.dataframe(shown, key="experiments_failures", hide_index=True, column_config=columns_of(shown))
        with st.container(horizontal=True):
            asked = results.asked
            if asked is not None and asked.recipe:
                label = f"Try {'them' if len(results.failures) > 1 else 'it'} again"
                busy = state.task is not None
                if st.button(label, icon=":material/refresh:", key="experiments_retry", disabled=busy):
                    run_again(state, asked, results.folder)
            csv_download("Failures", "failures.csv", results.failures, key="experiments_failures_csv")
