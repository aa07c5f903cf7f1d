"""Optional libraries, imported where they are used; if one is missing the error names its extra."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ellimaps.core.errors import MissingExtraError


def optional(module: str, extra: str) -> Any:
    """Import an optional library.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f'Sensor logs need {module}, which is not installed: pip install "ellimaps[{extra}]".'
        ) from error
