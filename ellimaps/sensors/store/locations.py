"""Where logs lie: local files and folders, and any location fsspec knows, as Azure Blob and S3.

Credentials come from the environment alone: ``AZURE_STORAGE_CONNECTION_STRING`` or the other variables of
adlfs, ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY`` and ``AWS_ENDPOINT_URL``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from glob import has_magic
from hashlib import sha256
from pathlib import Path, PurePosixPath
from tempfile import gettempdir
from typing import Any

from ellimaps.core.errors import EllimapsError, ReadError
from ellimaps.core.extras import optional
from ellimaps.core.locks import own_folder
from ellimaps.core.progress import Progress
from ellimaps.core.reach import refuse_outside

SUFFIXES = (".csv", ".tsv", ".txt", ".dat", ".log", ".parquet", ".pq")
# A file a minute for two months; listing more would look as if the program hung.
_MOST_FILES = 100_000
_LIBRARIES = {"abfs": "adlfs", "abfss": "adlfs", "az": "adlfs", "s3": "s3fs", "s3a": "s3fs"}
_SETTINGS: dict[str, dict[str, str]] = {
    "adlfs": {
        "connection_string": "AZURE_STORAGE_CONNECTION_STRING",
        "account_name": "AZURE_STORAGE_ACCOUNT_NAME",
        "account_key": "AZURE_STORAGE_ACCOUNT_KEY",
        "sas_token": "AZURE_STORAGE_SAS_TOKEN",  # nosec B105
    },
    "s3fs": {"endpoint_url": "AWS_ENDPOINT_URL"},
}


_WAYS: dict[str, tuple[tuple[str, ...], ...]] = {
    "adlfs": (
        ("AZURE_STORAGE_CONNECTION_STRING",),
        ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT_KEY"),
        ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_SAS_TOKEN"),
    ),
    "s3fs": (("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),),
}
"""Which variables together open a location."""


@dataclass(frozen=True)
class Location:
    """A log's files before anything of them is read.

    Attributes
    ----------
    name : str
        The path or URL as given.
    files : tuple of (str, str)
        Every file with what changes when its content does (size and time, or an entity tag).
    system : fsspec.AbstractFileSystem, optional
        Where the files lie; None for local ones.
    """

    name: str
    files: tuple[tuple[str, str], ...]
    system: Any = None

    @property
    def identity(self) -> str:
        """A hash of which files these are."""
        names = [name for name, _ in self.files]
        return sha256(repr((str(type(self.system)), names)).encode()).hexdigest()

    @property
    def state(self) -> str:
        """A hash of the state the files are in."""
        return sha256(repr([state for _, state in self.files]).encode()).hexdigest()

    @contextmanager
    def local_files(self, on_progress: Progress) -> Iterator[list[Path]]:
        """Return the files on the local disk; remote ones are there until the context ends."""
        if self.system is None:
            yield [Path(file) for file, _ in self.files]
            return
        with own_folder(Path(gettempdir()), "ellimaps-log-") as folder:
            yield list(self._downloaded(folder, on_progress))

    def _downloaded(self, folder: Path, on_progress: Progress) -> Iterator[Path]:
        for number, (file, _) in enumerate(self.files):
            on_progress(number, len(self.files), f"fetching {PurePosixPath(file).name}")
            # The stem names a source, so it is kept; a folder of its own tells equal names apart.
            target = folder / str(number) / PurePosixPath(file).name
            target.parent.mkdir()
            with _as_read_error(self.name):
                self.system.get_file(file, str(target))
            yield target


def location_of(path_or_url: str | os.PathLike[str]) -> Location:
    """Find the files of a log.

    Parameters
    ----------
    path_or_url : str or path
        A file, a folder, a pattern as ``logs/*.csv``, or a URL of fsspec as ``abfs://container/folder`` or
        ``s3://bucket/2025-*/log.csv``.

    Raises
    ------
    ReadError
        If there is nothing to read, or it cannot be reached.
    MissingExtraError
        If the library for such URLs is not installed.
    """
    name = os.fspath(path_or_url)
    protocol, found, rest = name.partition("://")
    if not found or protocol in ("file", "local"):
        return _local(Path(rest if found else name).expanduser())
    return _remote(name, protocol)


def state_of(path_or_url: str | os.PathLike[str]) -> str:
    """Return what changes when a log does, without reading it; see `location_of`."""
    location = location_of(path_or_url)
    return location.identity + location.state


def _local(path: Path) -> Location:
    try:
        if path.is_dir():
            candidates = (Path(base) / file for base, _, files in os.walk(path) for file in files)
            files = sorted(file for file in candidates if _is_log(file.name))[: _MOST_FILES + 1]
        elif has_magic(str(path)) and not path.exists():
            found = Path(path.anchor).glob(str(path.relative_to(path.anchor)))
            files = sorted(file for file in found if file.is_file())
        else:
            files = [path]
        # DuckDB opens them, and Python does not see it.
        for file in files:
            refuse_outside(file)
        states = tuple((str(file.resolve()), _state(file.stat())) for file in files)
    except OSError as error:
        raise ReadError(f"The sensor log {path} cannot be read: {error.strerror or error}.") from error
    return _checked(Location(str(path), states))


def _state(found: os.stat_result) -> str:
    return f"{found.st_size} {found.st_mtime_ns}"


def _remote(name: str, protocol: str) -> Location:
    library = _LIBRARIES.get(protocol)
    if library:
        optional(library, "cloud", "Sensor logs")
        _check_credentials(name, library)
    fsspec = optional("fsspec", "sensors", "Sensor logs")
    settings = {
        key: os.environ[variable]
        for key, variable in _SETTINGS.get(library or "", {}).items()
        if os.environ.get(variable)
    }
    with _as_read_error(name):
        system, path = fsspec.core.url_to_fs(name, **settings, use_listings_cache=False)
        if system.isdir(path):
            found = system.find(path, detail=True)
            infos = [found[file] for file in sorted(found) if _is_log(file)]
        elif has_magic(path) and not system.exists(path):
            found = system.glob(path, detail=True)
            infos = [found[file] for file in sorted(found) if found[file]["type"] == "file"]
        else:
            infos = [system.info(path)]
    return _checked(Location(name, tuple((info["name"], _remote_state(info)) for info in infos), system))


def _check_credentials(name: str, library: str) -> None:
    """Refuse what the environment does not say how to open: no other identity is tried.

    Raises
    ------
    ReadError
        If a variable is missing; the sentence names it.
    """
    if not any(all(map(os.environ.get, way)) for way in _WAYS[library]):
        # The way of which a part is there is the one that was meant.
        meant = max(_WAYS[library], key=lambda way: sum(variable in os.environ for variable in way))
        missing = [variable for variable in meant if not os.environ.get(variable)]
        others = [" with ".join(way) for way in _WAYS[library] if way != meant]
        instead = f" (or {', or '.join(others)})" if others else ""
        told = f"set {' and '.join(missing)} in the environment{instead}"
        raise ReadError(f"The sensor log {name} cannot be opened: {told}.")


def _remote_state(info: dict[str, Any]) -> str:
    tags = ("ETag", "etag", "LastModified", "last_modified", "mtime")
    return " ".join(str(info[key]) for key in ("size", *tags) if info.get(key) is not None)


def _is_log(name: str) -> bool:
    base = PurePosixPath(name.replace("\\", "/")).name
    return base.lower().endswith(SUFFIXES) and not base.startswith((".", "_", "~"))


def _checked(location: Location) -> Location:
    if not location.files:
        raise ReadError(
            f"{location.name} holds no log: a folder needs files that end in {_listed(SUFFIXES)}, a pattern "
            "files that fit it."
        )
    if len(location.files) > _MOST_FILES:
        raise ReadError(f"{location.name} holds more than {_MOST_FILES:,} files: choose a folder of fewer.")
    return location


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words[:-1]) + " or " + words[-1]


@contextmanager
def _as_read_error(name: str) -> Iterator[None]:
    """Turn what a remote location says into a sentence; its libraries raise errors of many kinds."""
    try:
        yield
    except EllimapsError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ReadError(
            f"The sensor log {name} cannot be read ({reason:.200}): check the address and the credentials "
            "in the environment."
        ) from error
