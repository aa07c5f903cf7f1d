"""Which values become the darkest and the brightest color of a map: its percentiles, or the same for all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from ellimaps.core.errors import SettingError
from ellimaps.core.numbers import titled
from ellimaps.core.stack import ImageStack
from ellimaps.maps.figures import CONTRAST_PERCENTILES, contrast_limits
from ellimaps.maps.settings import Settings
from ellimaps.ui.pages.maps.loading import Source
from ellimaps.ui.pages.maps.readings import usual_range
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import kept


@dataclass(frozen=True)
class Contrast:
    """How the limits of a map's colors are chosen.

    Attributes
    ----------
    percentiles : (float, float)
        Of each map's own values.
    values : mapping of str to (float, float)
        The limits themselves, by quantity; empty where percentiles decide.
    """

    percentiles: tuple[float, float] = CONTRAST_PERCENTILES
    values: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def limits(self, image: NDArray[np.float32], quantity: str = "") -> tuple[float, float]:
        """Return the limits of a map of a quantity; of what is none, such as a distance, percentiles."""
        return self.values.get(quantity) or contrast_limits(image, self.percentiles)


def contrast_control(source: Source, settings: Settings, stack: ImageStack) -> Contrast:
    """Show the contrast control, one for all views of measured maps.

    Raises
    ------
    SettingError
        If an upper limit is not above its lower one.
    """
    by_value, unit = ("degrees", "°") if stack.is_ellipsometric else ("values", "")
    with st.popover("Contrast", icon=":material/contrast:"):
        if _is_by_value(
            by_value, "contrast_by", "the same for all maps, so that equal colours are equal values"
        ):
            first = {one: usual_range(source, settings, one) for one in stack.quantities}
            return Contrast(values={one: _limits(one, unit, first[one], stack.name) for one in first})
        return Contrast(_percentiles())


def fitted_contrast(what: str, unit: str, image: NDArray[np.float32], name: str) -> Contrast:
    """Show the contrast control of the map of a fitted parameter, as that of measured maps.

    Parameters
    ----------
    what, unit : str
        The parameter.
    image : ndarray of float, shape (y, x)
        Its map.
    name : str
        Of the measurement.

    Raises
    ------
    SettingError
        If the upper limit is not above the lower one.
    """
    with st.popover("Contrast", icon=":material/contrast:"):
        if _is_by_value(unit or "values", "fit_contrast_by", "so that fits can be compared by their colours"):
            low, high = contrast_limits(image)
            return Contrast(values={what: _limits(what, unit, (round(low, 2), round(high, 2)), name)})
        return Contrast(_percentiles())


def _is_by_value(by_value: str, key: str, why: str) -> bool:
    way = st.segmented_control(
        "Limits of the colours",
        ["percentiles", by_value],
        format_func=escaped,
        default="percentiles",
        **kept(key),
        required=True,
        help=f"percentiles of the map shown, so that each map uses all colours; or {by_value}, {why}.",
    )
    return bool(way == by_value)


def _percentiles() -> tuple[float, float]:
    low, high = st.slider(
        "Percentiles",
        0.0,
        100.0,
        CONTRAST_PERCENTILES,
        0.5,
        format="%g",
        **kept("contrast"),
        help="Values below the lower and above the upper percentile of the map share a colour.",
    )
    return low, max(high, low + 0.5)


def _limits(what: str, unit: str, first: tuple[float, float], name: str) -> tuple[float, float]:
    low, high = (
        column.number_input(
            escaped(titled(f"{what} {side}", unit)), value=value, step=None, **kept(f"{what}_{side}_{name}")
        )
        for column, side, value in zip(st.columns(2), ("from", "to"), first, strict=True)
    )
    if low is None or high is None or not low < high:
        raise SettingError(f"The contrast of {what} must end above where it begins.")
    return low, high
