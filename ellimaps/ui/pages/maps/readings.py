"""What views ask of a prepared measurement at every move of a slider, read once."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from math import ceil, floor
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.stack import DELTA, ImageStack, band_labels
from ellimaps.images.spikes import spikes_taken
from ellimaps.maps.figures import contrast_limits
from ellimaps.maps.refinement import Drop
from ellimaps.maps.settings import Settings
from ellimaps.ui.pages.maps.loading import PREPARATION, Source, opened, prepared, segmented
from ellimaps.ui.shared.cache import BoundedCache

# A few numbers each, or a table with a row per map: those of a hundred measurements are a few megabytes.
_READINGS: BoundedCache[Any] = BoundedCache(512)


def usual_range(source: Source, settings: Settings, quantity: str) -> tuple[float, float]:
    """Return round limits between which the values of all maps of a quantity lie, stray ones aside."""

    def read() -> tuple[float, float]:
        stack = prepared(source, settings)
        # Every fourth pixel of a row and a column tells as much, in a sixteenth of the time.
        limits = contrast_limits(stack.values[(stack.bands["quantity"] == quantity).to_numpy(), ::4, ::4])
        digits = 0 if stack.is_ellipsometric else 2 - ceil(np.log10(max(map(abs, limits)) or 1.0))
        scale = 10.0**digits
        return floor(limits[0] * scale) / scale, ceil(limits[1] * scale) / scale

    found: tuple[float, float] = _READINGS.get(("range", quantity, _prepared_as(source, settings)), read)
    return found


def lowest_delta(source: Source, settings: Settings) -> float:
    """Return where the turn begins that the maps of Delta are written in: -180 or 0 deg."""

    def read() -> float:
        stack = prepared(source, settings)
        of_delta = np.flatnonzero(stack.bands["quantity"] == DELTA)
        return -180.0 if any((stack.values[band] < 0).any() for band in of_delta) else 0.0

    found: float = _READINGS.get(("turn", _prepared_as(source, settings)), read)
    return found


def shares_table(source: Source, settings: Settings) -> pd.DataFrame:
    """Return what is missing of each band as measured, and filled as prepared, in percent."""
    found: pd.DataFrame = _READINGS.get(
        ("shares", _prepared_as(source, settings)),
        lambda: _shares(opened(source, settings), prepared(source, settings)),
    )
    return found


def spikes_table(source: Source, settings: Settings) -> pd.DataFrame:
    """Return how many measured values of each band despiking took; see `spikes_taken`."""
    found: pd.DataFrame = _READINGS.get(
        ("spikes", _prepared_as(source, settings)),
        lambda: spikes_taken(opened(source, settings), prepared(source, settings)),
    )
    return found


def dropped_pixels(source: Source, settings: Settings) -> NDArray[np.bool_]:
    """Return which pixels of a segmentation have data and were dropped by hand."""
    now = segmented(source, settings)
    if not any(isinstance(step, Drop) for step in settings.refine):
        return np.zeros_like(now.labels, dtype=np.bool_)
    before = segmented(source, replace(settings, refine=()))
    return (now.labels < 0) & (before.labels >= 0)


def labels_shown(source: Source, settings: Settings) -> NDArray[np.int16]:
    """Return the clusters of a segmentation as the viewer takes them: -1 is no data, -2 was dropped."""
    labels = segmented(source, settings).labels
    return np.where(dropped_pixels(source, settings), np.int16(-2), labels)


def _shares(measured: ImageStack, stack: ImageStack) -> pd.DataFrame:
    maps = measured.is_ellipsometric
    times = {} if maps else {"time (s)": measured.bands["time_s"]}
    return pd.DataFrame(
        {
            "map" if maps else "image": band_labels(measured),
            "file": measured.bands["file"],
            **times,
            "missing (%)": 100 * measured.missing_fraction,
            "filled (%)": 100 * stack.filled_fraction,
        }
    ).round(3)


def _prepared_as(source: Source, settings: Settings) -> Hashable:
    return source, tuple(getattr(settings, name) for name in PREPARATION)
