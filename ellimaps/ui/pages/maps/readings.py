"""What views ask of a prepared measurement at every move of a slider, read once."""

from __future__ import annotations

from collections.abc import Hashable
from math import ceil, floor

import numpy as np
import pandas as pd

from ellimaps.core.stack import DELTA, ImageStack, band_label
from ellimaps.maps.figures import contrast_limits
from ellimaps.maps.settings import Settings
from ellimaps.ui.pages.maps.loading import PREPARATION, Source, opened, prepared
from ellimaps.ui.shared.cache import BoundedCache

_RANGES: BoundedCache[tuple[float, float]] = BoundedCache(256)
_TURNS: BoundedCache[float] = BoundedCache(256)
_SHARES: BoundedCache[pd.DataFrame] = BoundedCache(64)


def usual_range(source: Source, settings: Settings, quantity: str) -> tuple[float, float]:
    """Return round limits between which the values of all maps of a quantity lie, stray ones aside."""

    def read() -> tuple[float, float]:
        stack = prepared(source, settings)
        # Every fourth pixel of a row and a column tells as much, in a sixteenth of the time.
        limits = contrast_limits(stack.values[(stack.bands["quantity"] == quantity).to_numpy(), ::4, ::4])
        digits = 0 if stack.is_ellipsometric else 2 - ceil(np.log10(max(map(abs, limits)) or 1.0))
        scale = 10.0**digits
        return floor(limits[0] * scale) / scale, ceil(limits[1] * scale) / scale

    return _RANGES.get((_prepared_as(source, settings), quantity), read)


def lowest_delta(source: Source, settings: Settings) -> float:
    """Return where the turn begins that the maps of Delta are written in: -180 or 0 deg."""

    def read() -> float:
        stack = prepared(source, settings)
        of_delta = np.flatnonzero(stack.bands["quantity"] == DELTA)
        return -180.0 if any((stack.values[band] < 0).any() for band in of_delta) else 0.0

    return _TURNS.get(_prepared_as(source, settings), read)


def shown_unit(unit: str) -> str:
    """Return a unit of a band as it stands beside a number."""
    return "°" if unit == "deg" else unit


def shares_table(source: Source, settings: Settings) -> pd.DataFrame:
    """Return what is missing of each band as measured, and filled as prepared, in percent."""
    return _SHARES.get(
        _prepared_as(source, settings),
        lambda: _shares(opened(source, settings), prepared(source, settings)),
    )


def _shares(measured: ImageStack, stack: ImageStack) -> pd.DataFrame:
    maps = measured.is_ellipsometric
    times = {} if maps else {"time (s)": measured.bands["time_s"]}
    return pd.DataFrame(
        {
            "map" if maps else "image": [band_label(band) for _, band in measured.bands.iterrows()],
            "file": measured.bands["file"],
            **times,
            "missing (%)": 100 * measured.missing_fraction,
            "filled (%)": 100 * stack.filled_fraction,
        }
    ).round(3)


def _prepared_as(source: Source, settings: Settings) -> Hashable:
    return source, tuple(getattr(settings, name) for name in PREPARATION)
