"""Labels as a TIFF that says its axes, its pixel size and what its numbers are called and colored."""

from __future__ import annotations

import io
import uuid
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np
import tifffile
from numpy.typing import NDArray

from ellimaps.core.colors import NO_DATA_COLOR
from ellimaps.core.scratch import release

STRIP_ROWS = 256
"""Of 20,000 pixels across, 20 MB."""
NAMES = "ellimaps.org/names"
"""Namespace of the annotation that names the numbers, so that others' annotations are told apart."""
# A tag of TIFF 6.0 holds a fraction of two numbers of 32 bit.
_LARGEST_TERM = (1 << 32) - 1


class Called(NamedTuple):
    """What a number of a label image stands for: its name and its color as ``#rrggbb``."""

    name: str
    color: str


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
    def of(cls, labels: NDArray[np.integer[Any]]) -> PackedLabels:
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

    def whole(self) -> NDArray[np.int32]:
        """Return the labels."""
        return np.concatenate(list(self.parts()))


def label_tiff(
    planes: Sequence[Sequence[PackedLabels]],
    pixel_size_um: float | None,
    pixel_aspect: float = 1.0,
    called: Sequence[Called] = (),
) -> bytes:
    """Return labels as an OME-TIFF; the same labels give the same bytes.

    The pixel size stands in the OME-XML, which QuPath and Bio-Formats read, and in the tags of the
    resolution, which ImageJ reads itself. Colors are the palette of an 8-bit image: ImageJ takes no other
    one from a file. Names are an annotation of OME, by number.

    Parameters
    ----------
    planes : sequence of sequences of PackedLabels
        For each time point its focal planes; 0 is background.
    pixel_size_um : float, optional
        Width of a pixel.
    pixel_aspect : float
        Height of a pixel over its width.
    called : sequence of Called
        Of 1, 2 and so on, 255 at most.

    Returns
    -------
    bytes
        Whole numbers of 8 bit where they are called something, else of 16 bit, or of 32 where there are more
        than 65535 objects; axes T, Z, Y, X.
    """
    every = [plane for row in planes for plane in row]
    dtype = np.dtype("u1" if called else "<u2" if max(plane.largest for plane in every) < 1 << 16 else "<u4")
    shape = (len(planes), len(planes[0]), *every[0].shape)
    digest = sha256(repr((shape, pixel_size_um, pixel_aspect, called)).encode())
    for plane in every:
        for strip in plane.strips:
            digest.update(strip)
    # tifffile would make up another identifier at every writing.
    metadata: dict[str, object] = {"axes": "TZYX", "UUID": str(uuid.UUID(digest.hexdigest()[:32]))}
    options: dict[str, Any] = {"photometric": "minisblack"}
    if called:
        options = {"photometric": "palette", "colormap": _palette(called)}
        names = {str(number): _xml_text(one.name) for number, one in enumerate(called, 1)}
        metadata["MapAnnotation"] = {"Namespace": NAMES, **names}
    if pixel_size_um is not None:
        sides = {"X": pixel_size_um, "Y": pixel_size_um * pixel_aspect}
        metadata |= {f"PhysicalSize{axis}": side for axis, side in sides.items()}
        metadata |= {f"PhysicalSize{axis}Unit": "µm" for axis in sides}
        options |= _resolution(sides)
    strips = (zlib.compress(part.astype(dtype).tobytes()) for plane in every for part in plane.parts())
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer, ome=True, byteorder="<") as file:
        file.write(
            strips, shape=shape, dtype=dtype, rowsperstrip=STRIP_ROWS, compression="zlib",
            software="", metadata=metadata, **options,
        )  # fmt: skip
    return buffer.getvalue()


def _palette(called: Sequence[Called]) -> NDArray[np.uint16]:
    """Return the colors of all 8-bit numbers as TIFF has them, shape (3, 256); 0 is no data."""
    colors = np.zeros((256, 3), np.uint16)
    for number, color in enumerate([NO_DATA_COLOR, *(one.color for one in called)]):
        colors[number] = list(bytes.fromhex(color.removeprefix("#")))
    return (colors * 257).T


def _xml_text(text: str) -> str:
    """Return a text without the characters that XML 1.0 has no way to write."""
    return "".join(
        letter for letter in text if letter in "\t\n\r" or (letter >= " " and letter not in "\ufffe\uffff")
    )


def _resolution(sides_um: Mapping[str, float]) -> dict[str, Any]:
    """Return the pixels to a centimeter as tags; nothing of pixels that the tags cannot tell."""
    per_cm = [1e4 / side for side in sides_um.values()]
    if not all(1 / _LARGEST_TERM <= one <= _LARGEST_TERM for one in per_cm):
        return {}
    terms = [Fraction(one).limit_denominator(int(_LARGEST_TERM / max(one, 1.0))) for one in per_cm]
    return {
        "resolution": [(term.numerator, term.denominator) for term in terms],
        "resolutionunit": "CENTIMETER",
    }
