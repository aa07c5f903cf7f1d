"""Reading a TIFF file: pages, OME-TIFF, ImageJ hyperstacks, RGB, compressed or not.

Every size a file declares is compared with the file's own size before anything is allocated. Values are read
plane by plane, so that the stack is the only large array.
"""

from __future__ import annotations

import logging
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tifffile
from numpy.typing import NDArray

from ellimaps.core.errors import EllimapsError, ReadError, SettingError
from ellimaps.core.inputs import InputFile, first_bytes
from ellimaps.readers.pillow import decoded_tiff_page
from ellimaps.readers.planes import RGB_NAMES, PlaneChannel, Planes
from ellimaps.readers.tiff_directories import check_directories
from ellimaps.readers.tiff_metadata import TiffFacts, facts_of

_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_UNCOMPRESSED = 1  # TIFF 6.0, tag 259
# Deflate packs at most 1032 to 1, LZW about 1400 to 1.
MOST_PACKED = 1500
_LZMA, _PACKBITS = 34925, 32773
# How many times larger what tifffile unpacks by itself can be: Deflate (two numbers), LZMA, PackBits.
_RATIOS = {8: 1032, 32946: 1032, _LZMA: 7000, _PACKBITS: 64 * 8}
# What a part of a page may unpack to beyond the page before it counts as a bomb: memory any machine has.
_SPARE_BYTES = 256 << 20

# tifffile logs what it doubts; whatever matters here is raised.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


class _Layout(NamedTuple):
    """The axes of a series outside of its pages (letters and sizes), and those of a page."""

    outer: str
    sizes: tuple[int, ...]
    page: str


def is_tiff(file: InputFile) -> bool:
    """Tell by its first bytes whether a file is a TIFF."""
    try:
        return file.seen(first_bytes)[:4] in _MAGIC
    except ReadError:
        return False


@contextmanager
def opened_tiff(source: InputFile, scene: int | None = None) -> Iterator[Planes]:
    """Open a TIFF as `Planes` that can be read inside the context.

    Parameters
    ----------
    source : InputFile
        The file.
    scene : int, optional
        Which of its images, from 0; by default the first.

    Raises
    ------
    ReadError
        If the file is damaged, or stored in a way that is not supported; also for planes read inside.
    """
    try:
        with source.open() as stream:
            check_directories(source.name, stream)
            # Without _multifile=False an OME-TIFF could name any other file of the computer as a part of it.
            with tifffile.TiffFile(stream, name=source.name, _multifile=False) as file:
                yield _picture(source, file, scene)
    except EllimapsError:
        raise
    except MemoryError as error:
        raise ReadError(f"{source.name} does not fit into memory: choose a part of it.") from error
    # tifffile raises whatever its parsing stumbles over, from struct.error to KeyError.
    except Exception as error:
        reason = " ".join(str(error).split()).rstrip(".").replace(". ", ", ")
        raise ReadError(f"{source.name} is damaged or no TIFF ({reason:.120}): copy it again.") from error


def _picture(source: InputFile, file: tifffile.TiffFile, scene: int | None) -> Planes:
    name, series = source.name, file.series
    if not series:
        raise ReadError(f"{name} holds no image: copy it again.")
    if scene is not None and scene >= len(series):
        raise SettingError(f"{name} has no scene = {scene}: it has {len(series)}, counted from 0.")
    first = series[scene or 0]
    pages, packed_bytes = _checked_pages(name, file, first)
    layout = _layout(name, first, pages[0])
    sizes = dict(zip(first.axes, first.shape, strict=True))
    n_times, n_planes = sizes.get("T", 1), sizes.get("Z", 1)
    # Pages without a meaning, and samples of a pixel, count as channels.
    rest = [i for i, letter in enumerate(layout.outer) if letter not in "TZ"]
    n_outer = int(np.prod([layout.sizes[i] for i in rest], dtype=int))
    n_samples = min(sizes.get("S", 1), len(RGB_NAMES))
    facts = facts_of(file, n_times, n_outer, scene or 0)
    channels = _channels(layout, facts, n_outer, n_samples)
    read = _page_reader(source, file, first, pages, layout)

    def plane(t: int, c: int, z: int) -> NDArray[Any]:
        outer, sample = divmod(c, n_samples)
        index = dict(zip(rest, np.unravel_index(outer, [layout.sizes[i] for i in rest]), strict=True))
        for i, letter in enumerate(layout.outer):
            if letter in "TZ":
                index[i] = np.intp(t if letter == "T" else z)
        at = [int(index[i]) for i in range(len(layout.outer))]
        page = read(int(np.ravel_multi_index(at, layout.sizes)) if at else 0)
        if layout.page == "YX":
            return page
        return page[..., sample] if layout.page == "YXS" else page[sample]

    return Planes(
        name=_stem(Path(source.name)),
        source=source.path,
        shape=(n_times, n_outer * n_samples, n_planes, sizes["Y"], sizes["X"]),
        plane=plane,
        channels=channels,
        file_of=lambda *_: name,
        files=[source],
        times_s=np.repeat(facts.times_s, n_samples, axis=1),
        n_scenes=_scene_count(file),
        samples=n_samples,
        plain_pages=1 if facts.channels or "C" in layout.outer else n_outer,
        pixel_size_um=facts.pixel_size_um,
        pixel_aspect=facts.pixel_aspect,
        plane_distance_um=facts.plane_distance_um,
        acquired_at=facts.acquired_at,
        comment=facts.comment,
        packed_bytes=packed_bytes,
        warnings=_warnings(name, file, sizes, scene),
    )


