"""Controls for what a film model knows of the instrument besides its offsets: bandwidth, angular spread."""

from __future__ import annotations

import streamlit as st

from ellimaps.optics.instrument import ANGULAR_SPREAD, LIMITS_DEG, MAX_BANDWIDTH_NM, OF_FILE, Bandwidth
from ellimaps.optics.model import ThinFilm
from ellimaps.ui.pages.maps.fit_angles import Bounds, bounds_of, control_key
from ellimaps.ui.pages.maps.fitting import FilmWork
from ellimaps.ui.shared.widgets import number_field

_NONE, _GIVEN, _OF_DATA, _OF_MODEL = "none", "given", "of the data", "as in the model"


def bandwidth(film: FilmWork, model: ThinFilm) -> Bandwidth:
    """Show the bandwidth of the light, and return it.

    Raises
    ------
    SettingError
        If the number given is none.
    """
    now = model.bandwidth_nm
    ways = [_NONE, _GIVEN, _OF_DATA, *([_OF_MODEL] if isinstance(now, tuple) else [])]
    way = st.selectbox(
        "Bandwidth",
        ways,
        index=ways.index(_way(now)),
        key=control_key(film, "bandwidth_of"),
        width=130,
        help="Light of several wavelengths at once is averaged as intensities; thick films show it.",
    )
    if way == _GIVEN:
        start = now if isinstance(now, int | float) and now else 5.0
        key = control_key(film, "bandwidth")
        return number_field(
            "Width (nm)", 0.0, MAX_BANDWIDTH_NM, float(start), key=key, format="%g", width=100
        )
    if way == _OF_DATA:
        return "file"
    return now if way == _OF_MODEL else 0.0


def angular_spread(film: FilmWork, model: ThinFilm) -> tuple[float, Bounds]:
    """Show how the angles of incidence scatter, and the bounds of that; return both.

    Raises
    ------
    SettingError
        If the number is out of bounds.
    """
    low, high = LIMITS_DEG[ANGULAR_SPREAD]
    spread = number_field(
        "Angular spread (°)",
        low,
        high,
        float(model.angular_spread_deg),
        key=control_key(film, "angular_spread"),
        format="%g",
        width=130,
        help="Standard deviation of the angle of incidence within the light of one reading.",
    )
    suggested = model.free.get(ANGULAR_SPREAD) or (0.0, max(1.0, 2 * spread))
    bounds = bounds_of(film, ANGULAR_SPREAD, "spread", ANGULAR_SPREAD in model.free, suggested)
    return spread, {ANGULAR_SPREAD: bounds} if bounds else {}


def _way(now: Bandwidth) -> str:
    if isinstance(now, tuple):
        return _OF_MODEL
    return _OF_DATA if now == OF_FILE else _GIVEN if now else _NONE
