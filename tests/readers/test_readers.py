"""Opening EP4 folders: right values from whole files, one readable sentence about everything else."""

from __future__ import annotations

import hashlib
import math
import os
import re
import shutil
import struct
import time
import tracemalloc
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from support.ep4_tools import (
    RAW_KEY,
    TAG,
    angles,
    change_chunk,
    check_sentence,
    chunk_bytes,
    drop_chunk,
    edit,
    info_of,
    join_png,
    pngs_of,
    small_files,
    split_png,
    table_of,
    write,
    write_angle_series,
    write_small,
)

from ellimaps.core.errors import EllimapsError, ReadError, SettingError
from ellimaps.core.stack import DELTA, PSI, ImageStack
from ellimaps.readers import accurion_dat, list_datasets, open_stack
from ellimaps.samples import sample_ep4
from ellimaps.samples.ep4_files import MapSeries, ep4_files, map_png

MICRO = "\u00b5"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A wavelength series of 3 x 2 maps of 6 x 8 pixels."""
    return write_small(tmp_path / "film")


def pil_values(path: Path) -> np.ndarray:
    """The float map of a PNG, by way of Pillow's parser."""
    with Image.open(path) as image:
        image.load()
        width, height = image.size
        raw = image.text[".ACCURION_RAWDATA"].encode("latin-1")  # type: ignore[attr-defined]
    return np.frombuffer(raw[-4 * width * height :], ">f4").reshape(height, width)


def same_stack(one: ImageStack, other: ImageStack, columns: list[str] | None = None) -> None:
    columns = columns or list(one.bands)
    np.testing.assert_array_equal(one.values, other.values)
    assert one.bands[columns].equals(other.bands[columns])


def message_of(path: Path, dataset: str | None = None) -> str:
    """The error that opening the path ends in: one readable sentence."""
    with pytest.raises(ReadError) as caught:
        open_stack(path, dataset=dataset)
    message = str(caught.value)
    check_sentence(message)
    return message


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Bound the processor time, which a busy machine does not stretch as it does the clock."""
    start = time.process_time()
    yield
    assert time.process_time() - start < seconds


def refusal(path: Path) -> str:
    """The error a hostile path ends in, at once and with memory in proportion to the folder's files."""
    with within(1):
        message = message_of(path)
    files = path.iterdir() if path.is_dir() else [path]
    size = sum(file.stat().st_size for file in files if file.is_file())
    tracemalloc.start()
    try:
        assert message_of(path) == message
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4e6 + 40 * size
    return message


# --- the real measurement ---


def test_real_folder(real_hbn: Path) -> None:
    before = {path.name: (path.stat().st_mtime_ns, path.stat().st_size) for path in real_hbn.iterdir()}
    stack = open_stack(real_hbn)
    assert stack.values.shape == (22, 260, 344)
    assert stack.values.dtype == np.float32
    assert stack.wavelengths_nm == list(np.arange(550.0, 801.0, 25.0))
    assert stack.angles_deg == [50.0]
    assert list(stack.bands["quantity"]) == [DELTA, PSI] * 11
    assert stack.pixel_aspect == pytest.approx(1 / math.cos(math.radians(50)), rel=1e-5)
    assert stack.acquired_at == datetime(2016, 4, 6, 14, 27, 46, 988000)
    assert stack.name == "hBN_20160406142746988"
    assert stack.source == real_hbn.resolve()
    assert "MoS2 flakes on Al nanorods" in stack.comment
    assert set(stack.bands["unit"]) == {"deg"}
    assert stack.bands["stage_x_mm"].iloc[0] == 2.474
    assert stack.bands["stage_y_mm"].iloc[0] == 2.558
    assert stack.bands["time_s"].iloc[0] == 0.185
    assert stack.bands["bandwidth_nm"].isna().all()
    assert stack.warnings == ()
    assert {
        path.name: (path.stat().st_mtime_ns, path.stat().st_size) for path in real_hbn.iterdir()
    } == before


def test_real_values_agree_with_another_parser(real_hbn: Path) -> None:
    stack = open_stack(real_hbn)
    for band, file in enumerate(stack.bands["file"]):
        np.testing.assert_array_equal(stack.values[band], pil_values(real_hbn / file))
    missing = np.isnan(stack.values).sum(axis=(1, 2))
    assert missing.max() == 3873
    assert missing[14:].max() < 3873
    # By hand, with xxd: the last four bytes of the first chunk's map.
    raw = (real_hbn / "hBN_20160406142746988_001.png").read_bytes()
    end = raw.index(RAW_KEY) + 357830
    assert stack.values[0, -1, -1] == struct.unpack(">f", raw[end - 4 : end])[0]
    assert 100 < stack.values[0, -1, -1] < 200


