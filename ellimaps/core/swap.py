"""Files of a folder that change together: whoever reads them by `current` sees all old ones or all new ones.

New files are staged below the folder. Once all are there a manifest names them, and from then on they count;
moving them into their places, and removing those that are no more, may end with the process and is finished
by whoever writes there next. What was staged and has no manifest is swept then.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, BinaryIO

from ellimaps.core.locks import locked

STAGING = ".ellimaps-new"
_LOCK, _MANIFEST, _FILES = "lock", "manifest.json", "files"
# Who writes has what it writes in memory or in a file beside: slow network drives take 20 MB a second.
_PATIENCE_S = 60.0
# Earlier versions staged in folders of this name; they may be at work on another machine.
_FORMER, _FORMER_S = ".ellimaps-????????", 3600.0


@contextmanager
def swapped(out: Path, listing: str | None = None) -> Iterator[Path]:
    """Return a context with a folder to write files into, which are put into another at its end, all or none.

    Parameters
    ----------
    out : Path
        The other folder; made if need be.
    listing : str, optional
        A JSON file with a list ``files``; what the present one lists there and is not written anew is removed
        with this change.

    Raises
    ------
    OSError
        If it cannot be written, or another process writes to it for long. After a failure inside nothing has
        changed.
    """
    is_new = not out.exists()
    with _rolled_back(out) if is_new else nullcontext(), _alone(out):
        _finish(out)
        files = out / STAGING / _FILES
        files.mkdir()
        try:
            yield files
            _declare(out, _listed(out / listing) if listing else set())
        except BaseException:
            shutil.rmtree(files, ignore_errors=True)
            raise
        _finish(out)


@contextmanager
def _rolled_back(out: Path) -> Iterator[None]:
    """Take a new folder away that nothing was put into."""
    try:
        yield
    except BaseException:
        with suppress(OSError):
            out.rmdir()
        raise


def opened(folder: Path, name: str) -> BinaryIO:
    """Open a file of a folder that may be about to move there.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    try:
        return current(folder, name).open("rb")
    except FileNotFoundError:
        # It may have moved just now.
        return current(folder, name).open("rb")


def current(folder: Path, name: str) -> Path:
    """Return where a file of a folder lies that may be about to move there."""
    staged = folder / STAGING / _FILES / name
    return staged if (folder / STAGING / _MANIFEST).is_file() and staged.is_file() else folder / name


def _declare(out: Path, stale: set[str]) -> None:
    """Write the manifest; with it the change has happened."""
    staging = out / STAGING
    names = sorted(
        path.relative_to(staging / _FILES).as_posix()
        for path in (staging / _FILES).rglob("*")
        if not path.is_dir()
    )
    for name in names:
        if (out / name).is_dir():
            raise IsADirectoryError(errno.EISDIR, f"{name} is a folder")
    written = staging / f"{_MANIFEST}.part"
    written.write_text(json.dumps({"files": names, "stale": sorted(stale - {*names})}), encoding="utf-8")
    written.replace(staging / _MANIFEST)


def _listed(listing: Path) -> set[str]:
    """Return the names of files in a folder that its listing says were written there."""
    try:
        names = list(json.loads(listing.read_text(encoding="utf-8"))["files"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return set()
    return {name for name in names if isinstance(name, str) and name and ".." not in Path(name).parts}


def _finish(out: Path) -> None:
    """Put what is declared into place, and sweep what a process left."""
    staging = out / STAGING
    if (staging / _MANIFEST).is_file():
        files, stale = _declared(staging / _MANIFEST)
        for name in files:
            _move(staging / _FILES / name, out, name)
        for name in stale:
            _place(out, name).unlink(missing_ok=True)
        shutil.rmtree(staging / _FILES, ignore_errors=True)
        (staging / _MANIFEST).unlink()
    shutil.rmtree(staging / _FILES, ignore_errors=True)
    (staging / f"{_MANIFEST}.part").unlink(missing_ok=True)
    for folder in out.glob(_FORMER):
        if folder.is_dir() and time.time() - folder.stat().st_mtime > _FORMER_S:
            shutil.rmtree(folder, ignore_errors=True)


def _declared(manifest: Path) -> tuple[list[str], list[str]]:
    try:
        found = json.loads(manifest.read_text(encoding="utf-8"))
        files, stale = list(found["files"]), list(found["stale"])
    except (ValueError, KeyError, TypeError, RecursionError):
        files, stale = [None], []
    if not all(isinstance(name, str) for name in (*files, *stale)):
        raise OSError(errno.EINVAL, f"{STAGING} in it is damaged: remove that")
    return files, stale


def _move(staged: Path, out: Path, name: str) -> None:
    target = _place(out, name)
    target.parent.mkdir(parents=True, exist_ok=True)
    # What is not there any more was moved before the process ended.
    with suppress(FileNotFoundError):
        staged.replace(target)


def _place(out: Path, name: str) -> Path:
    """Return a file's place; a manifest from elsewhere is not believed to name others' files."""
    place = out / name
    if not place.parent.resolve().is_relative_to(out.resolve()):
        raise OSError(errno.EPERM, f"{STAGING} in it names a file elsewhere: remove that")
    return place


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    staging, until = out / STAGING, time.monotonic() + _PATIENCE_S
    while (lock := _taken(staging)) is None:
        if time.monotonic() > until:
            raise OSError(errno.EBUSY, "another process is writing there")
        time.sleep(0.02)
    try:
        yield
    finally:
        with suppress(OSError):
            if os.name == "nt":
                lock.close()
            (staging / _LOCK).unlink()
            staging.rmdir()
        lock.close()


def _taken(staging: Path) -> Any | None:
    """Return the lock of a folder's changes; None if somebody else has it."""
    staging.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        lock = (staging / _LOCK).open("a+b")
        with suppress(FileNotFoundError):
            # Who had it before may have removed it.
            if locked(lock) and os.path.samestat(os.fstat(lock.fileno()), (staging / _LOCK).stat()):
                return lock
        lock.close()
    return None