def _checked_pages(
    name: str, file: tifffile.TiffFile, series: tifffile.TiffPageSeries
) -> tuple[list[Any], int | None]:
    """Return the pages of a series after comparing every declared size with the file's.

    If they are packed, how many bytes they take in it comes with them.
    """
    dtype = np.dtype(series.dtype)
    if dtype.kind not in "buif":
        raise ReadError(f"{name} holds {dtype} values: save it with whole or real numbers.")
    values = int(np.prod([int(side) for side in series.shape], dtype=object))
    if values == 0:
        raise ReadError(f"{name} holds an image without pixels: copy it again.")
    if series.dataoffset is not None:
        if series.dataoffset + values * dtype.itemsize > file.filehandle.size:
            raise _truncated(name)
        return [series.keyframe], None
    pages = list(series.pages)
    if any(page is None for page in pages):
        missing = sum(page is None for page in pages)
        raise ReadError(
            f"{name} declares {len(pages)} planes but {missing} of them are not in it: copy it again, "
            "or save the planes in one file."
        )
    # Pages may name the same bytes: they are counted once, or a small file would be a large stack.
    stored = sum(
        dict(part for page in pages for part in _stored_parts(name, page, file.filehandle.size)).values()
    )
    packed = int(series.keyframe.compression) != _UNCOMPRESSED
    bits = int(series.keyframe.bitspersample)
    if values * bits > 8 * stored * (MOST_PACKED if packed else 1):
        raise _truncated(name)
    return pages, stored if packed else None


def _stored_parts(name: str, page: Any, size: int) -> Iterable[tuple[int, int]]:
    """Return where the parts of a page begin, and how many bytes each has."""
    offsets, counts = page.dataoffsets, page.databytecounts
    if len(offsets) != len(counts) or any(o + n > size for o, n in zip(offsets, counts, strict=True)):
        raise _truncated(name)
    return zip(offsets, counts, strict=True)


def _truncated(name: str) -> ReadError:
    return ReadError(f"{name} is truncated (it declares more pixels than it holds): copy it again.")


def _layout(name: str, series: tifffile.TiffPageSeries, page: Any) -> _Layout:
    axes, shape = series.axes, series.shape
    sizes = dict(zip(axes, shape, strict=True))
    inner = "".join(letter for letter in axes if letter in "YXS")
    samples = sizes.get("S", 1)
    if not {"Y", "X"} <= set(axes) or inner not in ("YX", "YXS", "SYX") or len(axes) != len(sizes):
        raise ReadError(f"{name} has the axes {axes}: save it as images of rows and columns.")
    if series.dataoffset is None and page.keyframe.axes != inner:
        raise ReadError(f"{name} has pages with the axes {page.keyframe.axes}: save one image per page.")
    if not axes.endswith(inner) or samples > 4:
        raise ReadError(f"{name} has the axes {axes} of {shape}: save it with one image per page.")
    count = len(axes) - len(inner)
    return _Layout(axes[:count], tuple(int(side) for side in shape[:count]), inner)


def _channels(layout: _Layout, facts: TiffFacts, n_outer: int, n_samples: int) -> list[PlaneChannel]:
    outer = facts.channels
    if not outer:
        what = "channel" if "C" in layout.outer else "page"
        outer = [PlaneChannel(f"{what} {i + 1}" if n_outer > 1 else "") for i in range(n_outer)]
    if n_samples == 1:
        return outer
    return [
        replace(channel, name=f"{channel.name} {color}".strip())
        for channel in outer
        for color in RGB_NAMES[:n_samples]
    ]


