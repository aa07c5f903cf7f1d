"""How brightness is spread over a cell: radial profile, levels, granularity, fibres, nuclei.

Brightness is that of `ellimaps.classify.cell_outline.CellOutline`, 0 in the background and 1 at the cell's
median, cut off at a high percentile, so that neither gain nor offset nor a saturated stretch changes it.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

# A stretch between percentiles saturates up to a few percent of an image, and more of its cell.
_TOP_PERCENTILE = 90.0
# Scales of grain in diameters of the cell: octaves from what 500 pixels resolve to a sixth of the cell.
_GRAIN_SHARES = (0.02, 0.04, 0.08, 0.16)
# A nucleus is about a fifth of a cell across: a spot between a tenth and twice that.
_BLOB_SHARE = 0.1


def texture_measurements(values: NDArray[np.float32], mask: NDArray[np.bool_]) -> dict[str, float]:
    """Measure the brightness inside a mask.

    Parameters
    ----------
    values : ndarray of float32, shape (y, x)
        Brightness.
    mask : ndarray of bool, shape (y, x)
        At least one pixel.

    Returns
    -------
    dict of str to float
        ``ring_1`` (rim) to ``ring_4`` (centre): mean brightness by depth, over that of the cell;
        ``variation``: coefficient of variation; ``grain_1`` to ``grain_4``: share of the variation at
        scales of 2 to 16 % of the cell's diameter; ``islands_25, _50, _75``: connected regions above these
        quantiles of brightness, per square root of the area in blocks of a hundredth; ``alignment``: how
        much fibres share one direction, 0..1; ``blob``: the strongest round spot of a nucleus' size, bright
        or dark, over the variation.
    """
    diameter = 2 * float(np.sqrt(mask.sum() / np.pi))
    top = float(np.percentile(values[mask], _TOP_PERCENTILE))
    clipped = np.where(mask, np.clip(values, 0, max(top, 1e-6)), 0).astype(np.float32)
    mean = max(float(clipped[mask].mean()), 1e-6)
    level = clipped / mean
    scales = [_averaged(level, mask, max(share * diameter / 2, 0.5)) for share in _GRAIN_SHARES]
    return {
        **_rings(level, mask),
        "variation": float(scales[0][mask].std()),
        **_grains(scales, mask),
        **_islands(scales[1], mask),
        "alignment": _alignment(scales[0], mask),
        "blob": _blob(level, mask, diameter),
    }


def _averaged(level: NDArray[np.float32], mask: NDArray[np.bool_], sigma: float) -> NDArray[np.float32]:
    """Smooth inside the mask only: what lies beyond the rim does not count."""
    weight = ndimage.gaussian_filter(mask.astype(np.float32), sigma, truncate=3)
    total = ndimage.gaussian_filter(np.where(mask, level, np.float32(0)), sigma, truncate=3)
    return np.asarray(np.where(mask, total / np.maximum(weight, 1e-6), 0), dtype=np.float32)


def _rings(level: NDArray[np.float32], mask: NDArray[np.bool_]) -> dict[str, float]:
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1][mask]
    inside = level[mask]
    number = np.minimum((depth / depth.max() * 4).astype(int), 3)
    return {f"ring_{ring + 1}": _mean(inside[number == ring]) for ring in range(4)}


def _mean(values: NDArray[np.float32]) -> float:
    return float(values.mean()) if values.size else 1.0


def _grains(scales: list[NDArray[np.float32]], mask: NDArray[np.bool_]) -> dict[str, float]:
    total = max(float(scales[0][mask].var()), 1e-9)
    differences = [fine - coarse for fine, coarse in pairwise(scales)]
    parts = [float(part[mask].var()) / total for part in (*differences, scales[-1])]
    return {f"grain_{number + 1}": part for number, part in enumerate(parts)}


def _islands(level: NDArray[np.float32], mask: NDArray[np.bool_]) -> dict[str, float]:
    found = {}
    quantiles = (0.25, 0.5, 0.75)
    for quantile, limit in zip(quantiles, np.quantile(level[mask], quantiles), strict=True):
        labels, count = ndimage.label(mask & (level > limit))
        sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:].astype(float)
        # How many of one size would be as diverse (inverse Simpson index): specks of noise do not count.
        found[f"islands_{quantile * 100:.0f}"] = float(sizes.sum() ** 2 / max((sizes**2).sum(), 1))
    return found


def _alignment(level: NDArray[np.float32], mask: NDArray[np.bool_]) -> float:
    inner = ndimage.binary_erosion(mask, iterations=3)
    if not inner.any():
        return 0.0
    dy, dx = (ndimage.gaussian_filter1d(level, 1.0, axis=axis, order=1)[inner] for axis in (0, 1))
    yy, xx, xy = float((dy * dy).sum()), float((dx * dx).sum()), float((dx * dy).sum())
    return float(np.hypot(yy - xx, 2 * xy) / max(yy + xx, 1e-9))


def _blob(level: NDArray[np.float32], mask: NDArray[np.bool_], diameter: float) -> float:
    small = _averaged(level, mask, _BLOB_SHARE * diameter / 2)
    large = _averaged(level, mask, _BLOB_SHARE * diameter)
    return float(np.abs((small - large)[mask]).max())
