from __future__ import annotations

import contextlib
import json
import lzma
import struct
import tomllib
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from support.stacks import one_sentence

from ellimaps.core.errors import ReadError, SettingError
from ellimaps.core.stack import band_label, stack_facts
from ellimaps.maps.pipeline import run
from ellimaps.maps.recipe import python_lines, recipe_text, settings_of
from ellimaps.maps.settings import Settings
from ellimaps.readers import list_datasets, open_stack

OME = {
    "axes": "TCYX",
    "PhysicalSizeX": 500.0,
    "PhysicalSizeXUnit": "nm",
    "PhysicalSizeY": 1.0,
    "PhysicalSizeYUnit": "µm",
    "Channel": {
        "Name": ["DNA", "actin"],
        "EmissionWavelength": [461, 520],
        "EmissionWavelengthUnit": ["nm"] * 2,
    },
    "TimeIncrement": 2.0,
    "TimeIncrementUnit": "min",
}


def numbers(*shape: int, dtype: type = np.uint16, top: int = 4000) -> np.ndarray:
    return np.random.default_rng(len(shape)).integers(0, top, shape).astype(dtype)


def refusal(path: Path, **options: object) -> str:
    with pytest.raises((ReadError, SettingError)) as caught:
        open_stack(path, **options)
    assert one_sentence(caught)
    return str(caught.value)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.uint32, np.float32, np.float64])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_a_grey_image(tmp_path, dtype, byteorder):
    values = numbers(20, 30, dtype=dtype, top=200)
    tifffile.imwrite(tmp_path / "a.tif", values, byteorder=byteorder)
    stack = open_stack(tmp_path / "a.tif")
    assert stack.values.dtype == np.float32
    np.testing.assert_array_equal(stack.values[0], values)
    assert (stack.name, stack.quantities, stack.bands["file"][0]) == ("a", ["intensity"], "a.tif")
    assert list(stack.inputs) == ["a.tif"]


@pytest.mark.parametrize("how", ["zlib", "lzma", "tiff_lzw", "packbits"])
def test_compressed_pages(tmp_path, how):
    values = numbers(3, 40, 50)
    path = tmp_path / "a.tif"
    if how in ("tiff_lzw", "packbits"):
        first, *rest = [Image.fromarray(page) for page in values]
        first.save(path, compression=how, save_all=True, append_images=rest)
    else:
        tifffile.imwrite(path, values, compression=how, photometric="minisblack")
    np.testing.assert_array_equal(open_stack(path).values, values)


def test_tiles_and_strips(tmp_path):
    values = numbers(2, 70, 90)
    for name, layout in {"tiles": {"tile": (32, 32)}, "strips": {"rowsperstrip": 7}}.items():
        tifffile.imwrite(tmp_path / f"{name}.tif", values, photometric="minisblack", **layout)
        np.testing.assert_array_equal(open_stack(tmp_path / f"{name}.tif").values, values)


def test_packed_12_bit(tmp_path):
    values = numbers(5, 7)
    bits = np.unpackbits(values.astype(">u2").view(np.uint8).reshape(5, 7, 2), axis=-1)[..., 4:]
    rows = np.packbits(bits.reshape(5, -1), axis=1).tobytes()
    tags = {256: 7, 257: 5, 258: 12, 259: 1, 262: 1, 273: 8, 277: 1, 278: 5, 279: len(rows)}
    start = 8 + len(rows)
    body = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    header = b"II*\0" + struct.pack("<I", start)
    (tmp_path / "a.tif").write_bytes(header + rows + struct.pack("<H", len(tags)) + body + bytes(4))
    np.testing.assert_array_equal(open_stack(tmp_path / "a.tif").values[0], values)


def test_pages_without_a_meaning_are_channels(tmp_path):
    values = numbers(4, 20, 30)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="minisblack", metadata=None)
    stack = open_stack(tmp_path / "a.tif")
    np.testing.assert_array_equal(stack.values, values)
    assert list(stack.bands["channel"]) == ["page 1", "page 2", "page 3", "page 4"]


