"""What may be opened for somebody else: what lies below chosen folders, wherever links lead.

Python tells every opening and listing of a file to its audit hooks, whoever asks for it: readers, pandas,
Pillow, the next page. So one hook sees them all, and no caller can forget to ask. What opens files by itself,
outside of Python, is given to `refuse_outside` before.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import platformdirs

from ellimaps.core.errors import ReadError

_VARIABLE = "ELLIMAPS_CONFINED"
"""Folders for processes that are started by one that is confined; nobody else's to set."""
_EVENTS = ("open", "os.listdir", "os.scandir", "os.mkdir")
_confined: list[Path] = []
_ours: list[Path] = []
_exempt: list[Path] = []
_hooked: list[str] = []


def confine(folders: Iterable[Path]) -> None:
    """Refuse from now on, here and in processes started here, what links below folders lead to elsewhere.

    Parameters
    ----------
    folders : iterable of Path
        They may lead to each other. None of them: everything may be opened again.
    """
    _confined[:] = [folder.resolve() for folder in folders]
    _ours[:] = [Path(tempfile.gettempdir()).resolve(), *(place.resolve() for place in _own_places())]
    # Below a home folder these may be full of links.
    _exempt[:] = [place for place in _own_places() if any(folder in place.parents for folder in _confined)]
    os.environ[_VARIABLE] = os.pathsep.join(map(str, _confined))
    if _confined and not _hooked:
        # Python has no way to take one off again; it does nothing while nothing is confined.
        sys.addaudithook(_audit)
        _hooked.append(_VARIABLE)


def inherit() -> None:
    """Confine this process as the one that started it is."""
    # Where nothing is confined nothing is looked up: on a full disk there is no temporary folder.
    if folders := os.environ.get(_VARIABLE):
        confine(map(Path, folders.split(os.pathsep)))


def is_outside(path: str | os.PathLike[str]) -> bool:
    """Return whether a path below a confined folder leads out of all of them."""
    named = _named(path)
    if not _is_below(named, _confined) or _is_below(named, _exempt):
        return False
    return not _is_below(os.path.realpath(path), _confined)


def refuse_outside(path: str | os.PathLike[str]) -> None:
    """Raise if a path below a confined folder leads out of all of them.

    Raises
    ------
    ReadError
        Naming the path and what allows it.
    """
    if is_outside(path):
        raise _leads_out(path)


def refuse_foreign(stream: BinaryIO, path: Path) -> None:
    """Raise if what was opened lies neither below a confined folder nor where our own files are.

    It asks the open file where the system says that (Linux): a link may have taken the place of what was
    looked at.

    Raises
    ------
    ReadError
        As `refuse_outside`.
    """
    named = _named(path)
    if not _confined or _is_below(named, _exempt):
        return
    descriptor = Path(f"/proc/self/fd/{stream.fileno()}")
    opened = os.path.realpath(descriptor if descriptor.exists() else path)
    if not _is_below(opened, _confined if _is_below(named, _confined) else [*_confined, *_ours]):
        raise _leads_out(path)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _confined and event in _EVENTS and isinstance(arguments[0], str | bytes | os.PathLike):
        refuse_outside(os.fsdecode(arguments[0]))


def _leads_out(path: str | os.PathLike[str]) -> ReadError:
    return ReadError(
        f"{os.fspath(path):.300} is or lies behind a link that leads out of the data root: put what it names "
        "below the data root, or start ellimaps app with --follow-links."
    )


def _is_below(path: str, folders: Iterable[Path]) -> bool:
    return any(_with_end(path).startswith(_with_end(folder)) for folder in folders)


def _with_end(path: str | Path) -> str:
    """Return a path so that what lies below it begins with it, in whatever case Windows is told it."""
    return os.path.normcase(f"{str(path).rstrip(os.sep)}{os.sep}")


def _named(path: str | os.PathLike[str]) -> str:
    """Return a path without dots, links as they are: what Path.resolve would follow."""
    return os.path.abspath(path)  # noqa: PTH100


def _own_places() -> list[Path]:
    """Return where Python, its libraries and we keep what is ours."""
    users = (platformdirs.user_cache_path, platformdirs.user_config_path, platformdirs.user_data_path)
    named = ("ELLIMAPS_CACHE", "ELLIMAPS_EVENTS", "ELLIMAPS_STATE")
    chosen = [Path(os.environ[name]).absolute() for name in named if os.environ.get(name)]
    package = Path(__file__).resolve().parents[1]
    return [Path(sys.prefix), Path(sys.base_prefix), package, *(place() for place in users), *chosen]
