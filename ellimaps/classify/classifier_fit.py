"""Fitting the classifier of measurements: probabilities calibrated, answers chosen for the score.

Everything that is chosen is chosen by cross-validation inside the rows given, which keeps groups together;
so a score of held-out rows is not flattered by it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ellimaps.classify.calibrated_classifier import CalibratedClassifier, LinearLogOdds
from ellimaps.core.errors import SettingError

# Five or ten are the convention (Hastie et al., The Elements of Statistical Learning, 2009, section 7.10);
# five leave about four images of the rarer class in each part of the 104 images of bench_classify.py.
FOLDS = 5
_COUNTS = (4, 8, 16)
"""How many measurements each of the averaged regressions takes: octaves of the 29 there are."""

# Inverse strength of the penalty: weak, since the choice of few measurements regularizes already.
_STRENGTH = 10.0


def recall_product(truth: NDArray[np.intp], answers: NDArray[np.intp], n_classes: int) -> float:
    """Return the product of the recalls of all classes: a0 * a1 / (n0 * n1) for two."""
    return float(np.prod([(answers[truth == c] == c).mean() for c in range(n_classes)]))


def grouped_folds(
    truth: NDArray[np.intp], groups: NDArray[np.intp], seed: int
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Return rows to train on and rows held out, stratified by class, groups kept together.

    Parameters
    ----------
    truth : ndarray of int, shape (image,)
        Class of each, from 0.
    groups : ndarray of int, shape (image,)
        Images of a group are never on both sides.
    seed : int
        Of the draw.

    Raises
    ------
    SettingError
        If a class has fewer than two groups.
    """
    from sklearn.model_selection import StratifiedGroupKFold  # type: ignore[import-untyped]

    fewest = min(len(np.unique(groups[truth == c])) for c in np.unique(truth))
    if fewest < 2:
        raise SettingError("Every class needs at least two different images: label more.")
    folds = StratifiedGroupKFold(min(FOLDS, fewest), shuffle=True, random_state=seed)
    parts = [(np.asarray(a), np.asarray(b)) for a, b in folds.split(truth, truth, groups)]
    # A fold in which a class is missing can teach nothing about it.
    return [(a, b) for a, b in parts if len(np.unique(truth[a])) == len(np.unique(truth)) and len(b)]


def fit_classifier(
    rows: NDArray[np.float64], truth: NDArray[np.intp], groups: NDArray[np.intp], seed: int
) -> CalibratedClassifier:
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
    held = np.concatenate([_line(rows[a], truth[a]).log_odds(rows[b]) for a, b in folds])
    held_truth = truth[np.concatenate([test for _, test in folds])]
    calibration = _calibration(held, held_truth)
    weights = _best_weights(calibration, held, held_truth)
    return CalibratedClassifier(_line(rows, truth), calibration, weights)


def _line(rows: NDArray[np.float64], truth: NDArray[np.intp]) -> LinearLogOdds:
    """Fit logistic regressions on few, more and many measurements, and average them.

    Which measurements separate best changes with the images drawn; the average changes less than any of them.
    """
    center, scale = rows.mean(axis=0), rows.std(axis=0)
    scale[scale < 1e-9 * np.maximum(np.abs(center), 1)] = 1.0
    standard = (rows - center) / scale
    order = np.argsort(-_separation(standard, truth), kind="stable")
    fitted = [_logistic(standard, truth, np.sort(order[:count])) for count in _COUNTS]
    slopes = np.mean([slope for slope, _ in fitted], axis=0)
    return LinearLogOdds(center, scale, slopes, np.mean([intercept for _, intercept in fitted], axis=0))


def _separation(standard: NDArray[np.float64], truth: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return how far apart the classes are in each measurement (F of the analysis of variance)."""
    classes = [standard[truth == c] for c in np.unique(truth)]
    between = sum(len(one) * one.mean(axis=0) ** 2 for one in classes)
    within = sum(((one - one.mean(axis=0)) ** 2).sum(axis=0) for one in classes)
    return np.asarray(between / np.maximum(within, 1e-12))


def _logistic(
    standard: NDArray[np.float64], truth: NDArray[np.intp], chosen: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return slopes over all measurements (0 for those not chosen), and intercepts."""
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

    fitted = LogisticRegression(C=_STRENGTH, class_weight="balanced", max_iter=2000)
    fitted.fit(standard[:, chosen], truth)
    slopes = np.zeros((len(fitted.coef_), standard.shape[1]))
    slopes[:, chosen] = fitted.coef_
    return slopes, np.asarray(fitted.intercept_, dtype=float)


def _calibration(values: NDArray[np.float64], truth: NDArray[np.intp]) -> Any:
    """Fit probabilities to held-out log-odds (Platt scaling)."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=1.0, max_iter=2000).fit(values, truth)


def _best_weights(
    calibration: Any, held: NDArray[np.float64], truth: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return the weights of the classes: neutral ones, unless held-out answers are clearly better by others.

    Neutral is undecided where the log-odds are, as they were fitted with classes of the same weight. The best
    threshold among few images of a class is mostly chance, so it must be better by more than one standard
    error (Breiman et al., Classification and Regression Trees, 1984, section 3.4.3).
    """
    log_p = np.log(np.clip(calibration.predict_proba(held), 1e-12, 1))
    n_classes = log_p.shape[1]
    shifts = -np.log(np.clip(calibration.predict_proba(np.zeros((1, held.shape[1])))[0], 1e-12, 1))
    # With more classes the shifts depend on each other and are gone through again.
    for _ in range(3 if n_classes > 2 else 1):
        for c in range(1, n_classes):
            shifts[c] += _best_shift(log_p + shifts, c, truth, n_classes)
    weights = np.exp(shifts)
    return np.asarray(weights / weights.sum())


def _best_shift(log_p: NDArray[np.float64], c: int, truth: NDArray[np.intp], n_classes: int) -> float:
    """Return what to add to a class's log-probabilities: the middle of the widest best interval, or 0."""
    others = np.delete(log_p, c, axis=1)
    own = others.max(axis=1) - log_p[:, c]
    needed = np.sort(own)
    limits = np.concatenate([[needed[0] - 1], needed, [needed[-1] + 1]])
    middles = (limits[:-1] + limits[1:]) / 2
    rivals = others.argmax(axis=1)
    rivals = rivals + (rivals >= c)
    answers = [np.where(own < shift, c, rivals) for shift in (0.0, *middles)]
    unmoved, *scores = (recall_product(truth, one, n_classes) for one in answers)
    if max(scores) <= unmoved + _standard_error(truth, answers[0], n_classes):
        return 0.0
    best = np.flatnonzero(np.array(scores) >= max(scores) - 1e-12)
    return float(middles[best[np.argmax(np.diff(limits)[best])]])


def _standard_error(truth: NDArray[np.intp], answers: NDArray[np.intp], n_classes: int) -> float:
    """Return the standard error of the score; no recall counts as certain (Laplace's rule of succession)."""
    counts = np.bincount(truth, minlength=n_classes)
    right = np.bincount(truth[answers == truth], minlength=n_classes)
    recalls = (right + 1) / (counts + 2)
    return float(np.prod(recalls) * np.sqrt(np.sum((1 - recalls) / (recalls * counts))))
