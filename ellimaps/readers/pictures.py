"""Reading single pictures and folders of them: TIFF, PNG or OME-Zarr, one channel or time point each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.errors import ReadError, SettingError
from ellimaps.core.inputs import InputFile, Source, as_input
from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.stack import ImageStack
from ellimaps.readers.accurion_png import check_pixels, is_png
from ellimaps.readers.ep4_datasets import Folder, facts_seen
from ellimaps.readers.ome_zarr import images_in, is_zarr, opened_zarr, store_name, stores_in
from ellimaps.readers.pillow import decoded_png
from ellimaps.readers.planes import RGB_NAMES, Choice, PlaneChannel, Planes, stack_of
from ellimaps.readers.tiff import MOST_PACKED, is_tiff, opened_tiff
from ellimaps.readers.vendors import is_vendors, opened_vendors

_ENDINGS = (".tif", ".tiff", ".png")


@dataclass(frozen=True)
class PictureSet:
    """One stack of a folder: its name and its files in order."""

    name: str
    source: Path
    files: list[InputFile]

    @property
    def where(self) -> str:
        """What else the data set may be called."""
        return self.files[0].name


def is_picture(file: InputFile) -> bool:
    """Tell by its first bytes whether a file can be read as a picture, or a folder as an OME-Zarr image."""
    return is_tiff(file) or is_png(file) or is_store(file) or is_vendors(file)


def is_store(file: InputFile) -> bool:
    """Tell whether it is a folder that holds an OME-Zarr image."""
    return file.is_on_disk and is_zarr(file.path)


def find_pictures(folder: Folder) -> list[PictureSet]:
    """List the stacks in a folder.

    Where every file is a single image, they are one stack, in the natural order of their names. Where one
    holds several, every file is a stack of its own, as every image of an OME-Zarr is.

    Raises
    ------
    ReadError
        If one of its files cannot be read.
    """
    named = [file for file in folder.files if file.name.lower().endswith(_ENDINGS)]
    files = sorted((file for file in named if is_tiff(file) or _is_plain_png(file)), key=_natural)
    stores = [picture for store in stores_in(folder.path) for picture in zarr_pictures(store)]
    if not files:
        return stores
    if len(files) == 1 or any(is_tiff(file) and file.seen(_size).n_images > 1 for file in files):
        return [*map(picture_set, files), *stores]
    return [PictureSet(folder.path.name, folder.path, files), *stores]


def zarr_pictures(store: Path) -> list[PictureSet]:
    """Return the images of an OME-Zarr: itself, or the fields of a plate, each named by its well.

    Raises
    ------
    ReadError
        If it is damaged or of another version.
    """
    return [
        PictureSet(image.name, image.folder, [InputFile(image.folder, store_name(image.folder))])
        for image in images_in(store)
    ]


def read_pictures(found: PictureSet, choice: Choice, on_progress: Progress = no_progress) -> ImageStack:
    """Read a picture, or a folder's pictures as one stack.

    Raises
    ------
    ReadError
        If a picture is damaged, or two have different sizes.
    SettingError
        If the choice does not fit.
    """
    if len(found.files) > 1:
        return stack_of(_joined(found, choice.working_set_gb), choice, on_progress)
    with opened_set(found, choice.scene) as picture:
        return stack_of(picture, choice, on_progress)


@contextmanager
def opened_set(found: PictureSet, scene: int | None = None) -> Iterator[Planes]:
    """Open a picture, or a folder's pictures as one, with all its planes; see `opened_picture`."""
    if len(found.files) > 1:
        yield _joined(found)
        return
    with _opened_exactly(found.files[0], scene) as picture:
        yield replace(picture, name=found.name, source=found.source)


def each_plane(found: PictureSet, choice: Choice) -> Iterator[tuple[PlaneNumber, ImageStack]]:
    """Read a picture scene by scene, time point by time point and focal plane by focal plane.

    Parameters
    ----------
    found : PictureSet
        The picture, or a folder's pictures as one.
    choice : Choice
        What is not None there is not gone through: one number, or a projection.

    Yields
    ------
    PlaneNumber
        Which it is.
    ImageStack
        One band per channel.
    """
    if len(found.files) > 1:
        yield from _each_of(_joined(found, choice.working_set_gb), choice, choice.scene or 0)
        return
    file = found.files[0]
    count = file.seen(_size).n_scenes if choice.scene is None else 1
    for number in range(count):
        scene = number if count > 1 else choice.scene
        with _opened_exactly(file, scene) as picture:
            named = replace(picture, name=found.name, source=found.source)
            yield from _each_of(named, choice, scene or 0)


