"""Files that did harm once, made by code, and what each of them says now."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import sqlite3
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from support.ep4_tools import join_png, small_files, split_png

from hostile.corpus import Files, formats, tiff, workbook, zipped

_SHEET = (
    '<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    "<sheetData>{}</sheetData></worksheet>"
)
_HEAD = '<row r="1"><c r="A1" t="inlineStr"><is><t>well</t></is></c></row>'


@dataclass(frozen=True)
class Attack:
    """An input, its kind, and a part of the refusal; nothing where it is read rightly."""

    kind: str
    made: Callable[[], Any]
    refused: str = ""


def _bomb() -> bytes:
    """389 KB that unpack to 1.6 GB of numbers: zeros, packed a thousand times."""
    strip = zlib.compress(bytes(20_000 * 500), 9)
    return _raw_tiff(20_000, 20_000, 8, [strip] * 40, 500, 8)


def _raw_tiff(width: int, height: int, compression: int, strips: list[bytes], rows: int, bits: int) -> bytes:
    """Return a gray TIFF with these strips, each stored by itself."""
    data = b"".join(strips)
    start = 8 + len(data) + len(data) % 2
    n = len(strips)
    offsets = np.cumsum([8, *map(len, strips[:-1])]).astype("<u4").tobytes()
    counts = np.array([len(strip) for strip in strips], "<u4").tobytes()
    tags = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, bits), (259, 3, 1, compression), (262, 3, 1, 1),
        (273, 4, n, 0), (277, 3, 1, 1), (278, 4, 1, rows), (279, 4, n, 0),
    ]  # fmt: skip
    after = start + 2 + 12 * len(tags) + 4
    entries = b""
    for tag, kind, count, value in tags:
        where = {273: after, 279: after + len(offsets)}.get(tag, value)
        if count == 1 and tag in (273, 279):
            where = 8 if tag == 273 else len(strips[0])
        entries += struct.pack("<HHII", tag, kind, count, where)
    body = b"II*\0" + struct.pack("<I", start) + data.ljust(start - 8, b"\0")
    return body + struct.pack("<H", len(tags)) + entries + bytes(4) + offsets + counts


def _circle() -> bytes:
    """A directory that says the next one is itself."""
    content = bytearray(tiff(np.zeros((4, 5), np.uint8), metadata=None))
    (at,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, at)
    struct.pack_into("<I", content, at + 2 + 12 * count, at)
    return bytes(content)


def _png_bomb() -> bytes:
    """109 KB that unpack to 3.6 GB of numbers: 900 million black pixels."""
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0)
    return join_png([(b"IHDR", header), (b"IDAT", zlib.compress(bytes(30_000 * 3751), 9)), (b"IEND", b"")])


def _store(**array: Any) -> Files:
    """An OME-Zarr image of 4000 x 4000 zeros in one chunk, its array described so."""
    axes = [{"name": name, "type": "space", "unit": "micrometer"} for name in "yx"]
    scale = [{"type": "scale", "scale": [1.0, 1.0]}]
    image = {"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scale}]}
    group = {"zarr_format": 3, "node_type": "group"}
    said = {
        "zarr_format": 3, "node_type": "array", "shape": [4000, 4000], "data_type": "uint8", "fill_value": 0,
        "chunk_grid": _sides(4000),
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "codecs": [{"name": "bytes"}, {"name": array.pop("codec", "gzip")}],
    }  # fmt: skip
    content = array.pop("content", gzip.compress(bytes(4000 * 4000)))
    return {
        "a.zarr/zarr.json": json.dumps(
            group | {"attributes": {"ome": {"version": "0.5", "multiscales": [image]}}}
        ).encode(),
        "a.zarr/0/zarr.json": json.dumps(said | array).encode(),
        "a.zarr/0/c/0/0": content,
    }


def _sides(side: int) -> dict[str, Any]:
    return {"name": "regular", "configuration": {"chunk_shape": [side, side]}}


def _zstd_bomb() -> bytes:
    """80 KB that say nothing of their size and unpack to 2.6 GB: a byte, 20,000 times 128 KiB."""
    block = (1 << 17 << 3 | 1 << 1).to_bytes(3, "little") + b"\1"
    last = (1 << 17 << 3 | 1 << 1 | 1).to_bytes(3, "little") + b"\1"
    return b"\x28\xb5\x2f\xfd\x00\x38" + block * 20_000 + last


def _zarr_pickle() -> Files:
    """Values of Zarr 2 that whoever opens them runs."""
    said = {
        "zarr_format": 2, "shape": [1, 1], "chunks": [1, 1], "dtype": "|O", "fill_value": None, "order": "C",
        "compressor": None, "filters": [{"id": "pickle", "protocol": 5}],
    }  # fmt: skip
    image = {"axes": [{"name": "y"}, {"name": "x"}], "datasets": [{"path": "0"}], "version": "0.4"}
    return {
        "a.zarr/.zgroup": b'{"zarr_format": 2}',
        "a.zarr/.zattrs": json.dumps({"multiscales": [image]}).encode(),
        "a.zarr/0/.zarray": json.dumps(said).encode(),
        "a.zarr/0/0.0": pickle.dumps(print),
    }


def _without(kind: bytes) -> Files:
    content = _png("palette.png")
    return {"palette.png": join_png([chunk for chunk in split_png(content) if chunk[0] != kind])}


def _png(name: str) -> bytes:
    return next(files[name] for files in formats()["png"].variants if name in files)


def _with_profile(profile: bytes) -> Files:
    chunks = split_png(_png("color.png"))
    return {"color.png": join_png([chunks[0], (b"iCCP", profile), *chunks[1:]])}


def _flipped_pixels() -> Files:
    """Another byte in the pixels, stored as it is: nothing but the checksum of the chunk tells."""
    gray = Image.fromarray(np.arange(24 * 32, dtype=np.uint8).reshape(24, 32))
    file = io.BytesIO()
    gray.save(file, "png", compress_level=0)
    content = bytearray(file.getvalue())
    content[content.index(b"IDAT") + 40] ^= 4
    return {"gray.png": bytes(content)}


def _flipped_measurement() -> Files:
    files = small_files()
    name = sorted(name for name in files if name.endswith(".png"))[0]
    content = bytearray(files[name])
    content[content.index(b".ACCURION_RAWDATA") + 60] ^= 4
    return {**files, name: bytes(content)}


def _sheet(rows: str) -> Callable[[], Files]:
    return lambda: {"layout.xlsx": workbook(_SHEET.format(_HEAD + rows))}


def _packed(members: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    return zipped(members, how)


def _lying_model() -> Files:
    """A model whose zip says that a file in it is small, and it unpacks to 100 MB."""
    content = bytearray(_packed({"model.json": bytes(100 << 20)}))
    for signature, at in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        struct.pack_into("<I", content, content.index(signature) + at, 10)
    return {"cells.ellimodel": bytes(content)}


def _film(material: str) -> Callable[[], Files]:
    text = f'substrate = "Si"\n[[layers]]\nmaterial = {material}\nthickness_nm = 10.0\n'
    return lambda: {"model.toml": text.encode()}


def _polygon(coordinates: str) -> Callable[[], Files]:
    text = f'{{"type": "Polygon", "coordinates": {coordinates}}}'
    return lambda: {"a.geojson": text.encode()}


def _layout(cell: str) -> Callable[[], Files]:
    return lambda: {"layout.csv": f"well,compound,dose_um\nA01,x,{cell}\n".encode()}


def _named(*names: str | bytes) -> Callable[[], Any]:
    content = tiff(np.arange(20, dtype=np.uint8).reshape(4, 5), metadata=None)
    return lambda: dict.fromkeys(names, content)


def _shared_strips() -> bytes:
    content = bytearray(_raw_tiff(1000, 1000, 1, [bytes(10_000)] * 100, 10, 8))
    # Every strip begins where the first one does.
    at = len(content) - 800
    content[at : at + 400] = struct.pack("<I", 8) * 100
    return bytes(content)


def _huge_tiles() -> bytes:
    content = bytearray(tiff(np.zeros((32, 32), np.uint16), tile=(16, 16), compression="zlib", metadata=None))
    for tag in (322, 323):
        at = content.index(struct.pack("<H", tag))
        struct.pack_into("<HII", content, at + 2, 4, 1, 1 << 16)
    return bytes(content)


def _database(*changes: str) -> Files:
    """Return the export of a run with these changes made to it."""
    files = formats()["cellprofiler databases"].variants[0]
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "run.sqlite"
        path.write_bytes(files["run.sqlite"])
        with closing(sqlite3.connect(path)) as database:
            for change in changes:
                database.execute(change)
            database.commit()
        return {**files, "run.sqlite": path.read_bytes()}


def _run(table: str, name: str | bytes, end: bytes = b"") -> dict[Any, bytes]:
    """Return the tables of a run, one of them called so and with this at its end."""
    files: dict[Any, bytes] = dict(formats()["cellprofiler runs"].variants[0])
    content = files.pop(table)
    return {**files, name: content + end}


def _profile_table(content: bytes) -> Files:
    return {**formats()["tables of profiles"].variants[0], "a.csv": content}


def _long_table(start: bytes, letter: bytes, megabytes: int) -> Files:
    """Return a gzipped table that goes on with one letter; its parts are packed once."""
    return _profile_table(gzip.compress(start) + gzip.compress(letter * (1 << 20)) * megabytes)


def _wide_parquet() -> Files:
    """Return one name, told 60 million times in some kilobytes."""
    import pyarrow as pa
    from pyarrow import parquet

    buffer = io.BytesIO()
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(60_000_000, np.int8)), pa.array(["A01"]))
    parquet.write_table(pa.table({"Metadata_Well": column}), buffer, compression="zstd")
    files = formats()["tables of profiles"].variants[2]
    return {**files, "a.parquet": buffer.getvalue()}


ATTACKS = {
    "a TIFF whose directories go round": Attack(
        "folders of pictures", lambda: {"a.tif": _circle()}, "in a circle"
    ),
    "a TIFF that unpacks to gigabytes": Attack(
        "folders of pictures", lambda: {"a.tif": _bomb()}, "working set"
    ),
    "a TIFF whose strips are the same bytes": Attack(
        "folders of pictures", lambda: {"a.tif": _shared_strips()}, "declares more pixels than it holds"
    ),
    "a TIFF of huge tiles": Attack("folders of pictures", lambda: {"a.tif": _huge_tiles()}, "damaged"),
    "an OME-Zarr of a trillion pixels": Attack(
        "ome-zarr", lambda: _store(shape=[10**6, 10**6], chunk_grid=_sides(10**4)), "working set"
    ),
    "an OME-Zarr whose one chunk is a trillion pixels": Attack(
        "ome-zarr", lambda: _store(chunk_grid=_sides(10**6)), "in chunks of"
    ),
    "an OME-Zarr whose chunk unpacks to gigabytes": Attack(
        "ome-zarr", lambda: _store(content=gzip.compress(bytes(1 << 31), 9)), "bytes of 16000000"
    ),
    "an OME-Zarr whose chunk hides that it unpacks to gigabytes": Attack(
        "ome-zarr", lambda: _store(codec="zstd", content=_zstd_bomb()), "may unpack to"
    ),
    "an OME-Zarr of chunks of a pixel": Attack(
        "ome-zarr", lambda: _store(shape=[9000, 9000], chunk_grid=_sides(1)), "chunks"
    ),
    "an OME-Zarr with a program in it": Attack("ome-zarr", _zarr_pickle, "is stored with"),
    "a PNG that unpacks to gigabytes": Attack(
        "folders of pictures", lambda: {"a.png": _png_bomb()}, "working set"
    ),
    "a PNG without its palette": Attack("folders of pictures", lambda: _without(b"PLTE"), "damaged"),
    "a PNG with a profile that is none": Attack(
        "folders of pictures", lambda: _with_profile(b"x\0\0" + b"\xff" * 40)
    ),
    "a PNG with a profile without a name": Attack(
        "folders of pictures", lambda: _with_profile(b""), "damaged"
    ),
    "a PNG with one bit more in its pixels": Attack(
        "folders of pictures", _flipped_pixels, "checksum of its IDAT"
    ),
    "a map with one bit more": Attack(
        "ep4 folders", _flipped_measurement, "checksum of its .ACCURION_RAWDATA"
    ),
    "a sheet with a row far below": Attack(
        "layouts as xlsx", _sheet('<row r="99999999"><c r="A99999999"/></row>'), "row 99,999,999"
    ),
    "a sheet with a cell far below in a row of its own": Attack(
        "layouts as xlsx", _sheet('<row r="2"><c r="C99999999"/></row>'), "C99999999"
    ),
    "a sheet with a cell far right": Attack(
        "layouts as xlsx", _sheet('<row r="9000"><c r="XFD9000"/></row>'), "column 16,384"
    ),
    "a sheet of three million rows": Attack(
        "layouts as xlsx", _sheet("<row/>" * 3_000_000), "reaches to row"
    ),
    "a sheet with one cell of 80 MB": Attack(
        "layouts as xlsx",
        _sheet('<row r="2"><c r="A2" t="inlineStr"><is><t>' + "A" * 80_000_000 + "</t></is></c></row>"),
        "unpacks to more than 64 MB",
    ),
    "a sheet with a long text in every cell": Attack(
        "layouts as xlsx",
        _sheet(f"<row><c><is><t>{'A' * 1_000_000}</t></is></c>{'<c/>' * 500}</row>"),
        "1,000,000 characters stands in",
    ),
    "a sheet with entities": Attack(
        "layouts as xlsx",
        lambda: {"layout.xlsx": workbook('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')},
        "document type",
    ),
    "a zip that says less than it holds": Attack("cell models", _lying_model, "damaged"),
    "a zip of blocks that unpack at once": Attack(
        "zip uploads", lambda: {"a.zip": _packed({"a.tif": bytes(1 << 20)}, zipfile.ZIP_LZMA)}, "unusual way"
    ),
    "a zip that leads out": Attack("zip uploads", lambda: {"a.zip": _packed({"../../a.tif": b"II"})}),
    "a zip with a name of a mile": Attack(
        "zip uploads", lambda: {"a.zip": _packed({"a" * 5000: b"II"})}, "give it a shorter name"
    ),
    "a Cauchy film of 1e308": Attack(
        "film models", _film("{ cauchy = [1e308, 1e308, 1e308] }"), "below 1e+09"
    ),
    "a Sellmeier film of 1e308": Attack(
        "film models", _film("{ sellmeier = [[1e308, 0.1]] }"), "below 1e+09"
    ),
    "a Sellmeier film at its resonance": Attack(
        "film models", _film("{ sellmeier = [[1.0, 0.5]] }"), "500 nm"
    ),
    "a film graded through no index": Attack(
        "film models", _film("{ graded = [{ cauchy = [1.5] }, { cauchy = [-1.5] }], slices = 7 }"), "opposite"
    ),
    "a film of no index": Attack("film models", _film("{ cauchy = [0.0] }"), "no index"),
    "a film of 400 digits": Attack("film models", _film(f"{{ index = 1{'0' * 400} }}"), "64 bits"),
    "a log whose name is no UTF-8": Attack(
        "sensor logs",
        lambda: {b"\xff\xfe.csv": b"time,T\n2025-03-01 12:00,21\n2025-03-01 12:10,22\n"},
        "rename it",
    ),
    "a dose of 1e999": Attack("layouts as csv", _layout("1e999"), "no concentration"),
    "a dose of 400 digits": Attack("layouts as csv", _layout("1" + "0" * 400), "no concentration"),
    "a dose called \u00b2": Attack("layouts as csv", _layout("\u00b2"), "no concentration"),
    "pictures called \u00b2": Attack("folders of pictures", _named("1\u00b22.tif", "1\u00b23.tif")),
    "pictures whose names are Latin-1": Attack(
        "folders of pictures", _named(b"\xe9t\xe9.tif", b"\xe9t\xe8.tif")
    ),
    "a picture whose name commands the terminal": Attack("folders of pictures", _named("\x1b[31m\n.tif")),
    "fields with numbers of 30 digits": Attack(
        "plates",
        lambda: {
            "layout.csv": b"well,compound\nA01,x\n",
            f"pictures/p_A01_s{'9' * 30}_w1.TIF": tiff(np.zeros((8, 8), np.uint8), metadata=None),
        },
        "holds a number above",
    ),
    "a GeoJSON nested a hundred thousand times": Attack(
        "regions", lambda: {"a.geojson": b"[" * 100_000}, "no GeoJSON"
    ),
    "a GeoJSON with a corner of 400 digits": Attack(
        "regions", _polygon(f"[[[1, 1], [9, 1], [1{'0' * 400}, 9]]]"), "list of three or more corners"
    ),
    "a GeoJSON whose corners are nowhere": Attack(
        "regions", _polygon("[[[1, 1], [9, 1], [NaN, 9]]]"), "list of three or more corners"
    ),
    "a GeoJSON of half a million regions": Attack(
        "regions", lambda: {"a.geojson": b"[" + b'{"type":"Polygon"},' * 500_000 + b"{}]"}, "label image"
    ),
    "a GeoJSON that crosses every row a million times": Attack(
        "regions",
        _polygon(f"[[{'[1, -9], [2, 99], ' * 1_500_000}[3, 9]]]"),
        "more outlines than can be drawn",
    ),
    "a RoiSet that unpacks to gigabytes": Attack(
        "regions",
        lambda: {"a.zip": _packed({f"{number}.roi": bytes(100 << 20) for number in range(6)})},
        "unpacks to more than 256 MB",
    ),
    "a RoiSet of one ROI that says it has two billion corners": Attack(
        "regions",
        lambda: {"a.roi": b"Iout" + struct.pack(">hBx4hH", 229, 7, 0, 0, 9, 9, 0) + b"\x7f" * 200},
        "damaged or no area",
    ),
    "an image without a number": Attack(
        "cellprofiler databases",
        lambda: _database("UPDATE Per_Image SET ImageNumber = NULL WHERE rowid = 3"),
        "row 3: the image has no number",
    ),
    "a database whose text is no UTF-8": Attack(
        "cellprofiler databases",
        lambda: _database("UPDATE Per_Image SET Image_Metadata_Plate = CAST(x'ff00fe' AS TEXT)"),
    ),
    "images made up by a query without an end": Attack(
        "cellprofiler databases",
        lambda: _database(
            "DROP TABLE Per_Image",
            "CREATE VIEW Per_Image AS WITH RECURSIVE n(ImageNumber) AS "
            "(SELECT 1 UNION ALL SELECT ImageNumber + 1 FROM n) SELECT * FROM n",
        ),
        "no table of images",
    ),
    "a value of a gigabyte": Attack(
        "cellprofiler databases",
        lambda: _database(
            "CREATE TABLE other AS SELECT * FROM Per_Image",
            "DROP TABLE Per_Image",
            "CREATE TABLE Per_Image (ImageNumber, Image_Metadata_Well, Image_Metadata_Site)",
            "INSERT INTO Per_Image SELECT ImageNumber, hex(zeroblob(100000000)), 1 FROM other LIMIT 1",
        ),
        "is damaged",
    ),
    "a table of objects without a row": Attack(
        "cellprofiler databases", lambda: _database("DELETE FROM Per_Cells"), ""
    ),
    "a number of 400 digits": Attack(
        "cellprofiler runs",
        lambda: _run("MyExpt_Cells.csv", "MyExpt_Cells.csv", b"8,9,1" + b"0" * 400 + b",1,1,1,1,1"),
    ),
    "a table of objects whose name is no Unicode": Attack(
        "cellprofiler runs", lambda: _run("MyExpt_Cells.csv", b"MyExpt_C\xffells.csv")
    ),
    "a table of objects that ends in 20,000 empty lines": Attack(
        "cellprofiler runs", lambda: _run("MyExpt_Cells.csv", "MyExpt_Cells.csv", b"\n" * 20_000)
    ),
    "profiles whose gzip is damaged inside": Attack(
        "tables of profiles",
        lambda: _profile_table(gzip.compress(b"Metadata_Well\n" * 999)[:15] + b"\xff" * 40),
        "is no table",
    ),
    "profiles of one line of a gigabyte": Attack(
        "tables of profiles",
        lambda: _long_table(b"Metadata_Well,Cells_X\nA01,", b"1", 1024),
        "too long",
    ),
    "profiles in a quote of two gigabytes": Attack(
        "tables of profiles",
        lambda: _long_table(b'Metadata_Well,Cells_X\nA01,"', b"\n", 2048),
        "is no table",
    ),
    "profiles of 60 million rows": Attack("tables of profiles", _wide_parquet, "holds more than"),
    "a recipe nested a thousand times": Attack(
        "recipes", lambda: {"recipe.toml": b"k = " + b"[" * 100_000}, "not valid TOML"
    ),
    "a table of another kind of text": Attack(
        "layouts as csv", lambda: {"layout.csv": "well,compound\nA01,x\n".encode("utf-16")}, "no column"
    ),
}
