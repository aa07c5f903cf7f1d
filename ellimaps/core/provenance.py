"""Where numbers come from: the software that computed them and the files they were read from."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import version
from pathlib import Path

from ellimaps.core.errors import unreadable

__version__ = version("ellimaps")


def software_facts() -> dict[str, str]:
    """Return the versions of ellimaps and of the libraries it computes with."""
    libraries = {name: version(name) for name in ("numpy", "scipy", "pandas", "matplotlib")}
    own = {"name": "ellimaps", "version": __version__}
    return {**own, "python": platform.python_version(), **libraries}


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, 64 hexadecimal digits.

    Raises
    ------
    ReadError
        If the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise unreadable(path, error) from error
