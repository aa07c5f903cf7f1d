"""Answers about every image of a folder by classifiers that saw neither it nor its group."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ellimaps.classify.classifier_fit import fit_classifier, grouped_folds, recall_product


@dataclass(frozen=True, eq=False)
class HeldOutAnswers:
    """The held-out answers of one cross-validation: class index and probabilities of each image."""

    answers: NDArray[np.intp]
    probabilities: NDArray[np.float64]
    score: float


def cross_validate(
    rows: NDArray[np.float64],
    truth: NDArray[np.intp],
    groups: NDArray[np.intp],
    seed: int,
    on_fold: Callable[[int, int], None] = lambda _done, _total: None,
) -> HeldOutAnswers:
    """Answer every image by a classifier that saw neither it nor any image of its group.

    Parameters
    ----------
    rows : ndarray, shape (image, measurement)
        Finite.
    truth, groups : ndarray of int, shape (image,)
        Class of each image, from 0, and its group.
    seed : int
        Of the folds.
    on_fold : callable, optional
        Told of folds done, and how many there are.
    """
    n_classes = len(np.unique(truth))
    answers = np.zeros(len(truth), dtype=np.intp)
    probabilities = np.zeros((len(truth), n_classes))
    folds = grouped_folds(truth, groups, seed)
    for number, (train_rows, test) in enumerate(folds):
        classifier = fit_classifier(rows[train_rows], truth[train_rows], groups[train_rows], seed)
        answers[test] = classifier.answers(rows[test])
        probabilities[test] = classifier.probabilities(rows[test])
        on_fold(number + 1, len(folds))
    return HeldOutAnswers(answers, probabilities, recall_product(truth, answers, n_classes))
