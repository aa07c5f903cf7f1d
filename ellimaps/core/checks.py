"""Checks of settings that several modules make, with one wording."""

from __future__ import annotations

import numpy as np

from ellimaps.core.errors import SettingError


def whole_number(name: str, value: object, low: int, high: int) -> int:
    """Return a setting as an int, or raise a `SettingError` that names the setting and its range."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or not low <= value <= high:
        raise SettingError(f"{name} must be a whole number from {low} to {high}, not {value!r}.")
    return int(value)
