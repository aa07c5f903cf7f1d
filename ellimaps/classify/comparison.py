"""Two classifiers on the same labelled images, none of which either was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from scipy.stats import binomtest

from ellimaps.classify.deep_model import DeepModel
from ellimaps.classify.images import read_image
from ellimaps.classify.population_model import PopulationModel
from ellimaps.classify.training_labels import Labels
from ellimaps.core.errors import SettingError
from ellimaps.core.parallel import ordered_map
from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.provenance import sha256

Model = PopulationModel | DeepModel


@dataclass(frozen=True, eq=False)
class ModelComparison:
    """How often each of two models is right.

    Attributes
    ----------
    images : int
        Compared on.
    left_out : int
        Images that one of the two was trained on.
    both, first, second, neither : int
        Images that both answer rightly, the one alone, the other alone, and none.
    p : float
        Probability of such a difference between models that are right alike (McNemar's exact test).
    differing : DataFrame
        ``file, label, first, second``: the images one alone answers rightly, and both answers.
    """

    images: int
    left_out: int
    both: int
    first: int
    second: int
    neither: int
    p: float
    differing: pd.DataFrame


def compare_models(
    first: Model, second: Model, folder: Path, labels: Labels, on_progress: Progress = no_progress
) -> ModelComparison:
    """Ask two models about the same images.

    Parameters
    ----------
    first, second : PopulationModel or DeepModel
        With the same classes.
    folder : Path
        Where the images lie.
    labels : Labels
        What they are.
    on_progress : callable, optional
        Told of images classified.

    Raises
    ------
    ReadError
        If an image cannot be read.
    SettingError
        If the models know other classes, or every image was among those that one was trained on.
    """
    if set(first.classes) != set(second.classes) or not set(labels.classes) <= set(first.classes):
        raise SettingError(
            f"The models and the labels know other classes ({first.classes}, {second.classes}, "
            f"{labels.classes}): choose those of one question."
        )
    taught = {known for model in (first, second) for known in _taught_by(model)}
    files = [file for file in labels.table["file"] if sha256(folder / file) not in taught]
    if not files:
        raise SettingError(
            "Every labelled image is one that a model was trained on and knows the answer of: label others."
        )
    truth = dict(zip(labels.table["file"], labels.table["label"], strict=True))

    def answers(file: str) -> tuple[object, object]:
        image = read_image(folder / file)
        return first.predict(*image).label, second.predict(*image).label

    rows = []
    for number, pair in enumerate(ordered_map(answers, files)):
        rows.append((files[number], truth[files[number]], *pair))
        on_progress(number + 1, len(files), "classifying images")
    table = pd.DataFrame(rows, columns=["file", "label", "first", "second"])
    right = [table[one] == table["label"] for one in ("first", "second")]
    alone = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    return ModelComparison(
        images=len(files),
        left_out=len(labels.table) - len(files),
        both=int((right[0] & right[1]).sum()),
        first=alone[0],
        second=alone[1],
        neither=int((~right[0] & ~right[1]).sum()),
        p=float(binomtest(alone[0], sum(alone)).pvalue) if sum(alone) else 1.0,
        differing=table[right[0] != right[1]].reset_index(drop=True),
    )


def _taught_by(model: Model) -> set[str]:
    hashes = model.provenance.get("inputs_sha256", {})
    return set(hashes.values()) if isinstance(hashes, dict) else set()
