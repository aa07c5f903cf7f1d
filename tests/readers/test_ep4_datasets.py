"""Which data sets a folder holds, whatever else lies in it and however its files are called."""

from __future__ import annotations

import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from support.ep4_tools import (
    TAG,
    angles,
    info_of,
    join_png,
    pngs_of,
    small_files,
    split_png,
    table_of,
    write,
    write_small,
)
from support.reading import message_of, same_stack, within

from ellimaps.core.stack import DELTA, PSI
from ellimaps.readers import list_datasets, open_stack
from ellimaps.samples.ep4_files import map_png


def test_several_data_sets(tmp_path: Path) -> None:
    write_small(tmp_path, "first", seed=1)
    write_small(tmp_path, "second_20240101000000000", seed=2)
    assert list_datasets(tmp_path) == ["first", "second_20240101000000000"]
    message = message_of(tmp_path)
    assert "2 data sets" in message
    assert "first, second_20240101000000000" in message
    np.testing.assert_array_equal(open_stack(tmp_path, dataset="first").values[::2], angles(1)[0])
    np.testing.assert_array_equal(open_stack(tmp_path / "first_002.png").values[::2], angles(1)[0])
    np.testing.assert_array_equal(
        open_stack(tmp_path, dataset="second_20240101000000000").values[::2], angles(2)[0]
    )
    assert "'third'" in message_of(tmp_path, "third")
    assert "first, second" in message_of(tmp_path, "third")
    assert "'second" in message_of(tmp_path / "first.ds.dat", "second_20240101000000000")


def test_one_listed_and_one_loose_data_set(tmp_path: Path) -> None:
    write_small(tmp_path, "listed", seed=1)
    write_small(tmp_path, "loose", seed=2)
    (tmp_path / "loose.ds.dat").unlink()
    assert list_datasets(tmp_path) == ["listed", "loose"]
    np.testing.assert_array_equal(open_stack(tmp_path, dataset="loose").values[1::2], angles(2)[1])


def test_two_tables_of_one_name(folder: Path) -> None:
    shutil.copy(table_of(folder), folder / f"{TAG}.dat")
    assert list_datasets(folder) == [f"{TAG}.ds.dat", f"{TAG}.dat"] or list_datasets(folder) == [
        f"{TAG}.dat",
        f"{TAG}.ds.dat",
    ]
    assert f"{TAG}.ds.dat" in message_of(folder)
    assert open_stack(folder, dataset=f"{TAG}.ds.dat").name == TAG


def test_many_data_sets_make_no_endless_message(tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / f"measurement_{number:02d}_of_a_long_night.ds.dat").write_text("#lambda\tDelta\tPsi\n")
    assert "and 30 more" in message_of(tmp_path)


def test_a_renamed_table_is_still_one_data_set(folder: Path) -> None:
    table_of(folder).rename(folder / "my film, 2nd try.v1.ds.dat")
    assert list_datasets(folder) == ["my film, 2nd try.v1"]
    assert open_stack(folder).name == "my film, 2nd try.v1"
    assert open_stack(pngs_of(folder)[0]).name == "my film, 2nd try.v1"


def test_a_name_that_ends_like_a_map_type(tmp_path: Path) -> None:
    write_small(tmp_path, "wafer_Psi")
    assert list_datasets(tmp_path) == ["wafer_Psi"]
    assert open_stack(tmp_path).n_bands == 6


def test_other_things_in_the_folder_do_not_matter(folder: Path) -> None:
    clean = open_stack(folder)
    data = pngs_of(folder)[0].read_bytes()
    spectrum = b"#ROIidx\tAOI\tLambda\tDelta\tPsi\n0\t50\t550\tNaN\t30\n0\t50\t575\t141,5\t30\n"
    others = {
        "._film_001.png": b"\0\5\x16\7",  # macOS writes these to memory sticks
        f"._{TAG}.ds.dat": b"\0\5\x16\7",
        "Thumbs.db": b"\xd0\xcf\x11\xe0",
        "notes.txt": b"# Delta looked odd\n",
        "clustershot.dat": b",WL_idx,WL,delta_cluster_0\n0,0,550,1\n",
        f"{TAG}_cluster_0.ds.dat": spectrum,
        "screenshot_1.png": data[:100],
        "photo_2.png": join_png([c for c in split_png(data) if c[0] != b"tEXt"]),
        "empty_3.png": b"",
    }
    write(folder, others)
    (folder / "sub_001.png").mkdir()
    (folder / "other.ds.dat").mkdir()
    assert list_datasets(folder) == [TAG]
    same_stack(open_stack(folder), clean)
    assert open_stack(folder).warnings == ()
    table_of_film = folder / f"{TAG}.ds.dat"
    table_of_film.unlink()
    same_stack(open_stack(folder), clean, ["quantity", "wavelength_nm", "aoi_deg", "file"])


