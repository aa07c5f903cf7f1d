"""What OME-TIFF and ImageJ files say about their images: channels, wavelengths, times, pixel size."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from xml.etree import ElementTree

import numpy as np
import tifffile
from numpy.typing import NDArray

from ellimaps.readers.planes import PlaneChannel

# Units as OME-XML and ImageJ spell them.
_IN_UM = {
    "m": 1e6, "cm": 1e4, "mm": 1e3, "millimeter": 1e3, "millimetre": 1e3, "millimeters": 1e3,
    "millimetres": 1e3, "µm": 1.0, "μm": 1.0, "um": 1.0, "micron": 1.0, "microns": 1.0, "micrometer": 1.0,
    "micrometre": 1.0, "nm": 1e-3, "inch": 25400.0,
}  # fmt: skip
# TIFF 6.0, tag 296: inch and centimeter.
_RESOLUTION_UNITS = {2: 25400.0, 3: 1e4}
# Printers' resolutions, from 72 to 300 to the inch, say nothing of a microscope: those are 85 um and more.
_LARGEST_TAGGED_UM = 50.0
_IN_NM = {unit: 1e3 * um for unit, um in _IN_UM.items()} | {"Å": 0.1}
_IN_S = {"s": 1.0, "sec": 1.0, "ms": 1e-3, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9, "min": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class TiffFacts:
    """What a file says; NaN, None or empty where it says nothing. Times have the shape (t, channel)."""

    times_s: NDArray[np.float64]
    channels: list[PlaneChannel] = field(default_factory=list)
    pixel_size_um: float | None = None
    pixel_aspect: float = 1.0
    plane_distance_um: float | None = None
    acquired_at: datetime | None = None
    comment: str = ""


def facts_of(file: tifffile.TiffFile, n_times: int, n_channels: int, scene: int) -> TiffFacts:
    """Return what a file says about one of its images; damaged metadata say nothing.

    Parameters
    ----------
    file : tifffile.TiffFile
        The opened file: an OME-TIFF, one of ImageJ, or any other, whose tags may tell the pixel size.
    n_times, n_channels : int
        Of the image.
    scene : int
        Which image, from 0.
    """
    nothing = TiffFacts(np.full((n_times, n_channels), np.nan))
    if file.is_ome and file.ome_metadata:
        return _ome_facts(file.ome_metadata, nothing, scene)
    if file.is_imagej and file.imagej_metadata:
        return _imagej_facts(file, file.imagej_metadata, nothing)
    size, aspect = _tagged_pixel(file)
    return replace(nothing, pixel_size_um=size, pixel_aspect=aspect)


def _tagged_pixel(file: tifffile.TiffFile) -> tuple[float | None, float]:
    unit = file.pages.first.tags.get("ResolutionUnit")
    # Without the tag the unit is the inch, and the number a program's default.
    scale = _RESOLUTION_UNITS.get(int(unit.value)) if unit is not None else None
    size, aspect = _pixel(_resolution(file, "X", scale), _resolution(file, "Y", scale))
    return (size, aspect) if size is not None and size <= _LARGEST_TAGGED_UM else (None, 1.0)


def _ome_facts(text: str, nothing: TiffFacts, scene: int) -> TiffFacts:
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return nothing
    images = root.findall("{*}Image")
    image = images[scene] if scene < len(images) else None
    pixels = None if image is None else image.find("{*}Pixels")
    if image is None or pixels is None:
        return nothing
    size, aspect = _pixel(*(_length(pixels, f"PhysicalSize{axis}", _IN_UM, "µm") for axis in "XY"))
    if size is None:
        # Of pixels without a size the aspect may be known.
        _, aspect = _pixel(*(_length(pixels, f"PhysicalSize{axis}", {"pixel": 1.0}, "µm") for axis in "XY"))
    found = [_ome_channel(channel, i) for i, channel in enumerate(pixels.findall("{*}Channel"))]
    return TiffFacts(
        times_s=_ome_times(pixels, nothing.times_s.shape),
        channels=found if len(found) == nothing.times_s.shape[1] else [],
        pixel_size_um=size,
        pixel_aspect=aspect,
        plane_distance_um=_length(pixels, "PhysicalSizeZ", _IN_UM, "µm"),
        acquired_at=_date(image.findtext("{*}AcquisitionDate") or ""),
        comment=(image.findtext("{*}Description") or "").strip(),
    )


def _ome_channel(channel: ElementTree.Element, number: int) -> PlaneChannel:
    name = channel.get("Name") or channel.get("Fluor") or f"channel {number + 1}"
    emission = _length(channel, "EmissionWavelength", _IN_NM, "nm")
    excitation = _length(channel, "ExcitationWavelength", _IN_NM, "nm")
    wavelength = next((w for w in (emission, excitation) if w is not None), np.nan)
    return PlaneChannel(name, wavelength, _ome_color(channel.get("Color", "")))


def _ome_color(said: str) -> str:
    """Return a color of OME-XML, a signed number of 32 bit as RGBA, as #RRGGBB."""
    if not re.fullmatch(r"-?[0-9]{1,10}", said):
        return ""
    return f"#{int(said) % (1 << 32) >> 8:06X}"


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
    sides = [_resolution(file, axis, scale) for axis in "XY"]
    size, aspect = _pixel(sides[0], sides[1])
    step = said.get("finterval")
    times = nothing.times_s.copy()
    if isinstance(step, int | float) and 0 < step < math.inf and n_times > 1:
        times[:] = float(step) * np.arange(n_times)[:, None]
    return TiffFacts(times, channels, size, aspect, _spacing(said.get("spacing"), scale))


def _spacing(said: Any, scale: float | None) -> float | None:
    """Return the distance of focal planes as ImageJ writes it, in um."""
    if scale is None or not isinstance(said, int | float) or not 0 < said < math.inf:
        return None
    return float(said * scale)


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
        return datetime.fromisoformat(text.strip())
    except ValueError:
        return None
