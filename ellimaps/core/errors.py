"""The exceptions that tell a user what is wrong with the input."""

from __future__ import annotations

import re
from typing import Protocol


class EllimapsError(Exception):
    """Base class of every error caused by what the user gave us.

    The message is one sentence that names the file or setting, what is wrong and what to do.
    """

    def __str__(self) -> str:
        """Return the message; what no line of a terminal can show of names and cells in it is escaped."""
        # A path has up to 4096 characters (Linux), a cell any number: nobody reads them to the end.
        message = re.sub(r"\S{400,}", lambda found: f"{found[0][:300]}...", super().__str__())
        return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in message)


class ReadError(EllimapsError):
    """A file or folder cannot be read as an image stack."""


class SettingError(EllimapsError):
    """A setting or option has a value that does not fit the data."""


class ExportError(EllimapsError):
    """A result cannot be written."""


class AbortedError(ExportError):
    """Work on many images cannot go on; what is done is kept."""


class MissingExtraError(EllimapsError):
    """An optional dependency is not installed; the message names the extra that brings it."""


class _Named(Protocol):
    @property
    def name(self) -> str: ...


def unreadable(file: _Named, error: OSError) -> ReadError:
    """Return the error for a file that the system does not let us read."""
    return ReadError(
        f"{file.name} cannot be read ({error.strerror or error}): check the file and its permissions."
    )
