"""The table by sample, and of a chosen one its picture and figures."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from ellimaps.batch.assemble import PLANE
from ellimaps.batch.map_results import sample_table
from ellimaps.batch.results import Results
from ellimaps.batch.tree import LEVELS
from ellimaps.core.numbers import counted
from ellimaps.regions.label_file import areas_in
from ellimaps.ui.pages.experiments.words import columns_of, height_of, readable
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.masks import mask_downloads
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.widgets import csv_download, pick_row

MOST_ROWS = 2000
"""A table of more is slow to show and nobody reads it; the files have all."""

_HIDDEN = ["File", "Table", "Overlay", "Labels", "Flags", "Warnings", "inertia"]


def samples(results: Results) -> None:
    """Show one row per sample; a click shows what was found in it."""
    st.markdown("#### Images" if results.has_circles else "#### Samples")
    table = results.images if results.has_circles else sample_table(results)
    with st.container(horizontal=True, vertical_alignment="center"):
        if (table["Flags"] != "").any() and st.toggle("Only flagged", **kept("experiments_flagged")):
            table = table[table["Flags"] != ""]
        csv_download(
            "Table", "samples.csv", table, key="experiments_images_csv", help="As CSV, with all digits"
        )
    if len(table) > MOST_ROWS:
        st.caption(f"The first {MOST_ROWS:,} of {len(table):,}; choose fewer above, or take the file.")
    table = table.head(MOST_ROWS).reset_index(drop=True)
    shown = _shown(results, table)
    row = pick_row(
        shown,
        key="experiments_images",
        height=height_of(shown, 280),
        column_config=columns_of(shown),
    )
    if row is None:
        st.caption("Click the box at the left of a row to see its image and figures.")
    else:
        _sample(results, table.iloc[row])


def _shown(results: Results, table: pd.DataFrame) -> pd.DataFrame:
    """Return what tells samples apart: their place, what was found, and measures that are known."""
    levels = results.levels
    named = {*levels, *LEVELS, *_HIDDEN, "Objects"}
    measures = [name for name in table if name not in named and _is_known(table[name])]
    rest = [name for name in measures if name not in PLANE or table[name].nunique() > 1]
    shown = table[[*levels, "Objects", "Flags", *rest]]
    return readable(shown if results.has_circles else shown.rename(columns={"Objects": "Clusters"}))


def _is_known(column: pd.Series) -> bool:
    return bool((column.notna() & (column != "")).any())


def _sample(results: Results, image: pd.Series) -> None:
    names = " / ".join(str(image[level]) for level in results.levels if image[level])
    number = counted(int(image["Objects"]), "object" if results.has_circles else "cluster")
    st.markdown(f"**{escaped(names)}**: {number}")
    for text in filter(None, (image["Flags"], image.get("Warnings", ""))):
        st.warning(escaped(text), icon=":material/flag:")
    left, right = st.columns([1, 1], gap="medium")
    overlay, montage = results.picture(image), results.montage(image)
    if overlay is not None:
        caption = "Outlines of the objects" if results.has_circles else "Maps, clusters and spectra"
        left.image(str(overlay), caption=caption, alt=f"{caption} of {names}")
    else:
        left.info("Its image is not in the folder any more: run it again.")
    objects = results.objects_of(image).drop(columns=[*LEVELS, "Flags"]).reset_index(drop=True)
    known = [name for name in objects if _is_known(objects[name]) and name not in PLANE]
    shown = readable(objects[known] if len(objects) else objects)
    with right:
        st.dataframe(
            shown,
            key="experiments_objects",
            hide_index=True,
            height=height_of(shown, 300),
            column_config=columns_of(shown),
        )
        with st.container(horizontal=True, key="experiments_object_files"):
            csv_download(
                "Table", "objects.csv", objects, key="experiments_objects_csv", help="As CSV, with all digits"
            )
            if (labels := results.label_image(image)) is not None:
                name = labels.stem
                areas = partial(areas_in, labels)
                mask_downloads(name, labels.read_bytes, areas, "detection", key="experiments_objects")
        for figure in results.files(image, "_fit.png"):
            caption = "Measured and fitted spectra"
            st.image(str(figure), caption=caption, alt=f"{caption} of {names}")
        if montage is not None:
            with st.expander("Objects of the whole experiment"):
                st.image(str(montage), alt=f"Objects of the experiment of {names}")
