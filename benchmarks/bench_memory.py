"""A stack larger than the memory it may take: 8 GB of maps, segmented within 2 GB.

Run ``python benchmarks/bench_memory.py [--json FILE] [--gigabytes 8]``. The folder of 4096 x 4096 maps is
made of a generated measurement laid side by side, with noise of its own everywhere; it and the temporary file
need twice the stack's size on the disk of the temporary folder. A crop goes the way in memory as well, and
the labels are compared.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from tools import in_process, machine, report, sample_folder

from ellimaps.maps.pipeline import load
from ellimaps.maps.settings import Settings
from ellimaps.samples.ep4_files import map_png

SIDE_PX = 4096
NOISE_DEG = 0.05
WORKING_SET_GB = 1.5

RUN = """
import sys
import numpy as np
from ellimaps.maps.pipeline import run
from ellimaps.maps.settings import Settings
side = int(sys.argv[4])
settings = Settings(k=5, roi=(0, side, 0, side)) if side else Settings(k=5)
working_set = float(sys.argv[3])
result = run(sys.argv[1], sys.argv[2], settings, working_set_gb=working_set)
found = result.segmentation
np.savez(sys.argv[5], labels=found.labels[:1024, :1024], centers=found.centers)
figures = {f"{step}_s": seconds for step, seconds in result.seconds.items()}
figures |= {"stack_gb": found.stack.values.nbytes / 1e9, "inertia": found.inertia}
"""


def write_maps(folder: Path, gigabytes: float) -> int:
    """Write a measurement of large maps and return how many wavelengths it has."""
    small = load(sample_folder("tile", size=(1024, 1024), bands=8, kinds=5, seed=4), Settings())
    bands = max(1, round(gigabytes * 1e9 / (2 * 4 * SIDE_PX**2)))
    rng = np.random.default_rng(0)
    rows = ["#lambda\tAOI\tDelta\tPsi", "#nm\tdeg\tdeg\tdeg"]
    pairs = small.pairs()
    aoi_deg = float(pairs["aoi_deg"].iloc[0])
    for number in range(bands):
        pair = pairs.iloc[number % len(pairs)]
        wavelength = 400.0 + number
        names = []
        for quantity, band in (("Delta", int(pair["delta"])), ("Psi", int(pair["psi"]))):
            tiles = np.tile(small.values[band], (SIDE_PX // 1024, SIDE_PX // 1024))
            tiles += NOISE_DEG * rng.standard_normal(tiles.shape, dtype=np.float32)
            names.append(f"large_{number:03}_{quantity}.png")
            (folder / names[-1]).write_bytes(map_png(tiles, quantity, wavelength, aoi_deg))
        rows.append(f"{wavelength}\t{aoi_deg}\t{names[0]}\t{names[1]}")
    (folder / "large.ds.dat").write_text("\r\n".join(rows) + "\r\n")
    return bands


def measure(gigabytes: float) -> dict[str, Any]:
    """Run the whole stack within the working set, and a crop in memory and out of it."""
    with tempfile.TemporaryDirectory() as name:
        folder, out = Path(name) / "maps", Path(name) / "out"
        folder.mkdir()
        print(f"writing {gigabytes:g} GB of maps to {folder}", file=sys.stderr)
        bands = write_maps(folder, gigabytes)
        whole = in_process(RUN, folder, out, WORKING_SET_GB, 0, Path(name) / "whole.npz")
        shutil.rmtree(out, ignore_errors=True)
        crop = [
            in_process(RUN, folder, out, memory, 1024, Path(name) / f"{what}.npz")
            for what, memory in (("memory", 100.0), ("file", 0.1))
        ]
        figures = {f"whole_{key}": value for key, value in whole.items()} | {"wavelengths": bands}
        if "failed" in whole or any("failed" in one for one in crop):
            return figures | {"crop": crop}
        labels = [np.load(Path(name) / f"{what}.npz") for what in ("whole", "memory", "file")]
        same = np.array_equal(labels[1]["labels"], labels[2]["labels"])
        figures["crop_equal_in_memory_and_in_a_file"] = bool(
            same and np.array_equal(labels[1]["centers"], labels[2]["centers"])
        )
        figures["crop_pixels_as_in_the_whole"] = float(np.mean(labels[0]["labels"] == labels[1]["labels"]))
        figures["peak_gb"] = whole["peak_mb"] * 1.048576e-3
        return figures


def main() -> None:
    """Measure, print, and write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--gigabytes", type=float, default=8.0, help="size of the stack")
    options = parser.parse_args()
    figures = {"machine": machine(), "larger than memory": measure(options.gigabytes)}
    report(figures, options.json)


if __name__ == "__main__":
    main()
