"""Files under a path and in a stream, looked at once."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest

from ellimaps.core.errors import ReadError
from ellimaps.core.inputs import InputFile, first_bytes, size_of
from ellimaps.core.provenance import sha256

CONTENT = b"0123456789"


@pytest.fixture(params=["path", "text", "stream"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> InputFile:
    path = tmp_path / "some.txt"
    path.write_bytes(CONTENT)
    origin = {"path": path, "text": str(path), "stream": io.BytesIO(CONTENT)}[request.param]
    return InputFile(origin, "some.txt")


def test_it_is_read_from_the_beginning_each_time(file: InputFile) -> None:
    for _ in range(2):
        with file.open() as stream:
            assert size_of(stream) == len(CONTENT)
            assert stream.read() == CONTENT
    assert first_bytes(file) == CONTENT[:8]
    assert sha256(file) == hashlib.sha256(CONTENT).hexdigest()


def test_names(tmp_path: Path) -> None:
    assert InputFile(tmp_path / "a.png").name == "a.png"
    assert InputFile(str(tmp_path / "a.png")).name == "a.png"
    assert InputFile(io.BytesIO()).name == "the stream"
    named = io.BytesIO()
    named.name = "uploaded.png"  # type: ignore[attr-defined]
    assert InputFile(named).name == "uploaded.png"
    assert InputFile(named, "mine.png").path == Path("mine.png")


def test_a_look_is_taken_once_unless_it_fails(file: InputFile) -> None:
    looks = []

    def look(one: InputFile) -> int:
        looks.append(one)
        if len(looks) == 1:
            raise ReadError("not yet")
        return len(looks)

    with pytest.raises(ReadError):
        file.seen(look)
    assert [file.seen(look) for _ in range(3)] == [2, 2, 2]
    assert looks == [file, file]


def test_what_the_system_refuses_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"^none\.txt cannot be read \(No such file or directory\)"):
        first_bytes(InputFile(tmp_path / "none.txt"))
