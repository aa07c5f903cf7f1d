"""Generated images of single cells of two kinds, with a list of their labels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from scipy import ndimage

from ellimaps.samples.new_folder import new_folder

CLASSES = {"0": "heterogeneous", "1": "homogeneous"}


def cell_image(kind: int, seed: int, side: int = 128) -> NDArray[np.uint16]:
    """Return a cell on a dark background, shape (side, side).

    Parameters
    ----------
    kind : {0, 1}
        1 is small, round and even; 0 is large, with arms and fibers.
    seed : int
        Of everything that differs between cells of a kind.
    side : int
        Pixels.
    """
    random = np.random.default_rng((seed, kind))
    y, x = np.mgrid[:side, :side] - side / 2 + random.uniform(-3, 3, (2, 1, 1))
    turn, phase, bend = random.uniform(0, 2 * np.pi, 3)
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    angle, distance = np.arctan2(across, along), np.hypot(across * random.uniform(1.2, 1.9), along)
    arms, radius = (0.08, 0.2) if kind else (0.3, 0.34)
    waves = np.sin(3 * angle + phase) + 0.5 * np.sin(5 * angle + bend)
    edge = side * radius * random.uniform(0.9, 1.1) * (1 + arms * waves)
    inside = 1 / (1 + np.exp((distance - edge) / 1.5))
    fibers = 1.0 if kind else 0.65 + 0.35 * np.sin(across * 60 / side)
    grain = ndimage.gaussian_filter(random.normal(0, 1, (side, side)), side / 25)
    grain *= 0.25 / grain.std()
    inside *= np.clip(fibers + grain, 0.2, None)
    clean = 300 + 6000 * inside
    return np.asarray(np.clip(random.normal(clean, 25), 0, 65535), dtype=np.uint16)


def sample_populations(folder: Path, count: int = 40) -> Path:
    """Write ``images/001.tif ...``, kinds in turn, and ``labels.csv`` with the classes' names beside it.

    Parameters
    ----------
    folder : Path
        A new or empty one.
    count : int
        Images.

    Returns
    -------
    Path
        The folder of the images.

    Raises
    ------
    ExportError
        If the folder is not empty or cannot be written.
    """
    with new_folder(folder) as staged:
        (staged / "images").mkdir()
        for number in range(1, count + 1):
            tifffile.imwrite(staged / "images" / f"{number:03d}.tif", cell_image(number % 2, number))
        rows = "".join(f"{number},{number % 2}\n" for number in range(1, count + 1))
        (staged / "labels.csv").write_text(f"image_id,is_homogenous\n{rows}", encoding="utf-8")
        names = json.dumps({"classes": CLASSES}, indent=2)
        (staged / "labels.csv.json").write_text(names, encoding="utf-8")
    return folder / "images"
