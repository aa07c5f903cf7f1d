"""Writing OME-TIFF: every plane of an image as it is, with what is known of it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.provenance import __version__
from ellimaps.readers.planes import Planes

_BIG = 4_000_000_000
"""Bytes: offsets of an ordinary TIFF have 32 bit; tags and chunks of zlib that grow need room."""


def write_ome_tiff(picture: Planes, file: Path, on_progress: Progress = no_progress) -> None:
    """Write an image.

    Parameters
    ----------
    picture : Planes
        It; its planes are read one after the other, and no two are in memory.
    file : Path
        Where to.
    on_progress : callable, optional
        Called as ``on_progress(done, total, what)``.

    Raises
    ------
    ReadError
        If a plane of it is damaged.
    """
    dtype = picture.plane(0, 0, 0).dtype.newbyteorder("<")

    def planes() -> Iterator[NDArray[Any]]:
        numbers = list(np.ndindex(*picture.shape[:3]))
        for done, (t, c, z) in enumerate(numbers, 1):
            yield picture.plane(t, c, z).astype(dtype)
            on_progress(done, len(numbers), "writing images")

    n_bytes = int(np.prod(picture.shape, dtype=object)) * dtype.itemsize
    with tifffile.TiffWriter(file, ome=True, bigtiff=n_bytes > _BIG, byteorder="<") as writer:
        writer.write(
            planes(), shape=picture.shape, dtype=dtype, photometric="minisblack", rowsperstrip=256,
            compression="zlib", compressionargs={"level": 1}, predictor=dtype.kind in "iu",
            software="", metadata=_metadata(picture),
        )  # fmt: skip


def _metadata(picture: Planes) -> dict[str, Any]:
    """Return what stands in the OME-XML, by the names of the schema."""
    channels = picture.channels
    about: dict[str, list[Any]] = {
        "Name": [channel.name or f"channel {number}" for number, channel in enumerate(channels, 1)]
    }
    if all(channel.color for channel in channels):
        about["Color"] = [_ome_color(channel.color) for channel in channels]
    if all(np.isfinite(channel.wavelength_nm) for channel in channels):
        about["EmissionWavelength"] = [float(channel.wavelength_nm) for channel in channels]
        about["EmissionWavelengthUnit"] = ["nm"] * len(channels)
    said: dict[str, Any] = {"axes": "TCZYX", "Name": picture.name, "Channel": about}
    width, unit = (picture.pixel_size_um, "µm") if picture.pixel_size_um else (1.0, "pixel")
    if picture.pixel_size_um or picture.pixel_aspect != 1:
        said |= _length("X", width, unit) | _length("Y", width * picture.pixel_aspect, unit)
    if picture.plane_distance_um:
        said |= _length("Z", picture.plane_distance_um, "µm")
    if np.isfinite(picture.times_s).all():
        deltas = np.broadcast_to(picture.times_s[:, :, None], picture.shape[:3]).ravel()
        said["Plane"] = {"DeltaT": deltas.tolist(), "DeltaTUnit": ["s"] * deltas.size}
    if picture.acquired_at:
        said["AcquisitionDate"] = picture.acquired_at.isoformat()
    if picture.comment:
        said["Description"] = picture.comment
    # tifffile would make up another identifier at every writing.
    digest = sha256(repr((picture.shape, said)).encode("utf-8", "replace")).hexdigest()
    return {**said, "Creator": f"ellimaps {__version__}", "UUID": str(uuid.UUID(digest[:32]))}


def _length(axis: str, value: float, unit: str) -> dict[str, Any]:
    return {f"PhysicalSize{axis}": value, f"PhysicalSize{axis}Unit": unit}


def _ome_color(color: str) -> int:
    """Return a color as OME-XML has it: RGBA as a signed number of 32 bit."""
    rgba = int(f"{color.removeprefix('#')}FF", 16)
    return rgba - (1 << 32) if rgba >= 1 << 31 else rgba
