"""Writing OME-Zarr 0.4 and 0.5: an image in smaller and smaller sizes, label images with it, and plates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.colors import CLUSTER_COLORS
from ellimaps.core.progress import Progress, no_progress
from ellimaps.readers.planes import RGB_NAMES, PlaneChannel, Planes
from ellimaps.writers.zarr_array import NewZarrArray, Version, write_group

_SMALLEST = 1024
"""Pixels of the longer side: what a screen shows at once need not be kept smaller."""
_COLORS = dict(zip(RGB_NAMES, ("#FF0000", "#00FF00", "#0000FF"), strict=True))


@dataclass(frozen=True)
class PlateField:
    """A field of a plate.

    Attributes
    ----------
    row, column : str
        Of its well, as A and 3.
    picture : Planes
        Its image.
    """

    row: str
    column: str
    picture: Planes


def write_image(
    picture: Planes,
    folder: Path,
    version: Version,
    labels: Mapping[str, NDArray[np.integer[Any]]] = MappingProxyType({}),
    on_progress: Progress = no_progress,
) -> None:
    """Write an image with its label images.

    Parameters
    ----------
    picture : Planes
        It; its planes are read one after the other, and no two are in memory.
    folder : Path
        Where to.
    version : "0.4" or "0.5"
        Of OME-Zarr.
    labels : mapping of str to ndarray of int, shape (y, x)
        Label images of its size by name, 0 for no label; they belong to every plane.
    on_progress : callable, optional
        Called as ``on_progress(done, total, what)``.

    Raises
    ------
    ReadError
        If a plane of it is damaged.
    """
    first = picture.plane(0, 0, 0)
    ranges = np.tile([np.inf, -np.inf], (picture.shape[1], 1))

    def planes() -> Iterator[tuple[int, int, int, NDArray[Any]]]:
        numbers = list(np.ndindex(*picture.shape[:3]))
        for done, (t, c, z) in enumerate(numbers, 1):
            plane = picture.plane(t, c, z)
            ranges[c, 0] = np.fmin(ranges[c, 0], np.fmin.reduce(plane, axis=None))
            ranges[c, 1] = np.fmax(ranges[c, 1], np.fmax.reduce(plane, axis=None))
            yield t, c, z, plane
            on_progress(done, len(numbers), "writing images")

    multiscales = _write_sizes(folder, version, picture, picture.shape, first.dtype, planes(), halved)
    channels = [_channel(channel, number, ranges[number]) for number, channel in enumerate(picture.channels)]
    omero = {"channels": channels, "rdefs": {"model": "color" if len(channels) > 1 else "greyscale"}}
    write_group(folder, {"multiscales": [multiscales], "omero": omero}, version)
    if labels:
        write_group(folder / "labels", {"labels": list(labels)}, version)
    for name, values in labels.items():
        shape = (1, 1, 1, *values.shape)
        whole = [(0, 0, 0, values.astype(np.uint32))]
        scales = _write_sizes(
            folder / "labels" / name, version, picture, shape, np.dtype(np.uint32), whole, every_other
        )
        said = {"multiscales": [scales], "image-label": _label_facts(values, version)}
        write_group(folder / "labels" / name, said, version)


def write_plate(fields: Iterable[PlateField], folder: Path, name: str, version: Version) -> None:
    """Write a plate; fields of a well are numbered in their order.

    Parameters
    ----------
    fields : iterable of PlateField
        Each is written before the next is asked for.
    folder : Path
        Where to.
    name : str
        Of the plate.
    version : "0.4" or "0.5"
        Of OME-Zarr.

    Raises
    ------
    ReadError
        If an image is damaged.
    """
    wells: dict[tuple[str, str], int] = {}
    for field in fields:
        well = field.row, field.column
        number = wells.get(well, 0)
        write_image(field.picture, folder.joinpath(*well, str(number)), version)
        wells[well] = number + 1
    rows = sorted(dict.fromkeys(row for row, _ in wells), key=lambda row: (len(row), row))
    columns = sorted(dict.fromkeys(column for _, column in wells), key=int)
    for (row, column), count in wells.items():
        images = [{"path": str(number)} for number in range(count)]
        write_group(folder / row / column, {"well": _versioned({"images": images}, version)}, version)
    for row in rows:
        write_group(folder / row, {}, version)
    plate = {
        "name": name,
        "rows": [{"name": row} for row in rows],
        "columns": [{"name": column} for column in columns],
        "wells": [
            {"path": f"{row}/{column}", "rowIndex": rows.index(row), "columnIndex": columns.index(column)}
            for row, column in wells
        ],
        "field_count": max(wells.values()),
    }
    write_group(folder, {"plate": _versioned(plate, version)}, version)


def _write_sizes(
    folder: Path,
    version: Version,
    picture: Planes,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    planes: Iterable[tuple[int, int, int, NDArray[Any]]],
    reduced: Callable[[NDArray[Any]], NDArray[Any]],
) -> dict[str, Any]:
    """Write planes in all sizes, and return what the image says of these."""
    height, width = shape[-2:]
    shapes = [shape]
    while max(height, width) > _SMALLEST and min(height, width) > 1:
        height, width = height // 2, width // 2
        shapes.append((*shape[:-2], height, width))
    arrays = [NewZarrArray(folder / str(n), one, dtype, version) for n, one in enumerate(shapes)]
    for t, c, z, plane in planes:
        smaller = plane
        for number, array in enumerate(arrays):
            smaller = reduced(smaller) if number else plane
            array.write(t, c, z, smaller)
    return _versioned(_multiscales(picture, len(shapes)), version)


def halved(plane: NDArray[Any]) -> NDArray[Any]:
    """Return the means of blocks of 2 x 2 pixels; of those that were measured, where not all were."""
    height, width = plane.shape[0] // 2, plane.shape[1] // 2
    blocks: NDArray[np.float64] = (
        plane[: 2 * height, : 2 * width].reshape(height, 2, width, 2).astype(np.float64)
    )
    if plane.dtype.kind != "f":
        return np.asarray(np.rint(blocks.mean(axis=(1, 3))), plane.dtype)
    measured = np.isfinite(blocks)
    with np.errstate(invalid="ignore"):
        means = np.where(measured, blocks, 0).sum(axis=(1, 3)) / measured.sum(axis=(1, 3))
    return np.asarray(means, plane.dtype)


def every_other(labels: NDArray[Any]) -> NDArray[Any]:
    """Return one label of each block of 2 x 2 pixels: a mean of numbers would be another region."""
    height, width = (side // 2 for side in labels.shape)
    return labels[: 2 * height : 2, : 2 * width : 2]


def _multiscales(picture: Planes, count: int) -> dict[str, Any]:
    width = picture.pixel_size_um
    height = None if width is None else width * picture.pixel_aspect
    axes: list[dict[str, str]] = []
    scale: list[float] = []
    kinds = (
        ("t", "time", "second", _time_step(picture)),
        ("c", "channel", "", None),
        ("z", "space", "micrometer", picture.plane_distance_um),
        ("y", "space", "micrometer", height),
        ("x", "space", "micrometer", width),
    )
    for name, kind, unit, step in kinds:
        axes.append({"name": name, "type": kind} | ({"unit": unit} if step else {}))
        scale.append(step or 1.0)
    # An aspect is known of pixels whose size is not.
    scale[3] *= picture.pixel_aspect if width is None else 1.0
    return {
        "name": picture.name,
        "axes": axes,
        "datasets": [_dataset(number, scale) for number in range(count)],
    }


def _dataset(number: int, scale: list[float]) -> dict[str, Any]:
    factor = 2**number
    steps = [{"type": "scale", "scale": [*scale[:3], scale[3] * factor, scale[4] * factor]}]
    # The center of the first block is not that of the first pixel.
    offset = [0.0, 0.0, 0.0, *((factor - 1) / 2 * side for side in scale[3:])]
    moved = [{"type": "translation", "translation": offset}] if number else []
    return {"path": str(number), "coordinateTransformations": [*steps, *moved]}


def _time_step(picture: Planes) -> float | None:
    times = picture.times_s[:, 0]
    if len(times) < 2 or not np.isfinite(times).all() or times[-1] <= times[0]:
        return None
    return float((times[-1] - times[0]) / (len(times) - 1))


def _channel(channel: PlaneChannel, number: int, low_high: NDArray[np.float64]) -> dict[str, Any]:
    low, high = low_high.tolist() if np.isfinite(low_high).all() else (0.0, 1.0)
    color = channel.color or _COLORS.get(channel.name, "#FFFFFF")
    wave = {"emissionWave": channel.wavelength_nm} if np.isfinite(channel.wavelength_nm) else {}
    return {
        "label": channel.name or f"channel {number + 1}",
        "color": color.removeprefix("#").upper(),
        "window": {"start": low, "end": high, "min": low, "max": high},
        "active": True,
        **wave,
    }


def _label_facts(values: NDArray[np.integer[Any]], version: Version) -> dict[str, Any]:
    numbers = [int(number) for number in np.unique(values) if number]
    colors = [
        {"label-value": number, "rgba": [*bytes.fromhex(_label_color(number)), 255]} for number in numbers
    ]
    return _versioned({"colors": colors, "source": {"image": "../../"}}, version)


def _label_color(number: int) -> str:
    return CLUSTER_COLORS[(number - 1) % len(CLUSTER_COLORS)].removeprefix("#")


def _versioned(part: dict[str, Any], version: Version) -> dict[str, Any]:
    """Return a part of what a group says, with the version where it stands in each part."""
    return {"version": version, **part} if version == "0.4" else part