def test_real_folder_without_its_table(real_hbn: Path, tmp_path: Path) -> None:
    for path in real_hbn.iterdir():
        if not path.name.endswith(".ds.dat"):
            (tmp_path / path.name).symlink_to(path)
    bare, listed = open_stack(tmp_path), open_stack(real_hbn)
    same_stack(bare, listed, ["quantity", "wavelength_nm", "aoi_deg", "file", "unit", "time_s"])
    assert bare.pixel_aspect == listed.pixel_aspect
    assert bare.acquired_at == listed.acquired_at
    assert bare.comment == listed.comment
    assert bare.name == listed.name


@pytest.mark.parametrize("name", ["hBN_20160406142746988.ds.dat", "hBN_20160406142746988_007.png"])
def test_real_files_open_their_folder(real_hbn: Path, name: str) -> None:
    same_stack(open_stack(real_hbn / name), open_stack(real_hbn))


def test_real_spectrum_is_not_a_map(shared_data: Path) -> None:
    message = message_of(next((shared_data / "ep4_roi").glob("*.ds.dat")))
    assert "Si3N4_on_4inBF33_W02_20240903-150451.ds.dat holds a spectrum of numbers" in message
    assert "holds no Delta and Psi maps" in message_of(shared_data / "ep4_roi")


# --- generated measurements ---


def test_values_bands_and_facts(folder: Path) -> None:
    delta, psi = angles(0)
    seen: list[tuple[int, int, str]] = []
    stack = open_stack(folder, on_progress=lambda *told: seen.append(told))
    np.testing.assert_array_equal(stack.values[::2], delta)
    np.testing.assert_array_equal(stack.values[1::2], psi)
    assert list(stack.bands["file"]) == [path.name for path in pngs_of(folder)]
    assert stack.wavelengths_nm == [500.0, 600.0, 700.0]
    assert stack.acquired_at == datetime(2024, 2, 29, 8, 15, 30, 250000)
    assert stack.comment == "Sample Description: a note\n\nComment:"
    assert [told for told in seen if told[2] == "reading maps"] == [
        (n, 6, "reading maps") for n in range(1, 7)
    ]
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    assert stack.inputs == digests


def test_the_sample_generator_and_the_reader_agree(tmp_path: Path) -> None:
    folder = sample_ep4(tmp_path / "sample", seed=1, size=(32, 40), bands=4, wrap=True)
    stack = open_stack(folder)
    assert stack.shape == (32, 40)
    assert stack.wavelengths_nm == [450.0, 550.0, 650.0, 750.0]
    assert stack.angles_deg == [76.0]
    for band, file in enumerate(stack.bands["file"]):
        np.testing.assert_array_equal(stack.values[band], pil_values(folder / file))


def test_opening_leaves_the_folder_alone(folder: Path) -> None:
    table_of(folder).chmod(0o400)
    folder.chmod(0o500)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    open_stack(folder)
    list_datasets(folder)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()} == before
    folder.chmod(0o700)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc to list open files")
def test_no_file_stays_open(folder: Path) -> None:
    table_of(folder).unlink()
    before = len(list(Path("/proc/self/fd").iterdir()))
    open_stack(folder)
    pngs_of(folder)[3].write_bytes(pngs_of(folder)[3].read_bytes()[:200])
    message_of(folder)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_stopping_from_the_progress_callback(folder: Path) -> None:
    def stop(done: int, _total: int, what: str) -> None:
        if what == "reading maps" and done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_stack(folder, on_progress=stop)


def test_a_measurement_that_is_still_being_written(folder: Path) -> None:
    def write_again(done: int, total: int, what: str) -> None:
        if what == "checking maps" and done == total:
            pngs_of(folder)[4].write_bytes(map_png(np.ones((6, 8)), "Delta", 701.0, 50.0))

    with pytest.raises(ReadError, match=f"{TAG}_005.png changed while it was read: ") as caught:
        open_stack(folder, on_progress=write_again)
    check_sentence(str(caught.value))


@pytest.mark.parametrize("listed", [True, False])
def test_angle_series(tmp_path: Path, listed: bool) -> None:
    folder, order = write_angle_series(tmp_path / "series")
    if not listed:
        table_of(folder).unlink()
    stack = open_stack(folder)
    delta, psi = angles(7, (6, 6, 8))
    np.testing.assert_array_equal(stack.values[::2], delta)
    np.testing.assert_array_equal(stack.values[1::2], psi)
    assert list(zip(stack.bands["aoi_deg"][::2], stack.bands["wavelength_nm"][::2], strict=True)) == order
    assert list(stack.bands["quantity"]) == [DELTA, PSI] * 6
    assert len(stack.pairs()) == 6
    assert stack.name == "Si3N4_W02"
    if listed:
        assert stack.bands["time_s"].iloc[0] == pytest.approx(0.115908)
        assert stack.bands["bandwidth_nm"].iloc[0] == 6.1


