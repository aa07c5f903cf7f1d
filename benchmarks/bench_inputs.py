"""What inputs take: a layout in a workbook, by openpyxl, calamine and ellimaps, and how far pictures pack.

Run ``python benchmarks/bench_inputs.py [--json FILE]``. The limits of `ellimaps.plates.measuring.workbook`
and `ellimaps.core.scratch` come from here.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tools import arguments, machine, report, sample_folder, timed

from ellimaps import open_stack, segment
from ellimaps.plates.measuring.wells import well_name
from ellimaps.plates.measuring.workbook import first_sheet
from ellimaps.samples.nuclei import nuclei_phantom


def workbook() -> bytes:
    """Return a layout of 1536 wells with four columns."""
    rows = [
        (well_name(row, column), f"compound {row}-{column}", 0.1 * row, 0)
        for row in range(1, 33)
        for column in range(1, 49)
    ]
    file = io.BytesIO()
    pd.DataFrame(rows, columns=["well", "compound", "dose_um", "control"]).to_excel(
        file, index=False, engine="openpyxl"
    )
    return file.getvalue()


def layouts() -> dict[str, Any]:
    """Return how long a layout takes to read, and what it unpacks to."""
    content = workbook()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
    ways = {
        "openpyxl": lambda: pd.read_excel(io.BytesIO(content), dtype=str, engine="openpyxl"),
        "calamine": lambda: pd.read_excel(io.BytesIO(content), dtype=str, engine="calamine"),
        "ellimaps, bounded": lambda: first_sheet(content),
    }
    seconds = {f"{name} ms": round(1000 * timed(way, 5)[0], 1) for name, way in ways.items()}
    return {
        **seconds,
        "sheet MB": sizes["xl/worksheets/sheet1.xml"] / 1e6,
        "all MB": sum(sizes.values()) / 1e6,
    }


def packing() -> dict[str, float]:
    """Return to how many times less Deflate packs pictures, in their own type."""
    stack = open_stack(sample_folder("terraces"))
    labels = segment(stack, k=4).labels
    pictures: dict[str, NDArray[Any]] = {
        "measured maps": stack.values,
        "nuclei": nuclei_phantom(1).image,
        "labels": labels,
        "zeros": np.zeros((2000, 2000), np.uint8),
    }
    return {
        name: round(one.nbytes / len(zlib.compress(one.tobytes(), 9)), 1) for name, one in pictures.items()
    }


def main() -> None:
    """Run the command line."""
    options = arguments(__doc__)
    report({"machine": machine(), "layout of 1536 wells": layouts(), "packing": packing()}, options.json)


if __name__ == "__main__":
    main()
