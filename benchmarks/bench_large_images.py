"""Nuclei of images too large to be worked on as a whole: counts by tiles and whole, memory, time.

Run ``python benchmarks/bench_large_images.py [--json FILE] [--sides 5000 20000] [--whole 5000]``. Images are
laid together from turned phantoms with noise of their own; one of 20,000 x 20,000 takes 0.8 GB on the disk of
the temporary folder, 3.2 GB more while it is worked on, and a quarter of an hour.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from tools import Figures, in_process, machine, report

from ellimaps.samples.nuclei import nuclei_phantom

PART_PX = 1000
RUN = """
import sys
from ellimaps.batch.cells import CellWork
from ellimaps.objects import analysis
if sys.argv[2] == "whole":
    analysis._WHOLE_PX = 1 << 40
output = CellWork(analysis.CellSettings(kind="nuclei"))(sys.argv[1])
figures = {"nuclei": output.facts["objects"], "label_mb": len(output.files["labels"]) / 1e6}
"""


def write_image(path: Path, side: int) -> None:
    """Write a square image of nuclei that touch where its parts meet."""
    parts = [
        nuclei_phantom((77, number), size=(PART_PX, PART_PX), count=220, radius=12, crowding=0.2).image
        for number in range(4)
    ]
    rng = np.random.default_rng(0)
    image: Any = tifffile.memmap(path, shape=(side, side), dtype=np.uint16)
    for y in range(0, side, PART_PX):
        for x in range(0, side, PART_PX):
            part = np.rot90(parts[rng.integers(len(parts))], rng.integers(4))
            noisy = part + rng.normal(0, 300, part.shape)
            image[y : y + PART_PX, x : x + PART_PX] = np.clip(noisy, 0, 65535)
    image.flush()


def main() -> None:
    """Measure, print, and write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--sides", type=int, nargs="+", default=[5000, 20000], help="pixels, by tiles")
    parser.add_argument("--whole", type=int, nargs="*", default=[5000], help="pixels, as a whole")
    options = parser.parse_args()
    figures: Figures = {"machine": machine()}
    with tempfile.TemporaryDirectory(prefix="bench_large-") as folder:
        for how, sides in (("by tiles", options.sides), ("whole", options.whole)):
            for side in sides:
                path = Path(folder) / f"{side}.tif"
                if not path.is_file():
                    write_image(path, side)
                figures[f"{side} x {side} {how}"] = in_process(RUN, path, how, timeout_s=7200)
    report(figures, options.json)


if __name__ == "__main__":
    main()
