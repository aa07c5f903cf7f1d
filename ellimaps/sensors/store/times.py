"""Times and lengths of time as users write them."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from ellimaps.core.errors import SettingError

Time = str | datetime | pd.Timestamp


def time_of(text: Time) -> pd.Timestamp:
    """Return a local time.

    Raises
    ------
    SettingError
        If it is no time, or one with a zone.
    """
    try:
        found = pd.Timestamp(text)
    except (ValueError, TypeError) as error:
        raise SettingError(f"{text!r:.80} is no time: write 2025-01-31 or 2025-01-31T14:05.") from error
    if pd.isna(found) or found.tzinfo is not None:
        raise SettingError(f"{text!s:.80} must be a local time without a zone, as 2025-01-31T14:05.")
    return found


def end_of(text: Time) -> pd.Timestamp:
    """Return a local time that ends a period; of a date alone, the last moment of that day."""
    found = time_of(text)
    if isinstance(text, str) and len(text.strip()) <= 10:
        return found + pd.Timedelta(days=1) - pd.Timedelta(microseconds=1)
    return found


def length_of(text: str | pd.Timedelta) -> pd.Timedelta:
    """Return a length of time as ``5min`` or ``1h``.

    Raises
    ------
    SettingError
        If it is none, or not positive.
    """
    try:
        found = pd.Timedelta(text)
    except (ValueError, TypeError) as error:
        raise SettingError(f"{text!r:.80} is no length of time: write 5min or 1h.") from error
    if not found >= pd.Timedelta(milliseconds=1):
        raise SettingError(f"{text!s:.80} must be a positive length of time, as 5min.")
    return found


def length_text(length: pd.Timedelta) -> str:
    """Return a length as a reader says it: ``40 s``, ``61 min``, ``5.7 h``."""
    minutes = length / pd.Timedelta(minutes=1)
    if minutes < 2:
        return f"{60 * minutes:.3g} s"
    return f"{minutes:.3g} min" if minutes < 120 else f"{minutes / 60:.3g} h"
