"""Regions as ImageJ's ``RoiSet.zip``, which the ROI Manager of Fiji opens and saves."""

from __future__ import annotations

import io
import logging
import re
import zipfile
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.archives import ArchiveError, members
from ellimaps.core.errors import ReadError
from ellimaps.core.extras import optional
from ellimaps.core.inputs import InputFile
from ellimaps.core.small_files import read_small
from ellimaps.regions.areas import FARTHEST, MOST_AREAS, Area, Ring, numbered

# In the properties of a ROI, which ImageJ keeps and shows.
_NUMBER = "Label"
# A hundred thousand nuclei of 57 corners take 25 MB, unpacked 38 MB.
_MOST_BYTES, _MOST_UNPACKED = 64 << 20, 256 << 20
_ROI, _ZIP = b"Iout", b"PK"
# ImageJ keeps whole coordinates from -5000 to 60535 (RoiDecoder); further ones are floats.
_MOST_WHOLE = 60_535
# Operations of java.awt.geom.PathIterator, as a composite ROI holds them.
_MOVE, _LINE, _CLOSE = 0.0, 1.0, 4.0
# What roifile doubts; whatever matters here is raised.
logging.getLogger("roifile").addHandler(logging.NullHandler())


def can_write_rois() -> bool:
    """Tell whether the extra for ROIs is installed."""
    return find_spec("roifile") is not None


def is_roi_set(begins: bytes) -> bool:
    """Tell by its first bytes whether a file may be a RoiSet or a single ROI."""
    return begins.startswith((_ROI, _ZIP))


