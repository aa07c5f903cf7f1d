"""No zip is unpacked beyond a limit, whatever it declares of itself."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest

from ellimaps.classify.deep_model import load_classifier
from ellimaps.core.archives import ArchiveError, members, names_in
from ellimaps.core.errors import ReadError


def zipped(files: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def test_files_come_in_their_order_and_folders_do_not() -> None:
    packed = zipped({"b.txt": b"2", "folder/": b"", "a.txt": b"1"})
    assert list(members(io.BytesIO(packed), 100)) == [("b.txt", b"2"), ("a.txt", b"1")]


@pytest.mark.parametrize("limit", [1999, 2000])
def test_the_limit_is_that_of_all_files_together(limit: int) -> None:
    packed = io.BytesIO(zipped({"a": bytes(1000), "b": bytes(1000)}))
    if limit == 2000:
        assert len(list(members(packed, limit))) == 2
    else:
        with pytest.raises(ArchiveError, match="unpacks to more"):
            list(members(packed, limit))


def test_a_file_that_says_it_is_small_is_not_read_beyond_that() -> None:
    packed = bytearray(zipped({"a": bytes(1 << 20)}))
    for signature, at in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        struct.pack_into("<I", packed, packed.index(signature) + at, 10)
    with pytest.raises(ArchiveError, match="CRC"):
        list(members(io.BytesIO(packed), 1 << 30))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not a zip"),
        (b"PK\x03\x04 and nothing else", "not a zip"),
        (zipped({"a": bytes(99)}, zipfile.ZIP_LZMA), "unusual way"),
        (zipped({"a": bytes(99)}, zipfile.ZIP_BZIP2), "unusual way"),
    ],
)
def test_what_is_no_zip_of_ours_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(ArchiveError, match=why):
        list(members(io.BytesIO(content), 1 << 20))


def test_a_zip_of_a_version_to_come_is_damaged_for_who_asks_for_its_names() -> None:
    packed = bytearray(zipped({"a": b"1"}))
    struct.pack_into("<H", packed, packed.index(b"PK\x01\x02") + 6, 255)
    with pytest.raises(ArchiveError, match="version"):
        names_in(io.BytesIO(packed))
    with pytest.raises(ReadError):
        load_classifier(io.BytesIO(packed), "cells.ellimodel")
