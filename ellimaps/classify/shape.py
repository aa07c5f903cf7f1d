"""Extent, shape and contour of a mask: how far a cell reaches and how it is drawn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError
from skimage.measure import perimeter_crofton

# Every 2 degrees: a diameter that lies between two directions is measured 1 - cos(1 deg) = 0.015 % short.
_N_DIRECTIONS = 90
LENGTHS = ("equivalent_diameter", "caliper_mean", "feret_max", "feret_min", "inner_diameter", "gyration")
"""Measurements that are lengths: they scale with the magnification."""


def shape_measurements(mask: NDArray[np.bool_], pixel: float) -> dict[str, float]:
    """Measure a mask.

    Parameters
    ----------
    mask : ndarray of bool, shape (y, x)
        At least one pixel.
    pixel : float
        Side of a pixel, in the unit lengths should have.

    Returns
    -------
    dict of str to float
        The lengths :data:`LENGTHS` (the mean of the caliper widths over all directions is the perimeter of
        the convex hull over pi), and numbers without a unit: ``solidity`` (share of the hull),
        ``elongation`` (smallest over largest Feret diameter), ``compactness`` (equivalent over largest
        diameter), ``contour`` (perimeter over that of the hull), ``slenderness`` (inner over equivalent
        diameter), ``reach_1_5`` and ``reach_2`` (share of the area further from the centre than that many
        equivalent radii), ``protrusions`` (share of the area in parts thinner than a third of the inner
        diameter), ``eccentricity``.
    """
    area = float(mask.sum())
    diameter = 2 * np.sqrt(area / np.pi)
    points = np.argwhere(mask).astype(float)
    widths = caliper_widths(points)
    hull_area, hull_perimeter = _hull(mask, widths)
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    center = points.mean(axis=0)
    distance = np.sqrt(((points - center) ** 2).sum(axis=1))
    inner = 2 * float(depth.max())
    lengths = {
        "equivalent_diameter": diameter,
        "caliper_mean": float(widths.mean()),
        "feret_max": float(widths.max()),
        "feret_min": float(widths.min()),
        "inner_diameter": inner,
        "gyration": float(np.sqrt((distance**2).mean())),
    }
    variances = np.linalg.eigvalsh(np.cov(points.T)) if len(points) > 2 else np.ones(2)
    return {
        **{name: value * pixel for name, value in lengths.items()},
        "solidity": min(1.0, area / hull_area),
        "elongation": lengths["feret_min"] / lengths["feret_max"],
        "compactness": diameter / lengths["feret_max"],
        "contour": float(perimeter_crofton(np.pad(mask, 1), 4)) / hull_perimeter,  # type: ignore[no-untyped-call]
        "slenderness": inner / diameter,
        "reach_1_5": float((distance > 0.75 * diameter).mean()),
        "reach_2": float((distance > diameter).mean()),
        "protrusions": _thin_share(mask, depth, inner / 6),
        "eccentricity": float(np.sqrt(1 - max(variances[0], 0.0) / max(variances[1], 1e-12))),
    }


def caliper_widths(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the widths between parallel lines around pixels, over evenly spread directions, in pixels.

    Parameters
    ----------
    points : ndarray, shape (pixel, 2)
        ``y, x`` of the pixels, row by row.

    Returns
    -------
    ndarray, shape (direction,)
    """
    angles = np.arange(_N_DIRECTIONS) * (np.pi / _N_DIRECTIONS)
    normals = np.stack([np.sin(angles), np.cos(angles)])
    shadows = _corners(points) @ normals
    # A pixel is a square: it is wider across its diagonal.
    return np.asarray(np.ptp(shadows, axis=0) + np.abs(normals).sum(axis=0), dtype=float)


def _corners(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the first and last pixel of each row, which hold all corners of the hull."""
    starts = np.flatnonzero(np.diff(points[:, 0], prepend=-1))
    ends = np.append(starts[1:], len(points)) - 1
    return np.asarray(points[np.concatenate([starts, ends])])


def _hull(mask: NDArray[np.bool_], widths: NDArray[np.float64]) -> tuple[float, float]:
    """Return area and perimeter of the convex hull."""
    corners = _corners(np.argwhere(mask).astype(float))
    squares = np.concatenate([np.add(corners, (dy, dx)) for dy in (-0.5, 0.5) for dx in (-0.5, 0.5)])
    try:
        area = float(ConvexHull(squares).volume)
    except QhullError:
        area = float(mask.sum())
    return area, float(np.pi * widths.mean())


def _thin_share(mask: NDArray[np.bool_], depth: NDArray[np.float64], radius: float) -> float:
    """Return the share of the area that an opening by a disc takes away."""
    core = depth > radius
    if not core.any():
        return 0.0
    kept = ndimage.distance_transform_edt(~core) <= radius
    return float(1 - (kept & mask).sum() / mask.sum())
