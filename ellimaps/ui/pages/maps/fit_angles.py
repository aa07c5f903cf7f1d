"""Controls of a film model: bounds, and what belongs to no layer (angle of incidence, Delta, wavelengths)."""

from __future__ import annotations

import streamlit as st

from ellimaps.core.abscissa import Sampled
from ellimaps.optics.instrument import AOI_OFFSET, DELTA_OFFSET, OFFSETS
from ellimaps.optics.layers import SHARE, SPREAD, THICKNESS
from ellimaps.optics.model import ThinFilm
from ellimaps.ui.pages.maps.fitting import FilmWork
from ellimaps.ui.shared.widgets import number_field

Bounds = dict[str, tuple[float, float]]


def control_key(film: FilmWork, *parts: object) -> str:
    """Return the key of a control of the film model as it was put in place last."""
    return "_".join(["film", str(film.edition), *map(str, parts)])


def suggested_bounds(kind: str, value: float) -> tuple[float, float]:
    """Return bounds to begin with, around a value."""
    if kind == THICKNESS:
        return 0.0, float(max(100.0, 2 * round(value)))
    if kind.endswith(("_a", "index_n")):
        return round(value - 0.2, 4), round(value + 0.2, 4)
    if kind in OFFSETS:
        return value - 0.5, value + 0.5
    if kind == SPREAD:
        return 0.0, max(5.0, 2 * value)
    if "fraction" in kind or kind == SHARE:
        return 0.0, 1.0
    if "spline_k" in kind:
        return 0.0, round(max(0.5, 2 * value), 4)
    if kind.endswith(("_ev", "_ev2", "_amplitude", "_strength", "_um", "offset")) and value > 0:
        # Neither an energy nor a strength changes its sign; where a band is one sees.
        factor = 1.25 if kind.endswith(("energy_ev", "gap_ev", "_um")) else 2.0
        return float(f"{value / factor:.4g}"), float(f"{value * factor:.4g}")
    return min(0.0, round(2 * value, 4)), round(2 * abs(value) + 0.01, 4)


def bounds_of(
    film: FilmWork, part: str, label: str, free: bool, suggested: tuple[float, float]
) -> tuple[float, float] | None:
    """Show whether a parameter is free, and return its bounds if it is.

    Parameters
    ----------
    film : FilmWork
        Whose controls they are.
    part : str
        Tells them from those of other parameters.
    label : str
        What the parameter is called.
    free : bool
        Whether it is free at first.
    suggested : (float, float)
        Bounds to begin with.
    """
    if not st.checkbox(f"fit {label}", free, key=control_key(film, part, "free"), width="content"):
        return None
    low, high = (
        st.number_input(end, value=float(value), key=control_key(film, part, end), format="%g", width=95)
        for end, value in zip(("from", "to"), suggested, strict=True)
    )
    return float(low), float(high)


def angle_of_incidence(
    film: FilmWork, model: ThinFilm, sampled: Sampled
) -> tuple[float | None, float, Bounds]:
    """Show the angle of incidence, its offset and the bounds of that; return the three."""
    measured = sampled.angles_deg
    from_data = f"data ({', '.join(f'{angle:g}' for angle in measured)}°)" if measured else "data"
    given = st.selectbox(
        "Angle of incidence",
        [from_data, "given"],
        index=int(model.aoi_deg is not None),
        key=control_key(film, "aoi_of"),
        width=155,
    )
    angle = None
    if given == "given":
        start, key = float(model.aoi_deg or [*measured, 60.0][0]), control_key(film, "aoi")
        angle = number_field("Angle (°)", 0.0, 90.0, start, key=key, format="%g", width=100)
    offset = st.number_input(
        "Offset (°)",
        value=float(model.aoi_offset_deg),
        key=control_key(film, "offset"),
        step=0.05,
        format="%g",
        width=110,
        help="Added to the angle of incidence. An error of 0.1° moves thicknesses.",
    )
    suggested = model.free.get(AOI_OFFSET) or suggested_bounds(AOI_OFFSET, 0.0)
    bounds = bounds_of(film, AOI_OFFSET, "offset", AOI_OFFSET in model.free, suggested)
    return angle, float(offset), {AOI_OFFSET: bounds} if bounds else {}


def delta_offset(film: FilmWork, model: ThinFilm) -> tuple[float, Bounds]:
    """Show what is added to Delta and the bounds of that; return both."""
    offset = st.number_input(
        "Delta offset (°)",
        value=float(model.delta_offset_deg),
        key=control_key(film, "delta_offset"),
        step=0.1,
        format="%g",
        width=120,
        help="Added to Delta, for a window or an azimuth that is off.",
    )
    suggested = model.free.get(DELTA_OFFSET) or suggested_bounds(DELTA_OFFSET, float(offset))
    bounds = bounds_of(film, DELTA_OFFSET, "Delta offset", DELTA_OFFSET in model.free, suggested)
    return float(offset), {DELTA_OFFSET: bounds} if bounds else {}


def wavelength_range(film: FilmWork, model: ThinFilm, sampled: Sampled) -> tuple[float, float] | None:
    """Show the range of wavelengths that a fit uses; return it, None for all."""
    waves = sampled.wavelengths_nm
    if len(waves) < 2:
        return model.wavelengths_nm
    first, last = model.wavelengths_nm or (waves[0], waves[-1])
    start = _nearest(waves, first), _nearest(waves, last)
    low, high = st.select_slider(
        "Wavelengths (nm)", waves, start, key=control_key(film, "wavelengths"), width=230
    )
    return None if (low, high) == (waves[0], waves[-1]) else (low, high)


def _nearest(values: list[float], wanted: float) -> float:
    return min(values, key=lambda value: abs(value - wanted))
