"""Labels as a TIFF with OME axes and pixel size, and back."""

from __future__ import annotations

import io
import uuid
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from scipy import ndimage

from ellimaps.core.errors import ReadError
from ellimaps.core.inputs import InputFile
from ellimaps.core.scratch import release
from ellimaps.readers.pictures import opened_picture

STRIP_ROWS = 256
"""Of 20,000 pixels across, 20 MB."""
# Beyond it a 32-bit float, and hence a stack, would not tell two numbers apart.
_MOST_OBJECTS = 1 << 24


@dataclass(frozen=True)
class PackedLabels:
    """A label image compressed by strips of rows, so that a large one is never copied as a whole.

    Attributes
    ----------
    strips : tuple of bytes
        Rows of int32, compressed by zlib, :data:`STRIP_ROWS` in each but the last.
    shape : (int, int)
        Of the image.
    largest : int
        The largest number.
    """

    strips: tuple[bytes, ...]
    shape: tuple[int, int]
    largest: int

    @classmethod
    def of(cls, labels: NDArray[np.int32]) -> PackedLabels:
        """Pack labels, shape (y, x)."""
        parts = [labels[row : row + STRIP_ROWS] for row in range(0, len(labels), STRIP_ROWS)]
        strips = tuple(zlib.compress(part.astype(np.int32).tobytes(), 1) for part in parts)
        largest = max((int(part.max()) for part in parts), default=0)
        release(labels)
        return cls(strips, (labels.shape[0], labels.shape[1]), largest)

    def parts(self) -> Iterator[NDArray[np.int32]]:
        """Yield the rows of each strip."""
        for strip in self.strips:
            yield np.frombuffer(zlib.decompress(strip), np.int32).reshape(-1, self.shape[1])


def label_tiff(planes: Sequence[Sequence[PackedLabels]], pixel_size_um: float | None) -> bytes:
    """Return labels as an OME-TIFF; the same labels give the same bytes.

    Parameters
    ----------
    planes : sequence of sequences of PackedLabels
        For each time point its focal planes; 0 is background.
    pixel_size_um : float, optional
        Side of a pixel.

    Returns
    -------
    bytes
        Whole numbers of 16 bit, or of 32 where there are more than 65535 objects; axes T, Z, Y, X.
    """
    every = [plane for row in planes for plane in row]
    dtype = np.dtype("<u2" if max(plane.largest for plane in every) < 1 << 16 else "<u4")
    shape = (len(planes), len(planes[0]), *every[0].shape)
    digest = sha256(repr((shape, pixel_size_um)).encode())
    for plane in every:
        for strip in plane.strips:
            digest.update(strip)
    # tifffile would make up another identifier at every writing.
    metadata: dict[str, object] = {"axes": "TZYX", "UUID": str(uuid.UUID(digest.hexdigest()[:32]))}
    if pixel_size_um is not None:
        metadata |= {f"PhysicalSize{axis}": pixel_size_um for axis in "XY"}
        metadata |= {f"PhysicalSize{axis}Unit": "µm" for axis in "XY"}
    strips = (zlib.compress(part.astype(dtype).tobytes()) for plane in every for part in plane.parts())
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer, ome=True, byteorder="<") as file:
        file.write(
            strips, shape=shape, dtype=dtype, rowsperstrip=STRIP_ROWS, compression="zlib",
            photometric="minisblack", software="", metadata=metadata,
        )  # fmt: skip
    return buffer.getvalue()


def read_label_plane(path: Path, shape: tuple[int, int], t: int = 0, z: int = 0) -> NDArray[np.int32]:
    """Return one plane of a label image; of a file with one plane that one, whatever is asked for.

    Parameters
    ----------
    path : Path
        A TIFF or PNG of whole numbers, 0 for the background.
    shape : (int, int)
        Of the image it belongs to.
    t, z : int
        Time point and focal plane, from 0.

    Raises
    ------
    ReadError
        If it is no such image, of another size, or has fewer planes.
    """
    with opened_picture(InputFile(path)) as picture:
        n_times, n_channels, n_planes, height, width = picture.shape
        if n_channels > 1:
            raise ReadError(
                f"{path.name} has {n_channels} channels or colors: give masks with a number for each object."
            )
        if (height, width) != shape:
            raise ReadError(
                f"{path.name} has {height} x {width} pixels and its image {shape[0]} x {shape[1]}: "
                "give the mask of this image."
            )
        if n_times * n_planes > 1 and (t >= n_times or z >= n_planes):
            raise ReadError(f"{path.name} has no plane for time point {t} and focal plane {z} of its image.")
        alone = n_times * n_planes == 1
        values = np.asarray(picture.plane(0, 0, 0) if alone else picture.plane(t, 0, z))
    return _as_labels(path.name, values)


def _as_labels(name: str, values: NDArray[np.generic]) -> NDArray[np.int32]:
    if values.dtype.kind == "f" and not np.array_equal(values, np.rint(values)):
        raise ReadError(f"{name} holds fractions: give masks in which each object has a whole number.")
    if len(np.unique(values)) == 2 and ndimage.label(values != 0)[1] > 1:
        raise ReadError(
            f"{name} has one value for all objects: label them first, such as by connected components."
        )
    if values.min() < 0 or values.max() >= _MOST_OBJECTS:
        raise ReadError(f"{name} holds numbers outside of 0 to {_MOST_OBJECTS - 1}: it is no label image.")
    return values.astype(np.int32)
