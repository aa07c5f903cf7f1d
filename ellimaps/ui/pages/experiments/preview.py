"""The picture of one acquisition, before anything is run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st

from ellimaps.batch.tree import Item
from ellimaps.core.errors import EllimapsError
from ellimaps.core.numbers import counted, shown_unit
from ellimaps.core.progress import Progress
from ellimaps.core.stack import band_label
from ellimaps.maps.figures import contrast_limits, report_bands
from ellimaps.readers import open_stack
from ellimaps.ui.components.viewer import MapPanel, MapScene, map_viewer
from ellimaps.ui.pages.experiments.state import ExperimentsState
from ellimaps.ui.shared.cache import MEGABYTE, BoundedCache
from ellimaps.ui.shared.data_root import file_marks
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.tasks import computed

# A list of more is not read, and its text goes to the browser at every run.
_MOST_OFFERED = 500


@dataclass(frozen=True, eq=False)
class Preview:
    """Some bands of an acquisition, and what it is."""

    panels: Sequence[MapPanel]
    facts: str
    aspect: float
    pixel_size_um: float | None


def _bytes(preview: Preview | EllimapsError) -> int:
    panels = () if isinstance(preview, EllimapsError) else preview.panels
    return sum(panel.image.nbytes for panel in panels if panel.image is not None)


# Two maps of a megapixel are 8 MB: what some users leaf through.
_PREVIEWS: BoundedCache[Preview | EllimapsError] = BoundedCache(256 * MEGABYTE, _bytes)


def preview_panel(state: ExperimentsState, found: Sequence[Item], tree: str) -> None:
    """Show a choice of the acquisitions and the picture of the chosen one."""
    offered = found[:_MOST_OFFERED]
    number = st.selectbox(
        "Preview",
        range(len(offered)),
        format_func=lambda one: offered[one].key,
        **kept(f"experiments_preview_{tree}"),
        help=None if len(offered) == len(found) else f"The first {_MOST_OFFERED} of {len(found):,}.",
    )
    path = offered[number or 0].path
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    key = (str(path), file_marks(files))
    preview = computed(
        state, _PREVIEWS, key, f"Opening {path.name}", lambda on_progress: _preview(path, on_progress)
    )
    if preview is not None:
        st.caption(preview.facts)
        scene = MapScene(
            preview.panels,
            source=str(path),
            aspect=preview.aspect,
            pixel_size_um=preview.pixel_size_um,
            share_of_window=0.4,
        )
        map_viewer(scene, key="experiments_preview_map")


def _preview(path: Path, on_progress: Progress) -> Preview:
    stack = open_stack(path, on_progress=on_progress)
    panels = []
    for band in report_bands(stack)[:2]:
        # The rest of a large stack is not to be kept.
        image = np.array(stack.values[band])
        about = stack.bands.iloc[band]
        unit = shown_unit(str(about["unit"]))
        panels.append(MapPanel(band_label(about), image, unit, contrast_limits(image)))
    height, width = stack.shape
    bands = counted(stack.n_bands, "map" if stack.is_ellipsometric else "band")
    return Preview(panels, f"{width:,} × {height:,} pixels, {bands}", stack.pixel_aspect, stack.pixel_size_um)
