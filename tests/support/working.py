"""Work for processes of their own."""

from __future__ import annotations

import os
import time

from ellimaps.core.errors import SettingError


def sleep_deaf(seconds, folder, on_progress):
    """Say once where we are, then neither say nor hear anything."""
    (folder / "pid").write_text(str(os.getpid()))
    on_progress(1, 2, "sleeping")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(10_000))


def double(value, on_progress):
    print("a library that prints")
    on_progress(1, 1, "doubling")
    return 2 * value


def refuse(_):
    raise SettingError("k does not fit.")


def break_down(_):
    raise ZeroDivisionError("by zero")


def die(_):
    os._exit(3)
