"""Generated images of single cells of two kinds, for the tests and pictures of the page Classify."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from scipy import ndimage


def cell_image(kind: int, seed: int, side: int = 128) -> NDArray[np.uint16]:
    """A cell on a dark background: kind 1 small, round and even; kind 0 large, with arms and fibres."""
    random = np.random.default_rng((seed, kind))
    y, x = np.mgrid[:side, :side] - side / 2 + random.uniform(-3, 3, (2, 1, 1))
    turn, phase, bend = random.uniform(0, 2 * np.pi, 3)
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    angle, distance = np.arctan2(across, along), np.hypot(across * random.uniform(1.2, 1.9), along)
    arms, radius = (0.08, 0.2) if kind else (0.3, 0.34)
    waves = np.sin(3 * angle + phase) + 0.5 * np.sin(5 * angle + bend)
    edge = side * radius * random.uniform(0.9, 1.1) * (1 + arms * waves)
    inside = 1 / (1 + np.exp((distance - edge) / 1.5))
    fibres = 1.0 if kind else 0.65 + 0.35 * np.sin(across * 60 / side)
    grain = ndimage.gaussian_filter(random.normal(0, 1, (side, side)), side / 25)
    grain *= 0.25 / grain.std()
    inside *= np.clip(fibres + grain, 0.2, None)
    clean = 300 + 6000 * inside
    return np.clip(random.normal(clean, 25), 0, 65535).astype(np.uint16)


def write_cells(folder: Path, count: int = 24, side: int = 128, wrong: int = 0) -> Path:
    """Write ``images/001.tif ...``, kinds in turn, and ``labels.csv``; the first labels may be wrong."""
    images = folder / "images"
    images.mkdir(parents=True)
    with (folder / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("image_id", "is_homogenous"))
        for number in range(1, count + 1):
            kind = number % 2
            tifffile.imwrite(images / f"{number:03d}.tif", cell_image(kind, number, side))
            writer.writerow((number, 1 - kind if number <= wrong else kind))
    return images
