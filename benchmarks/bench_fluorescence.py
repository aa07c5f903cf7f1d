"""How fast a fluorescence stack of 1040 x 1392 x 21 goes from a TIFF to files, in processes of its own.

Run ``python benchmarks/bench_fluorescence.py [--json FILE]``. Maps of 1040 x 1392 x 100 are to be done within
25 s; a stack of 21 frames has as many values as 21 of those maps, so the same speed per value is 5.25 s.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from tools import Figures, arguments, in_process, machine, report

from ellimaps.samples.cells import phantom

FRAMES = 21
SIZE = (1040, 1392)
TARGET_S = 25 * FRAMES / 100

RUN = """
import sys, time
from pathlib import Path
start = time.perf_counter()
from ellimaps.maps.pipeline import run
from ellimaps.maps.settings import Settings
k = None if sys.argv[2] == "auto" else int(sys.argv[2])
result = run(Path(sys.argv[1]), Path(sys.argv[3]) / sys.argv[2], Settings(k=k))
figures = {"k": result.segmentation.k, "seconds_with_imports": time.perf_counter() - start}
"""


def stack_file() -> Path:
    """Return a generated 16-bit stack of bleaching discs with noise; made once and kept."""
    file = Path(tempfile.gettempdir()) / "ellimaps-benchmarks" / "fluorescence.tif"
    if not file.is_file():
        file.parent.mkdir(exist_ok=True)
        random = np.random.default_rng(5)
        image = phantom(5, size=SIZE, count=60, radius=(20, 60)).image.astype(float)
        bleaching = np.exp(-np.arange(FRAMES) / 15)
        frames = [image * left * 40 + 900 + random.normal(0, 60, SIZE) for left in bleaching]
        values = np.clip(frames, 0, 65535).astype(np.uint16)
        tifffile.imwrite(file, values, imagej=True, metadata={"axes": "TYX"})
    return file


def whole_way(file: Path) -> dict[str, Any]:
    """Run from the TIFF to the files, with the number of clusters to be found and given."""
    figures: dict[str, Any] = {"target_s": TARGET_S}
    with tempfile.TemporaryDirectory() as out:
        for k in ("auto", "5"):
            found = in_process(RUN, file, k, out)
            figures |= {f"k_{k}_{name}": value for name, value in found.items()}
    return figures


def main() -> None:
    """Measure, print, and write JSON if asked."""
    options = arguments(__doc__)
    figures: Figures = {"machine": machine(), "1040 x 1392 x 21, 16 bit": whole_way(stack_file())}
    report(figures, options.json)


if __name__ == "__main__":
    main()
