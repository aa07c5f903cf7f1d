"""Progress of long work, told to whoever waits for it."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int, str], None]
"""Called as ``on_progress(done, total, what)``; an exception it raises stops the work."""


def no_progress(done: int, total: int, what: str) -> None:
    """Tell nobody."""