def roi_set_bytes(areas: Sequence[Area]) -> bytes:
    """Return regions as a ``RoiSet.zip``; the same regions give the same bytes.

    Raises
    ------
    MissingExtraError
        If roifile is not installed.
    """
    roifile = _roifile()
    width = len(str(max((area.number for area in areas), default=0)))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for area in areas:
            # The ROI Manager shows what the entry is called, sorted; two may not be called alike.
            plane = "".join(
                f"-{axis}{one + 1}" for axis, one in (("t", area.t), ("z", area.z)) if one is not None
            )
            name = " ".join([f"{area.number:0{width}}{plane}", *filter(None, [_file_name(area.name)])])
            # The first date that a zip can hold: that of the export would change the bytes.
            entry = zipfile.ZipInfo(f"{name}.roi", (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, _roi(roifile, area).tobytes())
    return buffer.getvalue()


def read_roi_set(file: InputFile) -> list[Area]:
    """Return the regions of a ``RoiSet.zip`` or a ``.roi``, numbered as the file says or in their order.

    Raises
    ------
    MissingExtraError
        If roifile is not installed.
    ReadError
        If it is no such file, damaged, or holds something without an area.
    """
    roifile = _roifile()
    content = read_small(file, "RoiSet", _MOST_BYTES)
    areas, numbers = [], []
    for place, (entry, roi) in enumerate(_entries(file.name, content), 1):
        name = entry.removesuffix(".roi")
        try:
            found = roifile.ImagejRoi.frombytes(roi)
            rings = [_checked(ring) for ring in _outlines(roifile, found)]
            number = found.properties.get(_NUMBER)
        # roifile raises whatever its parsing stumbles over, from struct.error to NotImplementedError.
        except Exception as error:
            reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
            raise ReadError(
                f"{file.name}: {name:.80} is damaged or no area ({reason:.120}): save the "
                "regions again without it."
            ) from error
        if found.position > 1 and not (found.t_position or found.z_position):
            raise ReadError(
                f"{file.name}: {name:.80} lies on slice {found.position} of a stack: make the image a "
                "hyperstack in ImageJ, so that regions tell time point and focal plane."
            )
        t, z = (one - 1 if one > 0 else None for one in (found.t_position, found.z_position))
        areas.append(Area(place, tuple((ring,) for ring in rings), name, t=t, z=z))
        numbers.append(number if type(number) is int else None)
    if not areas:
        raise ReadError(f"{file.name} holds no regions: save those of the ROI Manager.")
    return numbered(areas, numbers)


def _entries(name: str, content: bytes) -> list[tuple[str, bytes]]:
    """Return the ROIs of a file, with their names."""
    if content.startswith(_ROI):
        return [(name, content)]
    try:
        return [
            (entry, roi)
            for entry, roi in members(io.BytesIO(content), _MOST_UNPACKED, MOST_AREAS)
            if entry.lower().endswith(".roi")
        ]
    except ArchiveError as error:
        raise ReadError(f"{name} is damaged or no RoiSet ({error!s:.120}): save it again.") from error


def _outlines(roifile: Any, roi: Any) -> list[Ring]:
    """Return the rings of a ROI.

    Raises
    ------
    ValueError
        If it has no area.
    """
    kind, types = roi.roitype, roifile.ROI_TYPE
    if kind in (types.RECT, types.OVAL) and not roi.composite:
        x, y, width, height = (
            (roi.xd, roi.yd, roi.widthd, roi.heightd)
            if roi.subpixelrect
            else (roi.left, roi.top, roi.right - roi.left, roi.bottom - roi.top)
        )
        unit = _circle() if kind == types.OVAL else _square()
        return [unit * (width, height) + (x, y)]
    if kind not in (types.RECT, types.POLYGON, types.FREEHAND, types.TRACED):
        raise ValueError(f"it is a {kind.name.lower()}")
    return list(roi.coordinates(multi=True))


def _checked(ring: NDArray[Any]) -> Ring:
    corners = np.asarray(ring, dtype=np.float64)
    if len(corners) < 3:
        raise ValueError("it has less than three corners")
    if not (np.abs(corners) <= FARTHEST).all():
        raise ValueError("a corner lies nowhere near an image")
    return corners


def _square() -> Ring:
    return np.array([(0, 0), (1, 0), (1, 1), (0, 1)], dtype=np.float64)


def _circle() -> Ring:
    """Return a circle within a square of side 1, as a polygon that covers 0.99995 of it."""
    turns = np.radians(np.arange(360))
    return np.stack([1 + np.cos(turns), 1 + np.sin(turns)], axis=1) / 2


def _roi(roifile: Any, area: Area) -> Any:
    """Return a region as ImageJ draws it: traced where it is one outline of pixels, else as a composite."""
    rings = area.rings
    if len(rings) == 1 and _is_whole(rings[0]):
        roi = roifile.ImagejRoi.frompoints(rings[0].astype(np.int32))
        roi.roitype = roifile.ROI_TYPE.TRACED
    elif len(rings) == 1:
        roi = roifile.ImagejRoi.frompoints(rings[0].astype(np.float32))
        roi.roitype = roifile.ROI_TYPE.POLYGON
    else:
        corners = np.concatenate(rings)
        (left, top), (right, bottom) = corners.min(axis=0), np.ceil(corners.max(axis=0))
        path = np.concatenate([_path(ring) for ring in rings])
        roi = roifile.ImagejRoi(
            roitype=roifile.ROI_TYPE.RECT, multi_coordinates=path, shape_roi_size=len(path),
            left=int(left), top=int(top), right=int(right), bottom=int(bottom),
        )  # fmt: skip
    roi.name = _in_one_plane(area.name or str(area.number))
    roi.props = f"{_NUMBER}: {area.number}\n"
    if area.color:
        roi.stroke_color = b"\xff" + bytes.fromhex(area.color.removeprefix("#"))
    roi.t_position, roi.z_position = (0 if one is None else one + 1 for one in (area.t, area.z))
    return roi


def _is_whole(ring: Ring) -> bool:
    return bool((ring == np.rint(ring)).all() and ring.min() >= 0 and ring.max() <= _MOST_WHOLE)


def _path(ring: Ring) -> NDArray[np.float32]:
    """Return a ring as the float array of a composite ROI: move, lines, close."""
    steps = np.full((len(ring), 3), _LINE, np.float32)
    steps[0, 0] = _MOVE
    steps[:, 1:] = ring
    return np.append(steps.ravel(), np.float32(_CLOSE))


def _in_one_plane(name: str) -> str:
    """Return a name in characters of 16 bit, the only ones whose length roifile counts as ImageJ does."""
    return "".join(letter if letter <= "\uffff" else "\ufffd" for letter in name)


def _file_name(name: str) -> str:
    """Return a name that is no path and commands no terminal."""
    return re.sub(r"[\x00-\x1f\x7f/\\:]", "_", name).strip()[:100]


def _roifile() -> Any:
    return optional("roifile", "regions", "Regions of ImageJ")