def _each_of(picture: Planes, choice: Choice, scene: int) -> Iterator[tuple[PlaneNumber, ImageStack]]:
    n_times, _, n_planes = picture.shape[:3]
    for t in range(n_times) if choice.t is None else [choice.t]:
        for z in range(n_planes) if choice.z is None else [choice.z]:
            yield PlaneNumber(scene, t, z), stack_of(picture, replace(choice, t=t, z=z))


def read_values(
    source: Source, working_set_gb: float | None = None, channel: int | None = None
) -> NDArray[Any]:
    """Return the values of one picture as they are stored, shape (channel, y, x).

    Of several focal planes the maximum is taken, of several time points the first.

    Parameters
    ----------
    source : str, Path, binary stream or InputFile
        The picture.
    working_set_gb : float, optional
        See `ellimaps.open_stack`.
    channel : int, optional
        The only one to read, from 0; by default all.

    Raises
    ------
    ReadError
        If it is missing, damaged or no picture, has no such channel, or would unpack to far more than the
        working set.
    """
    with _opened_exactly(as_input(source)) as picture:
        _, n_channels, n_planes = picture.shape[:3]
        if channel is not None and channel >= n_channels:
            raise ReadError(
                f"{picture.file_of(0, 0)} has {n_channels} channels: give images with as many as the others."
            )
        chosen = range(n_channels) if channel is None else [channel]
        picture.check_unpacking(len(chosen) * n_planes, working_set_gb)
        each = ([picture.plane(0, c, z) for z in range(n_planes)] for c in chosen)
        return np.stack([np.max(planes, axis=0) for planes in each])


def axes_of(found: PictureSet) -> tuple[int, int]:
    """Return the numbers of time points and of focal planes.

    Raises
    ------
    ReadError
        If a picture is damaged, or two have different sizes.
    """
    if len(found.files) > 1:
        n_times, _, n_planes = _joined(found).shape[:3]
    else:
        n_times, _, n_planes = found.files[0].seen(_size).shape[:3]
    return n_times, n_planes


@contextmanager
def opened_picture(file: InputFile, scene: int | None = None) -> Iterator[Planes]:
    """Open one picture file; nothing is decoded before one of its planes is read inside the context.

    Of a color PNG of 16 bit the upper 8 are read, which a stack of measured values would not accept.

    Parameters
    ----------
    file : InputFile
        The picture.
    scene : int, optional
        Which image of a file that holds several, from 0; by default the first.

    Raises
    ------
    ReadError
        If the file is damaged; also for planes read inside.
    """
    if is_tiff(file):
        with opened_tiff(file, scene) as picture:
            yield picture
    elif is_vendors(file):
        with opened_vendors(file, scene) as picture:
            yield picture
    elif scene:
        raise SettingError(f"{file.name} has no scene = {scene}: it holds one image.")
    elif is_store(file):
        yield opened_zarr(file)
    else:
        yield _png(file)


@contextmanager
def _opened_exactly(file: InputFile, scene: int | None = None) -> Iterator[Planes]:
    """Open one picture file, but none whose values Pillow would cut."""
    with opened_picture(file, scene) as picture:
        if is_png(file):
            _refuse_deep_color(file)
        yield picture


def _is_plain_png(file: InputFile) -> bool:
    """Tell whether a file is a PNG without a float map, whose pixels would only be a preview."""
    return is_png(file) and not facts_seen(file).has_values


def picture_set(file: InputFile) -> PictureSet:
    """Return the stack that is one file."""
    stem = Path(file.name).stem
    return PictureSet(stem[:-4] if stem.lower().endswith(".ome") else stem, file.path, [file])


