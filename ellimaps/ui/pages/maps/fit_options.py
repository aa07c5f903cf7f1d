"""The options of a fit, and what would be fitted with them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from ellimaps.core.errors import SettingError
from ellimaps.maps.films.results import parameter_names
from ellimaps.optics.fit_options import FitOptions
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.parameters import parameter_titles
from ellimaps.ui.pages.maps.fitting import FitSetup
from ellimaps.ui.pages.maps.state import MapsState
from ellimaps.ui.shared.state import kept

# Options of a fit: label, name in FitOptions, and what it says.
_NUMBERS = (
    ("Noise of Delta (°)", "sigma_delta_deg", "Where sin 2Ψ is 1. Empty: neighbours tell it."),
    ("Noise of Psi (°)", "sigma_psi_deg", "Empty: neighbours tell it, where the maps are flat."),
    ("Lack of fit above a reduced χ² of", "max_chi2", "Such fits are not trusted."),
    ("The instrument is right to (° of Psi)", "systematic_deg", "Misfit up to this is no lack of fit."),
    ("Poor above an MSE of", "max_mse", "Such fits are not trusted."),
    ("Least share of a cluster measured", "min_share", "Wavelengths with less are left out of its fit."),
)
_OF_CLUSTERS = ("min_share",)
# Spectra of a file have no neighbors.
_OF_SPECTRA = {
    "sigma_delta_deg": "Where sin 2Ψ is 1. Empty: the errors in the file, else those of a good instrument.",
    "sigma_psi_deg": "Empty: the errors in the file, else those of a good instrument.",
}
_WORDS = (
    ("Noise of Delta", "delta_noise", {"growing": "grows as 1 / sin 2Ψ", "constant": "the same everywhere"}),
    ("Weights of clusters", "weights", {"noise": "noise of the mean", "spread": "spread of the pixels"}),
    ("Chi squared of", "minimized", {"psi delta": "Delta and Psi", "ncs": "N, C and S"}),
)


def fit_options(state: MapsState) -> None:
    """Show the options of a fit of clusters.

    Raises
    ------
    SettingError
        If a number is out of bounds.
    """
    _limits(_NUMBERS, "from the map")
    model = state.film.model
    names, titles = (parameter_names(model), parameter_titles(model)) if model else ([], [])
    if len(names) > 1:
        st.multiselect(
            "One value for all clusters",
            names,
            **kept("fit_shared"),
            format_func=dict(zip(names, titles, strict=True)).__getitem__,
            help="Such as the thickness of an oxide below everything, or the angle of incidence.",
        )


def spectra_options() -> None:
    """Show the options of a fit of spectra.

    Raises
    ------
    SettingError
        If a number is out of bounds.
    """
    shown = [(label, key, text) for label, key, text in _NUMBERS if key not in _OF_CLUSTERS]
    _limits([(label, key, _OF_SPECTRA.get(key, text)) for label, key, text in shown], "from the file")


def _limits(numbers: Sequence[tuple[str, str, str]], origin: str) -> None:
    default = FitOptions()
    for label, key, help_text in numbers:
        value = getattr(default, key)
        given = st.number_input(
            label, value=value, **kept(f"fit_{key}"), format="%g", help=help_text, placeholder=origin
        )
        if given is not None and not 0.001 <= given <= 1000:
            raise SettingError(f"{label} must be from 0.001 to 1000, not {given:g}.")
    for label, key, words in _WORDS:
        st.selectbox(label, list(words), format_func=words.__getitem__, **kept(f"fit_{key}"))


def fit_setup(model: ThinFilm) -> FitSetup:
    """Return what would be fitted now, as the controls stand."""
    shown = st.session_state
    given = {key: shown[f"fit_{key}"] for _, key, _ in (*_NUMBERS, *_WORDS) if f"fit_{key}" in shown}
    options = FitOptions(**given)
    names = parameter_names(model)
    shared = tuple(name for name in shown.get("fit_shared", []) if name in names and len(names) > 1)
    return FitSetup(model, shared, options)