def test_angle_series_whose_table_has_no_wavelength_column(tmp_path: Path) -> None:
    folder, _ = write_angle_series(tmp_path / "series")
    table = table_of(folder)
    rows = [line.split("\t") for line in table.read_text("ascii").splitlines()]
    table.write_text("\n".join("\t".join(row[:1] + row[2:]) for row in rows), "ascii")
    stack = open_stack(folder)
    assert list(stack.bands["wavelength_nm"][:6:2]) == [450.0, 550.5, 650.0]


def test_angles_that_only_the_maps_know(tmp_path: Path) -> None:
    folder, order = write_angle_series(tmp_path / "series")
    table = table_of(folder)
    table.write_text(re.sub(r"(?m)^\d\S+", "NaN", table.read_text("ascii")), "ascii")
    assert list(open_stack(folder).bands["aoi_deg"][::2]) == [angle for angle, _ in order]


# --- several data sets, and what else lies in a folder ---


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


def test_a_commented_row_is_left_out(folder: Path) -> None:
    edit(table_of(folder), ("\n600.0", "\n#600.0"))
    assert open_stack(folder).wavelengths_nm == [500.0, 700.0]


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


# --- the table, written in other ways ---


def test_column_names_in_any_case(folder: Path) -> None:
    edit(
        table_of(folder),
        ("#lambda", "#LAMBDA"),
        ("AOI", "aoi"),
        ("X_pos", "x_POS"),
        ("Delta", "DELTA"),
        ("Psi", "psi"),
    )
    stack = open_stack(folder)
    assert stack.wavelengths_nm == [500.0, 600.0, 700.0]
    assert stack.bands["stage_x_mm"].notna().all()


def test_no_unit_row(folder: Path) -> None:
    clean = open_stack(folder)
    lines = table_of(folder).read_bytes().splitlines(keepends=True)
    table_of(folder).write_bytes(b"".join(lines[:1] + lines[2:]))
    same_stack(open_stack(folder), clean)


def test_only_the_columns_that_are_needed(folder: Path) -> None:
    rows = [f"{w}\t{TAG}_{n:03d}.png\t{TAG}_{n + 1:03d}.png" for w, n in ((500, 1), (600, 3), (700, 5))]
    table_of(folder).write_text("\n".join(["#Lambda\tDelta\tPsi", *rows]))
    stack = open_stack(folder)
    assert stack.angles_deg == [50.0]
    assert stack.bands["time_s"].iloc[0] == 0.185
    assert stack.bands["stage_x_mm"].isna().all()


def test_units_are_converted(folder: Path) -> None:
    table = table_of(folder)
    edit(
        table,
        ("#nm\tnm\tdeg\t-\ts\tmm", f"#{MICRO}m\tnm\trad\t-\tms\t{MICRO}m"),
        ("\t0.000\t0.000", "\t1500\t0.000"),
    )
    edit(
        table, ("\n500.0\tNaN\t50.000", "\n0.5\t2.5\t0.872664626"), ("\n600.0", "\n0.6"), ("\n700.0", "\n0.7")
    )
    edit(table, ("0.6\tNaN\t50.000", "0.6\tNaN\tNaN"), ("0.7\tNaN\t50.000", "0.7\tNaN\t"))
    stack = open_stack(folder)
    assert stack.wavelengths_nm == pytest.approx([500.0, 600.0, 700.0])
    assert stack.angles_deg == [50.0]
    assert stack.bands["stage_x_mm"].iloc[0] == pytest.approx(1.5)
    assert stack.bands["time_s"].iloc[0] == pytest.approx(0.185e-3)
    assert stack.bands["bandwidth_nm"].iloc[0] == 2.5


