"""Other ways to the same results, as their users write them; each is given the same features."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

KS = range(2, 11)
SILHOUETTE_PIXELS = 5000
OLDER_SIGMA_PX = 8


def sklearn_fit(points: NDArray[Any], k: int, n_init: int) -> Any:
    """Fit scikit-learn's KMeans."""
    from sklearn.cluster import KMeans

    return KMeans(k, n_init=n_init, random_state=0).fit(points)


def inertia_of(points: NDArray[Any], labels: NDArray[Any]) -> float:
    """Return the inertia of a clustering in double precision; what peers report in single may be 1 % off."""
    total = 0.0
    for label in np.unique(labels):
        part = points[labels == label].astype(np.float64)
        part -= part.mean(axis=0)
        total += float(np.vdot(part, part))
    return total


def sklearn_estimate(points: NDArray[Any]) -> list[NDArray[Any]]:
    """Sweep over k with the best of ten and a sampled silhouette; return the labels of each k."""
    from sklearn.metrics import silhouette_score

    labels = []
    for k in KS:
        model = sklearn_fit(points, k, 10)
        silhouette_score(points, model.labels_, sample_size=SILHOUETTE_PIXELS, random_state=0)
        labels.append(model.labels_)
    return labels


def intelex_fit(points: NDArray[Any], k: int, n_init: int) -> Any:
    """Fit the KMeans of scikit-learn-intelex."""
    from sklearnex.cluster import KMeans

    return KMeans(k, n_init=n_init, random_state=0).fit(points)


def faiss_labels(points: NDArray[np.float32], k: int, n_init: int) -> NDArray[Any]:
    """Fit faiss' KMeans to all points."""
    import faiss

    model = faiss.Kmeans(
        points.shape[1], k, niter=100, nredo=n_init, seed=1, max_points_per_centroid=len(points)
    )
    model.train(np.ascontiguousarray(points))
    _, labels = model.index.search(np.ascontiguousarray(points), 1)
    return np.asarray(labels[:, 0])


HYPERSPY_ESTIMATE = """
import sys, time
import numpy as np
import hyperspy.api as hs
hs.set_log_level("ERROR")
values = np.load(sys.argv[1])
signal = hs.signals.Signal1D(values)
start = time.perf_counter()
signal.decomposition(print_info=False, output_dimension=6)
signal.estimate_number_of_clusters(
    cluster_source="decomposition", max_clusters=10, metric=sys.argv[2], n_init=10, random_state=0
)
figures = {"seconds": time.perf_counter() - start}
"""

HYPERSPY_CLUSTERS = """
import sys, time
import numpy as np
import hyperspy.api as hs
hs.set_log_level("ERROR")
values = np.load(sys.argv[1])
signal = hs.signals.Signal1D(values)
start = time.perf_counter()
signal.cluster_analysis("signal", n_clusters=5, algorithm="kmeans", n_init=10, random_state=0)
figures = {"seconds": time.perf_counter() - start}
labels = signal.get_cluster_labels(merged=True).data.ravel()
flat = values.reshape(-1, values.shape[-1]).astype(float)
kinds = [flat[labels == label] for label in np.unique(labels)]
figures["inertia"] = float(sum(((kind - kind.mean(axis=0)) ** 2).sum() for kind in kinds))
"""


def older_method(folder: Path, out: Path, k: int = 5) -> dict[str, float]:
    """Do what the older tool did, from the folder to files, and say how long each step took.

    Rebuilt from its description: maps read one by one; gaps filled by astropy with the 65 x 65 kernel that
    swapped arguments made of a 9 x 9 one; N, C and S instead of raw angles, so that the inertia compares;
    two sweeps of KMeans with ten starts each, one per rule; spectra by ``np.unique``. It drew no figure here.
    """
    import time

    from astropy.convolution import Gaussian2DKernel, convolve, interpolate_replace_nans

    from ellimaps.core.inputs import InputFile
    from ellimaps.readers.accurion_png import read_map

    marks = [time.perf_counter()]
    files = sorted(folder.glob("*.png"))
    kernel = Gaussian2DKernel(OLDER_SIGMA_PX, OLDER_SIGMA_PX, theta=9)
    assert kernel.shape == (65, 65)
    maps = [(m.facts.quantity, m.facts.wavelength_nm, m.values) for m in map(read_map, map(InputFile, files))]
    filled = [(q, w, interpolate_replace_nans(image, kernel, convolve=convolve)) for q, w, image in maps]
    marks.append(time.perf_counter())
    delta = np.stack([np.nan_to_num(image).ravel() for q, _, image in filled if q == "Delta"], axis=1)
    psi = np.stack([np.nan_to_num(image).ravel() for q, _, image in filled if q == "Psi"], axis=1)
    turned, double = np.deg2rad(delta), np.deg2rad(2 * psi)
    points = np.concatenate(
        [np.cos(double), np.sin(double) * np.cos(turned), np.sin(double) * np.sin(turned)], axis=1
    ).astype(np.float32)
    for _rule in ("elbow", "silhouette"):
        for one in KS:
            sklearn_fit(points, one, 10)
    marks.append(time.perf_counter())
    labels = sklearn_fit(points, k, 10).labels_
    marks.append(time.perf_counter())
    out.mkdir(parents=True, exist_ok=True)
    values = np.concatenate([delta, psi], axis=1)
    shots = {int(label): values[labels == label].mean(axis=0) for label in np.unique(labels)}
    with (out / "clustershot.csv").open("w", newline="") as file:
        csv.writer(file).writerows(zip(*shots.values(), strict=True))
    width = maps[0][2].shape[1]
    for label in shots:
        y, x = np.divmod(np.flatnonzero(labels == label), width)
        np.savetxt(out / f"coordinates_{label}.csv", np.stack([y, x], axis=1), fmt="%d", delimiter=",")
    marks.append(time.perf_counter())
    steps = np.diff(marks)
    names = ("load_and_fill_s", "two_estimates_s", "segment_s", "export_s")
    return {**dict(zip(names, map(float, steps), strict=True)), "total_s": float(steps.sum())}