def test_colours_are_channels(tmp_path):
    values = numbers(20, 30, 3, dtype=np.uint8, top=255)
    tifffile.imwrite(tmp_path / "a.tif", values)
    tifffile.imwrite(
        tmp_path / "b.tif", np.moveaxis(values, -1, 0), photometric="rgb", planarconfig="separate"
    )
    for name in ("a.tif", "b.tif"):
        stack = open_stack(tmp_path / name)
        np.testing.assert_array_equal(stack.values, np.moveaxis(values, -1, 0))
        assert list(stack.bands["channel"]) == ["red", "green", "blue"]


def test_grey_stored_in_colour_is_one_channel(tmp_path):
    grey = numbers(20, 30, dtype=np.uint8, top=255)
    tifffile.imwrite(tmp_path / "a.tif", np.stack([grey] * 3, axis=-1))
    stack = open_stack(tmp_path / "a.tif", channels=["GFP"])
    np.testing.assert_array_equal(stack.values, grey[None])
    assert list(stack.bands["channel"]) == ["GFP"]


def test_ome_channels_wavelengths_times_and_pixel(tmp_path):
    values = numbers(3, 2, 20, 30)
    tifffile.imwrite(tmp_path / "a.ome.tif", values, metadata=OME)
    stack = open_stack(tmp_path / "a.ome.tif")
    np.testing.assert_array_equal(stack.values, values.reshape(6, 20, 30))
    assert list(stack.bands["channel"]) == ["DNA", "actin"] * 3
    assert list(stack.bands["wavelength_nm"]) == [461, 520] * 3
    assert list(stack.bands["time_s"]) == [0, 0, 120, 120, 240, 240]
    assert (stack.name, stack.pixel_size_um, stack.pixel_aspect) == ("a", 0.5, 2.0)
    assert [band_label(band) for _, band in stack.bands.iloc[2:4].iterrows()] == [
        "DNA 461 nm frame 1",
        "actin 520 nm frame 1",
    ]


def test_imagej_hyperstack(tmp_path):
    values = numbers(4, 3, 2, 20, 30)
    facts = {"axes": "TZCYX", "finterval": 1.5, "unit": "um", "spacing": 2.0}
    tifffile.imwrite(tmp_path / "a.tif", values, imagej=True, metadata=facts, resolution=(4, 4))
    stack = open_stack(tmp_path / "a.tif")
    np.testing.assert_array_equal(stack.values, values.max(axis=1).reshape(8, 20, 30))
    assert list(stack.bands["time_s"]) == [0, 0, 1.5, 1.5, 3, 3, 4.5, 4.5]
    assert stack.pixel_size_um == 0.25
    assert "brightest of 3 focal planes" in stack.warnings[0]


def test_choosing_and_projecting(tmp_path):
    values = numbers(4, 3, 2, 20, 30)
    tifffile.imwrite(tmp_path / "a.tif", values, imagej=True, metadata={"axes": "TZCYX"})

    def opened(**choice: object) -> np.ndarray:
        stack = open_stack(tmp_path / "a.tif", **choice)
        assert not stack.warnings
        return stack.values

    exact = values.astype(np.float64)
    np.testing.assert_array_equal(opened(z=2, t=3), values[3, 2])
    np.testing.assert_allclose(opened(z="mean", t=1), exact[1].mean(axis=0), rtol=1e-6)
    np.testing.assert_array_equal(opened(z="max", t="max"), values.max(axis=(0, 1)))
    np.testing.assert_allclose(opened(z="mean", t="mean"), exact.mean(axis=(0, 1)), rtol=1e-6)
    np.testing.assert_allclose(opened(z=0, t="mean"), exact[:, 0].mean(axis=0), rtol=1e-6)


def test_a_choice_that_does_not_fit(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, numbers(20, 30))
    assert "has no z = 1: it has 1" in refusal(path, z=1)
    assert "t must be a plane's number" in refusal(path, t="median")
    assert "2 channel names are given" in refusal(path, channels=["a", "b"])
    assert "NAME@NM" in refusal(path, channels=["a@blue"])