def _natural(file: InputFile) -> list[tuple[int, str]]:
    """Sort 2 before 10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in _parts(file.name.casefold())]


def _parts(name: str) -> list[str]:
    return re.findall(r"[0-9]+|[^0-9]+", name)


class PlaneNumber(NamedTuple):
    """Which plane of a file: each from 0, or the name of a projection."""

    scene: int
    t: int | str
    z: int | str


class _Size(NamedTuple):
    """What has to be the same for pictures to make one stack: time, channel, depth, y, x; and colors."""

    shape: tuple[int, int, int, int, int]
    samples: int
    n_scenes: int = 1

    @property
    def n_images(self) -> int:
        return self.shape[0] * self.shape[1] * self.shape[2] // self.samples

    def __str__(self) -> str:
        _, n_channels, _, height, width = self.shape
        return f"{height} x {width} pixels of {n_channels} channel{'s' if n_channels > 1 else ''}"


def _size(file: InputFile) -> _Size:
    with _opened_exactly(file) as picture:
        return _Size(picture.shape, picture.samples, picture.n_scenes)


def _joined(found: PictureSet, working_set_gb: float | None = None) -> Planes:
    """Return the pictures of a folder as one: color pictures are time points, gray ones are channels.

    Gray channels are named by what differs in the names of the files.
    """
    first, size = found.files[0], found.files[0].seen(_size)
    for file in found.files:
        if file.seen(_size) != size:
            raise ReadError(
                f"{file.name} is {file.seen(_size)} but {first.name} is {size}: "
                "keep pictures of one size and kind in a folder, or open one file."
            )
    _, samples, _, height, width = size.shape
    count = len(found.files)
    names = (
        RGB_NAMES[:samples] if samples > 1 else _differences([Path(file.name).stem for file in found.files])
    )
    n_times, n_channels = (count, samples) if samples > 1 else (1, count)
    # The colors of a picture are asked for one after the other.
    values = lru_cache(maxsize=1)(partial(read_values, working_set_gb=working_set_gb))

    def file_of(t: int, c: int) -> InputFile:
        return found.files[t if samples > 1 else c]

    return Planes(
        name=found.name,
        source=found.source,
        shape=(n_times, n_channels, 1, height, width),
        plane=lambda t, c, _z: values(file_of(t, c))[c if samples > 1 else 0],
        channels=[PlaneChannel(name) for name in names],
        file_of=lambda t, c: file_of(t, c).name,
        files=found.files,
        times_s=np.full((n_times, n_channels), np.nan),
        samples=samples,
    )


def _differences(stems: list[str]) -> list[str]:
    """Return of each name what is not common to all, from the start of a word or number on."""
    first, last = min(stems), max(stems)
    prefix = _common(first, last)
    # A number or word that only begins alike differs as a whole.
    start = len(prefix) - len(re.search(r"[A-Za-z]*[0-9]*$", prefix)[0])  # type: ignore[index]
    turned = [stem[start:][::-1] for stem in stems]
    end = len(re.match(r"[^0-9]*", _common(min(turned), max(turned)))[0])  # type: ignore[index]
    names = [stem[start : len(stem) - end] for stem in stems]
    return names if all(names) else stems


def _common(first: str, last: str) -> str:
    """Return what the first and last of sorted texts begin with, and hence all between them."""
    same = [a == b for a, b in zip(first, last, strict=False)]
    return first[: same.index(False) if False in same else len(same)]


def _refuse_deep_color(file: InputFile) -> None:
    facts = facts_seen(file)
    if facts.n_colors > 1 and facts.bits == 16:
        raise ReadError(f"{file.name} is a 16-bit colour PNG: save its channels as grey pictures or as TIFF.")


def _png(file: InputFile) -> Planes:
    facts = facts_seen(file)
    height, width = facts.shape
    if height * width * facts.bits > MOST_PACKED * 8 * facts.n_bytes:
        raise ReadError(f"{file.name} is truncated (it declares more pixels than it holds): copy it again.")
    samples = facts.n_colors
    names = RGB_NAMES[:samples] if samples > 1 else ("",)
    values = cache(lambda: _png_values(file))

    def plane(_t: int, c: int, _z: int) -> NDArray[Any]:
        return values() if values().ndim == 2 else values()[..., min(c, values().shape[-1] - 1)]

    return Planes(
        name=Path(file.name).stem,
        source=file.path,
        shape=(1, samples, 1, height, width),
        plane=plane,
        channels=[PlaneChannel(name) for name in names],
        file_of=lambda *_: file.name,
        files=[file],
        times_s=np.full((1, samples), np.nan),
        samples=samples,
        packed_bytes=facts.n_bytes,
    )


def _png_values(file: InputFile) -> NDArray[Any]:
    """Decode a PNG, shape (y, x) or (y, x, color)."""
    with file.open() as stream:
        check_pixels(file.name, stream)
        stream.seek(0)
        return decoded_png(file.name, stream)
