"""Nothing that lies behind a link out of a folder is opened, whoever asks for it."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ellimaps.core import reach
from ellimaps.core.errors import ReadError
from ellimaps.core.inputs import InputFile
from ellimaps.core.small_files import read_small
from ellimaps.core.workers import WorkerProcess


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder beside one that is nobody's business, with links from the first to the second."""
    root, secret = tmp_path / "root", tmp_path / "secret"
    root.mkdir()
    secret.mkdir()
    (secret / "key.csv").write_text("secret\n1\n")
    (root / "own.csv").write_text("own\n1\n")
    Image.new("L", (4, 4)).save(secret / "picture.png")
    np.save(secret / "values.npy", np.zeros(3))
    pd.DataFrame({"secret": [1]}).to_parquet(secret / "table.parquet")
    for file in secret.iterdir():
        (root / file.name).symlink_to(file)
    (root / "folder").symlink_to(secret)
    (root / "twice").symlink_to(root / "folder" / "key.csv")
    (root / "up.csv").symlink_to("../secret/key.csv")
    (root / "within.csv").symlink_to("own.csv")
    reach.confine([root])
    return root


WAYS = {
    "open": lambda root: (root / "key.csv").read_text(),
    "os.open": lambda root: os.open(root / "key.csv", os.O_RDONLY),
    "bytes": lambda root: os.open(os.fsencode(root / "key.csv"), os.O_RDONLY),
    "relative": lambda root: Path(os.path.relpath(root / "key.csv")).read_text(),
    "of a link": lambda root: (root / "twice").read_text(),
    "upwards": lambda root: (root / "up.csv").read_text(),
    "dots": lambda root: (root / "folder" / ".." / "secret" / "key.csv").read_text(),
    "in a linked folder": lambda root: (root / "folder" / "key.csv").read_text(),
    "pandas": lambda root: pd.read_csv(root / "key.csv"),
    "numpy": lambda root: np.load(root / "values.npy"),
    "pillow": lambda root: Image.open(root / "picture.png"),
    "input file": lambda root: InputFile(root / "key.csv").open().__enter__(),
    "small file": lambda root: read_small(root / "key.csv", "table", 1 << 20),
    "listing": lambda root: list((root / "folder").iterdir()),
    "scanning": lambda root: os.scandir(root / "folder"),
    "writing": lambda root: (root / "folder" / "new.csv").write_text("x"),
    "new folder": lambda root: (root / "folder" / "new").mkdir(),
}


@pytest.mark.parametrize("way", WAYS)
def test_links_out_of_the_folder_are_refused_by_whatever_opens_them(way: str, root: Path) -> None:
    with pytest.raises(ReadError, match=r"link that leads out of the data root: .*--follow-links\.$"):
        WAYS[way](root)
    reach.confine([])
    WAYS[way](root)


def test_what_lies_in_the_folder_is_opened_also_through_links(root: Path) -> None:
    assert (root / "own.csv").read_text() == (root / "within.csv").read_text() == "own\n1\n"
    with InputFile(root / "within.csv").open() as stream:
        assert stream.read() == b"own\n1\n"


def test_folders_may_lead_to_each_other(root: Path, tmp_path: Path) -> None:
    reach.confine([root, tmp_path / "secret"])
    assert (root / "key.csv").read_text() == "secret\n1\n"


def test_threads_are_confined_as_well(root: Path) -> None:
    said: list[Exception] = []

    def read() -> None:
        try:
            (root / "key.csv").read_text()
        except ReadError as error:
            said.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    assert len(said) == 1


def test_processes_that_are_started_are_confined_as_well(root: Path) -> None:
    worker = WorkerProcess(_answer, str(root / "key.csv"))
    try:
        assert "leads out of the data root" in worker.line.recv()
    finally:
        worker.kill()


def _answer(line: object, path: str) -> None:
    try:
        line.send(Path(path).read_text())  # type: ignore[attr-defined]
    except ReadError as error:
        line.send(str(error))  # type: ignore[attr-defined]


def test_readers_open_nothing_that_was_not_below_the_folder(root: Path, tmp_path: Path, monkeypatch) -> None:
    """Also a page that forgets to look at what was typed reads no file of the server."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "uploads"))
    reach.confine([root])
    with pytest.raises(ReadError, match="leads out of the data root"):
        read_small(tmp_path / "secret" / "key.csv", "table", 1 << 20)
    assert read_small(root / "own.csv", "table", 1 << 20) == b"own\n1\n"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what an open file is")
def test_a_link_that_comes_between_looking_and_opening_is_noticed(root: Path, monkeypatch) -> None:
    monkeypatch.setattr(reach, "refuse_outside", lambda _: None)
    with pytest.raises(ReadError, match="leads out"), InputFile(root / "key.csv").open():
        pass


def test_own_places_below_a_home_folder_may_be_links(tmp_path: Path, monkeypatch) -> None:
    home, scratch = tmp_path / "home", tmp_path / "scratch"
    scratch.mkdir()
    home.mkdir()
    (scratch / "font").write_text("kept elsewhere")
    (home / "cache").symlink_to(scratch)
    (home / "other").symlink_to(scratch)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda: home / "cache")
    reach.confine([home])
    assert (home / "cache" / "font").read_text() == "kept elsewhere"
    with pytest.raises(ReadError):
        (home / "other" / "font").read_text()
