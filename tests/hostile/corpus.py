"""Small good files of every format that ellimaps opens, made by code, and who opens them.

They are what `hostile.mutating` starts from; `hostile.attacks` are the bad ones that are known by name.
"""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import roifile
import tifffile
from PIL import Image
from support.cell_pictures import labelled_folder
from support.cellprofiler_run import LAYOUT, tables as run_tables, write_csv, write_sqlite
from support.ep4_tools import small_files, write_angle_series
from support.small_plate import saved_small_plate

Files = dict[str, bytes]
"""What lies in a folder: contents by path below it."""


@dataclass(frozen=True)
class Format:
    """A kind of input.

    Attributes
    ----------
    made : callable
        Makes good inputs of it.
    opened : callable
        ``opened(folder)`` does with an input what a user would; it returns, or raises an `EllimapsError`.
    weight : int
        How many of 100 or so inputs are of this kind.
    """

    made: Callable[[], list[Files]]
    opened: Callable[[Path], object]
    weight: int = 4

    @cached_property
    def variants(self) -> list[Files]:
        """Good inputs of it."""
        return self.made()


@cache
def formats() -> dict[str, Format]:
    """Return every kind of input by its name."""
    return {
        "ep4 folders": Format(_ep4_folders, _open_stack, 10),
        "png": Format(_pngs, _open_picture, 10),
        "tiff": Format(_tiffs, _open_picture, 16),
        "ome and imagej tiff": Format(_described_tiffs, _open_picture, 8),
        "ome-zarr": Format(_zarr_stores, _open_stores, 8),
        "nexus": Format(_nexus_files, _open_stacks, 6),
        "folders of pictures": Format(_picture_folders, _open_stack),
        "label images": Format(_label_images, _open_labels, 3),
        "regions": Format(_region_files, _open_labels, 8),
        "layouts as csv": Format(_csv_layouts, _open_layout, 6),
        "layouts as xlsx": Format(_xlsx_layouts, _open_layout, 8),
        "plates": Format(_plates, _open_plate, 3),
        "profiles": Format(_profiles, _open_profiles, 5),
        "cellprofiler runs": Format(_runs, _open_profiles_of_others, 6),
        "cellprofiler databases": Format(_run_databases, _open_profiles_of_others, 6),
        "tables of profiles": Format(_profile_tables, _open_profiles_of_others, 6),
        "film models": Format(_film_models, _open_film_model, 8),
        "recipes": Format(_recipes, _open_recipe, 6),
        "cell models": Format(_cell_models, _open_cell_model, 5),
        "labels of cells": Format(_cell_labels, _open_cell_labels, 4),
        "zip uploads": Format(_zips, _open_upload, 4),
        "sensor logs": Format(_logs, _open_log, 2),
        "events": Format(_events, _open_events, 3),
        "results of batches": Format(_results, _open_results, 2),
        "the command line": Format(lambda: _ep4_folders() + _pngs() + _tiffs()[:4], _run_info, 3),
    }


def _open_stack(folder: Path) -> object:
    from ellimaps.readers import list_datasets, open_stack

    list_datasets(folder)
    return open_stack(folder)


def _open_picture(folder: Path) -> object:
    from ellimaps.classify.images import read_image
    from ellimaps.readers import open_stack, picture_axes

    return _last_of(
        [
            lambda way=way, path=path: way(path)
            for path in _all(folder)
            for way in (picture_axes, read_image, open_stack)
        ]
    )


def _open_stores(folder: Path) -> object:
    from ellimaps.classify.images import read_image
    from ellimaps.plates.measuring.file_names import read_plate_files
    from ellimaps.plates.measuring.pictures import picture_values
    from ellimaps.readers import list_datasets, open_stack

    def first_picture(path: Path) -> object:
        return picture_values(path, str(read_plate_files(path).table["file"][0]))

    def each(path: Path) -> object:
        return [open_stack(path, dataset=name, t=0, z="mean") for name in list_datasets(path)]

    stores = sorted(path for path in folder.iterdir() if path.is_dir())
    return _last_of(
        [lambda way=way, path=path: way(path) for path in stores for way in (read_image, first_picture, each)]
    )


