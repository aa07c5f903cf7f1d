"""Results of counting cells, one image broken and some flagged, for the tests of the page Experiments."""

from __future__ import annotations

from pathlib import Path

from ellimaps.batch.cells import CellWork
from ellimaps.batch.runner import run_batch, tree_of
from ellimaps.batch.work import attempt
from ellimaps.objects.cell_settings import CellSettings
from ellimaps.objects.quality import QualityLimits
from ellimaps.samples import sample_cells


def cell_results(root: Path, *, size: tuple[int, int] = (128, 128)) -> Path:
    """Write ``root / acquisitions`` of twelve images and ``root / results / cells``."""
    images = sample_cells(
        root / "acquisitions", dates=1, subjects=2, experiments=2, fovs=3,
        size=size, count=(1, 4), radius=(8, 20), empty=0.2, seed=3,
    )  # fmt: skip
    sorted(images.rglob("fov_*.png"))[0].write_bytes(b"no image")
    out = root / "results" / "cells"
    run_batch(
        tree_of(images, out, None, folders=False),
        CellWork(CellSettings(radius=(8, 25), limits=QualityLimits(count=(2, 9)))),
        out,
        lambda work, tasks: ((task, attempt(work, str(task.item.path), task.files)) for task in tasks),
    )
    return out
