"""Checks of settings that several modules make, with one wording."""

from __future__ import annotations

import numpy as np

from ellimaps.core.errors import SettingError


def whole_number(name: str, value: object, low: int, high: int) -> int:
    """Return a setting as an int.

    Parameters
    ----------
    name : str
        What the setting is called in the message.
    value : object
        What was given; a bool is no number.
    low, high : int
        The smallest and the largest number allowed.

    Raises
    ------
    SettingError
        If it is no whole number or out of the range; it names the setting and the range.
    """
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or not low <= value <= high:
        raise SettingError(f"{name} must be a whole number from {low} to {high}, not {value!r}.")
    return int(value)
