"""Two segmentations side by side."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from ellimaps.comparison import compare
from ellimaps.pipeline import Settings
from ellimaps.ui.loading import Source, segmented
from ellimaps.ui.state import Session, remembered
from ellimaps.ui.viewer import MapPanel, map_viewer


def compare_section(state: Session, source: Source) -> None:
    """Show two of the segmentations made, their agreement, and what was split."""
    if len(state.kept) < 2:
        st.info("Segment at least twice, for instance with k = 4 and with k = 5, to compare the two.")
        return
    numbers = list(range(len(state.kept)))
    chosen = []
    for column, which, default in zip(
        st.columns(2), ("first", "second"), (len(numbers) - 2, len(numbers) - 1), strict=True
    ):
        with column:
            chosen.append(
                remembered(
                    st.selectbox,
                    f"The {which}",
                    options=numbers,
                    format_func=lambda number: segmentation_title(state.kept[number]),
                    key=f"compare_{which}",
                    default=default,
                )
            )
    settings = [state.kept[number] for number in chosen]
    first, second = (segmented(source, one) for one in settings)
    if first.labels.shape != second.labels.shape:
        st.warning("Their maps differ in size (region of interest or binning): they cannot be compared.")
        return
    comparison = compare(first, second)
    st.metric(
        "Adjusted Rand index", f"{comparison.adjusted_rand:.4f}", help="1 = the same clusters, 0 = unrelated."
    )
    looks = [state.looks[one] for one in settings]
    map_viewer(
        [
            MapPanel(
                segmentation_title(one),
                labels=segmentation.labels,
                palette=tuple(look.palette),
                names=look.names,
            )
            for one, segmentation, look in zip(settings, (first, second), looks, strict=True)
        ],
        source=f"{source.fingerprint} {first.labels.shape}",
        aspect=first.stack.pixel_aspect,
        key="compare_maps",
    )
    st.markdown("\n".join(f"- {sentence}" for sentence in comparison.sentences()))
    with st.expander("Shared pixels"):
        table = pd.DataFrame(comparison.overlap, index=looks[0].names, columns=looks[1].names)
        st.dataframe(table)


def segmentation_title(settings: Settings) -> str:
    """Return a short text for a segmentation's settings."""
    parts = [f"k = {settings.k}", settings.features or "default features", f"seed {settings.seed}"]
    default = Settings()
    preprocessing = {
        name: getattr(settings, name) for name in ("gaps", "despike", "smooth", "roi", "binning")
    }
    parts += [f"{name} {value}" for name, value in preprocessing.items() if value != getattr(default, name)]
    if settings.refine:
        parts.append(f"{len(settings.refine)} changes")
    return ", ".join(parts)