def _open_stacks(folder: Path) -> object:
    from ellimaps.readers import open_stack

    return _last_of([lambda path=path: open_stack(path) for path in _all(folder)])


def _open_labels(folder: Path) -> object:
    from ellimaps.maps.labels import read_clusters
    from ellimaps.regions.label_file import read_objects

    return _last_of(
        [
            opened
            for path in _all(folder)
            for opened in (
                lambda path=path: read_clusters(path, (24, 32)),
                lambda path=path: read_objects(path, (24, 32), 0, 0),
            )
        ]
    )


def _open_layout(folder: Path) -> object:
    from ellimaps.plates.measuring.layout import read_layout

    return _last_of([lambda path=path: read_layout(path) for path in _all(folder)])


def _open_plate(folder: Path) -> object:
    from ellimaps.plates.measuring.pictures import read_field
    from ellimaps.plates.measuring.plate import read_plate

    plate = read_plate(folder / "pictures", folder / "layout.csv")
    plate.metadata()
    field = next(plate.fields())
    return read_field(plate.root, field.files, plate.channels)


def _open_profiles_of_others(folder: Path) -> object:
    from ellimaps.plates.exchange.opening import open_profiles

    files = [path for path in folder.iterdir() if path.name != "layout.csv"]
    return open_profiles(folder if len(files) > 1 else files, folder / "layout.csv").wells


def _open_profiles(folder: Path) -> object:
    from ellimaps.plates.measuring.profiles import feature_values, read_profiles
    from ellimaps.plates.measuring.thumbnails import read_thumbnails

    profiles = read_profiles(folder, cells=True)
    read_thumbnails(folder, profiles.fields)
    return feature_values(profiles.wells, profiles.features)


def _open_film_model(folder: Path) -> object:
    from ellimaps.optics.library import read_nk
    from ellimaps.optics.model_file import model_text, read_model

    def computed(path: Path) -> object:
        model = read_model(path)
        model_text(model)
        return model.rho([500.0, 600.0, 700.0], 60.0)

    ways = [lambda path=path: computed(path) for path in _all(folder) if path.suffix == ".toml"]
    return _last_of(
        [*ways, *(lambda path=path: read_nk(path) for path in _all(folder) if path.suffix != ".toml")]
    )


def _open_recipe(folder: Path) -> object:
    from ellimaps.batch.recipes import read_work

    return _last_of([lambda path=path: read_work(path) for path in _all(folder) if path.suffix == ".toml"])


def _open_cell_model(folder: Path) -> object:
    from support.server_calls import cell

    from ellimaps.classify.deep_model import load_classifier

    return _last_of([lambda path=path: load_classifier(path).predict(cell(1)) for path in _all(folder)])


def _open_cell_labels(folder: Path) -> object:
    from ellimaps.classify.labeling_file import read_list
    from ellimaps.classify.training_labels import read_labels

    names = [f"{number:03}.tif" for number in range(1, 9)]
    tables = [path for path in _all(folder) if path.suffix == ".csv"]
    return _last_of(
        [
            *(lambda path=path: read_labels(path, folder / "images") for path in tables),
            *(lambda path=path: read_list(path, names) for path in tables),
        ]
    )


def _open_upload(folder: Path) -> object:
    from ellimaps.ui.shared.uploads import store_uploads

    files = [path.open("rb") for path in _all(folder)]
    with store_uploads(
        [_Upload(path.name, file) for path, file in zip(_all(folder), files, strict=True)]
    ) as into:
        return [path.stat().st_size for path in Path(into).rglob("*")]


@dataclass
class _Upload:
    """What Streamlit hands over of an uploaded file."""

    name: str
    file: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


