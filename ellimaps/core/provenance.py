"""Where numbers come from: the software that computed them and the files they were read from."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

from ellimaps.core.errors import unreadable
from ellimaps.core.inputs import Source, as_input

__version__ = version("ellimaps")


def software_facts() -> dict[str, str]:
    """Return the versions of ellimaps and of the libraries it computes with."""
    libraries = {name: version(name) for name in ("numpy", "scipy", "pandas", "matplotlib")}
    own = {"name": "ellimaps", "version": __version__}
    return {**own, "python": platform.python_version(), **libraries}


def sha256(source: Source) -> str:
    """Return the SHA-256 of a file, 64 hexadecimal digits; of a folder, that of the list of its files'.

    Raises
    ------
    ReadError
        If the file cannot be read.
    """
    file = as_input(source)
    if file.is_on_disk and file.path.is_dir():
        return hashlib.sha256(_folder_listing(file.path).encode("utf-8", "surrogateescape")).hexdigest()
    with file.open() as stream:
        # A BinaryIO can be read into a buffer, though its type does not say so.
        return hashlib.file_digest(cast(Any, stream), "sha256").hexdigest()


def _folder_listing(folder: Path) -> str:
    """Return ``SUM  PATH`` of every file below a folder, by path; links to folders are not followed."""
    try:
        found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    except OSError as error:
        raise unreadable(folder, error) from error
    return "".join(f"{sha256(folder / name)}  {name}\n" for name in found)