def test_a_unit_that_is_not_known(folder: Path) -> None:
    edit(table_of(folder), ("\ts\tmm", "\tfortnight\tmm"))
    assert open_stack(folder).bands["stage_x_mm"].notna().all()
    edit(table_of(folder), ("#nm", "#eV"))
    message = message_of(folder)
    assert f"{TAG}.ds.dat" in message
    assert "'ev'" in message


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.replace("\n", "\r\n").encode("latin-1"),
        lambda text: text.replace("\n", "\r").encode("latin-1"),
        lambda text: text.encode("utf-8"),
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.encode("utf-16"),
        lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
        lambda text: text.replace("mm", f"{MICRO}m").encode("latin-1"),
        lambda text: text.replace("mm", f"{MICRO}m").encode("utf-8-sig"),
        lambda text: text.replace("mm", "\u03bcm").encode("utf-16"),
        lambda text: ("\n\n" + text.replace("\n", "\t\n\n") + "\n \t\n").encode("ascii"),
        lambda text: re.sub(r"(\d)\.(\d)", r"\1,\2", text).encode("ascii"),
        lambda text: text.replace("\t", " \t ").encode("ascii"),
        lambda text: text.replace(TAG + "_", f"D:\\data\\old\\{TAG}_").encode("ascii"),
        lambda text: text.replace(TAG + "_", f"/mnt/old/{TAG}_").encode("ascii"),
    ],
    ids=[
        "crlf", "cr", "utf8", "utf8 bom", "utf16", "utf16 big endian", "latin1 micro", "utf8 bom micro",
        "utf16 greek mu", "blanks", "decimal comma", "padded cells", "windows paths", "unix paths",
    ],
)  # fmt: skip
def test_other_encodings_and_ways_to_write(folder: Path, encode) -> None:  # type: ignore[no-untyped-def]
    clean = open_stack(folder)
    table = table_of(folder)
    table.write_bytes(encode(table.read_text("ascii")))
    assert list_datasets(folder) == [TAG]
    same_stack(open_stack(folder), clean)


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


# --- errors, each with the file in it ---


@pytest.mark.parametrize("missing", [0, 3, 5])
def test_missing_png(folder: Path, missing: int) -> None:
    png = pngs_of(folder)[missing]
    png.unlink()
    assert message_of(folder).startswith(f"{png.name} is missing in {folder}")


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("keep", [0, 4, 8, 30, 60, 200, -20, -1])
def test_truncated_png(folder: Path, keep: int, listed: bool) -> None:
    png = pngs_of(folder)[2]
    png.write_bytes(png.read_bytes()[:keep])
    if not listed:
        table_of(folder).unlink()
    assert message_of(folder).startswith(f"{png.name} is truncated")


def test_png_that_is_something_else(folder: Path) -> None:
    png = pngs_of(folder)[2]
    png.write_bytes(b"\xff\xd8\xff\xe0 a JPEG")
    assert message_of(folder).startswith(f"{png.name} is not a PNG file")


def test_png_without_float_chunk(folder: Path) -> None:
    drop_chunk(pngs_of(folder)[1], RAW_KEY)
    for path in (folder, pngs_of(folder)[1]):
        assert message_of(path).startswith(f"{TAG}_002.png is an ordinary picture without a float map")
    table_of(folder).unlink()
    assert message_of(folder).startswith(f"{TAG}_002.png is an ordinary picture without a float map")


@pytest.mark.parametrize("name", ["photo.png", "photo_1.png"])
def test_an_ordinary_picture(folder: Path, name: str) -> None:
    photo = folder / name
    photo.write_bytes(join_png([c for c in split_png(pngs_of(folder)[0].read_bytes()) if c[0] != b"tEXt"]))
    assert message_of(photo).startswith(f"{name} is an ordinary picture")
    assert open_stack(photo, dataset=TAG).n_bands == 6


def test_sizes_that_differ(folder: Path) -> None:
    png = pngs_of(folder)[3]
    png.write_bytes(map_png(np.ones((6, 9)), "Psi", 600.0, 50.0))
    assert f"{png.name} is 6 x 9 pixels but {TAG}_001.png is 6 x 8" in message_of(folder)


@pytest.mark.parametrize(
    ("quantity", "wavelength", "angle", "says"),
    [("Psi", 500.0, 50.0, "a Psi map"), ("Delta", 501.0, 50.0, "501 nm"), ("Delta", 500.0, 51.0, "51 deg"),
     ("Pmin", 500.0, 50.0, "a Pmin map")],
)  # fmt: skip
def test_table_that_contradicts_a_map(
    folder: Path, quantity: str, wavelength: float, angle: float, says: str
) -> None:
    png = pngs_of(folder)[0]
    png.write_bytes(map_png(angles(0)[0][0], quantity, wavelength, angle))
    message = message_of(folder)
    assert f"{TAG}.ds.dat lists {png.name}" in message
    assert says in message


