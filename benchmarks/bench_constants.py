"""What the tuned numbers of the clustering are worth: each halved and doubled, beside as it is.

Run ``python benchmarks/bench_constants.py [--json FILE]``. For every constant and both factors: the largest
inertia over k = 4 and 10 and three measurements (the real folder, where it is at hand, and two generated
ones), as excess in percent over the lowest that any setting reached, and the time relative to the default.
For those of the suggestion: how many of the maps that chose its rule (the first ones of `contours` in
``bench_choosing_k.py``) and of its suite (every fourth of both) are given the true number of kinds.
"""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from bench_choosing_k import MAPS, SUITE, maps_of
from tools import REAL, Figures, arguments, machine, report

from ellimaps.core.stack import ImageStack
from ellimaps.maps.clustering import (
    center_search,
    edges,
    features,
    kinds,
    kmeans,
    suggestion,
    weighted_points,
)
from ellimaps.maps.clustering.features import FeatureSpace
from ellimaps.maps.clustering.kmeans import KMeans
from ellimaps.maps.clustering.suggestion import suggest_k
from ellimaps.maps.pipeline import load
from ellimaps.maps.settings import Settings
from ellimaps.samples import sample_ep4

CONSTANTS: tuple[tuple[ModuleType, str], ...] = (
    (center_search, "_STARTS"),
    (center_search, "_FINALISTS"),
    (center_search, "_FEWEST_FAILURES"),
    (center_search, "_FAILURES_OF_ONE"),
    (center_search, "_SWAP_CANDIDATES"),
    (center_search, "_SWAP_TRIES"),
    (center_search, "_SAME_INERTIA"),
    (center_search, "_SCORES_AT_ONCE"),
    (center_search, "_ROUGH"),
    (center_search, "_COARSE"),
    (center_search, "_FINE"),
    (features, "BLOCK_NUMBERS"),
    (kmeans, "MAX_COMPONENTS"),
    (kmeans, "SAMPLE_PIXELS"),
    (kmeans, "_CLOSE_INERTIA"),
    (kmeans, "_FINE"),
    (kmeans, "_LAST"),
    (weighted_points, "LEAVES"),
    (weighted_points, "SINGLES"),
    (weighted_points, "_LEADING_AXES"),
    (weighted_points, "_VARIANCE_PIXELS"),
)
OF_THE_SUGGESTION: tuple[tuple[ModuleType, str], ...] = (
    (edges, "MAX_POSITIONS"),
    (edges, "BLOCK_PX"),
    (edges, "FLATTEST_SHARE"),
    (edges, "EVEN"),
    (edges, "_SIGMA_PIXELS"),
    (edges, "_LARGEST_TERM"),
    (kinds, "PARTS"),
    (kinds, "PARTS_PER_KIND"),
    (kinds, "SHALLOW"),
    (kinds, "_NO_VALLEY"),
    (kinds, "TILT_REACH"),
    (kinds, "BEND_REACH"),
    (kinds, "_FEWEST"),
    (kinds, "_BINS"),
    (kinds, "_SAMPLE"),
    (suggestion, "FLAT_PIXELS"),
    (suggestion, "_FEWEST_FLAT_PIXELS"),
)
KS = (4, 10)


@contextmanager
def scaled(module: ModuleType, name: str, factor: float) -> Iterator[None]:
    """Let a constant be another one; of iterations and tolerance, the iterations."""
    was = getattr(module, name)
    first = was[0] if isinstance(was, tuple) else was
    scaled = max(1, round(first * factor)) if isinstance(first, int) else first * factor
    setattr(module, name, (scaled, *was[1:]) if isinstance(was, tuple) else scaled)
    try:
        yield
    finally:
        setattr(module, name, was)


def spaces() -> list[FeatureSpace]:
    """Return the pixels that are clustered."""
    with tempfile.TemporaryDirectory() as folder:
        generated = [
            sample_ep4(Path(folder) / str(kinds), seed=kinds, size=(192, 256), kinds=kinds, noise=2)
            for kinds in (4, 7)
        ]
        folders = [*generated, *([REAL] if REAL.is_dir() else [])]
        return [FeatureSpace(load(folder, Settings())) for folder in folders]


def inertias(pixels: list[FeatureSpace]) -> tuple[float, list[float]]:
    """Return the seconds and the inertia of every fit."""
    start = time.perf_counter()
    found = [KMeans(space).fit(k).inertia for space in pixels for k in KS]
    return time.perf_counter() - start, found


def known_maps() -> list[tuple[int, ImageStack]]:
    """Return maps with their true number of kinds."""
    jobs = [(family, number) for family in ("contours", SUITE) for number in range(0, MAPS[family], 4)]
    return [(kinds, stack) for stack, kinds, _ in map(maps_of, jobs)]


def right(maps: list[tuple[int, ImageStack]]) -> str:
    """Return how many are given their true number of kinds, and the seconds that took."""
    start = time.perf_counter()
    count = sum(suggest_k(stack).suggested_k == kinds for kinds, stack in maps)
    return f"{count} of {len(maps)} right, {time.perf_counter() - start:.1f} s"


def chosen_numbers() -> dict[str, str]:
    """Return how many are right as it is, and with each constant of the suggestion changed."""
    maps = known_maps()
    rows = {"as it is": right(maps)}
    for module, name in OF_THE_SUGGESTION:
        for label, factor in (("halved", 0.5), ("doubled", 2.0)):
            with scaled(module, name, factor):
                rows[f"{module.__name__.rpartition('.')[2]}.{name} {label}"] = right(maps)
    return rows


def main() -> None:
    """Measure, print, and write JSON if asked."""
    options = arguments(__doc__)
    warnings.simplefilter("ignore")
    pixels = spaces()
    inertias(pixels)
    measured: dict[tuple[str, str], tuple[float, list[float]]] = {("default", "1"): inertias(pixels)}
    for module, name in CONSTANTS:
        for label, factor in (("halved", 0.5), ("doubled", 2.0)):
            with scaled(module, name, factor):
                measured[f"{module.__name__.rpartition('.')[2]}.{name}", label] = inertias(pixels)
    table = np.array([found for _, found in measured.values()])
    excess = 100 * (table / table.min(axis=0)).max(axis=1) - 100
    usual = measured["default", "1"][0]
    rows: dict[str, Any] = {
        f"{name} {label}": f"excess {percent:.3f} %, time {seconds / usual:.2f}"
        for ((name, label), (seconds, _)), percent in zip(measured.items(), excess, strict=True)
    }
    figures: Figures = {
        "machine": machine(),
        "each halved and doubled": rows,
        "numbers of kinds": chosen_numbers(),
    }
    report(figures, options.json)


if __name__ == "__main__":
    main()
