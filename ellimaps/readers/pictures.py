"""Reading single pictures and folders of them: TIFF or PNG, one channel or time point each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.errors import ReadError, unreadable
from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.stack import ImageStack
from ellimaps.readers.accurion_png import is_png, read_facts
from ellimaps.readers.ep4_datasets import list_files
from ellimaps.readers.planes import RGB_NAMES, Channel, Choice, Picture, stack_of
from ellimaps.readers.tiff import is_tiff, opened

_ENDINGS = (".tif", ".tiff", ".png")
_MOST_PACKED = 1500


@dataclass(frozen=True)
class PictureSet:
    """One stack of a folder: its name and its files in order."""

    name: str
    source: Path
    files: list[Path]

    @property
    def where(self) -> str:
        """What else the data set may be called."""
        return self.files[0].name


def is_picture(path: Path) -> bool:
    """Tell by its first bytes whether a file is a TIFF or an ordinary PNG."""
    return is_tiff(path) or is_png(path)


def find_pictures(folder: Path) -> list[PictureSet]:
    """List the stacks in a folder.

    Where every file is a single image, they are one stack, in the natural order of their names. Where one
    holds several, every file is a stack of its own.

    Raises
    ------
    ReadError
        If the folder or one of its files cannot be read.
    """
    named = [path for path in list_files(folder) if path.name.lower().endswith(_ENDINGS)]
    files = sorted((path for path in named if is_tiff(path) or _is_plain_png(path)), key=_natural)
    if not files:
        return []
    if len(files) == 1 or any(is_tiff(path) and _n_images(path) > 1 for path in files):
        return [picture_set(path) for path in files]
    return [PictureSet(folder.name, folder, files)]


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
        return stack_of(_joined(found), choice, on_progress)
    path = found.files[0]
    if is_tiff(path):
        with opened(path) as picture:
            return stack_of(replace(picture, name=found.name), choice, on_progress)
    return stack_of(_png(path), choice, on_progress)


def read_values(path: Path) -> NDArray[Any]:
    """Return the values of one picture as they are stored, shape (channel, y, x).

    Of several focal planes the maximum is taken, of several time points the first.

    Raises
    ------
    ReadError
        If it is missing, damaged or no picture.
    """
    if is_tiff(path):
        with opened(path) as picture:
            planes = range(picture.shape[2])
            return np.stack(
                [np.max([picture.plane(0, c, z) for z in planes], axis=0) for c in _channels(picture)]
            )
    picture = _png(path)
    return np.stack([picture.plane(0, c, 0) for c in _channels(picture)])


def _channels(picture: Picture) -> range:
    return range(picture.shape[1])


def axes_of(found: PictureSet) -> tuple[int, int]:
    """Return the numbers of time points and of focal planes.

    Raises
    ------
    ReadError
        If a picture is damaged, or two have different sizes.
    """
    if len(found.files) > 1:
        n_times, _, n_planes = _joined(found).shape[:3]
    elif is_tiff(found.files[0]):
        with opened(found.files[0]) as picture:
            n_times, _, n_planes = picture.shape[:3]
    else:
        n_times = n_planes = 1
    return n_times, n_planes


@contextmanager
def opened_picture(path: Path) -> Iterator[Picture]:
    """Open one picture file; nothing is decoded before one of its planes is read inside the context.

    Of a colour PNG of 16 bit the upper 8 are read, which a stack of measured values would not accept.

    Raises
    ------
    ReadError
        If the file is damaged; also for planes read inside.
    """
    if is_tiff(path):
        with opened(path) as picture:
            yield picture
    else:
        yield _png_picture(path)


def _is_plain_png(path: Path) -> bool:
    """Tell whether a file is a PNG without a float map, whose pixels would only be a preview."""
    return is_png(path) and not read_facts(path).has_values


def picture_set(path: Path) -> PictureSet:
    """Return the stack that is one file."""
    stem = path.stem
    return PictureSet(stem[:-4] if stem.lower().endswith(".ome") else stem, path, [path])


def _natural(path: Path) -> list[tuple[int, str]]:
    """Sort 2 before 10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in _parts(path.name.casefold())]