def test_small_differences_are_no_contradiction(folder: Path) -> None:
    pngs_of(folder)[0].write_bytes(map_png(angles(0)[0][0], "Delta", 500.4, 50.05))
    stack = open_stack(folder)
    assert stack.wavelengths_nm == [500.0, 600.0, 700.0]
    assert stack.angles_deg == [50.0]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("\n600.0", "\n500.0", "twice"),
        ("\n600.0", "\nNaN", "no wavelength"),
        ("\n600.0", "\n", "no wavelength"),
        ("\n600.0", "\n-600", "no wavelength"),
        ("\n600.0", "\n0", "no wavelength"),
        ("\n600.0", "\ninf", "'inf' instead of a number"),
        ("\n600.0", "\n6e999", "'6e999' instead of a number"),
        ("\n600.0", "\n6_00.0", "'6_00.0' instead of a number"),
        ("\n600.0", "\nred", "'red' instead of a number in column lambda, data row 2"),
        ("\n600.0\tNaN\t50.000", "\n600.0\tNaN\tsteep", "'steep' instead of a number in column AOI"),
        ("\tPsi\n", "\tM\n", "a Delta column but no Psi column"),
        ("\tDelta\t", "\tM\t", "a Psi column but no Delta column"),
        ("bandwidth", "Wavelength", "two columns for Wavelength"),
        (f"\t{TAG}_004.png", "\tNaN", "names no Psi map in data row 2"),
        (f"{TAG}_001.png", "", "names no Delta map in data row 1"),
        (f"{TAG}_004.png", f"{TAG}_002.png", "lists"),
        (f"{TAG}_004.png", "..", "names no Psi map"),
        (f"{TAG}_004.png", "other\\", "other is missing"),
        (f"{TAG}_004.png", "a" * 3000 + ".png", "names no Psi map"),
        (f"{TAG}_004.png", "a\0b.png", "names no Psi map"),
        (f"{TAG}_004.png", "12", "12 is missing"),
        (f"\t{TAG}_004.png", "", "9 cells instead of 10 in data row 2"),
        (f"\t{TAG}_004.png", f"\t{TAG}_004.png\tmore", "11 cells instead of 10"),
        ("#lambda", "lambda", "no header line"),
    ],
)  # fmt: skip
def test_damaged_table(folder: Path, old: str, new: str, says: str) -> None:
    edit(table_of(folder), (old, new))
    message = message_of(folder)
    assert f"{TAG}.ds.dat" in message
    assert says in message


def test_maps_that_say_nothing_about_themselves(folder: Path) -> None:
    clean = open_stack(folder)
    for png in pngs_of(folder):
        drop_chunk(png, b"Map\0")
    same_stack(open_stack(folder), clean)
    edit(table_of(folder), (f"{TAG}_004.png", f"{TAG}_002.png"))
    assert f"{TAG}.ds.dat lists {TAG}_002.png twice" in message_of(folder)
    table_of(folder).unlink()
    assert "holds no Delta and Psi maps" in message_of(folder)


def test_duplicate_wavelength_without_table(folder: Path) -> None:
    table_of(folder).unlink()
    pngs_of(folder)[2].write_bytes(map_png(angles(0)[0][0], "Delta", 500.0, 50.0))
    message = message_of(folder)
    assert "The folder film lists Delta 500 nm and 50 deg twice" in message
    assert f"{TAG}_003.png" in message


@pytest.mark.parametrize("value", [math.nan, math.inf, 0.0, -1.0])
def test_missing_wavelength_without_table(folder: Path, value: float) -> None:
    table_of(folder).unlink()
    change_chunk(
        pngs_of(folder)[2], b"Map\0", lambda text: text[:-26] + struct.pack(">d", value) + text[-18:]
    )
    assert f"gives no wavelength for {TAG}_003.png" in message_of(folder)


@pytest.mark.parametrize("gone", [0, 1])
def test_delta_without_psi(folder: Path, gone: int) -> None:
    table_of(folder).unlink()
    pngs_of(folder)[gone].unlink()
    present, absent = ("Psi", "Delta") if gone == 0 else ("Delta", "Psi")
    message = message_of(folder)
    assert f"has a {present} map without its {absent} map at 500 nm" in message
    assert pngs_of(folder)[0].name in message


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_map_without_any_value(folder: Path, value: float) -> None:
    png = pngs_of(folder)[2]
    png.write_bytes(png.read_bytes())
    change_chunk(png, RAW_KEY, lambda text: text[:-192] + struct.pack(">f", value) * 48)
    message = message_of(folder)
    assert message.startswith(f"{png.name} has no measured pixel")
    assert "600 nm" in message


@pytest.mark.parametrize("shape", [(6, 9), (8, 6), (0, 0), (2**31, 2**31), (1, 48)])
def test_float_map_of_another_size_than_the_picture(folder: Path, shape: tuple[int, int]) -> None:
    png = pngs_of(folder)[1]
    change_chunk(png, RAW_KEY, lambda text: text[:-200] + struct.pack(">II", *shape) + text[-192:])
    message = message_of(folder)
    assert message.startswith(f"{png.name} is damaged")
    assert f"declares {shape[0]} x {shape[1]} float values but 6 x 8 pixels" in message