def _open_log(folder: Path) -> object:
    from ellimaps.sensors.store.logs import open_log

    log = open_log(folder)
    return log.coverage(), log.gaps(), len(log.problems)


def _open_events(folder: Path) -> object:
    from ellimaps.sensors.events import read_events

    return _last_of([lambda path=path: read_events(path) for path in _all(folder)])


def _open_results(folder: Path) -> object:
    from ellimaps.batch.results import read_results

    results = read_results(folder)
    for level in results.levels:
        results.counts(level)
    for _, image in results.images.iterrows():
        results.objects_of(image), results.picture(image), results.montage(image)
    return results


def _run_info(folder: Path) -> object:
    """Run ``ellimaps info`` as the shell does; what it prints for a refusal is one line."""
    from ellimaps.cli import main

    for path in [folder, *_all(folder)][:2]:
        sys.argv = ["ellimaps", "info", os.fspath(path)]
        out, said = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), io.StringIO()
        try:
            with redirect_stdout(out), redirect_stderr(said):
                main()
        except SystemExit as left:
            if left.code not in (None, 0, 2):
                raise AssertionError(f"it left with {left.code}") from left
        lines = said.getvalue().splitlines()
        # What takes over a second on a busy machine tells of its progress.
        told = (line.startswith(("ellimaps: ", "warning: ")) or line.endswith(" ...") for line in lines)
        assert all(told), said.getvalue()
    return None


