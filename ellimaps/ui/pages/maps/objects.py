"""Objects of an opened image: live controls, outlines, histogram, table, and the settings to take along."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast, get_args

import numpy as np
import pandas as pd
import streamlit as st
from skimage.measure import find_contours

from ellimaps.batch.cell_recipe import cells_recipe
from ellimaps.batch.cells import CellWork, object_table
from ellimaps.core.stack import ImageStack
from ellimaps.maps.figures import contrast_limits
from ellimaps.maps.settings import Settings
from ellimaps.objects.analysis import CellResult, analyse_stack
from ellimaps.objects.cell_settings import CellSettings
from ellimaps.objects.column_names import Names
from ellimaps.regions.areas import areas_of
from ellimaps.regions.label_image import PackedLabels, label_tiff
from ellimaps.ui.components.viewer import MapLine, MapPanel, MapScene, map_viewer
from ellimaps.ui.pages.maps.histograms import object_histogram
from ellimaps.ui.pages.maps.loading import OBJECTS, Source, opened
from ellimaps.ui.pages.maps.object_choices import PlaneView, object_choices, plane_choices
from ellimaps.ui.pages.maps.state import MapsState
from ellimaps.ui.shared.charts import show_chart
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.masks import mask_downloads
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.tasks import computed
from ellimaps.ui.shared.widgets import csv_download, download, guarded, pick_row

# Outlines are to be judged pixel by pixel: a megapixel is sent whole, 8 MB.
_MOST_PIXELS = 1 << 20
# A table of more rows is slow to show; the file has all.
_MOST_ROWS = 2000


def objects_tab(state: MapsState, source: Source) -> None:
    """Show the controls, and the objects found with them."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="object_controls"):
        view = plane_choices(source)
        stack = opened(source, Settings(z=view.z, t=view.t, channels=state.settings.channels))
        settings = object_choices(state, stack)
    found = computed(
        state,
        OBJECTS,
        (source, view, state.settings.channels, settings),
        "Finding objects",
        lambda on_progress: analyse_stack(stack, settings, on_progress),
    )
    if found is not None:
        state.found = view.of_batch(settings), found
    if state.found is not None:
        _show(source, stack, *state.found, view)


def _show(
    source: Source, stack: ImageStack, settings: CellSettings, found: CellResult, view: PlaneView
) -> None:
    names = cast(Names, st.session_state.get("objects_names", "skimage"))
    # The page needs no crops, a batch makes a sheet of them.
    work = CellWork(replace(settings, crop_px=CellSettings.crop_px), names)
    table = object_table(view.number(), found, work)
    with st.container(horizontal=True, vertical_alignment="center", key="object_files"):
        st.markdown(_facts(found, settings), width="stretch")
        _files(stack.name, table, found, work)
    for flag in filter(None, found.quality.flags.split("; ")):
        st.warning(escaped(f"{flag[0].upper()}{flag[1:]}."), icon=":material/flag:")
    picture, measures = st.columns([6, 5], gap="medium")
    with measures, guarded():
        picked = _measures(table)
    with picture, guarded():
        _picture(source, stack, found, settings, picked)


def _facts(found: CellResult, settings: CellSettings) -> str:
    low, high = found.radius
    um = found.pixel_size_um
    size = f" ({low * um:.3g} to {high * um:.3g} µm)" if um else ""
    origin = "" if settings.radius else ", suggested by the image"
    return f"**{len(found.table)} {settings.kind}** · radius {low:.3g} to {high:.3g} px{size}{origin}"


def _files(name: str, table: pd.DataFrame, found: CellResult, work: CellWork) -> None:
    download(
        "Batch recipe",
        "objects.toml",
        lambda: cells_recipe(work).encode(),
        key="objects_recipe",
        icon=":material/receipt_long:",
        type="primary",
        help="These settings for all images below a folder: `ellimaps batch objects.toml ROOT --out DIR`",
    )
    csv_download("Table", f"{name}_objects.csv", table, key="objects_csv", help="As CSV")
    mask_downloads(
        name,
        lambda: label_tiff([[PackedLabels.of(found.labels)]], found.pixel_size_um, found.pixel_aspect),
        lambda: areas_of(found.labels),
        "detection",
        key="objects",
    )


def _picture(
    source: Source, stack: ImageStack, found: CellResult, settings: CellSettings, picked: int | None
) -> None:
    image = np.asarray(stack.values[settings.channel])
    panel = MapPanel(
        f"{found.channels[settings.channel]}, outlines of {len(found.table)} {settings.kind}",
        image,
        limits=contrast_limits(image),
        objects=found.labels,
    )
    scene = MapScene(
        [panel],
        source=source.fingerprint,
        aspect=stack.pixel_aspect,
        regions=[] if picked is None else [_outline(found, picked)],
        pixel_size_um=found.pixel_size_um,
        most_pixels=_MOST_PIXELS,
        # All of the picture is seen below the controls in a window of 1280 x 720.
        share_of_window=0.46,
    )
    map_viewer(scene, key="objects_map")


def _outline(found: CellResult, row: int) -> MapLine:
    """Return the outline of an object, for the viewer."""
    one = found.table.iloc[row]
    top, left, bottom, right = (int(one[f"bbox-{side}"]) for side in range(4))
    mask = np.pad(found.labels[top:bottom, left:right] == one["object"], 1)
    longest: Any = max(find_contours(mask.astype(float), 0.5), key=len)  # type: ignore[no-untyped-call]
    corners = tuple((float(x) + left - 0.5, float(y) + top - 0.5) for y, x in longest)
    return MapLine(corners, f"{one['object']:.0f}")


def _measures(table: pd.DataFrame) -> int | None:
    """Show a measure's histogram above the table; return the row that was picked."""
    with st.container(horizontal=True):
        numbers = [name for name in table.columns[3:] if name not in ("Scene", "T", "Z")]
        measure = st.selectbox("Histogram of", numbers, **kept("objects_measure"))
        st.selectbox("Names as in", get_args(Names), **kept("objects_names"), width=140)
    if table.empty:
        st.info("Nothing was found: choose other radii, less contrast or another channel.")
        return None
    show_chart(object_histogram(table[measure].to_numpy(float), measure))
    if len(table) > _MOST_ROWS:
        st.caption(f"The first {_MOST_ROWS:,} of {len(table):,}; the file has all.")
    shown = table.drop(columns=["Scene", "T", "Z"]).head(_MOST_ROWS)
    return pick_row(shown, key="objects_table", height=190)
