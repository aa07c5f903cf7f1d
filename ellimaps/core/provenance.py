"""Where numbers come from: the software that computed them and the files they were read from."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import version
from typing import Any, cast

from ellimaps.core.inputs import Source, as_input

__version__ = version("ellimaps")


def software_facts() -> dict[str, str]:
    """Return the versions of ellimaps and of the libraries it computes with."""
    libraries = {name: version(name) for name in ("numpy", "scipy", "pandas", "matplotlib")}
    own = {"name": "ellimaps", "version": __version__}
    return {**own, "python": platform.python_version(), **libraries}


def sha256(source: Source) -> str:
    """Return the SHA-256 of a file, 64 hexadecimal digits.

    Raises
    ------
    ReadError
        If the file cannot be read.
    """
    with as_input(source).open() as stream:
        # A BinaryIO can be read into a buffer, though its type does not say so.
        return hashlib.file_digest(cast(Any, stream), "sha256").hexdigest()
