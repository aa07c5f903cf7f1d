"""OME-Zarr stores written by the zarr library, with metadata as the specification has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

AXES = [
    {"name": "t", "type": "time", "unit": "second"},
    {"name": "c", "type": "channel"},
    {"name": "z", "type": "space", "unit": "micrometer"},
    {"name": "y", "type": "space", "unit": "micrometer"},
    {"name": "x", "type": "space", "unit": "micrometer"},
]
OMERO = {
    "channels": [
        {"label": "DNA", "color": "0000FF", "window": {"start": 0, "end": 9, "min": 0, "max": 9}},
        {"label": "ER", "color": "00FF00", "window": {"start": 0, "end": 9, "min": 0, "max": 9}},
    ]
}


def image_facts(version: str, n_axes: int = 5) -> dict[str, Any]:
    """Return what an image of two channels says: 2.5 s, 1.5 um deep, 0.65 um high and 0.325 um wide."""
    scale = [2.5, 1.0, 1.5, 0.65, 0.325][-n_axes:]
    transformations = [{"type": "scale", "scale": scale}]
    multiscales = {
        "name": "image",
        "axes": [dict(axis) for axis in AXES[-n_axes:]],
        "datasets": [{"path": "0", "coordinateTransformations": transformations}],
    }
    said: dict[str, Any] = {"multiscales": [multiscales]} | ({"omero": OMERO} if n_axes == 5 else {})
    return described(said, version, multiscales)


def described(said: dict[str, Any], version: str, part: dict[str, Any]) -> dict[str, Any]:
    """Return metadata with the version where it has its place: in a part (0.4) or around all (0.5)."""
    if version == "0.4":
        part["version"] = version
        return said
    return {"ome": {"version": version, **said}}


def write_group(folder: Path, version: str, attributes: dict[str, Any]) -> None:
    """Write a group as JSON."""
    zarr.create_group(store=folder, zarr_format=2 if version == "0.4" else 3, attributes=attributes)


def write_image(folder: Path, values: NDArray[Any], version: str = "0.5", **array: Any) -> Path:
    """Write an image; what else is named goes to `zarr.create_array`, as chunks, shards and compressors."""
    write_group(folder, version, image_facts(version, values.ndim))
    options: dict[str, Any] = {"chunks": (*[1] * (values.ndim - 2), 16, 16)} | array
    if version == "0.4":
        options |= {"chunk_key_encoding": {"name": "v2", "separator": "/"}}
    made = zarr.create_array(
        store=folder / "0", shape=values.shape, dtype=values.dtype,
        zarr_format=2 if version == "0.4" else 3, **options,
    )  # fmt: skip
    made[...] = values
    return folder


def write_plate(folder: Path, wells: dict[str, list[NDArray[Any]]], version: str = "0.5") -> Path:
    """Write a plate: the fields of wells called as ``B3``, each of the axes of `AXES`."""
    rows = sorted({well[0] for well in wells})
    columns = sorted({well[1:] for well in wells}, key=int)
    plate = {
        "rows": [{"name": name} for name in rows],
        "columns": [{"name": name} for name in columns],
        "wells": [
            {
                "path": f"{well[0]}/{well[1:]}",
                "rowIndex": rows.index(well[0]),
                "columnIndex": columns.index(well[1:]),
            }
            for well in wells
        ],
    }
    write_group(folder, version, described({"plate": plate}, version, plate))
    for well, fields in wells.items():
        about = {"images": [{"path": str(number)} for number in range(len(fields))]}
        at = folder / well[0] / well[1:]
        write_group(at, version, described({"well": about}, version, about))
        for number, values in enumerate(fields):
            write_image(at / str(number), values, version)
    return folder


def change_json(file: Path, **changes: Any) -> None:
    """Change values of a JSON file of a store."""
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def pixels(shape: tuple[int, ...] = (2, 2, 3, 40, 50), dtype: str = "uint16", seed: int = 0) -> NDArray[Any]:
    """Return noise of a type, none of it zero."""
    random = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return random.normal(100, 20, shape).astype(dtype)
    return random.integers(1, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)