def _all(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _last_of(ways: Sequence[Callable[[], object]]) -> object:
    """Open in every way; if all of them refuse, the last refusal is raised."""
    from ellimaps.core.errors import EllimapsError

    opened: list[object] = []
    refused: EllimapsError | None = None
    for way in ways:
        try:
            opened.append(way())
        except EllimapsError as error:
            refused = error
    if refused is not None and not opened:
        raise refused
    return opened


def _random() -> np.random.Generator:
    return np.random.default_rng(18)


def _ep4_folders() -> list[Files]:
    files = small_files()
    maps = {name: content for name, content in files.items() if name.endswith(".png")}
    with tempfile.TemporaryDirectory() as name:
        write_angle_series(Path(name))
        angles = {path.name: path.read_bytes() for path in Path(name).iterdir()}
    region = (
        "#ROIidx\tAOI\tLambda\tBandwidth\tExposureTime\tROI_x\tROI_y\tDelta\tPsi\tM\n"
        "#-\tdeg\tnm\tnm\tus\t\u00b5m\t\u00b5m\tdeg\tdeg\t-\n"
        "0\t50\t500\t5\t100\t1\t2\t120.5\t33.1\tNaN\n0\t50\t600\t5\t100\t1\t2\t121.5\t34.1\tNaN\n"
    )
    return [files, maps, angles, {**files, "region.ds.dat": region.encode("latin-1")}]


def _pngs() -> list[Files]:
    random = _random()
    gray = random.integers(0, 255, (24, 32), dtype=np.uint8)
    color = random.integers(0, 255, (24, 32, 3), dtype=np.uint8)
    images = {
        "gray": Image.fromarray(gray),
        "deep": Image.fromarray(gray.astype(np.uint16) * 200),
        "bits": Image.fromarray(gray > 128),
        "color": Image.fromarray(color),
        "clear": Image.fromarray(np.dstack([color, gray])),
        "veiled": Image.fromarray(np.dstack([gray, gray])),
        "palette": Image.fromarray(color).quantize(16),
    }
    profile = {"icc_profile": b"\0" * 128 + b"not a profile"}
    made = [{f"{name}.png": _saved(image, "png")} for name, image in images.items()]
    return [
        *made,
        {"profile.png": _saved(images["color"], "png", **profile)},
        {"holes.png": _saved(images["palette"], "png", transparency=bytes(range(16)))},
    ]


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def tiff(values: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    big = options.pop("bigtiff", False)
    with tifffile.TiffWriter(
        file, bigtiff=big, **{k: options.pop(k) for k in ("ome", "imagej", "byteorder") if k in options}
    ) as writer:
        writer.write(values, **options)
    return file.getvalue()


def _tiffs() -> list[Files]:
    random = _random()
    deep = random.integers(0, 4000, (24, 32), dtype=np.uint16)
    gray = (deep >> 4).astype(np.uint8)
    color = random.integers(0, 255, (24, 32, 3), dtype=np.uint8)
    plain = {
        "plain": tiff(deep, metadata=None),
        "motorola": tiff(deep, metadata=None, byteorder=">"),
        "big": tiff(deep, bigtiff=True, metadata=None),
        "floats": tiff((deep / 7.0).astype(np.float32), metadata=None),
        "deflate": tiff(deep, compression="zlib", rowsperstrip=8, predictor=True, metadata=None),
        "lzma": tiff(deep, compression="lzma", metadata=None),
        "packbits": _packbits(),
        "lzw": _saved(Image.fromarray(gray), "tiff", compression="tiff_lzw"),
        "jpeg": _saved(Image.fromarray(gray), "tiff", compression="jpeg"),
        "lzw color": _saved(Image.fromarray(color), "tiff", compression="tiff_lzw"),
        "bilevel": _saved(Image.fromarray(gray > 99), "tiff", compression="group4"),
        "tiles": tiff(deep, tile=(16, 16), compression="zlib", metadata=None),
        "color": tiff(color, photometric="rgb", metadata=None),
        "planes": tiff(np.moveaxis(color, 2, 0), photometric="rgb", planarconfig="separate", metadata=None),
        "pages": tiff(np.stack([deep, deep + 1, deep + 2]), compression="zlib", metadata=None),
        "scattered": _scattered(deep),
    }
    return [{f"{name}.tif": content} for name, content in plain.items()]


def _packbits() -> bytes:
    """A TIFF as old programs write: one strip of PackBits."""
    return _saved(
        Image.fromarray(np.repeat(np.arange(24, dtype=np.uint8), 32).reshape(24, 32)),
        "tiff",
        compression="packbits",
    )


def _scattered(values: Any) -> bytes:
    """Pages that lie apart, so that each is read by itself."""
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for number in range(3):
            writer.write(values + number, metadata=None, contiguous=False, description=f"page {number}")
    return file.getvalue()


def _described_tiffs() -> list[Files]:
    random = _random()
    stack = random.integers(0, 4000, (2, 3, 2, 12, 16), dtype=np.uint16)
    ome = {
        "axes": "TCZYX",
        "Channel": {"Name": ["DNA", "ER", "\u03b2-actin"], "EmissionWavelength": [460, 520, 600]},
        "PhysicalSizeX": 0.5, "PhysicalSizeXUnit": "\u00b5m", "PhysicalSizeY": 0.5, "TimeIncrement": 2.0,
    }  # fmt: skip
    imagej = {"axes": "TZCYX", "unit": "um", "finterval": 1.5, "Labels": ["a", "b", "c"] * 4}
    hyper = np.ascontiguousarray(stack.transpose(0, 2, 1, 3, 4))
    scenes = io.BytesIO()
    with tifffile.TiffWriter(scenes, ome=True) as writer:
        writer.write(stack[0, 0, 0], metadata={"axes": "YX", "Name": "first"})
        writer.write(stack[0, :, 0], metadata={"axes": "CYX", "Name": "second"})
    return [
        {"cells.ome.tif": tiff(stack, ome=True, metadata=ome, compression="zlib")},
        {"plain.ome.tif": tiff(stack, ome=True, metadata=ome)},
        {"scenes.ome.tif": scenes.getvalue()},
        {"hyper.tif": tiff(hyper, imagej=True, metadata=imagej, resolution=(2.0, 2.0))},
        {"shaped.tif": tiff(stack[0, :, 0], metadata={"axes": "CYX"})},
    ]


def _zarr_stores() -> list[Files]:
    import zarr
    from support.zarr_stores import pixels, write_image, write_plate
    from zarr.codecs import BloscCodec, Crc32cCodec, GzipCodec

    # Its threads would be lost in the processes that open inputs.
    zarr.config.set({"threading.max_workers": 1})
    values = pixels((1, 2, 2, 20, 24), seed=4)
    small = pixels((12, 16), "uint8", 5)
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        write_image(root / "a" / "two.ome.zarr", values, "0.4")
        write_image(root / "b" / "three.ome.zarr", values)
        write_image(root / "c" / "shards.zarr", values, chunks=(1, 1, 1, 10, 12), shards=(1, 1, 2, 20, 24))
        write_image(root / "d" / "blosc.zarr", small, compressors=[BloscCodec(cname="lz4"), Crc32cCodec()])
        write_image(root / "e" / "gzip.zarr", small, compressors=GzipCodec())
        write_plate(root / "f" / "plate.zarr", {"A1": [values], "B2": [values]}, "0.4")
        write_plate(root / "g" / "plate.zarr", {"A1": [values, values]})
        return [
            {file.relative_to(one).as_posix(): file.read_bytes() for file in _all(one)}
            for one in sorted(root.iterdir())
        ]


def _nexus_files() -> list[Files]:
    from ellimaps.maps.nexus import export_nexus

    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        for name, content in small_files().items():
            (root / "film" / name).parent.mkdir(exist_ok=True)
            (root / "film" / name).write_bytes(content)
        write_angle_series(root / "angles")
        for name in ("film", "angles"):
            export_nexus(root / name, root / f"{name}.nxs")
        return [{f"{name}.nxs": (root / f"{name}.nxs").read_bytes()} for name in ("film", "angles")]


def _picture_folders() -> list[Files]:
    random = _random()
    planes = random.integers(0, 4000, (3, 24, 32), dtype=np.uint16)
    tiffs = {f"day {number}_w{number}.tif": tiff(plane, metadata=None) for number, plane in enumerate(planes)}
    pngs = {f"c{number}.png": _saved(Image.fromarray(plane), "png") for number, plane in enumerate(planes)}
    colors = {
        f"t{number}.png": _saved(Image.fromarray(planes[:, :, :24].T.astype(np.uint8).copy()), "png")
        for number in range(2)
    }
    return [tiffs, pngs, colors, {**tiffs, "notes.txt": b"what was done"}]


def _label_images() -> list[Files]:
    labels = np.kron(np.arange(12).reshape(3, 4), np.ones((8, 8))).astype(np.uint8)
    return [
        {"labels.tif": tiff(labels, metadata=None)},
        {"labels.tif": tiff(labels.astype(np.int32), compression="zlib", metadata=None)},
        {"labels.tif": _called_labels(labels)},
        {"labels.png": _saved(Image.fromarray(labels), "png")},
    ]


_LAYOUT = (
    ["well", "compound", "concentration_um", "control"],
    ["A01", "DMSO", "", "1"],
    ["A02", "na\u00efve \u03b2-lactam", "0.1", "0"],
    ["B01", "staurosporine", "1e-3", "0"],
    ["B12", "\u00b5-opioid", "10", "0"],
)


def _called_labels(labels: Any) -> bytes:
    from ellimaps.regions.label_image import Called, PackedLabels, label_tiff

    called = [Called(f"kind {number}", f"#0000{number:02x}") for number in range(1, 12)]
    return label_tiff([[PackedLabels.of(labels)]], 0.5, called=called)


def _region_files() -> list[Files]:
    from ellimaps.regions.areas import areas_of
    from ellimaps.regions.geojson import geojson_bytes
    from ellimaps.regions.imagej import roi_set_bytes

    labels = _random().integers(0, 3, (24, 32))
    planes = [area for t in (0, 1) for area in areas_of(np.roll(labels, t), t, 0)]
    drawn = roifile.ImagejRoi.frompoints(np.array([(1.5, 2.0), (9.25, 3.0), (7.0, 12.5)]))
    oval = roifile.ImagejRoi(roitype=roifile.ROI_TYPE.OVAL, top=3, left=4, bottom=20, right=15)
    old = {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [[[1, 1], [9, 1], [9, 9], [1, 1]]]},
        "properties": {
            "classification": {"name": "a", "colorRGB": -3},
            "measurements": [{"name": "x", "value": 1}],
        },
    }
    return [
        {"regions.geojson": geojson_bytes(areas_of(labels), "detection", "Nucleus")},
        {"regions.geojson": geojson_bytes(planes, "annotation")},
        {"regions.geojson": json.dumps([old]).encode()},
        {"RoiSet.zip": roi_set_bytes(areas_of(labels))},
        {"RoiSet.zip": roi_set_bytes(areas_of(np.kron(np.arange(12).reshape(3, 4), np.ones((8, 8), int))))},
        {"RoiSet.zip": roi_set_bytes(planes)},
        {"drawn.roi": drawn.tobytes()},
        {"oval.roi": oval.tobytes()},
    ]


def _csv_layouts() -> list[Files]:
    rows = [";".join(row) for row in _LAYOUT]
    parts = "row,column,treatment,dose (nM),is_control\nA,1,x,5,no\nB,2,y,6,yes\nAF,48,z,1e3,\n"
    return [
        {"layout.csv": "\n".join(rows).encode()},
        {"layout.csv": "\r\n".join(rows).replace("\u03b2", "b").encode("cp1252")},
        {"layout.csv": parts.encode("utf-8-sig")},
        {"layout.csv": "\n".join("\t".join(row) for row in _LAYOUT).encode()},
    ]


def workbook(sheet: str | None = None) -> bytes:
    """Return a workbook with a layout, or with the XML of a sheet in its place."""
    file = io.BytesIO()
    pd.DataFrame(list(_LAYOUT[1:]), columns=_LAYOUT[0]).to_excel(file, index=False, engine="openpyxl")
    if sheet is None:
        return file.getvalue()
    changed = io.BytesIO()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, sheet if name.endswith("sheet1.xml") else old.read(name))
    return changed.getvalue()


