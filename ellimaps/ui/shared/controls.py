"""A control for each kind of setting: label, unit, bounds and help are those of its declaration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from ellimaps.maps.settings import DECLARED, Number, OneOf, Setting, Settings, Whole
from ellimaps.readers.planes import Axis
from ellimaps.ui.shared.state import remembered

# What the reader does of itself; a recipe leaves it out.
DEFAULT_PLANE = "default"


def switch(name: str) -> bool:
    """Show a box that is ticked or not."""
    return _box(DECLARED[name], name, DECLARED[name].control.hint)


def switched_on(name: str) -> bool:
    """Show the box that turns on a setting, whose value other controls choose."""
    return _box(DECLARED[name], f"{name}_on")


def optional_number(name: str, *, start: float | None = None, width: int = 150) -> float | None:
    """Show a box that turns a number on, and the number.

    Parameters
    ----------
    name : str
        Of the setting.
    start : float, optional
        The first value; that of the declaration otherwise.
    width : int
        Of the number, in pixels of the page.
    """
    if not switched_on(name):
        return None
    first = DECLARED[name].control.start if start is None else start
    return number(name, start=first, width=width)


def number(name: str, *, start: float, key: str = "", width: int = 150) -> float:
    """Show a number.

    Parameters
    ----------
    name : str
        Of the setting.
    start : float
        The first value.
    key : str
        Of the control, where it is not the setting's name.
    width : int
        In pixels of the page.
    """
    setting = DECLARED[name]
    assert isinstance(setting.kind, Number)
    control = setting.control
    chosen = remembered(
        st.number_input,
        _label(setting),
        setting.kind.low if control.low is None else control.low,
        control.high,
        step=control.step,
        key=key or name,
        default=start,
        width=width,
        help=control.hint or None,
    )
    return float(chosen)


def percentiles(name: str, *, start: tuple[float, float]) -> tuple[float, float] | None:
    """Show a box that turns two percentiles on, and both."""
    if not switched_on(name):
        return None
    low, high = (
        remembered(
            st.number_input,
            f"{side.capitalize()} ({DECLARED[name].unit})",
            0.0,
            100.0,
            step=DECLARED[name].control.step,
            key=f"{name}_{side}",
            default=first,
            width=150,
        )
        for side, first in zip(("low", "high"), start, strict=True)
    )
    return float(low), float(high)


def whole_number(name: str, *, width: int, high: int | None = None, key: str = "") -> int:
    """Show a whole number.

    Parameters
    ----------
    name : str
        Of the setting.
    width : int
        In pixels of the page.
    high : int, optional
        The largest value, where the declaration leaves it to the image.
    key : str
        Of the control, where it is not the setting's name.
    """
    setting = DECLARED[name]
    assert isinstance(setting.kind, Whole)
    control = setting.control
    chosen = remembered(
        st.number_input,
        _label(setting),
        setting.kind.low if control.low is None else int(control.low),
        setting.kind.high if high is None else high,
        key=key or name,
        default=getattr(Settings, name) if control.start is None else control.start,
        width=width,
        help=control.hint or setting.help,
    )
    return int(chosen)


def one_of(name: str) -> Any:
    """Show the words of a setting side by side."""
    setting = DECLARED[name]
    assert isinstance(setting.kind, OneOf)
    return remembered(
        st.segmented_control,
        _label(setting),
        options=list(setting.kind.words),
        key=name,
        default=getattr(Settings, name),
        required=True,
        help=setting.control.hint or setting.help,
    )


def one_of_those_that_fit(name: str, words: Sequence[str], *, start: str, hint: str) -> Any:
    """Show a list of those words of a setting that fit the measurement.

    Parameters
    ----------
    name : str
        Of the setting.
    words : sequence of str
        The words.
    start : str
        The one chosen at first.
    hint : str
        What they mean for this measurement.
    """
    return remembered(
        st.selectbox,
        _label(DECLARED[name]),
        options=list(words),
        key=name,
        default=start,
        width=130,
        help=hint,
    )


def plane(name: str, count: int, projections: Mapping[str, str]) -> Axis:
    """Show which of several planes to take.

    Parameters
    ----------
    name : str
        Of the setting.
    count : int
        How many planes there are.
    projections : mapping of str to str
        What each projection, and ``default``, is called on the page.
    """
    setting = DECLARED[name]
    chosen = remembered(
        st.selectbox,
        _label(setting),
        options=[*projections, *map(str, range(count))],
        format_func=lambda value: projections.get(value, f"only {value}"),
        key=f"{name}_of_{count}",
        default=DEFAULT_PLANE,
        width=210,
        help=setting.control.hint or setting.help,
    )
    if chosen == DEFAULT_PLANE:
        return None
    return str(chosen) if chosen in projections else int(chosen)


def _box(setting: Setting, key: str, hint: str = "") -> bool:
    label, text = setting.control.switch, hint or setting.help
    return bool(remembered(st.checkbox, label, key=key, default=False, width="content", help=text))


def _label(setting: Setting) -> str:
    return f"{setting.control.label} ({setting.unit})" if setting.unit else setting.control.label
