"""How often each rule finds the true number of kinds, on realistic generated maps.

Run ``python benchmarks/bench_choosing_k.py [--json FILE]``. The suite has 84 measurements of 2 to 8 kinds:
gradients of thickness up to 4 % from side to side, blur of 0.5 to 1.5 px, noise once to four times that of a
good instrument, a smallest kind of 0.5 % to 10 % of the map, 7 to 15 wavelengths, every third group with
Delta on both sides of 0/360 deg. The default rule was chosen on the first half; the second was kept back.
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
from tools import arguments, machine, report

from ellimaps.maps.clustering.estimation import SilhouetteSample, elbow, estimate_k
from ellimaps.maps.clustering.features import FeatureSpace
from ellimaps.maps.clustering.kmeans import KMeans
from ellimaps.maps.pipeline import load
from ellimaps.maps.settings import Settings
from ellimaps.samples import sample_ep4

SETS = 84
HALF = SETS // 2
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


def choices(number: int) -> dict[str, int]:
    """Return the truth and what each rule says for one of the measurements."""
    warnings.simplefilter("ignore")
    settings = settings_of(number)
    with tempfile.TemporaryDirectory() as folder:
        stack = load(sample_ep4(Path(folder) / "sample", **settings), Settings())
    estimate = estimate_k(stack)
    table = estimate.table
    ks, inertia = table["k"].to_numpy(), table["inertia"].to_numpy()
    kmeans = KMeans(FeatureSpace(stack))
    fits = kmeans.assess([kmeans.centers(int(k)) for k in ks])
    balanced = [score.balanced for score in SilhouetteSample(kmeans.space).scores_of(fits)]
    drops = np.concatenate([[kmeans.total], inertia[:-1]]) / inertia
    return {
        "kinds": settings["kinds"],
        "suggested_k: clusters' silhouettes on flat pixels": estimate.suggested_k,
        "clusters' silhouettes on all pixels": int(ks[np.argmax(balanced)]),
        "silhouette": estimate.silhouette_k,
        "elbow": estimate.elbow_k,
        "elbow of the logarithm": elbow(ks, np.log(inertia)),
        "Calinski-Harabasz": int(ks[table["calinski_harabasz"].to_numpy().argmax()]),
        "largest relative drop": int(ks[drops.argmax()]),
    }


def scores(found: pd.DataFrame) -> dict[str, str]:
    """Return for each rule how often it is exact and within one."""
    rows = {}
    for rule in found.columns.drop("kinds"):
        away = (found[rule] - found["kinds"]).abs()
        exact, close = int((away == 0).sum()), int((away <= 1).sum())
        rows[rule] = (
            f"exact {exact}/{len(away)} ({exact / len(away):.0%}), within one {close / len(away):.0%}"
        )
    return rows


def main() -> None:
    """Measure, print, and write JSON if asked."""
    options = arguments(__doc__)
    with ProcessPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        found = pd.DataFrame(list(pool.map(choices, range(SETS))))
    figures = {
        "machine": machine(),
        f"first half ({HALF} sets, used to choose)": scores(found[:HALF]),
        f"second half ({SETS - HALF} sets, kept back)": scores(found[HALF:]),
    }
    report(figures, options.json)
    wrong = found[found.iloc[:, 1] != found["kinds"]]
    for number, row in wrong.iterrows():
        print(f"set {number}: {row.iloc[1]} instead of {row['kinds']}; {settings_of(int(str(number)))}")


if __name__ == "__main__":
    main()