@pytest.mark.parametrize("listed", [True, False])
def test_maps_of_other_types_are_left_out(folder: Path, listed: bool) -> None:
    for number, kind in enumerate(("Pmin", "Amin", "Image_float"), start=7):
        (folder / f"{TAG}_{number:03d}.png").write_bytes(map_png(angles(3)[0][0], kind, 500.0, 50.0))
        (folder / f"{TAG}_{kind}_{number:04d}.png").write_bytes(map_png(angles(3)[0][0], kind, 500.0, 50.0))
    if not listed:
        table_of(folder).unlink()
    stack = open_stack(folder)
    assert stack.quantities == [DELTA, PSI]
    assert stack.n_bands == 6
    assert stack.warnings == ()


def test_maps_that_the_table_does_not_list_are_reported(folder: Path) -> None:
    lines = table_of(folder).read_bytes().splitlines(keepends=True)
    table_of(folder).write_bytes(b"".join(lines[:-1]))
    (warning,) = open_stack(folder).warnings
    assert warning.startswith("2 Delta or Psi maps are not listed")
    assert f"{TAG}_005.png, {TAG}_006.png" in warning


@pytest.mark.parametrize("listed", [True, False])
def test_ten_thousand_unrelated_files(folder: Path, listed: bool) -> None:
    picture = join_png([c for c in split_png(pngs_of(folder)[0].read_bytes()) if c[0] != b"tEXt"])
    for number in range(5000):
        (folder / f"frame_{number}.png").write_bytes(picture)
        (folder / f"log{number}.csv").touch()
    if not listed:
        table_of(folder).unlink()
    with within(1):
        assert open_stack(folder).n_bands == 6


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "utf-8", "utf-16"])
@pytest.mark.parametrize("name", ["Probe\u2026 \u20ac5", "M\u00fcller 5\u00b5m", "plain"])
def test_names_beyond_ascii(tmp_path: Path, name: str, encoding: str) -> None:
    try:
        name.encode(encoding)
    except UnicodeEncodeError:
        pytest.skip(f"{encoding} cannot write this name")
    folder = write(tmp_path / name, small_files("x"))
    for path in [*pngs_of(folder), table_of(folder)]:
        path.rename(path.with_name(path.name.replace("x", name)))
    table_of(folder).write_bytes(
        table_of(folder).read_text("ascii").replace("x_0", f"{name}_0").encode(encoding)
    )
    assert open_stack(folder).n_bands == 6
    assert open_stack(pngs_of(folder)[0]).name == name
    assert open_stack(table_of(folder)).name == name


def test_names_decomposed_by_another_system(tmp_path: Path) -> None:
    folder = write(tmp_path, small_files("x"))
    for path in pngs_of(folder):
        path.rename(path.with_name(unicodedata.normalize("NFD", path.name.replace("x", "\u00e9"))))
    table_of(folder).write_bytes(
        table_of(folder).read_text("ascii").replace("x_0", "\u00e9_0").encode("utf-8")
    )
    assert open_stack(folder).n_bands == 6


def test_case_of_file_names(folder: Path) -> None:
    clean = open_stack(folder)
    for path in pngs_of(folder)[:3]:
        path.rename(path.with_name(path.name.upper()))
    info_of(folder).rename(folder / info_of(folder).name.title())
    stack = open_stack(folder)
    same_stack(stack, clean, ["quantity", "wavelength_nm"])
    assert stack.comment == clean.comment
    assert stack.bands["file"].iloc[0] == f"{TAG}_001.png".upper()
    assert open_stack(folder / f"{TAG}_001.png".upper()).name == TAG


def test_names_that_differ_in_case_only(folder: Path) -> None:
    twin = folder / f"{TAG}_001.PNG"
    twin.write_bytes(pngs_of(folder)[0].read_bytes())
    assert open_stack(folder).n_bands == 6
    (folder / f"{TAG}_001.png").rename(folder / f"{TAG}_001.Png")
    message = message_of(folder)
    assert f"{TAG}_001.png may be any of {TAG}_001.PNG and {TAG}_001.Png" in message
