"""How right and how fast the classifier of cells is on real images, as they are and altered.

Run ``python benchmarks/bench_classify.py [--constants] [--json FILE]``. Needs the 104 labelled images of the
shared data. Grouped 5-fold cross-validation, 10 repeats; every fold trains on original images and is tested
on the held-out ones as they are, padded by up to 25 % on each side with background and its noise, padded by
25 % on every side, cropped to the cell's bounding box, and in 8 bit (divided by 256, from minimum to maximum,
stretched between the percentiles 1 and 99.5). The score is the product of the recalls of both classes. With
``--constants`` each constant of the measurements is halved and doubled instead, on images as they are.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tools import SHARED, Figures, arguments, machine, report, sensitivity

from ellimaps.classify import (
    cell_outline,
    classifier_fit,
    image_features,
    measure_image,
    read_image,
    read_labels,
    shape,
    texture,
)
from ellimaps.classify.classifier_fit import fit_classifier, grouped_folds, recall_product
from ellimaps.classify.image_features import MEASUREMENTS
from ellimaps.classify.measured_folder import group_numbers, measure_folder
from ellimaps.classify.training import REPEATS, classes_of
from ellimaps.core.parallel import one_thread

FOLDER = SHARED / "cells_homogeneity"
MOST = 0.25
SIDE_PX = 1500
BORDER_PX = 12

Image = NDArray[Any]
Alteration = Callable[[Image, np.random.Generator], Image]


def padded_by(image: Image, shares: NDArray[np.float64], random: np.random.Generator) -> Image:
    """Return an image with background and its noise around it; shares: top, bottom, left, right."""
    frame = np.concatenate([part.ravel() for part in (image[:BORDER_PX], image[-BORDER_PX:])])
    level = float(np.median(frame))
    noise = 1.4826 * float(np.median(np.abs(frame[frame < 1.5 * level] - level)))
    height, width = image.shape
    top, bottom, left, right = (shares * [height, height, width, width]).astype(int)
    canvas = random.normal(level, noise, (top + height + bottom, left + width + right))
    canvas[top : top + height, left : left + width] = image
    return np.clip(canvas, 0, 65535).astype(np.uint16)


def padded(image: Image, random: np.random.Generator) -> Image:
    """Return an image padded by up to 25 % on each side."""
    return padded_by(image, random.uniform(0, MOST, 4), random)


def padded_most(image: Image, random: np.random.Generator) -> Image:
    """Return an image padded by 25 % on every side."""
    return padded_by(image, np.full(4, MOST), random)


def cropped(image: Image, _: np.random.Generator) -> Image:
    """Return the box of the cell, without a margin."""
    mask = measure_image(image).mask
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def divided(image: Image, _: np.random.Generator) -> Image:
    """Return the upper 8 of 16 bits."""
    return (image >> 8).astype(np.uint8)


def stretched(image: Image, low: float, high: float) -> Image:
    """Return 8 bit between two percentiles."""
    first, last = np.percentile(image, [low, high])
    return (np.clip((image - first) / (last - first), 0, 1) * 255).astype(np.uint8)


ALTERATIONS: dict[str, Alteration] = {
    "padded up to 25 %": padded,
    "padded 25 %": padded_most,
    "cropped tight": cropped,
    "8 bit, / 256": divided,
    "8 bit, min-max": lambda image, _: stretched(image, 0, 100),
    "8 bit, percentiles": lambda image, _: stretched(image, 1, 99.5),
}


def altered_rows(files: list[str], alter: Alteration) -> NDArray[np.float64]:
    """Measure all images after altering them."""
    rows = []
    for number, file in enumerate(files):
        image, _ = read_image(FOLDER / "images" / file)
        measured = measure_image(alter(image, np.random.default_rng(number))).measurements
        rows.append([measured[name] for name in MEASUREMENTS])
    return np.array(rows)


def deviations(rows: dict[str, NDArray[np.float64]]) -> dict[str, float]:
    """Return of each alteration the share of measurements that changed by less than 2 %."""
    true = rows["original"]
    room = 0.02 * np.abs(true)
    return {name: float((np.abs(altered - true) <= room).mean()) for name, altered in rows.items()}


def cross_validated(
    rows: dict[str, NDArray[np.float64]], truth: NDArray[np.intp], groups: NDArray[np.intp]
) -> Figures:
    """Train on original images, test on held-out ones of every kind."""
    scores: dict[str, list[float]] = {name: [] for name in rows}
    for seed in range(REPEATS):
        answers = {name: np.zeros(len(truth), dtype=np.intp) for name in rows}
        for train, test in grouped_folds(truth, groups, seed):
            classifier = fit_classifier(rows["original"][train], truth[train], groups[train], seed)
            for name, altered in rows.items():
                answers[name][test] = classifier.answers(altered[test])
        for name, given in answers.items():
            scores[name].append(recall_product(truth, given, int(truth.max()) + 1))
    return {
        name: {"score": statistics.mean(found), "spread": statistics.stdev(found), "lowest": min(found)}
        for name, found in scores.items()
    }


def speed(files: list[str]) -> dict[str, float]:
    """Return the processor time of one image, padded to 1500 x 1500, on one thread."""
    seconds = []
    for number, file in enumerate(files):
        image, _ = read_image(FOLDER / "images" / file)
        missing = np.maximum(SIDE_PX - np.array(image.shape), 0) / image.shape / 2
        large = padded_by(image, np.repeat(missing, 2), np.random.default_rng(number))
        with one_thread():
            start = time.process_time()
            measure_image(large)
            seconds.append(time.process_time() - start)
    return {"cpu_s_median": statistics.median(seconds), "cpu_s_max": max(seconds)}


def of_originals() -> dict[str, float]:
    """Measure the images as they are and cross-validate."""
    labels = read_labels(FOLDER / "labels.csv", FOLDER / "images")
    measured = measure_folder(FOLDER / "images", labels)
    _, truth = classes_of(measured.labels)
    groups = group_numbers(measured.thumbnails, measured.groups)
    return {
        **cross_validated({"original": measured.rows}, truth, groups)["original"],
        "cells found": len(measured.files),
        "images kept together": len(truth) - len(np.unique(groups)),
    }


def main() -> None:
    """Measure, print, and write JSON if asked."""
    options = arguments(__doc__, constants="halve and double each constant instead")
    if not FOLDER.is_dir():
        sys.exit(f"{FOLDER} is absent: set ELLIMAPS_SHARED_DATA")
    if options.constants:
        modules = (cell_outline, shape, texture, image_features, classifier_fit)
        found = [sensitivity(module, of_originals) for module in modules]
        report({name: row for one in found for name, row in one.items()}, options.json)
        return
    figures: Figures = {"machine": machine()}
    labels = read_labels(FOLDER / "labels.csv", FOLDER / "images")
    original = measure_folder(FOLDER / "images", labels)
    _, truth = classes_of(original.labels)
    rows = {"original": original.rows}
    for name, alter in ALTERATIONS.items():
        print(f"measuring {name}", file=sys.stderr)
        rows[name] = altered_rows(original.files, alter)
    figures |= cross_validated(rows, truth, group_numbers(original.thumbnails, original.groups))
    figures["measurements within 2 % of the original"] = deviations(rows)
    figures["one image of 1500 x 1500, one thread"] = speed(original.files)
    report(figures, options.json)


if __name__ == "__main__":
    main()
