"""Uploaded files and zips: what they say they are, or one sentence, and never outside of their folder."""

from __future__ import annotations

import errno
import io
import os
import stat
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ellimaps.core.errors import ReadError
from ellimaps.ui.shared import uploads
from ellimaps.ui.shared.uploads import store_uploads


class Upload(io.BytesIO):
    def __init__(self, name, content):
        super().__init__(content)
        self.name = name


def packed(**files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_uploads_never_leave_their_folder():
    content = packed(**{"../../evil.txt": "x", "/etc/absolute.txt": "y", "a/b.txt": "z", "__MACOSX/c": ""})
    with store_uploads([Upload("maps.ZIP", content), Upload("..\\up.txt", b"u")]) as folder:
        names = sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*"))
    assert names == ["a", "a/b.txt", "etc", "etc/absolute.txt", "evil.txt", "up.txt"]


def test_folders_of_a_zip_stay_apart():
    days = packed(**{"monday/d0.tif": "1", "tuesday\\d0.tif": "2", "tuesday/.hidden": ""})
    with store_uploads([Upload("week.zip", days)]) as folder:
        found = {path.relative_to(folder).as_posix(): path.read_text() for path in Path(folder).rglob("*.*")}
    assert found == {"monday/d0.tif": "1", "tuesday/d0.tif": "2"}


@pytest.mark.parametrize("names", [("a/d0.tif", "a\\d0.tif"), ("a", "a/b"), ("x/../d0.tif", "x/d0.tif")])
def test_files_of_one_name_are_refused(names):
    with pytest.raises(ReadError, match="Two uploaded files are called"):
        store_uploads([Upload(name, content) for name, content in zip(names, (b"1", b"2"), strict=True)])


@pytest.mark.parametrize(
    ("limit", "value", "sentence"), [("MAX_FILES", 1, "More than 1 files"), ("MAX_BYTES", 3, "larger than")]
)
def test_uploads_are_bounded(monkeypatch, limit, value, sentence):
    monkeypatch.setattr(uploads, limit, value)
    with pytest.raises(ReadError, match=sentence):
        store_uploads([Upload("a.zip", packed(a="12345", b="12345"))])


@pytest.mark.parametrize(
    "names",
    [
        ("d0.tif", "D0.TIF"),
        ("a/d0.tif", "A/d0.tif"),
        ("caf\u00e9.tif", "cafe\u0301.tif"),
        ("STRASSE", "straße"),
    ],
)
def test_files_that_are_one_on_another_system_are_refused(names):
    with pytest.raises(ReadError, match="Two uploaded files are called"):
        store_uploads([Upload("a.zip", packed(**dict.fromkeys(names, "1")))])


@pytest.mark.parametrize(
    "name", ["C:\\maps\\d0.tif", "C:d0.tif", "\\\\host\\share\\d0.tif", "//d0.tif", "c:/../d0.tif"]
)
def test_drives_and_hosts_of_names_are_left_out(name):
    with store_uploads([Upload("a.zip", packed(**{name: "1"}))]) as folder:
        [found] = [path for path in Path(folder).rglob("*") if path.is_file()]
        assert found.name == "d0.tif"
        assert ":" not in str(found)


@pytest.mark.parametrize("name", ["x" * 300, "/".join(["d" * 200] * 30), "a\0b", "\ud800.tif"])
def test_names_that_no_file_can_have_are_one_sentence(name):
    with pytest.raises(ReadError, match=r"(is no name for a file|cannot be kept)[^\n]*\.$"):
        store_uploads([Upload(name, b"1")])


def entry(name, mode):
    made = zipfile.ZipInfo(name)
    made.external_attr = mode << 16
    return made


def zip_of(*entries, compression=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in entries:
            archive.writestr(name, content, compression)
    return buffer.getvalue()


def changed(content, old, new, *, last=False):
    place = content.rindex(old) if last else content.index(old)
    return content[:place] + new + content[place + len(old) :]


def spoiled(compression, place):
    content = zip_of(("a", "text" * 99), compression=compression)
    return content[:place] + b"\xff" * 9 + content[place + 9 :]


NOISE = np.random.default_rng(1).bytes(3000)
MANY = zip_of(("a.txt", "text " * 1000), ("b.bin", NOISE))
DAMAGED = {
    "empty": b"",
    "text": b"hello, this is no zip",
    "a PNG": b"\x89PNG\r\n\x1a\n" + NOISE,
    "cut": MANY[:-30],
    "without its end": MANY[:200],
    "beginning cut": MANY[300:],
    "a changed byte": changed(MANY, NOISE[100:104], b"\0\0\0\0"),
    "deflated noise": MANY[:40] + b"\xff" * 20 + MANY[60:],
    "bzip2 noise": (lambda z: z[:60] + b"\xff" * 9 + z[69:])(
        zip_of(("a", "text" * 99), compression=zipfile.ZIP_BZIP2)
    ),
    "lzma noise": (lambda z: z[:50] + b"\xff" * 9 + z[59:])(
        zip_of(("a", "text" * 99), compression=zipfile.ZIP_LZMA)
    ),
    "encrypted": changed(
        changed(MANY, b"PK\3\4\x14\0\0", b"PK\3\4\x14\0\1"),
        b"PK\1\2\x14\3\x14\0\0",
        b"PK\1\2\x14\3\x14\0\1",
    ),
    "an unknown method": changed(MANY, b"PK\1\2\x14\3\x14\0\0\0\x08", b"PK\1\2\x14\3\x14\0\0\0\x63"),
    "a name not UTF-8": changed(
        zip_of(("\u00e9\u00e9.txt", "a")), b"\xc3\xa9\xc3\xa9", b"\xff\xfe\xff\xfe", last=True
    ),
    "a long list": changed(MANY, MANY[-10:-6], b"\xff\xff\xff\x7f", last=True),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_what_is_no_zip_is_one_sentence_that_names_it(kind):
    assert DAMAGED[kind] != MANY
    with pytest.raises(ReadError, match=r"^my maps\.zip cannot be unpacked \([^\n]+\): .*\.$"):
        store_uploads([Upload("my maps.zip", DAMAGED[kind])])
    assert not list(Path(tempfile.gettempdir()).glob("ellimaps-upload-*/my maps*"))


def test_every_cut_and_changed_zip_is_read_or_one_sentence():
    random = np.random.default_rng(5)
    refused = []
    for _ in range(400):
        content = bytearray(MANY[: random.integers(len(MANY)) if random.random() < 0.2 else None])
        for place in random.integers(0, len(content), random.integers(1, 6)) if content else ():
            content[place] = random.integers(256)
        try:
            store_uploads([Upload("a.zip", bytes(content))]).cleanup()
        except ReadError as error:
            refused.append(str(error))
    assert len(refused) > 200
    assert not any("\n" in sentence for sentence in refused)


def test_links_in_a_zip_are_refused():
    content = zip_of((entry("maps/a.png", stat.S_IFLNK | 0o777), "/etc/passwd"), ("maps/b.png", "1"))
    with pytest.raises(ReadError, match=r"a\.zip holds the link maps/a\.png"):
        store_uploads([Upload("a.zip", content)])


def test_zips_in_a_zip_stay_files_and_alone_are_refused():
    with store_uploads([Upload("a.zip", zip_of(("in.zip", MANY), ("a.png", "1")))]) as folder:
        assert sorted(path.name for path in Path(folder).iterdir()) == ["a.png", "in.zip"]
    with pytest.raises(ReadError, match=r"nothing but zips, such as in\.zip"):
        store_uploads([Upload("a.zip", zip_of(("in.zip", MANY)))])


def test_a_bomb_is_refused_before_anything_is_written(monkeypatch):
    monkeypatch.setattr(uploads, "MAX_BYTES", 10**6)
    monkeypatch.setattr(uploads._Writer, "write", None)
    with pytest.raises(ReadError, match="larger than"):
        store_uploads([Upload("a.zip", zip_of(*((f"{number}.bin", bytes(300_000)) for number in range(4))))])


def test_a_bomb_that_says_it_is_small_is_refused_while_it_is_written(monkeypatch):
    monkeypatch.setattr(uploads, "MAX_BYTES", 10**6)
    size = (3_000_000).to_bytes(4, "little")
    content = zip_of(("a.bin", bytes(3_000_000))).replace(size, (1000).to_bytes(4, "little"))
    with pytest.raises(ReadError, match=r"larger than|cannot be unpacked"):
        store_uploads([Upload("a.zip", content)])


def test_a_full_disk_is_one_sentence(monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(uploads._Writer, "_write", full)
    with pytest.raises(ReadError, match=r"d0\.tif cannot be kept \(No space left"):
        store_uploads([Upload("d0.tif", b"1")])
