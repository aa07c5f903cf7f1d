"""What may be given to `open_stack`: paths of every kind, and streams."""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from support.ep4_tools import TAG, check_sentence, info_of, pngs_of, table_of, write_small
from support.openings import openings
from support.reading import message_of, refusal

from ellimaps.core.errors import ReadError
from ellimaps.readers import list_datasets, open_stack


def test_paths_that_lead_nowhere(tmp_path: Path) -> None:
    assert "does not exist" in message_of(tmp_path / "nothing here")
    assert "holds no Delta and Psi maps" in message_of(tmp_path)
    assert list_datasets(tmp_path) == []
    write_small(tmp_path / "film")
    info = info_of(tmp_path / "film")
    assert f"{info.name} is not a measurement ellimaps knows" in message_of(info)
    shutil.copy(info, tmp_path)
    assert "holds no Delta and Psi maps" in message_of(tmp_path)
    (tmp_path / "empty").touch()
    assert "empty is not a measurement" in message_of(tmp_path / "empty")
    with pytest.raises(ReadError, match="cannot be read"):
        list_datasets(info)


@pytest.mark.parametrize("path", ["", "  ", "a\0b", "x" * 5000, "~nobody-has-this-name/x", "\ud800"])
def test_paths_that_are_none(path: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(ReadError) as caught:
        open_stack(path)
    check_sentence(str(caught.value))


@pytest.mark.parametrize(
    "name", ["\u00e4 b\u20ac c", "a.b.c", "#1 100%", "[x]*", "\u6e2c\u5b9a", 'O\'Neill & "co"']
)
def test_folders_with_odd_names(tmp_path: Path, name: str) -> None:
    folder = write_small(tmp_path / name, tag="film.v2 b")
    assert open_stack(folder).name == "film.v2 b"
    assert open_stack(str(folder)).source == folder.resolve()


def test_relative_paths_and_links(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert open_stack(".").source == folder.resolve()
    (folder.parent / "link").symlink_to(folder)
    assert open_stack(folder.parent / "link").source == folder.resolve()
    monkeypatch.setenv("HOME", str(folder.parent))
    assert open_stack("~/film").n_bands == 6


def test_a_name_that_is_not_unicode(folder: Path) -> None:
    try:
        Path(os.fsdecode(bytes(folder) + b"/odd\xff_001.png")).write_bytes(pngs_of(folder)[0].read_bytes())
    except OSError:
        pytest.skip("the file system refuses such names")
    assert open_stack(folder, dataset=TAG).n_bands == 6


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_no_permission(folder: Path) -> None:
    for path, says in ((pngs_of(folder)[0], "Permission denied"), (table_of(folder), "Permission denied")):
        path.chmod(0)
        message = message_of(folder)
        assert path.name in message
        assert says in message
        path.chmod(0o600)


def test_a_folder_that_cannot_be_listed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    assert message_of(folder).startswith(f"{folder} cannot be read (Permission denied)")


def test_a_file_that_fails_while_it_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.open

    class Failing(io.BytesIO):
        def read(self, *_size: int | None) -> bytes:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(
        Path, "open", lambda path, mode: Failing() if path.suffix == ".png" else real(path, mode)
    )
    assert message_of(folder).startswith(f"{TAG}_001.png cannot be read (Input/output error)")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs on this system")
def test_pipes_and_folders_in_place_of_files(folder: Path) -> None:
    pipe = folder.parent / "pipe.png"
    os.mkfifo(pipe)
    assert "neither a file nor a folder" in refusal(pipe)
    png = pngs_of(folder)[1]
    png.unlink()
    os.mkfifo(png)
    assert refusal(folder).startswith(f"{png.name} is missing")
    png.unlink()
    png.mkdir()
    assert refusal(folder).startswith(f"{png.name} is missing")
    info_of(folder).unlink()
    os.mkfifo(folder / f"{TAG}.dsinfo.xml")
    os.mkfifo(folder / "other.ds.dat")
    os.mkfifo(folder / "other_1.png")
    assert refusal(folder).startswith(f"{png.name} is missing")


# --- a folder is looked at once ---


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("which", ["folder", "map", "table"])
def test_each_map_is_opened_for_its_facts_and_for_its_values(folder: Path, listed: bool, which: str) -> None:
    path = {"folder": folder, "map": pngs_of(folder)[0], "table": table_of(folder)}[which]
    if not listed:
        table_of(folder).unlink()
        path = folder if which == "table" else path
    with openings(folder) as counted:
        open_stack(path)
    # What a file is, is told by its first bytes; maps in a folder need not be asked.
    asked = {pngs_of(folder)[0].name: 3} if which == "map" else {}
    expected = {path.name: 2 for path in pngs_of(folder)} | asked | {folder.name: 1, info_of(folder).name: 1}
    assert counted == expected | ({table_of(folder).name: 2} if listed else {})


@pytest.mark.parametrize("kind", ["grey.png", "grey.tif", "color.png", "color.tif"])
def test_pictures_are_opened_for_kind_size_values_and_checksum(tmp_path: Path, kind: str) -> None:
    shape = (6, 8, 3) if kind.startswith("color") else (6, 8)
    for number in range(5):
        values = np.random.default_rng(number).integers(0, 255, shape, dtype=np.uint8)
        path = tmp_path / f"{number}_{kind}"
        Image.fromarray(values).save(path)
    with openings(tmp_path) as counted:
        open_stack(tmp_path)
    assert counted == {tmp_path.name: 1} | {path.name: 4 for path in tmp_path.iterdir()}


# --- streams ---


@pytest.mark.parametrize("kind", ["png", "tif", "lzw.tif", "deflate.tif"])
def test_a_stream_gives_what_its_file_gives(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"cells.{kind}"
    values = np.random.default_rng(0).integers(0, 4000, (12, 16), dtype=np.uint16)
    if kind == "lzw.tif":
        Image.fromarray(values).save(path, compression="tiff_lzw")
    elif kind == "png":
        Image.fromarray(values).save(path)
    else:
        tifffile.imwrite(path, values, compression="zlib" if kind == "deflate.tif" else None)
    content = path.read_bytes()
    stack, stream = open_stack(path), io.BytesIO(content)
    for _ in range(2):
        same = open_stack(stream, name=path.name)
        np.testing.assert_array_equal(same.values, stack.values)
        np.testing.assert_array_equal(same.values[0], values)
        assert same.bands.equals(stack.bands)
        assert (same.name, same.inputs, same.source) == (stack.name, stack.inputs, Path(path.name))
    assert not stream.closed
    with path.open("rb") as file:
        assert open_stack(file).name == stack.name


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "mine.tif is not a measurement ellimaps knows (it is empty)"),
        (b"text", "mine.tif is not a measurement ellimaps knows (it begins with the bytes 74 65 78 74)"),
        (b"II*\0 no more", "mine.tif holds no image"),
        (b"\x89PNG\r\n\x1a\n no more", "mine.tif is truncated"),
    ],
)
def test_what_is_wrong_with_a_stream_is_said_by_its_name(content: bytes, says: str) -> None:
    with pytest.raises(ReadError) as caught:
        open_stack(io.BytesIO(content), name="mine.tif")
    check_sentence(str(caught.value))
    assert str(caught.value).startswith(says)


def test_a_map_alone_is_no_data_set(folder: Path) -> None:
    content = pngs_of(folder)[0].read_bytes()
    with pytest.raises(ReadError, match=r"^mine\.png is one map of a data set: open its folder"):
        open_stack(io.BytesIO(content), name="mine.png")