def _xlsx_layouts() -> list[Files]:
    numbers = io.BytesIO()
    table = pd.DataFrame(
        {
            "row": ["A", "B"],
            "column": [1, 2],
            "compound": ["x", "y"],
            "dose_nm": [1.5, 2e-3],
            "day": pd.Timestamp(0),
        }
    )
    table.to_excel(numbers, index=False, engine="openpyxl")
    return [{"layout.xlsx": workbook()}, {"layout.xlsx": numbers.getvalue()}]


def _plates() -> list[Files]:
    picture = tiff(_random().integers(0, 4000, (24, 32), dtype=np.uint16), metadata=None)
    layout = {"layout.csv": b"well,compound\nA01,DMSO\nA02,x\n"}
    express = {f"pictures/p_A0{well}_s1_w{channel}.TIF": picture for well in (1, 2) for channel in (1, 2)}
    harmony = {
        f"pictures/r01c0{well}f01p01-ch{channel}sk1fk1fl1.tiff": picture
        for well in (1, 2)
        for channel in (1, 2)
    }
    return [{**layout, **express}, {**layout, **harmony}]


def _profiles() -> list[Files]:
    with tempfile.TemporaryDirectory() as name:
        saved_small_plate(Path(name))
        folder = Path(name) / "results" / "small"
        files = {path.name: path.read_bytes() for path in folder.iterdir()}
    thumbnails = {"files": ["thumbnails_000.jpg"], "tile": 64, "columns": 16}
    sheet = _saved(Image.new("RGB", (64, 64)), "jpeg")
    import json

    return [files, {**files, "thumbnails.json": json.dumps(thumbnails).encode(), "thumbnails_000.jpg": sheet}]