def test_channels_renamed(tmp_path):
    tifffile.imwrite(tmp_path / "a.ome.tif", numbers(3, 2, 20, 30), metadata=OME)
    stack = open_stack(tmp_path / "a.ome.tif", t=0, channels=["x", "y@600"])
    assert list(stack.bands["channel"]) == ["x", "y"]
    assert list(stack.bands["wavelength_nm"]) == [461, 600]


# Folders


def test_a_folder_of_channels_keeps_order_and_names(tmp_path):
    values = numbers(11, 20, 30)
    for i, page in enumerate(values):
        tifffile.imwrite(tmp_path / f"well_A01_f{i + 1}.tif", page)
    (tmp_path / "notes.txt").write_text("no picture")
    stack = open_stack(tmp_path)
    np.testing.assert_array_equal(stack.values, values)
    assert list(stack.bands["channel"]) == [f"f{i}" for i in range(1, 12)]
    assert stack.bands["file"].iloc[1] == "well_A01_f2.tif"
    assert list_datasets(tmp_path) == [tmp_path.name]
    assert len(stack.inputs) == 11


def test_a_folder_of_words(tmp_path):
    for name in ("field-dapi.tif", "field-actin.tif"):
        tifffile.imwrite(tmp_path / name, numbers(20, 30))
    assert list(open_stack(tmp_path).bands["channel"]) == ["actin", "dapi"]


def test_a_folder_of_pngs(tmp_path):
    values = numbers(3, 20, 30)
    for i, page in enumerate(values):
        Image.fromarray(page).save(tmp_path / f"p{i}.png")
    np.testing.assert_array_equal(open_stack(tmp_path).values, values)
    np.testing.assert_array_equal(open_stack(tmp_path / "p1.png", channels=["q"]).values[0], values[1])


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L"])
def test_kinds_of_png(tmp_path, mode):
    colours = numbers(20, 30, 3, dtype=np.uint8, top=255) // 64 * 64
    picture = Image.fromarray(colours).convert(mode)
    picture.save(tmp_path / "a.png")
    expected = np.asarray(picture.convert("L" if mode == "L" else "RGB"))
    stack = open_stack(tmp_path / "a.png")
    np.testing.assert_array_equal(
        stack.values, expected[None] if mode == "L" else np.moveaxis(expected, -1, 0)
    )


def test_colour_pictures_of_a_folder_are_time_points(tmp_path):
    values = numbers(4, 20, 30, 3, dtype=np.uint8, top=255)
    for i, page in enumerate(values):
        tifffile.imwrite(tmp_path / f"p_{i:02d}.tif", page)
    stack = open_stack(tmp_path, t=2)
    np.testing.assert_array_equal(stack.values, np.moveaxis(values[2], -1, 0))
    assert set(stack.bands["file"]) == {"p_02.tif"}
    assert list(open_stack(tmp_path).bands["channel"]) == ["red", "green", "blue"] * 4


def test_stacks_in_a_folder_are_data_sets(tmp_path):
    for name in ("a", "b"):
        tifffile.imwrite(tmp_path / f"{name}.tif", numbers(3, 20, 30), photometric="minisblack")
    assert list_datasets(tmp_path) == ["a", "b"]
    assert "holds 2 data sets" in refusal(tmp_path)
    assert open_stack(tmp_path, dataset="b").name == "b"


