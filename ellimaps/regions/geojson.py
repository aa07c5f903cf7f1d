"""Regions as the GeoJSON of QuPath: features with a class and its color, in pixels."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from itertools import islice
from typing import Any, Literal
from uuid import NAMESPACE_URL, uuid5

import numpy as np

from ellimaps.core.errors import ReadError
from ellimaps.core.inputs import InputFile
from ellimaps.core.small_files import read_small
from ellimaps.regions.areas import FARTHEST, MOST_AREAS, Area, Ring, numbered

ObjectType = Literal["annotation", "detection"]
LABEL = "Label"
"""The measurement that keeps a region's number, also when QuPath has opened and saved it."""
# Python reads it whole, as lists of lists: 32 MB take 0.8 GB and 8 s, and hold 33,000 nuclei of 57 corners.
_MOST_BYTES = 32 << 20


def is_geojson(begins: bytes) -> bool:
    """Tell by its first bytes whether a file may be GeoJSON."""
    return begins.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")


def geojson_bytes(areas: Sequence[Area], object_type: ObjectType, group: str = "") -> bytes:
    """Return regions as a FeatureCollection that QuPath imports; the same regions give the same bytes.

    Parameters
    ----------
    areas : sequence of Area
        The regions, with their holes.
    object_type : {"annotation", "detection"}
        What they are in QuPath: annotations can be edited, detections come by the thousand.
    group : str
        The class of regions without a name of their own.
    """
    features = ",\n".join(
        json.dumps(_feature(area, object_type, group), ensure_ascii=False) for area in areas
    )
    return f'{{"type": "FeatureCollection", "features": [\n{features}\n]}}\n'.encode()


def _feature(area: Area, object_type: ObjectType, group: str) -> dict[str, Any]:
    parts = [[_closed(ring) for ring in part] for part in area.parts]
    alone = len(parts) == 1
    geometry: dict[str, Any] = {
        "type": "Polygon" if alone else "MultiPolygon",
        "coordinates": parts[0] if alone else parts,
    }
    if area.t is not None or area.z is not None:
        geometry["plane"] = {"c": -1, "z": area.z or 0, "t": area.t or 0}
    properties: dict[str, Any] = {"objectType": object_type, "name": area.name or str(area.number)}
    if kind := area.name or group:
        properties["classification"] = {"name": kind}
        if area.color:
            properties["classification"]["color"] = list(bytes.fromhex(area.color.removeprefix("#")))
    properties["measurements"] = {LABEL: area.number}
    return {"type": "Feature", "id": _identifier(area), "geometry": geometry, "properties": properties}


def _identifier(area: Area) -> str:
    """Return what QuPath tells objects apart by, the same for the same region."""
    about = sha256(repr((area.number, area.name, area.t, area.z)).encode())
    for ring in area.rings:
        about.update(ring.tobytes())
    return str(uuid5(NAMESPACE_URL, about.hexdigest()))


def _closed(ring: Ring) -> list[list[float]]:
    whole = ring.astype(np.int64)
    corners: list[list[float]] = (whole if (whole == ring).all() else ring).tolist()
    return [*corners, corners[0]]


def read_geojson(file: InputFile) -> list[Area]:
    """Return the regions of a GeoJSON, as QuPath and others write it.

    Numbers are those of the measurement :data:`LABEL` where every region has one of its own, else they count.

    Parameters
    ----------
    file : InputFile
        A FeatureCollection, a list of features, a feature or a geometry, in pixels.

    Raises
    ------
    ReadError
        If it is no such file, or holds something without an area.
    """
    text = read_small(file, "GeoJSON", _MOST_BYTES)
    try:
        content = json.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ReadError(f"{file.name} is damaged or no GeoJSON ({error!s:.120}): export it again.") from error
    features = _features(content)
    if not features or not all(isinstance(feature, dict) for feature in features):
        raise ReadError(f"{file.name} holds no regions: export the annotations or detections as GeoJSON.")
    if len(features) > MOST_AREAS:
        raise ReadError(f"{file.name} holds {len(features):,} regions: save so many as a label image.")
    areas = [_area(file.name, place, feature) for place, feature in enumerate(features, 1)]
    if any(area.t or area.z for area in areas):
        # QuPath leaves out the first plane.
        areas = [replace(area, t=area.t or 0, z=area.z or 0) for area in areas]
    return numbered(areas, [_number(feature) for feature in features])


