"""Measurements of the cells of a field, and what they are in the middle and how far they spread.

Nuclei are found on the first channel; a cell is its nucleus and what lies around it, up to the next cell.
Everything is computed for all cells at once.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from ellimaps.objects.measure import measure_objects
from ellimaps.objects.nuclei import detect_nuclei
from ellimaps.plates.measuring.pictures import FieldPictures

_NOT_AGGREGATED = ("object", "y", "x", "radius", "at_border")
_RINGS = 3
"""Inside of the nucleus, its rim on both sides, the cell around: half of the way outwards is the nucleus."""
_FINE_PX, _COARSE_PX = 1.0, 3.0
"""What is coarser than a small nucleus, 3 pixels in radius in a binned field, is no texture."""

Labels = NDArray[np.int32]
Values = NDArray[np.float64]


def measure_cells(pictures: FieldPictures, radius_px: tuple[float, float]) -> pd.DataFrame:
    """Find and measure the cells of a field.

    Parameters
    ----------
    pictures : FieldPictures
        Its channels. Nuclei are looked for in the first; in merged pictures whole cells, in the mean of the
        colours.
    radius_px : (float, float)
        Smallest and largest radius in pixels of the files.

    Returns
    -------
    DataFrame
        One row per cell: ``object, y, x, radius, area, at_border`` and the shape of the nucleus; per channel
        ``mean, median, std, integrated, texture`` of the nucleus, ``around`` (mean of the cell outside of
        it), ``granularity`` (fine structure of the cell) and ``radial_0..2`` (mean from the middle of the
        cell outwards over its mean); per pair of channels ``correlation`` in the cell. Lengths are in pixels
        of the files. Columns are there without cells as well.
    """
    values = pictures.values
    source = values.mean(axis=0) if pictures.is_merged else values[0]
    low, high = (max(side / pictures.binning, 1.0) for side in radius_px)
    # One threshold for all: nuclei of a field are stained alike, and the blurred rim of one is none.
    nuclei = detect_nuclei(source, (low, max(high, low)), threshold="otsu")
    images = dict(zip(pictures.names, values, strict=True))
    table = measure_objects(images, nuclei, shape=False)
    numbers = table["object"].to_numpy()
    table = table.join(nucleus_shapes(nuclei, numbers))
    cells, distance = _cells(nuclei, reach=high)
    for name, image in images.items():
        table = table.join(_cell_channel(name, image, nuclei, cells, distance, numbers))
    for first, second in combinations(images, 2):
        table[f"correlation_{first}_{second}"] = _correlation(images[first], images[second], cells, numbers)
    return _in_file_pixels(table, pictures.binning)


def summarize_cells(cells: pd.DataFrame) -> dict[str, float]:
    """Return the number of cells, and median and interquartile range of every measurement.

    ``cell_count, cell_NAME_median, cell_NAME_iqr``; NaN where there are no cells, or fewer than three for a
    range.
    """
    names = [name for name in cells if name not in _NOT_AGGREGATED]
    features = {"cell_count": float(len(cells))}
    quartiles = np.full((3, len(names)), np.nan)
    if len(cells):
        values = cells[names].to_numpy(np.float64)
        some = np.isfinite(values).any(axis=0)
        quartiles[:, some] = np.nanpercentile(values[:, some], (25, 50, 75), axis=0)
    # Quartiles of two values say what their median says.
    if len(cells) < 3:
        quartiles[[0, 2]] = np.nan
    for number, name in enumerate(names):
        features[f"cell_{name}_median"] = float(quartiles[1, number])
        features[f"cell_{name}_iqr"] = float(quartiles[2, number] - quartiles[0, number])
    return features


def nucleus_shapes(labels: Labels, numbers: NDArray[np.intp]) -> pd.DataFrame:
    """Return shapes from second moments and from edge pixels.

    Parameters
    ----------
    labels : ndarray of int32, shape (y, x)
        0 is background.
    numbers : ndarray, shape (object,)
        Objects to measure.

    Returns
    -------
    DataFrame
        ``axis_major, axis_minor`` (of the ellipse with the same second moments, pixels), ``eccentricity``,
        ``form_factor`` (4 pi area over the squared perimeter, that of a disc being about 1).
    """
    flat = labels.ravel()
    inside = np.flatnonzero(flat)
    owner = flat[inside]
    y, x = (part.astype(np.float64) for part in np.divmod(inside, labels.shape[1]))
    area = _sums(np.ones(len(owner)), owner, numbers)
    my, mx = _sums(y, owner, numbers) / area, _sums(x, owner, numbers) / area
    # A pixel is a square, not a point: its own second moment is 1/12.
    yy = _sums(y * y, owner, numbers) / area - my**2 + 1 / 12
    xx = _sums(x * x, owner, numbers) / area - mx**2 + 1 / 12
    xy = _sums(x * y, owner, numbers) / area - mx * my
    half, root = (yy + xx) / 2, np.sqrt(((yy - xx) / 2) ** 2 + xy**2)
    major, minor = 4 * np.sqrt(half + root), 4 * np.sqrt(np.maximum(half - root, 1e-12))
    # Sides of pixels overestimate a smooth outline by 4 / pi on average over directions.
    perimeter = _sides(labels, numbers) * np.pi / 4
    return pd.DataFrame(
        {
            "axis_major": major,
            "axis_minor": minor,
            "eccentricity": np.sqrt(np.maximum(1 - (minor / major) ** 2, 0)),
            "form_factor": 4 * np.pi * area / perimeter**2,
        }
    )


def _sides(labels: Labels, numbers: NDArray[np.intp]) -> Values:
    """Return how many sides of pixels part each object from what is not it."""
    padded = np.pad(labels, 1)
    count = np.zeros(len(numbers))
    for here, there in ((padded[:, 1:], padded[:, :-1]), (padded[1:], padded[:-1])):
        differ = here != there
        for side in (here[differ], there[differ]):
            count += _sums(np.ones(len(side)), side, numbers)
    return count


def _sums(values: Values, owner: NDArray[np.int32], numbers: NDArray[np.intp]) -> Values:
    length = int(numbers.max(initial=0)) + 1
    return np.asarray(np.bincount(owner, values, minlength=length)[numbers])


def _cells(nuclei: Labels, reach: float) -> tuple[Labels, NDArray[np.float32]]:
    """Return cells, and for each pixel of one how far from the middle it is, 0 to 1.

    Half of the way is the nucleus, from its deepest pixel to its rim; the other half the cell around it.
    """
    outside, nearest = ndimage.distance_transform_edt(nuclei == 0, return_indices=True)
    cells = np.where(outside <= reach, nuclei[tuple(nearest)], 0).astype(np.int32)
    depth = ndimage.distance_transform_edt(nuclei)
    deepest = np.zeros(int(nuclei.max(initial=0)) + 1)
    np.maximum.at(deepest, nuclei[nuclei > 0], depth[nuclei > 0])
    inner = 0.5 * (1 - (depth - 1) / np.maximum(deepest[nuclei] - 1, 1))
    distance = np.where(nuclei > 0, inner, 0.5 + 0.5 * outside / reach)
    return cells, distance.astype(np.float32)


def _cell_channel(
    name: str,
    image: NDArray[np.float32],
    nuclei: Labels,
    cells: Labels,
    distance: NDArray[np.float32],
    numbers: NDArray[np.intp],
) -> pd.DataFrame:
    inside = np.flatnonzero(cells)
    owner, values = cells.ravel()[inside], image.ravel()[inside].astype(np.float64)
    around = nuclei.ravel()[inside] == 0
    fine = ndimage.gaussian_filter(image, _FINE_PX) - ndimage.gaussian_filter(image, _COARSE_PX)
    ring = np.minimum((distance.ravel()[inside] * _RINGS).astype(int), _RINGS - 1)
    columns = {f"around_{name}": _means(values, owner, numbers, around)}
    columns[f"granularity_{name}"] = np.sqrt(
        _means(fine.ravel()[inside].astype(np.float64) ** 2, owner, numbers)
    )
    whole = _means(values, owner, numbers)
    with np.errstate(invalid="ignore", divide="ignore"):
        for number in range(_RINGS):
            share = _means(values, owner, numbers, ring == number) / whole
            columns[f"radial_{number}_{name}"] = np.where(np.isfinite(share), share, np.nan)
    return pd.DataFrame(columns)


def _means(
    values: Values,
    owner: NDArray[np.int32],
    numbers: NDArray[np.intp],
    mask: NDArray[np.bool_] | None = None,
) -> Values:
    """Return means per object, NaN where it has no pixel."""
    if mask is not None:
        values, owner = values[mask], owner[mask]
    count = _sums(np.ones(len(owner)), owner, numbers)
    return np.where(count > 0, _sums(values, owner, numbers) / np.maximum(count, 1), np.nan)


def _correlation(
    a: NDArray[np.float32], b: NDArray[np.float32], cells: Labels, numbers: NDArray[np.intp]
) -> Values:
    inside = np.flatnonzero(cells)
    owner = cells.ravel()[inside]
    u, v = a.ravel()[inside].astype(np.float64), b.ravel()[inside].astype(np.float64)
    mu, mv = _means(u, owner, numbers), _means(v, owner, numbers)
    uu = _means(u * u, owner, numbers) - mu**2
    vv = _means(v * v, owner, numbers) - mv**2
    uv = _means(u * v, owner, numbers) - mu * mv
    with np.errstate(invalid="ignore", divide="ignore"):
        found = uv / np.sqrt(uu * vv)
    return np.where(np.isfinite(found), np.clip(found, -1, 1), np.nan)


def _in_file_pixels(table: pd.DataFrame, binning: int) -> pd.DataFrame:
    table = table.copy()
    for name in ("radius", "axis_major", "axis_minor"):
        table[name] = table[name] * binning
    for name in ("y", "x"):
        table[name] = table[name] * binning + (binning - 1) / 2
    areas = ["area", *(name for name in map(str, table) if name.startswith("integrated_"))]
    for name in areas:
        table[name] = table[name] * float(binning**2)
    return table
