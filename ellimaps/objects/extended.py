"""Further measures of labelled objects: boxes, extremes, intensity above background, Feret diameters."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError
from skimage.measure import regionprops_table

BOX_COLUMNS = ("bbox-0", "bbox-1", "bbox-2", "bbox-3")
FORM_COLUMNS = ("feret_diameter_max", "feret_diameter_min", "form_factor")


def extended_measures(
    images: Mapping[str, NDArray[np.generic]],
    labels: NDArray[np.int32],
    backgrounds: Mapping[str, NDArray[np.generic]],
    *,
    shape: bool = True,
) -> pd.DataFrame:
    """Measure what an analyst of images expects beside `ellimaps.objects.measure.measure_objects`.

    Parameters
    ----------
    images : mapping of str to ndarray, shape (y, x)
        Channels by name; NaN = not measured and left out.
    labels : ndarray of int32, shape (y, x)
        0 is background, objects have numbers from 1 on.
    backgrounds : mapping of str to ndarray, shape (y, x)
        The smooth background of each channel, such as `ellimaps.images.intensities.background_of` finds.
    shape : bool
        Whether to measure diameters and form.

    Returns
    -------
    DataFrame
        One row per object in order of its number: ``bbox-0, bbox-1, bbox-2, bbox-3`` (first row and column,
        and the first ones behind it), then :data:`FORM_COLUMNS`; for each
        channel NAME ``min_NAME, max_NAME``, and ``corrected_mean_NAME, corrected_integrated_NAME`` above
        the background. Lengths are in pixels; form factor is 4 pi area / perimeter squared.
    """
    table = _boxes(labels)
    if shape:
        table = table.join(_forms(labels))
    # Sorted by object, the pixels of each stand together: one pass serves every measure.
    inside = np.flatnonzero(labels.ravel())
    order = inside[np.argsort(labels.ravel()[inside], kind="stable")]
    starts = np.unique(labels.ravel()[order], return_index=True)[1]
    for name, image in images.items():
        values = image.ravel()[order].astype(np.float64)
        known = np.isfinite(values)
        values = np.where(known, values, np.nan)
        above = values - backgrounds[name].ravel()[order].astype(np.float64)
        counts = np.add.reduceat(known, starts, dtype=np.intp)
        total = np.add.reduceat(np.where(known, above, 0), starts)
        with np.errstate(invalid="ignore"):
            mean = total / counts
        table = table.assign(
            **{
                f"min_{name}": np.fmin.reduceat(values, starts),
                f"max_{name}": np.fmax.reduceat(values, starts),
                f"corrected_mean_{name}": mean,
                f"corrected_integrated_{name}": np.where(counts > 0, total, np.nan),
            }
        )
    return table


def _boxes(labels: NDArray[np.int32]) -> pd.DataFrame:
    boxes = [box for box in ndimage.find_objects(labels) if box is not None]
    rows = [(y.start, x.start, y.stop, x.stop) for y, x in boxes]
    return pd.DataFrame(np.array(rows, dtype=np.intp).reshape(-1, 4), columns=list(BOX_COLUMNS))


def _forms(labels: NDArray[np.int32]) -> pd.DataFrame:
    properties = ("area", "perimeter", "feret_diameter_max")
    found = pd.DataFrame(regionprops_table(labels, properties=properties))  # type: ignore[no-untyped-call]
    boxes = ndimage.find_objects(labels)
    narrow = [
        _narrowest(labels[box] == number) for number, box in enumerate(boxes, start=1) if box is not None
    ]
    with np.errstate(divide="ignore"):
        form = 4 * np.pi * found["area"] / found["perimeter"] ** 2
    return found[["feret_diameter_max"]].assign(
        feret_diameter_min=np.array(narrow, dtype=float), form_factor=form.where(found["perimeter"] > 0)
    )


def _narrowest(mask: NDArray[np.bool_]) -> float:
    """Return the smallest distance of parallel lines around the pixels as squares; one lies along a side."""
    edge = mask & ~ndimage.binary_erosion(mask)
    centers = np.argwhere(edge).astype(float)
    corners = np.concatenate([np.add(centers, (dy, dx)) for dy in (-0.5, 0.5) for dx in (-0.5, 0.5)])
    try:
        hull = corners[ConvexHull(corners).vertices]
    except QhullError:
        return float("nan")
    sides = np.diff(hull, axis=0, append=hull[:1])
    normals = np.stack([-sides[:, 1], sides[:, 0]]) / np.hypot(sides[:, 0], sides[:, 1])
    return float(np.ptp(hull @ normals, axis=0).min())
