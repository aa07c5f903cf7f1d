"""What was written is what is read: a changed byte is found when a file is opened."""

from __future__ import annotations

import io
import os
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

import ellimaps
from ellimaps.core.errors import ReadError
from ellimaps.core.files import json_bytes, with_listing, write_files
from ellimaps.core.sums import WrittenSet, check_seal, read_set, sealed
from ellimaps.readers.spectra import open_spectra

EXAMPLE = Path(__file__).resolve().parents[2] / "data_example" / "terraces"

FILES = {"table": b"123456789", "other": b"987"}


def read(files):
    contents = []
    for name in FILES:
        with files.open(name) as file:
            contents.append(file.read())
    return contents


@pytest.fixture
def folder(tmp_path):
    write_files(tmp_path, with_listing(FILES, "facts.json", {"k": 1}), "facts.json")
    return tmp_path


def test_what_was_written_is_read(folder):
    assert read_set(folder, "facts.json", read) == list(FILES.values())
    assert WrittenSet(folder, "facts.json").facts["k"] == 1


@pytest.mark.parametrize("position", range(9))
def test_a_changed_byte_is_a_sentence_with_file_and_remedy(folder, position):
    content = bytearray(FILES["table"])
    content[position] ^= 4
    (folder / "table").write_bytes(content)
    with pytest.raises(ReadError, match=r"table was changed after it was written.*facts.json.*: run again"):
        read_set(folder, "facts.json", read, "run again")


def test_a_changed_byte_is_found_in_a_file_that_was_right_before(folder):
    read_set(folder, "facts.json", read)
    state = (folder / "table").stat()
    (folder / "table").write_bytes(b"123456780")
    os.utime(folder / "table", ns=(state.st_atime_ns, state.st_mtime_ns))
    with pytest.raises(ReadError, match="was changed"):
        read_set(folder, "facts.json", read)


def test_a_file_the_set_does_not_know_is_not_believed(folder):
    (folder / "more").write_bytes(b"")
    files = WrittenSet(folder, "facts.json")
    assert "table" in files
    assert "more" not in files
    with pytest.raises(ReadError, match="was changed"), files.open("more"):
        pass


@pytest.mark.parametrize("facts", [None, {"k": 1}])
def test_files_of_earlier_versions_are_believed(folder, facts):
    (folder / "facts.json").unlink()
    if facts:
        (folder / "facts.json").write_bytes(json_bytes(facts))
    (folder / "table").write_bytes(b"mine")
    assert read_set(folder, "facts.json", read)[0] == b"mine"


@pytest.mark.parametrize("content", [b"", b"[" * 100_000, b"[]", b"\xff\xff", b"3"])
def test_a_listing_that_is_none_is_a_sentence(folder, content):
    (folder / "facts.json").write_bytes(content)
    with pytest.raises(ReadError, match=r"facts\.json is damaged"):
        WrittenSet(folder, "facts.json")


def test_a_changed_clustershot_is_not_fitted(tmp_path):
    ellimaps.export_segmentation(ellimaps.segment(ellimaps.open_stack(EXAMPLE), 3), tmp_path)
    for path in (*tmp_path.glob("*_clustershot*"), *tmp_path.glob("*_cluster_?.ds.dat")):
        whole = path.read_bytes()
        assert open_spectra(path).table["Psi"].notna().all()
        path.write_bytes(whole.replace(b"50", b"51"))
        with pytest.raises(ReadError, match=f"{path.name} was changed .*give another name"):
            open_spectra(path)
        path.rename(tmp_path / f"my_{path.name}")
        open_spectra(tmp_path / f"my_{path.name}")


def test_who_reads_while_others_write_never_sees_two_sets(folder):
    stop = threading.Event()

    def rewrite():
        number = 0
        while not stop.is_set():
            number += 1
            files = {name: str(number).encode() for name in FILES}
            write_files(folder, with_listing(files, "facts.json", {}), "facts.json")
            # As long as a set takes to be computed at the least.
            time.sleep(0.02)

    writer = threading.Thread(target=rewrite)
    writer.start()
    try:
        for _ in range(300):
            table, other = read_set(folder, "facts.json", read)
            assert table == other or (table, other) == tuple(FILES.values())
    finally:
        stop.set()
        writer.join()


def archive():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("facts.json", "{}")
        file.writestr("numbers", np.arange(40.0).tobytes())
    return buffer.getvalue()


def test_a_sealed_archive_is_an_archive():
    content = sealed(archive())
    check_seal(io.BytesIO(content), "model")
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        assert file.testzip() is None
        assert file.namelist() == ["facts.json", "numbers"]
    check_seal(io.BytesIO(archive()), "a model of an earlier version")


def test_every_changed_byte_of_a_sealed_archive_is_found():
    content = sealed(archive())
    for position in range(len(content)):
        for bit in (1, 32, 128):
            changed = bytearray(content)
            changed[position] ^= bit
            with pytest.raises(ReadError, match="model was changed"):
                check_seal(io.BytesIO(changed), "model")
