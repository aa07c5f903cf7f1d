"""Reading a TIFF file: pages, OME-TIFF, ImageJ hyperstacks, RGB, compressed or not.

Every size a file declares is compared with the file's own size before anything is allocated. Uncompressed
values are mapped into memory and copied plane by plane, so that the stack is the only large array.
"""

from __future__ import annotations

import logging
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tifffile
from numpy.typing import NDArray

from ellimaps.core.errors import EllimapsError, ReadError, unreadable
from ellimaps.readers.planes import RGB_NAMES, Channel, Picture
from ellimaps.readers.tiff_metadata import Facts, facts_of

_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_UNCOMPRESSED = 1
# Deflate packs at most 1032 to 1, LZW about 1400 to 1.
_MOST_PACKED = 1500
# How many times larger what these compressions unpack to can be.
_RATIOS = {8: 1032, 32946: 1032, 34925: 7000}
_LZMA = 34925
_SPARE_BYTES = 256 << 20
_PILLOW_MODES = {"L": np.uint8, "I;16": np.uint16, "I;16B": np.uint16, "F": np.float32, "RGB": np.uint8}

# tifffile logs what it doubts; whatever matters here is raised.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


class _Layout(NamedTuple):
    """The axes of a series outside of its pages (letters and sizes), and those of a page."""

    outer: str
    sizes: tuple[int, ...]
    page: str


def is_tiff(path: Path) -> bool:
    """Tell by its first bytes whether a file is a TIFF."""
    try:
        with path.open("rb") as file:
            return file.read(4) in _MAGIC
    except OSError:
        return False


@contextmanager
def opened(path: Path) -> Iterator[Picture]:
    """Open a TIFF as a `Picture` whose planes can be read inside the context.

    Raises
    ------
    ReadError
        If the file is damaged, or stored in a way that is not supported; also for planes read inside.
    """
    try:
        if path.stat().st_size == 0:
            raise ReadError(f"{path.name} is empty: copy it again.")
        # Without _multifile=False an OME-TIFF could name any other file of the computer as a part of it.
        with tifffile.TiffFile(path, _multifile=False) as file:
            yield _picture(path, file)
    except EllimapsError:
        raise
    except OSError as error:
        raise unreadable(path, error) from error
    except MemoryError as error:
        raise ReadError(f"{path.name} does not fit into memory: choose a part of it.") from error
    # tifffile raises whatever its parsing stumbles over, from struct.error to KeyError.
    except Exception as error:
        reason = " ".join(str(error).split()).rstrip(".").replace(". ", ", ")
        raise ReadError(f"{path.name} is damaged or no TIFF ({reason:.120}): copy it again.") from error


def _picture(path: Path, file: tifffile.TiffFile) -> Picture:
    series = file.series
    if not series:
        raise ReadError(f"{path.name} holds no image: copy it again.")
    first = series[0]
    pages = _checked_pages(path, file, first)
    layout = _layout(path, first, pages[0])
    sizes = dict(zip(first.axes, first.shape, strict=True))
    n_times, n_planes = sizes.get("T", 1), sizes.get("Z", 1)
    # Pages without a meaning, and samples of a pixel, count as channels.
    rest = [i for i, letter in enumerate(layout.outer) if letter not in "TZ"]
    n_outer = int(np.prod([layout.sizes[i] for i in rest], dtype=int))
    n_samples = min(sizes.get("S", 1), len(RGB_NAMES))
    facts = facts_of(file, n_times, n_outer)
    channels = _channels(layout, facts, n_outer, n_samples)
    read = _plane_reader(path, file, first, pages, layout)

    def plane(t: int, c: int, z: int) -> NDArray[Any]:
        outer, sample = divmod(c, n_samples)
        place = dict(zip(rest, np.unravel_index(outer, [layout.sizes[i] for i in rest]), strict=True))
        for i, letter in enumerate(layout.outer):
            if letter in "TZ":
                place[i] = np.intp(t if letter == "T" else z)
        return np.asarray(read(tuple(int(place[i]) for i in range(len(layout.outer))), sample))

    return Picture(
        name=_stem(path),
        source=path,
        shape=(n_times, n_outer * n_samples, n_planes, sizes["Y"], sizes["X"]),
        plane=plane,
        channels=channels,
        file_of=lambda *_: path.name,
        files=[path],
        times_s=np.repeat(facts.times_s, n_samples, axis=1),
        samples=n_samples,
        plain_pages=1 if facts.channels or "C" in layout.outer else n_outer,
        pixel_size_um=facts.pixel_size_um,
        pixel_aspect=facts.pixel_aspect,
        acquired_at=facts.acquired_at,
        comment=facts.comment,
        warnings=_warnings(path, file, sizes),
    )


