"""Fitting the classifier of measurements: few settings tried, probabilities calibrated, answers chosen for the score.

Everything that is chosen is chosen by cross-validation inside the rows given, which keeps groups together;
so a score of held-out rows is not flattered by it.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ellimaps.cells.population_model import Decider, calibrated, log_odds
from ellimaps.errors import SettingError

FOLDS = 5
_COUNTS = (8, 16, 0)
_STRENGTHS = (1.0, 10.0)
_PASSES = 3


def score(truth: NDArray[np.intp], answers: NDArray[np.intp], n_classes: int) -> float:
    """Return the product of the recalls of all classes: a0 * a1 / (n0 * n1) for two."""
    return float(np.prod([(answers[truth == c] == c).mean() for c in range(n_classes)]))


def grouped_folds(
    truth: NDArray[np.intp], groups: NDArray[np.intp], seed: int
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Return rows to train on and rows held out, stratified by class, groups kept together.

    Raises
    ------
    SettingError
        If a class has fewer than two groups.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    fewest = min(len(np.unique(groups[truth == c])) for c in np.unique(truth))
    if fewest < 2:
        raise SettingError("Every class needs at least two different images: label more.")
    folds = StratifiedGroupKFold(min(FOLDS, fewest), shuffle=True, random_state=seed)
    parts = [(np.asarray(a), np.asarray(b)) for a, b in folds.split(truth, truth, groups)]
    # A fold in which a class is missing can teach nothing about it.
    return [(a, b) for a, b in parts if len(np.unique(truth[a])) == len(np.unique(truth)) and len(b)]


def fit_decider(
    rows: NDArray[np.float64], truth: NDArray[np.intp], groups: NDArray[np.intp], seed: int
) -> Decider:
    """Fit a classifier.

    Parameters
    ----------
    rows : ndarray, shape (image, measurement)
        Finite.
    truth : ndarray of int, shape (image,)
        Class of each, from 0.
    groups : ndarray of int, shape (image,)
        Images of a group are never on both sides of a fold.
    seed : int
        Of the folds.
    """
    folds = grouped_folds(truth, groups, seed)
    tried = [
        _held_out(rows, truth, folds, count, strength)
        for count, strength in itertools.product(_COUNTS, _STRENGTHS)
        if count < rows.shape[1]
    ]
    settings = [s for s in itertools.product(_COUNTS, _STRENGTHS) if s[0] < rows.shape[1]]
    places = np.concatenate([test for _, test in folds])
    values, calibrations, losses = [], [], []
    for held in tried:
        calibration = _calibration(held, truth[places])
        values.append(held)
        calibrations.append(calibration)
        losses.append(_log_loss(calibrated(calibration, held), truth[places]))
    best = int(np.argmin(losses))
    probabilities = calibrated(calibrations[best], values[best])
    weights = _best_weights(probabilities, truth[places])
    return Decider(_pipeline(*settings[best]).fit(rows, truth), calibrations[best], weights)


def _pipeline(count: int, strength: float) -> Any:
    """Return an unfitted classifier on the measurements that separate best (all for 0)."""
    from sklearn.feature_selection import SelectKBest, f_classif
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    return Pipeline(
        [
            ("scale", StandardScaler()),
            ("choose", SelectKBest(f_classif, k=count or "all")),
            ("classify", LogisticRegression(C=strength, class_weight="balanced", max_iter=2000)),
        ]
    )


def _held_out(
    rows: NDArray[np.float64],
    truth: NDArray[np.intp],
    folds: list[tuple[NDArray[np.intp], NDArray[np.intp]]],
    count: int,
    strength: float,
) -> NDArray[np.float64]:
    """Return the log-odds of every held-out row, fold after fold."""
    return np.concatenate(
        [log_odds(_pipeline(count, strength).fit(rows[a], truth[a]), rows[b]) for a, b in folds]
    )


def _calibration(values: NDArray[np.float64], truth: NDArray[np.intp]) -> Any:
    """Fit probabilities to held-out log-odds (Platt scaling)."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=1.0, max_iter=2000).fit(values, truth)


def _log_loss(probabilities: NDArray[np.float64], truth: NDArray[np.intp]) -> float:
    """Return the log loss, every class counting the same however rare."""
    losses = -np.log(np.clip(probabilities[np.arange(len(truth)), truth], 1e-12, 1))
    return float(np.mean([losses[truth == c].mean() for c in np.unique(truth)]))


def _best_weights(probabilities: NDArray[np.float64], truth: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the weights of the classes with the best score; the middle of equally good ones."""
    n_classes = probabilities.shape[1]
    log_p = np.log(np.clip(probabilities, 1e-12, 1))
    shifts = np.zeros(n_classes)
    for _ in range(_PASSES if n_classes > 2 else 1):
        for c in range(1, n_classes):
            shifts[c] = _best_shift(log_p + shifts, c, truth, n_classes) + shifts[c]
    weights = np.exp(shifts)
    return np.asarray(weights / weights.sum())


def _best_shift(log_p: NDArray[np.float64], c: int, truth: NDArray[np.intp], n_classes: int) -> float:
    """Return what to add to a class's log-probabilities: the middle of the widest best interval."""
    others = np.delete(log_p, c, axis=1)
    needed = np.sort(others.max(axis=1) - log_p[:, c])
    limits = np.concatenate([[needed[0] - 1], needed, [needed[-1] + 1]])
    middles = (limits[:-1] + limits[1:]) / 2
    rivals = others.argmax(axis=1)
    rivals = rivals + (rivals >= c)
    own = others.max(axis=1) - log_p[:, c]
    scores = np.array([score(truth, np.where(own < m, c, rivals), n_classes) for m in middles])
    best = np.flatnonzero(scores >= scores.max() - 1e-12)
    return float(middles[best[np.argmax(np.diff(limits)[best])]])