def _runs() -> list[Files]:
    made, _ = run_tables(cells=3)
    with tempfile.TemporaryDirectory() as name:
        folder = write_csv(Path(name), made)
        return [
            {"layout.csv": LAYOUT.encode(), **{path.name: path.read_bytes() for path in folder.iterdir()}}
        ]


def _run_databases() -> list[Files]:
    made, _ = run_tables(cells=3)
    with tempfile.TemporaryDirectory() as name:
        paths = [write_sqlite(Path(name) / f"{prefix}run.sqlite", made, prefix) for prefix in ("Per_", "")]
        return [{"layout.csv": LAYOUT.encode(), "run.sqlite": path.read_bytes()} for path in paths]


def _profile_tables() -> list[Files]:
    import gzip

    table = pd.DataFrame(
        {
            "Metadata_Plate": "p",
            "Metadata_Well": ["A01", "A02", "B01", "B02"],
            "Metadata_Site": [1, 1, 1, 1],
            "Cells_AreaShape_Area": [1.5, -2e3, np.nan, 4.0],
            "Nuclei_Texture_Entropy_DNA": [1.0, 2.0, 3.0, 1e-9],
        }
    )
    text, packed = table.to_csv(index=False).encode(), io.BytesIO()
    table.to_parquet(packed, index=False)
    layout = {"layout.csv": LAYOUT.encode()}
    return [
        {**layout, "a.csv": text},
        {**layout, "a.csv.gz": gzip.compress(text, mtime=0)},
        {**layout, "a.parquet": packed.getvalue()},
    ]


