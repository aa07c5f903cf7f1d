"""Regions as the files that a user asks for: for Fiji, for QuPath, or for both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, cast, get_args

from ellimaps.core.errors import SettingError
from ellimaps.regions.areas import Area
from ellimaps.regions.geojson import ObjectType, geojson_bytes
from ellimaps.regions.imagej import roi_set_bytes

OutlineFormat = Literal["geojson", "roiset"]


def outline_formats(names: object) -> tuple[OutlineFormat, ...]:
    """Return which files are meant, each once and in one order.

    Raises
    ------
    SettingError
        If it is no list, or one is unknown.
    """
    known = get_args(OutlineFormat)
    if not isinstance(names, list | tuple) or not all(name in known for name in names):
        raise SettingError(f"outlines must be a list of {' and '.join(known)}, not {names!r:.80}.")
    return cast(tuple[OutlineFormat, ...], tuple(name for name in known if name in names))


def outline_files(
    name: str,
    areas: Sequence[Area],
    formats: Sequence[OutlineFormat],
    object_type: ObjectType,
    group: str = "",
) -> dict[str, bytes]:
    """Return the contents of ``NAME.geojson`` and ``NAME_RoiSet.zip`` as far as they are asked for.

    Parameters
    ----------
    name : str
        What they are called.
    areas : sequence of Area
        The regions.
    formats : sequence of OutlineFormat
        What is asked for.
    object_type, group
        As `ellimaps.regions.geojson.geojson_bytes`.
    """
    files = {}
    if "geojson" in formats:
        files[f"{name}.geojson"] = geojson_bytes(areas, object_type, group)
    if "roiset" in formats:
        files[f"{name}_RoiSet.zip"] = roi_set_bytes(areas)
    return files
