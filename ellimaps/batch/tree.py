"""Which images or folders lie below a root, and what their paths say: date, subject, experiment, FOV."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ellimaps.batch.marks import IMAGE_ENDINGS, TABLE_ENDING, batch_around, is_result
from ellimaps.core.errors import ReadError, SettingError
from ellimaps.core.names import readable
from ellimaps.core.provenance import sha256
from ellimaps.readers.foreign import format_by_name
from ellimaps.readers.ome_zarr import images_in, is_zarr, store_name, zarr_stem

LEVELS = ("Date", "Subject", "Experiment", "FOV")
IMAGE_PATTERN = "{date}/{subject}/{experiment}/{fov}"
ANOTHER_DEPTH, ZARR = "image the pattern does not fit", "Zarr store without an image"

_KNOWN = {name.casefold(): name for name in LEVELS}
_PIECE = re.compile(r"\{([^{}]*)\}|\*|[^{}*]+|[{}]")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_ ]*")


@dataclass(frozen=True)
class Item:
    """One image or map folder.

    Attributes
    ----------
    key : str
        What its results are called: its path below the root with ``/``, without the ending where that is
        enough to tell it from its neighbours, as `ellimaps.core.names.readable` writes it.
    path : Path
        Where it lies.
    fields : dict of str to str
        What its path says.
    """

    key: str
    path: Path
    fields: dict[str, str]

    @property
    def argument(self) -> str:
        """What a worker is given."""
        return str(self.path)

    def content(self) -> tuple[str, dict[str, str]]:
        """Return a hash of its files, and the SHA-256 of each by name.

        Raises
        ------
        OSError
            If one cannot be read.
        """
        return content_hash(self.path)


@dataclass(frozen=True)
class Pattern:
    """How paths below a root are to be read.

    Attributes
    ----------
    text : str
        Path with fields in braces: ``{date}/{subject}/{experiment}/{fov}``. A field holds no ``/``; ``*``
        stands for anything else without one. An ending such as ``.tif`` may be left out.
    """

    text: str = IMAGE_PATTERN
    names: tuple[str, ...] = field(init=False)
    _regex: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        names: list[str] = []
        regex = ""
        for piece in _PIECE.finditer(self.text.strip("/")):
            if piece[1] is not None:
                names.append(_column(piece[1], self.text))
                regex += "([^/]+)"
            elif piece[0] in "{}":
                raise SettingError(f"The pattern {self.text!r:.200} has a brace without its partner.")
            else:
                regex += "[^/]*" if piece[0] == "*" else re.escape(piece[0])
        doubles = [name for name, count in Counter(names).items() if count > 1]
        if doubles or not names:
            wrong = f"names {doubles[0]} twice" if doubles else "names no field"
            raise SettingError(f"The pattern {self.text!r:.200} {wrong}: write it like {IMAGE_PATTERN}.")
        object.__setattr__(self, "names", tuple(names))
        object.__setattr__(self, "_regex", re.compile(regex))

    @property
    def has_ending(self) -> bool:
        """Whether the pattern speaks of files by their ending."""
        return self.text.casefold().endswith((*IMAGE_ENDINGS, ".zarr"))

    def fields(self, path: str) -> dict[str, str] | None:
        """Return what a path below the root says, or None where the pattern does not fit."""
        match = self._regex.fullmatch(path if self.has_ending else _without_ending(path))
        return dict(zip(self.names, match.groups(), strict=True)) if match else None


def _column(name: str, pattern: str) -> str:
    if not _NAME.fullmatch(name):
        raise SettingError(
            f"The pattern {pattern!r:.200} has the field {name!r:.80}: use letters, digits and underscores."
        )
    return _KNOWN.get(name.casefold(), name)


@dataclass(frozen=True)
class Tree:
    """The images, or the folders with images, below a root; walked anew at every use, in a fixed order.

    Folders of results are passed over, whoever wrote them and wherever they lie.

    Attributes
    ----------
    root : Path
        Where to look.
    pattern : Pattern, optional
        Which paths count and what they say; None takes every folder that holds maps or images.
    folders : bool
        Whether folders are looked for, not images.
    without : Path, optional
        A folder below the root that is no input, such as that of the results.
    """

    root: Path
    pattern: Pattern | None = None
    folders: bool = False
    without: Path | None = None

    @property
    def extra_names(self) -> list[str]:
        """Fields of the pattern beyond date, subject, experiment and FOV."""
        return [name for name in (self.pattern.names if self.pattern else ()) if name not in LEVELS]

    def __iter__(self) -> Iterator[Item]:
        if not self.root.is_dir():
            raise ReadError(f"{self.root} is not a folder: give the folder that holds the images.")
        if batch_around(self.root):
            raise ReadError(f"{self.root} holds results of ellimaps: give the folder that holds the images.")
        yield from self._below(self.root, PurePosixPath())

    def ignored(self) -> dict[str, int]:
        """Return how many files below the root are no input, by what they are; nothing where folders are.

        Images that the pattern does not fit count as :data:`ANOTHER_DEPTH`, a Zarr store as one file.
        """
        return {} if self.folders else dict(sorted(Counter(self._others()).items()))

    def _others(self) -> Iterator[str]:
        for folder, folders, names in os.walk(self.root):
            here = Path(folder)
            if is_zarr(here):
                folders.clear()
                if not _images_of(here):
                    yield ZARR
                elif here != self.root and self._fields(PurePosixPath(here.relative_to(self.root))) is None:
                    yield ANOTHER_DEPTH
                continue
            if is_result(here, {*folders, *names}):
                folders.clear()
                continue
            folders[:] = [
                name for name in folders if not name.startswith(".") and here / name != self.without
            ]
            relative = PurePosixPath(here.relative_to(self.root).as_posix())
            for name in names:
                if not name.casefold().endswith(IMAGE_ENDINGS):
                    if not name.startswith("."):
                        yield format_by_name(name)
                elif self._fields(relative / name) is None:
                    yield ANOTHER_DEPTH

    def _below(self, folder: Path, relative: PurePosixPath) -> Iterator[Item]:
        if is_zarr(folder):
            store = folder.resolve()
            yield from self._images(store.parent, relative, [store.name])
            return
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            raise ReadError(
                f"{folder} cannot be listed ({error.strerror}): check its permissions."
            ) from error
        if is_result(folder, {entry.name for entry in entries}):
            return
        entries = [entry for entry in entries if not entry.name.startswith(".")]
        _check_names(folder, [entry.name for entry in entries])
        files = [entry.name for entry in entries if entry.name.casefold().endswith(IMAGE_ENDINGS)]
        stores = [entry.name for entry in entries if _is_store(entry)]
        yield from self._images(folder, relative, stores if self.folders else sorted(files + stores))
        has_tables = any(entry.name.casefold().endswith(TABLE_ENDING) for entry in entries)
        if self.folders and (files or has_tables):
            yield from self._folder(folder, relative)
        for entry in entries:
            is_input = entry.name in stores or Path(entry.path) == self.without
            if entry.is_dir() and not entry.is_symlink() and not is_input:
                yield from self._below(Path(entry.path), relative / readable(entry.name))

    def _images(self, folder: Path, relative: PurePosixPath, names: list[str]) -> Iterator[Item]:
        stems = Counter(map(_without_ending, names))
        for name in names:
            stem = readable(_without_ending(name))
            called = stem if stems[_without_ending(name)] == 1 else readable(name)
            fields = self._fields(relative / readable(name))
            if fields is not None:
                is_named = fields.get("FOV", stem) == stem
                for path, part in _images_of(folder / name):
                    own = {"FOV": called + part} if is_named else {}
                    yield Item(str(relative / (called + part)), path, fields | own)

    def _fields(self, path: PurePosixPath) -> dict[str, str] | None:
        """Return what the path of an image says; a store that is looked for by itself needs no pattern."""
        if self.pattern is None and (self.folders or is_zarr(self.root)):
            path = path.with_name(_without_ending(path.name))
            return _guessed(path, str(path))
        return (self.pattern or Pattern()).fields(str(path))

    def _folder(self, folder: Path, relative: PurePosixPath) -> Iterator[Item]:
        key = str(relative) if relative.parts else readable(folder.resolve().name) or "root"
        if self.pattern is None:
            yield Item(key, folder, _guessed(relative, key))
        elif (fields := self.pattern.fields(str(relative))) is not None:
            yield Item(key, folder, {"FOV": key} | fields)


def _is_store(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir() and not entry.is_symlink() and is_zarr(Path(entry.path))


def _images_of(path: Path) -> list[tuple[Path, str]]:
    """Return the images that a file or store holds and what tells them apart, behind the name of it.

    A damaged store is an image, so that it is listed as failed with the reason.
    """
    if not is_zarr(path):
        return [(path, "")]
    try:
        found = images_in(path)
    except ReadError:
        return [(path, "")]
    return [(image.folder, image.name.removeprefix(zarr_stem(path.name))) for image in found]


def _check_names(folder: Path, names: list[str]) -> None:
    """Refuse names that would be spelled alike, whose results would be mixed."""
    spelled = Counter(map(readable, names))
    for name in names:
        if name != readable(name) and spelled[readable(name)] > 1:
            raise ReadError(f"{folder} has two files called {readable(name)}: rename one of them.")


def _guessed(relative: PurePosixPath, key: str) -> dict[str, str]:
    """Name the folders as the standard tree does where there are as many; else the path is the name."""
    if len(relative.parts) == len(LEVELS):
        return dict(zip(LEVELS, relative.parts, strict=True))
    return {"FOV": key}


def _without_ending(path: str) -> str:
    lower = path.casefold()
    endings = (*IMAGE_ENDINGS, ".zarr")
    for ending in (*(f".ome{ending}" for ending in endings), *endings):
        if lower.endswith(ending):
            return path[: -len(ending)]
    return path


def content_hash(path: Path) -> tuple[str, dict[str, str]]:
    """Return the SHA-256 of a file or store, or of the visible files of a folder, and that of each by name.

    Raises
    ------
    OSError
        If one cannot be read.
    """
    if is_zarr(path):
        digest = _store_hash(path)
        return digest, {readable(store_name(path)): digest}
    if path.is_dir():
        names = sorted(e.name for e in os.scandir(path) if e.is_file() and not e.name.startswith("."))
        files = {readable(name): _file_hash(path / name) for name in names}
        listing = "".join(f"{digest}  {name}\n" for name, digest in files.items())
        return hashlib.sha256(listing.encode("utf-8", "surrogateescape")).hexdigest(), files
    digest = _file_hash(path)
    return digest, {readable(path.name): digest}


def _store_hash(store: Path) -> str:
    try:
        return sha256(store)
    except ReadError as error:
        raise OSError(0, str(error).rstrip(".")) from error


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
