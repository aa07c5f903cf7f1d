"""Numbers that a model is given, and bounds within which a fit may change them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from ellimaps.core.errors import SettingError

Bounds = Mapping[str, tuple[float, float]]


def checked_bounds(free: object, known: Collection[str], where: str) -> Bounds:
    """Return bounds of known parameters as numbers.

    Raises
    ------
    SettingError
        If they are none, or of something else.
    """
    if not isinstance(free, Mapping):
        raise SettingError(f"free of {where} must map names to bounds (low, high), got {free!r:.80}.")
    checked = {}
    for name, bounds in free.items():
        if name not in known:
            raise SettingError(f"{name!r:.80} cannot be free in {where}: use {', '.join(known)}.")
        if (
            not isinstance(bounds, Sequence | np.ndarray)
            or len(bounds) != 2
            or not all(map(is_number, bounds))
        ):
            raise SettingError(f"The bounds of {name} in {where} must be two numbers, got {bounds!r:.80}.")
        low, high = map(float, bounds)
        if not -np.inf < low < high < np.inf:
            raise SettingError(f"The bounds of {name} in {where} must ascend, got {low!r}, {high!r}.")
        checked[name] = (low, high)
    return checked


def check_start(name: str, value: float, bounds: tuple[float, float], where: str) -> None:
    """Refuse the value of a parameter that is not within its bounds.

    Parameters
    ----------
    name, where : str
        What messages call the parameter and its owner.
    value : float
        Where a fit begins.
    bounds : (float, float)
        Lowest and highest value.

    Raises
    ------
    SettingError
        If it is not.
    """
    # A fit searches all of the bounds, so a start outside of them is a slip and no setting.
    if not bounds[0] <= value <= bounds[1]:
        raise SettingError(
            f"{name} of {where} is {value:g}, which is not within its bounds {bounds[0]:g}..{bounds[1]:g}."
        )


def check_number(value: object, what: str) -> None:
    """Raise SettingError if a value is no number."""
    if not is_number(value):
        raise SettingError(f"{what} must be a number, got {value!r:.80}.")


def is_number(value: object) -> bool:
    """Return whether a value is a number; True and False are none."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