def test_pictures_of_different_size(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", numbers(20, 30))
    tifffile.imwrite(tmp_path / "b.tif", numbers(20, 31))
    assert "b.tif is 20 x 31 pixels" in refusal(tmp_path)


# Damage


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    tifffile.imwrite(tmp_path / "a.ome.tif", numbers(3, 2, 20, 30), metadata=OME, compression="zlib")
    return tmp_path / "a.ome.tif"


def test_empty_truncated_and_wrong_files(tmp_path, whole):
    content = whole.read_bytes()
    cases = {"empty": b"", "head": content[:100], "wrong": b"II*\0" + b"nonsense" * 9, "text": b"hello"}
    for name, damaged in cases.items():
        (tmp_path / f"{name}.tif").write_bytes(damaged)
        assert f"{name}.tif" in refusal(tmp_path / f"{name}.tif")


def test_a_png_that_declares_more_than_it_holds(tmp_path):
    Image.fromarray(numbers(20, 30, dtype=np.uint8)).save(tmp_path / "a.png")
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[16:24] = struct.pack(">II", 100_000, 100_000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    (tmp_path / "a.png").write_bytes(content)
    assert "truncated" in refusal(tmp_path / "a.png")


def test_pixels_cut_off(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", numbers(4, 200, 300), photometric="minisblack")
    content = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(content[: len(content) // 2])
    assert "a.tif" in refusal(tmp_path / "a.tif")


def test_huge_declared_sizes_are_refused_before_allocation(tmp_path):
    tags = {256: 1 << 20, 257: 1 << 20, 258: 16, 259: 8, 262: 1, 273: 8, 277: 1, 278: 1 << 20, 279: 4}
    body = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    content = b"II*\0" + struct.pack("<I", 12) + bytes(4) + struct.pack("<H", len(tags)) + body + bytes(4)
    (tmp_path / "a.tif").write_bytes(content)
    tracemalloc.start()
    assert "truncated" in refusal(tmp_path / "a.tif")
    assert tracemalloc.get_traced_memory()[1] < 1 << 24
    tracemalloc.stop()


def chained(path: Path, offsets: list[int], order: str = "<") -> Path:
    """Write a TIFF of 2 x 2 pixels whose pages follow each other as told; all have the same pixels."""
    tags = [(256, 2), (257, 2), (258, 8), (259, 1), (262, 1), (273, 8), (278, 2), (279, 4)]
    directory = struct.pack(f"{order}H", len(tags)) + b"".join(
        struct.pack(f"{order}HHII", tag, 4, 1, value) for tag, value in tags
    )
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 12) + b"\1\2\3\4"
    size = len(directory) + 4
    nexts = [12 + size * offset if offset >= 0 else 0 for offset in offsets]
    path.write_bytes(head + b"".join(directory + struct.pack(f"{order}I", to) for to in nexts))
    return path


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("circle", [[0], [1, 0], [1, 2, 3, 1], [*range(1, 150), 7]])
def test_pages_in_a_circle_are_refused(tmp_path, circle, order):
    assert "in a circle" in refusal(chained(tmp_path / "a.tif", circle, order))


def test_pages_that_share_their_bytes_are_not_a_large_stack(tmp_path):
    assert "truncated" in refusal(chained(tmp_path / "a.tif", [*range(1, 50), -1]))


def test_planes_that_are_not_there(tmp_path):
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, numbers(2, 20, 30), metadata={"axes": "TYX"})
    content = path.read_bytes()
    assert b'SizeT="2"' in content
    path.write_bytes(content.replace(b'SizeT="2"', b'SizeT="9"'))
    assert "7 of them are not in it" in refusal(path)


def test_the_stack_is_the_only_large_array(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.ones((40, 256, 256), np.uint16), photometric="minisblack")
    stack_bytes = 40 * 256 * 256 * 4
    open_stack(tmp_path / "a.tif")
    tracemalloc.start()
    assert open_stack(tmp_path / "a.tif").values.nbytes == stack_bytes
    assert tracemalloc.get_traced_memory()[1] < 1.6 * stack_bytes
    tracemalloc.stop()


def test_files_named_inside_a_file_are_not_opened(tmp_path):
    (tmp_path / "open").mkdir()
    secret, path = tmp_path / "secret.tif", tmp_path / "open" / "a.ome.tif"
    tifffile.imwrite(secret, numbers(20, 30), metadata=None)
    data = "".join(
        f'<TiffData IFD="0" FirstT="{t}"><UUID FileName="{name}">urn:uuid:{t}</UUID></TiffData>'
        for t, name in enumerate(("a.ome.tif", "../secret.tif"))
    )
    xml = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:0">'
        '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" '
        'SizeX="30" SizeY="20" SizeZ="1" SizeC="1" '
        f'SizeT="2"><Channel ID="Channel:0:0"/>{data}</Pixels></Image></OME>'
    )
    own = numbers(20, 30) + 9000
    tifffile.imwrite(path, own, description=xml, metadata=None)
    with tifffile.TiffFile(path) as file:
        assert file.series[0].shape[0] == 2, "tifffile itself follows the name"
    stack = open_stack(path)
    np.testing.assert_array_equal(stack.values, own[None])
    assert "names planes in other files" in stack.warnings[0]


def test_flipped_and_cut_bytes_end_in_a_read_error_or_a_stack(whole):
    content = whole.read_bytes()
    random = np.random.default_rng(0)
    for _ in range(150):
        damaged = bytearray(content)
        for position in random.integers(0, len(content), 3):
            damaged[position] = int(random.integers(256))
        whole.write_bytes(damaged[: int(random.integers(8, len(content) + 1))])
        with contextlib.suppress(ReadError):
            open_stack(whole)


# The whole way


def test_segmenting_a_stack(tmp_path):
    values = np.zeros((2, 40, 40), dtype=np.uint16)
    values[0, :20], values[1, :, :20] = 1000, 500
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="minisblack")
    result = run(tmp_path / "a.tif", tmp_path / "out", Settings(k=4, channels=("DNA", "actin@520")))
    lines = (tmp_path / "out" / "a_clustershot.dat").read_text().splitlines()
    assert lines[0].split(",")[1:4] == ["band_idx", "band", "intensity_cluster_0"]
    assert lines[1] == ",".join(["0", "0", "DNA", *[f"{v:.1f}" for v in (0, 0, 1000, 1000)]])
    assert lines[2] == ",".join(["1", "1", "actin 520 nm", *[f"{v:.1f}" for v in (0, 500, 0, 500)]])
    assert list(result.segmentation.n_pixels) == [400] * 4


def test_a_recipe_keeps_the_choices():
    settings = Settings(z="mean", t=3, channels=("a", "b@5"), background=40, normalise=(1, 99.5), log=True)
    assert settings_of(tomllib.loads(recipe_text(settings))) == settings


def test_python_lines_do_the_same(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", numbers(3, 2, 20, 30), imagej=True, metadata={"axes": "TCYX"})
    settings = Settings(t=1, channels=("a", "b"), background=5, normalise=(2, 98), k=3)
    monkeypatch.chdir(tmp_path)
    exec(python_lines(settings, "a.tif", "lines"), {})
    run("a.tif", "run", settings)
    for name in ("a_clustershot.dat", "a_coordinates.dat", "a_labels.tif"):
        assert (tmp_path / "lines" / name).read_bytes() == (tmp_path / "run" / name).read_bytes()


def test_real_channels(shared_data):
    stack = open_stack(shared_data / "fluorescence_human")
    assert stack.values.shape == (3, 512, 512)
    assert list(stack.bands["channel"]) == ["d0", "d1", "d2"]
    for band in range(3):
        image = np.asarray(Image.open(shared_data / "fluorescence_human" / stack.bands["file"][band]))
        np.testing.assert_array_equal(stack.values[band], image)
    json.dumps(stack_facts(stack))


def test_real_frames(shared_data):
    stack = open_stack(shared_data / "fluorescence_timelapse")
    assert stack.values.shape == (63, 264, 542)
    assert list(stack.bands["frame"]) == [frame for frame in range(21) for _ in range(3)]


@pytest.mark.parametrize("compression", ["zlib", "lzma"])
def test_a_page_may_not_unpack_to_far_more_than_its_pixels(tmp_path, monkeypatch, compression):
    """A bomb: 20 x 20 pixels whose only strip unpacks to 3 MB, three times the limit set here."""
    monkeypatch.setattr("ellimaps.readers.tiff._SPARE_BYTES", 1 << 20)
    path = tmp_path / "bomb.tif"
    tifffile.imwrite(path, numbers(20, 20, dtype=np.uint8), compression=compression)
    packer = zlib.compressobj() if compression == "zlib" else lzma.LZMACompressor(preset=0)
    packed = b"".join([packer.compress(bytes(3 << 20)), packer.flush()])
    with tifffile.TiffFile(path, mode="r+") as file:
        position = path.stat().st_size
        file.pages[0].tags["StripOffsets"].overwrite(position, dtype="I")
        file.pages[0].tags["StripByteCounts"].overwrite(len(packed), dtype="I")
    with path.open("ab") as file:
        file.write(bytes(position - path.stat().st_size) + packed)
    assert "unpacks to far more" in refusal(path)
