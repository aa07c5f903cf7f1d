"""Training a classifier on a labelled folder, and an honest estimate of how good it will be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.classify.calibrated_classifier import CalibratedClassifier
from ellimaps.classify.classifier_fit import FOLDS, fit_classifier
from ellimaps.classify.cross_validation import HeldOutAnswers, cross_validate
from ellimaps.classify.drift import training_spread
from ellimaps.classify.image_features import MEASUREMENTS, measure_image
from ellimaps.classify.images import read_image
from ellimaps.classify.intervals import (
    Limits,
    area_limits,
    area_under_curve,
    mean_limits,
    product_limits,
    share_limits,
)
from ellimaps.classify.measured_folder import MeasuredFolder, group_numbers, measure_folder
from ellimaps.classify.picture_measures import telling_measures
from ellimaps.classify.population_model import PopulationModel
from ellimaps.classify.training_labels import Labels
from ellimaps.core.errors import SettingError
from ellimaps.core.parallel import one_thread
from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.provenance import software_facts
from ellimaps.images.outlines import overlay_png

REPEATS = 10
"""Of the cross-validation: enough for the spread between draws of folds, 4 s for a hundred images."""

# What a page of mistakes holds: more are not looked through, and each is in the HTML.
MAX_PICTURES = 24
PICTURE_PX = 360


@dataclass(frozen=True, eq=False)
class TrainingReport:
    """How good a classifier is on images it was not trained on.

    Attributes
    ----------
    label_name : str
        What is predicted.
    classes : list
        The labels, sorted.
    counts : list of int
        Images of each class.
    scores : list of float
        Product of the recalls, one per repeat of the cross-validation.
    recalls : list of float
        Of each class, mean over the repeats.
    cells : list of int
        Different cells, or groups, among the images of each class: what the limits count.
    area : float
        Under the curve of true over false answers (AUC), mean over classes against the rest and repeats.
    class_names : list of str
        What the classes are called.
    confusion : DataFrame
        Mean number of images by true (rows) and answered class (columns).
    importance : DataFrame
        ``measurement, importance``: mean absolute contribution to the log-odds over the images.
    mistakes : DataFrame
        ``file, label, answer, probability, wrong``: images answered wrongly in some repeat, the share of
        the repeats, the commonest wrong answer, and the mean probability of the true class.
    pictures : dict of str to bytes
        PNG with the outline of the cell, by file name, of up to :data:`MAX_PICTURES` mistakes.
    same_cell : list of list of str
        Files kept together, as they show the same cell or share a group.
    warnings : list of str
        What may be wrong with the training images.
    folds, repeats : int
        Of the cross-validation.
    """

    label_name: str
    classes: list[Any]
    counts: list[int]
    scores: list[float]
    recalls: list[float]
    confusion: pd.DataFrame
    importance: pd.DataFrame
    mistakes: pd.DataFrame
    pictures: dict[str, bytes]
    same_cell: list[list[str]]
    warnings: list[str]
    folds: int
    repeats: int
    cells: list[int]
    area: float
    class_names: list[str]
    stand_ins: list[str]
    answers: pd.DataFrame

    @property
    def score(self) -> float:
        """Mean score over the repeats."""
        return float(np.mean(self.scores))

    @property
    def spread(self) -> float:
        """Standard deviation of the score over the repeats."""
        return float(np.std(self.scores, ddof=1)) if len(self.scores) > 1 else 0.0

    @property
    def recall_limits(self) -> list[Limits]:
        """95 % limits of the recalls, by the number of cells; images of one cell are answered alike."""
        return [share_limits(share, count) for share, count in zip(self.recalls, self.cells, strict=True)]

    @property
    def interval(self) -> Limits:
        """95 % limits of the score for new images, from those of the recalls."""
        return product_limits(self.recalls, self.recall_limits)

    @property
    def balanced_accuracy(self) -> float:
        """Mean of the recalls."""
        return float(np.mean(self.recalls))

    @property
    def balanced_limits(self) -> Limits:
        """95 % limits of the balanced accuracy."""
        return mean_limits(self.recalls, self.recall_limits)

    @property
    def area_limits(self) -> Limits:
        """95 % limits of the area under the curve, mean of those of the classes."""
        total = sum(self.cells)
        ends = [area_limits(self.area, count, total - count) for count in self.cells]
        low, high = np.mean(ends, axis=0)
        return float(low), float(high)


@dataclass(frozen=True, eq=False)
class Training:
    """A classifier and how good it is."""

    model: PopulationModel
    report: TrainingReport


def train(
    images: str | Path,
    labels: Labels,
    seed: int = 0,
    on_progress: Progress = no_progress,
    *,
    repeats: int = REPEATS,
) -> Training:
    """Train a classifier on a folder and cross-validate it.

    Parameters
    ----------
    images : str or Path
        Folder of the images.
    labels : Labels
        Of :func:`ellimaps.classify.training_labels.read_labels`.
    seed : int
        Of the folds; the same images, labels and seed give the same model.
    on_progress : callable, optional
        Told of images measured and folds done.
    repeats : int
        Of the cross-validation, each with other folds.

    Raises
    ------
    ReadError
        If an image cannot be read.
    SettingError
        If there are fewer than two classes, or one has fewer than two different images.
    """
    _check(labels)
    measured = measure_folder(images, labels, on_progress)
    return train_on(measured, labels, Path(images), seed, on_progress, repeats=repeats)


def train_on(
    measured: MeasuredFolder,
    labels: Labels,
    folder: Path,
    seed: int = 0,
    on_progress: Progress = no_progress,
    *,
    repeats: int = REPEATS,
) -> Training:
    """Train on images measured before.

    Parameters
    ----------
    measured : MeasuredFolder
        Of :func:`ellimaps.classify.measured_folder.measure_folder`.
    labels : Labels
        Their name is what is predicted.
    folder : Path
        Folder of the images, for pictures of the mistakes.
    seed, on_progress, repeats
        See `train`.
    """
    # The limit on threads below reaches the libraries that are loaded by then.
    import sklearn.linear_model  # type: ignore[import-untyped]  # noqa: F401

    classes, truth = classes_of(measured.labels)
    groups = group_numbers(measured.thumbnails, measured.groups)
    results = []
    # Thousands of tiny fits: threads of the algebra library would only wait for each other.
    with one_thread():
        for number in range(repeats):

            def fold_done(fold: int, folds: int, number: int = number) -> None:
                on_progress(number * folds + fold, repeats * folds, "cross-validating, folds")

            results.append(cross_validate(measured.rows, truth, groups, seed + number, fold_done))
        classifier = fit_classifier(measured.rows, truth, groups, seed)
    model = replace(
        _model(measured, labels, classes, classifier, seed, repeats),
        spread=training_spread(measured.rows, truth),
    )
    report = _report(measured, model, truth, groups, results, folder)
    facts = {"score": report.score, "score_spread": report.spread, "recalls": report.recalls}
    return Training(replace(model, provenance=model.provenance | facts), report)


def classes_of(labels: Sequence[Any]) -> tuple[list[Any], NDArray[np.intp]]:
    """Return the sorted classes, and the index of each label's.

    Raises
    ------
    SettingError
        If there is only one.
    """
    classes = sorted(set(labels))
    if len(classes) < 2:
        raise SettingError(
            f"All images are labelled {classes[0] if classes else 'nothing'}: label two or more classes."
        )
    return classes, np.array([classes.index(label) for label in labels], dtype=np.intp)


def _check(labels: Labels) -> None:
    classes_of(labels.table["label"].tolist())


def _model(
    measured: MeasuredFolder,
    labels: Labels,
    classes: list[Any],
    classifier: CalibratedClassifier,
    seed: int,
    repeats: int,
) -> PopulationModel:
    known = [size for size in measured.pixel_sizes_um if size is not None]
    return PopulationModel(
        label_name=labels.name,
        classes=classes,
        measurements=list(MEASUREMENTS),
        classifier=classifier,
        typical=np.median(measured.rows, axis=0),
        low=measured.rows.min(axis=0),
        high=measured.rows.max(axis=0),
        unit=measured.unit,
        pixel_size_um=float(np.median(known)) if known else None,
        provenance={
            "software": software_facts(),
            "seed": seed,
            "folds": FOLDS,
            "repeats": repeats,
            "images": len(measured.files),
            "inputs_sha256": measured.hashes,
        },
        class_names=labels.class_names,
    )


def _report(
    measured: MeasuredFolder,
    model: PopulationModel,
    truth: NDArray[np.intp],
    groups: NDArray[np.intp],
    results: list[HeldOutAnswers],
    folder: Path,
) -> TrainingReport:
    n, names = len(model.classes), [model.name_of(one) for one in model.classes]
    confusion = np.mean([_confusion(truth, result.answers, n) for result in results], axis=0)
    mistakes = _mistakes(measured, model.classes, truth, results)
    together = [np.flatnonzero(groups == g) for g in np.unique(groups)]
    return TrainingReport(
        label_name=model.label_name,
        classes=model.classes,
        counts=[int((truth == c).sum()) for c in range(n)],
        scores=[result.score for result in results],
        recalls=[float(confusion[c, c] / confusion[c].sum()) for c in range(n)],
        confusion=pd.DataFrame(confusion, index=model.classes, columns=model.classes),
        importance=_importance(measured, model),
        mistakes=mistakes,
        pictures={file: outline_png(folder / file) for file in mistakes["file"][:MAX_PICTURES]},
        same_cell=[[measured.files[i] for i in rows] for rows in together if len(rows) > 1],
        warnings=measured.warnings,
        folds=FOLDS,
        repeats=len(results),
        cells=[len(np.unique(groups[truth == c])) for c in range(n)],
        area=_area(truth, results),
        class_names=names,
        stand_ins=telling_measures(measured.pictures, truth, names),
        answers=_answers(measured, model.classes, truth, results),
    )


def _answers(
    measured: MeasuredFolder, classes: list[Any], truth: NDArray[np.intp], results: list[HeldOutAnswers]
) -> pd.DataFrame:
    votes = np.array([[np.sum(column == c) for c in range(len(classes))] for column in _columns(results)])
    commonest = votes.argmax(axis=1)
    return pd.DataFrame(
        {
            "file": measured.files,
            "label": [classes[c] for c in truth],
            "answer": [classes[c] for c in commonest],
        }
    )


def _columns(results: list[HeldOutAnswers]) -> NDArray[np.intp]:
    """Return the answers, shape (image, repeat)."""
    return np.array([result.answers for result in results]).T


def _area(truth: NDArray[np.intp], results: list[HeldOutAnswers]) -> float:
    areas = [
        area_under_curve(probabilities, truth == c)
        for result in results
        for c, probabilities in enumerate(result.probabilities.T)
    ]
    return float(np.mean(areas))


def _confusion(truth: NDArray[np.intp], answers: NDArray[np.intp], n: int) -> NDArray[np.float64]:
    table = np.zeros((n, n))
    np.add.at(table, (truth, answers), 1)
    return table


def _importance(measured: MeasuredFolder, model: PopulationModel) -> pd.DataFrame:
    pulls = [
        np.mean(
            [np.abs(model.classifier.pulls(row, model.typical, c)) for c in range(len(model.classes))], axis=0
        )
        for row in measured.rows
    ]
    table = pd.DataFrame({"measurement": model.measurements, "importance": np.mean(pulls, axis=0)})
    table = table[table["importance"] > 0]
    return table.sort_values("importance", ascending=False, kind="stable").reset_index(drop=True)


def _mistakes(
    measured: MeasuredFolder, classes: list[Any], truth: NDArray[np.intp], results: list[HeldOutAnswers]
) -> pd.DataFrame:
    answers = np.array([result.answers for result in results])
    own = np.mean([result.probabilities[np.arange(len(truth)), truth] for result in results], axis=0)
    rows = []
    for i in np.flatnonzero((answers != truth).any(axis=0)):
        wrong = answers[:, i][answers[:, i] != truth[i]]
        rows.append(
            {
                "file": measured.files[i],
                "label": classes[truth[i]],
                "answer": classes[int(np.bincount(wrong).argmax())],
                "probability": float(own[i]),
                "wrong": len(wrong) / len(results),
            }
        )
    table = pd.DataFrame(rows, columns=["file", "label", "answer", "probability", "wrong"])
    return table.sort_values(["wrong", "file"], ascending=[False, True]).reset_index(drop=True)


def outline_png(path: Path) -> bytes:
    """Return an image with the outline of its cell as a small PNG."""
    values, _ = read_image(path)
    features = measure_image(values)
    grey = values if values.ndim == 2 else values.mean(axis=0)
    step = max(1, -(-max(grey.shape) // PICTURE_PX))
    mask = features.mask[::step, ::step].astype(np.int32)
    return overlay_png(grey[::step, ::step], mask)
