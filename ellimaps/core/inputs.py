"""A file to read, wherever its bytes are: under a path or in a stream."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from ellimaps.core.errors import unreadable
from ellimaps.core.names import readable
from ellimaps.core.reach import refuse_foreign

_Seen = TypeVar("_Seen")


class InputFile:
    """A file to read; what one part of a program has seen of it, the others need not look up again.

    Parameters
    ----------
    origin : str, Path or binary stream
        Where it lies, or a stream that can be sought in; a stream stays open.
    name : str, optional
        What messages call it; by default the name in its path, or the stream's own.
    """

    def __init__(self, origin: str | Path | BinaryIO, name: str | None = None) -> None:
        self._origin = Path(origin) if isinstance(origin, str) else origin
        self.name = readable(name or str(getattr(self._origin, "name", "the stream")))
        self._seen: dict[Any, Any] = {}

    @property
    def path(self) -> Path:
        """Where it lies; of a stream the name alone."""
        return self._origin if isinstance(self._origin, Path) else Path(self.name)

    @property
    def is_on_disk(self) -> bool:
        """Whether it lies under a path, and so may have others beside it."""
        return isinstance(self._origin, Path)

    def __str__(self) -> str:
        return str(self.path)

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Return a context in which the file can be read from its beginning.

        Raises
        ------
        ReadError
            Also for what fails inside of it, if the system does not let us read.
        """
        try:
            if isinstance(self._origin, Path):
                with self._origin.open("rb") as stream:
                    refuse_foreign(stream, self._origin)
                    yield stream
            else:
                self._origin.seek(0)
                yield self._origin
        except OSError as error:
            raise unreadable(self, error) from error

    def seen(self, look: Callable[[InputFile], _Seen]) -> _Seen:
        """Return ``look(self)``; it looks once, however often it is asked for."""
        if look not in self._seen:
            self._seen[look] = look(self)
        seen: _Seen = self._seen[look]
        return seen


Source = str | Path | BinaryIO | InputFile
"""What may be read: a path, a binary stream, or either with a name and a memory."""


def as_input(source: Source, name: str | None = None) -> InputFile:
    """Return a path or stream as a file to read; one that is that already is returned itself."""
    return source if isinstance(source, InputFile) else InputFile(source, name)


def first_bytes(file: InputFile) -> bytes:
    """Return what tells the kind of a file, its first 8 bytes."""
    with file.open() as stream:
        return stream.read(8)


def size_of(stream: BinaryIO) -> int:
    """Return the number of bytes in a stream, which is at its beginning then."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    return size
