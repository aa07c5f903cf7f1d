"""A control for each kind of setting: label, unit, bounds and help are those of its declaration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from ellimaps.maps.settings import DECLARED, Number, OneOf, Setting, Settings, Whole
from ellimaps.readers.planes import Axis
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.widgets import number_field

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
    return number_field(
        _label(setting),
        setting.kind.low if control.low is None else control.low,
        control.high,
        start,
        control.step,
        **kept(key or name),
        width=width,
        help=control.hint or None,
    )


def percentiles(name: str, *, start: tuple[float, float]) -> tuple[float, float] | None:
    """Show a box that turns two percentiles on, and both."""
    if not switched_on(name):
        return None
    low, high = (
        number_field(
            f"{side.capitalize()} ({DECLARED[name].unit})",
            0.0,
            100.0,
            first,
            DECLARED[name].control.step,
            **kept(f"{name}_{side}"),
            width=150,
        )
        for side, first in zip(("low", "high"), start, strict=True)
    )
    return low, high


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
    return number_field(
        _label(setting),
        setting.kind.low if control.low is None else int(control.low),
        setting.kind.high if high is None else high,
        int(getattr(Settings, name) if control.start is None else control.start),
        **kept(key or name, address=True),
        width=width,
        help=control.hint or setting.help,
    )


def whole_range(lower: str, upper: str, *, key: str, width: int) -> tuple[int, int]:
    """Show two settings as the ends of a range.

    Parameters
    ----------
    lower, upper : str
        Names of the settings; what the control is called and may be is declared with the lower one.
    key : str
        Of the control.
    width : int
        In pixels of the page.
    """
    setting = DECLARED[lower]
    assert isinstance(setting.kind, Whole)
    low, high = st.slider(
        _label(setting),
        setting.kind.low,
        setting.kind.high,
        (getattr(Settings, lower), getattr(Settings, upper)),
        **kept(key),
        width=width,
        help=setting.control.hint,
    )
    return low, high


def one_of(name: str) -> Any:
    """Show the words of a setting side by side."""
    setting = DECLARED[name]
    assert isinstance(setting.kind, OneOf)
    return st.segmented_control(
        _label(setting),
        list(setting.kind.words),
        default=getattr(Settings, name),
        **kept(name),
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
    label, first = _label(DECLARED[name]), words.index(start)
    return st.selectbox(label, words, first, **kept(name, address=True), width=130, help=hint)


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
    chosen = st.selectbox(
        _label(setting),
        [*projections, *map(str, range(count))],
        list(projections).index(DEFAULT_PLANE),
        format_func=lambda value: projections.get(value, f"only {value}"),
        **kept(f"{name}_of_{count}"),
        width=210,
        help=setting.control.hint or setting.help,
    )
    if chosen == DEFAULT_PLANE:
        return None
    return chosen if chosen in projections else int(chosen)


def _box(setting: Setting, key: str, hint: str = "") -> bool:
    label, text = setting.control.switch, hint or setting.help
    return st.checkbox(label, **kept(key), width="content", help=text)


def _label(setting: Setting) -> str:
    return f"{setting.control.label} ({setting.unit})" if setting.unit else setting.control.label
