from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from numcodecs import GZip, Zlib
from numcodecs.blosc import Blosc
from support.stacks import one_sentence
from support.zarr_stores import change_json, image_facts, pixels, write_group, write_image, write_plate
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, GzipCodec, TransposeCodec, ZstdCodec

from ellimaps.core.errors import ReadError, SettingError
from ellimaps.core.inputs import InputFile
from ellimaps.core.provenance import sha256
from ellimaps.readers import list_datasets, open_planes, open_stack
from ellimaps.readers.ome_zarr import opened_zarr

VERSIONS = ["0.4", "0.5"]


def planes_of(folder):
    picture = opened_zarr(InputFile(folder))
    n_times, n_channels, n_planes, *_ = picture.shape
    return np.stack(
        [
            [[picture.plane(t, c, z) for z in range(n_planes)] for c in range(n_channels)]
            for t in range(n_times)
        ]
    )


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "float32", "float64"])
def test_every_plane_is_as_it_was_written(tmp_path, version, dtype):
    values = pixels(dtype=dtype)
    found = planes_of(write_image(tmp_path / "a.zarr", values, version))
    assert found.dtype == values.dtype
    np.testing.assert_array_equal(found, values)


@pytest.mark.parametrize(
    "options",
    [
        {"compressors": None},
        {"compressors": GZip(3)},
        {"compressors": Zlib(3)},
        {"compressors": Blosc("lz4", 5, Blosc.SHUFFLE), "order": "F"},
        {"chunks": (2, 1, 2, 24, 50)},
    ],
)
def test_version_2_in_every_way_it_is_stored(tmp_path, options):
    values = pixels()
    np.testing.assert_array_equal(
        planes_of(write_image(tmp_path / "a.zarr", values, "0.4", **options)), values
    )


@pytest.mark.parametrize(
    "options",
    [
        {"compressors": None, "serializer": BytesCodec(endian="big")},
        {"compressors": GzipCodec()},
        {"compressors": [BloscCodec(cname="zstd"), Crc32cCodec()]},
        {"compressors": ZstdCodec(checksum=True), "filters": TransposeCodec(order=(0, 4, 1, 3, 2))},
        {"chunks": (1, 1, 1, 8, 10), "shards": (1, 2, 3, 24, 20)},
        {"chunks": (1, 1, 2, 8, 10), "shards": (2, 1, 4, 40, 50), "compressors": GzipCodec()},
        {"chunk_key_encoding": {"name": "v2", "separator": "."}},
        {"chunk_key_encoding": {"name": "default", "separator": "."}},
    ],
)
def test_version_3_in_every_way_it_is_stored(tmp_path, options):
    values = pixels()
    np.testing.assert_array_equal(planes_of(write_image(tmp_path / "a.zarr", values, **options)), values)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_stack_is_that_of_its_ome_tiff(tmp_path, version):
    values = pixels()
    metadata = {
        "axes": "TCZYX", "PhysicalSizeX": 0.325, "PhysicalSizeY": 0.65, "PhysicalSizeZ": 1.5,
        "TimeIncrement": 2.5, "Channel": {"Name": ["DNA", "ER"], "Color": [0x0000FFFF, 0x00FF00FF]},
    }  # fmt: skip
    tifffile.imwrite(tmp_path / "a.ome.tif", values, metadata=metadata, photometric="minisblack")
    ours = open_stack(write_image(tmp_path / "a.ome.zarr", values, version), z="mean")
    theirs = open_stack(tmp_path / "a.ome.tif", z="mean")
    np.testing.assert_array_equal(ours.values, theirs.values)
    assert ours.name == theirs.name == "a"
    assert ours.pixel_size_um == theirs.pixel_size_um == 0.325
    assert ours.pixel_aspect == theirs.pixel_aspect == 2.0
    shown = ["quantity", "channel", "time_s", "frame"]
    assert ours.bands[shown].equals(theirs.bands[shown])
    assert ours.warnings == theirs.warnings
    picture = opened_zarr(InputFile(tmp_path / "a.ome.zarr"))
    assert [channel.color for channel in picture.channels] == ["#0000FF", "#00FF00"]
    assert picture.plane_distance_um == 1.5


