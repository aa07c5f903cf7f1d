"""ellimaps: a workbench for image stacks, screening plates and sensor logs.

From a folder of maps to clusters, spectra and files:

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
    from ellimaps.cells.deep_model import load_classifier
    from ellimaps.cells.detect import detect_circles, detect_nuclei
    from ellimaps.cells.labels import read_labels
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
    from ellimaps.plates.answers import answers
    from ellimaps.plates.embedding import embed
    from ellimaps.plates.evaluation import evaluate
    from ellimaps.plates.plate import read_plate
    from ellimaps.plates.profiles import profile_plate, read_profiles, save_profiles
    from ellimaps.preprocessing import preprocess
    from ellimaps.readers import list_datasets, open_stack
    from ellimaps.samples import sample_cells, sample_ep4, sample_plate, sample_sensors
    from ellimaps.segmentation import Segmentation, segment
    from ellimaps.sensors.anomalies import find_anomalies
    from ellimaps.sensors.conditions import acquisition_conditions
    from ellimaps.sensors.forecast import forecast
    from ellimaps.sensors.logs import open_log
    from ellimaps.sensors.stability import stability_of
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
    "acquisition_conditions",
    "analyse_image",
    "answers",
    "bleaching_curve",
    "correct_intensities",
    "detect_circles",
    "detect_nuclei",
    "embed",
    "errors",
    "estimate_k",
    "evaluate",
    "export_fit",
    "export_segmentation",
    "feature_matrix",
    "find_anomalies",
    "fit_map",
    "fit_shots",
    "forecast",
    "list_datasets",
    "load_classifier",
    "measure_objects",
    "model_text",
    "open_log",
    "open_stack",
    "preprocess",
    "profile_plate",
    "read_labels",
    "read_model",
    "read_plate",
    "read_profiles",
    "run",
    "sample_cells",
    "sample_ep4",
    "sample_plate",
    "sample_sensors",
    "save_profiles",
    "segment",
    "stability_of",
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
    "acquisition_conditions": "sensors.conditions",
    "analyse_image": "cells.analysis",
    "answers": "plates.answers",
    "bleaching_curve": "intensity",
    "correct_intensities": "intensity",
    "detect_circles": "cells.detect",
    "detect_nuclei": "cells.detect",
    "embed": "plates.embedding",
    "estimate_k": "estimation",
    "evaluate": "plates.evaluation",
    "export_fit": "optics.files",
    "export_segmentation": "export",
    "feature_matrix": "features",
    "find_anomalies": "sensors.anomalies",
    "fit_map": "optics.fit",
    "fit_shots": "optics.fit",
    "forecast": "sensors.forecast",
    "list_datasets": "readers",
    "load_classifier": "cells.deep_model",
    "measure_objects": "cells.measure",
    "model_text": "optics.model_file",
    "open_log": "sensors.logs",
    "open_stack": "readers",
    "preprocess": "preprocessing",
    "profile_plate": "plates.profiles",
    "read_labels": "cells.labels",
    "read_model": "optics.model_file",
    "read_plate": "plates.plate",
    "read_profiles": "plates.profiles",
    "run": "pipeline",
    "sample_cells": "samples",
    "sample_ep4": "samples",
    "sample_plate": "samples",
    "sample_sensors": "samples",
    "save_profiles": "plates.profiles",
    "segment": "segmentation",
    "stability_of": "sensors.stability",
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
