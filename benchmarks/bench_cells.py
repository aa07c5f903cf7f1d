"""How fast and how well round objects are found, beside Canny edges and a circular Hough transform.

Run ``python benchmarks/bench_cells.py [--images N] [--seed S] [--constants] [--json FILE]``. Both get the
same phantoms of 1024 x 1024 pixels: 20 to 60 discs of radius 10 to 60, noise, uneven light, touching pairs.
The peer is scikit-image's ``canny`` and ``hough_circle`` over the radii 10..59 with ``hough_circle_peaks``;
it is told how many objects there are, which it could not know. A match is within 5 px. With ``--constants``
each constant of the method is halved and doubled instead, which says how much depends on it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from skimage.feature import canny
from skimage.transform import hough_circle, hough_circle_peaks
from tools import report, sensitivity

from ellimaps.objects import circles
from ellimaps.objects.circles import circle_labels, detect_circles
from ellimaps.samples.cells import Phantom, phantom

TOLERANCE_PX = 5.0
RADII = np.arange(10, 60)


def held_out(seed: int) -> Phantom:
    """Return a phantom whose settings are drawn as well."""
    random = np.random.default_rng(seed)
    return phantom(
        seed,
        count=int(random.integers(20, 61)),
        pairs=int(random.integers(2, 8)),
        noise=float(random.uniform(0.5, 2)),
        unevenness=float(random.uniform(0.2, 0.7)),
    )


def by_ellimaps(made: Phantom) -> pd.DataFrame:
    """Find circles as ellimaps does."""
    return detect_circles(made.image, (10, 60))


def by_hough(made: Phantom) -> pd.DataFrame:
    """Find circles as the older tools do."""
    edges = canny(made.image.astype(float), sigma=2)
    votes = hough_circle(edges, RADII)
    _, x, y, radius = hough_circle_peaks(
        votes, RADII, min_xdistance=10, min_ydistance=10, total_num_peaks=len(made.truth)
    )
    return pd.DataFrame({"y": y, "x": x, "radius": radius}, dtype=float)


def matches(found: pd.DataFrame, truth: pd.DataFrame) -> list[tuple[int, int]]:
    """Return pairs of rows that lie within the tolerance of each other, each row at most once."""
    distance = cdist(found[["y", "x"]], truth[["y", "x"]])
    near = distance <= TOLERANCE_PX
    rows, columns = linear_sum_assignment(np.where(near, distance, 1e6))
    return [(i, j) for i, j in zip(rows, columns, strict=True) if near[i, j]]


def figures(images: list[Phantom], find: Callable[[Phantom], pd.DataFrame]) -> dict[str, float]:
    """Run a method over all images and compare with the truth."""
    seconds, radius_errors, intensity_errors, n_found, n_true = [], [], [], 0, 0
    for made in images:
        start = time.perf_counter()
        found = find(made)
        seconds.append(time.perf_counter() - start)
        labels = circle_labels(found, (made.image.shape[0], made.image.shape[1]))
        n_found, n_true = n_found + len(found), n_true + len(made.truth)
        for i, j in matches(found, made.truth):
            truth = made.truth.iloc[j]
            radius_errors.append(abs(found["radius"].iloc[i] - truth["radius"]))
            mean = made.image[labels == i + 1].mean()
            intensity_errors.append(abs(mean / truth["intensity"] - 1))
    return {
        "objects": n_true,
        "f1_at_5_px": 2 * len(radius_errors) / (n_found + n_true),
        "radius_error_median_px": statistics.median(radius_errors),
        "intensity_error_mean": statistics.mean(intensity_errors),
        "seconds_median": statistics.median(seconds),
    }


def main() -> None:
    """Measure, print, and write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--constants", action="store_true", help="halve and double each constant instead")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    images = [held_out(arguments.seed + number) for number in range(arguments.images)]
    if arguments.constants:
        report(sensitivity(circles, lambda: figures(images, by_ellimaps)), arguments.json)
        return
    by_ellimaps(images[0])
    result: dict[str, Any] = {
        "ellimaps": figures(images, by_ellimaps),
        "canny + hough": figures(images, by_hough),
    }
    result["times_faster"] = result["canny + hough"]["seconds_median"] / result["ellimaps"]["seconds_median"]
    print(f"{'':26}{'ellimaps':>14}{'canny + hough':>16}")
    for name in result["ellimaps"]:
        print(f"  {name:24}{result['ellimaps'][name]:14.4g}{result['canny + hough'][name]:16.4g}")
    print(f"  {'times faster':24}{result['times_faster']:14.1f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
