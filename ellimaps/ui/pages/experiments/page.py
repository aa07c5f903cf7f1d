"""The Experiments page: what a batch found, by experiment and subject, down to one image."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from ellimaps.batch.results import MEASURES, Results, read_results, result_folders
from ellimaps.batch.tree import LEVELS
from ellimaps.ui.pages.experiments.charts import (
    comparison_chart,
    count_chart,
    subject_histogram,
)
from ellimaps.ui.shared.cache import MEGABYTE, BoundedCache
from ellimaps.ui.shared.charts import show_chart
from ellimaps.ui.shared.data_root import data_root, file_marks, inside_root
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.widgets import choose_below_root, escaped, guarded, pick_row

# A table of more rows is slow to show and nobody reads it; the files have all.
_MOST_ROWS = 2000
# A million objects are about 200 MB: a large batch beside some small ones.
_RESULTS: BoundedCache[Results] = BoundedCache(
    512 * MEGABYTE, lambda results: int(results.objects.memory_usage(deep=True).sum())
)


def render() -> None:
    """Show the page; it keeps nothing between its runs but the values of its controls."""
    with guarded():
        folder = _chosen_folder()
        if folder is None:
            _empty()
            return
        results = _read(folder)
        _header(results)
        subjects = _subject_filter(results)
        shown = _only(results, subjects)
        if shown.images.empty:
            st.info("No image of these subjects: choose others.", icon=":material/filter_alt:")
            return
        for section in (_overview, _images, _compare):
            with guarded():
                section(shown)
        _failures(results)


def _chosen_folder() -> Path | None:
    root = data_root()
    found = [folder.relative_to(root).as_posix() for folder in result_folders(root)]
    with st.container(horizontal=True, vertical_alignment="bottom", key="experiments_open"):
        text = choose_below_root("Result folder", found, key="experiments", placeholder="results/cells")
    return inside_root(text, root) if text else None


def _empty() -> None:
    st.info(
        f"There are no results below {data_root()} yet. Count the objects of many images with "
        "`ellimaps cells detect ROOT --out DIR`, or run a recipe over many map folders with "
        "`ellimaps batch RECIPE ROOT --out DIR`, with DIR below the data root; then open this page again.",
        icon=":material/science:",
    )


def _read(folder: Path) -> Results:
    """Return a folder's results, read again only after another run."""
    files = sorted([*folder.glob("*.csv"), *folder.glob("*.parquet")])
    return _RESULTS.get((str(folder), file_marks(files)), lambda: read_results(folder))


def _header(results: Results) -> None:
    flagged = int((results.images["Flags"] != "").sum())
    columns = st.columns(5)
    numbers = {
        "Images": len(results.images),
        "Objects": len(results.objects),
        "Experiments": results.images[["Date", "Subject", "Experiment"]].drop_duplicates().shape[0],
        "Flagged images": flagged,
        "Failed images": len(results.failures),
    }
    for column, (label, number) in zip(columns, numbers.items(), strict=True):
        column.metric(label, f"{number:,}")


def _subject_filter(results: Results) -> list[str]:
    subjects = sorted(results.images["Subject"].unique())
    if len(subjects) < 2:
        return subjects
    chosen = st.multiselect("Subjects", subjects, **kept("experiments_subjects"), placeholder="All subjects")
    return chosen or subjects


def _only(results: Results, subjects: list[str]) -> Results:
    return Results(
        results.folder,
        results.images[results.images["Subject"].isin(subjects)],
        results.objects[results.objects["Subject"].isin(subjects)],
        results.failures,
    )


def _overview(results: Results) -> None:
    left, right = st.columns(2)
    for column, by in ((left, "Experiment"), (right, "Subject")):
        with column:
            show_chart(count_chart(results.counts(by), by))
    if not results.has_circles or results.objects.empty:
        return
    for column, measure in zip((left, right), MEASURES, strict=True):
        unit = " (px)" if measure == "R" else ""
        with column:
            show_chart(subject_histogram(results.objects, measure, f"{measure}{unit}"))


def _images(results: Results) -> None:
    st.markdown("#### Images")
    only_flagged = st.toggle("Only flagged", **kept("experiments_flagged"))
    table = results.images[results.images["Flags"] != ""] if only_flagged else results.images
    table = table.head(_MOST_ROWS).reset_index(drop=True)
    if table.empty:
        st.caption("No image is flagged.")
        return
    if len(results.images) > _MOST_ROWS:
        st.caption(
            f"The first {_MOST_ROWS:,} of {len(results.images):,} images; filter by subject for others."
        )
    hidden = ("File", "Table", "Overlay", "Labels")
    levels = [name for name in LEVELS if (table[name] != "").any()]
    rest = [name for name in table if name not in (*LEVELS, *hidden, "Flags", "Objects")]
    row = pick_row(table[[*levels, "Objects", "Flags", *rest]], key="experiments_images", height=280)
    if row is not None:
        _image(results, table.iloc[row])
    else:
        st.caption("Click the box at the left of a row to see its overlay and objects.")


def _image(results: Results, image: pd.Series) -> None:
    names = " / ".join(image[level] for level in LEVELS if image[level])
    st.markdown(f"**{escaped(names)}**: {image['Objects']} objects")
    if image["Flags"]:
        st.warning(str(image["Flags"]), icon=":material/flag:")
    left, right = st.columns([2, 3])
    overlay, montage = results.picture(image), results.montage(image)
    if overlay is not None:
        caption = "Outlines of the objects" if results.has_circles else None
        left.image(str(overlay), caption=caption, alt=f"{caption or 'Result'} of {names}")
    else:
        left.info("Its overlay is not in the folder any more: run the batch again.")
    objects = results.objects_of(image).drop(columns=[*LEVELS, "Flags"]).reset_index(drop=True)
    right.dataframe(objects, key="experiments_objects", hide_index=True, height=340)
    if montage is not None:
        with right.expander("Montage of its experiment"):
            st.image(str(montage), alt=f"All images of the experiment of {names}")


def _compare(results: Results) -> None:
    experiments = sorted(results.images["Experiment"].unique())
    if len(experiments) < 2 or not results.has_circles or results.objects.empty:
        return
    st.markdown("#### Compare experiments")
    chosen = st.multiselect(
        "Experiments",
        experiments,
        experiments[:2],
        **kept("experiments_compared"),
        placeholder="Choose experiments",
    )
    if len(chosen) < 2:
        st.caption("Choose two or more.")
        return
    table = results.comparison(chosen)
    st.dataframe(table, key="experiments_comparison", hide_index=True)
    objects = results.objects[results.objects["Experiment"].isin(chosen)]
    for column, measure in zip(st.columns(2), MEASURES, strict=True):
        label = f"{measure} (px)" if measure == "R" else measure
        with column:
            show_chart(comparison_chart(objects, measure, label))


def _failures(results: Results) -> None:
    if results.failures.empty:
        return
    with st.expander(f"{len(results.failures):,} failed images", icon=":material/error:"):
        st.dataframe(
            results.failures.head(_MOST_ROWS), key="experiments_failures", hide_index=True, height="content"
        )
