"""Regions as files for other programs: a label image, and outlines for QuPath and for Fiji."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from ellimaps.regions.areas import Area
from ellimaps.regions.geojson import ObjectType, geojson_bytes
from ellimaps.regions.imagej import can_write_rois, roi_set_bytes
from ellimaps.ui.shared.widgets import download


def mask_downloads(
    name: str,
    labels: Callable[[], bytes],
    areas: Callable[[], Sequence[Area]],
    object_type: ObjectType,
    *,
    key: str,
) -> None:
    """Offer regions as a label image, and as outlines.

    Parameters
    ----------
    name : str
        What the files are called.
    labels : callable
        Gives the label image as a TIFF.
    areas : callable
        Gives the outlines.
    object_type : {"annotation", "detection"}
        What they are in QuPath.
    key : str
        Streamlit key, with ``_labels``, ``_geojson`` and ``_roiset`` behind it.
    """
    with st.popover("Masks", icon=":material/texture:"):
        download(
            "Label image (TIFF)",
            f"{name}_labels.tif",
            labels,
            key=f"{key}_labels",
            help="The number of its region in every pixel, with the pixel size",
        )
        outline_downloads(name, areas, object_type, key=key)


def outline_downloads(
    name: str, areas: Callable[[], Sequence[Area]], object_type: ObjectType, *, key: str
) -> None:
    """Offer regions as outlines alone.

    Parameters
    ----------
    name, areas, object_type, key
        As of `mask_downloads`.
    """
    download(
        "Outlines for QuPath (GeoJSON)",
        f"{name}.geojson",
        lambda: geojson_bytes(areas(), object_type),
        key=f"{key}_geojson",
        help="In QuPath: File, Import objects from file",
    )
    if can_write_rois():
        download(
            "Outlines for Fiji (RoiSet)",
            f"{name}_RoiSet.zip",
            lambda: roi_set_bytes(areas()),
            key=f"{key}_roiset",
            help="In Fiji: drag it onto the window, or ROI Manager, More, Open",
        )
