"""The noise of a map, from the differences of neighbours where it is flat."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.angles import wrap_degrees
from ellimaps.core.stack import ImageStack
from ellimaps.core.statistics import robust_sigma
from ellimaps.optics.fit_options import FitOptions
from ellimaps.optics.fresnel import Real
from ellimaps.optics.noise import Noise, usual_noise

# Neighbors two pixels apart: where the real folder is flat, those one to four pixels apart give the same
# noise within 3 %, eight pixels apart 3 to 5 % more; the nearer, the smaller a terrace may be.
_LAG_PX = 2
# Second differences per band that are looked at: their noise is then told to about 1 %.
_MOST_DIFFERENCES = 1 << 15
# Fewer tell it to worse than a tenth.
_FEWEST_DIFFERENCES = 100
# The flattest quarter: on terraces of 6 pixels, a third of all differences spans no edge.
_FLATTEST = 0.25
# No imaging instrument is as noisy as this; neighbours that differ so much are not of one film.
_MOST_PSI_DEG = 1.0
# Nothing is measured better, but generated maps may be.
_LEAST_PSI_DEG = 0.002


def noise_of_map(stack: ImageStack, pairs: pd.DataFrame, options: FitOptions) -> Noise:
    """Return the noise of single values: what the options give, else what neighbours tell, else the usual.

    Parameters
    ----------
    stack : ImageStack
        Delta and Psi maps; gap-filled values do not count.
    pairs : DataFrame
        Rows of `ImageStack.pairs`.
    options : FitOptions
        May give either standard deviation, and says whether Delta's grows as 1 / sin 2 Psi.

    Returns
    -------
    Noise
        Per pair of bands.

    Notes
    -----
    Of second differences between pixels two apart, along both axes, the flattest quarter is taken, and their
    median absolute deviation over the root of 6. Which are flat, the Delta bands tell for Psi and the other
    way round, so that choosing small differences does not make the noise seem small.
    """
    grows = options.delta_noise == "growing"
    given = options.sigma_psi_deg, options.sigma_delta_deg
    if None not in given:
        psi, delta = (np.full(len(pairs), float(sigma)) for sigma in given if sigma is not None)
        return Noise(psi, delta, grows, "given", is_known=True)
    found = _estimated(stack, pairs, grows=grows) or usual_noise(len(pairs), grows=grows)
    psi, delta = (
        estimate if sigma is None else np.full(len(pairs), float(sigma))
        for sigma, estimate in zip(given, (found.psi_deg, found.delta_deg), strict=True)
    )
    return Noise(psi, delta, grows, found.origin, found.is_known)


def noise_facts(noise: Noise) -> dict[str, Any]:
    """Return a fit's noise as plain values, ready for JSON."""
    return {
        "origin": noise.origin,
        "delta": "divided by sin 2 Psi" if noise.grows else "the same at every Psi",
        "psi_deg": noise.psi_deg.tolist(),
        "delta_deg": noise.delta_deg.tolist(),
    }


def _estimated(stack: ImageStack, pairs: pd.DataFrame, *, grows: bool) -> Noise | None:
    """Return the noise that neighbours tell; None where there are too few or the map is nowhere flat."""
    centers, step = _triples(stack)
    if len(centers) < _FEWEST_DIFFERENCES:
        return None
    differences = [
        _second_differences(stack, pairs, name, centers, step, grows=grows) for name in ("psi", "delta")
    ]
    psi, delta = (_sigmas(own, other) for own, other in (differences, differences[::-1]))
    if not (np.median(psi) <= _MOST_PSI_DEG and np.median(delta) <= 2 * _MOST_PSI_DEG):
        return None
    psi, delta = np.maximum(psi, _LEAST_PSI_DEG), np.maximum(delta, 2 * _LEAST_PSI_DEG)
    return Noise(psi, delta, grows, "differences of flat neighbours", is_known=True)


def _sigmas(own: Real, other: Real) -> Real:
    """Return the standard deviation of each row where the other rows are flattest, NaN if none is told."""
    steepness = _steepness(other)
    known = np.isfinite(steepness)
    if not known.any():
        return np.full(len(own), np.nan)
    flat = own[:, known & (steepness <= np.quantile(steepness[known], _FLATTEST))]
    sigmas = np.full(len(own), np.nan)
    for number, row in enumerate(flat):
        known = np.isfinite(row)
        if np.count_nonzero(known) >= _FEWEST_DIFFERENCES:
            sigmas[number] = robust_sigma(row[known]) / np.sqrt(6)
    told = np.isfinite(sigmas)
    # A band with few values is as noisy as the others, as far as anyone knows.
    sigmas[~told] = np.median(sigmas[told]) if told.any() else np.nan
    return sigmas


def _triples(stack: ImageStack) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return flat positions of pixels and the step to both their neighbours, down and across."""
    lag = _LAG_PX + _smoothed_px(stack)
    inside = np.arange(stack.values[0].size).reshape(stack.shape)
    down, across = inside[lag:-lag].ravel(), inside[:, lag:-lag].ravel()
    centers = np.concatenate([down, across])
    steps = np.repeat([lag * stack.shape[1], lag], [len(down), len(across)])
    thinned = slice(None, None, max(1, len(centers) // _MOST_DIFFERENCES))
    return centers[thinned], steps[thinned]


def _smoothed_px(stack: ImageStack) -> int:
    """Return how far smoothing has made neighbours alike."""
    widths = [float(step.get("smooth") or 0.0) for step in stack.history]
    return int(np.ceil(3 * max(widths, default=0.0)))


def _second_differences(
    stack: ImageStack,
    pairs: pd.DataFrame,
    name: str,
    centers: NDArray[np.intp],
    step: NDArray[np.intp],
    *,
    grows: bool,
) -> Real:
    """Return before - 2 x here + after in degrees, shape (pair, triple); those of Delta times sin 2 Psi."""
    values = stack.values.reshape(stack.n_bands, -1)
    filled = stack.filled.reshape(stack.n_bands, -1)
    rows = []
    for band, psi in zip(pairs[name], pairs["psi"], strict=True):
        before, here, after = (
            np.where(filled[band, at], np.nan, values[band, at])
            for at in (centers - step, centers, centers + step)
        )
        difference = before - here + (after - here)
        if name == "delta":
            difference = wrap_degrees(before - here) + wrap_degrees(after - here)
            if grows:
                difference = difference * np.sin(np.deg2rad(2 * values[psi, centers]))
        rows.append(difference)
        stack.release()
    return np.array(rows, dtype=np.float64)


def _steepness(differences: Real) -> Real:
    """Return each triple's mean squared difference in units of its bands' typical one, shape (triple,)."""
    sizes = [np.abs(row[np.isfinite(row)]) for row in differences]
    typical = np.array([np.median(size) if size.size and np.median(size) > 0 else 1.0 for size in sizes])
    scaled = np.square(differences / typical[:, None])
    counts = np.isfinite(scaled).sum(axis=0)
    # No single band may decide alone.
    total = np.nansum(np.minimum(scaled, 1e4), axis=0)
    return np.where(counts > 0, total / np.maximum(counts, 1), np.nan)
