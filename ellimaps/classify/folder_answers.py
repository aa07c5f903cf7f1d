"""A classifier's answers about the images of a folder, and which of them are in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ellimaps.classify.deep_model import DeepModel
from ellimaps.classify.image_features import MEASUREMENTS
from ellimaps.classify.images import read_image
from ellimaps.classify.population_model import PopulationModel
from ellimaps.core.errors import ReadError
from ellimaps.core.parallel import ordered_map
from ellimaps.core.progress import Progress, no_progress


def folder_answers(
    model: PopulationModel | DeepModel,
    folder: Path,
    files: Sequence[str],
    on_progress: Progress = no_progress,
) -> pd.DataFrame:
    """Ask a model about images, an unreadable one among them is told and not raised.

    Parameters
    ----------
    model : PopulationModel or DeepModel
        What answers.
    folder : Path
        Where the images lie.
    files : sequence of str
        Their names.
    on_progress : callable, optional
        Told of images classified.

    Returns
    -------
    DataFrame
        ``file, label, name, probability, doubt, remarks`` and the measurements, the largest doubt first:
        ``probability`` is that of the label; ``doubt`` is 1 where the next class is as likely by the weights
        the answer is chosen with and 0 where none else is; images without an answer come before all, their
        label is None and their doubt 1.
    """
    rows = []
    for number, row in enumerate(ordered_map(lambda name: _row(model, folder, name), files)):
        rows.append(row)
        on_progress(number + 1, len(files), "classifying images")
    table = pd.DataFrame(rows)
    table = table.reindex(columns=[*table.columns, *(one for one in MEASUREMENTS if one not in table)])
    order = np.lexsort((-table["doubt"], table["label"].notna()))
    return table.iloc[order].reset_index(drop=True)


def _row(model: PopulationModel | DeepModel, folder: Path, name: str) -> dict[str, Any]:
    try:
        found = model.predict(*read_image(folder / name))
    except ReadError as error:
        return _no_answer(name, str(error))
    if found.label is None:
        return _no_answer(name, found.warnings[0]) | found.features.measurements
    return {
        "file": name,
        "label": found.label,
        "name": model.name_of(found.label),
        "probability": found.probabilities[found.label],
        "doubt": _doubt(model, np.array([*found.probabilities.values()])),
        "remarks": " ".join(found.warnings),
        **found.features.measurements,
    }


def _no_answer(name: str, reason: str) -> dict[str, Any]:
    return {
        "file": name,
        "label": None,
        "name": "no answer",
        "probability": np.nan,
        "doubt": 1.0,
        "remarks": reason,
    }


def _doubt(model: PopulationModel | DeepModel, probabilities: np.ndarray[Any, Any]) -> float:
    weights = model.classifier.weights if isinstance(model, PopulationModel) else np.ones(len(probabilities))
    second, first = np.sort(probabilities * weights)[-2:]
    return float(2 * second / (first + second))
