"""How well and how fast nuclei are found, beside Otsu's threshold and a watershed of the distance transform.

Run ``python benchmarks/bench_nuclei.py [--constants] [--json FILE]``. Both get the same images. The peer is
scikit-image's ``gaussian``, ``threshold_otsu``, ``peak_local_max`` on the distance transform, ``watershed``.
ellimaps suggests its radius from each image. *Chosen on* are half of the plain 8-bit images and the crowded
one of the shared data, and phantoms; *kept back* are the other half and phantoms of other settings, which
chose nothing. An object is right if it shares more than half of its pixels with a true one (IoU above 0.5).
With ``--constants`` each constant of the method is halved and doubled instead, on what it was chosen on.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.filters import gaussian, threshold_otsu
from skimage.segmentation import watershed
from tools import SHARED, Figures, arguments, machine, report, sensitivity

from ellimaps.objects import nuclei
from ellimaps.objects.nuclei import Criteria, detect_nuclei
from ellimaps.samples.nuclei import nuclei_phantom

FOLDER = SHARED / "nuclei"
Pair = tuple[NDArray[Any], NDArray[np.int32]]
Method = Callable[[NDArray[Any]], NDArray[np.int32]]

CHOSEN: dict[str, dict[str, Any]] = {
    "apart": {},
    "dim": {"spread": 0.9, "photons": 40.0},
    "crowded": {"crowding": 0.7, "count": 90},
    "haze": {"haze": 0.5, "debris": 30, "spread": 0.5},
    "large": {"radius": 30.0, "count": 14, "size": (512, 512), "bits": 8},
    "small": {"radius": 5.0, "count": 80, "bits": 8, "crowding": 0.3},
    "dim crowded": {"spread": 0.7, "crowding": 0.6, "count": 80, "photons": 60.0},
    "hazy crowd": {"haze": 0.6, "crowding": 0.5, "count": 70, "spread": 0.4, "photons": 100.0},
}
KEPT_BACK: dict[str, dict[str, Any]] = {
    "dim and small": {"spread": 1.0, "photons": 60.0, "radius": 8.0},
    "dense": {"crowding": 0.9, "count": 120, "radius": 10.0},
    "dim in haze": {"haze": 0.4, "spread": 0.8, "debris": 40, "radius": 15.0},
    "few photons, 8 bit": {"photons": 15.0, "bits": 8, "radius": 18.0, "count": 25},
    "large crowd": {"radius": 35.0, "crowding": 0.8, "count": 25, "size": (640, 640)},
}


def peer(image: NDArray[Any]) -> NDArray[np.int32]:
    """Find nuclei as textbooks do."""
    smooth = gaussian(image.astype(float), 1)
    mask = smooth > threshold_otsu(smooth)
    distance = ndimage.gaussian_filter(ndimage.distance_transform_edt(mask), 1)
    regions, _ = ndimage.label(mask)
    tops = peak_local_max(distance, min_distance=5, labels=regions, exclude_border=False)
    marks = np.zeros(image.shape, dtype=np.int32)
    marks[tuple(tops.T)] = np.arange(1, len(tops) + 1)
    labels = watershed(-distance, marks, mask=mask)
    sizes = np.bincount(labels.ravel())
    return np.unique(np.where(sizes[labels] < 20, 0, labels), return_inverse=True)[1].reshape(image.shape)


def plain(kept_back: bool) -> list[Pair]:
    """Return every other one of the plain images."""
    files = sorted((FOLDER / "plain").glob("*_labels.png"))[int(kept_back) :: 2]
    images = [file.with_name(file.name.replace("_labels", "")) for file in files]
    return [
        (np.array(Image.open(image)), np.array(Image.open(file)).astype(np.int32))
        for image, file in zip(images, files, strict=True)
    ]


def phantoms(kinds: dict[str, dict[str, Any]], seed: int) -> dict[str, list[Pair]]:
    """Return three phantoms of each kind."""
    made = {
        name: [nuclei_phantom((seed, number), **settings) for number in range(3)]
        for name, settings in kinds.items()
    }
    return {name: [(one.image, one.labels) for one in ones] for name, ones in made.items()}


def chosen_on() -> dict[str, list[Pair]]:
    """Return what settings were chosen on."""
    crowd = FOLDER / "touching"
    pair = (tifffile.imread(crowd / "image.tif"), tifffile.imread(crowd / "labels.tif").astype(np.int32))
    return {"plain": plain(False), "touching": [pair], **phantoms(CHOSEN, 1)}


def kept_back() -> dict[str, list[Pair]]:
    """Return what chose nothing."""
    return {"plain": plain(True), **phantoms(KEPT_BACK, 2)}


def right(found: NDArray[np.int32], true: NDArray[np.int32]) -> int:
    """Return how many found objects share more than half of all their pixels with a true one."""
    width = int(true.max()) + 1
    pairs = (found.astype(np.int64) * width + true).ravel()
    shared = np.bincount(pairs, minlength=(int(found.max()) + 1) * width).reshape(-1, width)
    union = shared.sum(axis=1)[1:, None] + shared.sum(axis=0)[None, 1:] - shared[1:, 1:]
    return int((shared[1:, 1:] > 0.5 * union).sum())


def figures_of(pairs: list[Pair], method: Method) -> dict[str, float]:
    """Run a method on images and compare with the truth."""
    hits = n_found = n_true = 0
    errors, seconds = [], []
    for image, true in pairs:
        start = time.process_time()
        found = method(image)
        seconds.append(time.process_time() - start)
        numbers = len(np.unique(true[true > 0])), int(found.max())
        hits, n_true, n_found = hits + right(found, true), n_true + numbers[0], n_found + numbers[1]
        errors.append(numbers[1] / numbers[0] - 1)
    return {
        "nuclei": n_true,
        "f1": 2 * hits / (n_found + n_true),
        "count error": statistics.mean(abs(error) for error in errors),
        "most per true": 1 + max(errors),
        "cpu_s": sum(seconds),
    }


def of_choice(sets: dict[str, list[Pair]], criteria: Criteria | None = None) -> dict[str, float]:
    """Return the F1 of every set and their mean."""
    find = partial(detect_nuclei, criteria=criteria)
    scores = {name: figures_of(pairs, find)["f1"] for name, pairs in sets.items()}
    return {"mean": statistics.mean(scores.values()), **scores}


def of_criteria(sets: dict[str, list[Pair]]) -> Figures:
    """Return the same with each criterion halved, and doubled."""
    return {
        f"{name} = {value:g}, {what}": of_choice(sets, replace(Criteria(), **{name: value * factor}))
        for name, value in asdict(Criteria()).items()
        for what, factor in (("half", 0.5), ("double", 2))
    }


def main() -> None:
    """Measure, print, and write JSON if asked."""
    options = arguments(__doc__, constants="halve and double each constant instead")
    if not FOLDER.is_dir():
        sys.exit(f"{FOLDER} is absent: set ELLIMAPS_SHARED_DATA")
    if options.constants:
        sets = chosen_on()
        report(sensitivity(nuclei, lambda: of_choice(sets)) | of_criteria(sets), options.json)
        return
    figures: Figures = {"machine": machine()}
    for what, sets in (("chosen on", chosen_on()), ("kept back", kept_back())):
        for name, pairs in sets.items():
            for method, find in (("ellimaps", detect_nuclei), ("peer", peer)):
                figures[f"{what}: {name}: {method}"] = figures_of(pairs, find)
    large = nuclei_phantom(3, size=(2048, 2048), count=1000).image
    for name, find in (("ellimaps", detect_nuclei), ("peer", peer)):
        start = time.process_time()
        find(large)
        figures[f"2048 x 2048: {name}"] = {"cpu_s": time.process_time() - start}
    report(figures, options.json)


if __name__ == "__main__":
    main()
