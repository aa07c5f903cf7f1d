"""ellimaps: a workbench for image stacks, from a folder of maps to clusters, spectra and files.

>>> import ellimaps
>>> stack = ellimaps.preprocess(ellimaps.open_stack(path))
>>> estimate = ellimaps.estimate_k(stack)
>>> segmentation = ellimaps.segment(stack, k=estimate.suggested_k)
>>> ellimaps.export_segmentation(segmentation, out)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ellimaps import errors as errors
    from ellimaps.cells.analysis import CellSettings, analyse_image
    from ellimaps.cells.detect import detect_circles, detect_nuclei
    from ellimaps.cells.measure import measure_objects
    from ellimaps.estimation import ClusterEstimate, estimate_k
    from ellimaps.export import export_segmentation
    from ellimaps.features import feature_matrix
    from ellimaps.intensity import bleaching_curve, correct_intensities
    from ellimaps.pipeline import Settings, run
    from ellimaps.preprocessing import preprocess
    from ellimaps.readers import list_datasets, open_stack
    from ellimaps.samples import sample_cells, sample_ep4
    from ellimaps.segmentation import Segmentation, segment
    from ellimaps.stack import ImageStack

__all__ = [
    "CellSettings",
    "ClusterEstimate",
    "ImageStack",
    "Segmentation",
    "Settings",
    "analyse_image",
    "bleaching_curve",
    "correct_intensities",
    "detect_circles",
    "detect_nuclei",
    "errors",
    "estimate_k",
    "export_segmentation",
    "feature_matrix",
    "list_datasets",
    "measure_objects",
    "open_stack",
    "preprocess",
    "run",
    "sample_cells",
    "sample_ep4",
    "segment",
]

# Imported on first use, so that the command line answers --help without loading NumPy.
_HOMES = {
    "CellSettings": "cells.analysis",
    "ClusterEstimate": "estimation",
    "ImageStack": "stack",
    "Segmentation": "segmentation",
    "Settings": "pipeline",
    "analyse_image": "cells.analysis",
    "bleaching_curve": "intensity",
    "correct_intensities": "intensity",
    "detect_circles": "cells.detect",
    "detect_nuclei": "cells.detect",
    "estimate_k": "estimation",
    "export_segmentation": "export",
    "feature_matrix": "features",
    "list_datasets": "readers",
    "measure_objects": "cells.measure",
    "open_stack": "readers",
    "preprocess": "preprocessing",
    "run": "pipeline",
    "sample_cells": "samples",
    "sample_ep4": "samples",
    "segment": "segmentation",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("ellimaps")
    if name == "errors":
        return import_module("ellimaps.errors")
    if name in _HOMES:
        return getattr(import_module(f"ellimaps.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'ellimaps' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
