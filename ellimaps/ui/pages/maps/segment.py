"""The choices of a segmentation, and making one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

import streamlit as st

from ellimaps.core.errors import SettingError
from ellimaps.maps.clustering.features import crosses_zero, default_features
from ellimaps.maps.refinement import step_title
from ellimaps.maps.settings import DECLARED, Settings
from ellimaps.ui.pages.maps.loading import PREPARATION, load, segmented
from ellimaps.ui.pages.maps.state import SEGMENTATION_VIEWS, MapsState, go_to
from ellimaps.ui.shared.controls import one_of_those_that_fit, whole_number
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.tasks import start

_FEATURES_OF_MAPS = (
    "What pixels are compared by. ncs: N, C, S of each wavelength, which do not jump where Delta "
    "passes 360°. standard: each map over its standard deviation. raw: degrees as they are."
)
_FEATURES_OF_INTENSITIES = (
    "What pixels are compared by. standard: each image over its standard deviation, so that dim channels "
    "count as much as bright ones. raw: intensities as they are."
)


def segment_controls(state: MapsState) -> None:
    """Show k, features and seed, segment on request, and choose among the segmentations made."""
    wrong, k = "", 0
    try:
        k = whole_number("k", width=120)
    except SettingError as error:
        wrong = str(error)
    choose_features(state)
    try:
        state.settings = replace(state.settings, seed=whole_number("seed", width=100))
    except SettingError as error:
        wrong = str(error)
    off = bool(wrong) or state.task is not None
    if st.button("Segment", type="primary", key="segment", disabled=off, help=wrong or None):
        make_segmentation(state, k)
    if wrong:
        st.error(escaped(wrong), width=320)
    if len(state.kept) > 1:
        _choose_shown(state)


def choose_features(state: MapsState) -> None:
    """Show the choice of features."""
    assert state.source is not None
    stack = load(state.source)
    maps = stack.is_ellipsometric
    options = ["ncs", "standard", "raw"] if maps else ["standard", "raw"]
    hint = _FEATURES_OF_MAPS if maps else _FEATURES_OF_INTENSITIES
    chosen = one_of_those_that_fit("features", options, start=default_features(stack), hint=hint)
    state.settings = replace(state.settings, features=chosen)


def make_segmentation(state: MapsState, k: int) -> None:
    """Segment with the settings as they stand and show the result."""
    assert state.source is not None
    make(state, replace(state.settings, k=k, refine=()), f"Segmenting into {k} clusters")


def make(state: MapsState, settings: Settings, what: str, then: Callable[[], None] = lambda: None) -> None:
    """Make the segmentation these settings describe, in the background, and show it.

    Parameters
    ----------
    state : MapsState
        Of the page.
    settings : Settings
        What to make.
    what : str
        What is being done, for the progress.
    then : callable, optional
        Called when it is there.
    """
    source = state.source
    assert source is not None
    settings = replace(settings, k_min=Settings.k_min, k_max=Settings.k_max)
    view = st.session_state.get("view")

    def show(_: object) -> None:
        if settings.features != "ncs" and crosses_zero(load(source)):
            state.message = (
                f"Delta crosses 0/360° here, which {settings.features} features see as a jump: use ncs."
            )
        state.keep(settings)
        then()
        # Who has gone elsewhere meanwhile stays there.
        if view not in SEGMENTATION_VIEWS and st.session_state.get("view") == view:
            go_to("Explore")

    start(state, what, lambda on_progress: segmented(source, settings, on_progress), show)


def pending_changes(state: MapsState) -> str:
    """Say which choices differ from those of the segmentation shown; empty if none."""
    if state.current is None:
        return ""
    compared = [field.name for field in fields(Settings) if field.name in (*PREPARATION, "features", "seed")]
    changed = [name for name in compared if getattr(state.settings, name) != getattr(state.current, name)]
    if st.session_state.get("k", state.current.k) != state.current.k:
        changed.insert(0, "k")
    return ", ".join(map(_setting_title, changed))


def segmentation_title(settings: Settings) -> str:
    """Return a short text for a segmentation's settings."""
    default = Settings()
    parts = [f"k = {settings.k}", settings.features or "default features"]
    parts += [
        _choice_title(name, value)
        for name in ("seed", *PREPARATION)
        if (value := getattr(settings, name)) != getattr(default, name)
    ]
    return ", ".join([*parts, *map(step_title, settings.refine)])


def _choice_title(name: str, value: object) -> str:
    title, unit = _setting_title(name), DECLARED[name].unit
    if isinstance(value, bool):
        return title
    text = " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return f"{title}: {text} {unit}".strip()


def _setting_title(name: str) -> str:
    """Return what the page calls a setting, within a sentence."""
    if name not in DECLARED:
        return name
    control = DECLARED[name].control
    title = control.switch or control.label or name.replace("_", " ")
    return title[0].lower() + title[1:]


def _choose_shown(state: MapsState) -> None:
    st.session_state["shown"] = state.current
    st.selectbox(
        "Shown",
        state.kept,
        format_func=segmentation_title,
        key="shown",
        width=230,
        on_change=lambda: _show(state, st.session_state["shown"]),
        help="Every segmentation made of this measurement; none is computed again.",
    )


def _show(state: MapsState, settings: Settings) -> None:
    state.keep(settings)
