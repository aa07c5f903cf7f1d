"""Clusters as label images and regions that other programs open, and those of other programs as clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.colors import CLUSTER_COLORS
from ellimaps.core.errors import SettingError
from ellimaps.maps.clustering.kmeans import MAX_CLUSTERS
from ellimaps.maps.regions import Region
from ellimaps.maps.segmentation import Segmentation
from ellimaps.regions.areas import Area, Ring, areas_of
from ellimaps.regions.label_file import read_labels
from ellimaps.regions.label_image import Called, PackedLabels, label_tiff


def read_clusters(path: str | Path, shape: tuple[int, int]) -> NDArray[np.int16]:
    """Read clusters that somebody labelled.

    Parameters
    ----------
    path : str or Path
        What `ellimaps.regions.label_file.read_labels` reads: 0 is no data, otherwise cluster + 1.
    shape : (int, int)
        Size (y, x) of the maps it belongs to.

    Returns
    -------
    labels : ndarray of int16, shape (y, x)
        The cluster of each pixel, -1 where there is no data.

    Raises
    ------
    ReadError
        If the file cannot be read, or is of another size.
    SettingError
        If it holds more clusters than there may be.
    """
    labels = read_labels(path, shape)
    if labels.max() > MAX_CLUSTERS:
        raise SettingError(
            f"The label image {Path(path).name} holds values up to {labels.max()}: use 0 for no data and 1 "
            f"to {MAX_CLUSTERS} for clusters."
        )
    return labels.astype(np.int16) - np.int16(1)


def clusters_tiff(segmentation: Segmentation, names: Sequence[str] = ()) -> bytes:
    """Return clusters as a label image: 0 is no data, otherwise cluster + 1, with their names and colors."""
    stack = segmentation.stack
    planes = [[PackedLabels.of(segmentation.labels + 1)]]
    return label_tiff(planes, stack.pixel_size_um, stack.pixel_aspect, _called(segmentation, names))


def cluster_areas(segmentation: Segmentation, names: Sequence[str] = ()) -> list[Area]:
    """Return clusters as regions with their names and colors, numbered as in the label image."""
    called = _called(segmentation, names)
    return [
        replace(area, name=called[area.number - 1].name, color=called[area.number - 1].color)
        for area in areas_of(segmentation.labels + 1)
    ]


def region_areas(regions: Sequence[Region]) -> list[Area]:
    """Return regions of interest as outlines with their names."""
    return [Area(number, ((_corners(region),),), region.name) for number, region in enumerate(regions, 1)]


def _called(segmentation: Segmentation, names: Sequence[str]) -> list[Called]:
    named = names or [f"cluster {cluster}" for cluster in range(segmentation.k)]
    return [Called(name, color) for name, color in zip(named, CLUSTER_COLORS, strict=False)]


def _corners(region: Region) -> Ring:
    corners: Ring = np.array(region.vertices)
    square: Ring = np.array([(0, 0), (1, 0), (1, 1), (0, 1)])
    return np.floor(corners) + square if region.kind == "pixel" else corners