def _checked_pages(path: Path, file: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> list[Any]:
    """Return the pages of a series after comparing every declared size with the file's."""
    dtype = np.dtype(series.dtype)
    if dtype.kind not in "buif":
        raise ReadError(f"{path.name} holds {dtype} values: save it with whole or real numbers.")
    values = int(np.prod([int(side) for side in series.shape], dtype=object))
    if series.dataoffset is not None:
        if series.dataoffset + values * dtype.itemsize > file.filehandle.size:
            raise _truncated(path)
        return [series.keyframe]
    pages = list(series.pages)
    if any(page is None for page in pages):
        missing = sum(page is None for page in pages)
        raise ReadError(
            f"{path.name} declares {len(pages)} planes but {missing} of them are not in it: copy it again, "
            "or save the planes in one file."
        )
    stored = sum(_stored_bytes(path, page, file.filehandle.size) for page in pages)
    packed = int(series.keyframe.compression) != _UNCOMPRESSED
    bits = int(series.keyframe.bitspersample)
    if values * bits > 8 * stored * (_MOST_PACKED if packed else 1):
        raise _truncated(path)
    return pages


def _stored_bytes(path: Path, page: Any, size: int) -> int:
    offsets, counts = page.dataoffsets, page.databytecounts
    if len(offsets) != len(counts) or any(o + n > size for o, n in zip(offsets, counts, strict=True)):
        raise _truncated(path)
    return int(sum(counts))


def _truncated(path: Path) -> ReadError:
    return ReadError(f"{path.name} is truncated (it declares more pixels than it holds): copy it again.")


def _layout(path: Path, series: tifffile.TiffPageSeries, page: Any) -> _Layout:
    axes, shape = series.axes, series.shape
    sizes = dict(zip(axes, shape, strict=True))
    inner = "".join(letter for letter in axes if letter in "YXS")
    samples = sizes.get("S", 1)
    if not {"Y", "X"} <= set(axes) or inner not in ("YX", "YXS", "SYX") or len(axes) != len(sizes):
        raise ReadError(f"{path.name} has the axes {axes}: save it as images of rows and columns.")
    if series.dataoffset is None and page.keyframe.axes != inner:
        raise ReadError(f"{path.name} has pages with the axes {page.keyframe.axes}: save one image per page.")
    if not axes.endswith(inner) or samples > 4:
        raise ReadError(f"{path.name} has the axes {axes} of {shape}: save it with one image per page.")
    count = len(axes) - len(inner)
    return _Layout(axes[:count], tuple(int(side) for side in shape[:count]), inner)


def _channels(layout: _Layout, facts: Facts, n_outer: int, n_samples: int) -> list[Channel]:
    outer = facts.channels
    if not outer:
        what = "channel" if "C" in layout.outer else "page"
        outer = [Channel(f"{what} {i + 1}" if n_outer > 1 else "") for i in range(n_outer)]
    if n_samples == 1:
        return outer
    return [
        Channel(f"{channel.name} {colour}".strip(), channel.wavelength_nm)
        for channel in outer
        for colour in RGB_NAMES[:n_samples]
    ]


def _plane_reader(
    path: Path, file: tifffile.TiffFile, series: tifffile.TiffPageSeries, pages: list[Any], layout: _Layout
) -> Any:
    def of_sample(image: NDArray[Any], sample: int) -> NDArray[Any]:
        if layout.page == "YX":
            return image
        return np.asarray(image[..., sample] if layout.page == "YXS" else image[sample])

    if series.dataoffset is not None:
        dtype = np.dtype(series.dtype).newbyteorder(file.byteorder)
        mapped = np.memmap(path, dtype, "r", series.dataoffset, shape=tuple(series.shape))
        return lambda place, sample: of_sample(np.asarray(mapped[place]), sample)

    def of_page(place: tuple[int, ...], sample: int) -> NDArray[Any]:
        page = pages[int(np.ravel_multi_index(place, layout.sizes)) if place else 0]
        return of_sample(_decoded(path, page), sample)

    return of_page


def _decoded(path: Path, page: Any) -> NDArray[Any]:
    # What pages have in common stands in the first one of its kind only.
    kind = page.keyframe
    if kind.bitspersample == 12 and int(kind.compression) == _UNCOMPRESSED and kind.samplesperpixel == 1:
        return _unpacked_12_bit(path, page)
    _check_unpacking(path, page)
    try:
        values = page.asarray()
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
        values = _decoded_by_pillow(path, page)
    return np.asarray(values).reshape(kind.shape)


def _check_unpacking(path: Path, page: Any) -> None:
    """Refuse a page with a part that unpacks to far more than the page; tifffile would unpack all of it."""
    kind = page.keyframe
    ratio = _RATIOS.get(int(kind.compression), 1)
    limit = int(kind.nbytes) + _SPARE_BYTES
    with path.open("rb") as file:
        for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
            # Small parts cannot, and most are small.
            if count * ratio > _SPARE_BYTES:
                file.seek(offset)
                packed = file.read(count)
                if kind.compression == _LZMA:
                    unpacked = lzma.LZMADecompressor().decompress(packed, limit)
                else:
                    unpacked = zlib.decompressobj().decompress(packed, limit)
                if len(unpacked) >= limit:
                    raise ReadError(f"{path.name} unpacks to far more than its image: do not trust it.")


def _unpacked_12_bit(path: Path, page: Any) -> NDArray[np.uint16]:
    """Return 12-bit pixels that stand two in three bytes; each row starts on a byte."""
    height, width = page.keyframe.shape
    with path.open("rb") as file:
        parts = []
        for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
            file.seek(offset)
            parts.append(file.read(count))
    row_bytes = (width * 12 + 7) // 8
    packed = np.frombuffer(b"".join(parts), np.uint8)[: height * row_bytes].reshape(height, row_bytes)
    padded = np.pad(packed, ((0, 0), (0, -row_bytes % 3))).reshape(height, -1, 3).astype(np.uint16)
    first = padded[..., 0] << 4 | padded[..., 1] >> 4
    second = (padded[..., 1] & 15) << 8 | padded[..., 2]
    return np.stack([first, second], axis=-1).reshape(height, -1)[:, :width]


def _decoded_by_pillow(path: Path, page: Any) -> NDArray[Any]:
    """Decode what tifffile cannot without a further library, LZW above all."""
    from PIL import Image

    with Image.open(path) as image:
        image.seek(page.index)
        expected = _PILLOW_MODES.get(image.mode)
        if expected is None or np.dtype(page.keyframe.dtype) != expected:
            raise ReadError(
                f"{path.name} holds {page.keyframe.dtype} values packed by {page.keyframe.compression.name}: "
                "save it uncompressed or with Deflate (ZIP)."
            )
        return np.asarray(image)


def _warnings(path: Path, file: tifffile.TiffFile, sizes: dict[str, int]) -> tuple[str, ...]:
    found, series = [], file.series
    if file.is_ome and series[0].kind != "ome":
        found.append(f"{path.name} names planes in other files, or is damaged: only its own pages were read.")
    if len(series) > 1:
        found.append(f"{path.name} holds {len(series)} images of different kinds; the first was read.")
    if sizes.get("S", 1) == 4:
        found.append(f"The transparency in {path.name} was left out.")
    return tuple(found)


def _stem(path: Path) -> str:
    name = path.stem
    return name[:-4] if name.lower().endswith(".ome") else name
