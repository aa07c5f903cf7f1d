"""Taking the thickness of a fixed layer from a cluster on which nothing lies above it."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from ellimaps.maps.films.reference import reference_text, thickness_of_reference
from ellimaps.maps.segmentation import Segmentation
from ellimaps.optics.layers import MAX_THICKNESS_NM
from ellimaps.optics.model import ThinFilm
from ellimaps.ui.pages.maps.fit_options import fit_setup
from ellimaps.ui.pages.maps.fitting import OWN_MODEL
from ellimaps.ui.pages.maps.state import MapsState
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.widgets import guarded, number_field


def reference_control(state: MapsState, segmentation: Segmentation, model: ThinFilm, number: int) -> None:
    """Show a button that takes a layer's thickness from a cluster, and where a taken one comes from.

    Parameters
    ----------
    state : MapsState
        Has the film model, and says what clusters are called.
    segmentation : Segmentation
        The clusters to choose from.
    model : ThinFilm
        The model as it stands.
    number : int
        The layer, whose thickness is not free.
    """
    layer, titles = model.layers[number], state.look.titles
    key = f"film_{state.film.edition}_reference_{number}"
    with st.popover("As in a cluster", icon=":material/colorize:"), guarded():
        st.caption("Fits this layer and what is below it, without the layers above, to one cluster.")
        cluster = st.selectbox(
            "Cluster where it is the topmost layer",
            range(segmentation.k),
            format_func=titles.__getitem__,
            key=f"{key}_cluster",
        )
        highest = number_field(
            "Thinner than (nm)",
            1.0,
            MAX_THICKNESS_NM,
            float(max(100.0, 2 * round(layer.thickness_nm))),
            key=f"{key}_highest",
            format="%g",
        )
        if st.button("Take its thickness", key=key, type="primary"):
            options = fit_setup(model).options
            found = thickness_of_reference(
                segmentation, model, number, cluster, highest_nm=highest, options=options
            )
            layers = list(model.layers)
            layers[number] = replace(layer, thickness_nm=found.thickness_nm)
            state.film.put(OWN_MODEL, replace(model, layers=tuple(layers)))
            state.film.references[number] = found
            st.rerun()
    taken = state.film.references.get(number)
    if taken is not None and taken.thickness_nm == layer.thickness_nm and taken.cluster < len(titles):
        st.caption(f":material/colorize: {escaped(reference_text(taken, titles[taken.cluster]))}")
