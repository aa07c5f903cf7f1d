"""Measurements of a whole field: intensities, foreground, granularity, texture, colour, correlation.

Names are ``field_WHAT_CHANNEL`` for all pixels and ``tissue_WHAT_CHANNEL`` for those that belong to cells,
with two channels where two are compared. Scales 0 to 4 are what lies between Gaussians of 0, 0.7, 1.4, 2.8,
5.6 and 11.2 pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ellimaps.core.statistics import MAD_TO_SIGMA
from ellimaps.plates.measuring.pictures import FieldPictures

# These four are in the names of features: with others, profiles of two versions could not be compared.
_PERCENTILES = (5, 25, 50, 75, 90, 95, 99, 99.9)
_TISSUE_PERCENTILES = (5, 25, 50, 75, 95, 99)
_SCALES_PX = (0.7, 1.4, 2.8, 5.6, 11.2)
"""Octaves, from the finest that pixels show to about the largest nuclei of a field binned to 400 pixels."""
_DEPTHS_PX = (0.0, 1.5, 3.0, 5.0, np.inf)
"""The rim; as deep as the middle of a small nucleus, 3 pixels in radius; of a usual one; deeper."""

_LEAST_TISSUE_PX = 50
"""Two of the smallest nuclei: percentiles and correlations of fewer pixels are noise."""
_LEAST_PATCH_PX = 12
"""Less than half of the smallest nucleus, 3 pixels in radius: what is smaller is noise or dirt."""

Values = NDArray[np.float32]
Mask = NDArray[np.bool_]


def tissue_mask(pictures: FieldPictures) -> Mask:
    """Return which pixels belong to cells: those above the background of all channels together.

    The threshold is six times the noise of the smoothed sum, which normal noise alone passes in one of a
    thousand fields of 400 by 400 pixels; and at least two steps of its values, as pixels of a dark ground are
    mostly equal. The mask has the shape (y, x).
    """
    total = pictures.values.mean(axis=0)
    smooth = ndimage.gaussian_filter(total, 1.0)
    ground = float(np.percentile(smooth, 20))
    difference = smooth[:, 2:] - smooth[:, :-2]
    # Two columns have no neighbours' neighbours.
    noise = MAD_TO_SIGMA * float(np.median(np.abs(difference))) / np.sqrt(2) if difference.size else 0.0
    return np.asarray(smooth > ground + max(6 * noise, 2 * pictures.quantum))


def field_features(pictures: FieldPictures, tissue: Mask) -> dict[str, float]:
    """Measure a field.

    Parameters
    ----------
    pictures : FieldPictures
        Its channels.
    tissue : ndarray of bool, shape (y, x)
        Of `tissue_mask`.

    Returns
    -------
    dict of str to float
        Always the same names for the same channels; NaN where there is too little tissue.
    """
    depth = ndimage.distance_transform_edt(tissue).astype(np.float32)
    has_tissue = int(tissue.sum()) >= _LEAST_TISSUE_PX
    ring = _ring(tissue)
    features = dict(_patches(tissue, depth, has_tissue))
    bands = {}
    # The level of no signal is a measurement of its own; the others do not depend on it.
    for name, raw in zip(pictures.names, pictures.values, strict=True):
        background = np.percentile(raw, 1)
        features[f"field_background_{name}"] = float(background)
        image = raw - np.float32(background)
        bands[name] = list(_bands(image))
        features |= _intensities(name, image)
        features |= {f"field_granularity_{i}_{name}": float(band.std()) for i, band in enumerate(bands[name])}
        inside = image[tissue] if has_tissue else None
        features |= _tissue_intensities(name, inside)
        features |= _tissue_bands(name, [band[tissue] for band in bands[name]] if has_tissue else [])
        features |= _by_depth(name, image, depth, ring, inside)
    for (i, first), (j, second) in combinations(enumerate(pictures.names), 2):
        a, b = pictures.values[i], pictures.values[j]
        pairs = list(zip(bands[first], bands[second], strict=True))
        features |= _pair(f"{first}_{second}", a, b, tissue if has_tissue else None, pairs)
    return features


def _ring(tissue: Mask) -> Mask:
    """Return what lies just outside."""
    near = ndimage.binary_dilation(tissue, iterations=1)
    return np.asarray(ndimage.binary_dilation(near, iterations=3) & ~near)


def _patches(tissue: Mask, depth: Values, has_tissue: bool) -> Iterator[tuple[str, float]]:
    labels, _ = ndimage.label(tissue)
    area = np.bincount(labels.ravel())[1:]
    area = area[area >= _LEAST_PATCH_PX]
    some = has_tissue and area.size > 0
    nan = float("nan")
    edge = int((tissue & (depth <= 1)).sum())
    yield "tissue_share", float(tissue.mean())
    yield "tissue_patches", float(area.size)
    yield "tissue_patch_area_median", float(np.median(area)) if some else nan
    yield "tissue_patch_area_p90", float(np.percentile(area, 90)) if some else nan
    yield "tissue_patch_area_cv", float(area.std() / area.mean()) if some else nan
    yield "tissue_depth_mean", float(depth[tissue].mean()) if has_tissue else nan
    yield "tissue_depth_p95", float(np.percentile(depth[tissue], 95)) if has_tissue else nan
    yield "tissue_edge_share", edge / float(tissue.sum()) if has_tissue else nan


def _bands(image: Values) -> Iterator[Values]:
    """Yield what each Gaussian takes away from the one before."""
    before = image
    for sigma in _SCALES_PX:
        smooth = ndimage.gaussian_filter(image, sigma, truncate=3.0)
        yield before - smooth
        before = smooth


def _intensities(name: str, image: Values) -> dict[str, float]:
    found = np.percentile(image, _PERCENTILES)
    levels = {f"field_p{q:g}_{name}": float(v) for q, v in zip(_PERCENTILES, found, strict=True)}
    mean, std, skewness = _moments(image.ravel())
    return {
        f"field_mean_{name}": mean,
        f"field_std_{name}": std,
        f"field_skewness_{name}": skewness,
        **levels,
    }


def _tissue_intensities(name: str, inside: Values | None) -> dict[str, float]:
    if inside is None:
        mean = std = skewness = float("nan")
        found = np.full(len(_TISSUE_PERCENTILES), np.nan)
    else:
        mean, std, skewness = _moments(inside)
        found = np.percentile(inside, _TISSUE_PERCENTILES)
    levels = {f"tissue_p{q:g}_{name}": float(v) for q, v in zip(_TISSUE_PERCENTILES, found, strict=True)}
    return {
        f"tissue_mean_{name}": mean,
        f"tissue_std_{name}": std,
        f"tissue_skewness_{name}": skewness,
        **levels,
    }


def _tissue_bands(name: str, bands: list[Values]) -> dict[str, float]:
    features = {}
    for scale in range(len(_SCALES_PX)):
        band = bands[scale] if bands else None
        power = float("nan") if band is None else float(np.sqrt(np.mean(np.square(band))))
        skewness = float("nan") if band is None else _moments(band)[2]
        features[f"tissue_granularity_{scale}_{name}"] = power
        features[f"tissue_spots_{scale}_{name}"] = skewness
    return features


def _by_depth(name: str, image: Values, depth: Values, ring: Mask, inside: Values | None) -> dict[str, float]:
    """Return how intensity goes from the rim of the tissue inwards, and just outside, over its mean."""
    mean = float("nan") if inside is None else max(float(inside.mean()), 1e-6)
    features = {f"tissue_outside_{name}": float(image[ring].mean()) / mean if ring.any() else float("nan")}
    for number, (low, high) in enumerate(pairwise(_DEPTHS_PX)):
        values = image[(depth > low) & (depth <= high)]
        enough = values.size > _LEAST_PATCH_PX
        features[f"tissue_radial_{number}_{name}"] = float(values.mean()) / mean if enough else float("nan")
    return features


def _pair(
    name: str, a: Values, b: Values, tissue: Mask | None, bands: list[tuple[Values, Values]]
) -> dict[str, float]:
    mean, std, skewness = _moments((a - b).ravel())
    features = {
        f"field_correlation_{name}": _correlation(a.ravel(), b.ravel()),
        f"field_difference_{name}": mean,
        f"field_difference_std_{name}": std,
        f"field_difference_skewness_{name}": skewness,
    }
    nan = float("nan")
    inside = None if tissue is None else (a[tissue], b[tissue])
    mean, std, _ = (nan, nan, nan) if inside is None else _moments(inside[0] - inside[1])
    features |= {
        f"tissue_correlation_{name}": nan if inside is None else _correlation(*inside),
        f"tissue_difference_{name}": mean,
        f"tissue_difference_std_{name}": std,
    }
    for scale, (first, second) in enumerate(bands):
        same = nan if tissue is None else _correlation(first[tissue], second[tissue])
        features[f"tissue_correlation_{scale}_{name}"] = same
    return features


def _moments(values: Values) -> tuple[float, float, float]:
    """Return mean, standard deviation and skewness; the last is 0 where all values are equal."""
    mean = float(values.mean(dtype=np.float64))
    centered = values - np.float32(mean)
    square = np.square(centered)
    variance = float(square.mean(dtype=np.float64))
    if variance <= 0:
        return mean, 0.0, 0.0
    cube = float(np.multiply(square, centered).mean(dtype=np.float64))
    return mean, float(np.sqrt(variance)), cube / variance**1.5


def _correlation(a: Values, b: Values) -> float:
    a, b = a - a.mean(), b - b.mean()
    power = float(np.dot(a, a)) * float(np.dot(b, b))
    return float(np.dot(a, b)) / power**0.5 if power > 0 else float("nan")