def _film_models() -> list[Files]:
    plain = (
        'ambient = "air"\nsubstrate = "Si"\naoi_deg = 60.0\nwavelengths_nm = [450.0, 800.0]\n'
        "free = { delta_offset_deg = [-5.0, 5.0] }\n\n[[layers]]\n"
        "material = { cauchy = [1.45, 0.003, 0.0001] }\nthickness_nm = 100.0\n"
        "free = { thickness_nm = [0.0, 400.0] }\n"
    )
    mixed = (
        'substrate = { file = "glass.csv" }\nwithout_nm = [[600.0, 610.0], 650.0]\n\n[[layers]]\n'
        "material = { sellmeier = [[0.7, 0.07], [0.4, 0.12]] }\nthickness_nm = 12\n\n[[layers]]\n"
        "material = { ordinary = { cauchy = [2.1, 0.01] }, extraordinary = { cauchy = [1.8] } }\n"
        "thickness_nm = 3.5\nfree = { cauchy_a = [1.5, 3.0] }\n\n[[layers]]\n"
        "material = { index = [1.5, 0.01] }\nthickness_nm = 7\n"
    )
    linked = (
        'substrate = "Si"\n\n[[layers]]\nmaterial = "roughness"\nthickness_nm = 3.0\n'
        "free = { thickness_nm = [0.0, 10.0] }\n\n[[layers]]\nrepeat = 8\n"
        "layers = [{ material = { cauchy = [1.45] }, thickness_nm = 90, free = { cauchy_a = [1.4, 1.5] } }, "
        '{ material = "TiO2", thickness_nm = 60 }]\n\n[[layers]]\n'
        'material = { graded = [{ cauchy = [1.5] }, { file = "glass.csv" }], slices = 10 }\n'
        "thickness_nm = 100\ntied = { cauchy_a = 2 }\n\n[[layers]]\n"
        "material = { interface = 0.3 }\nthickness_nm = 2\ntied = { thickness_nm = 1 }\n"
    )
    table = "wavelength_nm,n,k\n400,1.53,0\n600,1.51,0\n800,1.50,0.001\n"
    glass = {"glass.csv": table.encode()}
    return [
        {"model.toml": plain.encode()},
        {"model.toml": mixed.encode(), **glass},
        {"model.toml": linked.encode(), **glass},
    ]