def _parts(name: str) -> list[str]:
    return re.findall(r"[0-9]+|[^0-9]+", name)


def _n_images(path: Path) -> int:
    with opened(path) as picture:
        n_times, n_channels, n_planes = picture.shape[:3]
        return n_times * n_channels * n_planes // picture.samples


def _joined(found: PictureSet) -> Picture:
    """Return the pictures of a folder as one: colour pictures are time points, grey ones are channels.

    Grey channels are named by what differs in the names of the files.
    """
    shapes = {path: _shape(path) for path in found.files}
    first = found.files[0]
    for path, shape in shapes.items():
        if shape != shapes[first]:
            raise ReadError(
                f"{path.name} is {_size(shape)} but {first.name} is {_size(shapes[first])}: "
                "keep pictures of one size and kind in a folder, or open one file."
            )
    samples, height, width = shapes[first]
    count = len(found.files)
    names = RGB_NAMES[:samples] if samples > 1 else _differences([path.stem for path in found.files])
    n_times, n_channels = (count, samples) if samples > 1 else (1, count)

    def number(t: int, c: int) -> int:
        return t if samples > 1 else c

    return Picture(
        name=found.name,
        source=found.source,
        shape=(n_times, n_channels, 1, height, width),
        plane=lambda t, c, _z: _read_plane(found.files[number(t, c)], c if samples > 1 else 0),
        channels=[Channel(name) for name in names],
        file_of=lambda t, c: found.files[number(t, c)].name,
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


def _size(shape: tuple[int, int, int]) -> str:
    return f"{shape[1]} x {shape[2]} pixels of {shape[0]} channel{'s' if shape[0] > 1 else ''}"


def _shape(path: Path) -> tuple[int, int, int]:
    """Return the numbers of channels, rows and columns of a single picture."""
    if is_tiff(path):
        with opened(path) as picture:
            return picture.shape[1], picture.shape[3], picture.shape[4]
    picture = _png(path)
    return picture.shape[1], picture.shape[3], picture.shape[4]


def _read_plane(path: Path, sample: int) -> NDArray[Any]:
    if is_tiff(path):
        with opened(path) as picture:
            return np.array(picture.plane(0, sample, 0))
    return _png(path).plane(0, sample, 0)


def _png(path: Path) -> Picture:
    if _png_kind(path) == (len(RGB_NAMES), 16):
        raise ReadError(f"{path.name} is a 16-bit colour PNG: save its channels as grey pictures or as TIFF.")
    return _png_picture(path)


def _png_picture(path: Path) -> Picture:
    height, width = read_facts(path).shape
    if height * width > _MOST_PACKED * 8 * path.stat().st_size:
        raise ReadError(f"{path.name} is truncated (it declares more pixels than it holds): copy it again.")
    samples, _ = _png_kind(path)
    names = RGB_NAMES[:samples] if samples > 1 else ("",)

    return Picture(
        name=path.stem,
        source=path,
        shape=(1, samples, 1, height, width),
        plane=lambda _t, c, _z: _png_values(path, c),
        channels=[Channel(name) for name in names],
        file_of=lambda *_: path.name,
        files=[path],
        times_s=np.full((1, samples), np.nan),
        samples=samples,
    )


def _png_kind(path: Path) -> tuple[int, int]:
    """Return the numbers of channels and of bits per sample; a palette has colours."""
    with path.open("rb") as file:
        head = file.read(26)
    return (3 if head[25] & 2 else 1), head[24]


def _png_values(path: Path, sample: int) -> NDArray[Any]:
    from PIL import Image

    try:
        with Image.open(path) as image:
            indirect = image.mode in ("P", "PA", "RGBA")
            values = np.asarray(image.convert("RGB") if indirect else image)
    except OSError as error:
        if error.errno is not None:
            raise unreadable(path, error) from error
        raise _damaged(path, error) from error
    except (ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise _damaged(path, error) from error
    return values if values.ndim == 2 else values[..., min(sample, values.shape[-1] - 1)]


def _damaged(path: Path, error: Exception) -> ReadError:
    return ReadError(f"{path.name} is damaged ({str(error).rstrip('.'):.120}): copy it again.")
