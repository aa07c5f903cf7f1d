"""How often hypothesis cards hold by chance: in rooms that stand still, drift, wander, or have seasons.

Run ``python benchmarks/bench_hypotheses.py [--json FILE] [--rooms N]``. Pairs of rooms have nothing in common
but sky and timetable, and those without a course have none of day or year. Cards state an error rate of 1 %.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

from tools import ROOT, machine, report

sys.path.insert(0, str(ROOT / "tests"))

from support.null_rooms import KINDS

from ellimaps.sensors.analysis.hypotheses import (
    Hypothesis,
    correlated,
    daily_profile,
    follows,
    seasonal_profile,
)

DAYS = (90, 400)
COURSES = ("seasonal",)
"""Kinds that have the courses which the cards of one sensor are about."""


def cards_of(asked: tuple[int, str, int]) -> list[tuple[str, bool]]:
    """Return which cards of a pair of rooms hold."""
    warnings.simplefilter("ignore")
    days, kind, seed = asked
    first, second = KINDS[kind](2 * seed, days), KINDS[kind](2 * seed + 1, days)
    tests: dict[str, Callable[[], Hypothesis]] = {
        "follows": lambda: follows(first, second),
        "correlated": lambda: correlated(first, second),
    }
    if kind not in COURSES:
        tests |= {"daily": lambda: daily_profile(first), "seasonal": lambda: seasonal_profile(first)}
    return [(name, test().holds) for name, test in tests.items()]


def main() -> None:
    """Measure, print, and write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--rooms", type=int, default=200, help="pairs of rooms of each kind and length")
    options = parser.parse_args()
    figures: dict[str, dict[str, Any]] = {"machine": machine()}
    held, made = Counter[tuple[int, str]](), Counter[tuple[int, str]]()
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        for days, kind in product(DAYS, KINDS):
            asked = [(days, kind, seed) for seed in range(options.rooms)]
            cards = [card for found in pool.map(cards_of, asked, chunksize=4) for card in found]
            row = Counter(name for name, holds in cards if holds)
            names = Counter(name for name, _ in cards)
            figures[f"false cards, {kind}, {days} days"] = {
                name: f"{row[name]} of {count}" for name, count in names.items()
            }
            held.update({(days, name): row[name] for name in names})
            made.update({(days, name): count for name, count in names.items()})
    for days in DAYS:
        figures[f"share of false cards, {days} days"] = {
            name: held[days, name] / count for (of, name), count in made.items() if of == days
        }
    report(figures, options.json)


if __name__ == "__main__":
    main()