def _recipes() -> list[Files]:
    from ellimaps.maps.recipe import recipe_text
    from ellimaps.maps.settings import Settings

    cells = '[cells]\nkind = "nuclei"\nradius = [4.0, 20.0]\nnames = "skimage"\nunit = "px"\n'
    fit = '[fit]\nmodel = "model.toml"\n'
    settings = recipe_text(Settings())
    return [
        {"recipe.toml": settings.encode()},
        {"recipe.toml": cells.encode()},
        {"recipe.toml": f"{settings}\n{fit}".encode(), **_film_models()[0]},
    ]


@cache
def _cell_models() -> list[Files]:
    from ellimaps.classify import read_labels, train
    from ellimaps.classify.model_file import model_bytes

    with tempfile.TemporaryDirectory() as name:
        images, labels = labelled_folder(Path(name))
        model = train(images, read_labels(labels, images), repeats=1).model
    return [{"cells.ellimodel": model_bytes(model)}]


def _cell_labels() -> list[Files]:
    images = {f"images/{number:03}.tif": b"II*\0" for number in range(1, 9)}
    rows = "".join(f"{number},{number % 2}\n" for number in range(1, 9))
    named = "".join(f"{number:03}.tif;good {number % 3};g{number // 3}\n" for number in range(1, 9))
    return [
        {**images, "labels.csv": f"image_id,is_homogenous\n{rows}".encode()},
        {**images, "labels.csv": f"file;quality;group\n{named}".encode("utf-8-sig")},
        {
            **images,
            "labels.csv": f"image_id,state\n{rows}".encode(),
            "labels.json": b'{"classes": {"0": "bad", "1": "good"}}',
        },
    ]


def _zips() -> list[Files]:
    picture = _tiffs()[0]["plain.tif"]
    names = ("monday/d0.tif", "monday/d1.tif", "tuesday/d0.tif", "r\u00e9sum\u00e9.txt")
    packed = zipped(dict.fromkeys(names, picture))
    return [{"upload.zip": packed}, {"upload.zip": packed, "d9.tif": picture}]


def zipped(members: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip of files, the same at any time."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, compress_type=how)
    return file.getvalue()


def _logs() -> list[Files]:
    times = pd.date_range("2025-03-01", periods=60, freq="10min")
    values = 21 + np.sin(np.arange(60) / 9).round(2)
    table = pd.DataFrame({"time": times, "temperature": values})
    long = pd.DataFrame(
        {
            "region": "EU",
            "source_id": "7",
            "sensor_name": "T",
            "unit": "\u00b0C",
            "time": times,
            "value": values,
        }
    )
    german = "Zeit;Temp [\u00b0C]\n" + "".join(
        f"{time:%d.%m.%Y %H:%M:%S};{value:.2f}\n".replace(".", ",").replace(",", ".", 2)
        for time, value in zip(times, values, strict=True)
    )
    parquet = io.BytesIO()
    long.to_parquet(parquet)
    return [
        {"log.csv": table.to_csv(index=False).encode()},
        {"log.csv": long.to_csv(index=False).encode()},
        {"log.csv": german.encode("latin-1")},
        {"log.parquet": parquet.getvalue()},
    ]


def _events() -> list[Files]:
    return [
        {"events.csv": b"start,end,kind,note\n2025-03-01 12:00,2025-03-01 13:00,door,open\n2025-03-02,,x,\n"},
        {"events.csv": "time;event\n01.03.2025 12:00;T\u00fcr\n".encode("latin-1")},
        {"events.csv": b"time\tkind\n2025-03-01 12:00\tgas bottle\n"},
    ]


@cache
def _results() -> list[Files]:
    from support.cell_results import cell_results

    with tempfile.TemporaryDirectory() as name:
        out = cell_results(Path(name))
        files = {
            path.relative_to(out).as_posix(): path.read_bytes()
            for path in sorted(out.rglob("*"))
            if path.is_file() and path.stat().st_size < 100_000
        }
    return [files]
