"""What further labels are said to bring, and what they bring: the learning curve of the page Classify.

Run ``python benchmarks/bench_learning_curve.py [--judges] [--json FILE]``. Sets of 60 and of 120
labels, and 50 more: two overlapping kinds in measurements that go together, with labels of which 8 % are
wrong, with a rare kind, skewed measurements, a kind round the other, and generated cells of finer and
coarser grain. What the labels really bring is the score of the classifier trained with them on thousands of
others. Limits hold it or not; a set for which it is not known is counted. The widest limits that are told
were chosen on the first kinds of sets; the others judge. A set takes some ten seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from tools import Figures, arguments, machine, report

from ellimaps.classify import measure_image
from ellimaps.classify.classifier_fit import fit_classifier, recall_product
from ellimaps.classify.further_labels import FURTHER, learning_curve_of
from ellimaps.classify.image_features import MEASUREMENTS
from ellimaps.core.parallel import one_thread, ordered_map

SETS, SIZES, OTHERS, POOL = 3, (60, 120), 6000, 500

Set = tuple[NDArray[np.float64], NDArray[np.intp]]


def apart(
    random: np.random.Generator,
    n: int,
    *,
    by: float,
    telling: int = 6,
    together: float = 0.4,
    rare: float = 0.5,
) -> Set:
    """Return two kinds by so many standard deviations apart in some of 29 measurements that go together."""
    truth = (random.random(n) < rare).astype(np.intp)
    shared, own = random.normal(size=(n, 1)), random.normal(size=(n, 29))
    rows = shared * np.sqrt(together) + own * np.sqrt(1 - together)
    rows[:, :telling] += truth[:, None] * by * np.linspace(1, 0.4, telling)
    return rows, truth


def mislabelled(random: np.random.Generator, n: int) -> Set:
    """Return two kinds with some labels wrong."""
    rows, truth = apart(random, n, by=1.5)
    return rows, np.where(random.random(n) < 0.08, 1 - truth, truth)


def skewed(random: np.random.Generator, n: int) -> Set:
    """Return two kinds in measurements with long tails, many of which tell a little."""
    rows, truth = apart(random, n, by=0.8, telling=12, together=0.1)
    return np.exp(rows / 2), truth


def surrounding(random: np.random.Generator, n: int) -> Set:
    """Return a kind around another one, with squares and sizes among the measurements."""
    place = random.normal(size=(n, 6))
    truth = ((place[:, :3] ** 2).sum(axis=1) + 1.5 * random.normal(size=n) > 2.4).astype(np.intp)
    return np.hstack([place, place**2, np.abs(place), random.normal(size=(n, 10))]), truth


@cache
def cells() -> Set:
    """Return measured images of cells of finer and coarser grain."""

    def row(seed: int) -> list[float]:
        random = np.random.default_rng((4, seed))
        y, x = np.mgrid[-48:48, -48:48].astype(float)
        inside = ndimage.gaussian_filter((np.hypot(x, y * random.uniform(1.0, 1.6)) < 34).astype(float), 1.2)
        grain = ndimage.gaussian_filter(
            random.normal(size=inside.shape), random.normal(2.2 + 0.5 * (seed % 2), 0.35)
        )
        light = 300 + 5000 * inside * np.clip(1 + 0.25 * grain / grain.std(), 0, None)
        found = measure_image(np.clip(random.normal(light, 40), 0, 65535)).measurements
        return [found[name] for name in MEASUREMENTS]

    rows = np.array(list(ordered_map(row, range(2 * POOL))))
    return rows, np.arange(2 * POOL) % 2


def some_cells(random: np.random.Generator, n: int) -> Set:
    """Return some of the cells: the first half teaches, the second judges."""
    rows, truth = cells()
    chosen = random.permutation(POOL)[:n] if n < OTHERS else np.arange(POOL, 2 * POOL)
    return rows[chosen], truth[chosen]


KINDS: dict[str, dict[str, Callable[[np.random.Generator, int], Set]]] = {
    "chooses": {
        "overlapping": partial(apart, by=0.5),
        "less overlapping": partial(apart, by=1.0),
        "8 % of the labels wrong": mislabelled,
    },
    "judges": {
        "one kind rare": partial(apart, by=1.0, rare=0.2),
        "skewed measurements": skewed,
        "one around the other": surrounding,
        "generated cells": some_cells,
    },
}


def compared(make: Callable[[np.random.Generator, int], Set], size: int, seed: int) -> dict[str, float]:
    """Return what is said of a set, and what the further labels brought."""
    random = np.random.default_rng((seed, size))
    rows, truth = make(random, size + FURTHER)
    others, their_truth = make(random, OTHERS)
    curve = learning_curve_of(rows[:size], truth[:size], np.arange(size), seed)
    with one_thread():
        now, then = (
            recall_product(
                their_truth, fit_classifier(rows[:n], truth[:n], np.arange(n), 0).answers(others), 2
            )
            for n in (size, size + FURTHER)
        )
    low, high = curve.limits
    said = {"said now": curve.now, "said then": curve.then, "low": low, "high": high}
    return said | {"now": now, "then": then, "held": float(low <= then <= high)}


def told(found: list[dict[str, float]]) -> str:
    """Return the figures of some sets in a line."""
    known = [one for one in found if np.isfinite(one["said then"])]
    if not known:
        return f"not known for all {len(found)}"
    mean = {name: float(np.mean([one[name] for one in known])) for name in known[0]}
    return (
        f"said {mean['said now']:.3f} to {mean['said then']:.3f} ({mean['low']:.2f} to {mean['high']:.2f}), "
        f"was {mean['now']:.3f} to {mean['then']:.3f}, held in {sum(one['held'] for one in known):.0f} of "
        f"{len(known)}, not known for {len(found) - len(known)}"
    )


def main() -> None:
    """Print what was said and what came, by kind of set and number of labels."""
    options = arguments(__doc__, judges="leave out the sets that choose")
    figures: Figures = {"machine": machine()}
    for half in ("judges",) if options.judges else KINDS:
        kinds = KINDS[half]
        all_of: list[dict[str, float]] = []
        values: dict[str, Any] = {}
        for name, make in kinds.items():
            for size in SIZES:
                found = [compared(make, size, seed) for seed in range(SETS)]
                all_of += found
                values[f"{name}, {size} labels"] = told(found)
                print(f"{name}, {size} labels: {told(found)}", flush=True)
        figures[half] = values | {"all": told(all_of)}
    report(figures, options.json)


if __name__ == "__main__":
    main()
