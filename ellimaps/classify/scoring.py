"""How many answers of a classifier are right, by class."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ellimaps.classify.deep_model import DeepModel
from ellimaps.classify.images import read_image
from ellimaps.classify.population_model import PopulationModel
from ellimaps.classify.training_labels import Labels
from ellimaps.core.errors import SettingError
from ellimaps.core.parallel import ordered_map
from ellimaps.core.progress import Progress, no_progress


@dataclass(frozen=True)
class FolderScore:
    """Right answers and images of each class of the model."""

    classes: list[Any]
    right: list[int]
    counts: list[int]

    @property
    def score(self) -> float:
        """The product of the recalls of the classes that occur: a0 * a1 / (n0 * n1) for two."""
        return float(np.prod([a / n for a, n in zip(self.right, self.counts, strict=True) if n]))

    def facts(self) -> dict[str, Any]:
        """Return ``score``, then right answers ``a0, a1, ...`` and counts ``n0, n1, ...`` by class."""
        right = {f"a{label}": a for label, a in zip(self.classes, self.right, strict=True)}
        counts = {f"n{label}": n for label, n in zip(self.classes, self.counts, strict=True)}
        return {"score": self.score, **right, **counts}


def score_folder(
    model: PopulationModel | DeepModel,
    images: str | Path,
    labels: Labels,
    on_progress: Progress = no_progress,
) -> FolderScore:
    """Classify all labelled images of a folder and count.

    Parameters
    ----------
    model : PopulationModel or DeepModel
        What answers.
    images : str or Path
        Folder of the images.
    labels : Labels
        Of :func:`ellimaps.classify.training_labels.read_labels`.
    on_progress : callable, optional
        Told of images classified.

    Raises
    ------
    ReadError
        If an image cannot be read.
    SettingError
        If a label is not among the model's classes.
    """
    unknown = [label for label in labels.classes if label not in model.classes]
    if unknown:
        raise SettingError(f"The model knows {model.classes} of {model.label_name}, not {unknown[0]!r}.")
    folder, table = Path(images), labels.table
    right = dict.fromkeys(model.classes, 0)
    files = table["file"].tolist()
    answers = ordered_map(lambda name: model.predict(*read_image(folder / name)).label, files)
    for number, (answer, label) in enumerate(zip(answers, table["label"], strict=True)):
        right[label] += answer == label
        on_progress(number + 1, len(files), "classifying images")
    counts = [int((table["label"] == label).sum()) for label in model.classes]
    return FolderScore(list(model.classes), list(right.values()), counts)
