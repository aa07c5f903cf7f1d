"""The folder below which the workbench may read."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from ellimaps.core.errors import ReadError
from ellimaps.core.reach import confine, is_outside
from ellimaps.readers.ome_zarr import is_zarr

VARIABLE = "ELLIMAPS_DATA_ROOT"
LINKS_VARIABLE = "ELLIMAPS_FOLLOW_LINKS"
# Beside the package in a checkout; an installed package has none.
_EXAMPLES = Path(__file__).resolve().parents[3] / "data_example"
# As C:\data, C:/data and \\server\share.
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\")


def data_root() -> Path:
    """Return the folder below which the workbench may read."""
    return Path(os.environ.get(VARIABLE) or "data_example").resolve()


def follows_links() -> bool:
    """Whether links below the data root may lead out of it."""
    return os.environ.get(LINKS_VARIABLE, "") not in ("", "0")


def confine_pages() -> None:
    """Refuse whatever links below the data root lead to elsewhere, whoever opens it in this process."""
    confine([] if follows_links() else [data_root(), _EXAMPLES])


def located(text: str, root: Path) -> Path:
    """Return where a path leads that is absolute or relative to a root, which need not be below it.

    Raises
    ------
    OSError, ValueError, RuntimeError
        If it cannot be followed.
    """
    path = root / text
    return Path(os.path.normpath(path)) if follows_links() else path.resolve()


def inside_root(text: str, root: Path | None = None) -> Path:
    """Return the path a user typed, absolute or relative to the data root.

    The examples that come with ellimaps may be opened wherever they lie.

    Raises
    ------
    ReadError
        If it does not exist or leads out of the data root, by ``..``, by a link (where these are not allowed)
        or to another machine.
    """
    root = (root or data_root()).resolve()
    cleaned = text.strip().strip("\"'").strip()
    if os.name != "nt" and _WINDOWS.match(cleaned):
        raise ReadError(
            f"{cleaned:.300} is a path of a Windows computer, which this server cannot see: "
            "use Upload on the page Maps, or have the files copied below the data root."
        )
    if "\0" in cleaned or cleaned.startswith(("\\\\", "//")):
        raise ReadError(f"{cleaned!r:.200} is not a path below the data root.")
    try:
        path = located(cleaned, root)
        exists = path.exists()
    except (OSError, ValueError, RuntimeError) as error:
        raise ReadError(f"{cleaned!r:.200} is not a path that can be opened: {error}.") from error
    if not any(path == allowed or allowed in path.parents for allowed in (root, _EXAMPLES)):
        raise ReadError(
            f"{cleaned:.300} is not below the data root, or is a link that leads out of it: start ellimaps "
            "app with another --data-root, or for links with --follow-links."
        )
    if not exists:
        raise ReadError(f"{cleaned:.300} does not exist below the data root: check the path.")
    return path


def told(error: object) -> str:
    """Return what a page tells of an error: not where the server keeps files, and no bytes of Python."""
    text = str(error)
    for folder in _server_folders():
        here = rf"(?<![\w.]){re.escape(str(folder))}"
        text = re.sub(rf"{here}(?!\w)", folder.name, re.sub(rf"{here}[\\/](?=[\w.])", "", text))
    text = re.sub(r"\bellimaps-upload-\w+[\\/]", "", text)
    return re.sub(r"(?<![\w'\"])b(?=['\"])", "", text)


def _server_folders() -> list[Path]:
    """Return the folders nobody needs to know of, those below others first."""
    uploaded = Path(tempfile.gettempdir())
    folders = {data_root(), _EXAMPLES.parent, uploaded, Path.home(), Path.cwd(), Path(sys.prefix)}
    return sorted(folders - {Path(data_root().anchor)}, key=lambda folder: len(folder.parts), reverse=True)


def example_folders(root: Path) -> list[Path]:
    """Return the generated example measurements: ours, and those that lie in the data root."""
    candidates = [root, root / "data_example", _EXAMPLES]
    found = [
        path.parent.resolve()
        for folder in candidates
        if folder.is_dir()
        for path in sorted(folder.glob("*/truth.npz"))
    ]
    inside = [path for path in found if root in path.parents or _EXAMPLES in path.parents]
    return list(dict.fromkeys(inside))


def measurements_below(folder: Path, limit: int = 12) -> list[Path]:
    """Return folders below this one that hold a data set's table, a TIFF or NeXus maps, nearest first."""
    endings = (".ds.dat", ".tif", ".tiff", ".nxs")
    below = islice(folders_from(folder), 1, None)
    return list(islice((one for one in below if any(f.name.endswith(endings) for f in files_in(one))), limit))


def folders_from(folder: Path, most: int = 400) -> Iterator[Path]:
    """Yield a folder and those below it that are not hidden, nearest first and not deeper than four levels.

    Pages search at every run: ``most`` is as many as a local disk lists in a tenth of a second.
    """
    level = [folder]
    for _ in range(5):
        yield from level[:most]
        most -= len(level)
        if most <= 0:
            return
        level = [below for above in level for below in subfolders(above)]


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in a folder that are not hidden, by name; none if it cannot be listed."""
    found = (Path(entry.path) for entry in _visible(folder) if entry.is_dir(follow_symlinks=False))
    return sorted(found, key=lambda path: path.name.casefold())


def files_in(folder: Path) -> list[Path]:
    """Return the files in a folder that are neither hidden nor links out of reach, by name."""
    return sorted(Path(entry.path) for entry in _visible(folder) if entry.is_file())


def file_marks(files: Iterable[Path]) -> tuple[tuple[str, int, int], ...]:
    """Return what changes when files or stores do: path, time and size of each file that is there."""
    each = (one for file in files for one in (sorted(file.rglob("*")) if is_zarr(file) else [file]))
    found = [(str(file), file.stat()) for file in each if file.is_file()]
    return tuple((name, status.st_mtime_ns, status.st_size) for name, status in found)


def _visible(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not entry.name.startswith(".") and not _leads_out(entry)]
    except OSError:
        return []


def _leads_out(entry: os.DirEntry[str]) -> bool:
    return entry.is_symlink() and is_outside(entry.path)