def test_a_pixel_without_a_unit_has_no_size(tmp_path):
    write_image(tmp_path / "a.zarr", pixels())
    said = image_facts("0.5")
    for axis in said["ome"]["multiscales"][0]["axes"]:
        axis.pop("unit", None)
    change_json(tmp_path / "a.zarr" / "zarr.json", attributes=said)
    assert open_stack(tmp_path / "a.zarr").pixel_size_um is None


@pytest.mark.parametrize("version", VERSIONS)
def test_fields_of_a_plate_are_its_data_sets(tmp_path, version):
    fields = {well: [pixels(seed=10 * i + f) for f in range(2)] for i, well in enumerate(("B3", "B11", "C3"))}
    plate = write_plate(tmp_path / "plate.zarr", fields, version)
    names = [f"plate_{well}_f{f}" for well in ("B03", "B11", "C03") for f in (1, 2)]
    assert list_datasets(plate) == names
    with pytest.raises(ReadError, match="holds 6 data sets") as caught:
        open_stack(plate)
    assert one_sentence(caught)
    stack = open_stack(plate, dataset="plate_B11_f2", z=0, t=0)
    np.testing.assert_array_equal(stack.values, fields["B11"][1][0, :, 0])
    assert list(stack.bands["file"]) == ["plate.zarr/B/11/1"] * 2
    same = open_stack(plate / "B" / "11" / "1", z=0, t=0)
    np.testing.assert_array_equal(same.values, stack.values)


def test_images_of_a_folder_are_told_apart(tmp_path):
    for name in ("b.ome.zarr", "a.zarr"):
        write_image(tmp_path / name, pixels())
    tifffile.imwrite(tmp_path / "c.tif", pixels((40, 50)))
    (tmp_path / "analysis.zarr").mkdir()
    (tmp_path / "analysis.zarr" / ".zgroup").write_text('{"zarr_format": 2}')
    assert list_datasets(tmp_path) == ["c", "a", "b"]
    assert open_stack(tmp_path, dataset="b").shape == (40, 50)


def test_series_of_a_collection_are_its_data_sets(tmp_path):
    store = tmp_path / "raw.zarr"
    write_group(store, "0.4", {"bioformats2raw.layout": 3})
    for number in range(11):
        write_image(store / str(number), pixels((2, 40, 50), seed=number), "0.4")
    assert list_datasets(store)[:3] == ["raw_0", "raw_1", "raw_2"]
    assert list_datasets(store)[-1] == "raw_10"


def test_all_planes_are_gone_through(tmp_path):
    store = write_image(tmp_path / "a.zarr", pixels())
    found = [(number.t, number.z) for number, _ in open_planes(store)]
    assert found == [(t, z) for t in range(2) for z in range(3)]
    with pytest.raises(SettingError, match="no scene = 1"):
        next(open_planes(store, scene=1))


def test_the_hash_is_of_all_files(tmp_path):
    store = write_image(tmp_path / "a.zarr", pixels())
    before = open_stack(store).inputs
    assert before == {"a.zarr": sha256(store)}
    chunk = store / "0" / "c" / "1" / "1" / "2" / "2" / "3"
    chunk.write_bytes((store / "0" / "c" / "0" / "1" / "2" / "2" / "3").read_bytes())
    assert open_stack(store).inputs != before


def test_chunks_that_are_not_stored_are_told(tmp_path):
    values = pixels()
    values[1, 0, 2, :16, 16:32] = 0
    store = write_image(tmp_path / "a.zarr", values)
    stack = open_stack(store, t=1, z=2)
    np.testing.assert_array_equal(stack.values[0], values[1, 0, 2])
    assert any("1 of 144 chunks" in warning and "count as 0" in warning for warning in stack.warnings)


