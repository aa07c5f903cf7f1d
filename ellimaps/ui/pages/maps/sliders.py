"""The sliders that several tabs of the page Maps share: wavelength and cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from ellimaps.core.stack import ImageStack, band_label
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import kept

_DRAG = "position_drag"


def band_groups(stack: ImageStack) -> list[tuple[str, list[int]]]:
    """Return what the wavelength slider steps through: a label and the bands that belong to it."""
    if not stack.is_ellipsometric:
        labels = [band_label(band) for _, band in stack.bands.iterrows()]
        return [
            (f"{label} ({number})" if labels.count(label) > 1 else label, [number])
            for number, label in enumerate(labels)
        ]
    several_angles = len(stack.angles_deg) > 1
    return [
        (
            f"{pair.wavelength_nm:g}" + (f" nm, {pair.aoi_deg:g}°" if several_angles else ""),
            [int(str(pair.delta)), int(str(pair.psi))],
        )
        for pair in stack.pairs().itertuples()
    ]


def band_slider(stack: ImageStack) -> tuple[int, list[int]]:
    """Show the wavelength slider; return its position among `band_groups` and the bands there."""
    groups = band_groups(stack)
    labels = [label for label, _ in groups]
    if len(labels) == 1:
        return 0, groups[0][1]
    chosen = st.select_slider(
        band_slider_label(stack),
        labels,
        labels[0],
        format_func=escaped,
        **kept("position", address=True),
        help="The arrow keys move it, also while the images below have the focus.",
    )
    position = labels.index(chosen)
    drag = st.session_state.pop(_DRAG, None)
    # Once it is let go, the slider itself says where it stands.
    if drag is not None and drag["from"] == position:
        position = max(0, min(len(labels) - 1, int(drag["position"])))
    return position, groups[position][1]


def band_slider_label(stack: ImageStack) -> str:
    """Return what the wavelength slider is called."""
    if not stack.is_ellipsometric:
        return "Image"
    return "Wavelength (nm)" if len(stack.angles_deg) <= 1 else "Map"


def follow_band_slider(drag: Mapping[str, int]) -> None:
    """Show the maps of the position the slider is dragged to, in this run alone."""
    st.session_state[_DRAG] = drag


def move_band_slider(stack: ImageStack, position: int) -> None:
    """Move the wavelength slider; for the arrow keys of the viewer, which run before it is shown."""
    labels = [label for label, _ in band_groups(stack)]
    st.session_state["position"] = labels[max(0, min(len(labels) - 1, int(position)))]


def cluster_slider(titles: Sequence[str], noun: str = "cluster") -> int:
    """Show the cluster slider, one for all tabs, and return the chosen cluster; of a file, the spectrum.

    Parameters
    ----------
    titles : sequence of str
        What there is to choose from.
    noun : str
        What that is.
    """
    if len(titles) == 1:
        return 0
    return st.select_slider(
        noun.capitalize(),
        list(range(len(titles))),
        0,
        format_func=lambda number: escaped(titles[number]),
        **kept("cluster", address=True),
        help=f"The {noun} emphasised in spectra and maps; a click on it in a map chooses it too.",
    )


def chosen_cluster(k: int) -> int:
    """Return where the cluster slider stands, for parts of the page without it."""
    number = int(st.session_state.get("cluster", 0))
    return number if number < k else 0


def move_cluster_slider(k: int, number: int) -> None:
    """Move the cluster slider; for clicks in the viewer, which run before it is shown."""
    if 0 <= number < k:
        st.session_state["cluster"] = number
