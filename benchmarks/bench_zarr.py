"""An OME-Zarr larger than the memory it may take: 8 GB of images, read and exported within the working set.

Run ``python benchmarks/bench_zarr.py [--json FILE] [--gigabytes 8]``. Beside our reader stands the zarr
library, plane by plane. The store, the temporary file of the stack and the export need three times its size
on the disk of the temporary folder. A second store has one time point in chunks of all focal planes.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from tools import Figures, in_process, machine, report, timed

from ellimaps.readers.planes import PlaneChannel, Planes
from ellimaps.samples.nuclei import nuclei_phantom
from ellimaps.writers import ome_zarr, zarr_array

SIDE_PX, DEPTH, CHANNELS = 4096, 4, 3

STACK = """
import sys
from ellimaps import open_stack
stack = open_stack(sys.argv[1])
figures = {"stack_gb": stack.values.nbytes / 1e9, "sum": float(stack.values[-1].sum(dtype=float))}
"""
PLANES = """
import sys
from ellimaps.readers import opened_image
with opened_image(sys.argv[1]) as (picture, _):
    total = sum(
        float(picture.plane(t, c, z).sum(dtype=float))
        for t in range(picture.shape[0]) for c in range(picture.shape[1]) for z in range(picture.shape[2])
    )
figures = {"sum": total}
"""
LIBRARY = """
import sys, zarr
array = zarr.open_array(sys.argv[1] + "/0", mode="r")
total = sum(
    float(array[t, c, z].sum(dtype=float))
    for t in range(array.shape[0]) for c in range(array.shape[1]) for z in range(array.shape[2])
)
figures = {"sum": total}
"""
EXPORT = """
import sys
from ellimaps import export_image
export_image(sys.argv[1], sys.argv[2])
figures = {}
"""


def picture(gigabytes: float) -> Planes:
    """Return an image of nuclei over time, in three channels and four planes."""
    n_times = max(1, round(gigabytes * 1e9 / (2 * SIDE_PX**2 * DEPTH * CHANNELS)))
    tile = nuclei_phantom((7, 1), size=(1024, 1024), count=220, radius=12).image
    noise = np.random.default_rng(0).integers(0, 64, (SIDE_PX, SIDE_PX), dtype=np.uint16)
    ground = np.tile(tile.astype(np.uint16), (SIDE_PX // 1024, SIDE_PX // 1024))

    def plane(t: int, c: int, z: int) -> NDArray[np.uint16]:
        return ground + np.roll(noise, (17 * t + 5 * c, 29 * z + t), axis=(0, 1))

    return Planes(
        name="large", source=Path("large"), shape=(n_times, CHANNELS, DEPTH, SIDE_PX, SIDE_PX), plane=plane,
        channels=[PlaneChannel(name) for name in ("DNA", "ER", "actin")], file_of=lambda *_: "", files=[],
        times_s=np.full((n_times, CHANNELS), np.nan), pixel_size_um=0.325,
    )  # fmt: skip


def written(large: Planes, store: Path) -> float:
    """Write a store and return how many seconds it took."""
    return timed(lambda: ome_zarr.write_image(large, store, "0.5"))[0]


def size_gb(folder: Path) -> float:
    """Return what the largest size takes on the disk."""
    return sum(path.stat().st_size for path in (folder / "0").rglob("*") if path.is_file()) / 1e9


def in_blocks(store: Path, large: Planes) -> None:
    """Write one time point in chunks of all focal planes."""
    zarr.create_group(
        store=store, zarr_format=3, attributes=zarr.open_group(store.parent / "large.ome.zarr").attrs.asdict()
    )
    array = zarr.create_array(
        store=store / "0", shape=(1, *large.shape[1:]), dtype="uint16", chunks=(1, 1, DEPTH, 512, 512)
    )
    for c in range(CHANNELS):
        array[0, c] = np.stack([large.plane(0, c, z) for z in range(DEPTH)])


def levels(large: Planes) -> dict[str, Any]:
    """Return how far a chunk packs at other levels, and how long that takes."""
    from numcodecs.blosc import Blosc

    chunk = np.ascontiguousarray(large.plane(0, 0, 0)[:1024, :1024])
    found = {}
    for level in (1, 3, 5, 9):
        seconds, packed = timed(lambda level=level: Blosc("zstd", level, 1).encode(chunk), 5)
        found[f"level {level}"] = f"{len(packed) / chunk.nbytes:.1%} in {1000 * seconds:.0f} ms"
    return found


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--gigabytes", type=float, default=8.0, help="of pixels")
    said = parser.parse_args()
    large = picture(said.gigabytes)
    with tempfile.TemporaryDirectory() as name:
        store, blocks = Path(name) / "large.ome.zarr", Path(name) / "blocks.ome.zarr"
        seconds = written(large, store)
        in_blocks(blocks, large)
        figures: Figures = {
            "machine": machine(),
            "store": {
                "planes": int(np.prod(large.shape[:3])),
                "pixels_gb": float(np.prod(large.shape)) * 2 / 1e9,
                "stored_gb": size_gb(store),
                "written_s": seconds,
            },
            "packing (" + zarr_array._PACKING["cname"] + ")": levels(large),
            "open_stack, as commands do": in_process(STACK, store),
            "every plane": in_process(PLANES, store),
            "every plane, zarr library": in_process(LIBRARY, store),
            "every plane, 4 in a chunk": in_process(PLANES, blocks),
            "every plane, 4 in a chunk, zarr library": in_process(LIBRARY, blocks),
            "export to OME-TIFF": in_process(EXPORT, store, Path(name) / "large.ome.tif"),
        }
    report(figures, said.json)


if __name__ == "__main__":
    main()
