"""Label images of any program, read back: TIFF, PNG, and regions drawn in Fiji or QuPath."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ellimaps.core.errors import ReadError
from ellimaps.core.inputs import InputFile, first_bytes
from ellimaps.readers.pictures import is_picture, opened_picture
from ellimaps.regions.areas import MOST_LABELS, Area, areas_of, drawn
from ellimaps.regions.geojson import is_geojson, read_geojson
from ellimaps.regions.imagej import is_roi_set, read_roi_set


def read_label_image(path: str | Path, shape: tuple[int, int], t: int = 0, z: int = 0) -> NDArray[np.int32]:
    """Return one plane of a label image; of a file with one plane that one, whatever is asked for.

    Parameters
    ----------
    path : str or Path
        A TIFF or PNG of whole numbers, 0 for the background; or regions, each a number, as ImageJ's
        ``RoiSet.zip`` or ``.roi``, or as the GeoJSON of QuPath. Of regions that overlap the last one has
        the pixels.
    shape : (int, int)
        Of the image it belongs to.
    t, z : int
        Time point and focal plane, from 0. Regions without a plane belong to each.

    Raises
    ------
    ReadError
        If it is no such file, damaged, of another size, or has fewer planes.
    """
    file = InputFile(Path(path))
    begins = first_bytes(file)
    if is_roi_set(begins):
        return drawn(read_roi_set(file), shape, file.name, t, z)
    if is_geojson(begins):
        return drawn(read_geojson(file), shape, file.name, t, z)
    if not is_picture(file):
        raise ReadError(
            f"{file} is no label image: give a TIFF or PNG with a number for each region, the RoiSet.zip of "
            "ImageJ or the GeoJSON of QuPath."
        )
    return _plane(file, shape, t, z)


def read_objects(path: str | Path, shape: tuple[int, int], t: int = 0, z: int = 0) -> NDArray[np.int32]:
    """Return one plane of a label image of objects, as `read_label_image` does.

    Parameters
    ----------
    path, shape, t, z
        As of `read_label_image`.

    Raises
    ------
    ReadError
        Also if one number covers several objects, and there is no other.
    """
    labels = read_label_image(path, shape, t, z)
    alone = len(np.flatnonzero(np.bincount(labels.ravel())[1:])) == 1
    if alone and is_picture(InputFile(Path(path))) and ndimage.label(labels)[1] > 1:
        raise ReadError(
            f"{Path(path).name} has one value for all objects: label them first, such as by connected "
            "components."
        )
    return labels


def areas_in(path: str | Path) -> list[Area]:
    """Return the regions of every plane of a label image that ellimaps wrote, as outlines.

    Raises
    ------
    ReadError
        If it is damaged or no label image.
    """
    with opened_picture(InputFile(Path(path))) as picture:
        n_times, _, n_planes, height, width = picture.shape
    planes = [(t, z) for t in range(n_times) for z in range(n_planes)]
    alone = len(planes) == 1
    return [
        area
        for t, z in planes
        for area in areas_of(read_label_image(path, (height, width), t, z), *(() if alone else (t, z)))
    ]


def _plane(file: InputFile, shape: tuple[int, int], t: int, z: int) -> NDArray[np.int32]:
    with opened_picture(file) as picture:
        n_times, n_channels, n_planes, height, width = picture.shape
        if n_channels > 1:
            raise ReadError(
                f"{file.name} has {n_channels} channels or colors: give masks with a number for each object."
            )
        if (height, width) != shape:
            raise ReadError(
                f"{file.name} has {height} x {width} pixels and its image {shape[0]} x {shape[1]}: "
                "give the mask of this image."
            )
        if n_times * n_planes > 1 and (t >= n_times or z >= n_planes):
            raise ReadError(f"{file.name} has no plane for time point {t} and focal plane {z} of its image.")
        alone = n_times * n_planes == 1
        values = np.asarray(picture.plane(0, 0, 0) if alone else picture.plane(t, 0, z))
    if values.dtype.kind == "f" and not np.array_equal(values, np.rint(values)):
        raise ReadError(f"{file.name} holds fractions: give masks in which each object has a whole number.")
    if values.min() < 0 or values.max() >= MOST_LABELS:
        raise ReadError(f"{file.name} holds numbers outside of 0 to {MOST_LABELS - 1}: it is no label image.")
    return values.astype(np.int32)