@pytest.mark.parametrize("cut", [0, 1, 11, 20, 40, 51, 240, -4, -1])
def test_float_map_that_is_too_short(folder: Path, cut: int) -> None:
    png = pngs_of(folder)[1]
    change_chunk(png, RAW_KEY, lambda text: text[:cut])
    assert message_of(folder).startswith(f"{png.name} is damaged")


@pytest.mark.parametrize("shape", [(0, 8), (6, 0)])
def test_picture_without_pixels(folder: Path, shape: tuple[int, int]) -> None:
    png = pngs_of(folder)[0]
    change_chunk(png, b"IHDR", lambda text: struct.pack(">II", shape[1], shape[0]) + text[8:])
    change_chunk(png, RAW_KEY, lambda text: text[:-200] + struct.pack(">II", *shape))
    assert f"it declares an image of {shape[0]} x {shape[1]} pixels" in message_of(folder)


def test_float_map_that_is_too_long(folder: Path) -> None:
    png = pngs_of(folder)[1]
    change_chunk(png, RAW_KEY, lambda text: text + bytes(4))
    assert "does not have the declared size of 6 x 8 values" in message_of(folder)


@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_wrong_checksum(folder: Path, place: int) -> None:
    png = pngs_of(folder)[1]
    chunks = split_png(png.read_bytes())
    parts = [chunk_bytes(*chunk, good_sum=number != place) for number, chunk in enumerate(chunks)]
    png.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    assert re.match(rf"{png.name} is damaged \(the checksum of its \S+ chunk is wrong\)", message_of(folder))


def test_two_maps_in_one_png(folder: Path) -> None:
    png = pngs_of(folder)[1]
    chunks = split_png(png.read_bytes())
    png.write_bytes(join_png([*chunks[:2], chunks[1], *chunks[2:]]))
    assert message_of(folder).startswith(f"{png.name} is damaged (it holds two .ACCURION_RAWDATA chunks)")


def test_chunks_in_another_order(folder: Path) -> None:
    clean = open_stack(folder)
    header, *others, end = split_png(pngs_of(folder)[1].read_bytes())
    pngs_of(folder)[1].write_bytes(join_png([header, *reversed(others), end]) + b"something after the end")
    same_stack(open_stack(folder), clean)
    pngs_of(folder)[1].write_bytes(join_png([*others, header, end]))
    assert "first chunk is not the image header" in message_of(folder)


def test_impossible_values_are_taken_out_and_reported(folder: Path) -> None:
    png = pngs_of(folder)[1]
    odd = (
        struct.pack(">f", math.inf) + struct.pack(">f", -400.0) + b"\x7f\x80\0\1"
    )  # the last is a signalling NaN
    change_chunk(png, RAW_KEY, lambda text: text[:-12] + odd)
    stack = open_stack(folder)
    assert np.isnan(stack.values[1, -1, -3:]).all()
    assert stack.warnings == (f"{png.name} holds 2 impossible values; they count as not measured.",)


def test_many_missing_values_are_reported(tmp_path: Path) -> None:
    delta, psi = angles(0)
    delta[1, 3:] = np.nan
    write(tmp_path, ep4_files(MapSeries("x", "", np.array([500.0, 600.0, 700.0]), 50.0, delta, psi)))
    (warning,) = open_stack(tmp_path).warnings
    assert warning == "Delta 600 nm has no value in 54% of its pixels."


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"just text", b"\0" * 5000, b"\xff\xfe", b"\xff\xfe\0\xd8"]
)
def test_table_that_is_none(folder: Path, content: bytes) -> None:
    table = table_of(folder)
    table.write_bytes(content)
    for path in (folder, table):
        assert message_of(path).startswith(f"{table.name} is not a data set table")


def test_table_that_ends_after_its_header(folder: Path) -> None:
    table = table_of(folder)
    table.write_bytes(b"".join(table.read_bytes().splitlines(keepends=True)[:2]))
    assert message_of(folder).startswith(f"{table.name} lists no maps")


# --- paths ---


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
    read = Path.read_bytes

    def fail(path: Path) -> bytes:
        if path.suffix == ".png":
            raise OSError(5, "Input/output error")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", fail)
    assert message_of(folder).startswith(f"{TAG}_001.png cannot be read (Input/output error)")


# --- the description ---


def test_without_description(folder: Path) -> None:
    info_of(folder).unlink()
    stack = open_stack(folder)
    assert stack.comment == ""
    assert stack.acquired_at == datetime(2024, 2, 29, 8, 15, 30, 250000)
    assert stack.warnings == ()


