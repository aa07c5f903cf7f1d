"""EP4 data sets: right values from whole ones, one readable sentence about everything else."""

from __future__ import annotations

import hashlib
import math
import re
import struct
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from support.ep4_tools import (
    RAW_KEY,
    TAG,
    angles,
    change_chunk,
    check_sentence,
    drop_chunk,
    edit,
    pngs_of,
    table_of,
    write,
    write_angle_series,
)
from support.reading import message_of, pil_values, refusal, same_stack

from ellimaps.core.errors import ReadError, SettingError
from ellimaps.core.stack import DELTA, PSI
from ellimaps.readers import list_datasets, open_stack
from ellimaps.samples import sample_ep4
from ellimaps.samples.ep4_files import MapSeries, ep4_files, map_png

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


# --- errors, each with the file in it ---


@pytest.mark.parametrize("missing", [0, 3, 5])
def test_missing_png(folder: Path, missing: int) -> None:
    png = pngs_of(folder)[missing]
    png.unlink()
    assert message_of(folder).startswith(f"{png.name} is missing in {folder}")


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


@pytest.mark.parametrize("value", [math.nan, math.inf, 0.0, -1.0, 1e308])
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


# --- hostile files: an error within a second, memory in proportion to the files ---


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