def _page_reader(
    source: InputFile,
    file: tifffile.TiffFile,
    series: tifffile.TiffPageSeries,
    pages: list[Any],
    layout: _Layout,
) -> Callable[[int], NDArray[Any]]:
    """Return what gives the values of the n-th page."""
    start = series.dataoffset
    if start is None:
        return lambda number: _decoded(source, pages[number])
    dtype = np.dtype(series.dtype).newbyteorder(file.byteorder)
    shape = tuple(int(side) for side in series.shape[len(layout.outer) :])
    n_bytes = int(np.prod(shape, dtype=int)) * dtype.itemsize

    def uncompressed(number: int) -> NDArray[Any]:
        file.filehandle.seek(start + number * n_bytes)
        return np.frombuffer(file.filehandle.read(n_bytes), dtype).reshape(shape)

    return uncompressed


def _decoded(source: InputFile, page: Any) -> NDArray[Any]:
    # What pages have in common stands in the first one of its kind only.
    kind = page.keyframe
    if kind.bitspersample == 12 and int(kind.compression) == _UNCOMPRESSED and kind.samplesperpixel == 1:
        return _unpacked_12_bit(page)
    _check_unpacking(page)
    try:
        values = page.asarray()
    except (ValueError, ImportError) as error:
        if isinstance(error, ValueError) and "imagecodecs" not in str(error):
            raise
        with source.open() as stream:
            values = decoded_tiff_page(source.name, stream, page)
    return np.asarray(values).reshape(kind.shape)


def _check_unpacking(page: Any) -> None:
    """Refuse a page with a part that unpacks to far more than the page; tifffile would unpack all of it."""
    kind = page.keyframe
    ratio = _RATIOS.get(int(kind.compression), 1)
    limit = int(kind.nbytes) + _SPARE_BYTES
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        # Small parts cannot, and most are small.
        if ratio > 1 and count * ratio > _SPARE_BYTES:
            packed = _stored(page, offset, count)
            if _unpacked_bytes(int(kind.compression), packed, limit) >= limit:
                name = page.parent.filename
                raise ReadError(f"{name} unpacks to far more than its image: do not trust it.")


def _unpacked_bytes(compression: int, packed: bytes, limit: int) -> int:
    """Return how many bytes a part unpacks to, or a limit that it exceeds."""
    if compression == _LZMA:
        return len(lzma.LZMADecompressor().decompress(packed, limit))
    if compression == _PACKBITS:
        # tifffile makes a list of them first.
        return 8 * _packbits_bytes(packed)
    return len(zlib.decompressobj().decompress(packed, limit))


def _packbits_bytes(packed: bytes) -> int:
    """Return how many bytes PackBits unpacks to (TIFF 6.0, section 9)."""
    total = at = 0
    while at < len(packed):
        number = packed[at]
        is_run = number > 128
        total += 257 - number if is_run else (number + 1) % 129
        at += 2 if is_run else 1 + (number + 1) % 129
    return total


def _stored(page: Any, offset: int, count: int) -> bytes:
    page.parent.filehandle.seek(offset)
    return bytes(page.parent.filehandle.read(count))


def _unpacked_12_bit(page: Any) -> NDArray[np.uint16]:
    """Return 12-bit pixels that stand two in three bytes; each row starts on a byte."""
    height, width = page.keyframe.shape
    parts = zip(page.dataoffsets, page.databytecounts, strict=True)
    content = b"".join(_stored(page, offset, count) for offset, count in parts)
    row_bytes = (width * 12 + 7) // 8
    packed = np.frombuffer(content, np.uint8)[: height * row_bytes].reshape(height, row_bytes)
    padded = np.pad(packed, ((0, 0), (0, -row_bytes % 3))).reshape(height, -1, 3).astype(np.uint16)
    first = padded[..., 0] << 4 | padded[..., 1] >> 4
    second = (padded[..., 1] & 15) << 8 | padded[..., 2]
    return np.stack([first, second], axis=-1).reshape(height, -1)[:, :width]


def _scene_count(file: tifffile.TiffFile) -> int:
    """Return the number of images of an OME-TIFF; elsewhere further images are thumbnails and the like."""
    return max(sum(series.kind == "ome" for series in file.series), 1)


def _warnings(
    name: str, file: tifffile.TiffFile, sizes: dict[str, int], scene: int | None
) -> tuple[str, ...]:
    found, series = [], file.series
    if file.is_ome and series[0].kind != "ome":
        found.append(f"{name} names planes in other files, or is damaged: only its own pages were read.")
    if len(series) > 1 and scene is None:
        found.append(f"{name} holds {len(series)} images of different kinds; the first was read.")
    if sizes.get("S", 1) == 4:
        found.append(f"The transparency in {name} was left out.")
    return tuple(found)


def _stem(path: Path) -> str:
    name = path.stem
    return name[:-4] if name.lower().endswith(".ome") else name