def test_start_time_from_the_description_where_the_name_has_none(tmp_path: Path) -> None:
    folder = write_small(tmp_path, tag="film_99999999999999999")
    assert open_stack(folder).acquired_at is None
    edit(info_of(folder), ("<keys>delta_wrapping</keys>", "<keys>measurement_start</keys>"))
    edit(info_of(folder), ("<values>0-360\u00b0</values>", "<values>06.04.2016  14:15:54</values>"))
    assert open_stack(folder).acquired_at == datetime(2016, 4, 6, 14, 15, 54)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<DS_info_out>",
        b"\0" * 100,
        b"\xff\xfe<\0",
        b"<?xml version='1.0'?>" * 2,
        b"<a>" * 340_000,
        b"<a>" * 140_000 + b"</a>" * 140_000,
        b" " * 3_000_000,
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
    ],
)  # fmt: skip
def test_a_damaged_description_is_a_warning(folder: Path, content: bytes) -> None:
    info_of(folder).write_bytes(content)
    with within(1):
        stack = open_stack(folder)
    assert all(warning.startswith(info_of(folder).name) for warning in stack.warnings)
    assert ("is larger than 1 MB" in "".join(stack.warnings)) == (len(content) > 2**20)
    assert stack.comment == ""
    assert stack.n_bands == 6


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_do_not_expand(folder: Path, encoding: str) -> None:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    head = f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e0 "lol">{levels}]>'
    bomb = head + "<DS_info_out><comment>&e9;</comment></DS_info_out>"
    info_of(folder).write_bytes(bomb.encode(encoding))
    tracemalloc.start()
    with within(1):
        stack = open_stack(folder)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4e6
    assert "declares a document type" in stack.warnings[0]
    assert stack.comment == ""


def test_declared_encodings_of_the_description(folder: Path) -> None:
    text = '<?xml version="1.0" encoding="{}"?><DS_info_out><comment>5 \u00b5m \u00e4</comment></DS_info_out>'
    for encoding in ("utf-8", "latin-1", "utf-16", "utf-8-sig"):
        info_of(folder).write_bytes(text.format(encoding).encode(encoding))
        assert open_stack(folder).comment == "5 \u00b5m \u00e4"


# --- hostile files: an error within a second, memory in proportion to the files ---


@pytest.mark.parametrize("place", range(6))
@pytest.mark.parametrize("length", [2**32 - 1, 2**31, 10_000])
def test_a_chunk_that_claims_to_be_huge(folder: Path, place: int, length: int) -> None:
    png = pngs_of(folder)[1]
    parts = [chunk_bytes(*chunk) for chunk in split_png(png.read_bytes())]
    parts[place] = struct.pack(">I", length) + parts[place][4:]
    png.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    assert refusal(folder).startswith(f"{png.name} is truncated")


@pytest.mark.parametrize("shape", [(2**31 - 1, 2**31 - 1), (2**32 - 1, 1), (0, 8), (6, 0), (60000, 80000)])
@pytest.mark.parametrize("listed", [True, False])
def test_a_picture_that_claims_to_be_huge(folder: Path, shape: tuple[int, int], listed: bool) -> None:
    if not listed:
        table_of(folder).unlink()
    for png in pngs_of(folder):
        change_chunk(png, b"IHDR", lambda text: struct.pack(">II", shape[1], shape[0]) + text[8:])
        change_chunk(png, RAW_KEY, lambda text: text[:-200] + struct.pack(">II", *shape) + text[-192:])
    assert refusal(folder).startswith(f"{TAG}_001.png is damaged")


def test_one_large_map_and_a_long_list(tmp_path: Path) -> None:
    large = map_png(np.ones((1000, 1000)), "Delta", 500.0, 50.0)
    write(tmp_path, {"a.png": large})
    rows = []
    for number in range(1500):
        rows.append(f"{number + 500}\tb{number}.png\tc{number}.png")
        (tmp_path / f"b{number}.png").write_bytes(b"")
        (tmp_path / f"c{number}.png").write_bytes(b"")
    (tmp_path / "x.ds.dat").write_text("\n".join(["#lambda\tDelta\tPsi", "400\ta.png\tc0.png", *rows[1:]]))
    assert "is truncated" in refusal(tmp_path)


def test_maps_that_need_more_memory_than_there_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_named: object) -> None:
        raise MemoryError

    monkeypatch.setattr("ellimaps.core.scratch.np", SimpleNamespace(**(vars(np) | {"zeros": refuse})))
    with pytest.raises(SettingError, match="fit neither in memory nor"):
        open_stack(folder)


def test_a_million_chunks(folder: Path) -> None:
    png = pngs_of(folder)[1]
    header, *others = split_png(png.read_bytes())
    start = join_png([header])
    png.write_bytes(start + chunk_bytes(b"teSt", b"") * 1_000_000 + join_png(others)[8:])
    assert refusal(folder).startswith(f"{png.name} is damaged (it has more than")


