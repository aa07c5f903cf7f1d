"""What OME-TIFF and ImageJ files say about their images: channels, wavelengths, times, pixel size."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from xml.etree import ElementTree

import numpy as np
import tifffile
from numpy.typing import NDArray

from ellimaps.readers.planes import PlaneChannel

# Units as OME-XML and ImageJ spell them.
_IN_UM = {
    "m": 1e6, "cm": 1e4, "mm": 1e3, "µm": 1.0, "μm": 1.0, "um": 1.0, "micron": 1.0, "microns": 1.0,
    "micrometer": 1.0, "nm": 1e-3, "inch": 25400.0,
}  # fmt: skip
_IN_NM = {unit: 1e3 * um for unit, um in _IN_UM.items()} | {"Å": 0.1}
_IN_S = {"s": 1.0, "sec": 1.0, "ms": 1e-3, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9, "min": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class TiffFacts:
    """What a file says; NaN, None or empty where it says nothing. Times have the shape (t, channel)."""

    times_s: NDArray[np.float64]
    channels: list[PlaneChannel] = field(default_factory=list)
    pixel_size_um: float | None = None
    pixel_aspect: float = 1.0
    acquired_at: datetime | None = None
    comment: str = ""


def facts_of(file: tifffile.TiffFile, n_times: int, n_channels: int) -> TiffFacts:
    """Return what an OME-TIFF or ImageJ file says about its first image; damaged metadata say nothing."""
    nothing = TiffFacts(np.full((n_times, n_channels), np.nan))
    if file.is_ome and file.ome_metadata:
        return _ome_facts(file.ome_metadata, nothing)
    if file.is_imagej and file.imagej_metadata:
        return _imagej_facts(file, file.imagej_metadata, nothing)
    return nothing


def _ome_facts(text: str, nothing: TiffFacts) -> TiffFacts:
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return nothing
    image = root.find("{*}Image")
    pixels = None if image is None else image.find("{*}Pixels")
    if image is None or pixels is None:
        return nothing
    size, aspect = _pixel(*(_length(pixels, f"PhysicalSize{axis}", _IN_UM, "µm") for axis in "XY"))
    found = [_ome_channel(channel, i) for i, channel in enumerate(pixels.findall("{*}Channel"))]
    return TiffFacts(
        times_s=_ome_times(pixels, nothing.times_s.shape),
        channels=found if len(found) == nothing.times_s.shape[1] else [],
        pixel_size_um=size,
        pixel_aspect=aspect,
        acquired_at=_date(image.findtext("{*}AcquisitionDate") or ""),
        comment=(image.findtext("{*}Description") or "").strip(),
    )


def _ome_channel(channel: ElementTree.Element, number: int) -> PlaneChannel:
    name = channel.get("Name") or channel.get("Fluor") or f"channel {number + 1}"
    emission = _length(channel, "EmissionWavelength", _IN_NM, "nm")
    excitation = _length(channel, "ExcitationWavelength", _IN_NM, "nm")
    return PlaneChannel(name, next((w for w in (emission, excitation) if w is not None), np.nan))


def _ome_times(pixels: ElementTree.Element, shape: tuple[int, ...]) -> NDArray[np.float64]:
    times = np.full(shape, np.nan)
    step = _length(pixels, "TimeIncrement", _IN_S, "s")
    if step is not None:
        times[:] = step * np.arange(shape[0])[:, None]
    for plane in pixels.findall("{*}Plane"):
        taken = _length(plane, "DeltaT", _IN_S, "s", lowest=-math.inf)
        try:
            t, c, z = (int(plane.get(f"The{axis}", "0")) for axis in "TCZ")
        except ValueError:
            continue
        if taken is not None and z == 0 and 0 <= t < shape[0] and 0 <= c < shape[1]:
            times[t, c] = taken
    return times


def _imagej_facts(file: tifffile.TiffFile, said: dict[str, Any], nothing: TiffFacts) -> TiffFacts:
    n_times, n_channels = nothing.times_s.shape
    labels = said.get("Labels")
    channels: list[PlaneChannel] = []
    if isinstance(labels, list) and len(labels) >= n_channels > 1 and all(labels[:n_channels]):
        channels = [PlaneChannel(str(label)) for label in labels[:n_channels]]
    scale = _IN_UM.get(str(said.get("unit", "")).replace("\\u00B5", "µ"))
    sides = [_resolution(file, axis, scale) for axis in "XY"] if scale else [None, None]
    size, aspect = _pixel(sides[0], sides[1])
    step = said.get("finterval")
    times = nothing.times_s.copy()
    if isinstance(step, int | float) and 0 < step < math.inf and n_times > 1:
        times[:] = float(step) * np.arange(n_times)[:, None]
    return TiffFacts(times_s=times, channels=channels, pixel_size_um=size, pixel_aspect=aspect)


def _resolution(file: tifffile.TiffFile, axis: str, scale: float | None) -> float | None:
    tag = file.pages.first.tags.get(f"{axis}Resolution")
    value = tag.value if tag is not None else None
    if scale is None or not isinstance(value, tuple) or len(value) != 2 or not all(value):
        return None
    return float(scale * value[1] / value[0])


def _pixel(width: float | None, height: float | None) -> tuple[float | None, float]:
    """Return a pixel's width in um and its height over its width."""
    aspect = height / width if width and height and 0.01 < height / width < 100 else 1.0
    return width, aspect


def _length(
    element: ElementTree.Element, name: str, units: dict[str, float], unit: str, lowest: float = 0.0
) -> float | None:
    """Return an attribute in the unit that the table of units is in; None where it says nothing usable."""
    try:
        value = float(element.get(name, "")) * units[element.get(f"{name}Unit", unit)]
    except (ValueError, KeyError):
        return None
    return value if lowest < value < math.inf else None


def _date(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.strip()).replace(tzinfo=None)
    except ValueError:
        return None