def _no_chunks(store):
    for file in sorted((store / "0" / "c").rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()


def _cut_chunk(store):
    file = store / "0" / "c" / "0" / "0" / "0" / "0" / "0"
    file.write_bytes(file.read_bytes()[:-9])


def _flipped_chunk(store):
    file = store / "0" / "c" / "0" / "0" / "0" / "0" / "0"
    content = bytearray(file.read_bytes())
    content[20] ^= 255
    content[4] ^= 8
    file.write_bytes(content)


def _array(**changes):
    return lambda store: change_json(store / "0" / "zarr.json", **changes)


def _grid(*sides):
    return {"name": "regular", "configuration": {"chunk_shape": list(sides)}}


def _said(change):
    def changed(store):
        said = json.loads((store / "zarr.json").read_text())
        change(said["attributes"]["ome"])
        (store / "zarr.json").write_text(json.dumps(said))

    return changed


BYTES = {"name": "bytes", "configuration": {"endian": "little"}}


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (_no_chunks, "holds no pixels"),
        (_cut_chunk, "is damaged"),
        (_flipped_chunk, "is damaged"),
        (lambda store: (store / "zarr.json").write_text('{"a": '), "is no JSON"),
        (lambda store: (store / "zarr.json").write_text("[" * 100_000), "is no JSON"),
        (lambda store: (store / "0" / "zarr.json").write_text("[]"), "is no description"),
        (lambda store: (store / "0" / "zarr.json").unlink(), "cannot be read"),
        (_array(shape=[2, 2, 3, 10**9, 10**9]), "chunks"),
        (_array(shape=[10**12, 2, 3, 40, 50]), "planes"),
        (_array(shape=[2, 2, 3, 10**6, 10**6], chunk_grid=_grid(1, 1, 1, 10**4, 10**4)), "would unpack"),
        (_array(shape=[2, 2, 3, -40, 50]), "is damaged"),
        (_array(shape=[2, 2, 3, 40, 1e300]), "is damaged"),
        (_array(shape=[3, 40, 50]), "is damaged"),
        (_array(chunk_grid=_grid(1, 1, 1, 10**6, 10**6)), "in chunks of"),
        (_array(chunk_grid=_grid(1, 1, 1, 0, 16)), "is damaged"),
        (_array(data_type="object"), "type 'object'"),
        (_array(codecs=[BYTES, {"name": "numcodecs.pickle"}]), "numcodecs.pickle"),
        (_array(codecs=[{"name": "zstd"}]), "zstd"),
        (_array(fill_value="zero"), "is damaged"),
        (_said(lambda ome: ome.update(version="0.6")), "OME-Zarr 0.6"),
        (_said(lambda ome: ome["multiscales"][0]["datasets"][0].update(path="../../secret")), "is damaged"),
        (_said(lambda ome: ome["multiscales"][0]["datasets"][0].update(path="/etc")), "is damaged"),
        (_said(lambda ome: ome["multiscales"][0].update(datasets=[])), "is damaged"),
        (_said(lambda ome: ome["multiscales"][0]["axes"][0].update(type="angle")), "axes"),
    ],
)
def test_harm_is_refused_in_one_sentence(tmp_path, harm, says):
    store = write_image(tmp_path / "a.zarr", pixels())
    harm(store)
    with pytest.raises(ReadError, match=says) as caught:
        open_stack(store)
    assert one_sentence(caught)


def test_an_older_version_is_refused(tmp_path):
    store = write_image(tmp_path / "a.zarr", pixels(), "0.4")
    said = json.loads((store / ".zattrs").read_text())
    said["multiscales"][0]["version"] = "0.2"
    (store / ".zattrs").write_text(json.dumps(said))
    with pytest.raises(ReadError, match=r"OME-Zarr 0\.2, of which ellimaps reads 0\.4 and 0\.5"):
        open_stack(store)


def test_a_chunk_that_is_no_file_is_missing(tmp_path):
    store = write_image(tmp_path / "a.zarr", pixels())
    file = store / "0" / "c" / "0" / "0" / "0" / "0" / "0"
    file.unlink()
    file.mkdir()
    assert any("1 of 144 chunks" in warning for warning in open_stack(store).warnings)


def test_without_the_library_the_extra_is_named(tmp_path, monkeypatch):
    from ellimaps.core.errors import MissingExtraError

    monkeypatch.setitem(__import__("sys").modules, "numcodecs.zstd", None)
    store = write_image(tmp_path / "a.zarr", pixels())
    with pytest.raises(MissingExtraError, match=r"ellimaps\[zarr\]"):
        open_stack(store)
