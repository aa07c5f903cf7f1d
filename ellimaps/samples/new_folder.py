"""A sample appears in its folder as a whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ellimaps.core.errors import ExportError
from ellimaps.core.swap import STAGING, swapped


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Return a context with a folder to write into, whose files are at its end in a new or empty one.

    Raises
    ------
    ExportError
        If that is not empty or cannot be written.
    """
    try:
        with swapped(folder) as staged:
            if any(path.name != STAGING for path in folder.iterdir()):
                raise ExportError(f"{folder} is not empty: choose a new folder.")
            yield staged
    except OSError as error:
        raise ExportError(
            f"{folder} cannot be written ({error.strerror or error}): choose another folder."
        ) from error