def _features(content: Any) -> list[Any]:
    if isinstance(content, dict):
        found = content.get("features", [content])
        return found if isinstance(found, list) else []
    return content if isinstance(content, list) else []


def _area(name: str, place: int, feature: Mapping[str, Any]) -> Area:
    properties = _table(feature, "properties")
    kind = _table(properties, "classification")
    called = next((text for text in (properties.get("name"), kind.get("name")) if isinstance(text, str)), "")
    geometry = _table(feature, "geometry") or feature
    try:
        parts = _rings(_parts(geometry))
    # What lists of lists of numbers may lack: depth, length, numbers.
    except (ValueError, TypeError, OverflowError, KeyError, RecursionError) as error:
        raise ReadError(
            f"{name}: the region {place} has an outline that is no list of three or more corners within "
            f"{FARTHEST:,.0f} pixels: export it again."
        ) from error
    if not parts or not all(parts):
        what = f"a {geometry.get('type')!s:.40}" if geometry.get("type") else "nothing"
        raise ReadError(f"{name}: the region {place} is {what}: leave out what has no area.")
    plane = _table(geometry, "plane")
    t, z = (plane.get(axis) for axis in "tz")
    return Area(place, parts, called, _color(kind), *(_whole(axis) if plane else None for axis in (t, z)))


def _parts(geometry: Mapping[str, Any]) -> list[Any]:
    """Return the polygons of a geometry, each a list of rings; none of points and lines."""
    kind = geometry.get("type")
    if kind == "GeometryCollection":
        return [part for one in geometry["geometries"] for part in _parts(one)]
    if kind == "MultiPolygon":
        return list(geometry["coordinates"])
    return [geometry["coordinates"]] if kind == "Polygon" else []


def _rings(polygons: list[Any]) -> tuple[tuple[Ring, ...], ...]:
    """Return polygons as arrays, made of all corners at once: a region may have rings by the thousand."""
    opened = [[_opened(ring) for ring in polygon] for polygon in polygons]
    rings = [ring for polygon in opened for ring in polygon]
    if not rings:
        return ()
    # A third coordinate is a height.
    corners = np.array([corner[:2] for ring in rings for corner in ring], dtype=np.float64)
    if corners.ndim != 2 or corners.shape[1] != 2 or not (np.abs(corners) <= FARTHEST).all():
        raise ValueError("no corners")
    pieces = iter(np.split(corners, np.cumsum([len(ring) for ring in rings])[:-1]))
    return tuple(tuple(islice(pieces, len(polygon))) for polygon in opened)


def _opened(ring: Any) -> Any:
    """Return a ring without its last corner if that is its first."""
    corners = ring[:-1] if len(ring) > 1 and ring[0] == ring[-1] else ring
    if len(corners) < 3:
        raise ValueError("no ring")
    return corners


def _number(feature: Mapping[str, Any]) -> int | None:
    measured = _table(feature, "properties").get("measurements")
    # Before QuPath 0.4 measurements were a list of names and values.
    if isinstance(measured, list):
        measured = {str(one.get("name")): one.get("value") for one in measured if isinstance(one, dict)}
    return _whole(measured.get(LABEL)) if isinstance(measured, dict) else None


def _whole(value: Any) -> int | None:
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return value if isinstance(value, int) else None


def _color(kind: Mapping[str, Any]) -> str:
    color = kind.get("color")
    try:
        return f"#{bytes(color).hex()}" if isinstance(color, list) and len(color) == 3 else ""
    except (ValueError, TypeError):
        return ""


def _table(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = values.get(name)
    return found if isinstance(found, dict) else {}
