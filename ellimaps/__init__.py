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
    from ellimaps.optics.files import export_fit
    from ellimaps.optics.fit import fit_map, fit_shots
    from ellimaps.optics.materials import Material
    from ellimaps.optics.model import Layer, ThinFilm
    from ellimaps.optics.model_file import model_text, read_model
    from ellimaps.optics.spectra import FitOptions
    from ellimaps.pipeline import Settings, run
    from ellimaps.preprocessing import preprocess
    from ellimaps.readers import list_datasets, open_stack
    from ellimaps.samples import sample_cells, sample_ep4
    from ellimaps.segmentation import Segmentation, segment
    from ellimaps.stack import ImageStack

__all__ = [
    "CellSettings",
    "ClusterEstimate",
    "FitOptions",
    "ImageStack",
    "Layer",
    "Material",
    "Segmentation",
    "Settings",
    "ThinFilm",
    "analyse_image",
    "bleaching_curve",
    "correct_intensities",
    "detect_circles",
    "detect_nuclei",
    "errors",
    "estimate_k",
    "export_fit",
    "export_segmentation",
    "feature_matrix",
    "fit_map",
    "fit_shots",
    "list_datasets",
    "measure_objects",
    "model_text",
    "open_stack",
    "preprocess",
    "read_model",
    "run",
    "sample_cells",
    "sample_ep4",
    "segment",
]

# Imported on first use, so that the command line answers --help without loading NumPy.
_HOMES = {
    "CellSettings": "cells.analysis",
    "ClusterEstimate": "estimation",
    "FitOptions": "optics.spectra",
    "ImageStack": "stack",
    "Layer": "optics.model",
    "Material": "optics.materials",
    "Segmentation": "segmentation",
    "Settings": "pipeline",
    "ThinFilm": "optics.model",
    "analyse_image": "cells.analysis",
    "bleaching_curve": "intensity",
    "correct_intensities": "intensity",
    "detect_circles": "cells.detect",
    "detect_nuclei": "cells.detect",
    "estimate_k": "estimation",
    "export_fit": "optics.files",
    "export_segmentation": "export",
    "feature_matrix": "features",
    "fit_map": "optics.fit",
    "fit_shots": "optics.fit",
    "list_datasets": "readers",
    "model_text": "optics.model_file",
    "measure_objects": "cells.measure",
    "open_stack": "readers",
    "preprocess": "preprocessing",
    "read_model": "optics.model_file",
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
