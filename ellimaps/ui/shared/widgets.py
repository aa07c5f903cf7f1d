"""Small pieces that several sections show."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from ellimaps.core.errors import EllimapsError
from ellimaps.core.progress import Progress
from ellimaps.core.stack import ImageStack, band_label
from ellimaps.maps.figures import CONTRAST_PERCENTILES
from ellimaps.maps.segmentation import Segmentation
from ellimaps.ui.shared.state import Session, remembered

_LOG = logging.getLogger(__name__)


@contextmanager
def guarded() -> Iterator[None]:
    """Turn an error of one part of the page into a sentence there; the rest and the user's work stay."""
    try:
        yield
    except EllimapsError as error:
        st.error(str(error), icon=":material/error:")
    except Exception as error:
        _LOG.exception("A part of the page failed")
        st.error(
            f"This part failed unexpectedly ({type(error).__name__}: {error}). What you have made is kept: "
            "change a setting or choose another view.",
            icon=":material/error:",
        )


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Show the progress of work in the foreground and take it away at the end."""
    place = st.empty()

    def show(done: int, total: int, what: str) -> None:
        place.progress(min(1.0, done / max(total, 1)), what)

    try:
        yield show
    finally:
        place.empty()


def positions(stack: ImageStack) -> list[tuple[str, list[int]]]:
    """Return what a wavelength slider steps through: a label and the bands that belong to it."""
    if not stack.is_ellipsometric:
        labels = [band_label(band) for _, band in stack.bands.iterrows()]
        return [
            (f"{label} ({number})" if labels.count(label) > 1 else label, [number])
            for number, label in enumerate(labels)
        ]
    several_angles = len(stack.angles_deg) > 1
    return [
        (
            f"{pair.wavelength_nm:g}" + (f" nm, {pair.aoi_deg:g} deg" if several_angles else ""),
            [int(str(pair.delta)), int(str(pair.psi))],
        )
        for pair in stack.pairs().itertuples()
    ]


def position_slider(stack: ImageStack) -> int:
    """Show the wavelength slider and return its position among `positions`."""
    labels = [label for label, _ in positions(stack)]
    if len(labels) == 1:
        return 0
    label = "Wavelength (nm)" if stack.is_ellipsometric and len(stack.angles_deg) <= 1 else "Map"
    label = label if stack.is_ellipsometric else "Image"
    chosen = remembered(
        st.select_slider,
        label,
        options=labels,
        key="position",
        default=labels[0],
        help="The arrow keys move it, also while the pictures below have the focus.",
    )
    return labels.index(chosen)


def move_to(stack: ImageStack, position: int) -> None:
    """Move the wavelength slider; for the arrow keys of the viewer, which run before it is shown."""
    labels = [label for label, _ in positions(stack)]
    st.session_state["position"] = labels[max(0, min(len(labels) - 1, int(position)))]


def cluster_slider(state: Session, segmentation: Segmentation) -> int:
    """Show the cluster slider, one for all views, and return the chosen cluster."""
    if segmentation.k == 1:
        return 0
    titles = state.look.titles
    chosen = remembered(
        st.select_slider,
        "Cluster",
        options=list(range(segmentation.k)),
        format_func=lambda number: titles[number],
        key="cluster",
        default=0,
        help="The cluster emphasised in spectra and maps; a click on its name below a map chooses it too.",
    )
    return int(chosen)


def choose_cluster(segmentation: Segmentation, number: int) -> None:
    """Move the cluster slider; for clicks in the viewer, which run before it is shown."""
    if 0 <= number < segmentation.k:
        st.session_state["cluster"] = number


def contrast_percentiles() -> tuple[float, float]:
    """Show the contrast control and return the percentiles of a map that become its darkest and brightest."""
    low, high = remembered(
        st.slider,
        "Contrast (percentiles)",
        0.0,
        100.0,
        step=0.5,
        format="%g",
        key="contrast",
        default=CONTRAST_PERCENTILES,
        help="Values below the lower and above the upper percentile of the map share a colour.",
    )
    return float(low), float(max(high, low + 0.5))


def escaped(text: str) -> str:
    """Return a name so that Markdown shows it as it is."""
    return "".join(f"\\{character}" if character in r"\`*_{}[]<>|$#:" else character for character in text)