def test_a_huge_text_chunk(folder: Path) -> None:
    png = pngs_of(folder)[1]
    change_chunk(png, b"Map\0", lambda text: bytes(20_000_000) + text)
    assert refusal(folder).startswith(f"{png.name} is damaged (its Map chunk is 20000")


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


@pytest.mark.parametrize("rows", [15_000, 500_000])
def test_a_table_that_lists_very_many_maps(folder: Path, rows: int) -> None:
    table = table_of(folder)
    lines = [f"{n + 1}\ta{n}.png\tb{n}.png" if rows == 15_000 else "1\ta\tb" for n in range(rows)]
    table.write_text("\n".join(["#lambda\tDelta\tPsi", *lines]))
    message = refusal(folder)
    assert message.startswith(
        "a0.png is missing" if rows == 15_000 else f"{table.name} has 500001 lines and 3 columns"
    )


def test_a_table_of_one_endless_line(folder: Path) -> None:
    table = table_of(folder)
    head = b"#Delta\tPsi\n"
    table.write_bytes(b"#" + b"\t" * 4_000_000)
    assert "1 lines and 4000001 columns" in refusal(folder)
    for content in (head + b"x" * 4_000_000, head + b"\t" * 4_000_000):
        table.write_bytes(content)
        assert refusal(folder).startswith(table.name)
    table.write_bytes(head * 500_000)
    assert refusal(folder).startswith(f"{table.name} is larger than 4 MB")


# --- properties of the table ---

CELL = st.one_of(
    st.sampled_from(["", "NaN", "-", "550", "550,5", "1e3", "1e999", "-inf", "0x10", "1_0"]),
    st.sampled_from(["a.png", "b.png", "#", ".."]),
    st.text(max_size=8),
)  # fmt: skip
LABEL = st.one_of(
    st.sampled_from(["lambda", "AOI", "Delta", "PSI", "time", "X_pos", "zone", ""]), st.text(max_size=8)
)


@settings(max_examples=150, deadline=None)
@given(
    header=st.lists(LABEL, min_size=1, max_size=8),
    rows=st.lists(st.lists(CELL, min_size=1, max_size=8), max_size=4),
    encoding=st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]),
    newline=st.sampled_from(["\n", "\r\n"]),
)
def test_any_table_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory,
    header: list[str],
    rows: list[list[str]],
    encoding: str,
    newline: str,
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.ds.dat"
    text = newline.join(["#" + "\t".join(header), *("\t".join(row) for row in rows)])
    path.write_bytes(text.encode(encoding, errors="replace"))
    try:
        table = accurion_dat.read_table(path)
    except EllimapsError as error:
        check_sentence(str(error).replace("None", ""))
        return
    assert {"Delta", "Psi"} <= set(table)
    assert all(
        np.isfinite(table[column].dropna()).all() for column in table if column not in ("Delta", "Psi")
    )
    assert all(isinstance(name, str) and name for name in table["Delta"])


@settings(max_examples=60, deadline=None)
@given(
    wavelengths=st.lists(st.integers(2000, 99999), min_size=1, max_size=12, unique=True),
    angle=st.integers(0, 90_000),
    comma=st.booleans(),
    encoding=st.sampled_from(["ascii", "utf-16", "utf-8-sig"]),
    order=st.permutations(["lambda", "AOI", "Delta", "Psi", "M"]),
)
def test_a_table_gives_back_what_was_written(
    tmp_path_factory: pytest.TempPathFactory,
    wavelengths: list[int],
    angle: int,
    comma: bool,
    encoding: str,
    order: list[str],
) -> None:
    path = tmp_path_factory.getbasetemp() / "written.ds.dat"
    rows = []
    for number, wavelength in enumerate(wavelengths):
        numbers = {"lambda": f"{wavelength / 10:.1f}", "AOI": f"{angle / 1000:.3f}", "M": "NaN"}
        cells = {label: text.replace(".", ",") if comma else text for label, text in numbers.items()}
        cells |= {"Delta": f"d{number}.png", "Psi": f"p{number}.png"}
        rows.append("\t".join(cells[label] for label in order))
    path.write_bytes("\n".join(["#" + "\t".join(order), *rows]).encode(encoding))
    table = accurion_dat.read_table(path)
    assert list(table["wavelength_nm"]) == [wavelength / 10 for wavelength in wavelengths]
    assert set(table["aoi_deg"]) == {angle / 1000}
    assert list(table["Psi"]) == [f"p{number}.png" for number in range(len(wavelengths))]
