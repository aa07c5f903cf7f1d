"""Optional libraries, imported where they are used; if one is missing the error names its extra."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ellimaps.core.errors import MissingExtraError


def optional(module: str, extra: str, needed_for: str) -> Any:
    """Import an optional library.

    Parameters
    ----------
    module : str
        What to import.
    extra : str
        The extra of ellimaps that brings it.
    needed_for : str
        What needs it, in the plural: the beginning of the message.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f'{needed_for} need {module}, which is not installed: pip install "ellimaps[{extra}]".'
        ) from error
