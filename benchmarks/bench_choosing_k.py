"""How often each rule finds the true number of kinds, on realistic generated maps of several families.

Run ``python benchmarks/bench_choosing_k.py [--json FILE]``. The families are those of ``kind_families.py``
and a suite of generated measurements: 2 to 8 kinds, gradients of thickness up to 4 % from side to side, blur
of 0.5 to 1.5 px, noise once to four times that of a good instrument, a smallest kind of 0.5 % to 10 % of the
map, 7 to 15 wavelengths, every third group with Delta on both sides of 0/360 deg. The default rule was chosen
on the first maps of `contours` and looked at on the first ones of the others; unseen maps judge it.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from kind_families import FAMILIES
from tools import Figures, arguments, machine, report

from ellimaps.core.parallel import one_thread
from ellimaps.core.stack import ImageStack
from ellimaps.maps.clustering.estimation import elbow, estimate_k
from ellimaps.maps.pipeline import load
from ellimaps.maps.settings import Settings
from ellimaps.samples import sample_ep4

SUITE = "suite"
MAPS = {"contours": 56, "islands": 56, "mosaic": 56, "uneven": 12, "patches": 12, SUITE: 84}
FIRST_UNSEEN = 300
SIZE = (128, 160)


def settings_of(number: int) -> dict[str, Any]:
    """Return the settings of one of the measurements."""
    rng = np.random.default_rng([77, number])
    kinds = 2 + number % 7
    smallest = float(np.exp(rng.uniform(np.log(0.005), np.log(min(0.1, 0.6 / kinds)))))
    return {
        "seed": 1000 + number,
        "size": SIZE,
        "kinds": kinds,
        "bands": int(rng.choice([7, 11, 15])),
        "noise": float(rng.choice([1, 2, 3, 4])),
        "wrap": bool((number // 7) % 3 == 0),
        "blur_px": float(rng.uniform(0.5, 1.5)),
        "tilt": float(rng.uniform(0, 0.04)),
        "smallest": smallest,
    }


def maps_of(job: tuple[str, int]) -> tuple[ImageStack, int, str]:
    """Return the maps of a family with a number, how many kinds they hold, and how they were made."""
    family, number = job
    if family != SUITE:
        maps = FAMILIES[family](number)
        return maps.stack, maps.k, maps.about
    settings = settings_of(number)
    with tempfile.TemporaryDirectory() as folder:
        stack = load(sample_ep4(Path(folder) / "sample", **settings), Settings())
    return stack, settings["kinds"], str(settings)


def choices(job: tuple[str, int]) -> dict[str, Any]:
    """Return the truth and what each rule says for one of the measurements."""
    warnings.simplefilter("ignore")
    family, number = job
    stack, kinds, about = maps_of(job)
    with one_thread():
        estimate = estimate_k(stack)
    table = estimate.table
    ks, inertia = table["k"].to_numpy(), table["inertia"].to_numpy()
    return {
        "family": f"{family}, {'seen' if number < FIRST_UNSEEN else 'unseen'}",
        "kinds": kinds,
        "about": f"{number}: {about}",
        "alternative": estimate.alternative_k or 0,
        "suggested_k": estimate.suggested_k,
        "silhouette": estimate.silhouette_k,
        "elbow": estimate.elbow_k,
        "elbow of the logarithm": elbow(ks, np.log(inertia)),
        "Calinski-Harabasz": int(ks[table["calinski_harabasz"].to_numpy().argmax()]),
    }


def scores(found: pd.DataFrame) -> dict[str, str]:
    """Return for each rule how often it is exact and within one, and what the alternatives are worth."""
    rows = {}
    for rule in found.columns[found.columns.get_loc("suggested_k") :]:
        away = (found[rule] - found["kinds"]).abs()
        exact, close = int((away == 0).sum()), int((away <= 1).sum())
        rows[rule] = (
            f"exact {exact}/{len(away)} ({exact / len(away):.0%}), within one {close / len(away):.0%}"
        )
    wrong, offered = found["suggested_k"] != found["kinds"], found["alternative"] > 0
    true = found["alternative"] == found["kinds"]
    rows["alternative"] = (
        f"offered beside {int((offered & ~wrong).sum())} of {int((~wrong).sum())} right suggestions, "
        f"true for {int((true & wrong).sum())} of {int(wrong.sum())} wrong ones"
    )
    return rows


def main() -> None:
    """Measure, print, and write JSON if asked."""
    options = arguments(__doc__)
    jobs = [
        (family, first + number)
        for first in (0, FIRST_UNSEEN)
        for family, count in MAPS.items()
        for number in range(count)
    ]
    with ProcessPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        found = pd.DataFrame(list(pool.map(choices, jobs)))
    figures: Figures = {"machine": machine()}
    figures |= {str(family): scores(part) for family, part in found.groupby("family", sort=False)}
    report(figures, options.json)
    for _, row in found[found["suggested_k"] != found["kinds"]].iterrows():
        print(f"{row['family']}: {row['suggested_k']} instead of {row['kinds']}; {row['about']}")


if __name__ == "__main__":
    main()
