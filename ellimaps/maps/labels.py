"""Clusters as label images and regions that other programs open, and those of other programs as clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.colors import CLUSTER_COLORS
from ellimaps.core.errors import SettingError
from ellimaps.core.provenance import sha256
from ellimaps.core.stack import ImageStack
from ellimaps.maps.clustering.kmeans import MAX_CLUSTERS
from ellimaps.maps.regions import Region
from ellimaps.maps.segmentation import Segmentation, segmentation_of_labels
from ellimaps.maps.settings import Settings
from ellimaps.regions.areas import Area, Ring, areas_of
from ellimaps.regions.label_file import read_label_image
from ellimaps.regions.label_image import Called, PackedLabels, label_tiff
from ellimaps.regions.outline_files import OutlineFormat, outline_files


def read_clusters(path: str | Path, shape: tuple[int, int]) -> NDArray[np.int16]:
    """Read clusters that somebody labelled.

    Parameters
    ----------
    path : str or Path
        What `ellimaps.regions.label_file.read_label_image` reads: 0 is no data, otherwise cluster + 1.
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
    labels = read_label_image(path, shape)
    if labels.max() > MAX_CLUSTERS:
        raise SettingError(
            f"The label image {Path(path).name} holds values up to {labels.max()}: use 0 for no data and 1 "
            f"to {MAX_CLUSTERS} for clusters."
        )
    return labels.astype(np.int16) - np.int16(1)


def labelled_clusters(stack: ImageStack, path: str | Path, settings: Settings) -> Segmentation:
    """Return the clusters of a preprocessed stack that somebody labelled.

    Parameters
    ----------
    stack : ImageStack
        As `ellimaps.maps.pipeline.load` returns it.
    path : str or Path
        See `read_clusters`.
    settings : Settings
        ``features`` and ``seed`` of them; what finds or changes clusters does not matter.

    Raises
    ------
    ReadError
        If the file cannot be read, or is of another size.
    SettingError
        If it holds no cluster, or more than there may be.
    """
    path = Path(path)
    how = {"labels": path.name, "labels_sha256": sha256(path), "features": settings.features}
    return segmentation_of_labels(stack, read_clusters(path, stack.shape), {**how, "seed": settings.seed})


def clusters_tiff(segmentation: Segmentation, names: Sequence[str] = ()) -> bytes:
    """Return clusters as a label image: 0 is no data, otherwise cluster + 1, with their names and colors."""
    stack = segmentation.stack
    planes = [[PackedLabels.of(segmentation.labels + 1)]]
    return label_tiff(planes, stack.pixel_size_um, stack.pixel_aspect, _called(segmentation, names))


def outlines_of(
    segmentation: Segmentation,
    formats: Sequence[OutlineFormat],
    names: Sequence[str] = (),
    regions: Sequence[Region] = (),
) -> dict[str, bytes]:
    """Return files of the outlines of clusters, and of regions of interest where there are any.

    Parameters
    ----------
    segmentation : Segmentation
        Whose clusters; they are numbered as in the label image.
    formats : sequence of OutlineFormat
        What is asked for.
    names : sequence of str
        What the clusters are called.
    regions : sequence of Region
        The regions of interest.
    """
    name = segmentation.stack.name
    files = outline_files(f"{name}_clusters", cluster_areas(segmentation, names), formats, "annotation")
    if regions:
        files |= outline_files(f"{name}_regions", region_areas(regions), formats, "annotation")
    return files


def cluster_areas(segmentation: Segmentation, names: Sequence[str] = ()) -> list[Area]:
    """Return clusters as outlines with their names and colors, numbered as in the label image."""
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
