"""Generated images of single cells of two kinds, for the tests and pictures of the page Classify."""

from __future__ import annotations

import csv
from pathlib import Path

import tifffile

from ellimaps.samples.populations import cell_image

__all__ = ["cell_image", "write_cells"]


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
