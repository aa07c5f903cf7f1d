"""OME-Zarr 0.4 and 0.5: what a store says about its images and plates, and their planes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.errors import ReadError, unreadable
from ellimaps.core.inputs import InputFile
from ellimaps.readers.planes import PlaneChannel, Planes
from ellimaps.readers.zarr_array import DESCRIPTIONS, ZarrArray, described, opened_array, telling_damage

VERSIONS = ("0.4", "0.5")
# Names of UDUNITS-2, which the format prescribes.
_IN_UM = {
    "angstrom": 1e-4, "picometer": 1e-6, "nanometer": 1e-3, "micrometer": 1.0, "millimeter": 1e3,
    "centimeter": 1e4, "decimeter": 1e5, "meter": 1e6, "inch": 25400.0,
}  # fmt: skip
_IN_S = {
    "nanosecond": 1e-9, "microsecond": 1e-6, "millisecond": 1e-3, "second": 1.0, "minute": 60.0,
    "hour": 3600.0, "day": 86400.0,
}  # fmt: skip
# Of planes that lie in the same chunks: memory any machine has.
_KEPT_BYTES = 256 << 20
# A day at twelve frames a second; each has a row in tables.
_MOST_PLANES = 1 << 20
_ENDINGS = (".ome.zarr", ".zarr")


class ZarrImage(NamedTuple):
    """An image of a store.

    Attributes
    ----------
    folder : Path
        Where it lies.
    name : str
        What it is called: the store's name, and in a plate well and field behind it.
    row, column : str
        Of a plate's well, as the plate calls them; else empty.
    field : int
        Of the well, from 1.
    """

    folder: Path
    name: str
    row: str = ""
    column: str = ""
    field: int = 1


def is_zarr(folder: Path) -> bool:
    """Tell whether a folder is a Zarr store, such as an OME-Zarr image."""
    # A folder that may not be entered is none that can be read.
    with suppress(OSError):
        return any((folder / name).is_file() for name in DESCRIPTIONS)
    return False


def stores_in(folder: Path) -> list[Path]:
    """Return the stores that lie in a folder, by name.

    Raises
    ------
    ReadError
        If the folder cannot be read.
    """
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith(".") and is_zarr(path))
    except OSError as error:
        raise unreadable(folder, error) from error


def zarr_stem(name: str) -> str:
    """Return the name of a store without its ending."""
    ending = next((ending for ending in _ENDINGS if name.lower().endswith(ending)), "")
    return name.removesuffix(name[len(name) - len(ending) :]) if ending else name


def store_of(part: Path) -> Path:
    """Return the store that a part of one lies in; of any other path itself."""
    # A field of a plate lies three levels below it; the row between need not say anything.
    return next((one for one in (*reversed(part.parents[:3]), part) if is_zarr(one)), part)


def store_name(part: Path) -> str:
    """Return what messages call a part of a store: its path from the store on."""
    return part.relative_to(store_of(part).parent).as_posix()


def images_in(store: Path) -> list[ZarrImage]:
    """List the images of a store: itself, those of a collection, or the fields of a plate by well.

    None if it is a Zarr store of something else.

    Raises
    ------
    ReadError
        If it is damaged or of another version.
    """
    said, name = _said(store), zarr_stem(store.name)
    with telling_damage(store_name(store)):
        if "multiscales" in said:
            return [ZarrImage(store, name)]
        if "plate" in said:
            return list(_fields(store, name, said["plate"]))
        if "bioformats2raw.layout" in said:
            numbers = sorted(int(path.name) for path in store.iterdir() if path.name.isdecimal())
            return [ZarrImage(store / str(number), f"{name}_{number}") for number in numbers]
    return []


def _fields(store: Path, name: str, plate: Mapping[str, Any]) -> Iterator[ZarrImage]:
    rows, columns = ([str(one["name"]) for one in plate[key]] for key in ("rows", "columns"))
    for well in plate["wells"]:
        folder = _below(store, well["path"])
        row, column = rows[int(well["rowIndex"])], columns[int(well["columnIndex"])]
        for number, image in enumerate(_said(folder)["well"]["images"], 1):
            at = f"{name}_{row}{column:0>2}_f{number}"
            yield ZarrImage(_below(folder, image["path"]), at, row, column, number)


def opened_zarr(store: InputFile) -> Planes:
    """Open an image of a store as `Planes`; its largest size is read.

    Raises
    ------
    ReadError
        If it is damaged or of another version; also for planes read.
    """
    folder, name = store.path, store.name
    said = _said(folder)
    if "multiscales" not in said:
        count = len(images_in(folder))
        raise ReadError(f"{name} is a Zarr store of {count} images: give the folder of one of them.")
    with telling_damage(name):
        scales = said["multiscales"][0]
        largest = scales["datasets"][0]
        array = opened_array(_below(folder, largest["path"]), name)
        letters = _letters(name, scales["axes"], len(array.shape))
        steps = _steps(scales, largest)
        return _planes(store, array, letters, steps, said.get("omero", {}))


def channel_names(image: Path) -> list[str]:
    """Return what an image calls its channels; their numbers from 1 where it gives no name to each.

    Raises
    ------
    ReadError
        As `opened_zarr`.
    """
    names = [channel.name for channel in opened_zarr(InputFile(image, store_name(image))).channels]
    is_named = all(names) and len(set(names)) == len(names)
    return names if is_named else [str(number) for number in range(1, len(names) + 1)]


def _planes(
    store: InputFile, array: ZarrArray, letters: str, steps: Sequence[_Step], omero: Mapping[str, Any]
) -> Planes:
    sizes = dict(zip(letters, array.shape, strict=True))
    n_times, n_channels, n_planes = (sizes.get(letter, 1) for letter in "tcz")
    if n_times * n_channels * n_planes > _MOST_PLANES:
        raise ReadError(f"{store.name} declares more than {_MOST_PLANES:,} planes: do not trust it.")
    if not array.files:
        raise ReadError(f"{store.name} holds no pixels but only their description: copy it again.")
    along = dict(zip(letters, steps, strict=True))
    step = along["t"].of(_IN_S) if n_times > 1 else None
    times = np.arange(n_times) * (np.nan if step is None else step)
    y, x = along["y"], along["x"]
    is_known = x.unit == y.unit and 0.01 < y.factor / x.factor < 100 if x.factor > 0 else False
    return Planes(
        name=zarr_stem(store.path.name),
        source=store.path,
        shape=(n_times, n_channels, n_planes, sizes["y"], sizes["x"]),
        plane=_plane_reader(array, letters),
        channels=_channels(omero, n_channels),
        file_of=lambda *_: store.name,
        files=[store],
        times_s=np.repeat(times[:, None], n_channels, axis=1),
        pixel_size_um=x.of(_IN_UM),
        pixel_aspect=y.factor / x.factor if is_known else 1.0,
        plane_distance_um=along["z"].of(_IN_UM) if "z" in along else None,
        packed_bytes=array.stored_bytes,
        warnings=_warnings(array),
    )


def _plane_reader(array: ZarrArray, letters: str) -> Callable[[int, int, int], NDArray[Any]]:
    """Return what gives the values of a plane; others in the same chunks are kept while they are few."""
    n_outer = len(letters) - 2
    extent = [min(chunk, side) for chunk, side in zip(array.chunks, array.shape, strict=True)][:n_outer]
    plane_bytes = math.prod(array.shape[-2:]) * array.dtype.itemsize
    block_bytes = math.prod(extent) * plane_bytes
    if block_bytes > _KEPT_BYTES:
        extent, block_bytes = [1] * n_outer, plane_bytes

    @lru_cache(maxsize=max(1, _KEPT_BYTES // block_bytes) if block_bytes > plane_bytes else 0)
    def block(*number: int) -> NDArray[Any]:
        start = [at * size for at, size in zip(number, extent, strict=True)]
        stop = [
            min(at + size, side) for at, size, side in zip(start, extent, array.shape[:n_outer], strict=True)
        ]
        return array.region([*start, 0, 0], [*stop, *array.shape[-2:]])

    def plane(t: int, c: int, z: int) -> NDArray[Any]:
        at = [{"t": t, "c": c, "z": z}[letter] for letter in letters[:n_outer]]
        values = block(*(i // size for i, size in zip(at, extent, strict=True)))
        return np.asarray(values[tuple(i % size for i, size in zip(at, extent, strict=True))])

    return plane


def _said(folder: Path) -> dict[str, Any]:
    """Return what a group says as OME-Zarr, in either version.

    Raises
    ------
    ReadError
        If it is damaged or of another version.
    """
    name = store_name(folder)
    with telling_damage(name):
        if (folder / "zarr.json").is_file():
            said = described(folder, "zarr.json", name).get("attributes", {}).get("ome", {})
            versions = {str(said["version"])} if said else set()
            known = VERSIONS[1]
        else:
            said = described(folder, ".zattrs", name) if (folder / ".zattrs").is_file() else {}
            parts = [*said.get("multiscales", []), said.get("plate", {}), said.get("well", {})]
            versions = {str(part["version"]) for part in parts if "version" in part}
            known = VERSIONS[0]
        if other := versions - {known}:
            raise ReadError(
                f"{name} is OME-Zarr {min(other):.20}, of which ellimaps reads {' and '.join(VERSIONS)}: "
                "save it in one of these versions."
            )
        return dict(said)


def _below(folder: Path, path: Any) -> Path:
    """Return a part of a group, which may not lie elsewhere."""
    parts = PurePosixPath(str(path)).parts
    if not parts or ".." in parts or "/" in parts or "\\" in str(path):
        raise ValueError(f"the path {str(path)!r:.60}")
    return folder.joinpath(*parts)


def _letters(name: str, axes: Sequence[Mapping[str, Any]], n_axes: int) -> str:
    """Return a letter for each axis of an image; space is z, y, x in this order, whatever it is called."""
    kinds = [str(axis.get("type", "space")) for axis in axes]
    space = iter("zyx"[-kinds.count("space") :])
    letters = "".join(next(space, "?") if kind == "space" else kind[0] for kind in kinds)
    if letters not in ("yx", "zyx", "cyx", "tyx", "czyx", "tzyx", "tcyx", "tczyx") or len(letters) != n_axes:
        raise ReadError(
            f"{name} has {n_axes} axes of {', '.join(kinds):.80}: save it as time, channel and space."
        )
    return letters


class _Step(NamedTuple):
    """From one value to the next on an axis, in a unit of the format; empty where it says none."""

    factor: float
    unit: str

    def of(self, units: Mapping[str, float]) -> float | None:
        """Return it in the unit that the table of units is in, if it is one of these."""
        step = self.factor * units.get(self.unit, np.nan)
        return step if 0 < step < np.inf else None


def _steps(scales: Mapping[str, Any], largest: Mapping[str, Any]) -> list[_Step]:
    """Return the steps of all axes."""
    factors = np.ones(len(scales["axes"]))
    for part in (largest, scales):
        for transformation in part.get("coordinateTransformations", []):
            if transformation["type"] == "scale":
                factors = factors * np.array(transformation["scale"], float)
    units = [str(axis.get("unit", "")) for axis in scales["axes"]]
    return [_Step(float(factor), unit) for factor, unit in zip(factors, units, strict=True)]


def _channels(omero: Mapping[str, Any], count: int) -> list[PlaneChannel]:
    said = omero.get("channels", [])
    if len(said) != count:
        said = [{}] * count
    return [
        PlaneChannel(
            str(one.get("label") or (f"channel {number}" if count > 1 else "")),
            _wavelength(one.get("emissionWave")),
            f"#{one['color']}" if re.fullmatch("[0-9A-Fa-f]{6}", str(one.get("color"))) else "",
        )
        for number, one in enumerate(said, 1)
    ]


def _wavelength(said: Any) -> float:
    return float(said) if isinstance(said, int | float) and 0 < said < np.inf else np.nan


def _warnings(array: ZarrArray) -> tuple[str, ...]:
    if array.n_missing <= 0:
        return ()
    total = array.n_missing + len(array.files)
    return (
        f"{array.n_missing} of {total} chunks of {array.name} are not stored and count as {array.fill:g}: if "
        "they were not empty, copy it again.",
    )
