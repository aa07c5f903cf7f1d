"""How often training warns that the files of the classes differ, where they do and where only the cells do.

Run ``python benchmarks/bench_stand_ins.py [--json FILE]``. Folders of 20 images of each of two kinds of cells
that differ in size, shape or grain, of four generators. Files alike: all as they are, each at an exposure,
in a frame or cut round its cell with a margin of its own. Files that differ: the second kind at 1.5 times the
exposure, at a higher offset of the camera, in a frame half as wide again, or with twice the noise. The
tolerance was chosen on the first generator; the others, which chose nothing, judge it. The real images of the
shared data are cut round their cells.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from bench_drift import arms, waves
from numpy.typing import NDArray
from scipy import ndimage
from tools import SHARED, Figures, arguments, machine, report

from ellimaps.classify import measure_image, picture_measures as files, read_image, read_labels
from ellimaps.samples.populations import cell_image

FOLDERS, KIND = 60, 20
OFFSET = 100.0

Image = NDArray[Any]
Alteration = Callable[[Image, int, np.random.Generator], Image]


def grains(kind: int, seed: int) -> Image:
    """Return an oval cell of fine or coarse grain, alike in size and brightness."""
    random = np.random.default_rng((3, seed, kind))
    y, x = np.mgrid[-70:70, -70:70] + random.uniform(-8, 8, (2, 1, 1))
    inside = ndimage.gaussian_filter((np.hypot(x, y * random.uniform(1.0, 1.5)) < 42).astype(float), 1.2)
    grain = ndimage.gaussian_filter(random.normal(size=inside.shape), 5 if kind else 1.2)
    light = 200 + 4000 * random.lognormal(0, 0.3) * inside * np.clip(1 + 0.3 * grain / grain.std(), 0, None)
    return np.clip(OFFSET + random.normal(light, 20), 0, 65535)


GENERATORS: dict[str, Callable[[int, int], Image]] = {
    "arms (chooses)": arms,
    "waves": waves,
    "grains": grains,
    "the generated example": cell_image,
}


def exposed(image: Image, times: float) -> Image:
    """Return an image of another exposure: light is more, the camera's offset is not."""
    return np.clip(OFFSET + times * (np.asarray(image, dtype=float) - OFFSET), 0, 65535)


def framed(image: Image, left: int, top: int, random: np.random.Generator) -> Image:
    """Return an image with more of its background at two sides."""
    away = np.asarray(image, dtype=float)[:8].ravel()
    canvas = random.choice(away, (image.shape[0] + top, image.shape[1] + left))
    canvas[top:, left:] = image
    return canvas


def cut(image: Image, _: int, random: np.random.Generator) -> Image:
    """Return an image cut round its cell, with a margin."""
    mask, margin = measure_image(image).mask, random.integers(4, 24)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, left = max(rows[0] - margin, 0), max(columns[0] - margin, 0)
    return image[top : rows[-1] + margin, left : columns[-1] + margin]


ALIKE: dict[str, Alteration] = {
    "as they are": lambda image, _kind, _random: image,
    "each at an exposure": lambda image, _kind, random: exposed(image, random.uniform(0.6, 1.6)),
    "each in a frame": lambda image, _kind, random: framed(image, *random.integers(0, 60, 2), random),
    "cut round their cells": cut,
}
DIFFERENT: dict[str, Alteration] = {
    "1.5 times the exposure": lambda image, kind, _: exposed(image, 1 + 0.5 * kind),
    "a higher offset": lambda image, kind, _: image + 200.0 * kind,
    "half as wide again": lambda image, kind, random: framed(image, 64 * kind, 0, random),
    "twice the noise": lambda image, kind, random: (
        image + kind * random.normal(0, 3**0.5 * _noise(image), image.shape)
    ),
}


def _noise(image: Image) -> float:
    return files.picture_measures(image, measure_image(image).mask).noise


def warned(make: Callable[[int, int], Image], alter: Alteration) -> dict[float, float]:
    """Return the share of folders that are warned of, by what counts as equal."""
    random = np.random.default_rng(0)
    pools = [[alter(make(kind, seed), kind, random) for seed in range(2 * KIND)] for kind in (0, 1)]
    rows = [[files.picture_measures(one, measure_image(one).mask) for one in pool] for pool in pools]
    truth, told = np.repeat([0, 1], KIND), {}
    chosen = files._ALIKE
    for alike in (chosen / 2, chosen, chosen * 2):
        files._ALIKE = alike
        draws = np.random.default_rng(1)
        folders = [
            [pool[i] for pool in rows for i in draws.choice(2 * KIND, KIND, replace=False)]
            for _ in range(FOLDERS)
        ]
        told[alike] = float(
            np.mean([bool(files.telling_measures(one, truth, ["a", "b"])) for one in folders])
        )
    files._ALIKE = chosen
    return told


def main() -> None:
    """Print how often folders are warned of, by generator, kind of folder and tolerance."""
    options = arguments(__doc__)
    figures: Figures = {"machine": machine()}
    for title, kinds in (("files alike", ALIKE), ("files that differ", DIFFERENT)):
        for name, make in GENERATORS.items():
            figures[f"{title}, {name}"] = {
                kind: ", ".join(f"{share:.0%} at {alike:g}" for alike, share in warned(make, alter).items())
                for kind, alter in kinds.items()
            }
    folder = SHARED / "cells_homogeneity"
    if folder.is_dir():
        labels = read_labels(folder / "labels.csv", folder / "images")
        images = [read_image(folder / "images" / file)[0] for file in labels.table["file"]]
        rows = [files.picture_measures(one, measure_image(one).mask) for one in images]
        truth = labels.table["label"].to_numpy()
        figures["real images"] = {"warned of": files.telling_measures(rows, truth, ["0", "1"])}
    report(figures, options.json)


if __name__ == "__main__":
    main()
